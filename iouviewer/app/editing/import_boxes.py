"""Converts imported boxes to ground truth or predictions of a document (docs/metrics.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.attributes import MAX_SETS, renumbered
from iouviewer.document.boxes import NO_BOX, NO_TRACK, Box
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClassNames,
    SetFrames,
    SetNotes,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.kept_source import KeptSource
from iouviewer.document.notes import Note, NotePin
from iouviewer.document.origins import FLAG_MASK
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.tracks import separate_doubles
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Float, Int


@dataclass(frozen=True, slots=True)
class PreparedGroundTruth:
    """Ground truth converted to a document, ready to replace the existing one.

    Attributes:
        classes: the document's class table, new classes at the end.
        class_ids: (N,) int64, class of each box in the document.
        states: (F,) int8 of FrameState.
        default_state: state of frames that are found later by indexing: a file that names no frames labels all of them.
    """

    imported: ImportedBoxes
    classes: ClassTable
    class_ids: Int
    states: NDArray[np.int8]
    default_state: FrameState


def content_digest(imported: ImportedBoxes) -> str:
    """A digest of everything that an import would change; equal files have equal digests."""
    labelled = b"all" if imported.labelled is None else np.asarray(imported.labelled, np.int64).tobytes()
    parts = [imported.frames, imported.boxes, imported.class_ids, imported.track_ids, imported.flags]
    digest = hashlib.sha256("\0".join(imported.class_names).encode())
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(labelled)
    return digest.hexdigest()


def add_classes(
    imported: ImportedBoxes, known: ClassTable, class_map: Mapping[str, str]
) -> tuple[ClassTable, dict[int, int]]:
    """Add the classes of a ground truth to those of the document, by name without regard to case.

    Args:
        class_map: other names for classes of the file.

    Returns:
        The document's class table with the file's numbers, and its class by class of the file.
    """
    names = list(known.names)
    by_name = {fold_name(name): number for number, name in enumerate(names)}
    renamed = {fold_name(old): new for old, new in class_map.items()}
    mapped = {}
    for number, name in enumerate(imported.class_names):
        target = renamed.get(fold_name(name), name)
        if fold_name(target) not in by_name:
            by_name[fold_name(target)] = len(names)
            names.append(target)
        mapped[number] = by_name[fold_name(target)]
    table = imported.classes
    if table.numbers is None:
        return _arranged(ClassTable.of(names), known), mapped
    own = {mapped[number]: value for number, value in reversed(list(enumerate(table.numbers)))}
    numbers = [own.get(number, -1 - number) for number in range(len(names))]
    named = table.named or len(known) > 0
    return _arranged(ClassTable.of(names, numbers, table.kind, named=named), known), mapped


def _arranged(classes: ClassTable, known: ClassTable) -> ClassTable:
    """The classes with the order, colours, aliases and attributes of those before."""
    return replace(
        classes,
        order=known.order,
        colours=known.colours,
        aliases=known.aliases,
        attribute_sets=known.attribute_sets,
    )


def _with_attributes(imported: ImportedBoxes, classes: ClassTable) -> tuple[ImportedBoxes, ClassTable]:
    """The boxes with their attributes numbered as in the document, and the classes with their sets."""
    if not imported.attribute_sets:
        return imported, classes
    flags, sets, lost = renumbered(imported.flags, imported.attribute_sets, classes.attribute_sets)
    notes = imported.notes
    if lost:
        note = tr_n(
            "{count} box loses its attributes: there are more than {limit:,} different sets",
            "{count:,} boxes lose their attributes: there are more than {limit:,} different sets",
            lost,
            limit=MAX_SETS,
        )
        notes = (*notes, note)
    return replace(imported, flags=flags, notes=notes), replace(classes, attribute_sets=sets)


def prepare_ground_truth(
    imported: ImportedBoxes, document: Document, class_map: Mapping[str, str], source: int
) -> PreparedGroundTruth:
    """Map classes and mark frames as labelled: those that the file names (all by default) and all with boxes.

    Where the file has a track twice on a frame, the second box gets a new track; a note says so.

    Raises:
        UserError: a box lies outside the video.
    """
    frame_count = document.sources[source].frame_count
    outside = (imported.frames < 0) | (imported.frames >= frame_count)
    if outside.any():
        raise UserError(
            tr_n(
                "{count} box lies outside the video, which has frames 0–{last}",
                "{count:,} boxes lie outside the video, which has frames 0–{last}",
                int(outside.sum()),
                last=frame_count - 1,
            ),
            path=imported.path,
            frame=int(imported.frames[outside][0]),
            remedy=tr("Check the frame offset and that the file belongs to this video."),
        )
    imported = _with_one_box_a_frame(imported)
    classes, mapped = add_classes(imported, document.classes, class_map)
    imported, classes = _with_attributes(imported, classes)
    class_ids = np.full(len(imported), UNSPECIFIED_CLASS, np.int64)
    for number, class_id in mapped.items():
        class_ids[imported.class_ids == number] = class_id
    states = np.full(frame_count, int(FrameState.UNLABELLED), np.int8)
    labelled = imported.labelled
    default_state = FrameState.LABELLED if labelled is None else FrameState.UNLABELLED
    if labelled is None:
        # Frames kept beyond the end of the video have no image to label.
        states[: document.video_frame_count(source)] = int(FrameState.LABELLED)
    else:
        states[labelled[(labelled >= 0) & (labelled < frame_count)]] = int(FrameState.LABELLED)
    states[imported.frames] = int(FrameState.LABELLED)
    return PreparedGroundTruth(imported, classes, class_ids, states, default_state)


def keep_source(
    imported: ImportedBoxes, prepared: PreparedGroundTruth, document: Document, first_id: int
) -> KeptSource:
    """What *Save to source* needs of a file that was imported; empty where its text was not kept.

    Args:
        imported: before ``prepare_ground_truth``.
        first_id: of the boxes, which were added in the order of the file.
    """
    if imported.texts is None or imported.read_count is None:
        return KeptSource()
    ids = np.full(imported.read_count, NO_BOX, np.int64)
    tracks = np.full(imported.read_count, NO_TRACK, np.int64)
    rows = np.arange(len(imported)) if imported.rows is None else imported.rows
    ids[rows] = np.arange(first_id, first_id + len(imported))
    tracks[rows] = prepared.imported.track_ids
    joined = dict(zip(imported.class_ids.tolist(), prepared.class_ids.tolist(), strict=True))
    names = []
    for place, name in enumerate(imported.class_names):
        found = joined.get(place, document.classes.find(name))
        names.append(name if found is None else document.class_names[found])
    own = imported.texts_classes
    return KeptSource(
        imported.texts,
        ids.tobytes(),
        tracks.tobytes(),
        tuple(names) if own else (),
        "" if own or not names else names[0],
        imported.shift,
    )


def _with_one_box_a_frame(imported: ImportedBoxes) -> ImportedBoxes:
    """The boxes with no track twice on a frame."""
    tracks, count = separate_doubles(imported.frames, imported.track_ids)
    if not count:
        return imported
    note = tr_n(
        "{count} box got a new track, because its frame had another box of its track",
        "{count:,} boxes got new tracks, because their frames had another box of their track",
        count,
    )
    return replace(imported, track_ids=tracks, notes=(*imported.notes, note))


def count_lost_boxes(truth: GroundTruth, prepared: PreparedGroundTruth) -> int:
    """Number of boxes that a replacement would lose: no box of the file has their place, class, track and flags."""
    frames, boxes, class_ids, tracks, flags, _ids = truth.columns()
    imported = prepared.imported
    old = _box_keys(frames, boxes, class_ids, tracks, flags & FLAG_MASK)
    new = _box_keys(imported.frames, imported.boxes, prepared.class_ids, imported.track_ids, imported.flags & FLAG_MASK)
    return int((~np.isin(old, new)).sum())


def _box_keys(frames: Int, boxes: Float, *columns: Int) -> NDArray[np.void]:
    """(N,) one comparable value for each box: its frame, its rectangle bit for bit, and further columns."""
    rows = np.empty((len(frames), 5 + len(columns)), np.int64)
    rows[:, 0] = frames
    rows[:, 1:5] = (np.ascontiguousarray(boxes.T, np.float64) + 0.0).view(np.int64)
    for place, column in enumerate(columns):
        rows[:, 5 + place] = column
    return rows.view(np.dtype((np.void, rows.shape[1] * 8))).ravel()


def replace_ground_truth(document: Document, prepared: PreparedGroundTruth, source: int) -> None:
    """Replace the ground truth of a document that has no history, without recording a step."""
    truth, imported = document.ground_truth(source), prepared.imported
    document.classes = prepared.classes
    truth.load_columns(
        imported.frames, imported.boxes, class_ids=prepared.class_ids, tracks=imported.track_ids, flags=imported.flags
    )
    truth.load_states(prepared.states, np.zeros(truth.frame_count, np.bool_))
    truth.set_default_state(prepared.default_state)


def build_replace_edit(document: Document, prepared: PreparedGroundTruth, source: int) -> Edit:
    """Build the edit that replaces the ground truth of a document and keeps its history valid.

    Notes on boxes and on tracks that the new ground truth lacks stay as notes on their frames.
    """
    truth, imported = document.ground_truth(source), prepared.imported
    edits: list[Edit] = []
    if prepared.classes != document.classes:
        edits.append(SetClassNames.of(prepared.classes, source))
    old = truth.columns()[5]
    notes = _kept_notes(document.notes(source), set(imported.track_ids.tolist()))
    if notes and len(old):
        # Removing the boxes would take their notes along.
        edits.append(SetNotes(tuple(replace(note, track=NO_TRACK) for note in notes), source=source))
    if len(old):
        edits.append(RemoveBoxes(tuple(old.tolist()), source))
    if len(imported):
        edits.append(AddBoxes(_boxes_of(truth, prepared), source))
    if notes and len(old):
        edits.append(SetNotes(notes, source=source))
    marks = _marks_of(truth, prepared)
    changed = prepared.default_state != truth.default_state
    default_mark = FrameMark(truth.frame_count, prepared.default_state, False) if changed else None
    if marks or default_mark:
        edits.append(SetFrames(marks, source, default_mark))
    return Batch(tuple(edits), source)


def _kept_notes(notes: Iterable[Note], tracks: Collection[int]) -> tuple[Note, ...]:
    """The notes on boxes and tracks as they are after all boxes were replaced."""
    pinned = (note for note in notes if note.pin in (NotePin.BOX, NotePin.TRACK))
    return tuple(
        replace(note, box_id=NO_BOX, track=note.track if note.track in tracks else NO_TRACK) for note in pinned
    )


def _boxes_of(truth: GroundTruth, prepared: PreparedGroundTruth) -> tuple[Box, ...]:
    imported = prepared.imported
    rows = zip(
        truth.new_ids(len(imported)),
        imported.frames.tolist(),
        zip(*imported.boxes.tolist(), strict=True),
        prepared.class_ids.tolist(),
        imported.track_ids.tolist(),
        imported.flags.tolist(),
        strict=True,
    )
    return tuple(Box(*row) for row in rows)


def _marks_of(truth: GroundTruth, prepared: PreparedGroundTruth) -> tuple[FrameMark, ...]:
    others = np.flatnonzero((truth.states() != prepared.states) | (truth.verification() != 0))
    return tuple(FrameMark(frame, FrameState(int(prepared.states[frame])), False) for frame in others.tolist())


def prepare_predictions(
    imported: ImportedBoxes, document: Document, class_map: Mapping[str, str], source: int
) -> PredictionSet:
    """A prediction set with every box of the file, not joined yet: ``VariantList`` does it.

    Raises:
        UserError: a prediction lies outside the video.
    """
    predictions = PredictionSet.from_imported(imported, document.sources[source].frame_count, class_map)
    video_frames = document.video_frame_count(source)
    if video_frames < predictions.frame_count:
        # Frames kept beyond the end of the video cannot have been processed.
        covered = predictions.covered.copy()
        covered[video_frames:] = False
        predictions = replace(predictions, covered=covered)
    return predictions
