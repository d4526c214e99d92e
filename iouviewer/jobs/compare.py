"""Verdicts of variants against the baseline, from prediction sets and ground truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.scoring import CUT_FLOOR, capped
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.comparison import agreement, scored, stacked
from iouviewer.metrics.resampling import FrameSums, VideoFrames
from iouviewer.metrics.review import ReviewSettings, ReviewSummary, review_all
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.metrics.verdict import RESAMPLES, SEED, Scored, Verdict, block_length, compare, sentence

DEFAULT_MARGINS: Mapping[str, float] = {"ap": 1.0, "pq": 1.0}


@dataclass(frozen=True)
class Comparison:
    """What is compared, as values that no edit changes.

    Attributes:
        truth: ground truth of all frames.
        labelled: (F,) bool, labelled frames inside the choice of frames.
        variants: prediction sets by key, the baseline among them.
        fps: frames per second, 0 where there is no time base.
        margins: points that may be lost, by metric.
    """

    truth: BoxTable
    labelled: Bool
    variants: Mapping[str, PredictionSet]
    baseline: str
    review: ReviewSettings
    fps: float
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    single_images: bool = False
    resamples: int = RESAMPLES
    seed: int = SEED
    _baselines: dict[object, Scored] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Pool:
    """Several videos that are compared as one; a class id and a variant's key mean the same in all of them.

    Review settings, margins, baseline, resamples and seed are those of the first. At least one video.
    """

    videos: tuple[Comparison, ...]
    _baselines: dict[object, Scored] = field(default_factory=dict, repr=False, compare=False)

    def prepared_baseline(self, tables: Sequence[BoxTable], frames: Sequence[Bool], conditions: Conditions) -> Scored:
        """The baseline under common conditions; kept, since most variants share them."""
        key = (conditions, *(chosen.tobytes() for chosen in frames))
        if key not in self._baselines:
            self._baselines[key] = _prepare(self, tables, frames, conditions)
        return self._baselines[key]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What two variants have in common, and are therefore compared on.

    Attributes:
        floors: by video, score below which predictions of both were left out; None where a side's is not known.
        caps: by video, most boxes a frame of both; None where both kept as many, or where it is not known.
        with_scores: both have scores in every video.
        one_class: compared without regard to class, because only one of the two has predictions without one.
        cut: by video, whether predictions of one side were left out for the floor.
    """

    floors: tuple[float | None, ...]
    caps: tuple[int | None, ...]
    with_scores: bool
    one_class: bool
    cut: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ComparedVariant:
    """A verdict, and under which common conditions it was found.

    Attributes:
        frames: by video, (F,) bool, labelled frames that both cover.
        truths, baseline_predictions: boxes to be found there, and the baseline's predictions.
    """

    verdict: Verdict
    conditions: Conditions
    frames: tuple[Bool, ...]
    truths: int
    baseline_predictions: int

    @property
    def floor(self) -> float | None:
        """The highest common score floor of the videos; None where no side's is known."""
        return max((floor for floor in self.conditions.floors if floor is not None), default=None)


def compared_sentence(variant: str, baseline: str, compared: ComparedVariant) -> str:
    """The verdict and its conditions for people."""
    conditions = compared.conditions
    text = sentence(variant, baseline, compared.verdict)
    count = len(conditions.floors)

    def where(videos: int) -> str:
        return "" if count == 1 else f" in {videos} of {count} videos"

    pairs = zip(conditions.floors, conditions.cut, strict=True)
    floors = [floor for floor, cut in pairs if cut and floor is not None and floor > CUT_FLOOR]
    if floors:
        text += f" Both cut at confidence {max(floors):.3g}{where(len(floors))}."
    caps = [cap for cap in conditions.caps if cap is not None]
    if caps:
        text += f" Both kept to {min(caps)} {'box' if min(caps) == 1 else 'boxes'} a frame{where(len(caps))}."
    if conditions.one_class:
        text += " Classes were disregarded: predictions of one of the two carry none."
    return text


def compare_variant(
    comparison: Comparison, key: str, *, cancelled: Callable[[], bool] | None = None
) -> ComparedVariant | None:
    """The verdict of one variant; None where no frame is common. InterruptedError where ``cancelled`` says so."""
    return compare_pooled(Pool((comparison,), comparison._baselines), key, cancelled=cancelled)


