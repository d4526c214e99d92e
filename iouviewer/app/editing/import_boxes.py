"""Turning what a reader handed over into ground truth or predictions of a document (metrics.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import Box
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
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.predictions import PredictionSet
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Int


@dataclass(frozen=True, slots=True)
class TruthToTake:
    """Ground truth that is ready to be taken over.

    Attributes:
        class_names: the document's names, new ones at the end.
        class_ids: (N,) int64, the document's class of each box.
        states: (F,) int8 of FrameState.
        rest: the state of frames that become known later: a file that names no frames labels them all.
    """

    imported: ImportedBoxes
    class_names: tuple[str, ...]
    class_ids: Int
    states: NDArray[np.int8]
    rest: FrameState


def digest_of(imported: ImportedBoxes) -> str:
    """A digest of all that an import would change; equal files give equal digests."""
    labelled = b"all" if imported.labelled is None else np.asarray(imported.labelled, np.int64).tobytes()
    parts = [imported.frames, imported.boxes, imported.class_ids, imported.track_ids, imported.flags]
    digest = hashlib.sha256("\0".join(imported.class_names).encode())
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(labelled)
    return digest.hexdigest()


def map_classes(
    file_names: tuple[str, ...], known: tuple[str, ...], class_map: Mapping[str, str], *, add: bool
) -> tuple[tuple[str, ...], dict[int, int]]:
    """The document's class for each class of a file, by name without regard to case.

    Args:
        class_map: another name for a class of the file.
        add: classes that the document lacks are added; else they are left out of the map.

    Returns:
        The document's names, and its class by class of the file.
    """
    names = list(known)
    by_name = {name.casefold(): number for number, name in enumerate(names)}
    renamed = {old.casefold(): new for old, new in class_map.items()}
    mapped = {}
    for number, name in enumerate(file_names):
        wanted = renamed.get(name.casefold(), name)
        if wanted.casefold() not in by_name and add:
            by_name[wanted.casefold()] = len(names)
            names.append(wanted)
        if wanted.casefold() in by_name:
            mapped[number] = by_name[wanted.casefold()]
    return tuple(names), mapped


def prepare_truth(
    imported: ImportedBoxes, document: Document, class_map: Mapping[str, str], source: int
) -> TruthToTake:
    """Map classes and settle which frames are labelled: those that the file names (all by default) and all with boxes.

    Raises:
        UserError: a box lies outside the video.
    """
    frame_count = document.sources[source].frame_count
    beyond = (imported.frames < 0) | (imported.frames >= frame_count)
    if beyond.any():
        raise UserError(
            f"{int(beyond.sum())} boxes lie outside the video, which has frames 0 to {frame_count - 1}",
            path=imported.path,
            frame=int(imported.frames[beyond][0]),
            remedy="Check the first frame's number and that the file belongs to this video.",
        )
    names, mapped = map_classes(imported.class_names, document.class_names, class_map, add=True)
    class_ids = np.full(len(imported), UNSPECIFIED_CLASS, np.int64)
    for number, target in mapped.items():
        class_ids[imported.class_ids == number] = target
    states = np.full(frame_count, int(FrameState.UNLABELLED), np.int8)
    labelled = imported.labelled
    rest = FrameState.LABELLED if labelled is None else FrameState.UNLABELLED
    if labelled is None:
        # A frame that is kept without a picture is nothing that could be labelled.
        states[: document.picture_count(source)] = int(FrameState.LABELLED)
    else:
        states[labelled[(labelled >= 0) & (labelled < frame_count)]] = int(FrameState.LABELLED)
    states[imported.frames] = int(FrameState.LABELLED)
    return TruthToTake(imported, names, class_ids, states, rest)


def take_over(document: Document, taken: TruthToTake, source: int) -> None:
    """Replace the ground truth of a document that has no history; as no step."""
    truth, imported = document.ground_truth(source), taken.imported
    document.class_names = taken.class_names
    truth.load_columns(
        imported.frames, imported.boxes, class_ids=taken.class_ids, tracks=imported.track_ids, flags=imported.flags
    )
    truth.load_states(taken.states, np.zeros(truth.frame_count, np.bool_))
    truth.set_rest(taken.rest)


def replacing_edit(document: Document, taken: TruthToTake, source: int) -> Edit:
    """The edit that replaces the ground truth of a document whose history must stay valid."""
    truth, imported = document.ground_truth(source), taken.imported
    edits: list[Edit] = []
    if taken.class_names != document.class_names:
        edits.append(SetClassNames(taken.class_names, source))
    old = truth.columns()[5]
    if len(old):
        edits.append(RemoveBoxes(tuple(old.tolist()), source))
    if len(imported):
        edits.append(AddBoxes(_boxes_of(truth, taken), source))
    marks = _marks_of(truth, taken)
    rest = FrameMark(truth.frame_count, taken.rest, False) if taken.rest != truth.rest else None
    if marks or rest:
        edits.append(SetFrames(marks, source, rest))
    return Batch(tuple(edits), source)


def _boxes_of(truth: GroundTruth, taken: TruthToTake) -> tuple[Box, ...]:
    imported = taken.imported
    rows = zip(
        truth.new_ids(len(imported)),
        imported.frames.tolist(),
        zip(*imported.boxes.tolist(), strict=True),
        taken.class_ids.tolist(),
        imported.track_ids.tolist(),
        imported.flags.tolist(),
        strict=True,
    )
    return tuple(Box(*row) for row in rows)


def _marks_of(truth: GroundTruth, taken: TruthToTake) -> tuple[FrameMark, ...]:
    others = np.flatnonzero((truth.states() != taken.states) | truth.verified())
    return tuple(FrameMark(frame, FrameState(int(taken.states[frame])), False) for frame in others.tolist())


def knows_classes(truth: GroundTruth) -> bool:
    """Whether every box has a class; one without matches every class, so further classes may be added."""
    table = truth.table()
    classes = table.class_ids[~table.ignored]
    return bool(len(classes)) and not bool((classes == UNSPECIFIED_CLASS).any())


def prepare_predictions(
    imported: ImportedBoxes, document: Document, class_map: Mapping[str, str], source: int
) -> tuple[PredictionSet, tuple[str, ...]]:
    """A prediction set in the document's classes, and the document's names.

    Classes that ground truth does not know are left out and counted; as long as a box of the ground truth has no class
    (it matches every class), they are added.

    Raises:
        UserError: a prediction lies outside the video.
    """
    add = not knows_classes(document.ground_truth(source))
    names, mapped = map_classes(imported.class_names, document.class_names, class_map, add=add)
    predictions = PredictionSet.from_imported(imported, document.sources[source].frame_count, mapped)
    pictures = document.picture_count(source)
    if pictures < predictions.frame_count:
        # Nobody can have looked at a frame without a picture.
        covered = predictions.covered.copy()
        covered[pictures:] = False
        predictions = replace(predictions, covered=covered)
    return predictions, names
