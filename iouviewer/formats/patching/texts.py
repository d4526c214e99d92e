"""The files of a source as texts that are changed in places, and numbers that change only where they must."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from iouviewer.errors import UserError
from iouviewer.formats.encodings import UnknownEncodingError, find_encoding
from iouviewer.formats.number_text import DECIMALS, exact_text, short_text
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

NUMBER_TOLERANCE = 5e-7
"""A number in a file that is this near to the new one stays as it is written: writers round to 6 decimals."""
_UTF_8 = "utf-8"
_ERRORS = "surrogateescape"
"""Bytes of a UTF-8 file that are no text, as in the name of an old file, survive."""
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.-]+)")
_MARKS = (
    (codecs.BOM_UTF8, _UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


class Splice(NamedTuple):
    """Replacement of a part of a text."""

    start: int
    end: int
    text: str


def apply_splices(text: str, splices: Iterable[Splice]) -> str:
    """The text with parts replaced; parts do not overlap, insertions at one place keep their order."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        if start < at:
            raise ValueError(f"parts overlap at {start}")
        parts += (text[at:start], new)
        at = end
    parts.append(text[at:])
    return "".join(parts)


@dataclass(slots=True)
class SourceFiles:
    """The files of a source; patchers change their texts.

    Attributes:
        data: content by path.
        changed: new content of changed and added files.
        lost: number of boxes whose change a file cannot store, by field.
        kept_shapes: number of changed boxes beside which a mask or key points stay as they were.
    """

    data: dict[Path, bytes]
    changed: dict[Path, bytes] = field(default_factory=dict)
    lost: Counter[Field] = field(default_factory=Counter)
    kept_shapes: int = 0

    def text(self, path: Path) -> str:
        """The text of a file as it is now, with its byte order mark."""
        data = self.changed.get(path, self.data.get(path, b""))
        codec = self._codec(path)
        return data.decode(codec, _ERRORS if codec == _UTF_8 else "strict")

    def set_text(self, path: Path, text: str) -> None:
        """Change or add a file in the encoding that it has; nothing where the text is as it was.

        Raises:
            UserError: the encoding lacks a character, for example of a new class name.
        """
        codec = self._codec(path)
        try:
            data = text.encode(codec, _ERRORS if codec == _UTF_8 else "strict")
        except UnicodeEncodeError as error:
            character = text[error.start]
            raise cannot_patch(
                path, tr("the encoding of the file ({codec}) has no {character!r}", codec=codec, character=character)
            ) from error
        if self.data.get(path) == data:
            self.changed.pop(path, None)
        else:
            self.changed[path] = data

    def _codec(self, path: Path) -> str:
        """The encoding of a file; byte order marks stay part of the text, which writes them back."""
        data = self.data.get(path)
        if data is None:
            return _UTF_8
        for mark, codec in _MARKS:
            if data.startswith(mark):
                return codec
        declared = _DECLARED.match(data)
        try:
            found = declared[1].decode().lower() if declared else find_encoding(data)
            return found if data.decode(found).encode(found) == data else _UTF_8
        except (UnknownEncodingError, LookupError, ValueError):
            return _UTF_8

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path in self.data or path in self.changed


class Lines:
    """The lines of a text with their ends; numbers start at 1, as readers count them."""

    def __init__(self, text: str) -> None:
        found = [match.groups() for match in _LINE.finditer(text)]
        if found and found[-1] == ("", ""):
            found.pop()
        self._lines: list[tuple[str, str]] = [(content, end) for content, end in found]
        self._new: dict[int, str | None] = {}
        self._after: dict[int, list[str]] = {}
        ends = Counter(end for _content, end in self._lines if end)
        self.end = ends.most_common(1)[0][0] if ends else "\n"

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> str:
        """The line as it was, without its end."""
        return self._lines[number - 1][0]

    def replace(self, number: int, content: str) -> None:
        """Give a line another content."""
        self._new[number] = content

    def delete(self, number: int) -> None:
        """Remove a line with its end."""
        self._new[number] = None

    def insert(self, number: int, content: str) -> None:
        """Add a line after the line ``number``, 0 for the beginning; several keep their order."""
        self._after.setdefault(number, []).append(content)

    def text(self) -> str:
        """The text with all changes."""
        if not self._new and not self._after:
            return "".join(content + end for content, end in self._lines)
        result: list[tuple[str, str]] = [(line, self.end) for line in self._after.get(0, ())]
        for number, (content, end) in enumerate(self._lines, 1):
            new = self._new.get(number, content)
            if new is not None:
                result.append((new, end))
            result += [(line, self.end) for line in self._after.get(number, ())]
        last_had_end = not self._lines or bool(self._lines[-1][1])
        texts = [content + (end or self.end) for content, end in result]
        if texts and not last_had_end:
            texts[-1] = result[-1][0]
        return "".join(texts)


class Cell(NamedTuple):
    """A field of a line: its place and its text."""

    start: int
    end: int
    text: str


_COMMA_CELL = re.compile(r"[^,]+")
_WORD = re.compile(r"[^\s,]+")


def cells_of(line: str, *, by_comma: bool) -> list[Cell]:
    """The fields of a line, without blanks around them; a comment (``#``) has none."""
    data = line.split("#", 1)[0]
    if not by_comma:
        return [Cell(*match.span(), match[0]) for match in re.finditer(r"[^\s﻿]+", data)]
    found, at = [], 0
    for part in data.split(","):
        text = part.strip(" \t﻿")
        start = at + part.find(text) if text else at
        found.append(Cell(start, start + len(text), text))
        at += len(part) + 1
    return found


def with_cells(line: str, cells: Sequence[Cell], new: dict[int, str]) -> str:
    """The line with other texts in some fields."""
    return apply_splices(line, [Splice(cells[at].start, cells[at].end, text) for at, text in new.items()])


def new_number(
    old: str, value: float, tolerance: float = NUMBER_TOLERANCE, write: Callable[[float], str] | None = None
) -> str:
    """The text of a number: as it was where that is the same number, else the shortest within 1e-6."""
    try:
        if abs(float(old) - value) <= tolerance:
            return old
    except ValueError:
        pass
    return (write or number_text)(value)


def number_text(value: float) -> str:
    """The shortest text within 1e-6; all digits for a number that rounding makes zero."""
    text = short_text(round(value, DECIMALS) + 0.0)
    return exact_text(value) if text == "0" and value else text


def refuse_shape(path: Path, place: str) -> UserError:
    """The error for a box around a polygon, a mask or a rotated box, which is no box in the file."""
    return cannot_patch(path, tr("{place} is a shape that was read as the box around it", place=place))


def cannot_patch(path: Path, reason: str) -> UserError:
    """The error for a file into which an edit cannot be written."""
    return UserError(reason, path=path, remedy=tr("Export the ground truth instead: that writes a new file."))
