"""All numbers of one variant, and its difference to the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.eval_inputs import Truth, VariantInput
from iouviewer.metrics.coco import CocoResult, counts_as_one_class, evaluate_coco
from iouviewer.metrics.iou import family_aligned
from iouviewer.metrics.review import Review, ReviewSettings, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Convention, Int
from iouviewer.reports.pairs_csv import PairRow
from iouviewer.reports.series import FrameSeries

CUT_FLOOR = 0.01
"""Up to this score floor AP is what it would be without one (metrics definitions); above it is a lower bound."""

UNSPECIFIED_TEXT = "unspecified"


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What numbers depend on besides the boxes."""

    confidence: float = 0.25
    iou_threshold: float = 0.5
    convention: Convention = Convention.CONTINUOUS
    class_agnostic: bool = False

    @property
    def review(self) -> ReviewSettings:
        """For the association."""
        return ReviewSettings(self.confidence, self.iou_threshold, self.convention, self.class_agnostic)


@dataclass(frozen=True)
class VariantScore:
    """One variant, scored on ``counted`` frames ((F,) bool: chosen, labelled and covered)."""

    input: VariantInput
    counted: Bool
    review: Review
    metrics: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.input.name

    def series(self, chosen: Int) -> FrameSeries:
        """Numbers by chosen frame."""
        review = self.review
        used = np.bincount(self.input.predictions.table.frame_of_row()[review.used], minlength=len(self.counted))
        return FrameSeries(
            self.name,
            review.frame_iou[chosen],
            self.counted[chosen],
            used[chosen],
            review.tp[chosen],
            review.fp[chosen],
            review.fn[chosen],
        )

    def pair_rows(self, truth: Truth) -> Iterator[PairRow]:
        """Pairs, misses, false positives and predictions inside ignored boxes, by frame."""
        gt_rows, pred_rows, states = self._rows(truth)
        gt, pred = truth.table, self.input.predictions.table
        both = (gt_rows >= 0) & (pred_rows >= 0)
        family = np.full((4, len(gt_rows)), np.nan)
        if both.any():
            convention = self.review.settings.convention
            values = family_aligned(gt.boxes[:, gt_rows[both]], pred.boxes[:, pred_rows[both]], convention)
            family[:, both] = np.stack(values)
        frames = np.where(
            gt_rows >= 0, np.append(gt.frame_of_row(), -1)[gt_rows], np.append(pred.frame_of_row(), -1)[pred_rows]
        )
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

    def _rows(self, truth: Truth) -> tuple[Int, Int, list[str]]:
        """Rows of ground truth and predictions (-1 for none) and the state of each."""
        review = self.review
        gt_counts = ~truth.table.ignored & self.counted[truth.table.frame_of_row()]
        gt_counts[review.pair_gt] = False
        misses = np.flatnonzero(gt_counts)
        alone = review.used.copy()
        alone[review.pair_pred] = False
        single = np.flatnonzero(alone)
        hit = review.pair_iou >= review.settings.iou
        states = ["tp" if yes else "loose" for yes in hit.tolist()] + ["miss"] * len(misses)
        states += ["ignored" if inside else "fp" for inside in review.swallowed[single].tolist()]
        gt_rows = np.concatenate((review.pair_gt, misses, np.full(len(single), -1, np.int64)))
        pred_rows = np.concatenate((review.pair_pred, np.full(len(misses), -1, np.int64), single))
        return gt_rows, pred_rows, states


def mask_of(chosen: Int, frame_count: int) -> Bool:
    """(F,) bool of a list of frames."""
    mask = np.zeros(frame_count, np.bool_)
    mask[chosen] = True
    return mask


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
    return predictions.score_floor is not None and predictions.score_floor > CUT_FLOOR


