"""Boxes of many frames in columns, the input of all metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

MAX_DETECTIONS = 100
"""Best predictions of a frame and class that take part in COCO's evaluation."""
AreaRange = tuple[str, float, float]
"""A name and the least and greatest area in square pixels, both included."""
COCO_AREAS: tuple[AreaRange, ...] = (
    ("small", 0.0, 32.0**2),
    ("medium", 32.0**2, 96.0**2),
    ("large", 96.0**2, 1e10),
)
UNSPECIFIED_CLASS = -1
"""Class id of boxes without a class; it matches every class."""


class Convention(StrEnum):
    """Width of a box: ``continuous`` x2 - x1 (COCO), ``inclusive`` x2 - x1 + 1 (PASCAL VOC devkit)."""

    CONTINUOUS = "continuous"
    INCLUSIVE = "inclusive"


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Boxes of ``frame_count`` frames, ordered by frame; within a frame in file order (or by box id).

    Arrays are never written to after construction.

    Attributes:
        offsets: (F + 1,) int64; the rows of frame f are ``offsets[f]:offsets[f + 1]``.
        boxes: (4, N) float64, rows x1, y1, x2, y2, pixels.
        class_ids: (N,) int64, ``UNSPECIFIED_CLASS`` for boxes without a class.
        scores: (N,) float64; 1 for boxes without a score and for ground truth.
        ignored: (N,) bool; crowd, difficult, flag 0. Predictions: left out before matching, as a filter's score does.
        ids: (N,) int64; box ids of ground truth, file order of predictions.
        areas: (N,) float64, areas that the file states for ground truth, square pixels, NaN where it states none; they
            decide the ranges of areas. None: width * height of every box.
        by_iou: (N,) bool, ignored boxes that excuse predictions by IoU, as distractors do, instead of by the share of
            the prediction that lies in them. None: no box.
        outside: (N,) bool, boxes that a filter leaves out of what counts (``document/filtering.py``). They are matched
            as all others; ground truth then counts neither as found nor as missed, a prediction only if its partner
            counts. None: no box.
        sure: (N,) bool, predictions at or above the threshold of their own variant and frame
            (``jobs/operating_points.py``). None: the confidence threshold decides.
    """

    offsets: Int
    boxes: Float
    class_ids: Int
    scores: Float
    ignored: Bool
    ids: Int
    areas: Float | None = None
    by_iou: Bool | None = None
    outside: Bool | None = None
    sure: Bool | None = None

    @property
    def frame_count(self) -> int:
        return len(self.offsets) - 1

    def __len__(self) -> int:
        return int(self.boxes.shape[1])

    @classmethod
    def from_rows(
        cls,
        frames: Int,
        boxes: Float,
        *,
        frame_count: int,
        class_ids: Int | None = None,
        scores: Float | None = None,
        ignored: Bool | None = None,
        ids: Int | None = None,
        areas: Float | None = None,
        by_iou: Bool | None = None,
    ) -> BoxTable:
        """Sort rows by frame, keeping the given order within a frame.

        Args:
            frames: (N,) frame of each row, 0-based.
            boxes: (4, N).

        Raises:
            ValueError: a frame is outside 0 to ``frame_count`` - 1, or ``frames`` and ``boxes`` differ in length.
        """
        frames = np.asarray(frames, dtype=np.int64)
        boxes = np.asarray(boxes, dtype=np.float64).reshape(4, -1)
        n = len(frames)
        if boxes.shape[1] != n:
            raise ValueError(f"boxes must be (4, {n}), got {boxes.shape}")
        if n and (frames.min() < 0 or frames.max() >= frame_count):
            raise ValueError(f"frames must lie in 0..{frame_count - 1}, got {frames.min()}..{frames.max()}")
        class_ids = np.zeros(n, np.int64) if class_ids is None else np.asarray(class_ids, np.int64)
        scores = np.ones(n) if scores is None else np.asarray(scores, np.float64)
        ignored = np.zeros(n, np.bool_) if ignored is None else np.asarray(ignored, np.bool_)
        ids = np.arange(n, dtype=np.int64) if ids is None else np.asarray(ids, np.int64)
        if n and np.any(frames[1:] < frames[:-1]):
            order = np.argsort(frames, kind="stable")
            frames, boxes, class_ids = frames[order], boxes[:, order], class_ids[order]
            scores, ignored, ids = scores[order], ignored[order], ids[order]
            areas = None if areas is None else areas[order]
            by_iou = None if by_iou is None else by_iou[order]
        offsets = np.zeros(frame_count + 1, np.int64)
        np.cumsum(np.bincount(frames, minlength=frame_count), out=offsets[1:])
        return cls(offsets, np.ascontiguousarray(boxes), class_ids, scores, ignored, ids, areas, by_iou)

    @classmethod
    def empty(cls, frame_count: int) -> BoxTable:
        """A table without boxes."""
        return cls.from_rows(np.zeros(0, np.int64), np.zeros((4, 0)), frame_count=frame_count)

    def rows(self, frame: int) -> slice:
        """The rows of one frame."""
        return slice(int(self.offsets[frame]), int(self.offsets[frame + 1]))

    def frame_of_row(self) -> Int:
        """(N,) int64: the frame of each row."""
        return np.repeat(np.arange(self.frame_count, dtype=np.int64), np.diff(self.offsets))

    def frame(self, frame: int) -> BoxTable:
        """A table of one frame (frame 0 of the result); arrays are views."""
        rows = self.rows(frame)
        return BoxTable(
            np.array([0, rows.stop - rows.start], np.int64),
            self.boxes[:, rows],
            self.class_ids[rows],
            self.scores[rows],
            self.ignored[rows],
            self.ids[rows],
            None if self.areas is None else self.areas[rows],
            None if self.by_iou is None else self.by_iou[rows],
            None if self.outside is None else self.outside[rows],
            None if self.sure is None else self.sure[rows],
        )

    def select(self, keep: Bool) -> BoxTable:
        """The rows where ``keep``, (N,) bool, is True; the number of frames stays the same."""
        counts = np.bincount(self.frame_of_row()[keep], minlength=self.frame_count)
        offsets = np.zeros(self.frame_count + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        return BoxTable(
            offsets,
            np.ascontiguousarray(self.boxes[:, keep]),
            self.class_ids[keep],
            self.scores[keep],
            self.ignored[keep],
            self.ids[keep],
            None if self.areas is None else self.areas[keep],
            None if self.by_iou is None else self.by_iou[keep],
            None if self.outside is None else self.outside[keep],
            None if self.sure is None else self.sure[keep],
        )

    def passing(self, conf: float) -> Bool:
        """(N,) bool: predictions at or above the confidence threshold, or their own."""
        passing: Bool = self.scores >= conf
        return passing if self.sure is None else self.sure

    def is_outside(self) -> Bool:
        """(N,) bool: ``outside`` of every box."""
        return np.zeros(len(self), np.bool_) if self.outside is None else self.outside

    def counted(self) -> Bool:
        """(N,) bool: ground truth that counts: neither ignored nor outside."""
        return ~self.ignored if self.outside is None else ~(self.ignored | self.outside)

    def regions(self) -> Bool:
        """(N,) bool: ignored boxes that excuse the predictions in them."""
        return self.ignored if self.by_iou is None else self.ignored & ~self.by_iou

    def stated_areas(self) -> Float:
        """(N,) float64: the area of each box in square pixels, as its file states it, else width * height."""
        width, height = self.boxes[2:] - self.boxes[:2]
        computed: Float = width * height
        return computed if self.areas is None else np.where(np.isnan(self.areas), computed, self.areas)

    def __iter__(self) -> Iterator[BoxTable]:
        return (self.frame(f) for f in range(self.frame_count))
