"""One source for the judge: what it asks of two variants there, and their partials, without the boxes themselves.

``ComparisonFacts`` computes both from boxes in memory (the window, ``eval``); ``StoredFacts`` keeps the facts and the
partials of a source whose boxes are gone again (``gate``, datasets, batches), so any number of sources takes little
memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from iouviewer.document.filter_line import BoxFilter
from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.class_facts import ClassFacts, all_left_out
from iouviewer.jobs.partials import Partial, compute_partial, load_partial, save_partial
from iouviewer.jobs.run_differences import Run
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.comparison import compute_agreement
from iouviewer.metrics.reconcile import limit_detections
from iouviewer.metrics.review import ReviewSettings, ReviewSummary
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable

IN_MEMORY_BYTES = 64 << 20
"""Partials that a ``PartialStore`` keeps in memory; more go to files."""


class SourceSettings(Protocol):
    """How a source is scored and judged."""

    @property
    def baseline(self) -> str: ...
    @property
    def review(self) -> ReviewSettings: ...
    @property
    def margins(self) -> Mapping[str, float]: ...
    @property
    def filter(self) -> BoxFilter: ...
    @property
    def single_images(self) -> bool: ...
    @property
    def class_names(self) -> Sequence[str]: ...


class BoxesOfSource(SourceSettings, Protocol):
    """The part of ``compare.Comparison`` that the facts come from."""

    @property
    def truth(self) -> BoxTable: ...
    @property
    def labelled(self) -> Bool: ...
    @property
    def variants(self) -> Mapping[str, PredictionSet]: ...
    @property
    def class_facts(self) -> Mapping[str, ClassFacts]: ...
    @property
    def failures(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class KnownRun:
    """What the run of one variant is known to have done (``run_differences``)."""

    protocol: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SideFacts:
    """One variant on the frames of a comparison.

    Attributes:
        predictions: number on the frames, before a common floor or limit.
        kept, confident: number after them; of these, at or above the confidence threshold.
        classless: a box without a class counts on the frames, so all boxes are one class.
        any_classless: it has a prediction without a class on any frame.
        own_classes: folded names of its own class table that the ground truth has.
        all_left_out: it has predictions, and the ground truth has the class of none of them.
        failure: why its run failed, else empty.
        withheld: ground truth came from it, and nobody verified it.
    """

    predictions: int
    kept: int
    confident: int
    has_scores: bool
    classless: bool
    any_classless: bool
    own_classes: frozenset[str]
    class_facts: ClassFacts
    all_left_out: bool
    failure: str
    withheld: bool


@dataclass(frozen=True, slots=True)
class PairFacts:
    """A variant and the baseline on one source.

    Attributes:
        frames: number of labelled frames that both cover.
        truths: number of ground-truth boxes that count there.
        truth_classes: names of their classes, in the order of the source's list.
        sides: the baseline, the variant.
        floor: score below which predictions of both are dropped; None if the floor of one is unknown.
        cut: whether that drops predictions of one.
        limit: common maximum of detections; None if both have the same or one is unknown.
        agreement: of the two, where no frame is common.
    """

    frames: int
    truths: int
    truth_classes: tuple[str, ...]
    sides: tuple[SideFacts, SideFacts]
    floor: float | None
    cut: bool
    limit: int | None
    agreement: ReviewSummary | None = None


class ClassRules(NamedTuple):
    """How classes are treated on all sources alike.

    Attributes:
        agnostic: classes are ignored in the review too.
        one_class: AP treats all boxes as one class.
    """

    agnostic: bool
    one_class: bool


Reader = Callable[[], Partial]
"""Reads or returns a partial."""


class SourceFacts(SourceSettings, Protocol):
    """One source as the judge sees it."""

    @property
    def runs(self) -> Mapping[str, Run]:
        """By key, of all variants."""

    def has(self, key: str) -> bool:
        """Whether the source has this variant."""

    def pair(self, key: str) -> PairFacts:
        """The facts of a variant that it has."""

    def partials(self, key: str, rules: ClassRules) -> tuple[Reader, Reader]:
        """Partials of the baseline and the variant under their common conditions.

        The reader of the baseline is the same object for all variants with the same conditions.
        """


def class_rules(pairs: Sequence[PairFacts], review: ReviewSettings) -> ClassRules:
    """How classes are treated: ignored where only one of the two has predictions without a class (docs/metrics.md)."""
    classless = [any(pair.sides[side].classless for pair in pairs) for side in range(2)]
    agnostic = review.class_agnostic or classless[0] != classless[1]
    return ClassRules(agnostic, agnostic or any(classless))


def common_frames(source: BoxesOfSource, key: str) -> Bool:
    """(F,) bool: selected labelled frames that both the baseline and the variant cover."""
    baseline, variant = source.variants[source.baseline], source.variants[key]
    return source.labelled & baseline.covered & variant.covered


def common_floor(one: PredictionSet, other: PredictionSet) -> float | None:
    """The score that both predictions reach down to; None where unknown."""
    if not (one.has_scores and other.has_scores) or one.score_floor is None or other.score_floor is None:
        return None
    return max(one.score_floor, other.score_floor)


def common_max_detections(one: PredictionSet, other: PredictionSet) -> int | None:
    """The smaller maximum of detections; None where both are the same or one is unknown."""
    if one.max_detections is None or other.max_detections is None or one.max_detections == other.max_detections:
        return None
    return min(one.max_detections, other.max_detections)


def restrict(predictions: PredictionSet, floor: float | None, max_detections: int | None) -> BoxTable:
    """The predictions at or above a score floor, and at most so many in a frame; None for no limit."""
    table = predictions.table
    if floor is not None and predictions.score_floor is not None and predictions.score_floor < floor:
        table = table.select(table.scores >= floor)
    return table if max_detections is None else limit_detections(table, max_detections)


def boxes_on(table: BoxTable, frames: Bool) -> int:
    """Number of boxes on the frames."""
    return int(np.diff(table.offsets)[frames].sum())


def side_facts(source: BoxesOfSource, key: str, frames: Bool, restricted: BoxTable | None = None) -> SideFacts:
    """The facts of one variant on the frames.

    Args:
        restricted: its predictions above a common floor and limit; None: all.
    """
    predictions = source.variants[key]
    table = predictions.table if restricted is None else restricted
    facts = source.class_facts.get(key, ClassFacts())
    return SideFacts(
        boxes_on(predictions.table, frames),
        boxes_on(table, frames),
        int(table.passing(source.review.conf)[frames[table.frame_of_row()]].sum()),
        predictions.has_scores,
        counts_as_one_class(source.truth, predictions.table, frames),
        bool((predictions.table.class_ids == UNSPECIFIED_CLASS).any()),
        frozenset(_name(source.class_names, one).casefold() for one in facts.own),
        facts,
        all_left_out(predictions, facts),
        source.failures.get(key, ""),
        bool(predictions.withheld),
    )


def truth_classes(source: BoxesOfSource, frames: Bool) -> tuple[int, tuple[str, ...]]:
    """Number of the boxes that count on the frames, and the names of their classes."""
    ids = source.truth.class_ids[source.truth.counted() & frames[source.truth.frame_of_row()]]
    found = np.unique(ids[ids >= 0]).tolist()
    return len(ids), tuple(_name(source.class_names, one) for one in found)


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


@dataclass(frozen=True)
class ComparisonFacts:
    """A source whose boxes are in memory; what was computed is kept."""

    boxes: BoxesOfSource
    _pairs: dict[str, PairFacts] = field(default_factory=dict, repr=False)
    _baselines: dict[object, Reader] = field(default_factory=dict, repr=False)

    @property
    def baseline(self) -> str:
        return self.boxes.baseline

    @property
    def review(self) -> ReviewSettings:
        return self.boxes.review

    @property
    def margins(self) -> Mapping[str, float]:
        return self.boxes.margins

    @property
    def filter(self) -> BoxFilter:
        return self.boxes.filter

    @property
    def single_images(self) -> bool:
        return self.boxes.single_images

    @property
    def class_names(self) -> Sequence[str]:
        return self.boxes.class_names

    @property
    def runs(self) -> Mapping[str, Run]:
        """By key, of all variants."""
        return self.boxes.variants

    def has(self, key: str) -> bool:
        """Whether the source has this variant."""
        return key in self.boxes.variants

    def _sides(self, key: str) -> tuple[PredictionSet, PredictionSet]:
        return self.boxes.variants[self.boxes.baseline], self.boxes.variants[key]

    def pair(self, key: str) -> PairFacts:
        """The facts of a variant that it has."""
        if key not in self._pairs:
            self._pairs[key] = self._find_pair(key)
        return self._pairs[key]

    def _find_pair(self, key: str) -> PairFacts:
        frames, (baseline, variant) = common_frames(self.boxes, key), self._sides(key)
        floor, limit = common_floor(baseline, variant), common_max_detections(baseline, variant)
        count, classes = truth_classes(self.boxes, frames)
        sides = (
            side_facts(self.boxes, self.boxes.baseline, frames, restrict(baseline, floor, limit)),
            side_facts(self.boxes, key, frames, restrict(variant, floor, limit)),
        )
        agreement = None
        if not frames.any():
            both = baseline.covered & variant.covered
            agreement = compute_agreement(baseline.table, variant.table, self.boxes.review, both)
        cut = floor is not None and baseline.score_floor != variant.score_floor
        return PairFacts(int(frames.sum()), count, classes, sides, floor, cut, limit, agreement)

    def partials(self, key: str, rules: ClassRules) -> tuple[Reader, Reader]:
        """Partials of the baseline and the variant under their common conditions."""
        frames, (baseline, variant), pair = common_frames(self.boxes, key), self._sides(key), self.pair(key)
        conditions = (frames.tobytes(), pair.floor, pair.limit, rules)
        if conditions not in self._baselines:
            found = self._partial(baseline, pair, frames, rules)
            self._baselines[conditions] = lambda: found
        own = self._partial(variant, pair, frames, rules)
        return self._baselines[conditions], lambda: own

    def _partial(self, predictions: PredictionSet, pair: PairFacts, frames: Bool, rules: ClassRules) -> Partial:
        settings = replace(self.boxes.review, class_agnostic=rules.agnostic)
        return compute_partial(
            self.boxes.truth,
            restrict(predictions, pair.floor, pair.limit),
            settings,
            frames,
            class_names=self.boxes.class_names,
            has_scores=predictions.has_scores,
            one_class=rules.one_class,
            single_images=self.boxes.single_images,
        )


class PartialStore:
    """Keeps partials, in memory while they are few and in a temporary folder beyond; use as a context."""

    def __init__(self, in_memory: int = IN_MEMORY_BYTES) -> None:
        self._limit, self._bytes, self._count = in_memory, 0, 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> PartialStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path | None:
        """Where partials lie; None while all are in memory."""
        return None if self._folder is None else Path(self._folder.name)

    def keep(self, partial: Partial) -> Reader:
        """A function that returns the partial again."""
        self._bytes += partial.nbytes
        if self._bytes <= self._limit:
            return lambda: partial
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="iouviewer-partials-")
        path = Path(self._folder.name) / f"{self._count}.npz"
        self._count += 1
        save_partial(path, partial)
        return lambda: load_partial(path)


@dataclass(frozen=True)
class StoredFacts:
    """A source whose boxes are gone again.

    Attributes:
        runs, pairs: by key of the variant; ``runs`` has the baseline too.
        scored: partials by variant, scored by ``rules`` of this source alone.
        read: reads the boxes again, where all sources together need other rules.
    """

    baseline: str
    review: ReviewSettings
    margins: Mapping[str, float]
    filter: BoxFilter
    single_images: bool
    class_names: Sequence[str]
    runs: Mapping[str, Run]
    pairs: Mapping[str, PairFacts]
    scored: Mapping[str, tuple[Reader, Reader]]
    rules: Mapping[str, ClassRules]
    read: Callable[[], BoxesOfSource]

    def has(self, key: str) -> bool:
        """Whether the source has this variant."""
        return key in self.runs

    def pair(self, key: str) -> PairFacts:
        """The facts of a variant that it has."""
        return self.pairs[key]

    def partials(self, key: str, rules: ClassRules) -> tuple[Reader, Reader]:
        """Partials of the baseline and the variant; scored again if the rules of this source alone do not hold."""
        if key in self.scored and rules == self.rules[key]:
            return self.scored[key]
        return ComparisonFacts(self.read()).partials(key, rules)


def store_facts(boxes: BoxesOfSource, store: PartialStore, read: Callable[[], BoxesOfSource]) -> StoredFacts:
    """Score all variants of a source, so that its boxes can go.

    Args:
        store: keeps the partials.
        read: reads the boxes again, in the rare case that all sources together need other rules for classes.
    """
    facts = ComparisonFacts(boxes)
    keys = [key for key in boxes.variants if key != boxes.baseline]
    kept: dict[int, Reader] = {}
    alive: list[Reader] = []
    scored, rules = {}, {}
    for key in keys:
        pair = facts.pair(key)
        if not pair.frames:
            continue
        rules[key] = class_rules([pair], boxes.review)
        baseline, variant = facts.partials(key, rules[key])
        alive.append(baseline)  # its id stays its own
        if id(baseline) not in kept:
            kept[id(baseline)] = store.keep(baseline())
        scored[key] = (kept[id(baseline)], store.keep(variant()))
    pairs = {key: facts.pair(key) for key in keys}
    return StoredFacts(
        boxes.baseline, boxes.review, boxes.margins, boxes.filter, boxes.single_images, boxes.class_names,
        {key: KnownRun(one.protocol) for key, one in boxes.variants.items()}, pairs, scored, rules, read,
    )  # fmt: skip
