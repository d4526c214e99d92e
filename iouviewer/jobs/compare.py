"""Verdicts of variants against the baseline, from prediction sets and ground truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_types import FULL_CURVE_FLOOR
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_facts import ClassFacts
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.comparison import compute_agreement, score_variant, stack_tables
from iouviewer.metrics.intervals import Spread
from iouviewer.metrics.reconcile import limit_detections
from iouviewer.metrics.review import ReviewSettings, ReviewSummary, review_all
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.metrics.verdict import ScoredVariant, Verdict, VideoFrames, compare, score_spreads
from iouviewer.metrics.verdict_text import describe_verdict
from iouviewer.metrics.weighted_scores import FrameSums

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
    )


@dataclass(frozen=True)
class Pool:
    """One or more videos compared together. Class ids and variant keys mean the same in all of them.

    Review settings, margins and baseline are those of the first video.
    """

    videos: tuple[Comparison, ...]
    _baselines: dict[object, ScoredVariant] = field(default_factory=dict, repr=False, compare=False)

    def prepared_baseline(
        self, tables: Sequence[BoxTable], frames: Sequence[Bool], conditions: Conditions
    ) -> ScoredVariant:
        """The baseline under common conditions; cached, because most variants have the same ones."""
        key = (conditions, *(chosen.tobytes() for chosen in frames))
        if key not in self._baselines:
            self._baselines[key] = _prepare(self, tables, frames, conditions)
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
        frames: by video, (F,) bool, labelled frames that both cover.
        truths: number of ground-truth boxes on these frames, without ignored ones.
        predictions: number of predictions on these frames: the baseline's and the variant's.
        confident: the same, at or above ``confidence``.
        confidence: threshold at which PQ and Avg IoU hold, 0 to 1.
    """

    verdict: Verdict
    conditions: Conditions
    frames: tuple[Bool, ...]
    truths: int
    predictions: tuple[int, int]
    confident: tuple[int, int]
    confidence: float

    @property
    def floor(self) -> float | None:
        """The highest common score floor of the videos; None if no floor is known."""
        return max((floor for floor in self.conditions.floors if floor is not None), default=None)


def verdict_sentence(variant: str, baseline: str, compared: ComparedVariant) -> str:
    """The verdict and its conditions as text for the user."""
    conditions = compared.conditions
    sentences = [describe_verdict(variant, baseline, compared.verdict, compared.confidence)]
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


