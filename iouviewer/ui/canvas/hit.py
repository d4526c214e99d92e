"""Who gets a click: which box, edge, handle or caption lies under the mouse. Pure functions, no widgets.

Rectangles and points are in image pixels; ``px`` is the size of a logical screen pixel in image pixels, so that handles
and reaches have the same size on screen at every zoom. Hover, press and context menu ask the same function. In this
order, among visible and unlocked things:

1. a handle of the only selected box,
2. its edge,
3. the edge of another ground-truth box: the nearest, then that of the smaller box,
4. the inside of ground truth: of a selected box before the smallest one,
5. the edge of a prediction,
6. a caption,
7. nothing.

A press that becomes a drag takes that target. A press that does not move, a click, takes the smallest ground-truth box
under the mouse instead where rules 1 to 4 apply: the middle of a person selects this person, whatever edges cross it.

The inside of a prediction is a target only if its layer was brought to front; it then comes before rule 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from iouviewer.document.boxes import Edges, Rect

HANDLE_SIZE = 9.0
"""Side of a handle as it is drawn, logical pixels."""

HANDLE_REACH = 7.5
"""Half the side of the square around the centre of a handle that takes presses, logical pixels."""

EDGE_REACH = 6.0
"""Largest distance of the mouse from the edge of a ground-truth box, logical pixels."""

PREDICTION_REACH = 5.0
"""Largest distance of the mouse from the edge of a prediction, logical pixels."""


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
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Target:
    """What lies under the mouse.

    Attributes:
        ref: the box that a drag takes.
        edges: those that a drag would move: all of them for the inside of ground truth, none for a prediction.
        clicked: the box that a click selects; it differs from ``ref`` where a smaller box lies under the mouse.
    """

    part: Part = Part.NONE
    ref: BoxRef | None = None
    edges: Edges = Edges.NONE
    clicked: BoxRef | None = None


NO_TARGET = Target()


@dataclass(frozen=True, slots=True)
class HitBox:
    """A visible box.

    Attributes:
        caption: the rectangle of its caption, if it has one.
        is_locked: only Alt+click takes it.
        is_front: a prediction of the layer that was brought to front.
    """

    ref: BoxRef
    rect: Rect
    caption: Rect | None = None
    is_locked: bool = False
    is_front: bool = False


@dataclass(frozen=True, slots=True)
class HitScene:
    """The visible boxes of a frame, in drawing order, and which of them are selected."""

    boxes: tuple[HitBox, ...] = ()
    selected: frozenset[BoxRef] = frozenset()
    px: float = 1.0


_HANDLES = (
    (Edges.LEFT | Edges.TOP, 0.0, 0.0),
    (Edges.RIGHT | Edges.TOP, 1.0, 0.0),
    (Edges.RIGHT | Edges.BOTTOM, 1.0, 1.0),
    (Edges.LEFT | Edges.BOTTOM, 0.0, 1.0),
    (Edges.TOP, 0.5, 0.0),
    (Edges.RIGHT, 1.0, 0.5),
    (Edges.BOTTOM, 0.5, 1.0),
    (Edges.LEFT, 0.0, 0.5),
)


def handles(rect: Rect, px: float) -> tuple[tuple[Edges, float, float], ...]:
    """Edges and centre (x, y) of each of the eight handles of a box, corners first.

    Around a box narrower or lower than four handles they lie outside, far enough from one another not to overlap, so
    that its inside can still be dragged.
    """
    x1, y1, x2, y2 = rect
    size = HANDLE_SIZE * px
    is_small = min(x2 - x1, y2 - y1) < 4 * size
    out_x, out_y = (max(size / 2, size - side / 2) if is_small else 0.0 for side in (x2 - x1, y2 - y1))
    left, right, top, bottom = x1 - out_x, x2 + out_x, y1 - out_y, y2 + out_y
    return tuple((edges, left + (right - left) * fx, top + (bottom - top) * fy) for edges, fx, fy in _HANDLES)


def contains(rect: Rect, x: float, y: float, margin: float = 0.0) -> bool:
    """Whether (x, y) lies in the rectangle, extended by ``margin`` on each side."""
    return rect[0] - margin <= x <= rect[2] + margin and rect[1] - margin <= y <= rect[3] + margin


def area(rect: Rect) -> float:
    """Area in square pixels."""
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def handle_at(rect: Rect, x: float, y: float, px: float) -> Edges:
    """The edges of the handle under (x, y), the nearest of several; NONE if there is none.

    Inside a small box the reach shrinks to a quarter of its side, as that of its edges does.
    """
    reach = HANDLE_REACH * px
    if not contains(rect, x, y, reach + HANDLE_SIZE * px) or _is_deep_inside(rect, x, y, reach):
        return Edges.NONE
    candidates = [
        (max(abs(x - cx), abs(y - cy)), i, edges)
        for i, (edges, cx, cy) in enumerate(handles(rect, px))
        if abs(x - cx) <= reach and abs(y - cy) <= reach
    ]
    return min(candidates)[2] if candidates else Edges.NONE


def _is_deep_inside(rect: Rect, x: float, y: float, reach: float) -> bool:
    """Whether a point is so far inside that it belongs to no edge."""
    x1, y1, x2, y2 = rect
    in_x, in_y = min(reach, (x2 - x1) / 4), min(reach, (y2 - y1) / 4)
    return x1 + in_x < x < x2 - in_x and y1 + in_y < y < y2 - in_y


def edge_at(rect: Rect, x: float, y: float, reach: float) -> tuple[Edges, float]:
    """The edge or corner within ``reach`` (image pixels) of (x, y), and the distance; (NONE, 0) if there is none.

    Inside a small box the reach shrinks to a quarter of its side, so that the box can still be moved.
    """
    if not contains(rect, x, y, reach) or _is_deep_inside(rect, x, y, reach):
        return Edges.NONE, 0.0
    x1, y1, x2, y2 = rect
    in_x, in_y = min(reach, (x2 - x1) / 4), min(reach, (y2 - y1) / 4)
    edges, gaps = Edges.NONE, []
    if x <= x1 + in_x:
        edges |= Edges.LEFT
        gaps.append(abs(x - x1))
    elif x >= x2 - in_x:
        edges |= Edges.RIGHT
        gaps.append(abs(x - x2))
    if y <= y1 + in_y:
        edges |= Edges.TOP
        gaps.append(abs(y - y1))
    elif y >= y2 - in_y:
        edges |= Edges.BOTTOM
        gaps.append(abs(y - y2))
    # Inside, the nearer edge counts; outside a corner, the further one does.
    return edges, min(gaps) if contains(rect, x, y) else max(gaps)


class _Edge(NamedTuple):
    """An edge within reach; edges sort by nearness, then by the size of the box."""

    gap: float
    area: float
    ref: BoxRef
    edges: Edges


def _edges(boxes: Iterable[HitBox], x: float, y: float, reach: float) -> list[_Edge]:
    """Edges within reach, the nearest first, then those of smaller boxes."""
    found = []
    for box in boxes:
        edges, gap = edge_at(box.rect, x, y, reach)
        if edges:
            found.append(_Edge(gap, area(box.rect), box.ref, edges))
    return sorted(found, key=lambda edge: edge[:3])


def _insides(boxes: Iterable[HitBox], x: float, y: float) -> list[BoxRef]:
    """Boxes that contain the point, the smallest first."""
    return [ref for _, ref in sorted((area(box.rect), box.ref) for box in boxes if contains(box.rect, x, y))]


@dataclass(frozen=True, slots=True)
class _Found:
    """The unlocked things at one point, in the order of the rules and regardless of the selection."""

    truth_edges: list[_Edge]
    truth: list[BoxRef]
    front: list[BoxRef]
    prediction_edges: list[BoxRef]
    captions: list[BoxRef]

    @classmethod
    def at(cls, scene: HitScene, x: float, y: float) -> _Found:
        """What lies at (x, y)."""
        boxes = [box for box in scene.boxes if not box.is_locked]
        truth = [box for box in boxes if box.ref.is_ground_truth]
        predictions = [box for box in boxes if not box.ref.is_ground_truth]
        front = [box for box in predictions if box.is_front]
        reach = PREDICTION_REACH * scene.px
        return cls(
            _edges(truth, x, y, EDGE_REACH * scene.px),
            _insides(truth, x, y),
            [edge.ref for edge in _edges(front, x, y, reach)] + _insides(front, x, y),
            [edge.ref for edge in _edges(predictions, x, y, reach)],
            [b.ref for b in reversed(boxes) if b.caption is not None and contains(b.caption, x, y)],
        )

    def stack(self) -> tuple[BoxRef, ...]:
        """What repeated clicks go through."""
        edges = [edge.ref for edge in self.truth_edges]
        truth = [*self.truth, *edges, *self.front] if edges else [*self.front, *self.truth]
        return tuple(dict.fromkeys((*truth, *self.prediction_edges, *self.captions)))


def _of_selected(scene: HitScene, x: float, y: float) -> tuple[Part, BoxRef, Edges] | None:
    """Rules 1 and 2: handle or edge of the only selected box. Several selected boxes are moved, never resized."""
    selected = [box for box in scene.boxes if box.ref in scene.selected and not box.is_locked]
    if len(selected) != 1 or not selected[0].ref.is_ground_truth:
        return None
    ref, rect = selected[0].ref, selected[0].rect
    edges = handle_at(rect, x, y, scene.px)
    if edges:
        return Part.HANDLE, ref, edges
    edges, _ = edge_at(rect, x, y, EDGE_REACH * scene.px)
    return (Part.EDGE, ref, edges) if edges else None


def target_at(scene: HitScene, x: float, y: float, *, only_selected: bool = False) -> Target:
    """What a press at (x, y) takes.

    Args:
        only_selected: only selected boxes can be hit (Ctrl is held).
    """
    if only_selected:
        boxes = tuple(box for box in scene.boxes if box.ref in scene.selected)
        scene = HitScene(boxes, scene.selected, scene.px)
    found = _Found.at(scene, x, y)
    clicked = next(iter(found.stack()), None)
    of_selected = _of_selected(scene, x, y)
    if of_selected is not None:
        return Target(*of_selected, found.truth[0] if found.truth else of_selected[1])
    group = scene.selected if len(scene.selected) > 1 else frozenset()
    for edge in found.truth_edges:
        # The edge of one of several selected boxes belongs to its inside.
        if edge.ref not in group:
            return Target(Part.EDGE, edge.ref, edge.edges, clicked)
    if found.front and clicked in found.front:
        return Target(Part.INSIDE, clicked, Edges.NONE, clicked)
    inside = [*found.truth, *(edge.ref for edge in found.truth_edges)]
    if inside:
        dragged = next((ref for ref in inside if ref in scene.selected), inside[0])
        return Target(Part.INSIDE, dragged, Edges.ALL, clicked)
    if found.prediction_edges:
        return Target(Part.EDGE, clicked, Edges.NONE, clicked)
    return NO_TARGET if clicked is None else Target(Part.CAPTION, clicked, Edges.NONE, clicked)


def stack_at(scene: HitScene, x: float, y: float) -> tuple[BoxRef, ...]:
    """The boxes that repeated clicks at (x, y) go through; the first is what a click takes."""
    return _Found.at(scene, x, y).stack()


def full_stack_at(scene: HitScene, x: float, y: float) -> tuple[BoxRef, ...]:
    """The boxes that Alt+click goes through: after those of ``stack_at`` the locked ones and insides of predictions."""
    locked = [box for box in scene.boxes if box.is_locked]
    more = _insides(locked, x, y) + [edge.ref for edge in _edges(locked, x, y, EDGE_REACH * scene.px)]
    more += _insides((box for box in scene.boxes if not box.ref.is_ground_truth), x, y)
    return tuple(dict.fromkeys((*stack_at(scene, x, y), *more)))


def next_in_stack(stack: Sequence[BoxRef], current: BoxRef | None) -> BoxRef | None:
    """The box that a repeated click selects: the one after ``current``, cyclically."""
    if not stack:
        return None
    if current not in stack:
        return stack[0]
    return stack[(stack.index(current) + 1) % len(stack)]


def below(scene: HitScene, x: float, y: float) -> BoxRef | None:
    """What Alt+click at (x, y) selects: the next thing below the selected one, or below what a click would take."""
    stack, everything = stack_at(scene, x, y), full_stack_at(scene, x, y)
    selected = [ref for ref in everything if ref in scene.selected]
    current = selected[0] if len(selected) == 1 else next(iter(stack), None)
    return next_in_stack(everything, current)


def find_inside(scene: HitScene, band: Rect) -> tuple[BoxRef, ...]:
    """Unlocked ground-truth boxes whose centre lies in a rectangle."""
    return tuple(
        box.ref
        for box in scene.boxes
        if box.ref.is_ground_truth
        and not box.is_locked
        and contains(band, (box.rect[0] + box.rect[2]) / 2, (box.rect[1] + box.rect[3]) / 2)
    )
