"""Metrics of one variant, and its difference to the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_types import FULL_CURVE_FLOOR
from iouviewer.jobs.compare import find_conditions, restrict
from iouviewer.jobs.eval_inputs import Truth, VariantInput, frame_mask
from iouviewer.metrics.coco import CocoResult, evaluate_coco
from iouviewer.metrics.iou import family_aligned
from iouviewer.metrics.review import PairState, Review, ReviewSettings, match_rows, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int
from iouviewer.reports.data_files import PairRow
from iouviewer.reports.series import FrameSeries

STATE_NAMES = {
    PairState.TRUE_POSITIVE: "tp",
    PairState.LOOSE: "loose",
    PairState.FALSE_POSITIVE: "fp",
    PairState.MISS: "miss",
    PairState.IGNORED: "ignored",
}
"""States as files of pairs name them."""
UNSPECIFIED_TEXT = "unspecified"
"""Name of boxes without a class in results."""


@dataclass(frozen=True)
class VariantScore:
    """One variant, scored on the ``counted`` frames ((F,) bool: selected, labelled and covered)."""

    input: VariantInput
    counted: Bool
    review: Review
    metrics: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.input.name

    def ap_tables(self, truth: Truth) -> tuple[BoxTable, BoxTable]:
        """Ground truth and predictions as AP sees them: without classes where these are ignored."""
        tables = truth.table, self.input.predictions.table
        if not self.review.settings.class_agnostic:
            return tables
        return _without_classes(tables[0]), _without_classes(tables[1])

    def series(self, frames: Int) -> FrameSeries:
        """Metrics by frame, for the selected frames ((n,) int64)."""
        review, table = self.review, self.input.predictions.table
        used = np.bincount(table.frame_of_row()[review.used & ~table.is_outside()], minlength=len(self.counted))
        return FrameSeries(
            self.name,
            review.frame_iou[frames],
            self.counted[frames],
            used[frames],
            review.tp[frames],
            review.fp[frames],
            review.fn[frames],
        )

    def found(self, truth: Truth) -> Bool:
        """(M,) bool: ground-truth rows that the variant finds."""
        found = np.zeros(len(truth.table), np.bool_)
        found[self.review.pair_gt[self.review.pair_iou >= self.review.settings.iou]] = True
        return found

    def pair_rows(self, truth: Truth, baseline: VariantScore | None = None) -> Iterator[PairRow]:
        """Pairs, missed boxes, false positives and predictions inside ignored boxes, by frame, that the filter lists.

        Args:
            baseline: what it finds decides what is lost and gained; None: this is the baseline.
        """
        gt, pred = truth.table, self.input.predictions.table
        rows = match_rows(gt, pred, self.review)
        is_found = None if baseline is None else baseline.found(truth)
        chosen = truth.rules.lists(rows, truth.table, pred, variant=self.name, tracks=truth.tracks, is_found=is_found)
        chosen &= (rows.pred >= 0) | (rows.states != PairState.IGNORED)
        gt_rows, pred_rows = rows.gt[chosen], rows.pred[chosen]
        states = [STATE_NAMES[PairState(state)] for state in rows.states[chosen].tolist()]
        both = (gt_rows >= 0) & (pred_rows >= 0)
        family = np.full((4, len(gt_rows)), np.nan)
        if both.any():
            convention = self.review.settings.convention
            values = family_aligned(gt.boxes[:, gt_rows[both]], pred.boxes[:, pred_rows[both]], convention)
            family[:, both] = np.stack(values)
        frames = rows.frames[chosen]
        order = np.lexsort((pred_rows, np.where(gt_rows < 0, len(gt), gt_rows), frames))
        for i in order.tolist():
            g, p = int(gt_rows[i]), int(pred_rows[i])
            class_id = int(gt.class_ids[g]) if g >= 0 else UNSPECIFIED_CLASS
            if class_id == UNSPECIFIED_CLASS and p >= 0:
                class_id = int(pred.class_ids[p])
            iou, giou, diou, ciou = family[:, i].tolist()
            yield PairRow(
                int(frames[i]),
                self.name,
                int(gt.ids[g]) if g >= 0 else None,
                int(pred.ids[p]) if p >= 0 else None,
                truth.class_text(class_id),
                float(pred.scores[p]) if p >= 0 and self.input.predictions.has_scores else None,
                iou,
                giou,
                diou,
                ciou,
                states[i],
            )


def _ap_values(truth: Truth, coco: CocoResult | None) -> dict[str, Any]:
    if coco is None:
        return {"ap": None, "ap50": None, "ap75": None, "ar100": None, "per_class": {}, "size": {}}
    per_class = {
        truth.class_text(class_id) or UNSPECIFIED_TEXT: {
            "ap": one.ap,
            "ap50": one.ap50,
            "ap75": one.ap75,
            "ar100": one.ar100,
            "boxes": one.gt_count,
        }
        for class_id, one in coco.per_class.items()
    }
    size = {name: {"ap": one.ap, "ar": one.ar} for name, one in coco.sizes.items()}
    means = {"ap": coco.ap, "ap50": coco.ap50, "ap75": coco.ap75, "ar100": coco.ar100}
    return {**means, "per_class": per_class, "size": size}


def _ap_reason(predictions: PredictionSet, coco: CocoResult | None) -> str | None:
    if coco is None:
        return "no_scores"
    if coco.ap is None:
        return "no_ground_truth"
    return "cut" if _is_cut(predictions) else None


def _is_cut(predictions: PredictionSet) -> bool:
    return predictions.score_floor is not None and predictions.score_floor > FULL_CURVE_FLOOR


def score_variant(truth: Truth, variant: VariantInput, frames: Int, settings: ReviewSettings) -> VariantScore:
    """Score one variant.

    Args:
        frames: (n,) int64, selected frames. Of these, labelled frames that the variant covers count.
    """
    predictions = variant.predictions
    selected = frame_mask(frames, truth.table.frame_count)
    counted = selected & truth.labelled & predictions.covered
    review = review_all(truth.table, predictions.table, settings, counted)
    one_class = True if settings.class_agnostic else None
    coco = None
    if predictions.has_scores:
        coco = evaluate_coco(
            truth.table,
            predictions.table,
            counted,
            settings.max_detections,
            area_ranges=settings.area_ranges,
            one_class=one_class,
        )
    summary = review.summary()
    frame_of_row = predictions.table.frame_of_row()
    passing = predictions.table.passing(settings.conf)
    # Predictions on unlabelled frames do not count; the result states their number.
    uncounted = int(np.sum(passing & selected[frame_of_row] & ~truth.labelled[frame_of_row]))
    metrics: dict[str, Any] = {
        "avg_iou": summary.avg_iou,
        "box_iou": summary.box_iou,
        "tp_iou": summary.tp_iou,
        "pq": summary.pq,
        "tp": summary.tp,
        "fp": summary.fp,
        "fn": summary.fn,
        "precision": summary.precision,
        "recall": summary.recall,
        "f1": summary.f1,
        **_ap_values(truth, coco),
        "ap_floor": predictions.score_floor if predictions.has_scores else None,
        "ap_reason": _ap_reason(predictions, coco),
        "cap": predictions.max_detections,
        "cap_reached": predictions.count_capped_frames(),
        "frames": summary.frames,
        "frames_with_boxes": int(np.sum(review.gt_count[counted] > 0)),
        "boxes": int(review.gt_count[counted].sum()),
        "predictions": int((review.used & ~predictions.table.is_outside()).sum()),
        "ignored_predictions": int(review.ignored[counted].sum()),
        "uncounted_predictions": uncounted,
        "left_out_classes": dict(variant.dropped_classes),
        "withheld_frames": predictions.withheld,
        "complete": bool(np.all(predictions.covered[selected & truth.labelled])),
        "run": predictions.run_facts,
    }
    return VariantScore(variant, counted, review, metrics)


def _without_classes(table: BoxTable) -> BoxTable:
    return replace(table, class_ids=np.full_like(table.class_ids, UNSPECIFIED_CLASS))


def compute_delta(
    truth: Truth, variant: VariantScore, baseline: VariantScore, frames: Int, settings: ReviewSettings
) -> dict[str, Any] | None:
    """Variant minus baseline, with both restricted to their common frames, score floor and max detections.

    Returns:
        ``ap``, ``ap50``, ``pq``, ``avg_iou``: differences (None where one side is undefined); ``frames``, ``floor``
        and ``cap``: what they refer to; ``classes_disregarded``: true if only one of the two has predictions without
        a class. None for the baseline itself.
    """
    if variant is baseline:
        return None
    sides = variant.input.predictions, baseline.input.predictions
    counted = variant.counted & baseline.counted
    conditions = find_conditions([truth.table], [[side] for side in sides], [counted])
    [floor], [limit], [is_cut] = conditions.floors, conditions.max_detections, conditions.cut
    same_frames = bool(np.array_equal(variant.counted, baseline.counted))
    if not is_cut and limit is None and same_frames and not conditions.one_class:
        metrics, baseline_metrics = variant.metrics, baseline.metrics
    else:
        rules = replace(settings, class_agnostic=True) if conditions.one_class else settings
        metrics, baseline_metrics = (
            score_variant(
                truth,
                replace(one.input, predictions=replace(side, table=restrict(side, floor, limit), covered=counted)),
                frames,
                rules,
            ).metrics
            for one, side in zip((variant, baseline), sides, strict=True)
        )
    values: dict[str, Any] = {
        key: None if metrics[key] is None or baseline_metrics[key] is None else metrics[key] - baseline_metrics[key]
        for key in ("ap", "ap50", "pq", "avg_iou")
    }
    return values | {
        "frames": metrics["frames"],
        "floor": floor if is_cut else None,
        "cap": limit,
        "classes_disregarded": conditions.one_class,
    }
