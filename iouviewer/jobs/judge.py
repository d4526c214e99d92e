"""The one judge: PASS, FAIL, UNDECIDED or CANNOT_JUDGE for each variant, for all commands, the window and the reports.

It fails closed: where a side has nothing to count, or a number is undefined, the outcome is CANNOT_JUDGE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_facts import (
    class_remedy,
    left_out_names,
    left_out_text,
    list_names,
    unmeant_classes,
)
from iouviewer.jobs.compare import (
    ComparedVariant,
    Comparison,
    Pool,
    agreement_text,
    compare_pooled,
    verdict_sentence,
)
from iouviewer.jobs.operating_points import ChosenPoint
from iouviewer.jobs.run_differences import describe_run_differences, pooled_differences
from iouviewer.jobs.source_facts import PairFacts, SideFacts, SourceFacts, side_facts, truth_classes
from iouviewer.metrics.verdict import OF_THRESHOLD, Difference, Outcome, Verdict, holm, probability_of_loss
from iouviewer.metrics.verdict_text import describe_differences
from iouviewer.reports.gate_reports import Judgement, VideoRow

__all__ = [
    "Difference",
    "Judged",
    "Names",
    "Outcome",
    "Verdict",
    "describe_choice",
    "find_unfit",
    "judge_all",
    "judge_obstacle",
    "judge_variant",
    "worst_outcome",
]

_SEVERITY = (Outcome.PASS, Outcome.UNDECIDED, Outcome.FAIL, Outcome.CANNOT_JUDGE)
"""From best to worst."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of one variant.

    Attributes:
        key: key of the variant.
        compared: None where nothing could be compared.
    """

    key: str
    judgement: Judgement
    compared: ComparedVariant | None = None

    @property
    def name(self) -> str:
        return self.judgement.name

    @property
    def outcome(self) -> Outcome:
        return self.judgement.outcome

    @property
    def sentence(self) -> str:
        return self.judgement.sentence


@dataclass(frozen=True, slots=True)
class Names:
    """Names for people.

    Attributes:
        variants: by key, the baseline included.
        videos: in the order of the pool.
        point: the operating point of one video, if variants stand at their own.
        point_text: the same of several videos, in words.
    """

    variants: Mapping[str, str]
    videos: Sequence[str]
    point: ChosenPoint | None = None
    point_text: str = ""

    def point_of(self, *keys: str) -> str:
        """The operating point of these variants for a sentence; empty where all stand at the common confidence."""
        return self.point_text if self.point is None else self.point.text(*(self.variants[key] for key in keys))


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Why a variant cannot be judged.

    Attributes:
        places: videos that it is about; empty: all.
    """

    reason: str
    remedy: str = ""
    places: tuple[str, ...] = ()


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of all variants together; CANNOT_JUDGE where there is none."""
    return max(outcomes, key=_SEVERITY.index, default=Outcome.CANNOT_JUDGE)


def judge_all(pool: Pool, names: Names, *, progress: Callable[[int, int, str], None] | None = None) -> list[Judged]:
    """Judge all variants but the baseline, in the order of ``names.variants``."""
    keys = [key for key in names.variants if key != pool.first.baseline]
    found = []
    for number, key in enumerate(keys):
        if progress is not None:
            progress(number, len(keys), tr("judging {variant}", variant=names.variants[key]))
        found.append(judge_variant(pool, key, names))
    return found


def describe_choice(judged: Sequence[Judged]) -> str:
    """Whether a variant that passes still does as the choice among all of them; empty where nobody chose.

    A person who looks at several variants and takes one that passes has several chances of a PASS by luck. Holm's
    correction says which of them pass all the same.
    """
    compared = [one for one in judged if one.compared is not None]
    passing = [one for one in compared if one.outcome is Outcome.PASS]
    if len(compared) < 2 or not passing:
        return ""
    verdicts = [one.compared.verdict for one in compared if one.compared is not None]
    found = zip(compared, holm([probability_of_loss(verdict) for verdict in verdicts]), strict=True)
    holding = {one.key for one, holds in found if holds}
    firm = [one.name for one in passing if one.key in holding]
    lucky = [one.name for one in passing if one.key not in holding]
    count = len(compared)
    if not lucky:
        return tr_n(
            "{names} also passes as the choice among {total} variants (Holm).",
            "{names} also pass as the choice among {total} variants (Holm).",
            len(firm),
            names=", ".join(firm),
            total=count,
        )
    sentence = tr_n(
        "{names} passes alone, but not as the choice among {total} variants (Holm): among several candidates a PASS "
        "by luck is more likely.",
        "{names} pass alone, but not as the choice among {total} variants (Holm): among several candidates a PASS "
        "by luck is more likely.",
        len(lucky),
        names=", ".join(lucky),
        total=count,
    )
    return sentence if not firm else tr("{sentence} {names} still does.", sentence=sentence, names=", ".join(firm))


def judge_variant(pool: Pool, key: str, names: Names, *, cancelled: Callable[[], bool] | None = None) -> Judged:
    """Judge one variant against the baseline on all videos together.

    Raises:
        InterruptedError: ``cancelled()`` became true.
    """
    refused = judge_obstacle(pool, key, names)
    if refused is not None:
        return refused
    compared = compare_pooled(pool, key, cancelled=cancelled)
    if compared is None:
        raise AssertionError("common frames were checked before")
    obstacle = _find_undefined(pool, key, names, compared)
    if obstacle is not None:
        return _cannot_judge(key, names, pool, obstacle, compared)
    variant, baseline = names.variants[key], names.variants[pool.first.baseline]
    text = verdict_sentence(variant, baseline, compared, names.point_of(pool.first.baseline, key))
    rows = _rows(compared, names.videos) if len(names.videos) > 1 else ()
    run_note = _run_note(pool, key, names)
    judgement = Judgement(variant, compared.verdict.outcome, _with_filter(text, pool), rows, run_note=run_note)
    return Judged(key, judgement, compared)


def _with_filter(sentence: str, pool: Pool) -> str:
    """The sentence, and the filter that its numbers are seen through."""
    scoring = pool.first.filter.scoring
    return tr("{sentence} Filter: {filter}.", sentence=sentence, filter=scoring.text) if scoring else sentence


def _run_note(pool: Pool, key: str, names: Names) -> str:
    """What the run of a variant did differently from the baseline's."""
    baseline = pool.first.baseline
    found = pooled_differences((source.runs for source in pool.sources), key, baseline, names.variants)
    return describe_run_differences(names.variants[key], names.variants[baseline], found)


