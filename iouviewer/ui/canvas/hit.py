"""Hit testing: which box, edge or handle lies under the mouse. Pure functions, no widgets.

Rectangles and points are in image pixels; ``px`` is the size of a logical screen pixel in image pixels, so that handles
and tolerances have the same size on screen at every zoom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from iouviewer.document.boxes import Edges, Rect

HANDLE_SIZE = 9.0
"""Side of a handle, logical pixels."""

EDGE_TOLERANCE = 5.0
"""Largest distance of the mouse from an edge, logical pixels."""


class BoxRef(NamedTuple):
    """A box on the canvas: ground truth by id (``variant`` empty), or a prediction by variant key and row."""

    variant: str
    row: int

    @property
    def is_ground_truth(self) -> bool:
        return not self.variant


def truth_ref(box_id: int) -> BoxRef:
    """The reference of a ground-truth box."""
    return BoxRef("", box_id)


class Part(Enum):
    """The part of a box that was hit."""

    NONE = "none"
    INSIDE = "inside"
    EDGE = "edge"
    HANDLE = "handle"


@dataclass(frozen=True, slots=True)
class Target:
    """What lies under the mouse; ``edges`` are those that a drag would move (all of them for the inside)."""

    part: Part = Part.NONE
    ref: BoxRef | None = None
    edges: Edges = Edges.NONE


NO_TARGET = Target()

_CORNERS = (
    (Edges.LEFT | Edges.TOP, 0.0, 0.0),
    (Edges.RIGHT | Edges.TOP, 1.0, 0.0),
    (Edges.RIGHT | Edges.BOTTOM, 1.0, 1.0),
    (Edges.LEFT | Edges.BOTTOM, 0.0, 1.0),
)
_MIDDLES = (
    (Edges.TOP, 0.5, 0.0),
    (Edges.RIGHT, 1.0, 0.5),
    (Edges.BOTTOM, 0.5, 1.0),
    (Edges.LEFT, 0.0, 0.5),
)


def handles(rect: Rect, px: float) -> tuple[tuple[Edges, float, float], ...]:
    """Edges and centre (x, y) of each handle of a box, corners first.

    Along a side shorter than four handles they lie outside the box, so that its inside can still be dragged, and the
    middle of that side has no handle.
    """
    x1, y1, x2, y2 = rect
    size = HANDLE_SIZE * px
    is_narrow, is_low = x2 - x1 < 4 * size, y2 - y1 < 4 * size
    out_x, out_y = size / 2 * is_narrow, size / 2 * is_low
    left, right, top, bottom = x1 - out_x, x2 + out_x, y1 - out_y, y2 + out_y
    shown = list(_CORNERS)
    shown += [middle for middle in _MIDDLES if not (is_narrow if middle[1] == 0.5 else is_low)]
    return tuple((edges, left + (right - left) * fx, top + (bottom - top) * fy) for edges, fx, fy in shown)


def contains(rect: Rect, x: float, y: float, margin: float = 0.0) -> bool:
    """Whether (x, y) lies in the rectangle, extended by ``margin`` on each side."""
    return rect[0] - margin <= x <= rect[2] + margin and rect[1] - margin <= y <= rect[3] + margin


def area(rect: Rect) -> float:
    """Area in square pixels."""
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def handle_at(rect: Rect, x: float, y: float, px: float) -> Edges:
    """The edges of the handle under (x, y), the nearest of several; NONE if there is none."""
    reach = (HANDLE_SIZE / 2 + 1) * px
    candidates = [
        (max(abs(x - cx), abs(y - cy)), i, edges)
        for i, (edges, cx, cy) in enumerate(handles(rect, px))
        if abs(x - cx) <= reach and abs(y - cy) <= reach
    ]
    return min(candidates)[2] if candidates else Edges.NONE


def edge_at(rect: Rect, x: float, y: float, px: float) -> Edges:
    """The edge or corner within ``EDGE_TOLERANCE`` of (x, y); NONE if there is none.

    Inside a small box the tolerance shrinks to a quarter of its side, so that the box can still be moved.
    """
    x1, y1, x2, y2 = rect
    outside = EDGE_TOLERANCE * px
    if not contains(rect, x, y, outside):
        return Edges.NONE
    in_x, in_y = min(outside, (x2 - x1) / 4), min(outside, (y2 - y1) / 4)
    edges = Edges.NONE
    if x <= x1 + in_x:
        edges |= Edges.LEFT
    elif x >= x2 - in_x:
        edges |= Edges.RIGHT
    if y <= y1 + in_y:
        edges |= Edges.TOP
    elif y >= y2 - in_y:
        edges |= Edges.BOTTOM
    return edges


def stack_at(boxes: Sequence[tuple[BoxRef, Rect]], x: float, y: float, px: float) -> tuple[BoxRef, ...]:
    """The boxes under (x, y), smallest first; ground truth before a prediction of the same area."""
    margin = EDGE_TOLERANCE * px / 2
    under = [(area(rect), ref.variant, ref.row, ref) for ref, rect in boxes if contains(rect, x, y, margin)]
    return tuple(ref for *_, ref in sorted(under))


def next_in_stack(stack: Sequence[BoxRef], current: BoxRef | None) -> BoxRef | None:
    """The box that a repeated click selects: the one after ``current``, cyclically."""
    if not stack:
        return None
    if current not in stack:
        return stack[0]
    return stack[(stack.index(current) + 1) % len(stack)]


def target_at(
    boxes: Sequence[tuple[BoxRef, Rect]], selected: frozenset[BoxRef], x: float, y: float, px: float
) -> Target:
    """What a press at (x, y) would grab.

    In this order: a handle of the only selected box, its edges, a selected box under the mouse, the smallest box.
    Predictions cannot be resized: only their inside can be hit.
    """
    selected_boxes = [(ref, rect) for ref, rect in boxes if ref in selected]
    if len(selected_boxes) == 1 and selected_boxes[0][0].is_ground_truth:
        ref, rect = selected_boxes[0]
        edges = handle_at(rect, x, y, px)
        if edges:
            return Target(Part.HANDLE, ref, edges)
        edges = edge_at(rect, x, y, px)
        if edges:
            return Target(Part.EDGE, ref, edges)
    stack = stack_at(selected_boxes, x, y, px) or stack_at(boxes, x, y, px)
    return Target(Part.INSIDE, stack[0], Edges.ALL) if stack else NO_TARGET


def find_touching(boxes: Sequence[tuple[BoxRef, Rect]], band: Rect) -> tuple[BoxRef, ...]:
    """Ground-truth boxes that a rectangle touches."""
    x1, y1, x2, y2 = band
    return tuple(
        ref
        for ref, (bx1, by1, bx2, by2) in boxes
        if ref.is_ground_truth and bx1 <= x2 and bx2 >= x1 and by1 <= y2 and by2 >= y1
    )
