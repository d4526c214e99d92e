"""Verdicts of variants against the baseline, from prediction sets and ground truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from iouviewer.document.filter_line import BoxFilter
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_types import FULL_CURVE_FLOOR
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_facts import ClassFacts
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.source_facts import (
    ComparisonFacts,
    PairFacts,
    Reader,
    SourceFacts,
    class_rules,
    common_floor,
    common_max_detections,
    restrict,
)
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.comparison import compute_agreement
from iouviewer.metrics.intervals import Spread
from iouviewer.metrics.pooled import Pooled, pool
from iouviewer.metrics.review import ReviewSettings, ReviewSummary
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.metrics.verdict import Verdict, VideoFrames, compare, score_spreads
from iouviewer.metrics.verdict_text import describe_verdict

__all__ = [
    "DEFAULT_MARGINS",
    "ComparedVariant",
    "Comparison",
    "Conditions",
    "Pool",
    "agreement_text",
    "build_comparison",
    "compare_pooled",
    "find_conditions",
    "measure_agreement",
    "own_spreads",
    "restrict",
    "verdict_sentence",
]

DEFAULT_MARGINS: Mapping[str, float] = {"ap": 1.0, "pq": 1.0}
"""Allowed drop in points, by metric."""


@dataclass(frozen=True)
class Comparison:
    """Variants to compare on one video, as values that no edit changes.

    Attributes:
        truth: ground truth of all frames.
        labelled: (F,) bool, selected labelled frames.
        variants: prediction sets by key, including the baseline.
        baseline: key of the baseline.
        fps: frames per second, 0 without a time base.
        margins: allowed drop in points, by metric.
        single_images: the frames are images without a time base, each independent of the others.
        class_facts: by key, what each variant knows of the ground truth's classes and what was left out.
        failures: by key, why a run failed.
        filter: what the boxes were marked by.
        class_names: of the ground truth, index = class id.
    """

    truth: BoxTable
    labelled: Bool
    variants: Mapping[str, PredictionSet]
    baseline: str
    review: ReviewSettings
    fps: float
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    single_images: bool = False
    class_facts: Mapping[str, ClassFacts] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    filter: BoxFilter = field(default_factory=BoxFilter)
    class_names: tuple[str, ...] = ()


def build_comparison(
    inputs: EvalInputs, baseline: str, review: ReviewSettings, margins: Mapping[str, float]
) -> Comparison:
    """The variants of one video for the judge, by name.

    Args:
        baseline: name of the baseline.
        margins: allowed drop in points, by metric.
    """
    return Comparison(
        inputs.truth.table,
        inputs.labelled,
        {variant.name: variant.predictions for variant in inputs.variants},
        baseline,
        review,
        inputs.source.fps,
        margins,
        inputs.single_images,
        {variant.name: variant.class_facts for variant in inputs.variants},
        {variant.name: variant.failure for variant in inputs.variants},
        inputs.truth.rules.filter,
        inputs.truth.class_names,
    )


class Pool:
    """One or more sources compared together. Classes are joined by name, variants by key.

    Review settings, margins and baseline are those of the first source.
    """

    def __init__(self, sources: Iterable[Comparison | SourceFacts]) -> None:
        """From sources in memory, or stored ones (``source_facts.store_facts``)."""
        self.sources: tuple[SourceFacts, ...] = tuple(
            ComparisonFacts(one) if isinstance(one, Comparison) else one for one in sources
        )
        self._baselines: dict[tuple[Reader, ...], Pooled] = {}

    @property
    def first(self) -> SourceFacts:
        return self.sources[0]

    @property
    def comparison(self) -> Comparison:
        """The first source's boxes.

        Raises:
            ValueError: they are not in memory.
        """
        if not isinstance(self.first, ComparisonFacts) or not isinstance(self.first.boxes, Comparison):
            raise ValueError("the boxes are not in memory")
        return self.first.boxes

    def pairs(self, key: str) -> list[PairFacts]:
        """The facts of a variant that all sources have."""
        return [source.pair(key) for source in self.sources]

    def merged_baseline(self, readers: Sequence[Reader]) -> Pooled:
        """The baseline on all sources; merged once for variants with the same conditions."""
        key = tuple(readers)
        if key not in self._baselines:
            self._baselines[key] = pool(read() for read in readers)
        return self._baselines[key]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The common conditions under which two variants are compared.

    Attributes:
        floors: by video, score below which predictions of both variants are dropped; None if the floor of one is
            unknown.
        max_detections: by video, common maximum of detections per frame; None if both have the same or one is unknown.
        with_scores: both have scores in every video.
        one_class: classes are ignored, because only one of the two has predictions without a class.
        cut: by video, whether predictions of one side were dropped because of the floor.
    """

    floors: tuple[float | None, ...]
    max_detections: tuple[int | None, ...]
    with_scores: bool
    one_class: bool
    cut: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ComparedVariant:
    """A verdict and the common conditions behind it.

    Attributes:
        truths: number of ground-truth boxes on these frames, without ignored ones.
        predictions: number of predictions on these frames: the baseline's and the variant's.
        confident: the same, at or above ``confidence``.
        confidence: threshold at which PQ and Avg IoU hold, 0 to 1.
    """

    verdict: Verdict
    conditions: Conditions
    truths: int
    predictions: tuple[int, int]
    confident: tuple[int, int]
    confidence: float

    @property
    def floor(self) -> float | None:
        """The highest common score floor of the videos; None if no floor is known."""
        return max((floor for floor in self.conditions.floors if floor is not None), default=None)


