"""Reads JSON files; errors name the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson

from iouviewer.errors import UserError
from iouviewer.formats.text import decode, read_bytes
from iouviewer.i18n import tr


def read_json(path: Path) -> Any:
    """The value in a file; UserError with the line where the file is damaged.

    ``NaN`` and ``Infinity``, which Python writes although JSON forbids them, are accepted: the rows that contain them
    are then refused one by one instead of the whole file.
    """
    data = read_bytes(path)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as first:
        text = decode(data, path)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            reason = tr("the file is not valid JSON: {reason}", reason=first.msg)
            raise UserError(reason, path=path, line=first.lineno) from first


def as_number(value: object) -> float | None:
    """``value`` as a float if it is a number or a text with a number; None otherwise (also for True and False)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def as_index(value: object) -> int | None:
    """``value`` as an integer from 0 up; None if it is not one."""
    number = as_number(value)
    if number is None or number < 0 or number > 2**53 or number != int(number):
        return None
    return int(number)
