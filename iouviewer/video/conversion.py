"""Converts decoded frames to pixels: BGR for models (as OpenCV does), BGRA for the screen, JPEG for caches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

PROXY_LONG_SIDE = 960
"""Longer side of frames in the proxy and of cached keyframes, pixels."""

_JPEG_QUALITY = 85
"""Takes a twentieth of the uncompressed bytes and 3 ms to decode at 960 x 540."""

_HD_HEIGHT = 720
"""Streams without a colour matrix count as BT.709 from this height and as BT.601 below it, as in players."""

_MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
"""FFmpeg's AVColorSpace -> swscale's name."""

_SINGLE_THREAD_PIXELS = 4_000_000
"""Up to this size, one thread converts a frame faster than several do and leaves the other cores free for decoding."""


@dataclass(frozen=True, slots=True)
class DisplayFrame:
    """A frame ready to draw.

    Attributes:
        frame: number of the frame shown in ``pixels``.
        pixels: (h, w, 4) uint8, B, G, R, unused, contiguous: QImage.Format_RGB32 can wrap it.
        exact: whether this is the requested frame and known to be decoded correctly.
        scale: w / the video's width after rotation.
        damaged: whether the file is damaged here, so the frame shows only what could be decoded.
        interlaced: whether the frame combines two fields from different moments.
        checksum: ``checksum.frame_checksum`` of the whole decoded frame, if requested.
    """

    frame: int
    pixels: Pixels
    exact: bool
    scale: float
    damaged: bool = False
    interlaced: bool = False
    checksum: int | None = None


class Converter:
    """Converts decoded frames and keeps the scaler's tables between calls. Owned by one thread.

    Args:
        rotation: degrees clockwise.
        use_all_cores: let all cores share a conversion; for callers that decode nothing meanwhile.
    """

    def __init__(self, rotation: int = 0, *, use_all_cores: bool = False) -> None:
        from av.video.reformatter import VideoReformatter

        self.rotation = rotation
        self._small_frame_threads = (os.cpu_count() or 1) if use_all_cores else 1
        self._model = VideoReformatter()
        self._screen = VideoReformatter()
        self._reduce = VideoReformatter()

    def to_bgr(self, frame: Any, coded_size: tuple[int, int]) -> Pixels:
        """(height, width, 3) uint8 B, G, R after rotation: the same bytes as OpenCV returns for this frame."""
        width, height = coded_size
        converted = self._model.reformat(
            frame, width=width, height=height, format="bgr24", interpolation="BICUBIC", threads=self._threads(frame)
        )
        return rotate(cast(Pixels, converted.to_ndarray()), self.rotation)

    def to_bgra(self, frame: Any, coded_size: tuple[int, int]) -> Pixels:
        """(height, width, 4) uint8 B, G, R, unused, contiguous, after rotation; ``coded_size`` is before it.

        Matrix, range and bit depth are the stream's; what it leaves unspecified is handled as in players.
        """
        width, height = coded_size
        matrix = _MATRICES.get(int(frame.colorspace)) or ("ITU709" if frame.height >= _HD_HEIGHT else "ITU601")
        full_range = int(frame.color_range) == 2 or frame.format.name.startswith(("yuvj", "rgb", "bgr", "gbr", "gray"))
        converted = self._screen.reformat(
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
        return rotate(cast(Pixels, converted.to_ndarray()), self.rotation)

    def _threads(self, frame: Any) -> int:
        return self._small_frame_threads if frame.width * frame.height <= _SINGLE_THREAD_PIXELS else 0

    def downscale(self, frame: Any, scale: float) -> Any:
        """The frame with its sides scaled, as planes: what the frame cache keeps if full-size frames do not fit."""
        width = max(2, int(frame.width * scale) // 2 * 2)
        height = max(2, int(frame.height * scale) // 2 * 2)
        return self._reduce.reformat(
            frame, width=width, height=height, interpolation="BILINEAR", threads=self._threads(frame)
        )


def rotate(pixels: Pixels, degrees: int) -> Pixels:
    """The image rotated clockwise by a multiple of 90 degrees, contiguous."""
    if degrees == 0:
        return pixels
    return np.ascontiguousarray(np.rot90(pixels, k=-(degrees // 90)))


def frame_bytes(frame: Any) -> int:
    """Bytes of the planes of a decoded frame."""
    return sum(plane.buffer_size for plane in frame.planes)


def encode_jpeg(pixels: Pixels) -> bytes | None:
    """(h, w, 4) uint8 B, G, R, unused as JPEG; None if it cannot be encoded."""
    import cv2

    bgr = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes() if done else None


def decode_jpeg(data: bytes) -> Pixels | None:
    """(h, w, 4) uint8 B, G, R, unused from ``encode_jpeg``; None if the bytes are not a JPEG image."""
    import cv2

    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else cast(Pixels, cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA))
