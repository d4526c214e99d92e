"""The problems of a whole video in columns, found at once; ``frame_problems`` of every frame gives the same ones.

A million boxes have hundreds of thousands of problems. Found frame by frame they take minutes, as objects hundreds of
megabytes; in columns they take seconds, in a thread beside the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.problems import AGREEMENT, Kind, Problem, problem_key
from iouviewer.metrics.iou import areas, extra_pixel
from iouviewer.metrics.pairs import Columns, Pairs, overlapping_pairs
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Convention, Float, Int

NO_BOX = -1
NO_FIX_CLASS = -2
"""In ``fix_classes``: the fix leaves the class as it is."""


@dataclass(frozen=True, eq=False)
class ProblemTable:
    """Problems by frame, then by kind; columns as ``Problem`` has them.

    Attributes:
        offsets: (F + 1,) int64, the rows of each frame.
        box_ids: NO_BOX where there is none. ious, fix_rects: nan where there is none.
        tracks: of the box, NO_TRACK where it has none or there is no box.
    """

    offsets: Int
    frames: Int
    kinds: Int
    severities: Float
    box_ids: Int
    rects: Float
    class_ids: Int
    ious: Float
    fix_rects: Float
    fix_classes: Int
    tracks: Int

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def of(cls, problems: Sequence[Problem], frame_count: int) -> ProblemTable:
        """These problems."""
        none = (np.nan,) * 4
        rows = sorted(problems, key=lambda one: (one.frame, one.kind))
        return cls(
            _offsets(np.array([one.frame for one in rows], np.int64), frame_count),
            np.array([one.frame for one in rows], np.int64),
            np.array([one.kind for one in rows], np.int64),
            np.array([one.severity for one in rows], np.float64),
            np.array([NO_BOX if one.box_id is None else one.box_id for one in rows], np.int64),
            np.array([one.rect for one in rows], np.float64).reshape(-1, 4).T,
            np.array([one.class_id for one in rows], np.int64),
            np.array([np.nan if one.iou is None else one.iou for one in rows], np.float64),
            np.array([one.fix_rect or none for one in rows], np.float64).reshape(-1, 4).T,
            np.array([NO_FIX_CLASS if one.fix_class is None else one.fix_class for one in rows], np.int64),
            np.array([one.track for one in rows], np.int64),
        )

    def problem(self, row: int) -> Problem:
        """The problem of a row."""
        x1, y1, x2, y2 = self.rects[:, row].tolist()
        a1, b1, a2, b2 = self.fix_rects[:, row].tolist()
        frame, kind, box_id = int(self.frames[row]), Kind(int(self.kinds[row])), int(self.box_ids[row])
        iou, fix_class = float(self.ious[row]), int(self.fix_classes[row])
        of_box = None if box_id == NO_BOX else box_id
        return Problem(
            problem_key(kind, frame, of_box, (x1, y1, x2, y2)),
            frame,
            kind,
            float(self.severities[row]),
            of_box,
            (x1, y1, x2, y2),
            int(self.class_ids[row]),
            None if isnan(iou) else iou,
            None if isnan(a1) else (a1, b1, a2, b2),
            None if fix_class == NO_FIX_CLASS else fix_class,
            int(self.tracks[row]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What problems are looked for in, as values that no edit changes.

    Attributes:
        labelled: (F,) bool, the frames that count.
        track_ids, tracks: (B,) id and track of each box, by id.
        predictions: the baseline first, each with its covered frames (F,) bool.
    """

    truth: BoxTable
    labelled: Bool
    track_ids: Int
    tracks: Int
    predictions: tuple[tuple[BoxTable, Bool], ...]
    review: ReviewSettings


