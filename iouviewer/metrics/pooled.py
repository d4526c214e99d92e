"""Scores of several sources together, from their partials: equal to those of all boxes scored at once.

Pooled AP sorts the predictions of all sources by score (equal scores by source, frame, file order); PQ and Avg IoU add
sums. More than ``IN_MEMORY`` predictions lie in temporary files and are sorted in ranges of scores, so memory does not
grow with the number of sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from iouviewer.metrics.coco import ClassAp, class_ap, mean_over_classes
from iouviewer.metrics.influence import influence_on_pq
from iouviewer.metrics.ordering import order_by_score
from iouviewer.metrics.partial import Partial
from iouviewer.metrics.ranked_masks import PIECE, RANKED, RankedMasks
from iouviewer.metrics.row_file import Records, RowFile
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Float, Int
from iouviewer.metrics.weighted_scores import FrameSums

IN_MEMORY = 1 << 22
"""Predictions that are kept in memory; more lie in temporary files."""


@dataclass(frozen=True, slots=True)
class PooledScores:
    """Scores of one variant; None where undefined.

    Attributes:
        per_class: by name of the class, those with ground truth.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ar100: float | None
    pq: float | None
    avg_iou: float | None
    per_class: dict[str, ClassAp]


@dataclass(frozen=True)
class Pooled:
    """One variant on several sources, merged once.

    Attributes:
        lengths: number of frames of each source.
        classes: by name of the class, in the order of the first source that has it.
        sums: review sums by group (frame or source).
        frame_iou: (2, G) sum of frame IoU, and number of frames where it is defined, by group.
        alone: AP of each source alone.
        by_frame: whether a group is a frame; otherwise a source.
    """

    lengths: tuple[int, ...]
    classes: dict[str, RankedMasks]
    sums: FrameSums
    frame_iou: Float
    alone: tuple[PooledScores, ...]
    by_frame: bool
    has_scores: bool
    _influences: dict[str, Float] = field(default_factory=dict, repr=False, compare=False)
    _scores: list[PooledScores] = field(default_factory=list, repr=False, compare=False)

    @property
    def frames(self) -> int:
        return sum(self.lengths)

    def scores(self) -> PooledScores:
        """The scores of all sources together."""
        if not self._scores:
            found = {
                name: class_ap(*ranked.curves(), ranked.total) for name, ranked in self.classes.items() if ranked.total
            }
            self._scores.append(_summary(found, self.sums, self.frame_iou))
        return self._scores[0]

    def score(self, metric: str) -> float:
        """``ap``, ``pq`` or ``avg_iou`` of all sources together, nan where undefined."""
        return _number(self.scores(), metric)

    def score_by_video(self, metric: str, lengths: Sequence[int]) -> Float:
        """(V,) the same of each source alone; ``lengths`` are the frames of each."""
        if tuple(lengths) != self.lengths:
            raise ValueError(f"the sources have {self.lengths} frames, not {tuple(lengths)}")
        return np.array([_number(one, metric) for one in self.alone])

    def influence(self, metric: str) -> Float:
        """(G,) influence of each group on a metric, summed over its frames."""
        if metric not in self._influences:
            self._influences[metric] = self._influence(metric)
        return self._influences[metric]

    def _influence(self, metric: str) -> Float:
        groups = len(self.sums.iou)
        scale = self.frames / groups
        if metric == "pq":
            return influence_on_pq(self.sums) * scale
        if metric == "avg_iou":
            total = float(self.frame_iou[1].sum())
            if not total:
                return np.full(groups, np.nan)
            share = self.frame_iou[0].sum() / total
            found: Float = (self.frame_iou[0] - share * self.frame_iou[1]) * (self.frames / total)
            return found
        present = [ranked for ranked in self.classes.values() if ranked.total]
        if not present:
            return np.full(groups, np.nan)
        summed = np.zeros(groups)
        for ranked in present:
            summed += ranked.influence()
        return summed * (self.frames / (10 * len(present)))


def pool(partials: Iterable[Partial], *, in_memory: int = IN_MEMORY, piece: int = PIECE) -> Pooled:
    """Merge the partials of one variant, in the order of the sources.

    They may come from an iterator that reads one at a time. Influence values are kept by frame where an interval needs
    them (one source, or single images only), otherwise by source.

    Args:
        in_memory: predictions that are kept in memory.
        piece: predictions that are handled at a time.

    Raises:
        ValueError: there is no partial.
    """
    builder = _Builder(in_memory, piece)
    for partial in partials:
        builder.add(partial)
    return builder.finish()


