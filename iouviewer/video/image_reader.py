"""Reads a folder of images, or one image, like a video without a time base."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.sources import FrameImage, ImageTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.conversion import DisplayFrame
from iouviewer.video.fingerprint import LegacyFingerprint, compute_legacy_fingerprint, fingerprint, fingerprint_images
from iouviewer.video.image_files import NO_IMAGES, list_images, read_image_size, relative_names
from iouviewer.video.index import Damage
from iouviewer.video.reasons import UNDECODABLE


class ImageReader:
    """Images by frame number. ``path`` is the folder or the single image. Owned by one thread.

    With ``files``, these are the images, in this order, and ``path`` is the file that lists them.
    """

    rotation = 0
    sample_aspect_ratio = Fraction(1)
    numbers_final = True
    fps = 0.0

    def __init__(self, path: Path, *, memory: int = 64 << 20, files: Sequence[Path] = ()) -> None:
        self.path = path
        self.files = list(files) or list_images(path)
        self._root = Path(os.path.commonpath([file.parent for file in files])) if files else path
        is_folder = path.is_dir()
        self.fingerprint = fingerprint_images(self.files) if is_folder or files else fingerprint(path)
        self.legacy_fingerprint: LegacyFingerprint | None = compute_legacy_fingerprint(path) if is_folder else None
        self.damage: tuple[Damage, ...] = ()
        self._memory = memory
        self._cache: OrderedDict[int, FrameImage] = OrderedDict()
        self._position, self._direction = 0, 1
        self.size = self._read_first_size()
        self._sizes: tuple[tuple[int, int], ...] = ()

    def _read_first_size(self) -> tuple[int, int]:
        """(width, height) of the first image that can be read; UserError if none can."""
        failure: UserError | None = None
        for frame in range(self.frame_count):
            try:
                image = self.read(frame)
            except UserError as error:
                failure = failure or error
            else:
                return image.shape[1], image.shape[0]
        if failure is None or self.frame_count == 1:
            raise failure or UserError(NO_IMAGES, path=self.path)
        message = tr(
            "none of the {count:,} images in this folder can be read ({reason})",
            count=self.frame_count,
            reason=failure.message,
        )
        raise UserError(message, path=self.path, remedy=tr("Copy them again from their source.")) from failure

    @property
    def frame_count(self) -> int:
        """Number of images."""
        return len(self.files)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images, with their folders if they are in several."""
        return relative_names(self._root, self.files)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of each image; those of the first for images that cannot be read. Computed on first use."""
        if not self._sizes:
            self._sizes = tuple(self._size_of(frame) for frame in range(self.frame_count))
        return self._sizes

    @property
    def images(self) -> ImageTable:
        """Names and sizes of the images in frame order."""
        return ImageTable.of(range(self.frame_count), names=self.names, sizes=self.sizes)

    def _size_of(self, frame: int) -> tuple[int, int]:
        found = read_image_size(self.files[frame])
        if found is not None:
            return found
        try:
            image = self.read(frame)
        except UserError:
            return self.size
        return image.shape[1], image.shape[0]

    @property
    def index_digest(self) -> str:
        """Digest of the names of the images; equal digests mean equal numbers."""
        return hashlib.sha256("\0".join(self.names).encode(errors="surrogateescape")).hexdigest()[:32]

    @property
    def memory_used(self) -> int:
        """Bytes of cached images."""
        return sum(image.nbytes for image in self._cache.values())

    def time_of(self, frame: int) -> float | None:
        """None: images have no time. IndexError outside the folder."""
        self._validated(frame)
        return None

    def frame_at(self, seconds: float) -> int:
        """The image at this time, with one image per second; outside, the first or last image."""
        return min(max(int(seconds), 0), self.frame_count - 1)

    def _validated(self, frame: int) -> int:
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of {self.frame_count} images")
        return int(frame)

    def read(self, frame: int) -> FrameImage:
        """(height, width, 3) uint8 B, G, R in the image's own size, rotated by its EXIF orientation (as in OpenCV).

        Raises UserError if the image cannot be read.
        """
        frame = self._validated(frame)
        cached = self._cache.get(frame)
        if cached is not None:
            self._cache.move_to_end(frame)
            return cached.copy()
        path = self.files[frame]
        try:
            data = np.fromfile(path, np.uint8)
        except OSError as error:
            raise UserError(tr("this image cannot be read"), path=path, frame=frame, remedy=str(error)) from error
        image = _decode_image(data)
        if image is None:
            damage = Damage(frame, UNDECODABLE)
            self.damage = self.damage if damage in self.damage else (*self.damage, damage)
            remedy = tr("Other images can be shown.") if self.frame_count > 1 else tr("Copy it again.")
            raise UserError(tr("this image cannot be decoded"), path=path, frame=frame, remedy=remedy)
        self._cache[frame] = image
        while self.memory_used > self._memory and len(self._cache) > 1:
            self._cache.popitem(last=False)
        return image.copy()

    def read_display(
        self,
        frame: int,
        size: tuple[int, int] | None = None,
        *,
        allow_reduced: bool = False,
        with_checksum: bool = False,
        cancelled: Callable[[], bool] | None = None,
    ) -> DisplayFrame:
        """The image for the screen, scaled down to fit ``size``; as in VideoReader, but without a checksum."""
        import cv2

        del allow_reduced, with_checksum, cancelled
        self.move_to(self._validated(frame))
        image = self.read(frame)
        height, width = image.shape[:2]
        scale = 1.0 if size is None else min(1.0, max(size[0], 1) / width, max(size[1], 1) / height)
        if scale < 1.0:
            target = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = cv2.resize(image, target, interpolation=cv2.INTER_AREA)
        pixels = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        return DisplayFrame(frame, pixels, True, pixels.shape[1] / width)

    def known_checksum(self, frame: int) -> int | None:
        """None: separate image files need no decode check."""
        del frame
        return None

    def move_to(self, frame: int) -> None:
        """Set the current frame."""
        self._direction = -1 if frame < self._position else 1
        self._position = frame

    def read_preview(self, frame: int, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The image itself, as each is decoded alone."""
        return self.read_display(frame, size)

    def previews(self, frame: int, size: tuple[int, int] | None = None) -> Iterator[DisplayFrame]:
        """``read_preview`` alone."""
        yield self.read_preview(frame, size)

    def is_cached(self, frame: int) -> bool:
        """Whether the image is in memory."""
        return frame in self._cache

    def prefetch(self, *, ahead: int = 4, cancelled: Callable[[], bool] | None = None) -> bool:
        """Read the next image in the direction of navigation; False if there is nothing to do."""
        del cancelled
        damaged = {damage.frame for damage in self.damage}
        for step in range(1, ahead + 1):
            frame = self._position + step * self._direction
            if 0 <= frame < self.frame_count and frame not in self._cache and frame not in damaged:
                if self.memory_used > self._memory // 2:
                    return False
                try:
                    self.read(frame)
                except UserError:
                    continue  # reported when the image itself is requested
                return True
        return False

    def set_memory(self, budget: int) -> None:
        """Set the bytes that cached images may take."""
        self._memory = budget

    def close(self) -> None:
        """Release the memory."""
        self._cache.clear()


def _decode_image(data: NDArray[np.uint8]) -> FrameImage | None:
    """The image in a file's bytes; None if it cannot be decoded."""
    import cv2

    try:
        image: FrameImage | None = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:  # a damaged header may announce an impossible size
        return None
    return image
