"""Reads text files, without importing a JSON or XML parser, and keeps what was read where that is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr

_READ: ContextVar[dict[Path, bytes] | None] = ContextVar("files_read", default=None)


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
        data = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    if (found := _READ.get()) is not None:
        found[path] = data
    return data


def read_text(path: Path) -> str:
    """The whole file as UTF-8 (with or without a byte order mark); UserError names the first bad line."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            tr("the file is not UTF-8 text"),
            path=path,
            line=line,
            remedy=tr("Save it as UTF-8, or check that it is the right file."),
        ) from error


def read_lines(path: Path) -> list[str]:
    """Lines without their ends; only line feeds and carriage returns separate lines."""
    return read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def not_a_number(error: ValueError) -> str:
    """The reason to refuse a row, from the ValueError of ``float(text)``, whose message ends with the quoted text."""
    return tr("not a number: {text}", text=str(error).rsplit(": ", 1)[-1])