def score_partial(partial: Partial) -> PooledScores:
    """The scores of one source alone."""
    found = {}
    for place in range(len(partial.class_ids)):
        name = partial.class_name(place)
        rows = slice(int(partial.starts[place]), int(partial.starts[place + 1]))
        count = int(partial.truth_starts[place + 1] - partial.truth_starts[place])
        if count:
            ignored = partial.ignored[rows] if len(partial.ignored) else partial.ignored
            ranked = RankedMasks.of(partial.tp[rows], ignored, np.zeros(rows.stop - rows.start), np.array([count]))
            found[name] = class_ap(*ranked.curves(), count)
    return _summary(found, *_frame_sums(partial))


def _number(scores: PooledScores, metric: str) -> float:
    value = getattr(scores, metric)
    return np.nan if value is None else float(value)


def _summary(per_class: dict[str, ClassAp], sums: FrameSums, frame_iou: Float) -> PooledScores:
    by_number = dict(enumerate(per_class.values()))
    ap, ap50, ap75, ar100 = (mean_over_classes(by_number, name) for name in ("ap", "ap50", "ap75", "ar100"))
    weight = float((sums.tp + 0.5 * sums.fp + 0.5 * sums.fn).sum())
    defined = float(frame_iou[1].sum())
    pq = float(sums.tp_iou.sum()) / weight if weight else None
    avg_iou = float(frame_iou[0].sum()) / defined if defined else None
    return PooledScores(ap, ap50, ap75, ar100, pq, avg_iou, per_class)


def _frame_sums(partial: Partial) -> tuple[FrameSums, Float]:
    """Review sums of each frame, and (2, F) frame IoU and whether it is defined."""
    iou, tp_iou = np.asarray(partial.iou_sums, np.float64)
    truths, tp, fp, fn = np.asarray(partial.counts, np.float64)
    defined = truths > 0
    frame_iou = np.where(defined, iou / np.where(defined, truths, 1.0), 0.0)
    return FrameSums(iou, truths, tp_iou, tp, fp, fn), np.stack((frame_iou, defined.astype(np.float64)))


_SUMS = ("iou", "truths", "tp_iou", "tp", "fp", "fn")
_SCORED = np.dtype([("score", "<f8"), *((name, RANKED[name]) for name in RANKED.names or ())])
_SMALL = 64
"""A class with less than this part of ``in_memory`` stays in memory: files for many rare classes help nobody."""


@dataclass(slots=True)
class _ClassRuns:
    """The predictions of one class, source after source.

    Attributes:
        number: id among the classes of all sources, in the order of their lists; -1 for boxes without a class. Means
            are added in this order, as in one evaluation.
        ends: end of each source's run in the rows.
        sample: every ``_STEP``-th score of each run.
        positives: ground-truth boxes: groups and how many in each.
    """

    name: str
    number: int
    rows: RowFile
    ends: list[int]
    sample: list[Float] = field(default_factory=list)
    positives: list[tuple[Int, Int]] = field(default_factory=list)
    any_ignored: bool = False


_STEP = 4096