def all_problems(evidence: Evidence) -> ProblemTable:
    """The problems of all frames."""
    if not evidence.predictions:
        return ProblemTable.of((), evidence.truth.frame_count)
    truth, (table, covered) = evidence.truth, evidence.predictions[0]
    review = review_all(truth, table, evidence.review, evidence.labelled & covered)
    loose = review.pair_iou < evidence.review.iou
    loose_gt, loose_pred, loose_iou = review.pair_gt[loose], review.pair_pred[loose], review.pair_iou[loose]
    missed = review.frames[truth.frame_of_row()] & ~truth.ignored
    missed[review.pair_gt] = False
    lonely = review.used & ~review.swallowed
    lonely[review.pair_pred] = False
    wrong_gt, wrong_pred = _other_class(truth, table, missed, lonely, evidence.review.convention)
    missed[wrong_gt] = False
    lonely[wrong_pred] = False
    found = _Found(evidence)
    agreed, mean = _agreed(evidence, np.concatenate((loose_pred, np.flatnonzero(lonely))))
    count = len(loose_pred)
    found.loose(loose_gt, loose_pred, loose_iou, agreed[:count], mean[:, :count])
    found.missed(np.flatnonzero(missed))
    found.wrong_class(wrong_gt, wrong_pred)
    found.false_positives(np.flatnonzero(lonely), agreed[count:], mean[:, count:])
    return found.table()


def _columns(table: BoxTable, rows: Int, convention: Convention) -> Columns:
    """The rows (ascending) of a table for ``overlapping_pairs``."""
    offsets = np.searchsorted(rows, table.offsets)
    boxes = table.boxes[:, rows]
    return Columns(offsets.astype(np.int64), boxes, areas(boxes, convention))


def _overlaps(one: tuple[BoxTable, Int], other: tuple[BoxTable, Int], least: float, convention: Convention) -> Pairs:
    """Pairs of rows of two tables with IoU >= ``least``."""
    left, right = _columns(*one, convention), _columns(*other, convention)
    pairs = overlapping_pairs(left, right, least, extra=extra_pixel(convention))
    return Pairs(one[1][pairs.gt], other[1][pairs.pred], pairs.iou)


def _other_class(
    truth: BoxTable, table: BoxTable, missed: Bool, lonely: Bool, convention: Convention
) -> tuple[Int, Int]:
    """Missed boxes that a lonely prediction of another class covers, and these predictions; each of them once."""
    classed = np.flatnonzero(missed & (truth.class_ids != UNSPECIFIED_CLASS))
    pairs = _overlaps((truth, classed), (table, np.flatnonzero(lonely)), 0.5, convention)
    pairs = pairs.select(truth.class_ids[pairs.gt] != table.class_ids[pairs.pred])
    pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
    wrong: dict[int, int] = {}
    taken: set[int] = set()
    for box, row in zip(pairs.gt.tolist(), pairs.pred.tolist(), strict=True):
        if box not in wrong and row not in taken:
            wrong[box] = row
            taken.add(row)
    return np.array(list(wrong), np.int64), np.array(list(wrong.values()), np.int64)


def _agreed(evidence: Evidence, rows: Int) -> tuple[Bool, Float]:
    """Whether all other variants that cover the frame have a box like the baseline's; (4, N) mean of their boxes."""
    table, _ = evidence.predictions[0]
    frames = table.frame_of_row()[rows]
    total = table.boxes[:, rows].copy()
    witnesses = np.ones(len(rows), np.int64)
    agreed = np.ones(len(rows), np.bool_)
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    for other, covered in evidence.predictions[1:]:
        used = np.flatnonzero(other.scores >= evidence.review.conf)
        pairs = _overlaps((table, ascending), (other, used), AGREEMENT, evidence.review.convention)
        pairs = pairs.select(table.class_ids[pairs.gt] == other.class_ids[pairs.pred])
        pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
        first = np.ones(len(pairs.gt), np.bool_)
        first[1:] = pairs.gt[1:] != pairs.gt[:-1]
        place = order[np.searchsorted(ascending, pairs.gt[first])]
        testifies = covered[frames]
        same = np.zeros(len(rows), np.bool_)
        same[place] = True
        agreed &= same | ~testifies
        both = testifies[place]
        total[:, place[both]] += other.boxes[:, pairs.pred[first][both]]
        witnesses += testifies
    return agreed & (witnesses > 1), total / witnesses


