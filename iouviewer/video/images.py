"""A folder of pictures, or one picture, read like a video without a time base."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.sources import Picture
from iouviewer.errors import UserError
from iouviewer.video.display import DisplayFrame
from iouviewer.video.fingerprint import FormerFingerprint, fingerprint, fingerprint_of_pictures, former_fingerprint
from iouviewer.video.index import Damage
from iouviewer.video.picture_files import pictures_of


class ImageReader:
    """Pictures by number. ``path`` is the folder or the single picture. Owned by one thread."""

    rotation = 0
    sample_aspect_ratio = Fraction(1)
    numbers_confirmed = True
    fps = 0.0

    def __init__(self, path: Path, *, memory: int = 64 << 20) -> None:
        self.path = path
        self.files = pictures_of(path)
        folder = path.is_dir()
        self.fingerprint = fingerprint_of_pictures(self.files) if folder else fingerprint(path)
        self.former: FormerFingerprint | None = former_fingerprint(path) if folder else None
        self.damage: tuple[Damage, ...] = ()
        self._memory = memory
        self._read: OrderedDict[int, Picture] = OrderedDict()
        self._centre, self._direction = 0, 1
        self.size = self._first_size()

    def _first_size(self) -> tuple[int, int]:
        """(width, height) of the first picture that can be read; UserError where not one can."""
        failure: UserError | None = None
        for frame in range(self.frame_count):
            try:
                picture = self.read(frame)
            except UserError as error:
                failure = failure or error
            else:
                return picture.shape[1], picture.shape[0]
        if failure is None or self.frame_count == 1:
            raise failure or UserError("there are no pictures in this folder", path=self.path)
        reason = f"not one of the {self.frame_count:,} pictures in this folder can be read ({failure.message})"
        raise UserError(reason, path=self.path, remedy="Copy them again from their source.") from failure

    @property
    def frame_count(self) -> int:
        """Number of pictures."""
        return len(self.files)

    @property
    def index_digest(self) -> str:
        """Digest of the names of the pictures; equal digests mean equal numbers."""
        return hashlib.sha256("\0".join(file.name for file in self.files).encode()).hexdigest()[:32]

    @property
    def memory_used(self) -> int:
        """Bytes of pictures held."""
        return sum(picture.nbytes for picture in self._read.values())

    def time_of(self, frame: int) -> float | None:
        """None: pictures have no time. IndexError outside the folder."""
        self._checked(frame)
        return None

    def frame_at(self, seconds: float) -> int:
        """Without a time base, one picture a second; the nearest end outside."""
        return min(max(int(seconds), 0), self.frame_count - 1)

    def _checked(self, frame: int) -> int:
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of {self.frame_count} pictures")
        return int(frame)

    def read(self, frame: int) -> Picture:
        """(height, width, 3) uint8 B, G, R of the picture's own size, turned as its EXIF data says (as OpenCV does).

        Raises UserError where the picture cannot be read.
        """
        frame = self._checked(frame)
        kept = self._read.get(frame)
        if kept is not None:
            self._read.move_to_end(frame)
            return kept.copy()
        path = self.files[frame]
        try:
            data = np.fromfile(path, np.uint8)
        except OSError as error:
            raise UserError("this picture cannot be read", path=path, frame=frame, remedy=str(error)) from error
        picture = _decoded(data)
        if picture is None:
            damage = Damage(frame, "this picture cannot be decoded")
            self.damage = self.damage if damage in self.damage else (*self.damage, damage)
            remedy = "Other pictures can be shown." if self.frame_count > 1 else "Copy it again."
            raise UserError(damage.reason, path=path, frame=frame, remedy=remedy)
        self._read[frame] = picture
        while sum(kept.nbytes for kept in self._read.values()) > self._memory and len(self._read) > 1:
            self._read.popitem(last=False)
        return picture.copy()

    def read_display(
        self,
        frame: int,
        size: tuple[int, int] | None = None,
        *,
        allow_reduced: bool = False,
        with_check: bool = False,
        cancelled: Callable[[], bool] | None = None,
    ) -> DisplayFrame:
        """The picture for the screen, scaled down to fit ``size``; as VideoReader's, but that ``check`` stays None."""
        import cv2

        del allow_reduced, with_check, cancelled
        self.move_to(self._checked(frame))
        picture = self.read(frame)
        height, width = picture.shape[:2]
        scale = 1.0 if size is None else min(1.0, max(size[0], 1) / width, max(size[1], 1) / height)
        if scale < 1.0:
            target = (max(1, round(width * scale)), max(1, round(height * scale)))
            picture = cv2.resize(picture, target, interpolation=cv2.INTER_AREA)
        pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA)
        return DisplayFrame(frame, pixels, True, pixels.shape[1] / width)

    def known_check(self, frame: int) -> int | None:
        """None: pictures in files of their own need no proof."""
        del frame
        return None

    def move_to(self, frame: int) -> None:
        """Tell where the user is."""
        self._direction = -1 if frame < self._centre else 1
        self._centre = frame

    def read_preview(self, frame: int, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The picture itself: every picture stands alone."""
        return self.read_display(frame, size)

    def previews(self, frame: int, size: tuple[int, int] | None = None) -> Iterator[DisplayFrame]:
        """``read_preview`` alone."""
        yield self.read_preview(frame, size)

    def holds(self, frame: int) -> bool:
        """Whether the picture is in memory."""
        return frame in self._read

    def prefetch(self, *, ahead: int = 4, cancelled: Callable[[], bool] | None = None) -> bool:
        """Read one picture more in the direction of travel; False where there is nothing to do."""
        del cancelled
        known = {damage.frame for damage in self.damage}
        for step in range(1, ahead + 1):
            frame = self._centre + step * self._direction
            if 0 <= frame < self.frame_count and frame not in self._read and frame not in known:
                if self.memory_used > self._memory // 2:
                    return False
                try:
                    self.read(frame)
                except UserError:
                    continue  # told when the picture itself is asked for
                return True
        return False

    def set_memory(self, budget: int) -> None:
        """Bytes that pictures may take."""
        self._memory = budget

    def close(self) -> None:
        """Give back the memory."""
        self._read.clear()


def _decoded(data: NDArray[np.uint8]) -> Picture | None:
    """The picture in a file's bytes; None where there is none."""
    import cv2

    try:
        picture: Picture | None = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:  # a damaged header may announce a size that no picture has
        return None
    return picture
