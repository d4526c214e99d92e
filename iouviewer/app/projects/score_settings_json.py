"""Score settings as a JSON value, as a project keeps them."""

from __future__ import annotations

from typing import Any

import msgspec

from iouviewer.document.scores_types import ScoreSettings
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention


class _Kept(msgspec.Struct):
    confidence: float
    iou_threshold: float
    convention: Convention
    class_agnostic: bool
    target: float


def scores_to_json(settings: ScoreSettings) -> dict[str, Any]:
    """Thresholds, convention and target; a choice of frames belongs to the window."""
    review = settings.review
    kept = _Kept(review.conf, review.iou, review.convention, review.class_agnostic, settings.target)
    return dict(msgspec.to_builtins(kept))


def scores_from_json(value: object, default: ScoreSettings) -> ScoreSettings:
    """The settings that a project keeps, ``default`` where it keeps none."""
    try:
        kept = msgspec.convert(value, _Kept)
    except msgspec.ValidationError:
        return default
    review = ReviewSettings(kept.confidence, kept.iou_threshold, kept.convention, kept.class_agnostic)
    return ScoreSettings(review, kept.target)
