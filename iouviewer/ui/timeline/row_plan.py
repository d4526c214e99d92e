"""Which rows of the timeline are shown at which height; a pure function, so that the rules stand in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from iouviewer.ui.shell.layout_plan import LOW
from iouviewer.ui.tokens import SIZE

LANES_SHARE = 0.45
"""Most of the window's height that the lanes of all tracks take."""
PLOT_SHARE = 0.40
"""Share of the window's height that the opened IoU plot takes."""


class Row(Enum):
    """The rows from top to bottom."""

    RULER = "ruler"
    PROBLEMS = "problems"
    IOU = "iou"
    VERIFIED = "verified"
    TRACK = "track"
    LANES = "lanes"


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Top and height of a row, logical pixels."""

    top: int
    height: int


_FOLDING = (Row.PROBLEMS, Row.VERIFIED, Row.TRACK)
"""Rows that give way to the IoU row, the last one first."""
_HEIGHTS = {Row.PROBLEMS: SIZE["problems_row"], Row.VERIFIED: SIZE["verified_row"], Row.TRACK: SIZE["track_row"]}
_GAP = SIZE["timeline_gap"]
MIN_HEIGHT = SIZE["ruler"] + SIZE["iou_row_min"]


def plan_rows(height: int, *, is_compare: bool = False, has_lanes: bool = False) -> dict[Row, RowPlace]:
    """Place the rows in a timeline of this height.

    The IoU row takes what the others leave. It is the last one to give way: the selected track's lane, the verified
    frames and the problems fold, in this order, before it has less than its usual height.

    Args:
        is_compare: the strips of the variants stand in the place of all rows below the ruler.
        has_lanes: the lanes of all tracks are open.
    """
    ruler = RowPlace(0, SIZE["ruler"])
    if is_compare:
        return {Row.RULER: ruler, Row.IOU: RowPlace(SIZE["ruler"], max(0, height - SIZE["ruler"]))}
    if has_lanes:
        iou = ruler.height + SIZE["problems_row"] + 1
        lanes = iou + SIZE["iou_row_min"]
        return {
            Row.RULER: ruler,
            Row.PROBLEMS: RowPlace(ruler.height, SIZE["problems_row"]),
            Row.IOU: RowPlace(iou, SIZE["iou_row_min"]),
            Row.LANES: RowPlace(lanes, max(0, height - lanes)),
        }
    shown: list[Row] = []
    free = height - ruler.height - SIZE["iou_row"]
    for row in _FOLDING:
        # The gap below the rows is needed once, with the first of them.
        needed = _HEIGHTS[row] + _GAP * (1 if shown else 2)
        if needed > free:
            break
        shown.append(row)
        free -= needed
    places = {Row.RULER: ruler}
    top = ruler.height
    if Row.PROBLEMS in shown:
        places[Row.PROBLEMS] = RowPlace(top, _HEIGHTS[Row.PROBLEMS])
        top += _HEIGHTS[Row.PROBLEMS] + _GAP
    below = [row for row in (Row.VERIFIED, Row.TRACK) if row in shown]
    rest = sum(_HEIGHTS[row] + _GAP for row in below) + (_GAP if shown else 0)
    places[Row.IOU] = RowPlace(top, max(0, height - top - rest))
    top = height - rest + (_GAP if below else 0)
    for row in below:
        places[row] = RowPlace(top, _HEIGHTS[row])
        top += _HEIGHTS[row] + _GAP
    return places


def review_height(window_height: int) -> int:
    """Height of the timeline while problems are reviewed: no row of a track, and in a low window the IoU row alone."""
    if window_height < LOW:
        return SIZE["timeline_folded"]
    rows = SIZE["problems_row"] + SIZE["verified_row"]
    return SIZE["ruler"] + SIZE["iou_row"] + rows + 3 * _GAP


def lanes_height(rows: int, window_height: int) -> int:
    """Height of the timeline with the lanes of all tracks open."""
    needed = SIZE["ruler"] + SIZE["problems_row"] + 1 + SIZE["iou_row_min"] + SIZE["lane"] * max(1, rows)
    return min(needed, round(LANES_SHARE * window_height))


def plot_height(window_height: int) -> int:
    """Height of the timeline with the IoU plot open."""
    return round(PLOT_SHARE * window_height)
