"""The overlay video: frames with ground truth, predictions and their IoU, as one picture or a pane for each variant.

Boxes are drawn by the rule of the exported frame (``frame_pictures.picture_boxes``). One function for the window and
the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import FrameImage
from iouviewer.document.variants import default_look
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.data_set import is_data_yaml, listed_images, open_reader
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.frame_pictures import VariantOverlay, picture_boxes
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.metrics.review import ReviewSettings, review_frame
from iouviewer.metrics.table import BoxTable, Int
from iouviewer.reports.pane import grid, with_header
from iouviewer.reports.picture import draw_boxes

MAX_WIDTH = 3840
"""Pixels beyond which the whole picture is scaled down."""


@dataclass(frozen=True, slots=True)
class OverlayVariant:
    """A variant as it is drawn; ``colour`` is ``#rrggbb``."""

    name: str
    colour: str
    predictions: PredictionSet


@dataclass(frozen=True)
class OverlayRequest:
    """What is drawn.

    Attributes:
        video: a video, a folder of images, or a ``data.yaml``, of which ``split`` gives the images.
        truth: ground truth of all frames.
        frames: (n,) int64, drawn one after the other.
        apart: a pane for each variant; else all on one picture.
        rate: pictures per second; 0: 10.
    """

    video: Path
    truth: BoxTable
    variants: Sequence[OverlayVariant]
    settings: ReviewSettings
    frames: Int
    apart: bool = False
    rate: float = 0.0
    split: str = "val"


def overlay_request(
    inputs: EvalInputs, settings: ReviewSettings, frames: Int, *, apart: bool, colours: Sequence[str] = ()
) -> OverlayRequest:
    """The request for the inputs of an evaluation.

    Args:
        colours: of the variants; empty: those that they have in a new window.

    Raises:
        UserError: there is no video.
    """
    source = inputs.source
    if not source.path or not Path(source.path).exists():
        raise UserError(
            tr("the video is missing, so there is nothing to draw on"),
            path=source.path or None,
            remedy=tr("Give the video, or open the project where it is."),
        )
    looks = list(colours) or [default_look(place)[0] for place in range(len(inputs.variants))]
    variants = [
        OverlayVariant(one.name, colour, one.predictions) for one, colour in zip(inputs.variants, looks, strict=True)
    ]
    return OverlayRequest(Path(source.path), inputs.truth.table, variants, settings, frames, apart, source.fps)


def render_overlay(
    request: OverlayRequest,
    path: Path,
    progress: ProgressCallback = no_progress,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> bool:
    """Write the video; False where it was cancelled, and nothing remains.

    Raises:
        UserError: no frames, a frame that cannot be decoded, a full disk.
    """
    from iouviewer.video.writer import VideoFileWriter

    if not len(request.frames):
        raise UserError(tr("there are no frames to draw"))
    images = listed_images(request.video, request.split) if is_data_yaml(request.video) else ()
    reader = open_reader(request.video, images)
    try:
        last = min(reader.frame_count, request.truth.frame_count) - 1
        if request.frames.min() < 0 or request.frames.max() > last:
            raise UserError(tr("the frames must be in 0–{last:,}", last=last), path=request.video)
        first = overlay_picture(request, reader.read(int(request.frames[0])), int(request.frames[0]))
        size = _limited((first.shape[1], first.shape[0]))
        writer = VideoFileWriter(path, size, request.rate)
        try:
            with writer:
                for done, frame in enumerate(request.frames.tolist()):
                    progress(done, len(request.frames), tr("frame {frame:,}", frame=frame))
                    if cancelled():
                        raise InterruptedError
                    picture = first if done == 0 else overlay_picture(request, reader.read(frame), frame)
                    writer.add(_resized(picture, size))
        except InterruptedError:
            return False
    finally:
        reader.close()
    progress(len(request.frames), len(request.frames))
    return True


def overlay_picture(
    request: OverlayRequest, image: FrameImage, frame: int, *, only: OverlayVariant | None = None
) -> FrameImage:
    """The whole picture of one frame; with ``only``, one variant on the frame without a header."""
    truth = request.truth.frame(frame)
    if only is not None:
        overlay = VariantOverlay(only.colour, only.predictions.table.frame(frame))
        return draw_boxes(image, picture_boxes(truth, [overlay], request.settings))
    groups = [[one] for one in request.variants] if request.apart else [list(request.variants)]
    panes = []
    for group in groups:
        overlays = [VariantOverlay(one.colour, one.predictions.table.frame(frame)) for one in group]
        drawn = draw_boxes(image, picture_boxes(truth, overlays, request.settings))
        names = [(_titled(one, truth, frame, request.settings), one.colour) for one in group]
        panes.append(with_header(drawn, names, f"{frame:,}"))
    return panes[0] if len(panes) == 1 else grid(panes)


def _titled(variant: OverlayVariant, truth: BoxTable, frame: int, settings: ReviewSettings) -> str:
    """The name of a variant, and its frame IoU where it is defined."""
    counts = review_frame(truth, variant.predictions.table.frame(frame), settings).counts
    if not counts.gt_count or not variant.predictions.covered[frame]:
        return variant.name
    return tr("{variant}  IoU {iou:.2f}", variant=variant.name, iou=counts.iou_sum / counts.gt_count)


def _limited(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    if width <= MAX_WIDTH:
        return size
    return MAX_WIDTH, round(height * MAX_WIDTH / width)


def _resized(picture: FrameImage, size: tuple[int, int]) -> FrameImage:
    """The picture in the size of the video; images of a set that differ in size are fitted into it."""
    import cv2

    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    share = min(size[0] / width, size[1] / height)
    fitted = cv2.resize(
        picture, (max(1, round(width * share)), max(1, round(height * share))), interpolation=cv2.INTER_AREA
    )
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    whole[: fitted.shape[0], : fitted.shape[1]] = fitted
    return whole