def verdict_sentence(variant: str, baseline: str, compared: ComparedVariant, point: str = "") -> str:
    """The verdict and its conditions as text for the user; ``point``: the operating point in words, if it is own."""
    conditions = compared.conditions
    sentences = [describe_verdict(variant, baseline, compared.verdict, compared.confidence, point)]
    count = len(conditions.floors)
    pairs = zip(conditions.floors, conditions.cut, strict=True)
    floors = [floor for floor, cut in pairs if cut and floor is not None and floor > FULL_CURVE_FLOOR]
    if floors and count == 1:
        sentences.append(tr("Both cut at confidence {floor:.3g}.", floor=max(floors)))
    elif floors:
        sentences.append(
            tr(
                "Both cut at confidence {floor:.3g} in {videos} of {count} videos.",
                floor=max(floors),
                videos=len(floors),
                count=count,
            )
        )
    limits = [limit for limit in conditions.max_detections if limit is not None]
    if limits and count == 1:
        sentences.append(
            tr_n(
                "Both limited to {count} detection per frame.",
                "Both limited to {count:,} detections per frame.",
                min(limits),
            )
        )
    elif limits:
        sentences.append(
            tr_n(
                "Both limited to {count} detection per frame in {videos} of {total} videos.",
                "Both limited to {count:,} detections per frame in {videos} of {total} videos.",
                min(limits),
                videos=len(limits),
                total=count,
            )
        )
    if conditions.one_class:
        sentences.append(tr("Classes are ignored, because the predictions of one side have none."))
    return " ".join(sentences)


