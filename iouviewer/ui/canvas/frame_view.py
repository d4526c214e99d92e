"""Value types for the boxes of one frame as the canvas draws them: state, appearance and caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import compress
from operator import is_not

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.metrics.table import Float
from iouviewer.ui.canvas.box_look import BoxLook
from iouviewer.ui.canvas.captions import Caption
from iouviewer.ui.canvas.hit import BoxRef


class BoxState(Enum):
    """The result of the evaluation for one box; the caption says it in a word."""

    PLAIN = "plain"
    PAIRED = "paired"
    LOOSE = "loose"
    MISSED = "missed"
    EXTRA = "extra"
    IGNORED = "ignored"

    @property
    def is_wrong(self) -> bool:
        return self in (BoxState.LOOSE, BoxState.MISSED, BoxState.EXTRA)


@dataclass(frozen=True, slots=True)
class CanvasBox:
    """One box on the canvas.

    Attributes:
        caption: text at the box if captions are shown; None for no text.
        is_secondary: belongs to another variant than the one that captions refer to: it has a caption on request only.
        is_matched: a prediction with a partner: drawn weaker while the pair is not selected.
        is_locked: takes no clicks; drawn with a padlock.
        is_dimmed: another track is isolated.
        copies: how many ground-truth boxes lie at the same place, 1 for no duplicates.
    """

    ref: BoxRef
    rect: Rect
    state: BoxState
    look: BoxLook
    caption: Caption | None = None
    is_secondary: bool = False
    is_matched: bool = False
    is_locked: bool = False
    is_dimmed: bool = False
    copies: int = 1


@dataclass(frozen=True, slots=True)
class FrameView:
    """All boxes of one frame in drawing order.

    Attributes:
        rects: (4, N) float64, rows x1, y1, x2, y2, image pixels.
        index_of: index of a box by its reference.
    """

    frame: int = -1
    boxes: tuple[CanvasBox, ...] = ()
    rects: Float = field(default_factory=lambda: np.zeros((4, 0)))
    index_of: dict[BoxRef, int] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: int, boxes: list[CanvasBox]) -> FrameView:
        """The view of these boxes."""
        rects = np.array([box.rect for box in boxes], np.float64).reshape(-1, 4).T
        index_of = {box.ref: i for i, box in enumerate(boxes)}
        return cls(frame, tuple(boxes), np.ascontiguousarray(rects), index_of)

    def updated(self, frame: int, boxes: list[CanvasBox]) -> FrameView:
        """The view of these boxes; fast where only a few differ from this view's, as during a drag."""
        changed = self._changed_indices(boxes) if frame == self.frame else None
        if changed is None:
            return FrameView.of(frame, boxes)
        rects = self.rects.copy()
        for index in changed:
            rects[:, index] = boxes[index].rect
        return FrameView(frame, tuple(boxes), rects, self.index_of)

    def _changed_indices(self, boxes: Sequence[CanvasBox]) -> list[int] | None:
        """Indices of boxes that are different objects in ``boxes``; None if the references differ."""
        if len(boxes) != len(self.boxes):
            return None
        changed = changed_indices(self.boxes, boxes)
        same = all(self.boxes[index].ref == boxes[index].ref for index in changed)
        return changed if same else None

    def find(self, ref: BoxRef | None) -> CanvasBox | None:
        """The box with this reference, or None."""
        index = self.index_of.get(ref) if ref is not None else None
        return None if index is None else self.boxes[index]

    def changed_boxes(self, other: FrameView) -> list[CanvasBox]:
        """Boxes of either view that are missing or different in the other one."""
        if self.index_of is other.index_of:
            indices = self._changed_indices(other.boxes) or ()
            pairs = ((self.boxes[index], other.boxes[index]) for index in indices)
            return [box for old, new in pairs if old != new for box in (old, new)]
        # Unchanged boxes are the same objects; comparing identities is fast enough for every move of a drag.
        own, others = set(map(id, self.boxes)), set(map(id, other.boxes))
        changed = [box for box in self.boxes if id(box) not in others and other.find(box.ref) != box]
        changed += [box for box in other.boxes if id(box) not in own and self.find(box.ref) != box]
        return changed


def changed_indices(old: Sequence[object], new: Sequence[object]) -> list[int]:
    """Indices at which two sequences of equal length hold different objects."""
    # Called for all boxes of the frame at every move of a drag.
    return list(compress(range(len(old)), map(is_not, old, new)))


class CaptionMode(Enum):
    """Which boxes have captions (the setting ``show_labels``). Only NONE leaves the box under the mouse without."""

    PROBLEMS = "problems"
    SELECTED = "selected"
    ALL = "all"
    NONE = "none"


def is_captioned(box: CanvasBox, mode: CaptionMode, *, all_captions: bool) -> bool:
    """Whether a box that is neither hovered nor selected shows its caption, if there is space for it.

    Args:
        all_captions: the user holds the key that shows all captions.
    """
    if box.caption is None or box.is_dimmed:
        return False
    if all_captions:
        return True
    return not box.is_secondary and (mode is CaptionMode.ALL or (mode is CaptionMode.PROBLEMS and box.state.is_wrong))
