"""Cells of the CSV files we write: numbers, blanks, and names that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

DIGITS = 9
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def number_cell(value: float | None) -> str:
    """The shortest text of a number within 1e-9; blank for None and NaN (undefined)."""
    if value is None or math.isnan(value):
        return ""
    return repr(round(float(value), DIGITS) + 0.0)


def name_cell(text: str) -> str:
    """A name as a cell: one that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An RFC 4180 file in UTF-8: CRLF line ends, quotes only where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
