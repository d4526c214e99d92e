"""Sources: a video or an image set, and the images that its frames decode to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FrameImage = NDArray[np.uint8]
"""(height, width, 3) uint8, B, G, R, as OpenCV decodes a frame."""


@dataclass(frozen=True, slots=True)
class Source:
    """The properties of a video that a project stores, so it need not open the video.

    Attributes:
        id: number within the project, from 0.
        name: for display, usually the file name.
        path: absolute, as given.
        width, height: pixels of a decoded frame after rotation.
        frame_count: number of known frames.
        fps: average rate, 0.0 where there is no time base.
        fingerprint: digest of the file (size, head, tail); empty where there is no file.
        index_digest: digest of the timestamps; boxes belong to this index.
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
