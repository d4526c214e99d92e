"""Notes: what readers assumed and what limits the numbers; printed, kept in reports, and refused on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from iouviewer.document.calibration import calibration_frames, training_frames
from iouviewer.document.imported import StatedFact
from iouviewer.document.scores_types import FULL_CURVE_FLOOR
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_facts import list_names, missing_classes
from iouviewer.jobs.eval_inputs import Truth, VariantInput
from iouviewer.jobs.scoring import VariantScore
from iouviewer.metrics.review import ReviewSettings


def with_prefix(prefix: str, note: str) -> str:
    """The note with the name of its file or video in front; a ``StatedFact`` stays one."""
    text = tr("{name}: {note}", name=prefix, note=note.rstrip("."))
    return StatedFact(text) if isinstance(note, StatedFact) else text


def reader_notes(truth: Truth, variants: Iterable[VariantInput]) -> list[str]:
    """What the readers of all files assumed; a note on several files names them together."""
    named: dict[str, list[str]] = {}
    for name, notes in ((tr("ground truth"), truth.notes), *((one.name, one.predictions.notes) for one in variants)):
        for note in dict.fromkeys(notes):
            named.setdefault(note, []).append(name)
    return [with_prefix(", ".join(names), note) for note, names in named.items()]


def left_out_notes(truth: Truth, variant: VariantInput) -> Iterator[str]:
    """How many predictions were left out for their class: one note on all classes that the ground truth lacks.

    It is a fact where the variant knows every class of the ground truth (a model of 80 classes on pedestrians), else an
    assumption: one of its classes may be the missing one under another name.
    """
    join, classes = variant.predictions.join, variant.predictions.classes
    if join is None or classes is None:
        return
    unscored = {classes.names[number] for number in join.unscored}
    counted = truth.table.class_ids[~truth.table.ignored & truth.labelled[truth.table.frame_of_row()]]
    is_fact = not missing_classes(variant.class_facts, variant.predictions.table, counted)
    for is_unscored in (False, True):
        counts = {name: n for name, n in variant.dropped_classes.items() if (name in unscored) is is_unscored}
        if not counts:
            continue
        names = sorted(counts, key=lambda name: (-counts[name], name))
        total = sum(counts.values())
        if is_unscored:
            text = tr_n(
                "{variant}: {count} prediction of class {names} left out, which the benchmark does not score",
                "{variant}: {count:,} predictions of class {names} left out, which the benchmark does not score",
                total,
                variant=variant.name,
                names=list_names(names),
            )
        else:
            text = tr_n(
                "{variant}: {count} prediction left out, because the ground truth has no class {names}",
                "{variant}: {count:,} predictions left out, because the ground truth has no class {names}",
                total,
                variant=variant.name,
                names=list_names(names),
            )
        yield StatedFact(text) if is_fact or is_unscored else text


def withheld_note(variant: VariantInput) -> Iterator[str]:
    """That frames do not count for a variant because the ground truth came from it."""
    if count := variant.predictions.withheld:
        text = tr_n(
            "{variant}: the ground truth of {count} frame comes from it unverified; that frame does not count",
            "{variant}: the ground truth of {count:,} frames comes from it unverified; these frames do not count",
            count,
            variant=variant.name,
        )
        yield StatedFact(text)


def calibration_note(variant: VariantInput) -> Iterator[str]:
    """That frames leave all scores because a variant was calibrated on them."""
    if count := len(calibration_frames(variant.predictions)):
        text = tr_n(
            "{count} frame that {variant} was calibrated on is left out of all scores and verdicts",
            "{count:,} frames that {variant} was calibrated on are left out of all scores and verdicts",
            count,
            variant=variant.name,
        )
        yield StatedFact(text)


def training_notes(scores: Iterable[VariantScore]) -> Iterator[str]:
    """That scores touch frames that a model was trained on."""
    for score in scores:
        frames = training_frames(score.input.predictions)
        if count := int(score.counted[frames].sum()):
            yield tr_n(
                "{variant}: its model was trained on {count} of the frames that count, so its scores are too good",
                "{variant}: its model was trained on {count:,} of the frames that count, so its scores are too good",
                count,
                variant=score.name,
            )


def ap_notes(truth: Truth, variants: Iterable[VariantInput], settings: ReviewSettings) -> Iterator[str]:
    """Predictions without area, and frames with more ground truth than predictions may take part in AP."""
    for variant in variants:
        table = variant.predictions.table
        if count := int(np.sum((table.boxes[2:] <= table.boxes[:2]).any(axis=0))):
            yield tr_n(
                "{variant}: {count} prediction has no area; it matches nothing and counts as a false positive",
                "{variant}: {count:,} predictions have no area; they match nothing and count as false positives",
                count,
                variant=variant.name,
            )
    limit = settings.max_detections
    rows = np.flatnonzero(~truth.table.ignored & truth.labelled[truth.table.frame_of_row()])
    classes = np.zeros_like(truth.table.class_ids) if settings.class_agnostic else truth.table.class_ids
    groups, counts = np.unique(np.stack((truth.table.frame_of_row(), classes))[:, rows], axis=1, return_counts=True)
    if frames := len(np.unique(groups[0][counts > limit])):
        yield tr_n(
            "{count} frame has more than {limit:,} boxes of one class, but only as many predictions take part in AP "
            "(--max-dets)",
            "{count:,} frames have more than {limit:,} boxes of one class, but only as many predictions take part in "
            "AP (--max-dets)",
            frames,
            limit=limit,
        )


def delta_notes(scores: Sequence[VariantScore], deltas: Sequence[Mapping[str, Any] | None]) -> Iterator[str]:
    """Notes on differences that refer to fewer frames, predictions or classes than the variant's own metrics.

    A common score floor that leaves AP complete is not worth a note; ``delta.floor`` states it all the same.
    """
    for score, delta in zip(scores, deltas, strict=True):
        if delta is None:
            continue
        limits = []
        if delta["floor"] is not None and delta["floor"] > FULL_CURVE_FLOOR:
            limits.append(tr("score floor {floor:.4g}", floor=delta["floor"]))
        if delta["cap"] is not None:
            limits.append(tr("maximum of {count:,} detections per frame", count=delta["cap"]))
        if delta["frames"] != score.metrics["frames"]:
            limits.append(tr_n("{count} frame", "{count:,} frames", delta["frames"]))
        if delta["classes_disregarded"]:
            yield tr("{variant}: Δ ignores classes, because the predictions of one side have none", variant=score.name)
        if limits:
            yield tr("{variant}: Δ at the common {limits}", variant=score.name, limits=", ".join(limits))


def refuse_notes(notes: Sequence[str]) -> None:
    """Refuse what was assumed or limits the numbers (``--strict``); stated facts are no reason.

    Raises:
        UserError: there is such a note.
    """
    notes = [note for note in notes if not isinstance(note, StatedFact)]
    if not notes:
        return
    first, more = notes[0].rstrip("."), len(notes) - 1
    if more:
        first = tr_n("{note} (and {count} more note)", "{note} (and {count:,} more notes)", more, note=first)
    raise UserError(first, remedy=tr("Without --strict this is only a note"))
