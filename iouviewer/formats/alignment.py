"""Which reading of predictions fits the ground truth: hypotheses about frame numbers and size, tested by IoU.

Nothing is applied here. The Open dialog offers what fits clearly better than the file as it is, and the command line
refuses such a file with both figures and the option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats.interface import Choice, ReadContext, command_option
from iouviewer.i18n import tr
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Float, Int

MAX_COMPARED_FRAMES = 200
"""Enough frames to distinguish shifts by one frame of motion, and few enough to be fast on long videos."""
MIN_COMPARED_FRAMES = 8
MAX_SHIFT = 5
MAX_STRIDE = 10
FRAME_RATES = (5.0, 10.0, 12.5, 15.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0)
MODEL_SIZES = ((320, 320), (416, 416), (512, 512), (640, 640), (800, 800), (960, 960), (1280, 1280), (640, 360))
VIDEO_SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
CLEARLY_BETTER = 0.2
"""Mean IoU that a reading must gain so that the file as it is can no longer be meant."""
BETTER = 0.05
"""Mean IoU that a reading must gain to be worth a note."""
FITS = 0.7
"""Mean IoU from which predictions fit as they are: a detector that is off by some pixels is not shifted in time."""
MAX_OUTSIDE = 0.02
"""Share of predictions that a step or rate may put after the last frame of the video."""
MIN_MEAN_IOU = 0.45


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to read predictions.

    Attributes:
        name: for people, for example ``shift −1``.
        choice: how the user makes it; ``shift`` in its changes is added to the frames after reading.
        frames: new (N,) int64 frames from the frames read.
        scale: factors of x and y.
        cost: simpler readings have lower costs and win among equals.
    """

    name: str
    choice: Choice
    frames: Callable[[Int], Int]
    scale: tuple[float, float] = (1.0, 1.0)
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Alignment:
    """A reading that fits the ground truth better than the file as it is.

    Attributes:
        mean: mean IoU of this reading.
        mean_as_is: mean IoU of the file as it is.
    """

    name: str
    choice: Choice
    mean: float
    mean_as_is: float

    @property
    def is_clear(self) -> bool:
        """Whether the file as it is can no longer be meant."""
        return self.mean - self.mean_as_is >= CLEARLY_BETTER

    @property
    def text(self) -> str:
        """``shift −1: mean IoU 0.81, as it is: 0.43``."""
        return tr(
            "{name}: mean IoU {mean:.2f}, as it is: {as_is:.2f}",
            name=self.name,
            mean=self.mean,
            as_is=self.mean_as_is,
        )


def find_alignment(
    truth_frames: Int, truth_boxes: Float, predictions: ImportedBoxes, context: ReadContext
) -> Alignment | None:
    """The reading that fits best, if it fits better than the predictions as they are; else None.

    The measure is the mean, over the ground-truth boxes on frames with predictions, of the highest IoU with a
    prediction on the frame. Classes are ignored.

    Args:
        truth_frames: (N,) int64. truth_boxes: (4, N) float64.
    """
    frames, boxes = predictions.frames, predictions.boxes
    if predictions.scores is not None and len(frames):
        # A low floor leaves boxes everywhere, which hides a shift.
        kept = predictions.scores >= min(0.25, float(np.median(predictions.scores)))
        frames, boxes = frames[kept], boxes[:, kept]
    if not len(frames) or not len(truth_frames):
        return None
    order = np.argsort(truth_frames, kind="stable")
    truth = truth_frames[order], truth_boxes[:, order]
    as_is = _mean_iou(truth, frames, boxes)
    if as_is is None or as_is >= FITS:
        return None
    best: tuple[float, Hypothesis] | None = None
    for hypothesis in _hypotheses(predictions, context):
        scale = np.array([*hypothesis.scale, *hypothesis.scale])[:, None]
        moved = hypothesis.frames(frames)
        if hypothesis.cost and context.frame_count is not None and np.mean(moved >= context.frame_count) > MAX_OUTSIDE:
            continue
        mean = _mean_iou(truth, moved, boxes * scale)
        # A later, less simple reading must be better by more than rounding.
        if mean is not None and (best is None or mean > best[0] + 0.01 * (hypothesis.cost - best[1].cost) + 1e-9):
            best = mean, hypothesis
    if best is None or best[0] < MIN_MEAN_IOU or best[0] - as_is < BETTER:
        return None
    return Alignment(best[1].name, best[1].choice, best[0], as_is)


