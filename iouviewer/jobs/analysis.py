"""Explains a variant's metrics: error types, flicker, curves, confusion, reconciliation with ``yolo val``, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from iouviewer.jobs.compare import Comparison, Pool, build_comparison, measure_agreement, own_spreads
from iouviewer.jobs.eval_inputs import EvalInputs, Truth
from iouviewer.jobs.judge import Judged, Names, describe_choice, find_unfit, judge_all, judge_obstacle
from iouviewer.jobs.protocols import ERROR_PROTOCOL
from iouviewer.jobs.scoring import UNSPECIFIED_TEXT, VariantScore
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.curves import PrecisionRecallCurve, confusion_matrix, precision_recall_curve
from iouviewer.metrics.error_types import ERRORS, SHORT_NAMES, classify_errors
from iouviewer.metrics.reconcile import reconcile
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import Bool, BoxTable, Int
from iouviewer.metrics.temporal import summarise_tracks
from iouviewer.metrics.verdict import Difference, Outcome, Verdict

_CURVE_POINTS = 101
_WORST_TRACKS = 20


def analyse(truth: Truth, score: VariantScore, labelled: Bool) -> dict[str, Any]:
    """The analysis of one variant as values for JSON; null where undefined.

    Args:
        labelled: (F,) bool, selected labelled frames.
    """
    found = np.zeros(len(truth.table), np.bool_)
    found[score.review.pair_gt[score.review.hits]] = True
    frames = truth.table.frame_of_row()
    counting = truth.table.counted() & score.counted[frames]
    values: dict[str, Any] = {
        "temporal": _temporal(truth.tracks[counting], frames[counting], found[counting]),
        "confusion": _confusion(truth, score),
        "errors": None,
        "pr": None,
        "reconcile": None,
        "size_quartiles": None,
    }
    if score.input.predictions.has_scores:
        values["errors"] = _errors(truth, score)
        values["pr"] = _curves(truth, score)
        if not truth.rules:  # yolo val knows no filter, so no steps lead from its number
            own = score.metrics.get("ultralytics")  # of a data set: with the steps of yolo val itself
            values["reconcile"] = own["steps"] if own else _steps(truth, score, labelled)
        values["size_quartiles"] = _quartiles(truth.table, score)
    return values


def _steps(truth: Truth, score: VariantScore, labelled: Bool) -> list[dict[str, Any]]:
    limit = score.review.settings.max_detections
    steps = reconcile(*score.ap_tables(truth), labelled, score.counted, limit)
    return [{"step": step.name, "ap": _number(step.ap), "change": _number(step.change)} for step in steps]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _temporal(tracks: Int, frames: Int, found: Bool) -> dict[str, Any] | None:
    summary = summarise_tracks(tracks, frames, found)
    if not summary.tracks:
        return None
    worst = [
        {
            "track": track.track,
            "frames": track.frames,
            "found": track.found,
            "flickers": track.flickers,
            "runs": track.runs,
            "longest_run": track.longest_run,
            "longest_run_at": track.longest_run_at if track.longest_run else None,
        }
        for track in summary.tracks[:_WORST_TRACKS]
    ]
    return {
        "flickers": summary.flickers,
        "flickers_per_1000_frames": summary.flicker_rate,
        "runs": summary.runs,
        "longest_run": summary.longest_run,
        "tracks": len(summary.tracks),
        "worst_tracks": worst,
    }


def _errors(truth: Truth, score: VariantScore) -> dict[str, Any]:
    """What errors cost in AP50, of all predictions; their numbers at the confidence threshold, as TP, FP and FN are."""
    boxes, predictions = score.ap_tables(truth)
    errors = classify_errors(boxes, predictions, score.counted)
    confidence = score.review.settings.conf
    confident = classify_errors(boxes, predictions.select(predictions.passing(confidence)), score.counted)
    return {
        "protocol": ERROR_PROTOCOL,
        "ap50": _number(errors.ap50),
        "confidence": confidence,
        "counts": {SHORT_NAMES[e]: confident.counts[e] for e in ERRORS},
        "ap50_gain": {SHORT_NAMES[e]: _number(errors.gains[e]) for e in ERRORS},
    }


def _curves(truth: Truth, score: VariantScore) -> dict[str, Any]:
    """Precision and recall curves at IoU 0.5 from COCO's matches, by class name."""
    matches = match_coco(*score.ap_tables(truth), score.counted, score.review.settings.max_detections)
    result: dict[str, Any] = {}
    for place, class_id in enumerate(matches.classes.tolist()):
        count = int(matches.gt_counts[place])
        if not count:
            continue
        rows = matches.order[matches.class_starts[place] : matches.class_starts[place + 1]]
        found = precision_recall_curve(
            score.input.predictions.table.scores[rows],
            (matches.tp[rows] & np.uint16(1)) != 0,
            count,
            (matches.ignored[rows] & np.uint16(1)) != 0,
        )
        result[truth.class_text(class_id) or UNSPECIFIED_TEXT] = _thinned(found)
    return result


