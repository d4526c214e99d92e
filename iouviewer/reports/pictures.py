"""Pictures inside the HTML report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.reports.html_template import pictures_block

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class ReportPicture:
    """One picture with its caption, below the headings of its variant and its kind."""

    variant: str
    kind: str
    caption: str
    jpeg: bytes = field(repr=False)


def jpeg_bytes(picture: FrameImage, *, width: int | None = None) -> bytes:
    """A picture ((height, width, 3) uint8, B, G, R) as JPEG, at most ``width`` pixels wide."""
    import cv2

    if width is not None and picture.shape[1] > width:
        height = round(picture.shape[0] * width / picture.shape[1])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    is_encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not is_encoded:
        raise UserError(tr("the picture cannot be written as JPEG"))
    return bytes(data.tobytes())


def pictures_html(pictures: Sequence[ReportPicture]) -> str:
    """The pictures by variant and kind, as HTML."""
    parts = []
    for (variant, kind), group in groupby(pictures, lambda one: (one.variant, one.kind)):
        figures = [(escape(one.caption), base64.b64encode(one.jpeg).decode("ascii")) for one in group]
        heading = tr("{variant}: {kind}", variant=variant, kind=kind)
        parts.append(pictures_block(escape(heading, quote=False), figures))
    return "".join(parts)
