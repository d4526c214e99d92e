"""The problems of a whole video in columns; ``find_frame_problems`` of every frame finds the same ones.

A million boxes have hundreds of thousands of problems. Searching frame by frame would take minutes and objects hundreds
of megabytes; with columns the search takes seconds in a background thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from iouviewer.document.boxes import NO_BOX, NO_TRACK
from iouviewer.document.problems import AGREEMENT, LABELLED, SAME_PLACE, Problem, ProblemKind, problem_key
from iouviewer.metrics.iou import areas, extra_pixel
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs, same_class
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Convention, Float, Int

NO_FIX_CLASS = -2
"""In ``fix_classes``: the fix keeps the class."""


@dataclass(frozen=True, eq=False)
class ProblemTable:
    """Problems by frame, then by kind; columns as ``Problem`` has them.

    Attributes:
        offsets: (F + 1,) int64, the rows of each frame.
        box_ids: NO_BOX where there is none. ious, fix_rects: nan where there is none.
        tracks: of the box, NO_TRACK where it has none or there is no box.
        agreeing: for ``AGREE`` and ``MISS``, the number of agreeing variants, else 0.
        scores: confidence of the prediction, nan without one.
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
    agreeing: Int
    scores: Float

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def of(cls, problems: Sequence[Problem], frame_count: int) -> ProblemTable:
        """A table of these problems."""
        no_rect = (np.nan,) * 4
        rows = sorted(problems, key=lambda problem: (problem.frame, problem.kind))
        return cls(
            _offsets(np.array([problem.frame for problem in rows], np.int64), frame_count),
            np.array([problem.frame for problem in rows], np.int64),
            np.array([problem.kind for problem in rows], np.int64),
            np.array([problem.severity for problem in rows], np.float64),
            np.array([NO_BOX if problem.box_id is None else problem.box_id for problem in rows], np.int64),
            np.array([problem.rect for problem in rows], np.float64).reshape(-1, 4).T,
            np.array([problem.class_id for problem in rows], np.int64),
            np.array([np.nan if problem.iou is None else problem.iou for problem in rows], np.float64),
            np.array([problem.fix_rect or no_rect for problem in rows], np.float64).reshape(-1, 4).T,
            np.array([NO_FIX_CLASS if problem.fix_class is None else problem.fix_class for problem in rows], np.int64),
            np.array([problem.track for problem in rows], np.int64),
            np.array([problem.agreeing for problem in rows], np.int64),
            np.array([np.nan if problem.score is None else problem.score for problem in rows], np.float64),
        )

    def problem(self, row: int) -> Problem:
        """The problem of a row."""
        x1, y1, x2, y2 = self.rects[:, row].tolist()
        a1, b1, a2, b2 = self.fix_rects[:, row].tolist()
        frame, kind, box_id = int(self.frames[row]), ProblemKind(int(self.kinds[row])), int(self.box_ids[row])
        iou, fix_class, score = float(self.ious[row]), int(self.fix_classes[row]), float(self.scores[row])
        id_or_none = None if box_id == NO_BOX else box_id
        return Problem(
            problem_key(kind, frame, id_or_none, (x1, y1, x2, y2)),
            frame,
            kind,
            float(self.severities[row]),
            id_or_none,
            (x1, y1, x2, y2),
            int(self.class_ids[row]),
            None if isnan(iou) else iou,
            None if isnan(a1) else (a1, b1, a2, b2),
            None if fix_class == NO_FIX_CLASS else fix_class,
            int(self.tracks[row]),
            int(self.agreeing[row]),
            None if isnan(score) else score,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProblemInputs:
    """The inputs of the search for problems; no edit changes these values.

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


@dataclass(frozen=True, slots=True, eq=False)
class _Pairing:
    """The pairs of one variant as the problems count them.

    Attributes:
        gt, pred, iou: (P,) each: rows and IoU of the pairs of one object, in order of ground truth.
        unpaired: (N,) bool by prediction row: it has no box.
        doubtful: (N,) bool: it counts and is not a true positive.
        frames: (F,) bool, labelled and covered.
    """

    gt: Int
    pred: Int
    iou: Float
    unpaired: Bool
    doubtful: Bool
    frames: Bool


def _pair(inputs: ProblemInputs, table: BoxTable, covered: Bool) -> _Pairing:
    review = review_all(inputs.truth, table, inputs.review, inputs.labelled & covered)
    one_object = review.pair_iou >= min(SAME_PLACE, inputs.review.iou)
    gt, pred, iou = review.pair_gt[one_object], review.pair_pred[one_object], review.pair_iou[one_object]
    unpaired = review.used & ~review.in_ignore_region
    unpaired[pred] = False
    doubtful = review.used.copy()
    doubtful[review.pair_pred[review.pair_iou >= inputs.review.iou]] = False
    return _Pairing(gt, pred, iou, unpaired, doubtful, review.frames)


def find_all_problems(inputs: ProblemInputs, progress: Callable[[float], None] = lambda _share: None) -> ProblemTable:
    """The problems of all frames; ``progress`` is called with the share that is done, 0..1."""
    if not inputs.predictions:
        return ProblemTable.of((), inputs.truth.frame_count)
    truth, (table, _) = inputs.truth, inputs.predictions[0]
    count_of_steps = 2 * len(inputs.predictions) + 1
    pairings = []
    for number, prediction in enumerate(inputs.predictions, 1):
        pairings.append(_pair(inputs, *prediction))
        progress(number / count_of_steps)
    own = pairings[0]
    loose = own.iou < inputs.review.iou
    loose_gt, loose_pred, loose_iou = own.gt[loose], own.pred[loose], own.iou[loose]
    scored = own.frames[truth.frame_of_row()] & ~truth.ignored
    missed = scored.copy()
    missed[own.gt] = False
    unpaired = own.unpaired.copy()
    wrong_gt, wrong_pred = _other_class(truth, table, missed, unpaired, inputs.review.convention)
    missed[wrong_gt] = False
    unpaired[wrong_pred] = False
    has_problem = np.zeros(len(truth), np.bool_)
    has_problem[loose_gt] = has_problem[wrong_gt] = True
    second = _second_predictions(inputs, own, scored, unpaired)
    second = second.select(~has_problem[second.gt])
    missed[second.gt] = False
    for pairing in pairings[1:]:
        missed[pairing.gt] = False
    found = _ProblemColumns(inputs)
    missing = np.flatnonzero(unpaired)
    witnesses = [pairing.doubtful for pairing in pairings]
    agreeing, mean = _agreed(inputs, loose_pred, witnesses)
    found.add_loose(loose_gt, loose_pred, loose_iou, agreeing, mean)
    found.add_second(second, _best_iou(own, len(truth)))
    agreeing, mean = _agreed(
        inputs, missing, [p.unpaired for p in pairings], lambda n: progress((n + len(pairings)) / count_of_steps)
    )
    found.add_missed(np.flatnonzero(missed))
    found.add_wrong_class(wrong_gt, wrong_pred)
    found.add_false_positives(missing, agreeing, mean)
    return found.table()


def _best_iou(pairing: _Pairing, count: int) -> Float:
    """(``count``,) IoU of each box with its partner, 0 without one."""
    result = np.zeros(count)
    result[pairing.gt] = pairing.iou
    return result


def _second_predictions(inputs: ProblemInputs, own: _Pairing, scored: Bool, unpaired: Bool) -> Pairs:
    """Unpaired predictions on a box of their class, which see no missing object; they leave ``unpaired``.

    Returns:
        For each box the most confident of them, where it is more confident than the box's own partner.
    """
    truth, (table, _) = inputs.truth, inputs.predictions[0]
    rows = np.flatnonzero(unpaired)
    pairs = _overlaps((truth, np.flatnonzero(scored)), (table, rows), LABELLED, inputs.review.convention)
    pairs = pairs.select(same_class(truth.class_ids[pairs.gt], table.class_ids[pairs.pred]))
    pairs = pairs.select(np.lexsort((pairs.gt, -pairs.iou, pairs.pred)))
    pairs = pairs.select(np.diff(pairs.pred, prepend=-1) != 0)
    unpaired[pairs.pred] = False
    scores = table.scores[pairs.pred]
    order = np.lexsort((pairs.pred, -scores, pairs.gt))
    pairs = pairs.select(order)
    pairs = pairs.select(np.diff(pairs.gt, prepend=-1) != 0)
    own_score = np.full(len(truth), -np.inf)
    own_score[own.gt] = table.scores[own.pred]
    return pairs.select(table.scores[pairs.pred] > own_score[pairs.gt])


def _columns(table: BoxTable, rows: Int, convention: Convention) -> PairColumns:
    """The rows (ascending) of a table for ``overlapping_pairs``."""
    offsets = np.searchsorted(rows, table.offsets)
    boxes = table.boxes[:, rows]
    return PairColumns(offsets.astype(np.int64), boxes, areas(boxes, convention))


def _overlaps(one: tuple[BoxTable, Int], other: tuple[BoxTable, Int], min_iou: float, convention: Convention) -> Pairs:
    """Pairs of rows of two tables with IoU >= ``min_iou``."""
    left, right = _columns(*one, convention), _columns(*other, convention)
    pairs = overlapping_pairs(left, right, min_iou, extra=extra_pixel(convention))
    return Pairs(one[1][pairs.gt], other[1][pairs.pred], pairs.iou)


def _other_class(
    truth: BoxTable, table: BoxTable, missed: Bool, unmatched: Bool, convention: Convention
) -> tuple[Int, Int]:
    """Missed boxes that an unmatched prediction of another class covers, and these predictions; each at most once."""
    classed = np.flatnonzero(missed & (truth.class_ids != UNSPECIFIED_CLASS))
    pairs = _overlaps((truth, classed), (table, np.flatnonzero(unmatched)), 0.5, convention)
    pairs = pairs.select(truth.class_ids[pairs.gt] != table.class_ids[pairs.pred])
    pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
    wrong: dict[int, int] = {}
    taken: set[int] = set()
    for box, row in zip(pairs.gt.tolist(), pairs.pred.tolist(), strict=True):
        if box not in wrong and row not in taken:
            wrong[box] = row
            taken.add(row)
    return np.array(list(wrong), np.int64), np.array(list(wrong.values()), np.int64)


def _agreed(
    inputs: ProblemInputs,
    rows: Int,
    witnesses: Sequence[Bool],
    progress: Callable[[int], None] = lambda _number: None,
) -> tuple[Int, Float]:
    """Where all other variants that cover the frame have a box like the baseline's ``rows``.

    Args:
        witnesses: for each variant (N,) bool by prediction row: those that count.

    Returns:
        (N,) number of variants that agree, 0 where they do not; (4, N) mean of the boxes, the baseline's included.
    """
    table, _ = inputs.predictions[0]
    frames = table.frame_of_row()[rows]
    total = table.boxes[:, rows].copy()
    voters = np.ones(len(rows), np.int64)
    agreed = np.ones(len(rows), np.bool_)
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    for number, ((other, covered), counted) in enumerate(zip(inputs.predictions[1:], witnesses[1:], strict=True), 1):
        pairs = _overlaps((table, ascending), (other, np.flatnonzero(counted)), AGREEMENT, inputs.review.convention)
        pairs = pairs.select(table.class_ids[pairs.gt] == other.class_ids[pairs.pred])
        pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
        first = np.ones(len(pairs.gt), np.bool_)
        first[1:] = pairs.gt[1:] != pairs.gt[:-1]
        place = order[np.searchsorted(ascending, pairs.gt[first])]
        votes = covered[frames]
        same = np.zeros(len(rows), np.bool_)
        same[place] = True
        agreed &= same | ~votes
        both = votes[place]
        total[:, place[both]] += other.boxes[:, pairs.pred[first][both]]
        voters += votes
        progress(number)
    return np.where(agreed & (voters > 1), voters, 0), total / voters


class _ProblemColumns:
    """Collects the columns of a problem table."""

    def __init__(self, inputs: ProblemInputs) -> None:
        self._inputs = inputs
        self._truth, self._table = inputs.truth, inputs.predictions[0][0]
        self._gt_frame, self._pred_frame = self._truth.frame_of_row(), self._table.frame_of_row()
        self._parts: list[tuple[Int | Float, ...]] = []

    def _put(
        self,
        kinds: Int,
        severity_in_kind: Float,
        *,
        gt: Int | None = None,
        pred: Int | None = None,
        iou: Float | None = None,
        fix: Float | None = None,
        fix_class: Int | None = None,
        agreeing: Int | None = None,
        score: Float | None = None,
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
                kinds + severity_in_kind * 0.99,
                ids,
                rects.reshape(4, -1),
                classes,
                np.full(count, np.nan) if iou is None else iou,
                np.full((4, count), np.nan) if fix is None else fix,
                np.full(count, NO_FIX_CLASS, np.int64) if fix_class is None else fix_class,
                tracks,
                np.zeros(count, np.int64) if agreeing is None else agreeing,
                np.full(count, np.nan) if score is None else score,
            )
        )

    def _tracks_of(self, ids: Int) -> Int:
        place = np.searchsorted(self._inputs.track_ids, ids)
        return self._inputs.tracks[place]

    def add_loose(self, gt: Int, pred: Int, iou: Float, agreeing: Int, mean: Float) -> None:
        """Add pairs below the IoU threshold."""
        agreed = agreeing > 0
        kinds = np.where(agreed, int(ProblemKind.AGREE), int(ProblemKind.LOOSE))
        severity = np.where(agreed, self._table.scores[pred], 1.0 - iou)
        fix = np.where(agreed, mean, self._table.boxes[:, pred])
        self._put(kinds, severity, gt=gt, iou=iou, fix=fix, agreeing=agreeing, score=self._table.scores[pred])

    def add_second(self, pairs: Pairs, own_iou: Float) -> None:
        """Add boxes whose own partner is less confident than another prediction on them.

        Args:
            own_iou: (B,) IoU of each box with its partner.
        """
        kinds = np.full(len(pairs.gt), int(ProblemKind.LOOSE))
        severity = 1.0 - np.maximum(pairs.iou, own_iou[pairs.gt])
        fix, score = self._table.boxes[:, pairs.pred], self._table.scores[pairs.pred]
        self._put(kinds, severity, gt=pairs.gt, iou=pairs.iou, fix=fix, score=score)

    def add_missed(self, gt: Int) -> None:
        """Add boxes that no variant finds."""
        boxes = self._truth.boxes[:, gt]
        area = (boxes[2] - boxes[0]) * (boxes[3] - boxes[1])
        frames = self._gt_frame[gt]
        votes = [covered[frames] for _, covered in self._inputs.predictions]
        voters: Int = np.asarray(np.sum(votes, axis=0), np.int64)
        kinds = np.full(len(gt), int(ProblemKind.MISS))
        self._put(kinds, np.minimum(area / 1e5, 1.0), gt=gt, agreeing=voters)

    def add_wrong_class(self, gt: Int, pred: Int) -> None:
        """Add boxes that a prediction of another class covers."""
        kinds = np.full(len(gt), int(ProblemKind.WRONG_CLASS))
        scores = self._table.scores[pred]
        self._put(kinds, scores, gt=gt, fix_class=self._table.class_ids[pred], score=scores)

    def add_false_positives(self, pred: Int, agreeing: Int, mean: Float) -> None:
        """Add predictions without a partner."""
        agreed = agreeing > 0
        kinds = np.where(agreed, int(ProblemKind.AGREE), int(ProblemKind.FALSE_POSITIVE))
        fix = np.where(agreed, mean, self._table.boxes[:, pred])
        classes = self._table.class_ids[pred]
        scores = self._table.scores[pred]
        self._put(kinds, scores, pred=pred, fix=fix, fix_class=classes, agreeing=agreeing, score=scores)

    def table(self) -> ProblemTable:
        """All problems that were added."""
        columns = [np.concatenate(column, axis=-1) for column in zip(*self._parts, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        frames, *others = (column[..., order] for column in columns)
        return ProblemTable(_offsets(frames, self._truth.frame_count), frames, *others)


def _offsets(frames: Int, frame_count: int) -> Int:
    return np.searchsorted(frames, np.arange(frame_count + 1)).astype(np.int64)
