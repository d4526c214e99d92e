"""A verdict as text for the user: differences, intervals, and what would settle an undecided one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.intervals import MIN_EFFECTIVE, MIN_FRAMES
from iouviewer.metrics.json_texts import FRAMES_TOO_ALIKE, TOO_FEW_FRAMES, describe
from iouviewer.metrics.verdict import FEW_VIDEOS, OF_THRESHOLD, Difference, Outcome, Verdict

_METRIC_NAMES: Mapping[str, str] = {"ap": tr("AP"), "pq": tr("PQ"), "avg_iou": tr("Avg IoU")}
_MAX_GROWTH = 100
"""Nobody labels more than this many times the frames at hand for one verdict, so no number is given."""


def describe_verdict(
    variant: str, baseline: str, verdict: Verdict, confidence: float | None = None, point: str = ""
) -> str:
    """The verdict in one sentence, followed by what would settle it and a warning if there are few videos.

    Args:
        confidence: threshold at which PQ and Avg IoU hold, 0 to 1; None leaves it out.
        point: the operating point in words, in place of a common confidence.
    """
    count = len(verdict.videos)
    sentences = [_summary(variant, baseline, verdict, confidence, point)]
    if verdict.outcome is Outcome.UNDECIDED:
        sentences.append(_what_would_settle_it(verdict))
    if 1 < count < FEW_VIDEOS:
        sentences.append(tr("With only {count} videos the interval is wide.", count=count))
    return " ".join(filter(None, sentences))


def describe_differences(verdict: Verdict, confidence: float | None = None, point: str = "") -> str:
    """The differences in the metrics with an allowed drop, and which of them are undefined; without a full stop."""
    judged = [d for d in verdict.differences if not math.isnan(d.margin)]
    defined = [d for d in judged if not math.isnan(d.points)]
    listed = ", ".join(_difference(d) for d in defined)
    margins = {d.margin for d in judged}
    details = []
    if listed and len(margins) == 1:
        details.append(tr("{differences} points, allowed drop {margin:.1f}", differences=listed, margin=margins.pop()))
    elif listed:
        details.append(tr("{differences} points", differences=listed))
    details += [tr("{metric} is undefined", metric=_METRIC_NAMES[d.metric]) for d in judged if math.isnan(d.points)]
    names = [_METRIC_NAMES[d.metric] for d in defined if d.metric in OF_THRESHOLD]
    if names and point:
        details.append(tr("{metrics} {point}", metrics=", ".join(names), point=point))
    elif names and confidence is not None:
        details.append(tr("{metrics} at confidence {confidence:.3g}", metrics=", ".join(names), confidence=confidence))
    return "; ".join(details)


def _summary(variant: str, baseline: str, verdict: Verdict, confidence: float | None, point: str) -> str:
    values = {
        "variant": variant,
        "baseline": baseline,
        "outcome": verdict.outcome,
        "details": describe_differences(verdict, confidence, point),
        "videos": len(verdict.videos),
    }
    effective = verdict.effective_frames
    if effective is not None and round(effective) < verdict.frames:
        return tr_n(
            "{variant}: {outcome} against {baseline}: {details}; {count} frame (worth about {effective:,} "
            "independent), on this video.",
            "{variant}: {outcome} against {baseline}: {details}; {count:,} frames (worth about {effective:,} "
            "independent), on this video.",
            verdict.frames,
            effective=_rounded_up(max(1, round(effective))),
            **values,
        )
    if len(verdict.videos) == 1:
        return tr_n(
            "{variant}: {outcome} against {baseline}: {details}; {count} frame, on this video.",
            "{variant}: {outcome} against {baseline}: {details}; {count:,} frames, on this video.",
            verdict.frames,
            **values,
        )
    return tr_n(
        "{variant}: {outcome} against {baseline}: {details}; {count} frame, on {videos} videos.",
        "{variant}: {outcome} against {baseline}: {details}; {count:,} frames, on {videos} videos.",
        verdict.frames,
        **values,
    )


def _difference(difference: Difference) -> str:
    name, points = _METRIC_NAMES[difference.metric], _points(difference.points)
    if math.isnan(difference.low):
        return tr("{metric} {points} ({reason})", metric=name, points=points, reason=describe(difference.reason))
    return tr(
        "{metric} {points} [{low}, {high}]",
        metric=name,
        points=points,
        low=_points(difference.low),
        high=_points(difference.high),
    )


def _what_would_settle_it(verdict: Verdict) -> str:
    """What would settle an undecided verdict, in one sentence; empty if nothing is known."""
    videos = [d.videos_needed for d in verdict.differences if d.videos_needed is not None]
    frames = [d.frames_needed for d in verdict.differences if d.frames_needed is not None]
    growth = [*(n / len(verdict.videos) for n in videos), *(n / verdict.frames for n in frames)]
    if growth and max(growth) > _MAX_GROWTH:
        if videos:
            return tr("The difference is too close to the allowed drop for more videos to settle it.")
        return tr("The difference is too close to the allowed drop for more frames to settle it.")
    if videos:
        return tr("About {count:,} videos like these would decide it in 8 of 10 cases.", count=_rounded_up(max(videos)))
    if frames:
        return tr("About {count:,} frames like these would decide it in 8 of 10 cases.", count=_rounded_up(max(frames)))
    reasons = {d.reason for d in verdict.differences if not math.isnan(d.margin)}
    if TOO_FEW_FRAMES in reasons:
        return tr_n(
            "An interval needs at least {minimum} frames; there is {count}.",
            "An interval needs at least {minimum} frames; there are {count}.",
            verdict.frames,
            minimum=MIN_FRAMES,
        )
    if FRAMES_TOO_ALIKE in reasons:
        return tr(
            "The difference changes so slowly that these frames are worth only about {count:.0f} independent ones; an "
            "interval needs {minimum:.0f}. Add ground truth on frames that are further apart.",
            count=min(d.spread.slow for d in verdict.differences if d.spread is not None),
            minimum=MIN_EFFECTIVE,
        )
    return ""


def _points(value: float) -> str:
    """One decimal with its sign; no sign where it rounds to 0.0."""
    text = f"{value:+.1f}".replace("-", "−")
    return text if text[1:] != "0.0" else "0.0"


def _rounded_up(count: int) -> int:
    """Rounded up to two digits, because an extrapolation is no more precise."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit
