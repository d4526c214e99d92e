"""Sources (a video or an image set) and the protocol by which the floors above are handed their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(height, width, 3) uint8, B, G, R: what OpenCV's decode of the frame gives."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a project knows of a video without opening it.

    Attributes:
        id: number within the project, from 0.
        name: for people, usually the file name.
        path: as given, absolute.
        width, height: pixels of the decoded picture after rotation.
        frame_count: number of pictures known.
        fps: average rate, 0.0 where there is no time base.
        fingerprint: digest of the file (size, head, tail); empty where there is no file.
        index_digest: digest of the time stamps; labels keep to it.
    """

    id: int
    name: str
    path: str
    width: int
    height: int
    frame_count: int
    fps: float = 0.0
    fingerprint: str = ""
    index_digest: str = ""


class FrameSource(Protocol):
    """Pictures by index. Not thread-safe: one thread owns it."""

    @property
    def frame_count(self) -> int: ...

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) after rotation, pixels."""
        ...

    @property
    def fps(self) -> float: ...

    def time_of(self, frame: int) -> float | None:
        """Presentation time in seconds from the first picture, None where there is no time base."""
        ...

    def read(self, frame: int) -> Picture:
        """Frame ``frame`` exactly; UserError where it cannot be decoded, IndexError outside the video."""
        ...

    def close(self) -> None: ...