def judge_obstacle(pool: Pool, key: str, names: Names) -> Judged | None:
    """The judgement where there is nothing to compare, without a comparison; None where there is."""
    obstacle = _find_obstacle(pool, key, names)
    return None if obstacle is None else _cannot_judge(key, names, pool, obstacle, None)


def _find_obstacle(pool: Pool, key: str, names: Names) -> _Obstacle | None:
    missing = [place for place, source in zip(names.videos, pool.sources, strict=True) if not source.has(key)]
    if missing:
        return _Obstacle(tr("the variant is missing"), places=tuple(missing))
    pairs = pool.pairs(key)
    apart = [place for place, pair in zip(names.videos, pairs, strict=True) if not pair.frames]
    sides = (pool.first.baseline, key)
    withheld = _find_withheld(pairs, sides, names) if apart else None
    if withheld is not None:
        return withheld
    if apart:
        return _Obstacle(tr("no labelled frame that both cover"), places=tuple(apart))
    if not any(pair.truths for pair in pairs):
        return _Obstacle(
            tr("no ground-truth box on the labelled frames that both cover"),
            tr("Add ground truth to frames that both cover, or choose other frames"),
        )
    wanted = _in_order(pool.sources, [name for pair in pairs for name in pair.truth_classes])
    agnostic = pool.first.review.class_agnostic
    for number, side in enumerate(sides):
        facts = [pair.sides[number] for pair in pairs]
        found = _find_side_obstacle(names, side, facts, wanted, agnostic=agnostic)
        if found is not None:
            return found
    return None


