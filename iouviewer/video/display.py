"""What goes to the screen: the picture, and whether it is what was asked for."""

from __future__ import annotations

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
        damaged: the file is damaged here; this is what can be decoded.
        interlaced: two fields of different moments are woven into it.
        check: ``checksum.check_sum`` of the whole picture in the file, where that was asked for.
    """

    frame: int
    pixels: Pixels
    exact: bool
    scale: float
    damaged: bool = False
    interlaced: bool = False
    check: int | None = None
