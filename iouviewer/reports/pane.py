"""A picture with a header line: what a pane of the overlay video is made of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.sources import FrameImage
from iouviewer.reports.image_tokens import CANVAS
from iouviewer.reports.picture import picture_scale
from iouviewer.resource_files import resource_path

HEADER = 26
"""Height of the header line in logical pixels."""
_TEXT_SIZE, _MARGIN, _SWATCH = 13, 8, 12


def header_height(image: FrameImage) -> int:
    """Pixels of the header of a picture."""
    return HEADER * picture_scale(image)


def with_header(image: FrameImage, names: Sequence[tuple[str, str]], text: str) -> FrameImage:
    """The picture ((height, width, 3) uint8, B, G, R) below a line with its variants and a text at the right.

    Args:
        names: name and colour (``#rrggbb``) of each variant; those that do not fit are left out, the last one cut.
    """
    scale, (rows, columns) = picture_scale(image), image.shape[:2]
    height = HEADER * scale
    header = np.empty((height, columns, 3), np.uint8)
    header[:] = _bgr(CANVAS.label_bg)
    right = columns - _draw_text(header, text, columns, scale, from_right=True) - 2 * _MARGIN * scale
    x = _MARGIN * scale
    for name, colour in names:
        side = _SWATCH * scale
        if x + side >= right:
            break
        top = (height - side) // 2
        header[top : top + side, x : x + side] = _bgr(colour)
        x += side + _MARGIN * scale // 2
        x += _draw_text(header[:, x:right], name, right - x, scale) + 2 * _MARGIN * scale
    return np.concatenate((header, image))[: rows + height]


def grid(panes: Sequence[FrameImage]) -> FrameImage:
    """Panes of equal size in rows, as square as possible; free places are dark."""
    columns = int(np.ceil(np.sqrt(len(panes))))
    height, width = panes[0].shape[:2]
    rows = -(-len(panes) // columns)
    whole = np.empty((rows * height, columns * width, 3), np.uint8)
    whole[:] = _bgr(CANVAS.label_bg)
    for place, pane in enumerate(panes):
        y, x = place // columns * height, place % columns * width
        whole[y : y + height, x : x + width] = pane
    return whole


def _draw_text(header: FrameImage, text: str, room: int, scale: int, *, from_right: bool = False) -> int:
    """Draw a text, vertically centred, cut at ``room`` pixels; returns its width."""
    mask = _text_mask(text, _TEXT_SIZE * scale)
    mask = mask[:, : max(0, room)]
    height, width = int(mask.shape[0]), int(mask.shape[1])
    if not width:
        return 0
    top = max(0, (header.shape[0] - height) // 2)
    left = header.shape[1] - width - _MARGIN * scale if from_right else 0
    left = max(0, left)
    mask = mask[: header.shape[0] - top, : header.shape[1] - left]
    part = header[top : top + mask.shape[0], left : left + mask.shape[1]]
    share = mask[..., None] / 255.0
    part[:] = np.round(part * (1 - share) + np.array(_bgr(CANVAS.label_text)) * share).astype(np.uint8)
    return width


@lru_cache(maxsize=4096)
def _text_mask(text: str, pixels: int) -> NDArray[np.uint8]:
    """The text as opacity, (height, width) uint8; empty for an empty text."""
    from matplotlib.ft2font import FT2Font

    if not text.strip():
        return np.zeros((1, 0), np.uint8)
    font = FT2Font(str(resource_path("fonts/Inter.ttf")))
    font.set_size(pixels, 72)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script that the font lacks is drawn as boxes
        font.set_text(text)
    font.draw_glyphs_to_bitmap(antialiased=True)
    return np.array(font.get_image(), np.uint8)


def _bgr(colour: str) -> tuple[int, int, int]:
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)