class _Builder:
    """Collects partials; what stays in memory is small for each source."""

    def __init__(self, in_memory: int, piece: int) -> None:
        self._limit, self._piece = in_memory, piece
        self._runs: dict[str, _ClassRuns] = {}
        self._numbers: dict[str, int] = {}
        self._lengths: list[int] = []
        self._alone: list[PooledScores] = []
        self._sums: list[tuple[FrameSums, Float]] = []
        self._by_frame = True
        self._single_images = True
        self._has_scores = True

    def add(self, partial: Partial) -> None:
        self._single_images &= partial.single_images
        if self._by_frame and self._lengths and not self._single_images:
            self._group_by_source()
        self._has_scores &= partial.has_scores
        first = sum(self._lengths) if self._by_frame else len(self._lengths)
        self._lengths.append(partial.frames)
        self._alone.append(score_partial(partial))
        sums = _frame_sums(partial)
        self._sums.append(sums if self._by_frame else _summed(sums))
        for name in partial.class_names:
            self._numbers.setdefault(name.casefold(), len(self._numbers))
        for place in range(len(partial.class_ids)):
            self._add_class(partial, place, partial.class_name(place), first)
        for runs in self._runs.values():
            runs.ends += [len(runs.rows)] * (len(self._lengths) - len(runs.ends))
        if sum(len(runs.rows) for runs in self._runs.values()) > self._limit:
            for runs in self._runs.values():
                if len(runs.rows) > self._limit // _SMALL:
                    runs.rows.spill()

    def _add_class(self, partial: Partial, place: int, name: str, first: int) -> None:
        runs = self._runs_of(name)
        part = slice(int(partial.starts[place]), int(partial.starts[place + 1]))
        boxes = partial.truth_frame[int(partial.truth_starts[place]) : int(partial.truth_starts[place + 1])]
        rows = np.zeros(part.stop - part.start, _SCORED)
        rows["score"], rows["tp"] = partial.scores[part], partial.tp[part]
        if len(partial.ignored):
            rows["ignored"] = partial.ignored[part]
            runs.any_ignored |= bool(rows["ignored"].any())
        if self._by_frame:
            rows["group"] = partial.frame_of[part].astype(np.int64) + first
            frames, numbers = np.unique(boxes.astype(np.int64) + first, return_counts=True)
            runs.positives.append((frames, numbers))
        else:
            rows["group"] = first
            runs.positives.append((np.array([first]), np.array([len(boxes)])))
        runs.rows.append(rows)
        runs.sample.append(np.array(rows["score"][::_STEP]))

    def _runs_of(self, name: str) -> _ClassRuns:
        folded = name.casefold()
        if folded not in self._runs:
            number = self._numbers.get(folded, UNSPECIFIED_CLASS)
            self._runs[folded] = _ClassRuns(name, number, RowFile(_SCORED), [0] * (len(self._lengths) - 1))
        return self._runs[folded]

    def _group_by_source(self) -> None:
        """From frames to sources as groups: a second source is not made of single images."""
        self._by_frame = False
        bounds = np.cumsum([0, *self._lengths])
        self._sums = [_summed(one) for one in self._sums]
        for runs in self._runs.values():
            rows = RowFile(_SCORED)
            if runs.rows.is_spilled:
                rows.spill()
            for first in range(0, len(runs.rows), self._piece):
                part = runs.rows.read(first, min(first + self._piece, len(runs.rows))).copy()
                part["group"] = np.searchsorted(bounds, part["group"], side="right") - 1
                rows.append(part)
            runs.rows = rows
            runs.positives = [
                (np.searchsorted(bounds, frames, side="right") - 1, numbers) for frames, numbers in runs.positives
            ]

    def finish(self) -> Pooled:
        if not self._lengths:
            raise ValueError("there is no partial")
        groups = sum(self._lengths) if self._by_frame else len(self._lengths)
        ordered = sorted(self._runs.values(), key=lambda runs: runs.number)
        # Without scores somewhere the predictions of all sources have no common order, hence no AP.
        classes = {runs.name: self._merged(runs, groups) for runs in ordered} if self._has_scores else {}
        sums = FrameSums(*(np.concatenate([getattr(one, name) for one, _ in self._sums]) for name in _SUMS))
        frame_iou = np.concatenate([values for _, values in self._sums], axis=1)
        return Pooled(
            tuple(self._lengths), classes, sums, frame_iou, tuple(self._alone), self._by_frame, self._has_scores
        )

    def _merged(self, runs: _ClassRuns, groups: int) -> RankedMasks:
        positives = np.zeros(groups, np.int64)
        for group, numbers in runs.positives:
            np.add.at(positives, group, numbers)
        merged = RowFile(RANKED)
        if runs.rows.is_spilled:
            merged.spill()
            for part in _score_ranges(runs, self._piece):
                merged.append(_ranked(part))
        else:
            merged.append(_ranked(runs.rows.read(0, len(runs.rows))))
        runs.rows = RowFile(_SCORED)  # frees the memory, or the file
        return RankedMasks(merged, runs.any_ignored, positives, self._piece)


def _ranked(rows: Records) -> Records:
    """Rows sorted by score, without it."""
    order = order_by_score(np.ascontiguousarray(rows["score"]))
    found = np.empty(len(rows), RANKED)
    for name in RANKED.names or ():
        found[name] = rows[name][order]
    return found


def _summed(sums: tuple[FrameSums, Float]) -> tuple[FrameSums, Float]:
    """The sums over all frames of one source, as one group."""
    totals = FrameSums(*(np.array([getattr(sums[0], name).sum()]) for name in _SUMS))
    return totals, sums[1].sum(axis=1, keepdims=True)


def _score_ranges(runs: _ClassRuns, size: int) -> Iterable[Records]:
    """All rows by range of scores, highest range first, each about ``size`` rows; within a range by source."""
    bounds = [(first, last) for first, last in zip([0, *runs.ends[:-1]], runs.ends, strict=True) if last > first]
    sample = np.sort(np.concatenate(runs.sample))[::-1]
    edges = sample[:: max(1, size // _STEP)][1:].tolist()
    reached = [first for first, _ in bounds]
    for edge in [*edges, -np.inf]:
        parts = []
        for number, (_, last) in enumerate(bounds):
            end = _end_of(runs.rows, edge, reached[number], last)
            parts.append(runs.rows.read(reached[number], end))
            reached[number] = end
        yield np.concatenate(parts)


def _end_of(rows: RowFile, edge: float, first: int, last: int) -> int:
    """End of the scores at or above ``edge`` in a descending run, found in a few reads."""
    while first < last:
        middle = (first + last) // 2
        if rows.read(middle, middle + 1)["score"][0] >= edge:
            first = middle + 1
        else:
            last = middle
    return first