def _hypotheses(predictions: ImportedBoxes, context: ReadContext) -> Iterator[Hypothesis]:
    """All readings, the simple ones first."""
    for shift in sorted(range(-MAX_SHIFT, MAX_SHIFT + 1), key=abs):
        if shift:
            name = tr("shift {shift:+d}", shift=shift).replace("-", "−")
            choice = Choice(name, command_option("--shift", shift), {"shift": shift})
            yield Hypothesis(name, choice, lambda frames, by=shift: frames + by)  # type: ignore[misc]
    for step in range(2, MAX_STRIDE + 1) if (context.stride or 1) == 1 else ():
        name = tr("frame step {step}", step=step)
        choice = Choice(name, command_option("--stride", step), {"stride": step})
        late = step - 1 if predictions.stride_applied else 0
        yield Hypothesis(name, choice, lambda frames, k=step, b=late: frames * k + b, cost=1)  # type: ignore[misc]
    for rate in FRAME_RATES if context.fps and context.file_fps is None else ():
        ratio = (context.fps or rate) / rate
        if 0.3 < ratio < 3 and abs(ratio - 1) > 1e-4:
            name = tr("frames counted at {fps:g} fps", fps=rate)
            choice = Choice(name, command_option("--file-fps", f"{rate:g}"), {"file_fps": rate})
            yield Hypothesis(
                name,
                choice,
                lambda frames, r=ratio: np.rint(frames * r).astype(np.int64),  # type: ignore[misc]
                cost=2,
            )
    yield from _scales(context)


def _scales(context: ReadContext) -> Iterator[Hypothesis]:
    """Boxes in the pixels of another frame size, where the frames have one size."""
    if context.size is None or context.image_sizes is not None or context.file_size is not None:
        return
    width, height = context.size
    shares = ((round(width * share), round(height * share)) for share in (0.25, 0.5, 2.0, 4.0))
    for size in dict.fromkeys((*shares, *VIDEO_SIZES, *MODEL_SIZES)):
        if size != context.size:
            name = tr("boxes of {width} × {height} frames", width=size[0], height=size[1])
            choice = Choice(name, command_option("--file-size", f"{size[0]}x{size[1]}"), {"file_size": size})
            yield Hypothesis(name, choice, lambda frames: frames, (width / size[0], height / size[1]), 1)


def _mean_iou(truth: tuple[Int, Float], frames: Int, boxes: Float) -> float | None:
    """Mean over the boxes of ``truth`` (sorted by frame) on frames with boxes; None if these frames are too few."""
    truth_frames, truth_boxes = truth
    shared = np.intersect1d(truth_frames, frames)
    if len(shared) < MIN_COMPARED_FRAMES or 2 * len(shared) < min(len(np.unique(frames)), len(np.unique(truth_frames))):
        return None
    if len(shared) > MAX_COMPARED_FRAMES:
        shared = shared[np.linspace(0, len(shared) - 1, MAX_COMPARED_FRAMES).round().astype(np.int64)]
    order = np.argsort(frames, kind="stable")
    sorted_frames, sorted_boxes = frames[order], boxes[:, order]
    truth_spans = np.searchsorted(truth_frames, [shared, shared + 1]).T.tolist()
    spans = np.searchsorted(sorted_frames, [shared, shared + 1]).T.tolist()
    total, count = 0.0, 0
    for (a0, a1), (b0, b1) in zip(truth_spans, spans, strict=True):
        count += a1 - a0
        total += float(iou_matrix(truth_boxes[:, a0:a1], sorted_boxes[:, b0:b1]).max(axis=1).sum())
    return total / count
