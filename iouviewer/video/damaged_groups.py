"""Groups around damage, whose pictures come out of one decoder thread as they should, and of several perhaps not."""

from __future__ import annotations

from iouviewer.video.index import VideoIndex


class RoughGroups:
    """Which groups between key frames one thread decodes, though checksums would tell what several get wrong.

    Those in which the decode of the whole file met damage; and once several threads have got any other picture wrong,
    all: some decoders say nothing of damage, and fill what they cannot decode with whatever was in memory.
    Without checksums nothing tells, so a file with damage is read by one thread altogether.
    """

    def __init__(self, index: VideoIndex) -> None:
        found = index.damaged_frames if len(index.checks) else ()
        self._starts = {index.nearest_start(frame) for frame in found}
        self._all = False

    def distrust_all(self) -> None:
        """A picture came out wrong of several threads where none was expected to."""
        self._all = True

    def suits(self, index: VideoIndex, frame: int, *, single: bool) -> bool:
        """Whether a decoder with one thread, or with several, is the one for a picture."""
        if self._all or not len(index.checks) or not (single or self._starts):
            return True
        return single == (index.nearest_start(frame) in self._starts)


def is_known_damaged(index: VideoIndex) -> bool:
    """Whether the file is known to be damaged anywhere."""
    return bool(index.damage) or bool(index.packets.corrupt.any())