def score(truth: Truth, variant: VariantInput, chosen: Int, settings: ScoreSettings) -> VariantScore:
    """Score one variant.

    Args:
        chosen: (n,) int64 frames; of these, labelled frames that the variant covers count.
    """
    predictions = variant.predictions
    wanted = mask_of(chosen, truth.table.frame_count)
    counted = wanted & truth.labelled & predictions.covered
    review = review_all(truth.table, predictions.table, settings.review, counted)
    coco = evaluate_coco(truth.table, predictions.table, counted) if predictions.has_scores else None
    summary = review.summary()
    frame_of_row = predictions.table.frame_of_row()
    passing = predictions.table.scores >= settings.confidence
    # What stands on a frame that is not labelled counts nowhere; how much that is belongs to the result.
    uncounted = int(np.sum(passing & wanted[frame_of_row] & ~truth.labelled[frame_of_row]))
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
        "cap": predictions.cap,
        "cap_reached": predictions.cap_reached(),
        "frames": summary.frames,
        "frames_with_boxes": int(np.sum(review.gt_count[counted] > 0)),
        "boxes": int(review.gt_count[counted].sum()),
        "predictions": int(review.used.sum()),
        "ignored_predictions": int(review.ignored[counted].sum()),
        "uncounted_predictions": uncounted,
        "left_out_classes": dict(variant.left_out),
        "complete": bool(np.all(predictions.covered[wanted & truth.labelled])),
        "run": dict(predictions.protocol),
    }
    return VariantScore(variant, counted, review, metrics)


def capped(table: BoxTable, cap: int) -> BoxTable:
    """The ``cap`` best predictions of each frame (equal scores: file order)."""
    frames = table.frame_of_row()
    order = np.lexsort((np.arange(len(table)), -table.scores, frames))
    place = np.arange(len(table)) - table.offsets[frames]  # frames[order] == frames: rows are ordered by frame
    keep = np.zeros(len(table), np.bool_)
    keep[order] = place < cap
    return table.select(keep)


def _without_classes(table: BoxTable) -> BoxTable:
    return replace(table, class_ids=np.full_like(table.class_ids, UNSPECIFIED_CLASS))


def _comparable(
    variant: VariantInput, floor: float | None, cap: int | None, covered: Bool, one_class: bool
) -> VariantInput:
    predictions = variant.predictions
    table = predictions.table
    if floor is not None and predictions.has_scores:
        table = table.select(table.scores >= floor)
    if cap is not None:
        table = capped(table, cap)
    if one_class:
        table = _without_classes(table)
    return replace(variant, predictions=replace(predictions, table=table, covered=covered))


def difference(
    truth: Truth, variant: VariantScore, baseline: VariantScore, chosen: Int, settings: ScoreSettings
) -> dict[str, Any] | None:
    """Variant minus baseline on what both can prove: the common frames, score floor and cap.

    Returns:
        ``ap``, ``ap50``, ``pq``, ``avg_iou`` as differences (None where one is undefined); ``frames``, ``floor`` and
        ``cap`` that they refer to; ``classes_disregarded``, true where only one of the two has predictions without a
        class. None for the baseline itself.
    """
    if variant is baseline:
        return None
    one, other = variant.input.predictions, baseline.input.predictions
    cut = [p.score_floor for p in (one, other) if p.score_floor is not None and _is_cut(p)]
    floor = max(cut) if cut else None
    caps = {p.cap for p in (one, other) if p.cap is not None}
    cap = min(caps) if len(caps) > 1 else None
    covered = one.covered & other.covered
    same_frames = bool(np.array_equal(variant.counted, baseline.counted))
    rules = {counts_as_one_class(truth.table, v.input.predictions.table, v.counted) for v in (variant, baseline)}
    one_class = len(rules) > 1  # only one of the two has predictions without a class
    if floor is None and cap is None and same_frames and not one_class:
        mine, theirs = variant.metrics, baseline.metrics
    else:
        common = replace(truth, table=_without_classes(truth.table)) if one_class else truth
        mine, theirs = (
            score(common, _comparable(v.input, floor, cap, covered, one_class), chosen, settings).metrics
            for v in (variant, baseline)
        )
    values: dict[str, Any] = {
        key: None if mine[key] is None or theirs[key] is None else mine[key] - theirs[key]
        for key in ("ap", "ap50", "pq", "avg_iou")
    }
    return values | {"frames": mine["frames"], "floor": floor, "cap": cap, "classes_disregarded": one_class}
