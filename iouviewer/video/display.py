"""What goes to the screen: the picture, and whether it is what was asked for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from iouviewer.video.colour import Pixels


@dataclass(frozen=True, slots=True)
class DisplayFrame:
    """A picture ready to draw.

    Attributes:
        frame: number of the picture that ``pixels`` shows.
        pixels: (h, w, 4) uint8, B, G, R, unused, contiguous: QImage.Format_RGB32 can wrap it.
        exact: it is the picture asked for, and known to be decoded right.
        scale: w / the video's width after rotation.
    """

    frame: int
    pixels: Pixels
    exact: bool
    scale: float


class DisplayCache:
    """The last converted pictures, so that stepping to and fro converts nothing. ``budget`` in bytes."""

    def __init__(self, budget: int = 96 << 20) -> None:
        self._frames: OrderedDict[tuple[int, int, int], DisplayFrame] = OrderedDict()
        self._used = 0
        self.budget = budget

    def get(self, frame: int, size: tuple[int, int]) -> DisplayFrame | None:
        """The picture converted at this size (width, height), or None."""
        found = self._frames.get((frame, *size))
        if found is not None:
            self._frames.move_to_end((frame, *size))
        return found

    def put(self, frame: DisplayFrame, size: tuple[int, int]) -> None:
        """Keep a picture that is exact."""
        self._frames[(frame.frame, *size)] = frame
        self._used += frame.pixels.nbytes
        while self._used > self.budget and len(self._frames) > 1:
            _, old = self._frames.popitem(last=False)
            self._used -= old.pixels.nbytes

    @property
    def used(self) -> int:
        """Bytes held."""
        return self._used

    def clear(self) -> None:
        """Forget all."""
        self._frames.clear()
        self._used = 0
