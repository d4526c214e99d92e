"""Describes a box in text: class, confidence, IoU, and why it has no match."""

from __future__ import annotations

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.document.origins import NO_VARIANT, Origin, origin_of, variant_number
from iouviewer.i18n import tr
from iouviewer.jobs.overlaps import iou_matrix
from iouviewer.metrics.review import PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention
from iouviewer.ui.canvas.frame_view import BoxState, CanvasBox
from iouviewer.ui.canvas.frame_view_builder import VariantReview
from iouviewer.ui.canvas.hit import BoxRef

_FLAG_TEXTS = {
    BoxFlag.KEY_FRAME: tr("key frame"),
    BoxFlag.INTERPOLATED: tr("interpolated"),
    BoxFlag.OCCLUDED: tr("occluded"),
    BoxFlag.OUTSIDE: tr("out of view"),
    BoxFlag.IGNORED: tr("ignored"),
    BoxFlag.TRUNCATED: tr("truncated"),
}
_NOT_LABELLED = tr("This frame is not labelled, so it does not count.")


def describe(session: Session, ref: BoxRef, frame: int, reviews: list[VariantReview]) -> str:
    """Plain text of a few lines about a box of the frame; empty if the frame does not have it."""
    lines = (
        _truth_lines(session, ref, frame, reviews)
        if ref.is_ground_truth
        else _prediction_lines(session, ref, frame, reviews)
    )
    return "\n".join(lines)


_STATE_TEXTS = {
    BoxState.PAIRED: tr("match"),
    BoxState.LOOSE: tr("loose"),
    BoxState.MISSED: tr("missed"),
    BoxState.EXTRA: tr("extra"),
    BoxState.IGNORED: tr("ignored"),
}


def accessible_name(session: Session, box: CanvasBox, reviews: list[VariantReview]) -> str:
    """A drawn box in words for screen readers: ``person 17, loose, IoU 0.49, 35 by 88``."""
    ref, parts = box.ref, []
    if ref.is_ground_truth:
        truth = session.ground_truth.find(ref.row)
        parts.append(tr("box") if truth is None else session.document.object_name(truth))
    else:
        review = next((r for r in reviews if r.variant.key == ref.variant), None)
        parts.append(tr("prediction") if review is None else _prediction_text(session, review, ref.row))
    if box.state in _STATE_TEXTS:
        parts.append(_STATE_TEXTS[box.state])
    iou = reviews[0].iou_of.get(ref.row) if ref.is_ground_truth and reviews else None
    if iou is not None:
        parts.append(tr("IoU {iou:.2f}", iou=iou))
    x1, y1, x2, y2 = box.rect
    return ", ".join([*parts, tr("{width:.0f} by {height:.0f}", width=x2 - x1, height=y2 - y1)])


def _truth_lines(session: Session, ref: BoxRef, frame: int, reviews: list[VariantReview]) -> list[str]:
    box = session.ground_truth.find(ref.row)
    if box is None:
        return []
    lines = [tr("Ground truth: {box}", box=session.document.object_name(box))]
    flags = [text for flag, text in _FLAG_TEXTS.items() if box.flags & flag]
    if flags:
        lines.append(", ".join(flags))
    lines += _origin_lines(session, box)
    if session.ground_truth.state(frame) is not FrameState.LABELLED:
        return [*lines, _NOT_LABELLED]
    if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
        return lines
    for review in reviews:
        name, iou = review.variant.name, review.iou_of.get(box.id)
        if iou is not None:
            lines.append(tr("{variant}: {match}", variant=name, match=_match_text(session, iou)))
        else:
            reason = explain_missed(session, review, box.id, frame)
            lines.append(tr("{variant}: missed. {reason}", variant=name, reason=reason))
    return lines


def _origin_lines(session: Session, box: Box) -> list[str]:
    """Where a box came from, unless it was read from a file."""
    origin = origin_of(box.flags)
    names = [variant.name for variant in session.variants if variant_number(variant.key) == origin.variant]
    name = names[0] if names else tr("a variant that was removed")
    has_variant = origin.variant != NO_VARIANT
    match origin.kind:
        case Origin.DRAWN:
            text = tr("Drawn by hand")
        case Origin.ACCEPTED:
            text = tr("Accepted from {variant}", variant=name) if has_variant else tr("Accepted fix")
        case Origin.STARTED:
            text = tr("Started from {variant}", variant=name)
        case Origin.PROPAGATED:
            text = tr("Propagated, guided by {variant}", variant=name) if has_variant else tr("Propagated")
        case _:
            return []
    return [tr("{origin}, corrected", origin=text) if origin.corrected else text]


