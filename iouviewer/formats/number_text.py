"""Writes numbers as short text that reads back within 1e-6 (coordinates) or bit for bit (scores)."""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float

DECIMALS = 6
"""Rounding to 6 decimals changes a number by at most 5e-7, and rounding twice changes nothing more.

The shortest decimal within 1e-6 would not be stable: 0.4999985 -> 0.499999 -> 0.5 changes by 1.5e-6 in two exports, and
a 0.499999 in a file would change in one.
"""


def round_values(values: Float, decimals: int = DECIMALS) -> Float:
    """The values as they read back after ``short_text``: float64 nearest to the rounded decimal.

    The quotient of two integers below 2**53 is rounded correctly, so it equals the parsed decimal.
    """
    unit = 10.0**decimals
    result: Float = np.rint(np.asarray(values, np.float64) * unit) / unit
    return result + 0.0  # no -0


def short_text(value: float, decimals: int = DECIMALS) -> str:
    """A value from ``round_values`` without trailing zeros or exponent: ``12``, ``0.5``, ``0.00001``, never ``-0``."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2] if text != "-0.0" else "0"
    if "e" in text:
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return text


def exact_text(value: float) -> str:
    """The shortest decimal that reads back as the same float64.

    Used for scores: rounded scores would tie, and ties change the order on which AP depends.
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def corner_texts(boxes: Float) -> list[list[str]]:
    """N rows of x1, y1, x2, y2 as text; a box narrower than the rounding keeps all its digits."""
    boxes = np.asarray(boxes, np.float64)
    short_boxes = round_values(boxes)
    return _texts(boxes, short_boxes, _thin(short_boxes, extents=False))


def extent_texts(boxes: Float) -> list[list[str]]:
    """N rows of x, y, w, h as text; x + w is within 5e-7 of x2."""
    exact_extents, short_extents = _extents(boxes)
    return _texts(exact_extents, short_extents, _thin(short_extents, extents=True))


def extents(boxes: Float) -> list[list[float]]:
    """N rows of x, y, w, h as numbers, rounded as in ``extent_texts``."""
    exact_extents, short_extents = _extents(boxes)
    thin = _thin(short_extents, extents=True)
    result: list[list[float]] = np.where(thin, exact_extents, short_extents).T.tolist()
    return result


def _extents(boxes: Float) -> tuple[Float, Float]:
    """(4, N) x, y, w, h, exact and rounded.

    The extent is measured from the rounded corner: rounding both independently could add up to 1e-6.
    """
    boxes = np.asarray(boxes, np.float64)
    corner = round_values(boxes[:2])
    return np.concatenate([boxes[:2], boxes[2:] - boxes[:2]]), np.concatenate(
        [corner, round_values(boxes[2:] - corner)]
    )


def _thin(values: Float, *, extents: bool) -> Bool:
    """(N,) bool: boxes that rounding makes empty."""
    low = np.zeros_like(values[:2]) if extents else values[:2]
    return np.asarray((values[2:] <= low).any(axis=0), np.bool_)


def _texts(exact_values: Float, short_values: Float, thin: Bool) -> list[list[str]]:
    rows = [[short_text(value) for value in row] for row in short_values.T.tolist()]
    for row in np.flatnonzero(thin):
        rows[row] = [exact_text(value) for value in exact_values[:, row].tolist()]
    return rows
