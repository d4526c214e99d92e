"""A ground-truth box, its flags, and the geometry of editing it. All coordinates are pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Flag, IntFlag

from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS

MAX_COORDINATE = 1e7
"""Largest absolute coordinate that is accepted, pixels."""

MIN_SIZE = 1.0
"""Smallest width and height of a box after a gesture or key press, pixels."""

NO_TRACK = -1
NO_BOX = -1


class BoxFlag(IntFlag):
    """Flags of a ground-truth box.

    Of ignored boxes, one with DISTRACTOR excuses predictions of every class by their IoU with it, not those that lie in
    it, and one with NEUTRAL excuses none: it takes no part at all.
    """

    NONE = 0
    KEY_FRAME = 1
    INTERPOLATED = 2
    OCCLUDED = 4
    OUTSIDE = 8
    IGNORED = 16
    TRUNCATED = 32
    DISTRACTOR = 64
    NEUTRAL = 128


class Edges(Flag):
    """Edges of a rectangle; a corner is two of them."""

    NONE = 0
    LEFT = 1
    TOP = 2
    RIGHT = 4
    BOTTOM = 8
    ALL = 15


Rect = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """One ground-truth box.

    Attributes:
        id: unique within its source for the life of the project; never reused, never shown.
        frame: 0-based.
        rect: x1, y1, x2, y2, pixels of the decoded frame.
        class_id: index into the document's classes, or ``UNSPECIFIED_CLASS``.
        track: track id, ``NO_TRACK`` for none.
        flags: bits of BoxFlag, and where the box came from (``document/origins.py``) in the bits above them.
    """

    id: int
    frame: int
    rect: Rect
    class_id: int = UNSPECIFIED_CLASS
    track: int = NO_TRACK
    flags: int = 0


def object_name(class_name: str, track: int) -> str:
    """The name of an object in texts: ``person 17``, ``object 17`` without a class, ``person`` without a track.

    Without either it is a ``box``.

    Args:
        class_name: empty for a box without a class.
        track: ``NO_TRACK`` for none.
    """
    if track == NO_TRACK:
        return class_name or tr("box")
    if not class_name:
        return tr("object {track}", track=track)
    return tr("{class_name} {track}", class_name=class_name, track=track)


def find_rect_error(rect: Rect, *, may_be_empty: bool = False) -> str | None:
    """Why a rectangle is not valid (docs/metrics.md), or None if it is.

    Args:
        may_be_empty: whether a width or height of 0 is valid: that of a prediction, not of ground truth.
    """
    x1, y1, x2, y2 = rect
    if not all(map(math.isfinite, rect)):
        return tr("a coordinate is not a finite number")
    if max(map(abs, rect)) > MAX_COORDINATE:
        return tr("a coordinate is beyond {limit:.0e}", limit=MAX_COORDINATE)
    if x2 < x1 or (x2 == x1 and not may_be_empty):
        return tr("x2 ({x2:g}) must be greater than x1 ({x1:g})", x1=x1, x2=x2)
    if y2 < y1 or (y2 == y1 and not may_be_empty):
        return tr("y2 ({y2:g}) must be greater than y1 ({y1:g})", y1=y1, y2=y2)
    return None


def move_edges(rect: Rect, edges: Edges, dx: float, dy: float) -> Rect:
    """The rectangle with these edges moved by (dx, dy) pixels; with all edges it moves as a whole.

    An edge moved past the opposite one flips the rectangle instead of inverting it; it keeps ``MIN_SIZE``.
    """
    x1, y1, x2, y2 = rect
    if edges & Edges.LEFT:
        x1 += dx
    if edges & Edges.RIGHT:
        x2 += dx
    if edges & Edges.TOP:
        y1 += dy
    if edges & Edges.BOTTOM:
        y2 += dy
    x1, x2 = _order_sides(x1, x2, first_moved=bool(edges & Edges.LEFT))
    y1, y2 = _order_sides(y1, y2, first_moved=bool(edges & Edges.TOP))
    return x1, y1, x2, y2


def _order_sides(low: float, high: float, *, first_moved: bool) -> tuple[float, float]:
    if low > high:
        low, high, first_moved = high, low, not first_moved
    if high - low < MIN_SIZE:
        return (high - MIN_SIZE, high) if first_moved else (low, low + MIN_SIZE)
    return low, high


def allowed_area(rect: Rect, width: float, height: float) -> Rect:
    """Where a box may be moved and resized to: the picture, and what of the box lies outside of it already.

    Args:
        width, height: of the picture in pixels; 0 where unknown, which allows everything.
    """
    if width <= 0 or height <= 0:
        return -MAX_COORDINATE, -MAX_COORDINATE, MAX_COORDINATE, MAX_COORDINATE
    return min(0.0, rect[0]), min(0.0, rect[1]), max(float(width), rect[2]), max(float(height), rect[3])


def limit_move(rect: Rect, dx: float, dy: float, area: Rect) -> tuple[float, float]:
    """The part of the move (dx, dy) that leaves ``rect`` inside ``area``, which contains it."""
    return (
        min(max(dx, area[0] - rect[0]), area[2] - rect[2]),
        min(max(dy, area[1] - rect[1]), area[3] - rect[3]),
    )


def resize_within(rect: Rect, edges: Edges, dx: float, dy: float, area: Rect) -> Rect:
    """The rectangle with these edges moved by (dx, dy), each at most to the border of ``area``, which contains it."""
    x, y = (rect[0] if edges & Edges.LEFT else rect[2]), (rect[1] if edges & Edges.TOP else rect[3])
    dx = min(max(x + dx, area[0]), area[2]) - x
    dy = min(max(y + dy, area[1]), area[3]) - y
    return move_edges(rect, edges, dx, dy)


def scale_within(rect: Rect, edges: Edges, dx: float, dy: float, area: Rect) -> Rect:
    """The rectangle resized by moving these edges by (dx, dy), with its ratio of width to height.

    The opposite corner stays where it is; with one edge, the middle of the opposite edge does.
    """
    x1, y1, x2, y2 = rect
    fixed_x = x2 if edges & Edges.LEFT else x1 if edges & Edges.RIGHT else (x1 + x2) / 2
    fixed_y = y2 if edges & Edges.TOP else y1 if edges & Edges.BOTTOM else (y1 + y2) / 2
    scales = []
    if edges & (Edges.LEFT | Edges.RIGHT):
        scales.append(1 + (dx if edges & Edges.RIGHT else -dx) / (x2 - x1))
    if edges & (Edges.TOP | Edges.BOTTOM):
        scales.append(1 + (dy if edges & Edges.BOTTOM else -dy) / (y2 - y1))
    scale = max(max(scales, key=lambda s: abs(s - 1)), MIN_SIZE / min(x2 - x1, y2 - y1))
    for place, at in enumerate(rect):
        fixed, low, high = ((fixed_x, area[0], area[2]), (fixed_y, area[1], area[3]))[place % 2]
        if at != fixed:
            scale = min(scale, ((high if at > fixed else low) - fixed) / (at - fixed))
    x1, x2 = (fixed_x + (x - fixed_x) * scale for x in (x1, x2))
    y1, y2 = (fixed_y + (y - fixed_y) * scale for y in (y1, y2))
    return x1, y1, x2, y2


def snap_edges(rect: Rect, edges: Edges, others: Iterable[Rect], reach: float) -> tuple[Rect, Edges]:
    """The rectangle with each of these edges on the nearest parallel edge of other boxes, and the edges that snapped.

    Args:
        edges: the edges that may move.
        others: the boxes to snap to, where they lie beside the edge.
        reach: the largest distance in pixels.
    """
    snapped = Edges.NONE
    values = list(rect)
    others = tuple(others)
    for place, edge in enumerate((Edges.LEFT, Edges.TOP, Edges.RIGHT, Edges.BOTTOM)):
        if not edges & edge:
            continue
        across = (1, 3) if place % 2 == 0 else (0, 2)
        beside = (o for o in others if o[across[0]] <= rect[across[1]] and o[across[1]] >= rect[across[0]])
        found = [(abs(at - rect[place]), at) for o in beside for at in (o[place % 2], o[place % 2 + 2])]
        gap, at = min(found, default=(reach + 1, 0.0))
        opposite = values[(place + 2) % 4]
        fits = at - opposite >= MIN_SIZE if place >= 2 else opposite - at >= MIN_SIZE
        if gap <= reach and fits:
            values[place] = at
            snapped |= edge
    return (values[0], values[1], values[2], values[3]), snapped


def rect_from_corners(x1: float, y1: float, x2: float, y2: float) -> Rect:
    """The rectangle between two corners in any order, at least ``MIN_SIZE`` wide and high."""
    left, top = min(x1, x2), min(y1, y2)
    return left, top, max(x1, x2, left + MIN_SIZE), max(y1, y2, top + MIN_SIZE)


def furthest_edge(rect: Rect, target: Rect) -> Edges:
    """The edge of ``rect`` that is furthest from the same edge of ``target``."""
    edges = (Edges.LEFT, Edges.TOP, Edges.RIGHT, Edges.BOTTOM)
    gaps = [abs(a - b) for a, b in zip(rect, target, strict=True)]
    return edges[gaps.index(max(gaps))]


def nearest_edge(rect: Rect, x: float, y: float, among: Edges = Edges.ALL) -> Edges:
    """The edge in ``among`` that is nearest to the point (x, y), pixels."""
    x1, y1, x2, y2 = rect
    gaps = {Edges.LEFT: abs(x - x1), Edges.TOP: abs(y - y1), Edges.RIGHT: abs(x - x2), Edges.BOTTOM: abs(y - y2)}
    return min((edge for edge in gaps if edge & among), key=gaps.__getitem__)