def compare_pooled(sources: Pool, key: str, *, cancelled: Callable[[], bool] | None = None) -> ComparedVariant | None:
    """The verdict of one variant on all sources together; None if one of them has no common frame.

    Metrics are pooled: AP from the predictions of all sources sorted together (ties by source, frame, file order), PQ
    from all counts, Avg IoU over all frames. Each source uses its own common score floor and maximum of detections.
    """
    pairs, first = sources.pairs(key), sources.first
    if not all(pair.frames for pair in pairs):
        return None
    rules = class_rules(pairs, first.review)
    readers = []
    for source in sources.sources:
        if cancelled is not None and cancelled():
            raise InterruptedError
        readers.append(source.partials(key, rules))
    verdict = compare(
        sources.merged_baseline([baseline for baseline, _ in readers]),
        pool(read() for _, read in readers),
        [VideoFrames(pair.frames, one.single_images) for pair, one in zip(pairs, sources.sources, strict=True)],
        margins=first.margins,
        cancelled=cancelled,
    )
    conditions = Conditions(
        tuple(pair.floor for pair in pairs),
        tuple(pair.limit for pair in pairs),
        all(side.has_scores for pair in pairs for side in pair.sides),
        rules.agnostic and not first.review.class_agnostic,
        tuple(pair.cut for pair in pairs),
    )
    floors = [pair.floor for pair in pairs if pair.cut and pair.floor is not None]
    return ComparedVariant(
        verdict,
        conditions,
        truths=sum(pair.truths for pair in pairs),
        predictions=(sum(pair.sides[0].kept for pair in pairs), sum(pair.sides[1].kept for pair in pairs)),
        confident=(sum(pair.sides[0].confident for pair in pairs), sum(pair.sides[1].confident for pair in pairs)),
        confidence=max(first.review.conf, *floors) if len(pairs) == 1 and floors else first.review.conf,
    )


def own_spreads(comparison: Comparison, key: str) -> dict[str, Spread]:
    """How far each score of one variant may be off, by metric, on its own labelled frames; empty without any.

    Scores that are undefined, and those for which no method holds, are left out.
    """
    predictions = comparison.variants[key]
    frames = comparison.labelled & predictions.covered
    if not frames.any():
        return {}
    alone = ComparisonFacts(
        replace(comparison, labelled=frames, variants={key: predictions}, baseline=key, class_facts={}, failures={})
    )
    _baseline, read = alone.partials(key, class_rules([alone.pair(key)], comparison.review))
    return score_spreads(pool([read()]), [VideoFrames(int(frames.sum()), comparison.single_images)])


def find_conditions(
    truths: Sequence[BoxTable], sides: Sequence[Sequence[PredictionSet]], frames: Sequence[Bool]
) -> Conditions:
    """The conditions that two variants have in common: the one rule for verdicts and for differences (docs/metrics.md).

    Args:
        truths: by video, ground truth of all frames.
        sides: the predictions of both by video.
        frames: by video, (F,) bool, labelled frames that both cover.
    """
    pairs = list(zip(*sides, strict=True))
    floors = tuple(common_floor(*pair) for pair in pairs)
    classless = [
        any(counts_as_one_class(t, p.table, f) for t, p, f in zip(truths, side, frames, strict=True)) for side in sides
    ]
    return Conditions(
        floors,
        tuple(common_max_detections(*pair) for pair in pairs),
        all(predictions.has_scores for side in sides for predictions in side),
        classless[0] != classless[1],
        tuple(
            floor is not None and one.score_floor != other.score_floor
            for (one, other), floor in zip(pairs, floors, strict=True)
        ),
    )


def measure_agreement(comparison: Comparison, key: str) -> ReviewSummary:
    """Agreement of a variant with the baseline on all frames that both cover, labelled or not."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    return compute_agreement(baseline.table, variant.table, comparison.review, baseline.covered & variant.covered)


def agreement_text(agreement: ReviewSummary) -> str:
    """The agreement as part of a sentence, without a full stop."""
    if agreement.f1 is None:
        return tr("there are no boxes to compare")
    values = {"share": agreement.f1, "iou": agreement.tp_iou}
    if agreement.tp_iou is None:
        return tr_n(
            "they agree on {share:.1%} of their boxes ({count} frame); only ground truth can tell which one is right",
            "they agree on {share:.1%} of their boxes ({count:,} frames); only ground truth can tell which one is "
            "right",
            agreement.frames,
            **values,
        )
    return tr_n(
        "they agree on {share:.1%} of their boxes, with a mean IoU of {iou:.3f} ({count} frame); only ground truth can "
        "tell which one is right",
        "they agree on {share:.1%} of their boxes, with a mean IoU of {iou:.3f} ({count:,} frames); only ground truth "
        "can tell which one is right",
        agreement.frames,
        **values,
    )