def _in_order(sources: Sequence[SourceFacts], found: Iterable[str]) -> list[str]:
    """The class names in the order of the sources' lists, each once, without regard to case."""
    listed = {name.casefold(): name for source in reversed(sources) for name in reversed(source.class_names)}
    order = list(dict.fromkeys(name.casefold() for source in sources for name in source.class_names))
    wanted = {name.casefold(): name for name in found}
    return [listed[one] for one in order if one in wanted] + [wanted[one] for one in wanted if one not in listed]


def _find_withheld(pairs: Sequence[PairFacts], keys: Sequence[str], names: Names) -> _Obstacle | None:
    """Why no frame counts where the ground truth came from one of two variants."""
    for number, key in enumerate(keys):
        places = [place for place, pair in zip(names.videos, pairs, strict=True) if pair.sides[number].withheld]
        if places:
            reason = tr("ground truth comes from {variant}, and nobody verified it", variant=names.variants[key])
            return _Obstacle(reason, tr("Verify frames: verified ones count"), tuple(places))
    return None


def find_unfit(comparison: Comparison, names: Names) -> dict[str, str]:
    """Variant name -> why nothing follows from its own numbers, of all variants of a source, the baseline included."""
    found = {}
    for key, name in names.variants.items():
        frames = comparison.labelled & comparison.variants[key].covered
        if not frames.any():
            continue
        facts, (_count, wanted) = side_facts(comparison, key, frames), truth_classes(comparison, frames)
        agnostic = comparison.review.class_agnostic
        obstacle = _find_side_obstacle(names, key, [facts], wanted, agnostic=agnostic)
        if obstacle is not None:
            found[name] = ". ".join(one for one in (obstacle.reason, obstacle.remedy) if one)
    return found


def _find_side_obstacle(
    names: Names, key: str, facts: Sequence[SideFacts], wanted: Sequence[str], *, agnostic: bool
) -> _Obstacle | None:
    """Why one variant allows no conclusion on the frames: a failed run, its classes, or no predictions there.

    Args:
        facts: by source.
        wanted: classes of the ground truth that counts.
        agnostic: classes are ignored.
    """
    failures = [one.failure for one in facts]
    if any(failures):
        reason = tr(
            "the run of {variant} failed ({reason})", variant=names.variants[key], reason=next(filter(None, failures))
        )
        places = tuple(place for place, failure in zip(names.videos, failures, strict=True) if failure)
        return _Obstacle(reason, tr("Run it again"), places)
    obstacle = _find_class_obstacle(names, key, facts, wanted, agnostic=agnostic)
    if obstacle is not None:
        return obstacle
    return None if any(one.predictions for one in facts) else _no_predictions(names.variants[key], None)


def _find_class_obstacle(
    names: Names, key: str, facts: Sequence[SideFacts], wanted: Sequence[str], *, agnostic: bool
) -> _Obstacle | None:
    """Why the classes of one variant allow no conclusion: all predictions, or all of a class, were left out."""
    name, class_facts = names.variants[key], [one.class_facts for one in facts]
    places = [place for place, one in zip(names.videos, facts, strict=True) if one.all_left_out]
    if places:
        lost = [one.class_facts for one in facts if one.all_left_out]
        return _Obstacle(left_out_text(name, lost, wanted), class_remedy(lost, wanted), tuple(places))
    if agnostic:
        return None
    known = {one for side in facts for one in side.own_classes}
    missing = unmeant_classes(
        class_facts,
        [one for one in wanted if one.casefold() not in known],
        any_classless=any(one.any_classless for one in facts),
    )
    if not missing:
        return None
    reason = tr(
        "{variant} predicts classes that the ground truth lacks ({unknown}), and none of class {classes}",
        variant=name,
        unknown=left_out_names(class_facts),
        classes=list_names(missing),
    )
    return _Obstacle(reason, class_remedy(class_facts, missing))


