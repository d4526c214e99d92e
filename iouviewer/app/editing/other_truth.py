"""Reads a second ground truth of the open video: a project, or a file of boxes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from iouviewer.app.editing.import_boxes import prepare_ground_truth
from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.document.document import Document
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.box_files import read_boxes
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.document_results import read_document
from iouviewer.jobs.eval_inputs import EvalInputs, context_of
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.truth_agreement import class_numbers, common_frames, compare_truths, in_classes
from iouviewer.jobs.work_packages import read_project
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.project.schema import SUFFIX


@dataclass(frozen=True, slots=True)
class OtherTruth:
    """A second ground truth of the open video: a document with one source, which has as many frames."""

    name: str
    path: Path
    document: Document
    source: int

    @property
    def ground_truth(self) -> GroundTruth:
        """Its boxes."""
        return self.document.ground_truth(self.source)


def read_other_truth(path: Path, source: Source) -> OtherTruth:
    """Read a project, or a file or folder of boxes.

    Args:
        source: of the open video.

    Raises:
        UserError: it cannot be read, or is about another video.
    """
    document = read_project(path).document if path.suffix == SUFFIX else _of_boxes(path, source)
    number = min(document.sources)
    theirs = document.sources[number]
    prints = {theirs.fingerprint, source.fingerprint} - {""}
    if len(prints) > 1 or theirs.frame_count > source.frame_count:
        raise UserError(tr("this ground truth is about another video, {name}", name=theirs.name), path=path)
    document.update_source(replace(theirs, frame_count=source.frame_count))
    return OtherTruth(path.stem, path, document, number)


def _of_boxes(path: Path, source: Source) -> Document:
    document = Document()
    truth = document.add_source(replace(source, id=0))
    imported = read_boxes(path, replace(context_of(source), kind=ImportKind.GROUND_TRUTH))
    prepared = prepare_ground_truth(imported, document, {}, 0)
    found, document.classes = prepared.imported, prepared.classes
    truth.load_columns(
        found.frames, found.boxes, class_ids=prepared.class_ids, tracks=found.track_ids, flags=found.flags
    )
    truth.load_states(prepared.states, np.zeros(source.frame_count, np.int8))
    return document


@dataclass(frozen=True, slots=True)
class ComparisonInputs:
    """What ``compare_truths`` gets; no later edit changes it."""

    own: BoxTable
    other: BoxTable
    frames: Bool
    scored: tuple[EvalRequest, EvalInputs, EvalInputs] | None

    def compare(self) -> object:
        """The comparison, in any thread."""
        return compare_truths(self.own, self.other, self.frames, self.scored)


def comparison_inputs(session: Session, other: OtherTruth) -> ComparisonInputs:
    """The boxes of both, and the variants with each of the two, on the frames that both have labelled.

    Raises:
        UserError: there is no such frame.
    """
    frames = common_frames(session.ground_truth, other.ground_truth)
    if not frames.any():
        raise UserError(tr("no frame is labelled in both"), remedy=tr("Compare ground truths of the same frames."))
    numbers = class_numbers(other.document.classes, session.document.classes)
    theirs = in_classes(other.ground_truth.table(), numbers)
    scored = None
    if len(session.variants):
        request, own = read_session(session, DEFAULT_MARGINS)
        request = replace(request, frames=None)
        variants = list(session.variants)
        _request, own = read_document(
            session.document, variants, request=request, source=session.source.id, selected=frames
        )
        scored_request, there = read_document(
            other.document, variants, request=request, source=other.source, selected=frames
        )
        scored = scored_request, own, there
    return ComparisonInputs(session.ground_truth.table(), theirs, frames.copy(), scored)


def as_predictions(other: OtherTruth) -> ImportedBoxes:
    """Its boxes as a variant without confidence, to be drawn as a layer."""
    frames, boxes, class_ids, tracks, _flags, _ids = other.ground_truth.columns()
    names = other.document.class_names
    return ImportedBoxes(
        other.path,
        "iouv",
        ImportKind.PREDICTIONS,
        frames,
        boxes,
        class_ids,
        names,
        None,
        tracks,
        np.zeros(len(frames), np.int64),
    )
