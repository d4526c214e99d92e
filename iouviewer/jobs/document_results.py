"""Scores, frame images and ground-truth exports of an open document or a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.document.attributes import ATTRIBUTE_MASK
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.frame_states import describe_work
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.imported import StatedFact
from iouviewer.document.notes import NO_FRAME
from iouviewer.document.origin_view import states_for
from iouviewer.document.origins import FLAG_MASK, lean_counts
from iouviewer.document.sources import Source
from iouviewer.document.variants import RunState, Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import (
    EvalInputs,
    Truth,
    VariantInput,
    has_single_images,
    join_all_with_truth,
    only_classes,
    without_calibrated,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, score_inputs
from iouviewer.jobs.filtered_inputs import filter_inputs
from iouviewer.jobs.frame_selection import describe_frames, list_label, parse_frames
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.metrics.table import Bool
from iouviewer.reports.notes import ReportNote

if TYPE_CHECKING:
    from iouviewer.formats.interface import BoxesToWrite


def document_truth(document: Document, source: int = 0) -> Truth:
    """Ground truth of one source, in the form of the metrics."""
    ground_truth = document.ground_truth(source)
    states = ground_truth.states()
    *_, tracks, _flags, ids = ground_truth.columns()
    table, file = ground_truth.table(), document.sources[source].truth_file
    return Truth(
        table=replace(table, areas=file.areas.for_rows(table.ids, table.boxes)),
        labelled=np.asarray(states == int(FrameState.LABELLED)),
        class_names=document.class_names,
        # The table lacks boxes that take no part.
        tracks=tracks if len(ids) == len(table) else np.asarray(tracks[np.isin(ids, table.ids)], np.int64),
        excluded=np.asarray(states == int(FrameState.EXCLUDED)),
        classes=document.classes,
        skipped=file.skipped,
        notes=(*file.notes, *_left_out_notes(ground_truth)),
        unscored=ground_truth.unscored_classes(),
        frame_work=describe_work(ground_truth),
    )


def evaluate_document(
    document: Document,
    variants: Iterable[Variant],
    *,
    baseline: str = "",
    request: EvalRequest | None = None,
    source: int = 0,
    progress: ProgressCallback = no_progress,
) -> EvalResult:
    """Score the variants of a document. The metrics equal those of ``evaluate`` on the exported files.

    Args:
        baseline: key or name of the baseline; empty: that of the request, otherwise the first variant.
        request: thresholds, frame selection, analysis; its files are not used.

    Raises:
        UserError: no variants, an unknown baseline, frames outside the source.
    """
    resolved, inputs = read_document(document, variants, baseline=baseline, request=request, source=source)
    return score_inputs(resolved, inputs, progress)


def read_document(
    document: Document,
    variants: Iterable[Variant],
    *,
    baseline: str = "",
    request: EvalRequest | None = None,
    source: int = 0,
    selected: Bool | None = None,
) -> tuple[EvalRequest, EvalInputs]:
    """The request with baseline and file names, and the inputs that ``evaluate_document`` scores; same errors.

    Args:
        selected: (F,) bool, the frames to use; None: those of the request. Its text, if there is one, names them.
    """
    request = request or EvalRequest(video=None, gt=None)
    listed = list(variants)
    if not listed:
        raise UserError(tr("there are no variants to score"), remedy=tr("Open predictions or run a model."))
    name_or_key = request.baseline or baseline or listed[0].key
    found = next((variant for variant in listed if name_or_key in {variant.key, variant.name}), None)
    if found is None:
        names = ", ".join(variant.name for variant in listed)
        raise UserError(
            tr("the baseline {name!r} is not a variant", name=name_or_key), remedy=tr("Variants: {names}.", names=names)
        )
    known = document.sources[source]
    frames = np.arange(known.frame_count)
    if selected is not None:
        frames = np.flatnonzero(selected).astype(np.int64)
        request = replace(request, frames=request.frames or describe_frames(frames, known.frame_count))
    elif request.frames is not None:
        lists = document.frame_lists.by_label(source)
        label = list_label(request.frames, lists)
        request = replace(request, frames=label)
        frames = parse_frames(label, known.frame_count, document.ground_truth(source).verified(), lists)
    truth = document_truth(document, source)
    boxes = document.ground_truth(source)
    counted = [v.predictions.withholding(boxes.states(), states_for(boxes, v.key)) for v in listed]
    joined = join_all_with_truth(counted, truth, class_agnostic=request.class_agnostic)
    variant_inputs = [
        VariantInput(
            v.name,
            predictions,
            predictions.left_out,
            predictions.skipped,
            predictions.own_classes,
            (v.message or tr("no reason is known")) if v.state is RunState.FAILED else "",
        )
        for v, predictions in zip(listed, joined, strict=True)
    ]
    resolved = _resolved(request, known, listed, found.name)
    notes = report_notes(document, source)
    inputs = without_calibrated(EvalInputs(known, truth, frames, variant_inputs, has_single_images(known), notes=notes))
    return resolved, filter_inputs(only_classes(inputs, request.read.only_classes), request.filter, found.name)


def _resolved(request: EvalRequest, source: Source, variants: Sequence[Variant], baseline: str) -> EvalRequest:
    """The request with what the document knows: its files, the baseline and the measured speeds."""
    return replace(
        request,
        baseline=baseline,
        video=Path(source.path) if source.path else None,
        gt=Path(source.truth_file.name) if source.truth_file.name else None,
        preds=tuple((v.name, Path(v.path)) for v in variants if v.path),
        speeds={v.name: v.speed for v in variants if v.speed is not None},
        models=(),
        read=replace(request.read, class_map=_class_maps(variants) | dict(request.read.class_map)),
    )


def _left_out_notes(truth: GroundTruth) -> list[str]:
    """That boxes which came from variants are left out of the scores."""
    left_out = truth.left_out
    if not left_out:
        return []
    count = sum(number for variant, number in lean_counts(truth.columns()[4]).items() if variant in left_out)
    text = tr_n(
        "{count} box that came from a variant is left out",
        "{count:,} boxes that came from variants are left out",
        count,
    )
    return [StatedFact(text)]


def report_notes(document: Document, source: int = 0) -> tuple[ReportNote, ...]:
    """The notes of a source by frame, those on the source first."""
    truth, found = document.ground_truth(source), []
    for note in sorted(document.notes(source), key=lambda note: (note.frame, note.id)):
        box = truth.find(note.box_id)
        track = box.track if box is not None else note.track
        found.append(
            ReportNote(
                None if note.frame == NO_FRAME else note.frame,
                note.pin.value,
                document.note_object(note, source),
                None if track == NO_TRACK else track,
                note.text,
                note.author,
                note.when,
                note.done,
            )
        )
    return tuple(found)


def _class_maps(variants: Iterable[Variant]) -> dict[str, str]:
    """What the user said about classes, of all variants together."""
    found: dict[str, str] = {}
    for variant in variants:
        found |= variant.predictions.class_map
    return found


def ground_truth_to_write(document: Document, source: int = 0) -> BoxesToWrite:
    """The corrected ground truth of one source, for any format writer."""
    from iouviewer.formats.interface import BoxesToWrite

    known, truth = document.sources[source], document.ground_truth(source)
    frames, boxes, class_ids, tracks, flags, ids = truth.columns()
    return BoxesToWrite(
        frames=frames,
        boxes=boxes,
        class_ids=class_ids,
        class_names=document.class_names,
        scores=None,
        track_ids=tracks,
        flags=flags & (FLAG_MASK | ATTRIBUTE_MASK),
        attribute_sets=document.classes.attribute_sets,
        size=(known.width, known.height),
        frame_count=known.frame_count,
        labelled=np.flatnonzero(truth.states() == int(FrameState.LABELLED)),
        areas=known.truth_file.areas.for_rows(ids, boxes),
        image_ids=known.listed.by_frame(known.frame_count).ids if len(known.listed) else None,
        class_numbers=document.classes.numbers,
        class_kind=document.classes.kind,
        video_name=known.name,
        image_names=known.images.names if known.is_image_set else None,
        image_sizes=known.images.sizes if known.is_image_set else None,
    )


def predictions_to_write(document: Document, variant: Variant, source: int = 0) -> BoxesToWrite:
    """All stored predictions of a variant in its own classes, with the settings of its run, for any format writer."""
    from iouviewer.formats.interface import BoxesToWrite

    known, predictions = document.sources[source], variant.predictions
    has_own = predictions.classes is not None
    table = predictions.stored_table if has_own else predictions.table
    return BoxesToWrite(
        frames=table.frame_of_row(),
        boxes=table.boxes,
        class_ids=table.class_ids,
        class_names=predictions.classes.names if predictions.classes is not None else document.class_names,
        scores=table.scores if predictions.has_scores else None,
        track_ids=np.full(len(table), NO_TRACK, np.int64),
        flags=np.zeros(len(table), np.int64),
        size=(known.width, known.height),
        frame_count=known.frame_count,
        labelled=np.flatnonzero(predictions.covered),
        video_name=known.name,
        protocol=predictions.protocol,
        image_names=known.images.names if known.is_image_set else None,
        image_sizes=known.images.sizes if known.is_image_set else None,
    )
