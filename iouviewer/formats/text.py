"""Reads text files, without importing a JSON or XML parser."""

from __future__ import annotations

from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr


def cannot_read(path: Path, error: OSError) -> UserError:
    """The UserError for a file that the operating system fails to read."""
    return UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path)


def read_bytes(path: Path) -> bytes:
    """The whole file; UserError if it is missing or not readable."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error


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
