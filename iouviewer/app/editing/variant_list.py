"""The variants of a session: order, appearance, visibility and baseline; scores receive their predictions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.document.edits import SetVariants
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.renumbering import FrameMapping, renumber_predictions
from iouviewer.document.scores import Scores
from iouviewer.document.variants import RunState, Variant, default_look, unique_name
from iouviewer.errors import UserError
from iouviewer.i18n import tr


def extend_to(predictions: PredictionSet, frame_count: int) -> PredictionSet:
    """The same predictions for a video with more frames; new frames are covered if all were covered before."""
    more = frame_count - predictions.frame_count
    if more <= 0:
        return predictions
    covered = np.pad(predictions.covered, (0, more), constant_values=predictions.covers_new_frames)
    return predictions.with_tables(
        lambda table: replace(table, offsets=np.pad(table.offsets, (0, more), mode="edge")), covered=covered
    )


def _free_look(colours: Collection[str]) -> tuple[str, str]:
    """Colour and dash for a further variant, beside variants with these colours."""
    position = next(i for i in range(len(colours) + 8) if i >= 7 or default_look(i)[0] not in colours)
    return default_look(position)


def still_loading() -> UserError:
    """The error for what needs all variants of a project while some are still to come."""
    return UserError(tr("the predictions are still being loaded"), remedy=tr("Try again in a moment."))


class VariantList(QObject):
    """Variants in the order in which they were added.

    Signals:
        listChanged(): a variant was added or removed, or the baseline changed.
        variantChanged(str): name, appearance, visibility or run state of the variant with this key changed.
        predictionsChanged(str, object): predictions of the variant changed in these frames (None: all).
        scoresChanged(): scores may differ; not emitted for new frames of a running model.
    """

    listChanged = Signal()
    variantChanged = Signal(str)
    predictionsChanged = Signal(str, object)
    scoresChanged = Signal()

    def __init__(
        self,
        scores: Scores,
        parent: QObject | None = None,
        *,
        join: Callable[[PredictionSet], PredictionSet] = lambda predictions: predictions,
        require_writable: Callable[[], None] = lambda: None,
    ) -> None:
        """Create an empty list.

        Args:
            join: joins predictions with the classes of the ground truth.
            require_writable: raises UserError while variants cannot be added or removed.
        """
        super().__init__(parent)
        self._join = join
        self._require_writable = require_writable
        self._scores = scores
        self._variants: dict[str, Variant] = {}
        self._removed: dict[str, tuple[int, Variant]] = {}
        self._baseline = ""
        self._awaited: list[str] = []

    @property
    def is_loading(self) -> bool:
        """Whether variants of the project are still to come; until then none can be added, removed or changed."""
        return bool(self._awaited)

    def expect(self, keys: Iterable[str], baseline: str) -> None:
        """Wait for the variants of a project, which come one by one (``insert``), in this order of the list."""
        self._awaited = list(keys)
        self._baseline = baseline
        self.listChanged.emit()

    def insert(self, variant: Variant) -> None:
        """Show one of the expected variants at its place."""
        self._insert(replace(variant, predictions=self._join(variant.predictions)))
        self.listChanged.emit()
        self.scoresChanged.emit()

    def _insert(self, variant: Variant) -> None:
        known = {**self._variants, variant.key: variant}
        # Others cannot be added meanwhile.
        self._variants = {key: known[key] for key in self._awaited if key in known}
        self._scores.set_variant(variant.key, variant.predictions)

    def end_loading(self) -> None:
        """All variants of the project have come, or the others cannot be read."""
        self._awaited = []
        if self._baseline not in self._variants:
            self._baseline = next(iter(self._variants), "")
        self.listChanged.emit()

    def _require_complete(self) -> None:
        self._require_writable()
        if self._awaited:
            raise still_loading()

    def extend(self, scores: Scores, frame_count: int) -> None:
        """Use new scores after the video has gained frames."""
        self._scores = scores
        for key, variant in self._variants.items():
            self._variants[key] = replace(variant, predictions=extend_to(variant.predictions, frame_count))
            scores.set_variant(key, self._variants[key].predictions)
        for key, (place, variant) in self._removed.items():
            self._removed[key] = place, replace(variant, predictions=extend_to(variant.predictions, frame_count))
        self.listChanged.emit()

    def renumber(self, scores: Scores, mapping: FrameMapping) -> None:
        """Renumber the predictions and use new scores. The caller emits ``listChanged`` at the end."""
        self._scores = scores
        for key, variant in self._variants.items():
            self._variants[key] = replace(variant, predictions=renumber_predictions(variant.predictions, mapping))
            scores.set_variant(key, self._variants[key].predictions)
        for key, (place, variant) in self._removed.items():
            self._removed[key] = place, replace(variant, predictions=renumber_predictions(variant.predictions, mapping))

    def replace_all(self, variants: Iterable[Variant], baseline: str, scores: Scores) -> None:
        """Show the variants of a project; ``scores`` already contains them."""
        self._scores = scores
        self._variants = {variant.key: variant for variant in variants}
        self._removed = {}
        self._awaited = []
        self._baseline = baseline if baseline in self._variants else next(iter(self._variants), "")
        self.listChanged.emit()

    def __iter__(self) -> Iterator[Variant]:
        return iter(tuple(self._variants.values()))

    def __len__(self) -> int:
        return len(self._variants)

    def __getitem__(self, key: str) -> Variant:
        return self._variants[key]

    def find(self, name_or_key: str) -> Variant | None:
        """The variant with this key or this name."""
        if name_or_key in self._variants:
            return self._variants[name_or_key]
        return next((v for v in self._variants.values() if v.name == name_or_key), None)

    @property
    def baseline(self) -> Variant | None:
        """The variant that differences refer to; while variants are awaited, another where it cannot be read."""
        found = self._variants.get(self._baseline)
        return next(iter(self._variants.values()), None) if found is None and self._awaited else found

    def visible(self) -> tuple[Variant, ...]:
        """Visible variants."""
        return tuple(v for v in self._variants.values() if v.visible)

    def add(self, name: str, predictions: PredictionSet, *, key: str = "", **fields: Any) -> Variant:
        """Add a variant (further fields as in Variant); the first one is the baseline. UserError: read-only."""
        self._require_complete()
        colours = {variant.colour for variant in self._variants.values()}
        colour, dash = _free_look(colours)
        taken = {variant.name for variant in self._variants.values()}
        fields = {"colour": colour, "dash": dash, **fields}
        predictions = self._join(predictions)
        variant = Variant(key or uuid.uuid4().hex[:12], unique_name(name, taken), predictions, **fields)
        self._variants[variant.key] = variant
        self._scores.set_variant(variant.key, predictions)
        if not self._baseline:
            self._baseline = variant.key
        self.listChanged.emit()
        self.scoresChanged.emit()
        return variant

    def remove(self, key: str) -> None:
        """Remove a variant; if it was the baseline, the first of the others becomes it. UserError: read-only."""
        self._require_complete()
        del self._variants[key]
        self._scores.remove_variant(key)
        if self._baseline == key:
            self._baseline = next(iter(self._variants), "")
        self.listChanged.emit()
        self.scoresChanged.emit()

    # Edits of the history

    def offer(self, variants: Iterable[Variant], frame_count: int) -> tuple[str, ...]:
        """Keep variants of a copy as if they had been removed here; ``SetVariants`` with these keys adds them.

        Raises:
            UserError: read-only, or variants are still being loaded.
        """
        self._require_complete()
        taken, keys = {variant.name for variant in self._variants.values()}, list[str]()
        colours = {variant.colour for variant in self._variants.values()}
        for variant in variants:
            is_used = variant.key in self._variants or variant.key in self._removed
            key = uuid.uuid4().hex[:12] if is_used else variant.key
            name = unique_name(variant.name, taken)
            taken.add(name)
            colour, dash = (variant.colour, variant.dash) if variant.colour not in colours else _free_look(colours)
            colours.add(colour)
            predictions = extend_to(variant.predictions, frame_count)
            new = replace(variant, key=key, name=name, colour=colour, dash=dash, predictions=predictions)
            self._removed[key] = len(self._variants) + len(keys), new
            keys.append(key)
        return tuple(keys)

    def unique_name_for(self, key: str, name: str) -> str:
        """The name that a variant would get: not empty, and unlike those of the others."""
        others = {variant.name for variant in self._variants.values() if variant.key != key}
        return unique_name(name.strip() or self._variants[key].name, others)

    def apply_edit(self, edit: SetVariants) -> SetVariants | None:
        """Apply a step of the history; returns its inverse, None where it changes nothing.

        Raises:
            UserError: a variant is gone, for example because the project was closed after it was removed.
        """
        self._check_edit(edit)
        looks = tuple(
            (key, self._variants[key].name, self._variants[key].colour)
            for key, name, colour in edit.looks
            if (name, colour) != (self._variants[key].name, self._variants[key].colour)
        )
        baseline = self._baseline
        maps = self._apply_class_maps(edit)
        for key, name, colour in edit.looks:
            self.update(key, name=name, colour=colour)
        for key in edit.removed:
            self._removed[key] = (list(self._variants).index(key), self._variants[key])
            self.remove(key)
        for key in edit.restored:
            self._restore(key)
        if edit.baseline:
            self.set_baseline(edit.baseline)
        has_other_baseline = bool(baseline) and baseline != self._baseline
        if not looks and not edit.removed and not edit.restored and not has_other_baseline and not maps:
            return None
        before = baseline if has_other_baseline else ""
        return SetVariants(looks, edit.restored, edit.removed, before, edit.source, maps)

    def _apply_class_maps(self, edit: SetVariants) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        """Set the class maps of an edit; returns those that they replace, where they differ."""
        before = []
        for key, pairs in edit.class_maps:
            old = tuple(sorted(self._variants[key].predictions.class_map.items()))
            if dict(old) != dict(pairs):
                before.append((key, old))
                self.set_class_map(key, dict(pairs))
        return tuple(before)

    def _check_edit(self, edit: SetVariants) -> None:
        self._require_complete()
        wanted = [*(key for key, _name, _colour in edit.looks), *(key for key, _map in edit.class_maps), *edit.removed]
        missing = [key for key in wanted if key not in self._variants]
        if edit.baseline and edit.baseline not in self._variants and edit.baseline not in edit.restored:
            missing.append(edit.baseline)
        lost = [key for key in edit.restored if key not in self._removed]
        if missing or lost:
            raise UserError(
                tr("the variant of this step was removed"), remedy=tr("Add its predictions again to compare it.")
            )

    def _restore(self, key: str) -> None:
        """Insert a removed variant at its place."""
        self._require_complete()
        place, variant = self._removed.pop(key)
        if variant.state in (RunState.QUEUED, RunState.RUNNING):
            variant = replace(variant, state=RunState.CANCELLED)
        predictions = self._join(variant.predictions)
        variant = replace(variant, predictions=predictions)
        others = list(self._variants.items())
        self._variants = dict([*others[:place], (key, variant), *others[place:]])
        self._scores.set_variant(key, predictions)
        if not self._baseline:
            self._baseline = key
        self.listChanged.emit()
        self.scoresChanged.emit()

    def set_baseline(self, key: str) -> None:
        """Make this variant the baseline."""
        if key != self._baseline and key in self._variants:
            self._baseline = key
            self.listChanged.emit()
            self.scoresChanged.emit()

    def update(self, key: str, **fields: Any) -> None:
        """Change name, appearance, visibility, run state ... of a variant (fields of Variant except predictions)."""
        if "name" in fields:
            fields["name"] = self.unique_name_for(key, fields["name"])
        variant = replace(self._variants[key], **fields)
        if variant != self._variants[key]:
            self._variants[key] = variant
            self.variantChanged.emit(key)

    def set_predictions(self, key: str, predictions: PredictionSet) -> None:
        """Replace all predictions of a variant."""
        predictions = self._join(predictions)
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.set_variant(key, predictions)
        self.predictionsChanged.emit(key, None)
        self.scoresChanged.emit()

    def set_class_map(self, key: str, class_map: Mapping[str, str]) -> None:
        """Change which classes of a variant are which of the ground truth; nothing is read or run again."""
        predictions = self._variants[key].predictions
        if dict(class_map) != dict(predictions.class_map):
            self.set_predictions(key, replace(predictions, class_map=dict(class_map)))

    def rejoin(self) -> bool:
        """Join all predictions with the classes of the ground truth again; whether any changed."""
        found = False
        for key, variant in tuple(self._variants.items()):
            predictions = self._join(variant.predictions)
            if predictions is variant.predictions:
                continue
            self._variants[key] = replace(variant, predictions=predictions)
            self._scores.set_variant(key, predictions)
            self.predictionsChanged.emit(key, None)
            found = True
        return found

    def extend_predictions(self, key: str, predictions: PredictionSet, frames: frozenset[int]) -> None:
        """Add the predictions of these frames from a running model; views update on ``predictionsChanged``."""
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.extend_variant(key, predictions, sorted(frames))
        self.predictionsChanged.emit(key, frames)

    def describe_predictions(self, key: str, predictions: PredictionSet) -> None:
        """Replace the attributes of the predictions (complete, protocol); the boxes are the same."""
        self._variants[key] = replace(self._variants[key], predictions=predictions)
        self._scores.extend_variant(key, predictions, ())
        self.predictionsChanged.emit(key, None)
        self.scoresChanged.emit()
