"""Writes pictures as a video file: H.264 in MP4 where the encoder is there, else MPEG-4."""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np

from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr

_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "20", "preset": "veryfast"}),
    ("libopenh264", {"b": "8M"}),
    ("mpeg4", {"qscale": "3", "flags": "+qscale"}),
)
"""Encoders by preference, with their options; the last one is in every build."""
SUFFIX = ".mp4"
_DEFAULT_RATE = Fraction(10)


def find_encoder() -> tuple[str, dict[str, str]]:
    """The best encoder of this build and its options."""
    for name, options in _ENCODERS:
        if name in av.codecs_available:
            return name, options
    raise UserError(tr("this build of PyAV has no video encoder"), remedy=tr("Install it with: pip install -U av"))


class VideoFileWriter:
    """A video that becomes ``path`` when the block ends without an error; else nothing remains.

    Args:
        size: (width, height) in pixels; odd sides get one more column or row, as the codecs need even ones.
        rate: pictures per second; 0: 10.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        self._path, self._size = path, size
        self._rate = Fraction(rate).limit_denominator(100_000) if rate > 0 else _DEFAULT_RATE

    def __enter__(self) -> Self:
        name, options = find_encoder()
        try:
            descriptor, temporary = tempfile.mkstemp(
                prefix=f".{self._path.stem[:40]}.", suffix=f".part{SUFFIX}", dir=self._path.absolute().parent
            )
        except OSError as error:
            raise self._error(error) from error
        os.close(descriptor)
        self._temporary = Path(temporary)
        self._container: Any = av.open(temporary, "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: Any = self._container.add_stream(name, rate=self._rate)
        width, height = self._size
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = options
        return self

    def add(self, image: FrameImage) -> None:
        """Append a picture, (height, width, 3) uint8, B, G, R. UserError: the disk is full."""
        height, width = image.shape[:2]
        if (width, height) != self._size:
            raise ValueError(f"a picture of {width} x {height} in a video of {self._size}")
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise self._error(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if kind is None:
                if os.name == "posix":
                    umask = os.umask(0o022)
                    os.umask(umask)
                    self._temporary.chmod(0o666 & ~umask)
                self._temporary.replace(self._path)
        except OSError as error:
            if kind is None:
                raise self._error(error) from error
        finally:
            self._temporary.unlink(missing_ok=True)

    def _error(self, error: OSError) -> UserError:
        return UserError(
            tr("could not be written: {reason}", reason=error.strerror or error),
            path=self._path,
            remedy=tr("Existing content is unchanged. Free some space or choose another folder."),
        )
