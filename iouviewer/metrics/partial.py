"""One variant scored on one source, reduced to what pooled scores and their intervals need: about 20 bytes a box.

Whether a prediction is matched depends on its own frame only. So sources are matched one by one, and several of them
are merged by sorting the predictions of all by score (``metrics.pooled``): nothing is matched again, and the result is
that of all boxes together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.coco import CocoMatches
from iouviewer.metrics.coco_matching import Masks
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

FORMAT = 1
"""Version of the columns; another one is computed again, never read."""

FrameNumbers = NDArray[np.uint32]
Scores = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Partial:
    """One variant on one source. Frames are the scored ones, numbered from 0 in order of time.

    Attributes:
        frames: number of scored frames F.
        single_images: the frames are independent images.
        has_scores: whether predictions have scores; without them there are no ranked predictions, and no AP.
        class_names: all classes of the source's ground truth, index = class id, those without a box included. Sources
            are joined by name, without regard to case.
        class_ids: (K,) int64 ascending, classes that have ground truth or predictions; ``UNSPECIFIED_CLASS`` for boxes
            without a class, and where classes are not used.
        starts: (K + 1,) int64, the ranked predictions of each class.
        scores: (R,) by class, then highest first, equal ones by frame, then file order; float32 where that is exact.
        frame_of: (R,) uint32, frame of each ranked prediction.
        tp: (R,) uint16, bit t: matched to a ground-truth box that counts, at IoU threshold t of COCO.
        ignored: (R,) uint16, bit t: neither true nor false positive; (0,) if there is none.
        truth_starts: (K + 1,) int64, the ground-truth boxes of each class.
        truth_frame: (G,) uint32, frame of each ground-truth box that counts.
        iou_sums: (2, F) float64, review: sum of IoU over pairs, and over true positives.
        counts: (4, F) uint32, review: boxes, true positives, false positives, misses.
    """

    frames: int
    single_images: bool
    has_scores: bool
    class_names: tuple[str, ...]
    class_ids: Int
    starts: Int
    scores: Scores
    frame_of: FrameNumbers
    tp: Masks
    ignored: Masks
    truth_starts: Int
    truth_frame: FrameNumbers
    iou_sums: Float
    counts: NDArray[np.uint32]

    def class_name(self, place: int) -> str:
        """Name of ``class_ids[place]``; empty for boxes without a class."""
        number = int(self.class_ids[place])
        return "" if number == UNSPECIFIED_CLASS else self.class_names[number]

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(value.nbytes for value in self.columns().values())

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for a file."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}

    def header(self) -> dict[str, Any]:
        """The other values by name, for a file."""
        return {
            "format": FORMAT,
            "frames": self.frames,
            "single_images": self.single_images,
            "has_scores": self.has_scores,
            "class_names": list(self.class_names),
        }

    @classmethod
    def from_columns(cls, header: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> Partial:
        """The partial of ``header`` and ``columns``.

        Raises:
            ValueError: they do not fit together, or are of another format.
        """
        if header.get("format") != FORMAT:
            raise ValueError(f"format {header.get('format')!r} is not {FORMAT}")
        names = {field.name for field in fields(cls)} - {"frames", "single_images", "has_scores", "class_names"}
        if missing := names - columns.keys():
            raise ValueError(f"columns are missing: {', '.join(sorted(missing))}")
        found = cls(
            int(header["frames"]),
            bool(header["single_images"]),
            bool(header["has_scores"]),
            tuple(map(str, header["class_names"])),
            **{name: columns[name] for name in names},
        )
        found.check()
        return found

    def check(self) -> None:
        """Raise ValueError if the columns do not fit together, so that a damaged file is never scored."""
        rows, classes = len(self.scores), len(self.class_ids)
        expected: dict[str, tuple[int, ...]] = {
            "starts": (classes + 1,),
            "truth_starts": (classes + 1,),
            "frame_of": (rows,),
            "tp": (rows,),
            "iou_sums": (2, self.frames),
            "counts": (4, self.frames),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if len(self.ignored) not in (0, rows):
            raise ValueError("columns of different lengths")
        if classes and not -1 <= int(self.class_ids.min()) <= int(self.class_ids.max()) < len(self.class_names):
            raise ValueError("classes without a name")
        for starts, frames in ((self.starts, self.frame_of), (self.truth_starts, self.truth_frame)):
            if starts[0] != 0 or starts[-1] != len(frames) or (np.diff(starts) < 0).any():
                raise ValueError("classes overlap")
            if len(frames) and int(frames.max()) >= self.frames:
                raise ValueError("frames outside the source")


def narrow(scores: Float) -> Scores:
    """The scores as float32 where that changes none of them."""
    short = scores.astype(np.float32)
    return short if np.array_equal(short.astype(np.float64), scores) else scores


def build_partial(
    truth: BoxTable,
    predictions: BoxTable,
    matches: CocoMatches | None,
    sums: Sequence[NDArray[Any]],
    frames: Bool,
    *,
    class_names: Sequence[str],
    single_images: bool = False,
) -> Partial:
    """Reduce the matches of one source.

    Args:
        matches: of ``frames``; None where the predictions have no scores.
        sums: (F,) each: sum of IoU, of IoU of true positives, boxes, true positives, false positives, misses.
        frames: (F,) bool, the scored frames.
        class_names: index = class id. Classes beyond it are unknown to the ground truth and count nowhere.
    """
    number = (np.cumsum(frames) - 1).astype(np.int64)
    known = np.zeros(0, np.int64)
    places: list[int] = []
    if matches is not None:
        places = np.flatnonzero(matches.classes < len(class_names)).tolist()
        known = matches.classes[places]
    prediction_frame, truth_frame = number[predictions.frame_of_row()], number[truth.frame_of_row()]
    rows, boxes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for place in places:
        assert matches is not None
        rows.append(matches.order[matches.class_starts[place] : matches.class_starts[place + 1]])
        boxes.append(np.flatnonzero(matches.gt_evaluated & (matches.gt_class == matches.classes[place])))
    row, box = np.concatenate(rows), np.concatenate(boxes)
    ignored = np.zeros(0, np.uint16) if matches is None else matches.ignored[row]
    return Partial(
        int(frames.sum()),
        single_images,
        matches is not None,
        tuple(class_names),
        known,
        np.cumsum([len(one) for one in rows]),
        narrow(predictions.scores[row]),
        prediction_frame[row].astype(np.uint32),
        np.zeros(0, np.uint16) if matches is None else matches.tp[row],
        ignored if ignored.any() else np.zeros(0, np.uint16),
        np.cumsum([len(one) for one in boxes]),
        truth_frame[box].astype(np.uint32),
        np.stack([np.asarray(column, np.float64)[frames] for column in sums[:2]]),
        np.stack([np.asarray(column, np.uint32)[frames] for column in sums[2:]]),
    )
