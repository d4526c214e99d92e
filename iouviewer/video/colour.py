"""From decoded pictures to arrays: for the model as OpenCV does it, for the screen as the stream wants to look."""

from __future__ import annotations

import os
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_HD_HEIGHT = 720
"""From this height on, streams that name no colour matrix are taken for BT.709, below for BT.601, as players do."""

_MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
"""FFmpeg's AVColorSpace to swscale's names."""


_ALONE = 4_000_000
"""Pixels up to which one thread converts a picture sooner than it can be shared out, and leaves a core to decoding."""


class Converter:
    """Converts decoded pictures and keeps the scaler's tables between calls. Belongs to one thread.

    ``alone``: nothing is decoded while a picture is converted, so all cores may share it.
    """

    def __init__(self, rotation: int = 0, *, alone: bool = False) -> None:
        from av.video.reformatter import VideoReformatter

        self.rotation = rotation
        self._few = (os.cpu_count() or 1) if alone else 1
        self._model = VideoReformatter()
        self._screen = VideoReformatter()
        self._reduce = VideoReformatter()

    def model_picture(self, frame: Any, coded_size: tuple[int, int]) -> Pixels:
        """(height, width, 3) uint8 B, G, R after rotation: the bytes OpenCV gives for this picture."""
        width, height = coded_size
        picture = self._model.reformat(
            frame, width=width, height=height, format="bgr24", interpolation="BICUBIC", threads=self._threads(frame)
        )
        return rotated(cast(Pixels, picture.to_ndarray()), self.rotation)

    def screen_picture(self, frame: Any, coded_size: tuple[int, int]) -> Pixels:
        """(height, width, 4) uint8 B, G, R, unused, contiguous, after rotation; ``coded_size`` is before it.

        Matrix, range and bit depth are the stream's; what it leaves open is taken as players take it.
        """
        width, height = coded_size
        matrix = _MATRICES.get(int(frame.colorspace)) or ("ITU709" if frame.height >= _HD_HEIGHT else "ITU601")
        full_range = int(frame.color_range) == 2 or frame.format.name.startswith(("yuvj", "rgb", "bgr", "gbr", "gray"))
        picture = self._screen.reformat(
            frame,
            width=width,
            height=height,
            format="bgra",
            src_colorspace=cast(Any, matrix),
            src_color_range="JPEG" if full_range else "MPEG",
            dst_color_range="JPEG",
            interpolation="BILINEAR",
            threads=self._threads(frame),
        )
        return rotated(cast(Pixels, picture.to_ndarray()), self.rotation)

    def _threads(self, frame: Any) -> int:
        return self._few if frame.width * frame.height <= _ALONE else 0

    def reduced(self, frame: Any, scale: float) -> Any:
        """The picture with its sides scaled, as planes: what stays in memory when full pictures do not fit."""
        width = max(2, int(frame.width * scale) // 2 * 2)
        height = max(2, int(frame.height * scale) // 2 * 2)
        return self._reduce.reformat(
            frame, width=width, height=height, interpolation="BILINEAR", threads=self._threads(frame)
        )


def rotated(picture: Pixels, degrees: int) -> Pixels:
    """The picture turned clockwise by a multiple of 90 degrees, contiguous."""
    if degrees == 0:
        return picture
    return np.ascontiguousarray(np.rot90(picture, k=-(degrees // 90)))


def frame_bytes(frame: Any) -> int:
    """Bytes that the planes of a decoded picture take."""
    return sum(plane.buffer_size for plane in frame.planes)