def common_frames(comparison: Comparison, key: str) -> Bool:
    """(F,) bool: labelled frames of the choice that the baseline and the variant cover."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    return comparison.labelled & baseline.covered & variant.covered


def compare_pooled(pool: Pool, key: str, *, cancelled: Callable[[], bool] | None = None) -> ComparedVariant | None:
    """The verdict of one variant on all videos together; None where one of them has no common frame.

    Scores are pooled: AP from the predictions of all videos in one order (equal scores by video, frame, file order),
    PQ from all counts, Avg IoU over all frames. Each video is cut at its own common score floor and cap.
    """
    frames = [common_frames(video, key) for video in pool.videos]
    if not all(chosen.any() for chosen in frames):
        return None
    first = pool.videos[0]
    sides = [[video.variants[name] for video in pool.videos] for name in (first.baseline, key)]
    conditions = _conditions(pool, sides, frames)
    baseline, variant = (_cut(side, conditions) for side in sides)
    verdict = compare(
        pool.prepared_baseline(baseline, frames, conditions),
        _prepare(pool, variant, frames, conditions),
        [_video_frames(video, chosen) for video, chosen in zip(pool.videos, frames, strict=True)],
        margins=first.margins,
        resamples=first.resamples,
        seed=first.seed,
        cancelled=cancelled,
    )
    counting = [video.truth.select(~video.truth.ignored) for video in pool.videos]
    return ComparedVariant(verdict, conditions, tuple(frames), _boxes_on(counting, frames), _boxes_on(baseline, frames))


def _conditions(pool: Pool, sides: Sequence[Sequence[PredictionSet]], frames: Sequence[Bool]) -> Conditions:
    pairs = list(zip(*sides, strict=True))
    floors = tuple(_common_floor(*pair) for pair in pairs)
    classless = [
        any(counts_as_one_class(v.truth, p.table, f) for v, p, f in zip(pool.videos, side, frames, strict=True))
        for side in sides
    ]
    return Conditions(
        floors,
        tuple(_common_cap(*pair) for pair in pairs),
        all(predictions.has_scores for side in sides for predictions in side),
        classless[0] != classless[1],
        tuple(
            floor is not None and one.score_floor != other.score_floor
            for (one, other), floor in zip(pairs, floors, strict=True)
        ),
    )


def _video_frames(video: Comparison, frames: Bool) -> VideoFrames:
    block = 1 if video.single_images else block_length(video.fps)
    return VideoFrames(int(frames.sum()), block, video.single_images)


def _boxes_on(tables: Sequence[BoxTable], frames: Sequence[Bool]) -> int:
    """How many boxes stand on the frames."""
    return sum(int(np.diff(table.offsets)[chosen].sum()) for table, chosen in zip(tables, frames, strict=True))


def _common_floor(one: PredictionSet, other: PredictionSet) -> float | None:
    if not (one.has_scores and other.has_scores) or one.score_floor is None or other.score_floor is None:
        return None
    return max(one.score_floor, other.score_floor)


def _common_cap(one: PredictionSet, other: PredictionSet) -> int | None:
    if one.cap is None or other.cap is None or one.cap == other.cap:
        return None
    return min(one.cap, other.cap)


def _cut(side: Sequence[PredictionSet], conditions: Conditions) -> list[BoxTable]:
    """One variant's predictions by video, cut at the common score floors and caps."""
    tables = []
    for predictions, floor, cap in zip(side, conditions.floors, conditions.caps, strict=True):
        table = predictions.table
        if floor is not None and predictions.score_floor is not None and predictions.score_floor < floor:
            table = table.select(table.scores >= floor)
        tables.append(table if cap is None else capped(table, cap))
    return tables


def _prepare(pool: Pool, tables: Sequence[BoxTable], frames: Sequence[Bool], conditions: Conditions) -> Scored:
    truth, predictions = stacked([video.truth for video in pool.videos]), stacked(tables)
    chosen = np.concatenate(frames)
    settings = pool.videos[0].review
    if conditions.one_class:
        settings = replace(settings, class_agnostic=True)
    review = review_all(truth, predictions, settings, chosen)
    if conditions.with_scores:
        return scored(truth, predictions, review, chosen, one_class=True if conditions.one_class else None)
    # Without scores there is no order, hence no AP; the sums do not need one.
    columns = (review.iou_sum, review.gt_count, review.tp_iou_sum, review.tp, review.fp, review.fn)
    return Scored([], FrameSums(*(np.asarray(column, np.float64)[chosen] for column in columns)))


def agree(comparison: Comparison, key: str) -> ReviewSummary:
    """Agreement of a variant with the baseline on the frames that both cover, labelled or not."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    return agreement(baseline.table, variant.table, comparison.review, baseline.covered & variant.covered)


def agreement_sentence(variant: str, baseline: str, found: ReviewSummary) -> str:
    """The agreement as one sentence for people; it never speaks of PASS or FAIL."""
    if found.f1 is None:
        return f"{variant}: no labelled frame that {baseline} covers too, and no box to compare."
    iou = "" if found.tp_iou is None else f", mean IoU {found.tp_iou:.3f} where they do"
    return (
        f"{variant}: no labelled frame in common with {baseline}; the two agree on {found.f1:.1%} of their boxes{iou} "
        f"({found.frames} frames). Which one is right, only ground truth can say."
    )