class _Found:
    """Collects the columns."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._truth, self._table = evidence.truth, evidence.predictions[0][0]
        self._gt_frame, self._pred_frame = self._truth.frame_of_row(), self._table.frame_of_row()
        self._parts: list[tuple[Int | Float, ...]] = []

    def _put(
        self,
        kinds: Int,
        worst: Float,
        *,
        gt: Int | None = None,
        pred: Int | None = None,
        iou: Float | None = None,
        fix: Float | None = None,
        fix_class: Int | None = None,
    ) -> None:
        count = len(kinds)
        if gt is not None:
            frames, ids = self._gt_frame[gt], self._truth.ids[gt]
            rects, classes, tracks = self._truth.boxes[:, gt], self._truth.class_ids[gt], self._tracks_of(ids)
        else:
            frames, ids = self._pred_frame[pred], np.full(count, NO_BOX, np.int64)
            rects, classes = self._table.boxes[:, pred], self._table.class_ids[pred]
            tracks = np.full(count, NO_TRACK, np.int64)
        self._parts.append(
            (
                frames,
                kinds,
                kinds + worst * 0.99,
                ids,
                rects.reshape(4, -1),
                classes,
                np.full(count, np.nan) if iou is None else iou,
                np.full((4, count), np.nan) if fix is None else fix,
                np.full(count, NO_FIX_CLASS, np.int64) if fix_class is None else fix_class,
                tracks,
            )
        )

    def _tracks_of(self, ids: Int) -> Int:
        place = np.searchsorted(self._evidence.track_ids, ids)
        return self._evidence.tracks[place]

    def loose(self, gt: Int, pred: Int, iou: Float, agreed: Bool, mean: Float) -> None:
        """Pairs below the threshold."""
        kinds = np.where(agreed, int(Kind.AGREE), int(Kind.LOOSE))
        worst = np.where(agreed, self._table.scores[pred], 1.0 - iou)
        self._put(kinds, worst, gt=gt, iou=iou, fix=np.where(agreed, mean, self._table.boxes[:, pred]))

    def missed(self, gt: Int) -> None:
        """Boxes without a partner."""
        boxes = self._truth.boxes[:, gt]
        area = (boxes[2] - boxes[0]) * (boxes[3] - boxes[1])
        self._put(np.full(len(gt), int(Kind.MISS)), np.minimum(area / 1e5, 1.0), gt=gt)

    def wrong_class(self, gt: Int, pred: Int) -> None:
        """Boxes that a prediction of another class covers."""
        kinds = np.full(len(gt), int(Kind.WRONG_CLASS))
        self._put(kinds, self._table.scores[pred], gt=gt, fix_class=self._table.class_ids[pred])

    def false_positives(self, pred: Int, agreed: Bool, mean: Float) -> None:
        """Predictions without a partner."""
        kinds = np.where(agreed, int(Kind.AGREE), int(Kind.FALSE_POSITIVE))
        fix = np.where(agreed, mean, self._table.boxes[:, pred])
        self._put(kinds, self._table.scores[pred], pred=pred, fix=fix, fix_class=self._table.class_ids[pred])

    def table(self) -> ProblemTable:
        """All that was put."""
        columns = [np.concatenate(column, axis=-1) for column in zip(*self._parts, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        frames, kinds, severities, ids, rects, classes, ious, fixes, fix_classes, tracks = (
            column[..., order] for column in columns
        )
        offsets = _offsets(frames, self._truth.frame_count)
        return ProblemTable(offsets, frames, kinds, severities, ids, rects, classes, ious, fixes, fix_classes, tracks)


def _offsets(frames: Int, frame_count: int) -> Int:
    return np.searchsorted(frames, np.arange(frame_count + 1)).astype(np.int64)
