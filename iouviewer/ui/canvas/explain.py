"""What a box is, in words: class, confidence, IoU, and why it is not a match."""

from __future__ import annotations

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review import PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.review_view import Reviewed


def describe(session: Session, ref: Ref, frame: int, reviews: list[Reviewed]) -> str:
    """Plain text of some lines about a box of the frame; empty if it is not there."""
    lines = (
        _truth_lines(session, ref, frame, reviews)
        if ref.is_ground_truth
        else _prediction_lines(session, ref, frame, reviews)
    )
    return "\n".join(lines)


def _truth_lines(session: Session, ref: Ref, frame: int, reviews: list[Reviewed]) -> list[str]:
    box = session.ground_truth.find(ref.row)
    if box is None:
        return []
    flags = [flag.name.lower().replace("_", " ") for flag in BoxFlag if flag and box.flags & flag and flag.name]
    lines = [f"Ground truth {box.id}: {session.document.class_name(box.class_id)}"]
    if flags:
        lines.append(", ".join(flags))
    judged = session.ground_truth.state(frame) is FrameState.LABELLED
    if not judged:
        return [*lines, "The frame does not count: it is not labelled."]
    for review in reviews:
        name, iou = review.variant.name, review.iou_of.get(box.id)
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            continue
        lines.append(
            f"{name}: {_match(session, iou)}"
            if iou is not None
            else f"{name}: missed. " + why_missed(session, review, box.id, frame)
        )
    return lines


def _match(session: Session, iou: float) -> str:
    threshold = session.scores.settings.review.iou
    return f"IoU {iou:.3f}" if iou >= threshold else f"IoU {iou:.3f}, no match: the threshold is {threshold:g}"


def _prediction_lines(session: Session, ref: Ref, frame: int, reviews: list[Reviewed]) -> list[str]:
    review = next((r for r in reviews if r.variant.key == ref.variant), None)
    if review is None or ref.row not in review.state_of:
        return []
    predictions = review.variant.predictions
    name = session.document.class_name(int(predictions.table.class_ids[ref.row]))
    lines = [f"{review.variant.name}: {name}"]
    if predictions.has_scores:
        lines[0] += f", confidence {float(predictions.table.scores[ref.row]):.3f}"
    owner = review.owner_of.get(ref.row)
    if session.ground_truth.state(frame) is not FrameState.LABELLED:
        lines.append("The frame does not count: it is not labelled.")
    elif owner is not None:
        lines.append(f"With ground truth {owner}: {_match(session, review.iou_of[owner])}")
    elif review.state_of[ref.row] is PairState.IGNORED:
        lines.append("It lies in an ignored box: it counts neither way.")
    else:
        lines.append(why_unpaired(session, review, ref.row, frame))
    return lines


def why_missed(session: Session, review: Reviewed, box_id: int, frame: int) -> str:
    """Why a ground-truth box has no prediction: rival pair, class, confidence, or nothing near."""
    truth = session.ground_truth.frame_table(frame)
    place = int(np.flatnonzero(truth.ids == box_id)[0])
    table = review.variant.predictions.table
    rows = table.rows(frame)
    found = table.frame(frame)
    ious = iou_matrix(truth.boxes[:, place : place + 1], found.boxes, _convention(session))[0]
    if not len(ious) or ious.max() <= 0:
        return "No prediction overlaps it."
    best = int(ious.argmax())
    near = f"The nearest prediction (IoU {ious[best]:.2f})"
    if not _same_class(session, int(truth.class_ids[place]), int(found.class_ids[best])):
        return f"{near} is of class {session.document.class_name(int(found.class_ids[best]))}."
    conf = session.scores.settings.review.conf
    if found.scores[best] < conf:
        return f"{near} has confidence {found.scores[best]:.2f}, under the threshold {conf:.2f}."
    owner = review.owner_of.get(rows.start + best)
    if owner is not None:
        return f"{near} is paired with ground truth {owner} (IoU {review.iou_of[owner]:.2f})."
    return f"{near} is of no pair."


def why_unpaired(session: Session, review: Reviewed, row: int, frame: int) -> str:
    """Why a prediction has no ground truth: rival pair, class, ignored region, or nothing near."""
    truth = session.ground_truth.frame_table(frame)
    table = review.variant.predictions.table
    ious = iou_matrix(truth.boxes, table.boxes[:, row : row + 1], _convention(session))[:, 0]
    if not len(ious) or ious.max() <= 0:
        return "False positive: no ground truth overlaps it."
    best = int(ious.argmax())
    near = f"the nearest ground truth, {int(truth.ids[best])} (IoU {ious[best]:.2f}),"
    return "False positive: " + _why_not(session, review, truth, best, int(table.class_ids[row]), near)


def _why_not(session: Session, review: Reviewed, truth: BoxTable, best: int, class_id: int, near: str) -> str:
    if truth.ignored[best]:
        return f"{near} is ignored."
    if not _same_class(session, int(truth.class_ids[best]), class_id):
        return f"{near} is of class {session.document.class_name(int(truth.class_ids[best]))}."
    rival = review.iou_of.get(int(truth.ids[best]))
    if rival is not None:
        return f"{near} is paired with another prediction (IoU {rival:.2f})."
    return f"{near} is of no pair."


def _same_class(session: Session, one: int, other: int) -> bool:
    if session.scores.settings.review.class_agnostic:
        return True
    return one == other or UNSPECIFIED_CLASS in (one, other)


def _convention(session: Session) -> Convention:
    return session.scores.settings.review.convention
