"""Reads files within zip archives without unpacking them to disk, within limits."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from iouviewer.errors import UserError
from iouviewer.formats.text import keep_text
from iouviewer.i18n import tr

MAX_UNPACKED_BYTES = 4 << 30
"""Limit against zip bombs."""


@contextlib.contextmanager
def open_annotations(path: Path) -> Iterator[BinaryIO]:
    """The XML of a file or of a zip archive, as a stream: nothing is unpacked to disk.

    Raises:
        UserError: not exactly one annotations.xml, or one that unpacks to more than 4 GiB.
    """
    keep_text(path)
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if info.filename.replace("\\", "/").endswith("annotations.xml")]
        if len(found) != 1:
            reason = tr("the archive contains {count:,} files named annotations.xml instead of one", count=len(found))
            raise UserError(reason, path=path)
        if found[0].file_size > MAX_UNPACKED_BYTES:
            raise too_large(path)
        with archive.open(found[0]) as file:
            yield cast("BinaryIO", LimitedReader(cast("BinaryIO", file).read, path))


def too_large(path: Path) -> UserError:
    """The error for an archive that unpacks to more than the limit."""
    return UserError(tr("annotations.xml unpacks to more than 4 GiB"), path=path)


class LimitedReader:
    """A stream that raises UserError after ``MAX_UNPACKED_BYTES``, regardless of the size declared in the archive."""

    def __init__(self, read: Callable[[int], bytes], path: Path) -> None:
        self._read = read
        self._path = path
        self._remaining = MAX_UNPACKED_BYTES

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._remaining -= len(data)
        if self._remaining < 0:
            raise too_large(self._path)
        return data
