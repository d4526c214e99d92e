"""Operating points: the confidence at which each variant is judged, common to all or each at its own.

A threshold common to all also measures how variants are calibrated: one whose scores are lower loses boxes that a lower
threshold would keep. Each variant can stand at its own point instead. Its threshold is chosen on one half of the frames
and used on the other, and the other way round, so no frame is judged by a threshold that was chosen on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.curves import PrecisionRecallCurve, precision_recall_curve
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Bool, BoxTable

if TYPE_CHECKING:
    from iouviewer.jobs.eval_inputs import EvalInputs


class PointKind(StrEnum):
    """What a variant's threshold follows from. The values are those of ``--operating-point``."""

    COMMON = "common"
    BEST_F1 = "best-f1"
    RECALL = "recall"
    PRECISION = "precision"
    FP_PER_FRAME = "fp-per-frame"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Where variants stand.

    Attributes:
        value: the recall or precision, 0 to 1, or false positives a frame; 0 for the other kinds.
    """

    kind: PointKind = PointKind.COMMON
    value: float = 0.0

    @property
    def is_common(self) -> bool:
        """Whether all stand at the confidence threshold."""
        return self.kind is PointKind.COMMON

    @property
    def text(self) -> str:
        """The point in words, without an article: "best F1"."""
        return {
            PointKind.COMMON: tr("common confidence"),
            PointKind.BEST_F1: tr("best F1"),
            PointKind.RECALL: tr("recall {value:g}", value=self.value),
            PointKind.PRECISION: tr("precision {value:g}", value=self.value),
            PointKind.FP_PER_FRAME: tr("{value:g} false positives a frame", value=self.value),
        }[self.kind]

    @property
    def stored(self) -> str:
        """The form that ``parse_point`` reads."""
        return str(self.kind) if self.kind in (PointKind.COMMON, PointKind.BEST_F1) else f"{self.kind}={self.value:g}"


COMMON = OperatingPoint()
SETTING = "operatingPoint"
"""Key of the stored settings."""


def parse_point(text: str) -> OperatingPoint:
    """``common``, ``best-f1``, ``recall=0.8``, ``precision=0.9`` or ``fp-per-frame=0.5``.

    Raises:
        UserError: anything else, or a value that is impossible.
    """
    name, _, number = text.strip().partition("=")
    remedy = tr("Give common, best-f1, recall=0.8, precision=0.9 or fp-per-frame=0.5.")
    try:
        kind = PointKind(name)
        value = float(number) if number else 0.0
    except ValueError as error:
        raise UserError(tr("{text!r} is no operating point", text=text), remedy=remedy) from error
    needs_value = kind not in (PointKind.COMMON, PointKind.BEST_F1)
    limit = np.inf if kind is PointKind.FP_PER_FRAME else 1.0
    is_possible = 0.0 < value <= limit and np.isfinite(value)
    if needs_value is not bool(number) or (needs_value and not is_possible):
        raise UserError(tr("{text!r} is no operating point", text=text), remedy=remedy)
    return OperatingPoint(kind, value)


def stored_point(settings: Mapping[str, str]) -> OperatingPoint:
    """The point among stored settings; the common confidence where there is none, or an unknown one."""
    try:
        return parse_point(settings.get(SETTING, COMMON.stored))
    except UserError:
        return COMMON


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """An operating point with the thresholds that follow from it.

    Attributes:
        thresholds: by variant, the confidence on the first and on the second half of the frames.
    """

    point: OperatingPoint
    thresholds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def text(self, *names: str) -> str:
        """The point for a sentence, with the thresholds of some variants."""
        listed = ", ".join(
            tr("{name} {first:.3g} and {second:.3g}", name=name, first=first, second=second)
            for name in names
            for first, second in [self.thresholds[name]]
        )
        values = {"point": self.point.text, "thresholds": listed}
        return tr("at each one's {point}, chosen on the other half of the frames ({thresholds})", **values)

    @property
    def values(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": str(self.point.kind),
            "value": self.point.value or None,
            "thresholds": {name: list(pair) for name, pair in self.thresholds.items()},
        }


def point_text(values: Mapping[str, Any]) -> str:
    """The point of ``ChosenPoint.values`` in words, with the thresholds of all variants."""
    point = OperatingPoint(PointKind(values["kind"]), values["value"] or 0.0)
    thresholds = {name: (float(first), float(second)) for name, (first, second) in values["thresholds"].items()}
    return ChosenPoint(point, thresholds).text(*thresholds)


def at_point(inputs: EvalInputs, point: OperatingPoint, settings: ReviewSettings) -> EvalInputs:
    """The inputs with the predictions of each variant marked that are at or above its own thresholds.

    The halves are those of the labelled frames that the variant covers, in their order. Curves are COCO's at the IoU
    threshold 0.50 over all classes.

    Raises:
        UserError: a variant has no scores, or does not reach the point on a half.
    """
    if point.is_common:
        return inputs
    variants, thresholds = [], {}
    for variant in inputs.variants:
        predictions = variant.predictions
        if not predictions.has_scores:
            raise UserError(
                tr("{variant} has no scores, so it has no {point}", variant=variant.name, point=point.text),
                remedy=tr("Judge at the common confidence."),
            )
        frames = inputs.labelled & predictions.covered
        halves = _halves(frames)
        first, second = (
            _threshold(inputs.truth.table, predictions.table, half, point, settings, variant.name)
            for half in reversed(halves)
        )
        thresholds[variant.name] = (first, second)
        by_frame = np.where(halves[0], first, second)
        sure = predictions.table.scores >= by_frame[predictions.table.frame_of_row()]
        table = replace(predictions.table, sure=sure)
        variants.append(replace(variant, predictions=replace(predictions, table=table)))
    return replace(inputs, variants=variants, point=ChosenPoint(point, thresholds))


def _halves(frames: Bool) -> tuple[Bool, Bool]:
    """(F,) bool each: all frames up to the middle one of ``frames``, and those after it; only ``frames`` count."""
    numbers = np.flatnonzero(frames)
    middle = numbers[(len(numbers) - 1) // 2] if len(numbers) else -1
    early = np.arange(len(frames)) <= middle
    return early, ~early


def _threshold(
    truth: BoxTable, predictions: BoxTable, half: Bool, point: OperatingPoint, settings: ReviewSettings, name: str
) -> float:
    """The confidence of the point on one half of the frames."""
    curve, frames = _curve(truth, predictions, half, settings)
    if curve is None:
        raise UserError(
            tr(
                "{variant} has no {point} on one half of the frames: no boxes or predictions",
                variant=name,
                point=point.text,
            ),
            remedy=tr("Judge at the common confidence, or on more frames."),
        )
    places, best = _fitting(curve, point, frames)
    if not len(places):
        values = {"variant": name, "point": point.text, "best": best}
        raise UserError(
            tr("{variant} does not reach {point} on one half of the frames, but {best} at most", **values),
            remedy=tr("Choose another operating point, or run the model with a lower score floor."),
        )
    # Recall: the highest confidence that reaches it. The others: the lowest, which keeps the most boxes.
    place = places[0] if point.kind in (PointKind.RECALL, PointKind.BEST_F1) else places[-1]
    return float(curve.scores[place])


def _fitting(curve: PrecisionRecallCurve, point: OperatingPoint, frames: int) -> tuple[Any, str]:
    """Places of a curve that fulfil a point, and the best that there is in words."""
    if point.kind is PointKind.BEST_F1:
        return np.array([curve.best]), ""
    if point.kind is PointKind.RECALL:
        best = tr("recall {value:.3f}", value=float(curve.recall.max()))
        return np.flatnonzero(curve.recall >= point.value), best
    if point.kind is PointKind.PRECISION:
        best = tr("precision {value:.3f}", value=float(curve.precision.max()))
        return np.flatnonzero(curve.precision >= point.value), best
    false_positives = curve.false_positives / frames
    best = tr("{value:.3g} false positives a frame", value=float(false_positives.min()))
    return np.flatnonzero(false_positives <= point.value), best


def _curve(
    truth: BoxTable, predictions: BoxTable, half: Bool, settings: ReviewSettings
) -> tuple[PrecisionRecallCurve | None, int]:
    one_class = True if settings.class_agnostic else None
    matches = match_coco(truth, predictions, half, settings.max_detections, one_class=one_class)
    rows, positives = matches.order, int(matches.gt_counts.sum())
    if not len(rows) or not positives:
        return None, 0
    hit, ignored = (matches.tp[rows] & np.uint16(1)) != 0, (matches.ignored[rows] & np.uint16(1)) != 0
    curve = precision_recall_curve(predictions.scores[rows], hit, positives, ignored)
    return (curve if len(curve.scores) else None), int(half.sum())
