"""Paths as people give them, and as texts: bytes that are not UTF-8 can stand neither in SQLite nor in JSON."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.i18n import tr

_BYTES = "bytes:"
"""Begins a text that stands for other bytes."""


def path_text(path: str) -> str:
    """A text from which ``text_path`` makes the path again; the path itself, except where it is not UTF-8."""
    return path if is_text(path) else _BYTES + urllib.parse.quote(os.fsencode(path))


def text_path(text: str) -> str:
    """The path of a stored text."""
    return os.fsdecode(urllib.parse.unquote_to_bytes(text.removeprefix(_BYTES))) if text.startswith(_BYTES) else text


def is_text(path: str) -> bool:
    """Whether a path is UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def legible(text: str) -> str:
    """A text for display, in which bytes that are not UTF-8 are replaced."""
    return text if is_text(text) else os.fsencode(text).decode("utf-8", "replace")


def encode_legible(value: object, encode: Callable[[Any], bytes], to_builtins: Callable[[Any], Any]) -> bytes:
    """Encode a value as JSON; paths in it that are not UTF-8 are made legible, and cannot be read back.

    Args:
        encode: raises UnicodeEncodeError for such paths.
        to_builtins: turns the value into dictionaries, lists and texts.
    """
    try:
        return encode(value)
    except UnicodeEncodeError:
        return encode(change_texts(to_builtins(value), legible))


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Dictionaries, lists and texts with every text changed, for example by ``path_text`` or ``text_path``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change_texts(key, change): change_texts(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [change_texts(one, change) for one in value]
    return value


def existing_path(path: Path | str, missing: str) -> Path:
    """The absolute path; UserError with the message ``missing`` if nothing exists there."""
    file = Path(path).absolute()
    if not file.exists():
        raise UserError(missing, path=file, remedy=tr("Check the path."))
    return file
