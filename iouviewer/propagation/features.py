"""Feature maps of a part of a frame: gradient orientations and colour on a grid of cells.

Gradients follow Dalal and Triggs (2005), nine unsigned orientations, without block normalisation: each cell is divided
by its own norm, which is enough for correlation filters.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A frame, (height, width, 3), BGR."""
Features = NDArray[np.float32]
"""(channels, rows, columns) of cells."""

CELL = 4
"""Width and height of a cell in pixels of the patch."""
ORIENTATIONS = 9
CHANNELS = ORIENTATIONS + 3
PATCH_AREA = 96 * 96
"""Pixels of a patch, about; its shape is that of the window."""
_MIN_CELLS = 8


@dataclass(frozen=True, slots=True)
class PatchShape:
    """Size of a patch in cells."""

    rows: int
    columns: int

    @classmethod
    def for_window(cls, width: float, height: float) -> PatchShape:
        """A patch of about ``PATCH_AREA`` pixels with the shape of a window of ``width`` x ``height`` pixels."""
        scale = float(np.sqrt(PATCH_AREA / max(width * height, 1.0))) / CELL
        return cls(max(_MIN_CELLS, round(height * scale)), max(_MIN_CELLS, round(width * scale)))

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the patch."""
        return self.columns * CELL, self.rows * CELL


def cut_patch(image: Image, centre: tuple[float, float], window: tuple[float, float], shape: PatchShape) -> Image:
    """The window around ``centre``, resampled to the patch; beyond the frame its edge is repeated.

    Args:
        centre: x, y in pixels of the frame, continuous (the middle of the first pixel is 0.5, 0.5).
        window: width and height in pixels of the frame.
    """
    width, height = shape.pixels
    scale_x, scale_y = window[0] / width, window[1] / height
    left, top = centre[0] - window[0] / 2, centre[1] - window[1] / 2
    factor = int(min(scale_x, scale_y))
    if factor >= 2:
        # Averaging first: linear sampling at this scale would skip pixels.
        rows, columns = image.shape[:2]
        x0, y0 = int(np.clip(left, 0, columns - 1)), int(np.clip(top, 0, rows - 1))
        x1 = int(np.clip(left + window[0] + 1, x0 + 1, columns))
        y1 = int(np.clip(top + window[1] + 1, y0 + 1, rows))
        part = image[y0:y1, x0:x1]
        size = (max(1, (x1 - x0) // factor), max(1, (y1 - y0) // factor))
        ratio_x, ratio_y = (x1 - x0) / size[0], (y1 - y0) / size[1]
        image = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        left, top = (left - x0) / ratio_x, (top - y0) / ratio_y
        scale_x, scale_y = scale_x / ratio_x, scale_y / ratio_y
    # The middle of patch pixel i lies at left + (i + 0.5) * scale; OpenCV counts from the middle of the first pixel.
    matrix = np.array(
        [[scale_x, 0, left + 0.5 * scale_x - 0.5], [0, scale_y, top + 0.5 * scale_y - 0.5]], dtype=np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(patch, np.uint8)


def find_features(patch: Image, shape: PatchShape) -> Features:
    """Features of a patch, float32 (``CHANNELS``, rows, columns)."""
    lab = cv2.cvtColor(patch, cv2.COLOR_BGR2LAB)
    light = lab[:, :, 0]
    gx = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=1)
    gy = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=1)
    magnitude, angle = cv2.cartToPolar(gx, gy)
    position = np.mod(angle * np.float32(ORIENTATIONS / np.pi), ORIENTATIONS)
    lower = np.minimum(position.astype(np.int32), ORIENTATIONS - 1)
    share = position - lower
    cells = _cell_numbers(shape)
    count = shape.rows * shape.columns * ORIENTATIONS
    first = cells * ORIENTATIONS + lower
    second = cells * ORIENTATIONS + (lower + 1) % ORIENTATIONS
    votes = np.bincount(first.ravel(), (magnitude * (1 - share)).ravel(), count)
    votes += np.bincount(second.ravel(), (magnitude * share).ravel(), count)
    votes = votes.reshape(shape.rows, shape.columns, ORIENTATIONS)
    norm = np.sqrt((votes * votes).sum(2, keepdims=True)) + 20.0
    features = np.empty((CHANNELS, shape.rows, shape.columns), np.float32)
    features[:ORIENTATIONS] = (votes / norm).transpose(2, 0, 1)
    colours = cv2.resize(lab, (shape.columns, shape.rows), interpolation=cv2.INTER_AREA)
    features[ORIENTATIONS:] = (colours.astype(np.float32) / 255 - np.float32(0.5)).transpose(2, 0, 1)
    return features


_CELL_NUMBERS: dict[PatchShape, NDArray[np.int32]] = {}


def _cell_numbers(shape: PatchShape) -> NDArray[np.int32]:
    """The number of its cell for each pixel of a patch."""
    known = _CELL_NUMBERS.get(shape)
    if known is None:
        width, height = shape.pixels
        rows, columns = np.arange(height) // CELL, np.arange(width) // CELL
        known = (rows[:, None] * shape.columns + columns[None, :]).astype(np.int32)
        _CELL_NUMBERS[shape] = known
    return known
