"""One frame with its boxes as a picture: the one rule for the exported frame, the overlay video and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.sources import FrameImage
from iouviewer.i18n import tr
from iouviewer.metrics.review import PairState, ReviewSettings, review_frame
from iouviewer.metrics.table import BoxTable
from iouviewer.reports.box_look import prediction_look, truth_look
from iouviewer.reports.image_tokens import OPACITY
from iouviewer.reports.picture import PictureBox, draw_boxes, png_bytes, svg_bytes


@dataclass(frozen=True)
class VariantOverlay:
    """One variant on one frame: its predictions as a table of one frame, and its colour (``#rrggbb``)."""

    colour: str
    predictions: BoxTable = field(repr=False)


def frame_image(
    image: FrameImage,
    truth: BoxTable,
    variants: Sequence[VariantOverlay],
    settings: ReviewSettings,
    *,
    boxes: Sequence[Box] | None = None,
    as_svg: bool = False,
) -> bytes:
    """The frame as PNG with ground truth, predictions at or above the confidence threshold, and the IoU at each pair.

    Args:
        image: (height, width, 3) uint8, B, G, R.
        truth: table of this one frame.
        boxes: all boxes of the frame, with those that take no part; None: those of the table.
        as_svg: as SVG instead, with lines and text.
    """
    drawn = picture_boxes(truth, variants, settings, boxes)
    return svg_bytes(image, drawn) if as_svg else png_bytes(draw_boxes(image, drawn))


def picture_boxes(
    truth: BoxTable, variants: Sequence[VariantOverlay], settings: ReviewSettings, boxes: Sequence[Box] | None = None
) -> list[PictureBox]:
    """The boxes of ``frame_image`` with their looks, in the order of drawing."""
    if boxes is None:
        flags = [int(BoxFlag.IGNORED) if ignored else 0 for ignored in truth.ignored.tolist()]
        truths = [(_rect(truth, row), flags[row]) for row in range(len(truth))]
    else:
        truths = [(box.rect, int(box.flags)) for box in boxes]
    drawn: list[PictureBox] = []
    for variant in variants:
        review = review_frame(truth, variant.predictions, settings)
        for pair in review.pairs:
            if pair.pred_row < 0 or pair.state == PairState.BELOW_CONFIDENCE:
                continue
            paired = pair.state in {PairState.TRUE_POSITIVE, PairState.LOOSE}
            label = tr("IoU {iou:.2f}", iou=pair.iou) if paired else ""
            look = prediction_look(variant.colour, is_counted=pair.state != PairState.IGNORED)
            opacity = OPACITY["matched"] if paired else 1.0
            drawn.append(PictureBox(_rect(variant.predictions, pair.pred_row), look, opacity, label))
    # Ground truth lies above predictions, as on the canvas.
    drawn += (PictureBox(rect, truth_look(flag)) for rect, flag in truths)
    return drawn


def _rect(table: BoxTable, row: int) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = table.boxes[:, row].tolist()
    return x1, y1, x2, y2
