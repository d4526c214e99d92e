"""The variants of a session: order, looks, visibility, the baseline; their predictions are handed to the scores."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.renumbering import FrameMoves, moved_predictions
from iouviewer.document.scores import Scores
from iouviewer.document.variants import Variant, look_for, unique_name


def extended(predictions: PredictionSet, frame_count: int) -> PredictionSet:
    """The same predictions for a video of more frames, covered where a file spoke of all frames."""
    more = frame_count - predictions.frame_count
    if more <= 0:
        return predictions
    table = replace(predictions.table, offsets=np.pad(predictions.table.offsets, (0, more), mode="edge"))
    covered = np.pad(predictions.covered, (0, more), constant_values=predictions.covers_rest)
    return replace(predictions, table=table, covered=covered)


class VariantList(QObject):
    """Variants in the order in which they were added.

    Signals:
        listChanged(): a variant came, went, or another is the baseline.
        variantChanged(str): name, look, visibility or run state of the variant with this key changed.
        predictionsChanged(str, object): predictions of the variant changed in these frames (None: all).
        scoresChanged(): numbers may be others; not told where a run goes on.
    """

    listChanged = Signal()
    variantChanged = Signal(str)
    predictionsChanged = Signal(str, object)
    scoresChanged = Signal()

    def __init__(self, scores: Scores, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scores = scores
        self._variants: dict[str, Variant] = {}
        self._baseline = ""

    def move_to(self, scores: Scores, frame_count: int) -> None:
        """Numbers come from these scores from now on; the video has more frames, which no variant covers."""
        self._scores = scores
        for key, variant in self._variants.items():
            self._variants[key] = replace(variant, predictions=extended(variant.predictions, frame_count))
            scores.set_variant(key, self._variants[key].predictions)
        self.listChanged.emit()

    def renumber(self, scores: Scores, moves: FrameMoves) -> None:
        """Predictions follow their frames; numbers come from these scores. Tells nobody: ``announce`` does."""
        self._scores = scores
        for key, variant in self._variants.items():
            self._variants[key] = replace(variant, predictions=moved_predictions(variant.predictions, moves))
            scores.set_variant(key, self._variants[key].predictions)

    def announce(self) -> None:
        """Tell that the list was replaced."""
        self.listChanged.emit()

    def take_over(self, variants: Iterable[Variant], baseline: str, scores: Scores) -> None:
        """Show the variants of a project; ``scores`` has them already."""
        self._scores = scores
        self._variants = {variant.key: variant for variant in variants}
        self._baseline = baseline if baseline in self._variants else next(iter(self._variants), "")
        self.listChanged.emit()

    def __iter__(self) -> Iterator[Variant]:
        return iter(tuple(self._variants.values()))

    def __len__(self) -> int:
        return len(self._variants)

    def __getitem__(self, key: str) -> Variant:
        return self._variants[key]

    def find(self, name_or_key: str) -> Variant | None:
        """The variant with this key, or this name."""
        if name_or_key in self._variants:
            return self._variants[name_or_key]
        return next((v for v in self._variants.values() if v.name == name_or_key), None)

    @property
    def baseline(self) -> Variant | None:
        """The variant that differences refer to."""
        return self._variants.get(self._baseline)

    def visible(self) -> tuple[Variant, ...]:
        """Variants that are shown."""
        return tuple(v for v in self._variants.values() if v.visible)

    def add(self, name: str, predictions: PredictionSet, *, key: str = "", **fields: Any) -> Variant:
        """Add a variant (further fields as in Variant); the first one is the baseline."""
        looks = {variant.colour for variant in self._variants.values()}
        position = next(i for i in range(len(looks) + 8) if i >= 7 or look_for(i)[0] not in looks)
        colour, dash = look_for(position)
        taken = {variant.name for variant in self._variants.values()}
        fields = {"colour": colour, "dash": dash, **fields}
        variant = Variant(key or uuid.uuid4().hex[:12], unique_name(name, taken), predictions, **fields)
        self._variants[variant.key] = variant
        self._scores.set_variant(variant.key, predictions)
        if not self._baseline:
            self._baseline = variant.key
        self.listChanged.emit()
        self.scoresChanged.emit()
        return variant

    def restore(self, variant: Variant) -> None:
        """Add a variant as a project kept it; the first one is the baseline."""
        self._variants[variant.key] = variant
        self._scores.set_variant(variant.key, variant.predictions)
        self._baseline = self._baseline or variant.key
        self.listChanged.emit()
        self.scoresChanged.emit()

    def remove(self, key: str) -> None:
        """Take a variant off the list; the first of the rest becomes the baseline if it was the baseline."""
        del self._variants[key]
        self._scores.remove_variant(key)
        if self._baseline == key:
            self._baseline = next(iter(self._variants), "")
        self.listChanged.emit()
        self.scoresChanged.emit()

    def set_baseline(self, key: str) -> None:
        """Make this variant the baseline."""
        if key != self._baseline and key in self._variants:
            self._baseline = key
            self.listChanged.emit()
            self.scoresChanged.emit()

    def update(self, key: str, **fields: Any) -> None:
        """Change name, look, visibility, run state ... of a variant (fields of Variant but predictions)."""
        if "name" in fields:
            others = {v.name for v in self._variants.values() if v.key != key}
            fields["name"] = unique_name(fields["name"].strip() or self._variants[key].name, others)
        variant = replace(self._variants[key], **fields)
        if variant != self._variants[key]:
            self._variants[key] = variant
            self.variantChanged.emit(key)

    def set_predictions(self, key: str, predictions: PredictionSet) -> None:
        """Replace all predictions of a variant."""
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.set_variant(key, predictions)
        self.predictionsChanged.emit(key, None)
        self.scoresChanged.emit()

    def extend_predictions(self, key: str, predictions: PredictionSet, frames: frozenset[int]) -> None:
        """Predictions grew by these frames (a run goes on); views follow ``predictionsChanged``."""
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.extend_variant(key, predictions, sorted(frames))
        self.predictionsChanged.emit(key, frames)

    def describe_predictions(self, key: str, predictions: PredictionSet) -> None:
        """The same boxes with other facts about them: complete, protocol."""
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.extend_variant(key, predictions, ())
        self.predictionsChanged.emit(key, None)
        self.scoresChanged.emit()
