"""Carries ground-truth boxes over the frames of a video: one way, or between two key boxes of a track."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import BoxTable
from iouviewer.propagation.carry import Pass, SceneCutFinder, StopReason
from iouviewer.propagation.features import Image
from iouviewer.propagation.fill import fill, smooth_pass
from iouviewer.propagation.guide import Bias, Boxes
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.opening import open_video
from iouviewer.video.reader import VideoReader

READER_MEMORY = 256 << 20
"""Bytes for decoded frames, so that the pass backwards finds most of them decoded."""
BIAS_FRAMES = 200
"""Labelled frames from which a variant's usual difference from ground truth is taken."""
PAIRED_IOU = 0.5


@dataclass(frozen=True, slots=True)
class StartBox:
    """A box to carry.

    Attributes:
        id: its id in the document.
        rect: xyxy, pixels.
        last_frame: where its pass ends at the latest, in the direction of the request.
        target: the track's key box on ``last_frame``; the frames between are then filled from both ends.
    """

    id: int
    rect: Rect
    last_frame: int
    target: Rect | None = None


@dataclass(frozen=True, slots=True)
class Guidance:
    """A variant's predictions that guide the passes.

    Attributes:
        table: the predictions of all frames.
        min_score: predictions below it are not used.
        bias: the variant's usual difference from ground truth.
    """

    table: BoxTable
    min_score: float
    bias: Bias = field(default_factory=Bias)

    def detections(self, frame: int) -> Boxes:
        """The predictions of a frame as a person would draw them, (n, 4) xyxy."""
        rows = self.table.rows(frame)
        used = self.table.scores[rows] >= self.min_score
        return self.bias.correct(np.ascontiguousarray(self.table.boxes[:, rows][:, used].T))


@dataclass(frozen=True, slots=True)
class PropagationRequest:
    """What to carry, and where.

    Attributes:
        path: the video or the image folder.
        index_digest: of the index that numbers the frames in the document.
        frame: frame of the start boxes.
        starts: the boxes.
        step: 1 forwards, -1 backwards.
        guidance: predictions that guide the passes, or None to follow the picture alone.
    """

    path: Path
    index_digest: str
    frame: int
    starts: tuple[StartBox, ...]
    step: int = 1
    guidance: Guidance | None = None


@dataclass(frozen=True, slots=True)
class PropagatedBox:
    """A box that was carried to a frame.

    Attributes:
        disagrees: whether the passes from both ends disagree there, or the object is hardly seen.
    """

    frame: int
    rect: Rect
    disagrees: bool = False


@dataclass(frozen=True, slots=True)
class PropagationResult:
    """The boxes by the id of their start box, by distance from it, and why each pass ended where it did."""

    boxes: Mapping[int, tuple[PropagatedBox, ...]]
    reasons: Mapping[int, StopReason]


Report = Callable[[int, Mapping[int, Rect]], None]
"""Called with a frame and the boxes on it by the id of their start box, as one-way passes find them."""

WEAK_CONFIDENCE = 0.35


def find_bias(truth: BoxTable, labelled: Sequence[int], predictions: BoxTable, min_score: float) -> Bias:
    """A variant's usual difference from ground truth, from pairs on up to ``BIAS_FRAMES`` labelled frames."""
    frames = np.asarray(labelled)
    if len(frames) > BIAS_FRAMES:
        frames = frames[np.linspace(0, len(frames) - 1, BIAS_FRAMES).astype(int)]
    pairs_of_predictions, pairs_of_truth = [], []
    for frame in frames.tolist():
        boxes, found = truth.frame(frame).boxes, predictions.frame(frame)
        detections = found.boxes[:, found.scores >= min_score]
        if not boxes.shape[1] or not detections.shape[1]:
            continue
        overlaps = iou_matrix(boxes, detections)
        best = overlaps.argmax(1)
        rows = np.flatnonzero(overlaps[np.arange(len(best)), best] >= PAIRED_IOU)
        pairs_of_truth.append(boxes[:, rows].T)
        pairs_of_predictions.append(detections[:, best[rows]].T)
    if not pairs_of_truth:
        return Bias()
    return Bias.from_pairs(np.concatenate(pairs_of_predictions), np.concatenate(pairs_of_truth))