def common_frames(comparison: Comparison, key: str) -> Bool:
    """(F,) bool: selected labelled frames that both the baseline and the variant cover."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    return comparison.labelled & baseline.covered & variant.covered


def compare_pooled(pool: Pool, key: str, *, cancelled: Callable[[], bool] | None = None) -> ComparedVariant | None:
    """The verdict of one variant on all videos together; None if one of them has no common frame.

    Metrics are pooled: AP from the predictions of all videos sorted together (ties by video, frame, file order), PQ
    from all counts, Avg IoU over all frames. Each video uses its own common score floor and maximum of detections.
    """
    frames = [common_frames(video, key) for video in pool.videos]
    if not all(chosen.any() for chosen in frames):
        return None
    first = pool.videos[0]
    sides = [[video.variants[name] for video in pool.videos] for name in (first.baseline, key)]
    conditions = find_conditions([video.truth for video in pool.videos], sides, frames)
    baseline, variant = (
        [
            restrict(predictions, floor, limit)
            for predictions, floor, limit in zip(side, conditions.floors, conditions.max_detections, strict=True)
        ]
        for side in sides
    )
    verdict = compare(
        pool.prepared_baseline(baseline, frames, conditions),
        _prepare(pool, variant, frames, conditions),
        [_video_frames(video, chosen) for video, chosen in zip(pool.videos, frames, strict=True)],
        margins=first.margins,
        cancelled=cancelled,
    )
    counting = [video.truth.select(~video.truth.ignored) for video in pool.videos]
    confident = [[table.select(table.scores >= first.review.conf) for table in side] for side in (baseline, variant)]
    floors = [floor for floor, cut in zip(conditions.floors, conditions.cut, strict=True) if cut and floor is not None]
    return ComparedVariant(
        verdict,
        conditions,
        tuple(frames),
        truths=_boxes_on(counting, frames),
        predictions=(_boxes_on(baseline, frames), _boxes_on(variant, frames)),
        confident=(_boxes_on(confident[0], frames), _boxes_on(confident[1], frames)),
        confidence=max(first.review.conf, *floors) if len(pool.videos) == 1 and floors else first.review.conf,
    )


def own_spreads(pool: Pool, key: str) -> dict[str, Spread]:
    """How far each score of one variant may be off, by metric, on its own labelled frames; empty without any.

    Scores that are undefined, and those for which no method holds, are left out.
    """
    frames = [video.labelled & video.variants[key].covered for video in pool.videos]
    predictions = [video.variants[key] for video in pool.videos]
    if not all(chosen.any() for chosen in frames):
        return {}
    truths = [video.truth for video in pool.videos]
    conditions = find_conditions(truths, [predictions, predictions], frames)
    scored = _prepare(pool, [one.table for one in predictions], frames, conditions)
    videos = [_video_frames(video, chosen) for video, chosen in zip(pool.videos, frames, strict=True)]
    return score_spreads(scored, videos)


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
    floors = tuple(_common_floor(*pair) for pair in pairs)
    classless = [
        any(counts_as_one_class(t, p.table, f) for t, p, f in zip(truths, side, frames, strict=True)) for side in sides
    ]
    return Conditions(
        floors,
        tuple(_common_max_detections(*pair) for pair in pairs),
        all(predictions.has_scores for side in sides for predictions in side),
        classless[0] != classless[1],
        tuple(
            floor is not None and one.score_floor != other.score_floor
            for (one, other), floor in zip(pairs, floors, strict=True)
        ),
    )


def _video_frames(video: Comparison, frames: Bool) -> VideoFrames:
    return VideoFrames(int(frames.sum()), video.single_images)


def _boxes_on(tables: Sequence[BoxTable], frames: Sequence[Bool]) -> int:
    """Number of boxes on the frames."""
    return sum(int(np.diff(table.offsets)[chosen].sum()) for table, chosen in zip(tables, frames, strict=True))


def _common_floor(one: PredictionSet, other: PredictionSet) -> float | None:
    if not (one.has_scores and other.has_scores) or one.score_floor is None or other.score_floor is None:
        return None
    return max(one.score_floor, other.score_floor)


def _common_max_detections(one: PredictionSet, other: PredictionSet) -> int | None:
    if one.max_detections is None or other.max_detections is None or one.max_detections == other.max_detections:
        return None
    return min(one.max_detections, other.max_detections)


def restrict(predictions: PredictionSet, floor: float | None, max_detections: int | None) -> BoxTable:
    """The predictions at or above a score floor, and at most so many in a frame; None for no limit."""
    table = predictions.table
    if floor is not None and predictions.score_floor is not None and predictions.score_floor < floor:
        table = table.select(table.scores >= floor)
    return table if max_detections is None else limit_detections(table, max_detections)


def _prepare(pool: Pool, tables: Sequence[BoxTable], frames: Sequence[Bool], conditions: Conditions) -> ScoredVariant:
    truth, predictions = stack_tables([video.truth for video in pool.videos]), stack_tables(tables)
    chosen = np.concatenate(frames)
    settings = pool.videos[0].review
    if conditions.one_class:
        settings = replace(settings, class_agnostic=True)
    review = review_all(truth, predictions, settings, chosen)
    if conditions.with_scores:
        one_class = True if settings.class_agnostic else None
        limit = settings.max_detections
        return score_variant(truth, predictions, review, chosen, one_class=one_class, max_detections=limit)
    # Without scores predictions have no order, hence no AP; the sums need none.
    columns = (review.iou_sum, review.gt_count, review.tp_iou_sum, review.tp, review.fp, review.fn)
    return ScoredVariant([], FrameSums(*(np.asarray(column, np.float64)[chosen] for column in columns)))


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
