"""Whether the numbers of a file can mean what its format says: recognised by what is plausible in a picture.

A file whose columns mean something else (fractions instead of pixels, corners instead of widths, the confidence before
the box) reads without an error and gives wrong numbers. What contradicts the picture beyond doubt is refused by name;
what is only suspicious is a note. The limits never question boxes that lie partly outside the picture, tiny objects or
the first seconds of a clip: every rule needs nearly all rows to agree, and the other meaning to fit.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np

from iouviewer.formats.interface import Choice, UncertainReadingError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool, Float

LARGEST_FRACTION = 1.5
"""Fractions of a picture may exceed 1 where a box leaves it; pixels of a whole file never stay below this."""
LARGEST_PERCENT = 101.0
BEYOND = 0.05
"""A box leaves the picture by more than this share of its width or height."""
NEARLY_ALL = 0.95
MANY_ROWS = 20
"""From so many rows on, a smaller share of impossible rows is proof enough."""
SMALLEST_PICTURE = 16
"""Pixels; in smaller pictures fractions and pixels cannot be told apart."""

Size = tuple[int, int]


class Layout(Enum):
    """What four columns are."""

    CORNERS = "x1, y1, x2, y2"
    EXTENTS = tr("x, y, width, height")


LAYOUTS = {
    "mot": Layout.EXTENTS,
    "coco": Layout.EXTENTS,
    "boxcsv": Layout.CORNERS,
    "voc": Layout.CORNERS,
    "cvat": Layout.CORNERS,
    "labelme": Layout.CORNERS,
}
"""The columns of formats in pixels; YOLO and Label Studio, which have shares of the picture, check their own."""


def check_boxes(path: Path, format_key: str, boxes: Float, size: Size | None) -> list[str]:
    """Notes about suspicious boxes of a format in pixels; formats that ``LAYOUTS`` lacks have none.

    Args:
        boxes: (4, N) float64 x1, y1, x2, y2 as the format defines them, of all rows, also of those that are refused:
            a row that is skipped must not change what the others mean.
        size: (width, height) of the picture in pixels, None where it is not known or differs from frame to frame.

    Raises:
        UncertainReadingError: the numbers are normalised, or are corners instead of widths or the reverse.
    """
    layout = LAYOUTS.get(format_key)
    return [] if layout is None else check_layout(path, layout, boxes, size)


def check_layout(path: Path, layout: Layout, boxes: Float, size: Size | None) -> list[str]:
    """The same for boxes in pixels whose four columns have this layout."""
    boxes = boxes[:, np.isfinite(boxes).all(axis=0)]
    if not boxes.shape[1] or (size is not None and min(size) < SMALLEST_PICTURE):
        return []
    columns = boxes if layout is Layout.CORNERS else np.concatenate((boxes[:2], boxes[2:] - boxes[:2]))
    if are_fractions(columns):
        raise implausible(
            path,
            tr(
                "the boxes look normalised (0–1), but this format has pixels: no number is above {largest:.4g}",
                largest=float(columns.max()),
            ),
            tr("Multiply x by the width of the frames and y by their height"),
        )
    if layout is Layout.EXTENTS:
        return _check_extents(path, columns, size)
    _check_corners(path, columns, size)
    return _percent_note(columns, columns[2:], size)


def all_of(rows: Bool) -> Bool:
    """(N,) bool: columns in which all of ``rows``, (k, N) bool, hold."""
    return np.asarray(rows.all(axis=0), np.bool_)


def are_fractions(columns: Float) -> bool:
    """Whether (4, N) numbers are shares of the picture from 0 to 1: nearly all small, and not all integers."""
    small = all_of(np.abs(columns) <= LARGEST_FRACTION)
    return bool(small.mean() >= NEARLY_ALL and (columns[:, small] != np.rint(columns[:, small])).any())


def _check_extents(path: Path, columns: Float, size: Size | None) -> list[str]:
    corner, extent = columns[:2], columns[2:]
    maybe = tr("Every width is greater than x and every height greater than y: the columns may be x1, y1, x2, y2")
    if size is None:
        ordered = columns.shape[1] >= MANY_ROWS and bool((extent > corner).all())
        return [maybe] if ordered else []
    limit = np.array(size, np.float64)[:, None] * (1 + BEYOND)
    evidence = find_corners(columns, leaves=corner + extent > limit, fits=all_of(extent <= limit))
    if evidence is Evidence.PROOF:
        raise implausible(
            path,
            tr(
                "the columns look like corners x1, y1, x2, y2 where x, y, width, height are expected: "
                "as widths and heights they lead out of frames of {width} x {height}",
                width=size[0],
                height=size[1],
            ),
            tr("Write width = x2 - x1 and height = y2 - y1"),
        )
    return [maybe] if evidence is Evidence.DOUBT else _percent_note(columns, corner + extent, size)


class Evidence(Enum):
    """How much speaks for another meaning of the columns."""

    NONE = 0
    DOUBT = 1
    PROOF = 2


def find_corners(columns: Float, *, leaves: Bool, fits: Bool) -> Evidence:
    """Whether columns with a position and a size are two corners.

    The second pair then exceeds the first in every row, moves with it, and leads out of the picture as a size. One
    object near the camera whose box goes on below the picture does the first and the third, but not the second.

    Args:
        columns: (4, N) as the format defines them.
        leaves: (2, N) bool, boxes that leave the picture to the right or downwards as the format defines them.
        fits: (N,) bool, rows whose second pair lies in the picture.
    """
    first, second = columns[:2], columns[2:]
    if (second > first).all(axis=0).mean() < 0.99 or fits.mean() < NEARLY_ALL:
        return Evidence.NONE
    share = leaves.any(axis=0).mean()
    moves = bool((np.std(second - first, axis=1) < 0.5 * np.std(second, axis=1)).any())
    if (moves and share >= (0.1 if columns.shape[1] >= MANY_ROWS else 0.25)) or leaves.all(axis=0).mean() >= 0.5:
        return Evidence.PROOF
    return Evidence.DOUBT if share >= 0.5 or columns.shape[1] >= MANY_ROWS else Evidence.NONE


def _check_corners(path: Path, columns: Float, size: Size | None) -> None:
    low, high = columns[:2], columns[2:]
    inverted = float((high < low).any(axis=0).mean())
    few = columns.shape[1] < MANY_ROWS // 2
    if columns.shape[1] < 3 or inverted < (0.5 if few else 0.2) or not (high >= 0).all():
        return
    if size is not None:
        limit = np.array(size, np.float64)[:, None] * (1 + BEYOND)
        if (low + high <= limit).all(axis=0).mean() < NEARLY_ALL:
            return
    raise implausible(
        path,
        tr(
            "the columns look like x, y, width, height where the corners x1, y1, x2, y2 are expected: "
            "{share:.0%} of the boxes would end before they begin",
            share=inverted,
        ),
        tr("Write x2 = x + width and y2 = y + height"),
    )


def _percent_note(columns: Float, ends: Float, size: Size | None) -> list[str]:
    """A note where all boxes lie in the first 100 pixels of a much larger picture, with numbers that are no pixels."""
    if size is None or min(size) <= 2 * LARGEST_PERCENT or (columns == np.rint(columns)).all():
        return []
    if columns.min() < 0 or ends.max() > LARGEST_PERCENT:
        return []
    return [
        tr(
            "All boxes lie within the first 100 pixels of frames of {width} x {height}: if the numbers are percent of "
            "the frame size, multiply them first",
            width=size[0],
            height=size[1],
        )
    ]


def are_percent_scores(scores: Float | None) -> bool:
    """Whether confidences, (N,) float64, are percent: from 0 to 100, and most above 1."""
    if scores is None:
        return False
    scores = scores[np.isfinite(scores)]
    return bool(len(scores) and scores.min() >= 0 and scores.max() <= 100 and np.median(scores) > 1)


def check_scores(path: Path, format_key: str, scores: Float | None) -> list[str]:
    """Notes about confidences; MOT detectors have scores of any size, the other formats fractions.

    Raises:
        UncertainReadingError: the confidences are percent.
    """
    if not are_percent_scores(scores):
        return []
    assert scores is not None
    largest = float(np.nanmax(scores))
    if format_key == "mot":
        return [tr("Confidences reach {largest:g}: --conf is on the same scale", largest=largest)]
    raise implausible(
        path,
        tr("the confidences look like percent (0–100) instead of 0–1: they reach {largest:g}", largest=largest),
        tr("Divide them by 100"),
    )


def implausible(path: Path, reason: str, remedy: str) -> UncertainReadingError:
    """The error for a file whose numbers cannot be what the format says; the user may insist that they are."""
    insist = Choice(tr("read the columns as they are"), "--trust-columns", {"trust_columns": True})
    remedy = tr("{remedy}; --trust-columns reads the columns as they are", remedy=remedy)
    return UncertainReadingError(reason, choices=(insist,), path=path, remedy=remedy)


def confidence_comes_first(path: Path, expected: str) -> UncertainReadingError:
    """The error for rows whose confidence stands before the box; ``expected`` names the columns of the format."""
    return implausible(
        path,
        tr("the confidence seems to stand before the box; the columns must be {columns}", columns=expected),
        tr("Move the confidence behind the box"),
    )
