"""CVAT's shapes that are no boxes, as the boxes around them."""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.document.boxes import Rect
from iouviewer.formats.json_safe import as_number
from iouviewer.formats.shapes import MASK, OTHER, POINTS, POLYGON, envelope, rotated_envelope
from iouviewer.formats.xml_safe import Element

CORNERS = ("xtl", "ytl", "xbr", "ybr")
KINDS = {"polygon": POLYGON, "polyline": POLYGON, "points": POINTS, "skeleton": POINTS, "mask": MASK}


def kind_of(shape: Element) -> str:
    """The kind of a shape (``formats.shapes``)."""
    return KINDS.get(shape.tag, OTHER)


def shape_envelope(shape: Element) -> Rect | None:
    """The box around a polygon, polyline, points, mask, ellipse or skeleton; None for others."""
    found = shape.attributes
    numbers = {name: as_number(found.get(name)) for name in ("left", "top", "width", "height", "cx", "cy", "rx", "ry")}
    left, top, width, height, cx, cy, rx, ry = numbers.values()
    if shape.tag == "mask" and left is not None and top is not None and width is not None and height is not None:
        return left, top, left + width, top + height
    if shape.tag == "ellipse" and cx is not None and cy is not None and rx is not None and ry is not None:
        return None if as_number(found.get("rotation")) else (cx - rx, cy - ry, cx + rx, cy + ry)
    texts = [found.get("points", ""), *(child.attributes.get("points", "") for child in shape.children)]
    pairs = [pair.split(",") for text in texts for pair in text.split(";") if pair]
    return envelope(pairs)


def rotated_corners(corners: Sequence[float], degrees: float) -> Rect:
    """The box around a rotated one, which turns about its centre."""
    x1, y1, x2, y2 = corners
    return rotated_envelope(x1, y1, x2 - x1, y2 - y1, degrees, about_corner=False)


def be_box(shape: Element, rect: Rect) -> None:
    """Give a shape the corners of the box around it, so that it is read as one."""
    shape.attributes = {**shape.attributes, **{name: repr(one) for name, one in zip(CORNERS, rect, strict=True)}}
    shape.attributes = {name: value for name, value in shape.attributes.items() if name != "rotation"}
