"""Precision and recall over confidence, the best confidence by F1, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall at each confidence, highest confidence first; all (K,) float64.

    Attributes:
        scores: the confidences at which something changes.
        precision, recall, f1: when everything from that score upwards counts.
        best: index of the greatest F1, the highest score among equals; -1 for an empty curve.
    """

    scores: Float
    precision: Float
    recall: Float
    f1: Float
    best: int


def curve(scores: Float, true: Bool, positives: int, ignored: Bool | None = None) -> Curve:
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
    return Curve(scores[last], precision, recall, f1, int(f1.argmax()) if len(last) else -1)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of ground-truth class against predicted class.

    Attributes:
        classes: (C,) int64 class ids in order of the rows; the last row and column stand for *nothing*.
        counts: (C + 1, C + 1) int64; [g, p] pairs of ground truth g and prediction p; [g, C] misses; [C, p] false
            positives.
    """

    classes: Int
    counts: Int

    def largest(self, names: Sequence[str], most: int = 3) -> list[str]:
        """The largest cells beside the diagonal as sentences for people; a box without a class is taken for none."""
        places = range(len(self.classes) + 1)
        blank = {place for place, c in enumerate(self.classes.tolist()) if c == UNSPECIFIED_CLASS}
        nothing = len(self.classes)
        cells = [
            (int(self.counts[g, p]), g, p)
            for g in places
            for p in places
            if g != p and self.counts[g, p] > 0 and (nothing in (g, p) or blank.isdisjoint((g, p)))
        ]
        cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
        return [self._sentence(count, g, p, names) for count, g, p in cells[:most]]

    def _sentence(self, count: int, g: int, p: int, names: Sequence[str]) -> str:
        nothing = len(self.classes)
        if g == nothing:
            name = _label(int(self.classes[p]), names)
            of_class = f" of {name}" if name else ""
            if count == 1:
                return f"1 prediction{of_class} stands where there is nothing."
            return f"{count} predictions{of_class} stand where there is nothing."
        total, name = int(self.counts[g].sum()), _label(int(self.classes[g]), names)
        of_boxes = f"{count} of {total} {name}{' ' if name else ''}{'box' if total == 1 else 'boxes'}"
        was = "was" if count == 1 else "were"
        if p == nothing:
            return f"{of_boxes} {was} missed ({count / total:.0%})."
        return f"{of_boxes} {was} taken for {_label(int(self.classes[p]), names)} ({count / total:.0%})."


def _label(class_id: int, names: Sequence[str]) -> str:
    """Name of a class, empty where there is none."""
    return names[class_id] if 0 <= class_id < len(names) else ""


def confusion(true_classes: Int, predicted_classes: Int) -> Confusion:
    """Confusion matrix of pairs from a class-agnostic association.

    Args:
        true_classes: (N,) int64, class of the pair's ground truth, or -2 where there is none (a false positive).
        predicted_classes: (N,) int64, class of its prediction, or -2 where there is none (a miss).
    """
    absent = UNSPECIFIED_CLASS - 1
    classes = np.unique(np.concatenate([true_classes, predicted_classes]))
    classes = classes[classes != absent]
    count = len(classes)

    def place(values: Int) -> Int:
        return np.where(values == absent, count, np.searchsorted(classes, values))

    counts = np.zeros((count + 1, count + 1), np.int64)
    np.add.at(counts, (place(true_classes), place(predicted_classes)), 1)
    return Confusion(classes, counts)