def _match_text(session: Session, iou: float) -> str:
    threshold = session.scores.settings.review.iou
    if iou >= threshold:
        return tr("IoU {iou:.3f}", iou=iou)
    return tr("IoU {iou:.3f}, loose (threshold {threshold:.2f})", iou=iou, threshold=threshold)


def _prediction_lines(session: Session, ref: BoxRef, frame: int, reviews: list[VariantReview]) -> list[str]:
    review = next((r for r in reviews if r.variant.key == ref.variant), None)
    if review is None or ref.row not in review.state_of:
        return []
    lines = [_prediction_text(session, review, ref.row)]
    owner = _owner(session, review, ref.row)
    if session.ground_truth.state(frame) is not FrameState.LABELLED:
        lines.append(_NOT_LABELLED)
    elif owner is not None:
        match = _match_text(session, review.iou_of[owner.id])
        lines.append(tr("Paired with {box}: {match}", box=session.document.object_name(owner), match=match))
    elif review.state_of[ref.row] is PairState.IGNORED:
        lines.append(tr("In an ignored box: not counted."))
    else:
        lines.append(tr("Extra. {reason}", reason=explain_unpaired(session, review, ref.row, frame)))
    return lines


def _prediction_text(session: Session, review: VariantReview, row: int) -> str:
    predictions = review.variant.predictions
    variant, name = review.variant.name, session.document.class_name(int(predictions.table.class_ids[row]))
    if not predictions.has_scores:
        return tr("{variant}: {class_name}", variant=variant, class_name=name)
    score = float(predictions.table.scores[row])
    return tr("{variant}: {class_name}, confidence {score:.3f}", variant=variant, class_name=name, score=score)


def _owner(session: Session, review: VariantReview, row: int) -> Box | None:
    """The ground-truth box that a prediction is paired with."""
    owner = review.owner_of.get(row)
    return None if owner is None else session.ground_truth.find(owner)


def explain_missed(session: Session, review: VariantReview, box_id: int, frame: int) -> str:
    """Why a ground-truth box has no partner: no overlap, another class, low confidence, or another pair."""
    truth = session.ground_truth.frame_table(frame)
    index = int(np.flatnonzero(truth.ids == box_id)[0])
    table = review.variant.predictions.table
    found = table.frame(frame)
    ious = iou_matrix(truth.boxes[:, index : index + 1], found.boxes, _convention(session))[0]
    if not len(ious) or ious.max() <= 0:
        return tr("No prediction overlaps it.")
    best = int(ious.argmax())
    iou, class_id, score = float(ious[best]), int(found.class_ids[best]), float(found.scores[best])
    if not _classes_match(session, int(truth.class_ids[index]), class_id):
        name = session.document.class_name(class_id)
        return tr("The nearest prediction (IoU {iou:.2f}) has the class {class_name}.", iou=iou, class_name=name)
    threshold = session.scores.settings.review.conf
    if score < threshold:
        return tr(
            "The nearest prediction (IoU {iou:.2f}) has confidence {score:.2f}, below the threshold {threshold:.2f}.",
            iou=iou,
            score=score,
            threshold=threshold,
        )
    owner = _owner(session, review, table.rows(frame).start + best)
    if owner is not None:
        return tr(
            "The nearest prediction (IoU {iou:.2f}) is paired with {box} (IoU {other_iou:.2f}).",
            iou=iou,
            box=session.document.object_name(owner),
            other_iou=review.iou_of[owner.id],
        )
    return tr("The nearest prediction (IoU {iou:.2f}) is not paired.", iou=iou)


def explain_unpaired(session: Session, review: VariantReview, row: int, frame: int) -> str:
    """Why a prediction has no partner: no overlap, an ignored box, another class, or another pair."""
    truth = session.ground_truth.frame_table(frame)
    table = review.variant.predictions.table
    ious = iou_matrix(truth.boxes, table.boxes[:, row : row + 1], _convention(session))[:, 0]
    if not len(ious) or ious.max() <= 0:
        return tr("No ground truth overlaps it.")
    best = int(ious.argmax())
    return _nearest_truth_text(session, review, truth, best, int(table.class_ids[row]), float(ious[best]))