def propagate(
    request: PropagationRequest, report: Report = lambda _frame, _boxes: None, is_cancelled: Callable[[], bool] = bool
) -> PropagationResult:
    """Carry the boxes of a request. A cancelled request returns what was found.

    Raises:
        UserError: the video cannot be read, or its frames are no longer numbered as in the document.
    """
    reader = open_video(request.path, memory=READER_MEMORY)
    try:
        if reader.index_digest != request.index_digest:
            raise UserError(
                tr("the frame numbers of this file are not yet certain"),
                path=request.path,
                remedy=tr("Try again when the frame accuracy has been checked."),
            )
        between = tuple(start for start in request.starts if start.target is not None)
        one_way = tuple(start for start in request.starts if start.target is None)
        boxes: dict[int, tuple[PropagatedBox, ...]] = {}
        reasons: dict[int, StopReason] = {}
        for start in between:
            boxes[start.id], reasons[start.id] = _fill(reader, request, start, is_cancelled)
        if one_way:
            found, ended = _carry(reader, request, one_way, report, is_cancelled)
            boxes.update(found)
            reasons.update(ended)
        return PropagationResult(boxes, reasons)
    finally:
        reader.close()


def _fill(
    reader: VideoReader | ImageReader,
    request: PropagationRequest,
    start: StartBox,
    is_cancelled: Callable[[], bool],
) -> tuple[tuple[PropagatedBox, ...], StopReason]:
    """The boxes between a box and the next key box of its track; none if cancelled."""
    assert start.target is not None
    first, last = np.array(start.rect), np.array(start.target)
    frames = range(request.frame, start.last_frame + request.step, request.step)
    guidance = request.guidance
    detections = guidance.detections if guidance is not None else None
    filled = fill(reader.read, frames, first, last, detections, is_cancelled)
    if filled is None:
        return (), StopReason.CANCELLED
    rows = zip(frames[1:-1], filled.boxes.tolist(), filled.disagrees.tolist(), strict=True)
    found = tuple(PropagatedBox(frame, _rect(box), disagrees) for frame, box, disagrees in rows)
    return found, StopReason.NEXT_KEY


def _carry(
    reader: VideoReader | ImageReader,
    request: PropagationRequest,
    starts: Sequence[StartBox],
    report: Report,
    is_cancelled: Callable[[], bool],
) -> tuple[dict[int, tuple[PropagatedBox, ...]], dict[int, StopReason]]:
    """Carry several boxes over the same frames, each until its own end."""
    guidance, frame = request.guidance, request.frame
    image: Image = reader.read(frame)
    detections = guidance.detections(frame) if guidance is not None else None
    passes = {start.id: Pass(image, np.array(start.rect), detections) for start in starts}
    ends = {start.id: start.last_frame for start in starts}
    found: dict[int, list[PropagatedBox]] = {start.id: [] for start in starts}
    reasons: dict[int, StopReason] = {}
    cuts = SceneCutFinder()
    cuts.is_cut(image)
    while passes:
        if is_cancelled():
            reasons.update(dict.fromkeys(passes, StopReason.CANCELLED))
            break
        reached = [box_id for box_id in passes if frame == ends[box_id]]
        for box_id in reached:
            reasons[box_id] = StopReason.REACHED
            del passes[box_id]
        if not passes:
            break
        frame += request.step
        image = reader.read(frame)
        if cuts.is_cut(image):
            reasons.update(dict.fromkeys(passes, StopReason.SCENE_CUT))
            break
        detections = guidance.detections(frame) if guidance is not None else None
        current: dict[int, Rect] = {}
        for box_id, follower in list(passes.items()):
            carried = follower.step(image, detections)
            if carried is None:
                reasons[box_id] = follower.stopped or StopReason.LOST
                # A hidden object coasts a while before it counts as lost: those boxes are guesses and are dropped.
                hidden = follower.hidden_frames - (1 if reasons[box_id] is StopReason.LOST else 0)
                del found[box_id][len(found[box_id]) - hidden :]
                del passes[box_id]
                continue
            current[box_id] = _rect(carried.box.tolist())
            weak = carried.confidence < WEAK_CONFIDENCE
            found[box_id].append(PropagatedBox(frame, current[box_id], weak))
        if current:
            report(frame, current)
    smoothed = {start.id: _smoothed(request, start, found[start.id]) for start in starts}
    return smoothed, reasons


def _smoothed(
    request: PropagationRequest, start: StartBox, found: Sequence[PropagatedBox]
) -> tuple[PropagatedBox, ...]:
    """The boxes of a pass that has ended; without predictions, smoothing moves late boxes off more than it steadies."""
    if request.guidance is None:
        return tuple(found)
    frames = range(request.frame + request.step, request.frame + request.step * (len(found) + 1), request.step)
    boxes = np.array([box.rect for box in found]).reshape(-1, 4)
    smoothed = smooth_pass(np.array(start.rect), boxes, frames, request.guidance.detections).tolist()
    return tuple(replace(box, rect=_rect(rect)) for box, rect in zip(found, smoothed, strict=True))


def _rect(box: Sequence[float]) -> Rect:
    x1, y1, x2, y2 = box
    return x1, y1, x2, y2
