"""Accepts the predictions of one object on the frames around, as one track and one step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iouviewer.document.boxes import Box
from iouviewer.document.commands import Command, add, combine_edits, known_classes, uses_no_classes
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, origin_bits
from iouviewer.document.problem_groups import MIN_LINK_IOU
from iouviewer.document.problems import LABELLED
from iouviewer.document.tracks import new_tracks
from iouviewer.i18n import tr_n
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.pairs import same_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Convention

MAX_FRAMES = 2000
"""Frames in one direction after which the search stops."""


def find_predictions_along(
    truth: GroundTruth, table: BoxTable, frame: int, row: int, *, conf: float, convention: Convention
) -> list[tuple[int, int]]:
    """The predictions of the same object on the frames before and after one, without a gap.

    Args:
        table: the predictions of a variant.
        row: of the prediction in the table of its frame.
        conf: predictions with a score below it are skipped.

    Returns:
        (frame, row in the table of that frame) in order, with the one given. Each overlaps its neighbour with an IoU of
        at least ``MIN_LINK_IOU``, and none lies on a box of its class; only the one given where a box lies on it.
    """
    found, here = [(frame, row)], table.frame(frame)
    if not _free(truth, here, frame, 0.0, convention)[row]:
        return found
    for by in (1, -1):
        at = frame
        rect, class_id = here.boxes[:, row], int(here.class_ids[row])
        for _ in range(MAX_FRAMES):
            at += by
            if not 0 <= at < table.frame_count:
                break
            there = table.frame(at)
            free = _free(truth, there, at, conf, convention) & (there.class_ids == class_id)
            overlaps = np.where(free, iou_matrix(rect[:, None], there.boxes, convention)[0], 0.0)
            if not len(overlaps) or overlaps.max() < MIN_LINK_IOU:
                break
            best = int(overlaps.argmax())
            rect = there.boxes[:, best]
            found.append((at, best))
    return sorted(found)


def _free(truth: GroundTruth, predictions: BoxTable, frame: int, conf: float, convention: Convention) -> Bool:
    """(N,) where a prediction counts and no box of its class lies there."""
    free: Bool = predictions.scores >= conf
    boxes = truth.boxes(frame)
    if boxes and len(predictions):
        overlaps = iou_matrix(np.array([box.rect for box in boxes]).T, predictions.boxes, convention)
        classes = np.array([box.class_id for box in boxes])
        overlaps[~same_class(classes[:, None], predictions.class_ids)] = 0.0
        free = free & (overlaps.max(axis=0) < LABELLED)
    return free


def accept_along(
    document: Document,
    table: BoxTable,
    places: Sequence[tuple[int, int]],
    *,
    variant: str,
    variant_key: str = "",
    source: int = 0,
) -> Command:
    """Add these predictions as boxes of one new track.

    Args:
        places: (frame, row in the table of that frame), as ``find_predictions_along`` returns them.
        variant, variant_key: name of the variant, for the label, and its key, for the origin of the boxes.
    """
    truth = document.ground_truth(source)
    [track] = new_tracks(truth, 1)
    first = table.frame(places[0][0])
    class_id = int(first.class_ids[places[0][1]])
    edits: list[Edit] = []
    if uses_no_classes(truth, places[0][0]):
        class_id = UNSPECIFIED_CLASS
    else:
        edits, known = known_classes(document, [class_id], source)
        class_id = known.get(class_id, class_id)
    boxes = []
    for frame, row in places:
        x1, y1, x2, y2 = table.frame(frame).boxes[:, row].tolist()
        boxes.append(Box(0, frame, (x1, y1, x2, y2), class_id, track, origin_bits(Origin.ACCEPTED, variant_key)))
    added = add(document, boxes, source=source)
    label = tr_n(
        "Accept {variant} on {count} frame as {box}",
        "Accept {variant} on {count:,} frames as {box}",
        len(boxes),
        variant=variant,
        box=document.object_name(boxes[0]),
    )
    return Command(combine_edits([*edits, added.edit], source), label, added.select)
