"""A frame with its boxes drawn on it as on the canvas, as PNG or SVG."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool
from iouviewer.reports.box_look import BoxLook
from iouviewer.reports.image_tokens import CANVAS, LINES

_LINE_HEIGHT = 540
"""Height of a frame up to which a logical pixel is one pixel; lines of larger frames are thicker."""
_SVG = "http://www.w3.org/2000/svg"
_HATCH_STEP = 8
_HATCH_OPACITY = 0.6


@dataclass(frozen=True, slots=True)
class PictureBox:
    """A box to draw.

    Attributes:
        opacity: of its line, 0 to 1.
        caption: ASCII; may be empty.
    """

    rect: Rect
    look: BoxLook
    opacity: float = 1.0
    caption: str = ""


class _Span(NamedTuple):
    """A rectangle of whole pixels; right and bottom are not part of it."""

    left: int
    top: int
    right: int
    bottom: int


def _rgba(colour: str) -> tuple[tuple[int, int, int], float]:
    """B, G, R and the opacity of ``#rrggbb`` or ``#rrggbbaa``."""
    alpha = int(colour[7:9], 16) / 255 if len(colour) > 7 else 1.0
    return (int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)), alpha


def picture_scale(picture: FrameImage) -> int:
    """Pixels of a logical pixel."""
    return max(1, round(int(picture.shape[0]) / _LINE_HEIGHT))


def _line_pixels(width: float, scale: int) -> int:
    return max(1, round(width * scale + 1e-9))


def _fill(picture: FrameImage, span: _Span, colour: str, opacity: float = 1.0) -> None:
    height, width = picture.shape[:2]
    x1, x2 = max(0, span.left), min(width, span.right)
    y1, y2 = max(0, span.top), min(height, span.bottom)
    if x1 >= x2 or y1 >= y2:
        return
    bgr, alpha = _rgba(colour)
    part, alpha = picture[y1:y2, x1:x2], alpha * opacity
    picture[y1:y2, x1:x2] = np.round(part * (1 - alpha) + np.array(bgr) * alpha).astype(np.uint8)


def _sides(span: _Span, outside: int, inside: int) -> tuple[_Span, _Span, _Span, _Span]:
    """The lines of a rectangle, each from corner to corner, none twice."""
    x1, y1, x2, y2 = span
    left, top, right, bottom = x1 - outside, y1 - outside, x2 + outside, y2 + outside
    width = outside + inside
    return (
        _Span(left, top, right, top + width),
        _Span(left, bottom - width, right, bottom),
        _Span(left, top + width, left + width, bottom - width),
        _Span(right - width, top + width, right, bottom - width),
    )


def _dashes(side: _Span, dash: tuple[float, ...], scale: int) -> Iterator[_Span]:
    """The drawn parts of a side; solid without a pattern."""
    if not dash:
        yield side
        return
    is_level = side.right - side.left >= side.bottom - side.top
    at, end = (side.left, side.right) if is_level else (side.top, side.bottom)
    position, place = float(at), 0
    # A frame has a few thousand pixels, a box far outside of it may have more.
    while position < end and position < at + 100_000:
        length = max(1.0, dash[place % len(dash)] * scale)
        if place % 2 == 0:
            first, last = round(position), min(end, round(position + length))
            parts = (first, side.top, last, side.bottom) if is_level else (side.left, first, side.right, last)
            yield _Span(*parts)
        position, place = position + length, place + 1


def _span_of(rect: Rect, picture: FrameImage) -> _Span:
    far = 4 * max(picture.shape[:2])
    x1, y1, x2, y2 = (round(min(max(value, -far), far)) for value in rect)
    return _Span(x1, y1, x2, y2)


def _draw_hatching(picture: FrameImage, span: _Span, scale: int) -> None:
    height, width = picture.shape[:2]
    x1, x2, y1, y2 = max(0, span.left), min(width, span.right), max(0, span.top), min(height, span.bottom)
    if x1 >= x2 or y1 >= y2:
        return
    rows, columns = np.mgrid[y1:y2, x1:x2]
    lines: Bool = (rows + columns) % (_HATCH_STEP * scale) < scale
    bgr, _ = _rgba(CANVAS.ignored)
    part = picture[y1:y2, x1:x2]
    part[lines] = np.round(part[lines] * (1 - _HATCH_OPACITY) + np.array(bgr) * _HATCH_OPACITY).astype(np.uint8)