def _thinned(found: PrecisionRecallCurve) -> dict[str, Any]:
    """At most 101 points of a curve, including its ends and its best point."""
    if found.best < 0:
        return {"confidence": [], "precision": [], "recall": [], "f1": [], "best": None}
    places = np.unique(np.linspace(0, len(found.scores) - 1, _CURVE_POINTS).round().astype(np.int64))
    places = np.unique(np.append(places, found.best))
    best = {
        "confidence": float(found.scores[found.best]),
        "precision": float(found.precision[found.best]),
        "recall": float(found.recall[found.best]),
        "f1": float(found.f1[found.best]),
    }
    names = ("precision", "recall", "f1")
    columns = {name: getattr(found, name)[places].tolist() for name in names}
    return {"confidence": found.scores[places].tolist(), **columns, "best": best}


def _confusion(truth: Truth, score: VariantScore) -> dict[str, Any]:
    """Confusion matrix of a class-agnostic association at the review's thresholds."""
    settings = score.review.settings
    agnostic = ReviewSettings(settings.conf, settings.iou, settings.convention, class_agnostic=True)
    review = review_all(truth.table, score.input.predictions.table, agnostic, score.counted)
    gt_rows, pred_rows = review.pair_gt[review.hits], review.pair_pred[review.hits]
    missed = truth.table.counted() & score.counted[truth.table.frame_of_row()]
    missed[gt_rows] = False
    false_positive = review.used & ~review.in_ignore_region
    false_positive[review.pair_pred[review.pair_iou >= settings.iou]] = False
    truth_ids, predicted_ids = truth.table.class_ids, score.input.predictions.table.class_ids
    none = np.int64(-2)
    matrix = confusion_matrix(
        np.concatenate([truth_ids[gt_rows], truth_ids[missed], np.full(int(false_positive.sum()), none)]),
        np.concatenate([predicted_ids[pred_rows], np.full(int(missed.sum()), none), predicted_ids[false_positive]]),
    )
    return {
        "classes": [truth.class_text(int(c)) or UNSPECIFIED_TEXT for c in matrix.classes],
        "counts": matrix.counts.tolist(),
        "sentences": matrix.largest(truth.class_text),
    }


def _quartiles(truth: BoxTable, score: VariantScore) -> list[dict[str, Any]] | None:
    """AP by quartiles of box area within the video; fewer than four if many boxes have the same size."""
    counting = truth.counted() & score.counted[truth.frame_of_row()]
    areas = truth.stated_areas()
    if not counting.any():
        return None
    edges = np.quantile(areas[counting], [0.0, 0.25, 0.5, 0.75, 1.0])
    result = []
    # Both ends of a range are included, so the next range starts just above it and an area on an edge counts once.
    lows = [edges[0], *np.nextafter(edges[1:-1], np.inf)]
    for low, high in zip(lows, edges[1:], strict=True):
        if low > high:
            continue
        one_class = True if score.review.settings.class_agnostic else None
        area = (float(low), float(high))
        tables = truth, score.input.predictions.table
        limit = score.review.settings.max_detections
        matches = match_coco(*tables, score.counted, limit, area=area, one_class=one_class)
        class_places = [p for p in range(len(matches.classes)) if matches.gt_counts[p]]
        ap = float(np.mean([matches.curves(p)[0].mean(axis=1) for p in class_places])) if class_places else None
        result.append({"from": float(low), "to": float(high), "boxes": int(matches.gt_counts.sum()), "ap": ap})
    return result


