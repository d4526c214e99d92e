"""Small made clips: a textured object on a textured background, with its true boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 320, 240
SIZE = (36, 60)
Place = Callable[[int], tuple[float, float]]


def weaving(frame: int) -> tuple[float, float]:
    """A course that is far from a straight line."""
    return 40 + 4.0 * frame, 90 + 35 * float(np.sin(frame / 6))


@dataclass(frozen=True)
class Clip:
    """Frames (BGR) and the object's true boxes, (F, 4)."""

    images: list[Image]
    boxes: NDArray[np.float64]

    def write(self, path: Path) -> Path:
        """The clip as a video."""
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (WIDTH, HEIGHT))
        assert writer.isOpened()
        for image in self.images:
            writer.write(image)
        writer.release()
        return path


def make_clip(frames: int, place: Place = weaving, *, cover: range = range(0), cut: int | None = None) -> Clip:
    """A clip of an object at ``place(frame)`` (its left top corner).

    Args:
        cover: frames on which something hides the object.
        cut: the frame from which on another scene is shown.
    """
    rng = np.random.default_rng(7)
    background = _texture(rng, HEIGHT, WIDTH, 60, 140)
    thing = _texture(rng, SIZE[1], SIZE[0], 20, 235)
    images, boxes = [], []
    for frame in range(frames):
        x, y = place(frame)
        shown = background.copy()
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        moved = cv2.warpAffine(thing, matrix, (WIDTH, HEIGHT))
        mask = cv2.warpAffine(np.full(SIZE[::-1], 255, np.uint8), matrix, (WIDTH, HEIGHT)) > 127
        shown[mask] = moved[mask]
        if frame in cover:
            left, top = round(x) - 20, max(0, round(y) - 20)
            shown[top : top + SIZE[1] + 40, max(0, left) : left + SIZE[0] + 40] = 100
        if cut is not None and frame >= cut:
            shown = np.full_like(shown, (200, 60, 20))
        images.append(shown)
        boxes.append((x, y, x + SIZE[0], y + SIZE[1]))
    return Clip(images, np.array(boxes))


def _texture(rng: np.random.Generator, height: int, width: int, low: int, high: int) -> Image:
    coarse = rng.integers(low, high, (height // 6 + 2, width // 6 + 2, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
