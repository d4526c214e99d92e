"""Samples the beginning of a file for the ``sniff`` functions of the formats.

The content determines the format; the name only decides between formats that the content allows. The rules are in the
format modules; ``registry.detect`` applies them.
"""

from __future__ import annotations

import csv
import re
import stat
from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from pathlib import Path

from iouviewer.formats.encodings import UnknownEncodingError, find_encoding

SAMPLE_BYTES = 1 << 16
MAX_SAMPLE_LINES = 20
BINARY_HEADS = (b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x89HDF", b"\x93NUMPY")
"""Beginnings of binary files that need not have a zero byte soon: pickles, HDF5, NumPy."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


class Syntax(Enum):
    """The general kind of a file, known before its content is interpreted."""

    ZIP = auto()
    XML = auto()
    JSON = auto()
    TABLE = auto()
    PARQUET = auto()
    BINARY = auto()


@dataclass(frozen=True)
class FileSample:
    """The first ``SAMPLE_BYTES`` of a file.

    Attributes:
        text: decoded as UTF-8 without byte order mark and leading whitespace; invalid bytes are replaced. Empty for
            files that are no text.
        head: the first bytes as they are.
    """

    path: Path
    syntax: Syntax
    text: str
    head: bytes = b""

    @classmethod
    def read(cls, path: Path) -> FileSample:
        """The beginning of a file. OSError as it comes."""
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe waits for somebody who writes to it
            return cls(path, Syntax.BINARY, "")
        with path.open("rb") as file:
            head = file.read(SAMPLE_BYTES)
        if head.startswith(b"PK"):
            return cls(path, Syntax.ZIP, "", head)
        if head.startswith(b"PAR1"):
            return cls(path, Syntax.PARQUET, "", head)
        encoding = _encoding_of(head)
        if not encoding or any(head.startswith(one) for one in BINARY_HEADS):
            return cls(path, Syntax.BINARY, "", head)
        text = head.decode(encoding, errors="replace").lstrip()
        if text.startswith("<"):
            return cls(path, Syntax.XML, text)
        return cls(path, Syntax.JSON if text.startswith(("{", "[")) else Syntax.TABLE, text)

    @property
    def is_partial(self) -> bool:
        """Whether the file is probably longer than the sample (characters may take several bytes)."""
        return len(self.text) >= SAMPLE_BYTES // 2

    def read_all(self) -> FileSample:
        """A sample with the whole text of the file."""
        data = self.path.read_bytes()
        text = data.decode(_encoding_of(data[:SAMPLE_BYTES]) or "utf-8", errors="replace")
        return replace(self, text=text.lstrip())

    @cached_property
    def xml_root(self) -> str:
        """Tag of the XML root element, empty if the sample ends before it."""
        root = re.search(r"<([A-Za-z_][\w.-]*)[\s>/]", re.sub(r"<\?.*?\?>|<!--.*?-->", "", self.text, flags=re.DOTALL))
        return root[1] if root else ""

    def has_keys(self, *keys: str) -> bool:
        """Whether all these names occur as JSON keys, at any depth."""
        # Looking for the plain name first is many times faster in long texts.
        return all(f'"{key}"' in self.text and re.search(rf'"{key}"\s*:', self.text) for key in keys)

    @cached_property
    def lines(self) -> list[str]:
        """Lines of a table without blank lines and ``#`` comments."""
        return [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    @cached_property
    def header(self) -> list[str]:
        """Comma-separated cells of the first line, in lower case and without surrounding blanks."""
        cells = next(csv.reader(self.lines[:1]), [])
        return [cell.strip().lower() for cell in cells]

    @cached_property
    def numeric_rows(self) -> list[list[str]]:
        """Rows of the most common width among those of the first ``MAX_SAMPLE_LINES`` lines with only numbers.

        Other lines are skipped, so one damaged row does not hide the format.
        """
        rows = [cells for line in self.lines[:MAX_SAMPLE_LINES] if all(map(_NUMBER.fullmatch, cells := _split(line)))]
        if not rows:
            return []
        width = Counter(map(len, rows)).most_common(1)[0][0]
        return [row for row in rows if len(row) == width]


def _encoding_of(head: bytes) -> str:
    """Codec of a text by its beginning, which may end within a character; empty for what is no text."""
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3 and b"\0" not in head:
            return "utf-8-sig"
    try:
        return find_encoding(head)
    except UnknownEncodingError:
        return "" if b"\0" in head else "utf-8-sig"


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().rstrip(",").split(",")] if "," in line else line.split()
