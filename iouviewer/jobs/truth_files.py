"""Writes the ground truth of a document to a file: the window's exports and ``convert`` of a project.

In the format that the ground truth was read from, the text that was read is written with the edits in it, so that its
ids, masks and further fields are the same as before. Other formats, selections of frames, and edits that the text has
no place for make a new file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iouviewer.document.document import Document
from iouviewer.errors import UserError
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.formats.patching.copies import write_copy
from iouviewer.formats.registry import can_store, unsupported_fields, write_boxes
from iouviewer.formats.unsupported_fields import name_of
from iouviewer.i18n import tr
from iouviewer.jobs.document_results import ground_truth_to_write
from iouviewer.jobs.save_source import SaveInput, can_save, lost_sentences, patch_kept, save_input
from iouviewer.metrics.table import Int


@dataclass(frozen=True)
class TruthToWrite:
    """The ground truth at one moment.

    Attributes:
        data: the boxes to be written.
        source: what is needed to write them into the text that was read; None where there is none.
    """

    data: BoxesToWrite
    source: SaveInput | None = None


def truth_to_write(document: Document, source: int = 0, frames: Int | None = None) -> TruthToWrite:
    """The ground truth of a source, which may change meanwhile.

    Args:
        frames: (n,) int64, ascending, frames whose boxes are written; None: all.
    """
    data = ground_truth_to_write(document, source)
    if frames is not None:
        return TruthToWrite(data.of_frames(frames))
    try:
        return TruthToWrite(data, save_input(document, source) if can_save(document, source) else None)
    except UserError:
        return TruthToWrite(data)  # the ground truth is from another file than the one that is kept


def write_truth(truth: TruthToWrite, path: Path, format: str) -> tuple[str, ...]:
    """Write a file or folder; returns one sentence for each part that is not stored as it is.

    Raises:
        UserError: no permission, disk full, or a folder that is not empty.
    """
    source = truth.source
    if source is None or source.kept.texts.format != format:
        write_boxes(path, truth.data, format=format)
        return unsupported_fields(truth.data, format)
    try:
        patched = patch_kept(source)
    except UserError as error:
        write_boxes(path, truth.data, format=format)
        note = tr("The file that was read could not be used ({reason}): its ids are not kept", reason=error.message)
        return (note, *unsupported_fields(truth.data, format))
    missing = [field for field in patched.lost if can_store(field, truth.data, format)]
    if missing:
        # A table without a column of tracks, for example: what was edited is worth more than the order of the rest.
        write_boxes(path, truth.data, format=format)
        note = tr(
            "The file that was read has no place for {fields}: a new file was written, without its further fields",
            fields=", ".join(map(name_of, missing)),
        )
        return (note, *unsupported_fields(truth.data, format))
    write_copy(source.kept.texts, patched.changed, patched.edits.original, path, patched.main)
    return tuple(lost_sentences(patched))
