"""What a container and a decoder report about a video stream, as values that the index cache stores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

_STORED_NAMES = {"stream_duration": "picture_seconds", "dropped_frames": "left_out"}
"""Attributes that the index cache stores under another name."""


@dataclass(frozen=True)
class StreamInfo:
    """What the container reports about its video stream before anything is decoded.

    Attributes:
        size: (width, height) as coded, before rotation.
        frames: frame count announced by the container, 0 if it announces none.
        average_rate: frames per second, 0.0 if unknown.
        sample_aspect_ratio: width / height of a pixel.
        duration: seconds announced for the stream, or else for all streams of the file; None if unknown.
        stream_duration: seconds from the first frame to the end of the last that the container announces for this
            stream alone, to detect missing frames; None if it announces none.
        dropped_frames: frames in the file that an edit list hides and for which the demuxer returns no packet.
        reorder_depth: frames that the decoder must hold back to output them in display order, as found by probing.
        temporal_layers: HEVC temporal layers, which can be dropped one by one to lower the rate; 0 if unknown, and in
            other codecs.
    """

    size: tuple[int, int]
    codec: str
    container: str
    pixel_format: str
    time_base: Fraction
    frames: int
    average_rate: float
    sample_aspect_ratio: Fraction
    duration: float | None
    reorder_depth: int = 0
    temporal_layers: int = 0
    stream_duration: float | None = None
    dropped_frames: int = 0

    @property
    def bytes_per_frame(self) -> int:
        """Bytes of a decoded frame."""
        width, height = self.size
        name = self.pixel_format
        bytes_per_sample = 2 if any(depth in name for depth in ("p10", "p12", "p16")) else 1
        planes = 3.0 if "444" in name or name.startswith(("rgb", "bgr", "gbr")) else 2.0 if "422" in name else 1.5
        return max(1, int(width * height * planes * bytes_per_sample))

    def to_dict(self) -> dict[str, Any]:
        """The values for JSON, by the names of the index cache."""
        values = {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}
        return values | {"time_base": str(self.time_base), "sample_aspect_ratio": str(self.sample_aspect_ratio)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StreamInfo:
        """The inverse of ``to_dict``. Raises TypeError, KeyError or ValueError for anything else."""
        attributes = {stored: name for name, stored in _STORED_NAMES.items()}
        values = {attributes.get(name, name): value for name, value in values.items()}
        fractions = {name: Fraction(values[name]) for name in ("time_base", "sample_aspect_ratio")}
        width, height = values["size"]
        return cls(**values | fractions | {"size": (int(width), int(height))})


@dataclass(frozen=True)
class FormatChange:
    """A change of size or pixel format within a stream.

    Attributes:
        frame: the first frame in this format; 0 if even the first differs from the size announced by the file.
        size: (width, height) as coded, before rotation.
        pixel_format: FFmpeg's name.
    """

    frame: int
    size: tuple[int, int]
    pixel_format: str