def _draw_caption(picture: FrameImage, box: PictureBox, scale: int) -> None:
    import cv2

    size = 0.45 * scale
    (width, height), descent = cv2.getTextSize(box.caption, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    rows, columns = picture.shape[:2]
    x = int(min(max(0.0, box.rect[0]), max(0, columns - width - 4)))
    bottom = int(min(max(box.rect[1], height + descent + 4), rows))
    _fill(picture, _Span(x, bottom - height - descent - 4, x + width + 4, bottom), CANVAS.label_bg)
    origin = (x + 2, bottom - descent - 2)
    colour, _ = _rgba(CANVAS.label_text)
    cv2.putText(picture, box.caption, origin, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def draw_boxes(picture: FrameImage, boxes: Iterable[PictureBox]) -> FrameImage:
    """A copy of the frame ((height, width, 3) uint8, B, G, R) with the boxes drawn to the pixel, as the canvas does."""
    drawn = np.ascontiguousarray(picture).copy()
    listed, scale = list(boxes), picture_scale(picture)
    halo = _line_pixels(LINES["halo"].width, scale)
    for box in listed:
        span, pixels = _span_of(box.rect, picture), _line_pixels(box.look.width, scale)
        outside, inside = pixels - pixels // 2, pixels // 2
        for side in _sides(span, outside + halo, inside + halo):
            _fill(drawn, side, CANVAS.halo, box.opacity)
    for box in listed:
        span, pixels = _span_of(box.rect, picture), _line_pixels(box.look.width, scale)
        for side in _sides(span, pixels - pixels // 2, pixels // 2):
            for part in _dashes(side, box.look.dash, scale):
                _fill(drawn, part, box.look.colour, box.opacity)
        if box.look.is_hatched:
            _draw_hatching(drawn, span, scale)
    for box in listed:
        if box.caption:
            _draw_caption(drawn, box, scale)
    return drawn


def png_bytes(picture: FrameImage) -> bytes:
    """The frame as PNG."""
    import cv2

    is_encoded, data = cv2.imencode(".png", picture)
    if not is_encoded:
        raise UserError(tr("the frame cannot be written as PNG"))
    return data.tobytes()


def svg_bytes(picture: FrameImage, boxes: Iterable[PictureBox]) -> bytes:
    """The frame as SVG: the image is embedded, boxes and captions stay lines and text."""
    height, width = picture.shape[:2]
    listed, scale = list(boxes), picture_scale(picture)
    size = {"width": f"{width}", "height": f"{height}"}
    root = ET.Element("svg", {"xmlns": _SVG, **size, "viewBox": f"0 0 {width} {height}"})
    data = base64.b64encode(png_bytes(picture)).decode("ascii")
    ET.SubElement(root, "image", {**size, "href": f"data:image/png;base64,{data}"})
    halo_width, halo_alpha = LINES["halo"].width, _rgba(CANVAS.halo)[1]
    for box in listed:
        width_with_halo = (box.look.width + 2 * halo_width) * scale
        _add_rect(root, box, CANVAS.halo[:7], width_with_halo, halo_alpha * box.opacity)
    for box in listed:
        dash = tuple(part * scale for part in box.look.dash)
        _add_rect(root, box, box.look.colour, box.look.width * scale, box.opacity, dash)
    for box in listed:
        if box.caption:
            _add_caption(root, box, scale)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add_rect(
    root: ET.Element, box: PictureBox, colour: str, width: float, opacity: float, dash: tuple[float, ...] = ()
) -> None:
    x1, y1, x2, y2 = box.rect
    values = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "stroke-width": width, "stroke-opacity": opacity}
    rect = ET.SubElement(root, "rect", {name: f"{value:g}" for name, value in values.items()})
    rect.set("fill", "none")
    rect.set("stroke", colour)
    if dash:
        rect.set("stroke-dasharray", " ".join(f"{part:g}" for part in dash))


def _add_caption(root: ET.Element, box: PictureBox, scale: int) -> None:
    x, y = max(0.0, box.rect[0]), max(14.0 * scale, box.rect[1] - 4 * scale)
    text = ET.SubElement(root, "text", {"x": f"{x:g}", "y": f"{y:g}", "font-family": "sans-serif"})
    text.set("font-size", f"{11 * scale}")
    text.set("fill", CANVAS.label_text)
    text.set("stroke", CANVAS.label_bg[:7])
    text.set("stroke-width", f"{3 * scale}")
    text.set("paint-order", "stroke")
    text.text = box.caption