def _nearest_truth_text(
    session: Session, review: VariantReview, truth: BoxTable, best: int, class_id: int, iou: float
) -> str:
    box = session.ground_truth.find(int(truth.ids[best]))
    name = tr("box") if box is None else session.document.object_name(box)
    if truth.ignored[best]:
        return tr("The nearest ground truth, {box} (IoU {iou:.2f}), is ignored.", box=name, iou=iou)
    truth_class = int(truth.class_ids[best])
    if not _classes_match(session, truth_class, class_id):
        return tr(
            "The nearest ground truth, {box} (IoU {iou:.2f}), has the class {class_name}.",
            box=name,
            iou=iou,
            class_name=session.document.class_name(truth_class),
        )
    other_iou = review.iou_of.get(int(truth.ids[best]))
    if other_iou is not None:
        return tr(
            "The nearest ground truth, {box} (IoU {iou:.2f}), is paired with another prediction (IoU {other_iou:.2f}).",
            box=name,
            iou=iou,
            other_iou=other_iou,
        )
    return tr("The nearest ground truth, {box} (IoU {iou:.2f}), is not paired.", box=name, iou=iou)


def _classes_match(session: Session, one: int, other: int) -> bool:
    if session.scores.settings.review.class_agnostic:
        return True
    return one == other or UNSPECIFIED_CLASS in (one, other)


def _convention(session: Session) -> Convention:
    return session.scores.settings.review.convention


def explain_box(session: Session, ref: BoxRef, frame: int, review: VariantReview | None) -> str:
    """In one or two sentences why a box is a match or not; empty without a variant on the frame.

    Args:
        review: of the variant that the inspector shows.
    """
    if review is None:
        return ""
    if session.ground_truth.state(frame) is not FrameState.LABELLED:
        return _NOT_LABELLED
    if not ref.is_ground_truth:
        return _explain_prediction(session, review, ref.row, frame)
    box = session.ground_truth.find(ref.row)
    if box is None:
        return ""
    if box.flags & BoxFlag.OUTSIDE:
        return tr("Out of view: not counted.")
    if box.flags & BoxFlag.IGNORED:
        return tr("Ignored: not counted.")
    iou = review.iou_of.get(box.id)
    if iou is None:
        return tr("Missed. {reason}", reason=explain_missed(session, review, box.id, frame))
    return " ".join(filter(None, (_distance(session, iou), _second_best(session, review, box))))


def _distance(session: Session, iou: float) -> str:
    """How far the IoU of a pair is from the threshold."""
    threshold = session.scores.settings.review.iou
    by = abs(iou - threshold)
    if iou >= threshold:
        return tr("Match: {by:.3f} above the threshold {threshold:.2f}.", by=by, threshold=threshold)
    return tr("Loose: {by:.3f} below the threshold {threshold:.2f}.", by=by, threshold=threshold)


def _second_best(session: Session, review: VariantReview, box: Box) -> str:
    """The best overlap of another prediction that counts; empty if none overlaps."""
    table = review.variant.predictions.table
    rows = np.fromiter(review.state_of, np.int64, len(review.state_of))
    rows = rows[rows != review.partner_of.get(box.id, -1)]
    if not len(rows):
        return ""
    ious = iou_matrix(np.array([box.rect]).T, table.boxes[:, rows], _convention(session))[0]
    best = int(ious.argmax())
    if ious[best] <= 0:
        return ""
    if not review.variant.predictions.has_scores:
        return tr("Another prediction overlaps by {iou:.3f}.", iou=float(ious[best]))
    score = float(table.scores[rows[best]])
    return tr("Another prediction ({score:.2f}) overlaps by {iou:.3f}.", score=score, iou=float(ious[best]))


def _explain_prediction(session: Session, review: VariantReview, row: int, frame: int) -> str:
    state = review.state_of.get(row)
    if state is None:
        return tr("Below the confidence threshold: not counted.")
    owner = _owner(session, review, row)
    if owner is not None:
        text = _distance(session, review.iou_of[owner.id])
        return tr("Paired with {box}. {text}", box=session.document.object_name(owner), text=text)
    if state is PairState.IGNORED:
        return tr("In an ignored box: not counted.")
    return tr("Extra. {reason}", reason=explain_unpaired(session, review, row, frame))
