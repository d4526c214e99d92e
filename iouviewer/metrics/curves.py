"""Precision and recall over confidence, the best confidence by F1, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from iouviewer.i18n import tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

ClassTexts = Sequence[str] | Callable[[int], str]
"""Names of classes by id."""


@dataclass(frozen=True, slots=True)
class PrecisionRecallCurve:
    """Precision and recall at each confidence, highest confidence first; all (K,) float64.

    Attributes:
        scores: the distinct scores of the predictions.
        precision, recall, f1: of the predictions with this score or a higher one.
        best: index of the greatest F1, of equal ones that with the highest score; -1 for an empty curve.
        false_positives: number of predictions that are none.
    """

    scores: Float
    precision: Float
    recall: Float
    f1: Float
    best: int
    false_positives: Float


def precision_recall_curve(
    scores: Float, true: Bool, positives: int, ignored: Bool | None = None
) -> PrecisionRecallCurve:
    """Curve of predictions ((N,) scores, (N,) bool true positives) against ``positives`` ground-truth boxes."""
    if ignored is not None:
        scores, true = scores[~ignored], true[~ignored]
    order = np.argsort(-scores, kind="stable")
    scores, true = scores[order], true[order]
    hits = np.cumsum(true)
    seen = np.arange(1, len(true) + 1)
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, np.int64)
    precision = hits[last] / seen[last]
    recall = hits[last] / positives if positives else np.full(len(last), np.nan)
    f1 = 2 * hits[last] / (seen[last] + positives)
    false: Float = (seen[last] - hits[last]).astype(np.float64)
    return PrecisionRecallCurve(scores[last], precision, recall, f1, int(f1.argmax()) if len(last) else -1, false)


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Counts of pairs by ground-truth class and predicted class.

    Attributes:
        classes: (C,) int64 class ids, in the order of rows and columns.
        counts: (C + 1, C + 1) int64; [g, p] pairs of ground truth g and prediction p; [g, C] false negatives; [C, p]
            false positives.
    """

    classes: Int
    counts: Int

    def largest(self, names: ClassTexts, limit: int = 3) -> list[str]:
        """The largest cells off the diagonal as text for the user; a box without a class is not confused with any."""
        absent = len(self.classes)
        places = range(absent + 1)
        unspecified = {place for place, c in enumerate(self.classes.tolist()) if c == UNSPECIFIED_CLASS}
        cells = [
            (int(self.counts[g, p]), g, p)
            for g in places
            for p in places
            if g != p and self.counts[g, p] > 0 and (absent in (g, p) or unspecified.isdisjoint((g, p)))
        ]
        cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
        return [self._describe(count, g, p, names) for count, g, p in cells[:limit]]

    def _describe(self, count: int, g: int, p: int, names: ClassTexts) -> str:
        absent = len(self.classes)
        if g == absent:
            return _describe_extra(count, _class_name(int(self.classes[p]), names))
        total, name = int(self.counts[g].sum()), _class_name(int(self.classes[g]), names)
        if p == absent:
            return _describe_missed(count, total, name)
        return tr_n(
            "{confused:,} of {count} {name} box predicted as {predicted} ({share:.0%}).",
            "{confused:,} of {count:,} {name} boxes predicted as {predicted} ({share:.0%}).",
            total,
            confused=count,
            name=name,
            predicted=_class_name(int(self.classes[p]), names),
            share=count / total,
        )


def _describe_extra(count: int, name: str) -> str:
    if not name:
        return tr_n(
            "{count} prediction matches no ground-truth box.",
            "{count:,} predictions match no ground-truth box.",
            count,
        )
    return tr_n(
        "{count} prediction of {name} matches no ground-truth box.",
        "{count:,} predictions of {name} match no ground-truth box.",
        count,
        name=name,
    )


def _describe_missed(count: int, total: int, name: str) -> str:
    share = count / total
    if not name:
        return tr_n(
            "{missed:,} of {count} box missed ({share:.0%}).",
            "{missed:,} of {count:,} boxes missed ({share:.0%}).",
            total,
            missed=count,
            share=share,
        )
    return tr_n(
        "{missed:,} of {count} {name} box missed ({share:.0%}).",
        "{missed:,} of {count:,} {name} boxes missed ({share:.0%}).",
        total,
        missed=count,
        name=name,
        share=share,
    )


def _class_name(class_id: int, names: ClassTexts) -> str:
    """Name of a class; empty if it has none."""
    if callable(names):
        return names(class_id)
    return names[class_id] if 0 <= class_id < len(names) else ""


def confusion_matrix(true_classes: Int, predicted_classes: Int) -> ConfusionMatrix:
    """Confusion matrix of pairs from a class-agnostic association.

    Args:
        true_classes: (N,) int64, class of the pair's ground truth, or -2 for a false positive.
        predicted_classes: (N,) int64, class of its prediction, or -2 for a false negative.
    """
    absent = UNSPECIFIED_CLASS - 1
    classes = np.unique(np.concatenate([true_classes, predicted_classes]))
    classes = classes[classes != absent]
    count = len(classes)

    def place(values: Int) -> Int:
        return np.where(values == absent, count, np.searchsorted(classes, values))

    counts = np.zeros((count + 1, count + 1), np.int64)
    np.add.at(counts, (place(true_classes), place(predicted_classes)), 1)
    return ConfusionMatrix(classes, counts)
