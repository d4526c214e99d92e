"""Reads text files, without importing a JSON or XML parser, and keeps what was read where that is asked for."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.formats.encodings import UnknownEncodingError, decode_text
from iouviewer.i18n import tr

_ENCODINGS: ContextVar[dict[str, Path] | None] = ContextVar("encodings", default=None)
_READ: ContextVar[dict[Path, bytes] | None] = ContextVar("files_read", default=None)


@contextlib.contextmanager
def noting_encodings() -> Iterator[dict[str, Path]]:
    """The encodings other than UTF-8 that are read within the block, each with the first file in it."""
    found: dict[str, Path] = {}
    token = _ENCODINGS.set(found)
    try:
        yield found
    finally:
        _ENCODINGS.reset(token)


@contextlib.contextmanager
def keeping_texts() -> Iterator[dict[Path, bytes]]:
    """The content of every file that readers read within the block, in the order of reading."""
    found: dict[Path, bytes] = {}
    token = _READ.set(found)
    try:
        yield found
    finally:
        _READ.reset(token)


def keep_text(path: Path) -> None:
    """Keep the content of a file within ``keeping_texts``; a reader that opens files itself calls it.

    Raises:
        UserError: the file cannot be read.
    """
    if _READ.get() is not None:
        read_bytes(path)


def cannot_read(path: Path, error: OSError) -> UserError:
    """The UserError for a file that the operating system fails to read."""
    return UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path)


def read_bytes(path: Path) -> bytes:
    """The whole file; UserError if it is missing or not readable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(tr("is not a regular file"), path=path)
        data = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    if (found := _READ.get()) is not None:
        found[path] = data
    return data


def read_text(path: Path) -> str:
    """The whole file as text: UTF-8, or another encoding that is certain; UserError names the first bad line."""
    return decode(read_bytes(path), path)


def decode(data: bytes, path: Path) -> str:
    """The text in the content of a file; an encoding other than UTF-8 is kept for ``noting_encodings``.

    Raises:
        UserError: the encoding is not certain; names the first line that is not UTF-8.
    """
    try:
        text, encoding = decode_text(data)
    except UnknownEncodingError as error:
        line = None
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as first:
            line = data.count(b"\n", 0, first.start) + 1
        raise UserError(
            str(error), path=path, line=line, remedy=tr("Save it as UTF-8, or check that it is the right file.")
        ) from error
    if encoding and (found := _ENCODINGS.get()) is not None:
        found.setdefault(encoding, path)
    return text


def read_lines(path: Path) -> list[str]:
    """Lines without their ends; only line feeds and carriage returns separate lines."""
    return read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def not_a_number(error: ValueError) -> str:
    """The reason to refuse a row, from the ValueError of ``float(text)``, whose message ends with the quoted text."""
    return tr("not a number: {text}", text=str(error).rsplit(": ", 1)[-1])
