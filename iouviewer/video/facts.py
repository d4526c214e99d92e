"""What a container and a decoder say of a video stream, as values that can be kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class StreamFacts:
    """What the container says of its video stream before anything is decoded.

    Attributes:
        size: (width, height) as coded, before rotation.
        frames: the container's count of pictures, 0 where it tells none.
        average_rate: pictures a second, 0.0 unknown.
        sample_aspect_ratio: width / height of a pixel.
        duration: seconds that the container tells of the stream, or else of all its streams; None unknown.
        picture_seconds: seconds from the first picture to the end of the last that the container announces for this
            stream alone, so that what is missing can be told; None where it tells none.
        left_out: pictures in the file that an edit list hides and of which the container gives no packet.
        reorder_depth: pictures that the decoder is to hold back to put them in order, as probing found.
        temporal_layers: of HEVC, how many may be dropped one by one to lower the rate; 0 unknown, and in other codecs.
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
    picture_seconds: float | None = None
    left_out: int = 0

    @property
    def picture_bytes(self) -> int:
        """Bytes of a decoded picture."""
        width, height = self.size
        name = self.pixel_format
        deep = 2 if any(depth in name for depth in ("p10", "p12", "p16")) else 1
        planes = 3.0 if "444" in name or name.startswith(("rgb", "bgr", "gbr")) else 2.0 if "422" in name else 1.5
        return max(1, int(width * height * planes * deep))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        fractions = {"time_base": str(self.time_base), "sample_aspect_ratio": str(self.sample_aspect_ratio)}
        return asdict(self) | fractions

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> StreamFacts:
        """What ``plain`` gave. TypeError, KeyError or ValueError where it is something else."""
        fractions = {name: Fraction(values[name]) for name in ("time_base", "sample_aspect_ratio")}
        width, height = values["size"]
        return cls(**values | fractions | {"size": (int(width), int(height))})


@dataclass(frozen=True)
class FormChange:
    """A place in the middle of a stream where the pictures get another size or pixel format.

    Attributes:
        frame: the first picture of this form; 0 where not even the first has the size that the file announces.
        size: (width, height) as coded, before rotation.
        pixel_format: FFmpeg's name.
    """

    frame: int
    size: tuple[int, int]
    pixel_format: str