def judge_scores(inputs: EvalInputs, scores: Sequence[VariantScore], margins: Mapping[str, float]) -> dict[str, Any]:
    """Judgements of all variants against the first of ``scores``, by name, as values for JSON."""
    pool, names = pool_of(inputs, scores, margins)
    found = judge_all(pool, names)
    choice = describe_choice(found)
    return {judged.key: _judged_values(judged, pool.comparison) | {"choice": choice} for judged in found}


def own_intervals(
    inputs: EvalInputs, scores: Sequence[VariantScore], margins: Mapping[str, float]
) -> dict[str, dict[str, list[float]]]:
    """The 95 % intervals of each variant's own scores, by variant and metric: [low, high]; without undefined ones."""
    pool, _names = pool_of(inputs, scores, margins)
    found: dict[str, dict[str, list[float]]] = {}
    for score in scores:
        found[score.name] = {}
        for metric, spread in own_spreads(pool.comparison, score.name).items():
            value = score.metrics[metric]
            if value is not None:
                half = spread.half_width()
                found[score.name][metric] = [max(0.0, value - half), min(1.0, value + half)]
    return found


def find_unfit_variants(
    inputs: EvalInputs, scores: Sequence[VariantScore], margins: Mapping[str, float]
) -> dict[str, str]:
    """Variant name -> why nothing follows from its own numbers."""
    pool, names = pool_of(inputs, scores, margins)
    return find_unfit(pool.comparison, names)


def find_obstacles(inputs: EvalInputs, scores: Sequence[VariantScore], margins: Mapping[str, float]) -> list[str]:
    """Sentences of the variants that cannot be judged whatever the numbers are: quick, without comparing."""
    pool, names = pool_of(inputs, scores, margins)
    found = (judge_obstacle(pool, score.name, names) for score in scores[1:])
    return [judged.sentence for judged in found if judged is not None]


def pool_of(inputs: EvalInputs, scores: Sequence[VariantScore], margins: Mapping[str, float]) -> tuple[Pool, Names]:
    """The variants of one video for the judge, and their names; the first of ``scores`` is the baseline."""
    chosen = replace(inputs, variants=[score.input for score in scores])
    comparison = build_comparison(chosen, scores[0].name, scores[0].review.settings, margins)
    names = {score.name: score.name for score in scores}
    return Pool((comparison,)), Names(names, [inputs.source.name], inputs.point)


def _judged_values(judged: Judged, comparison: Comparison) -> dict[str, Any]:
    agreement = measure_agreement(comparison, judged.key)
    judgement, compared = judged.judgement, judged.compared
    values: dict[str, Any] = {"metrics": {}} if compared is None else verdict_values(compared.verdict)
    if compared is not None:
        values |= {
            "floor": compared.floor,
            "classes_disregarded": compared.conditions.one_class,
            "confidence": compared.confidence,
        }
    if judgement.outcome is Outcome.CANNOT_JUDGE:  # no metric passes on its own either
        values["metrics"] = {key: {**one, "outcome": None} for key, one in values["metrics"].items()}
    return values | {
        "outcome": str(judgement.outcome),
        "reason": judgement.reason or None,
        "remedy": judgement.remedy or None,
        "agreement": {"f1": agreement.f1, "tp_iou": agreement.tp_iou, "frames": agreement.frames},
        "sentence": judgement.sentence,
        "run_note": judgement.run_note,
    }


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """A verdict as values for JSON; points and intervals are null where undefined."""

    def values(d: Difference) -> dict[str, Any]:
        return {
            "points": _number(d.points),
            "low": _number(d.low),
            "high": _number(d.high),
            "margin": _number(d.margin),
            "outcome": None if math.isnan(d.margin) else str(d.outcome),
            "reason": d.reason or None,
            "frames_needed": d.frames_needed,
            "videos_needed": d.videos_needed,
            "standard_error": None if d.spread is None else _number(d.spread.error),
            "degrees_of_freedom": None if d.spread is None else d.spread.degrees,
            "effective_frames": None if d.spread is None else _number(d.spread.effective),
            "autocorrelation": None if d.spread is None else _number(d.spread.correlation),
        }

    return {
        "outcome": str(verdict.outcome),
        "metrics": {d.metric: values(d) for d in verdict.differences},
        "frames": verdict.frames,
    }
