"""What the canvas shows of one frame, as plain values: boxes with their role, look and label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import compress
from operator import is_not

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.metrics.table import Float
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.labels import Label

FEW = 25
"""With more boxes than this only hovered, selected and bad ones carry labels."""

SMALL = 40.0
"""Boxes whose longer side is under this many logical pixels carry labels only when hovered, selected or bad."""


class Role(Enum):
    """What a box is in the review of its frame; each has a sign of its own besides its colour."""

    PLAIN = "plain"
    PAIRED = "paired"
    LOOSE = "loose"
    MISS = "miss"
    FALSE_POSITIVE = "false positive"
    IGNORED = "ignored"

    @property
    def is_bad(self) -> bool:
        return self in (Role.LOOSE, Role.MISS, Role.FALSE_POSITIVE)


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """One box on the canvas.

    Attributes:
        colour, dash: ``#rrggbb`` and one of document.variants.DASHES.
        label: what stands at it where labels are shown; None for none.
        quiet: a box of another variant than the one that labels speak of: thinner, dimmer, its label only on request.
    """

    ref: Ref
    rect: Rect
    role: Role
    colour: str
    dash: str = "solid"
    label: Label | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class FrameView:
    """All boxes of one frame in the order of drawing, and where they are found.

    Attributes:
        rects: (4, N) float64, rows x1, y1, x2, y2, picture pixels.
        labelled: how many of them carry a label, quiet ones left out.
    """

    frame: int = -1
    boxes: tuple[DrawnBox, ...] = ()
    rects: Float = field(default_factory=lambda: np.zeros((4, 0)))
    places: dict[Ref, int] = field(default_factory=dict)
    labelled: int = 0

    @classmethod
    def of(cls, frame: int, boxes: list[DrawnBox]) -> FrameView:
        """The view of these boxes."""
        rects = np.array([box.rect for box in boxes], np.float64).reshape(-1, 4).T
        places = {box.ref: i for i, box in enumerate(boxes)}
        labelled = sum(box.label is not None and not box.quiet for box in boxes)
        return cls(frame, tuple(boxes), np.ascontiguousarray(rects), places, labelled)

    def followed_by(self, frame: int, boxes: list[DrawnBox]) -> FrameView:
        """The view of these boxes, quickly where a few differ from this view's, as while one is dragged."""
        changed = self._changed(boxes) if frame == self.frame else None
        if changed is None:
            return FrameView.of(frame, boxes)
        rects, labelled = self.rects.copy(), self.labelled
        for place in changed:
            old, new = self.boxes[place], boxes[place]
            rects[:, place] = new.rect
            labelled += (new.label is not None and not new.quiet) - (old.label is not None and not old.quiet)
        return FrameView(frame, tuple(boxes), rects, self.places, labelled)

    def _changed(self, boxes: list[DrawnBox] | tuple[DrawnBox, ...]) -> list[int] | None:
        """Places of the boxes that are other objects here, None where others belong to other references."""
        if len(boxes) != len(self.boxes):
            return None
        changed = other_places(self.boxes, boxes)
        same = all(self.boxes[place].ref == boxes[place].ref for place in changed)
        return changed if same else None

    def find(self, ref: Ref | None) -> DrawnBox | None:
        """The box with this reference, or None."""
        place = self.places.get(ref) if ref is not None else None
        return None if place is None else self.boxes[place]

    def hittable(self) -> list[tuple[Ref, Rect]]:
        """References and rectangles for hit.py."""
        return [(box.ref, box.rect) for box in self.boxes]

    def differing(self, other: FrameView) -> list[DrawnBox]:
        """Boxes of either view that the other one has not got, or has otherwise."""
        if self.places is other.places:
            places = self._changed(other.boxes) or ()
            pairs = ((self.boxes[place], other.boxes[place]) for place in places)
            return [box for old, new in pairs if old != new for box in (old, new)]
        # Boxes that did not change are the same objects: a drag is over with these two sets.
        mine, theirs = set(map(id, self.boxes)), set(map(id, other.boxes))
        changed = [box for box in self.boxes if id(box) not in theirs and other.find(box.ref) != box]
        changed += [box for box in other.boxes if id(box) not in mine and self.find(box.ref) != box]
        return changed


def other_places(old: Sequence[object], new: Sequence[object]) -> list[int]:
    """Places at which two sequences of equal length hold different objects."""
    # Asked at each move of a drag about all boxes of the frame.
    return list(compress(range(len(old)), map(is_not, old, new)))


class LabelMode(Enum):
    """When boxes that are neither hovered nor selected carry labels (the setting ``show_labels``)."""

    NONE = "none"
    AUTOMATIC = "automatic"
    ALL = "all"


def is_labelled(box: DrawnBox, mode: LabelMode, *, held: bool, crowded: bool, px: float) -> bool:
    """Whether a box that is neither hovered nor selected shows its label, if there is room for it.

    Args:
        held: the user holds the key for all labels.
        crowded: the frame has more than ``FEW`` labelled boxes.
        px: picture pixels a logical pixel.
    """
    if box.label is None or held:
        return box.label is not None
    if box.quiet or mode is LabelMode.NONE:
        return False
    if box.role.is_bad or mode is LabelMode.ALL:
        return True
    side = max(box.rect[2] - box.rect[0], box.rect[3] - box.rect[1])
    return not crowded and side >= SMALL * px
