"""A frame with its boxes drawn on it, as PNG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr

GROUND_TRUTH_COLOUR = "#3d7edb"
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class PictureBox:
    """A box to draw.

    Attributes:
        colour: ``#rrggbb``.
        caption: ASCII; may be empty.
    """

    rect: Rect
    colour: str
    caption: str = ""


def _bgr(colour: str) -> tuple[int, int, int]:
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


def _draw_caption(picture: FrameImage, box: PictureBox, scale: float) -> None:
    import cv2

    (width, height), descent = cv2.getTextSize(box.caption, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    rows, columns = picture.shape[:2]
    x = int(min(max(0.0, box.rect[0]), max(0, columns - width - 4)))
    bottom = int(min(max(box.rect[1], height + descent + 4), rows))
    cv2.rectangle(picture, (x, bottom - height - descent - 4), (x + width + 4, bottom), _bgr(box.colour), -1)
    origin = (x + 2, bottom - descent - 2)
    cv2.putText(picture, box.caption, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)


def draw_boxes(picture: FrameImage, boxes: Iterable[PictureBox]) -> FrameImage:
    """A copy of the frame ((height, width, 3) uint8, B, G, R) with the boxes drawn to a sixteenth of a pixel."""
    import cv2

    drawn = np.ascontiguousarray(picture).copy()
    listed = list(boxes)
    thickness = max(1, round(picture.shape[0] / 540))
    far = float(4 * max(picture.shape[:2]))  # OpenCV's fixed-point coordinates overflow far outside the frame
    for box in listed:
        # The centre of a pixel is at +0.5 in our coordinates and at 0 in OpenCV's.
        x1, y1, x2, y2 = (round((min(max(v, -far), far) - 0.5) * (1 << _SUBPIXEL_BITS)) for v in box.rect)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), _bgr(box.colour), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
    for box in listed:
        if box.caption:
            _draw_caption(drawn, box, 0.45 * thickness)
    return drawn


def png_bytes(picture: FrameImage) -> bytes:
    """The frame as PNG."""
    import cv2

    is_encoded, data = cv2.imencode(".png", picture)
    if not is_encoded:
        raise UserError(tr("the frame cannot be written as PNG"))
    return data.tobytes()