def _find_undefined(pool: Pool, key: str, names: Names, compared: ComparedVariant) -> _Obstacle | None:
    """Why a comparison allows no conclusion: a side has nothing to count, or a metric with a margin is undefined."""
    baseline = pool.first.baseline
    sides = zip((baseline, key), compared.predictions, compared.confident, strict=True)
    margins = pool.first.margins
    judged = OF_THRESHOLD & margins.keys()
    nothing: _Obstacle | None = None
    for side, total, confident in sides:
        name = names.variants[side]
        # A variant whose predictions all lie below a threshold is worse: FAIL stands, anything better does not.
        lost = side == baseline or compared.verdict.outcome is not Outcome.FAIL
        if not total and lost:
            return _no_predictions(name, compared)
        if judged and not confident and lost and nothing is None:
            nothing = _Obstacle(
                tr(
                    "{variant} has no predictions on the common frames at confidence ≥ {floor:.3g}",
                    variant=name,
                    floor=compared.confidence,
                ),
                tr("Lower the confidence threshold (--conf), or judge by AP alone (--margin ap=1)"),
            )
    undefined = [d.metric for d in compared.verdict.differences if d.metric in margins and math.isnan(d.points)]
    if undefined:
        return _undefined(pool, key, names, undefined)
    return nothing


def _no_predictions(name: str, compared: ComparedVariant | None) -> _Obstacle:
    if compared is not None and any(compared.conditions.cut):
        reason = tr(
            "{variant} has no predictions on the common frames at confidence ≥ {floor:.3g}",
            variant=name,
            floor=compared.floor,
        )
        return _Obstacle(reason, tr("Run both with the same score floor"))
    return _Obstacle(
        tr("{variant} has no predictions on the common frames", variant=name),
        tr("Check the file or the run of {variant}", variant=name),
    )


def _undefined(pool: Pool, key: str, names: Names, metrics: Sequence[str]) -> _Obstacle:
    listed = ", ".join(metrics)
    without_scores = tuple(
        place
        for place, pair in zip(names.videos, pool.pairs(key), strict=True)
        if not all(side.has_scores for side in pair.sides)
    )
    if not without_scores:
        return _Obstacle(tr("{metrics} undefined", metrics=listed))
    others = [metric for metric in pool.first.margins if metric not in metrics] or ["pq"]
    return _Obstacle(
        tr("{metrics} undefined without scores", metrics=listed),
        tr("Judge by what is defined: --margin {margins}", margins=",".join(f"{one}=1" for one in others)),
        without_scores,
    )


def _cannot_judge(key: str, names: Names, pool: Pool, obstacle: _Obstacle, compared: ComparedVariant | None) -> Judged:
    variant, baseline = names.variants[key], names.variants[pool.first.baseline]
    values = {"variant": variant, "baseline": baseline, "reason": obstacle.reason}
    if len(names.videos) > 1 and obstacle.places:
        text = tr(
            "{variant}: cannot be judged against {baseline}: {reason} in {videos}",
            **values,
            videos=", ".join(obstacle.places),
        )
    else:
        text = tr("{variant}: cannot be judged against {baseline}: {reason}", **values)
    if len(pool.sources) == 1 and pool.first.has(key):
        agreement = pool.first.pair(key).agreement
        text = text if agreement is None else f"{text}; {agreement_text(agreement)}"
    known = (
        ""
        if compared is None
        else describe_differences(compared.verdict, compared.confidence, names.point_of(pool.first.baseline, key))
    )
    said = " ".join(f"{one.rstrip('.')}." for one in (text, known, obstacle.remedy) if one)
    run_note = _run_note(pool, key, names)
    said = _with_filter(said, pool)
    judgement = Judgement(variant, Outcome.CANNOT_JUDGE, said, (), obstacle.reason, obstacle.remedy, run_note)
    return Judged(key, judgement, compared)


def _rows(compared: ComparedVariant, names: Sequence[str]) -> tuple[VideoRow, ...]:
    verdict = compared.verdict
    return tuple(
        VideoRow(name, video.frames, {key: None if math.isnan(value) else value for key, value in points.items()})
        for name, video, points in zip(names, verdict.videos, verdict.by_video, strict=True)
    )
