"""Sources: a video or an image set, and the images that its frames decode to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.kept_source import KeptSource
from iouviewer.document.stated_areas import StatedAreas

FrameImage = NDArray[np.uint8]
"""(height, width, 3) uint8, B, G, R, as OpenCV decodes a frame."""


@dataclass(frozen=True, slots=True)
class ImageTable:
    """The images of a source, or those that a file lists; one entry in each column for each image.

    Attributes:
        frames: 0-based frames.
        names: paths relative to the image folder, with ``/``; empty where unknown.
        ids: what annotation files call the image; None where unknown.
        sizes: (width, height) in pixels; (0, 0) where unknown.
    """

    frames: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    ids: tuple[int | str | None, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def of(
        cls,
        frames: Sequence[int],
        *,
        names: Sequence[str] | None = None,
        ids: Sequence[int | str | None] | None = None,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> ImageTable:
        """The table of these frames; columns that are not given are unknown."""
        count = len(frames)
        return cls(
            tuple(frames),
            tuple(names) if names is not None else ("",) * count,
            tuple(ids) if ids is not None else (None,) * count,
            tuple(sizes) if sizes is not None else ((0, 0),) * count,
        )

    def by_frame(self, frame_count: int) -> ImageTable:
        """The same with one entry for each frame of a source; frames that are not listed have empty entries."""
        at = {frame: position for position, frame in enumerate(self.frames)}
        found = [at.get(frame, -1) for frame in range(frame_count)]
        return ImageTable(
            tuple(range(frame_count)),
            tuple(self.names[position] if position >= 0 else "" for position in found),
            tuple(self.ids[position] if position >= 0 else None for position in found),
            tuple(self.sizes[position] if position >= 0 else (0, 0) for position in found),
        )

    def moved_to(self, new_frames: Sequence[int]) -> ImageTable:
        """The table with new frames by old frame; images whose frame is gone (-1 or beyond) are left out."""
        count = len(new_frames)
        kept = [i for i, frame in enumerate(self.frames) if 0 <= frame < count and new_frames[frame] >= 0]
        return ImageTable(
            tuple(int(new_frames[self.frames[i]]) for i in kept),
            tuple(self.names[i] for i in kept),
            tuple(self.ids[i] for i in kept),
            tuple(self.sizes[i] for i in kept),
        )

    @property
    def common_size(self) -> tuple[int, int] | None:
        """The size of all images, None if they differ or any is unknown."""
        sizes = set(self.sizes)
        size = next(iter(sizes)) if len(sizes) == 1 else (0, 0)
        return size if size[0] and size[1] else None


@dataclass(frozen=True, slots=True)
class TruthFile:
    """The file that the ground truth came from.

    Attributes:
        name: file name; empty where there was no file.
        notes: what its reader assumed, one sentence each.
        skipped: number of rows that were skipped on request.
        areas: of its boxes, where it states them.
    """

    name: str = ""
    notes: tuple[str, ...] = ()
    skipped: int = 0
    areas: StatedAreas = field(default_factory=StatedAreas)


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
        images: the images of an image set in frame order; empty for a video.
        listed: the images that the ground truth lists, with its names, ids and sizes.
        truth_file: where the ground truth came from.
        kept: the text of that file, and the box of each of its rows; empty where it was not kept.
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
    images: ImageTable = field(default_factory=ImageTable)
    listed: ImageTable = field(default_factory=ImageTable)
    truth_file: TruthFile = field(default_factory=TruthFile)
    kept: KeptSource = field(default_factory=KeptSource)

    @property
    def is_image_set(self) -> bool:
        """Whether the frames are images without a time base."""
        return len(self.images) > 0

    def size_of(self, frame: int) -> tuple[int, int]:
        """(width, height) of a frame in pixels."""
        if self.is_image_set and 0 <= frame < len(self.images) and self.images.sizes[frame][0]:
            return self.images.sizes[frame]
        return self.width, self.height
