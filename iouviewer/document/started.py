"""Commands that link boxes into tracks, and that start a ground truth from predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.document import tracks as track_edits
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.commands import Command, combine_edits, known_classes
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Edit, SetFrames, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, origin_bits
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Float, Int


@dataclass(frozen=True, slots=True)
class PlannedBoxes:
    """Boxes that a ground truth would start with, by frame.

    Attributes:
        boxes: (N, 4) xyxy, pixels.
        class_ids: (N,) class ids of the document.
        tracks: (N,) from 0, ``NO_TRACK`` for single boxes.
        flags: (N,) of BoxFlag.
        left_out: number of predictions that belong to no track.
    """

    frames: Int
    boxes: Float
    class_ids: Int
    tracks: Int
    flags: Int
    left_out: int

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def track_count(self) -> int:
        """Number of tracks."""
        return len(np.unique(self.tracks[self.tracks != NO_TRACK]))

    @property
    def key_count(self) -> int:
        """Number of boxes that are not interpolated."""
        return int(np.count_nonzero((self.flags & int(BoxFlag.INTERPOLATED)) == 0))


def rows_without_track(truth: GroundTruth) -> Int:
    """Rows of ``truth.columns()`` whose boxes have no track."""
    return np.flatnonzero(truth.columns()[3] == NO_TRACK)


def link_tracks(document: Document, ids: Int, linked: Int, *, source: int = 0) -> Command:
    """Give boxes the tracks that were found for them.

    Args:
        ids: (N,) of boxes without a track.
        linked: (N,) number of each box's track from 0, -1 for a box that stays single.

    Raises:
        UserError: no box belongs to a track.
    """
    found = linked >= 0
    if not found.any():
        raise UserError(tr("no boxes belong together"), remedy=tr("Tracks need boxes on consecutive frames."))
    first = document.ground_truth(source).next_track()
    pairs = zip(ids[found].tolist(), (linked[found] + first).tolist(), strict=True)
    count, boxes = len(np.unique(linked[found])), int(found.sum())
    label = tr_n(
        "Link {boxes:,} boxes into {count} track", "Link {boxes:,} boxes into {count:,} tracks", count, boxes=boxes
    )
    return Command(SetTracks(tuple(pairs), source), label)


def start_from_predictions(
    document: Document,
    planned: PlannedBoxes,
    covered: Bool,
    *,
    variant: str,
    variant_key: str,
    confidence: float | None = None,
    source: int = 0,
) -> Command:
    """Add the first boxes of a ground truth; the frames that the variant covers become labelled.

    Args:
        covered: (F,) bool.
        variant, variant_key: name of the variant, for the label, and its key, for the origin of the boxes.
        confidence: that of the boxes at least, for the label: what was below it is nowhere to be missed.

    Raises:
        UserError: the ground truth has boxes already, or there is nothing to add.
    """
    truth = document.ground_truth(source)
    if len(truth):
        raise UserError(tr("the ground truth has boxes already"))
    if not len(planned):
        raise UserError(tr("no prediction is left"), remedy=tr("Lower the confidence, or choose other classes."))
    edits: list[Edit]
    edits, known = known_classes(document, planned.class_ids.tolist(), source)
    first, origin = truth.next_track(), origin_bits(Origin.STARTED, variant_key)
    boxes = tuple(
        Box(
            *(box_id, frame, (x1, y1, x2, y2), known.get(class_id, class_id)),
            track=track if track == NO_TRACK else first + track,
            flags=flags | origin,
        )
        for box_id, frame, (x1, y1, x2, y2), class_id, track, flags in zip(
            truth.new_ids(len(planned)),
            planned.frames.tolist(),
            planned.boxes.tolist(),
            planned.class_ids.tolist(),
            planned.tracks.tolist(),
            planned.flags.tolist(),
            strict=True,
        )
    )
    edits.append(AddBoxes(boxes, source))
    labelled = np.union1d(np.flatnonzero(covered), planned.frames).tolist()
    marks = track_edits.labelled_marks(truth, labelled)
    if marks:
        edits.append(SetFrames(marks, source))
    at = variant if confidence is None else tr("{name} at confidence {value:.2f}", name=variant, value=confidence)
    label = tr_n("Start from {variant}: {count} box", "Start from {variant}: {count:,} boxes", len(boxes), variant=at)
    return Command(combine_edits(edits, source), label)
