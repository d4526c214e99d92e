"""Known damage: frames that failed to decode and why, and GOPs that only one decoder thread decodes correctly."""

from __future__ import annotations

from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video import reasons
from iouviewer.video.container import CHECK_DISK, IndexMismatchError, ensure_file_unchanged
from iouviewer.video.decoder import Decoder
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.index import VideoIndex


class DecodeFailures:
    """Remembers frames that failed to decode, to report them again without decoding again. Owned by one thread."""

    def __init__(self, path: Path, stamp: FileStamp | None) -> None:
        self._path, self._stamp = path, stamp
        self._known: dict[int, tuple[type[UserError], str, str]] = {}
        self.index_mismatch = False
        """Whether the index did not belong to the file; the next index then discards everything decoded so far."""
        self._is_reindexed = False

    def raise_known(self, frame: int) -> None:
        """Raise UserError if the frame failed to decode before."""
        if frame in self._known:
            raise self._error(frame)

    def add(self, frame: int, packet: int, decoder: Decoder) -> tuple[UserError, str]:
        """Remember that a frame could not be decoded from its packet; (error, reason as in ``reasons``).

        The decoder has just tried from the beginning of the file. The error is an IndexMismatchError if the damage is
        unknown because the packets differ from the index. Raises UserError if the file was replaced.
        """
        ensure_file_unchanged(self._path, self._stamp)
        message = next((message for at, message in decoder.errors if at == packet), "")
        reason = reasons.UNDECODABLE_BECAUSE.format(detail=message) if message else reasons.UNDECODABLE
        if decoder.index_mismatch and not self._is_reindexed:
            # With the right index the frame may be intact.
            self.index_mismatch = True
            reason = tr("the packets of this file differ from its index")
            self._known[frame] = IndexMismatchError, reason, tr("Open it again to rebuild its index.")
        elif decoder.index_mismatch:
            reason = tr("this file returns different packets each time it is read")
            self._known[frame] = UserError, reason, CHECK_DISK
        else:
            remedy = tr("The file is damaged there; other frames can be shown.")
            self._known[frame] = UserError, reasons.describe(reason), remedy
        return self._error(frame), reason

    def _error(self, frame: int) -> UserError:
        error_type, message, remedy = self._known[frame]
        return error_type(message, path=self._path, frame=frame, remedy=remedy)

    def clear(self, *, is_reindexed: bool) -> None:
        """Forget all failures for a new index, rebuilt after a mismatch or (``is_reindexed``) with other packets."""
        self._is_reindexed = self._is_reindexed or self.index_mismatch or is_reindexed
        self.index_mismatch = False
        self._known.clear()


class DamagedGops:
    """The GOPs to decode with one thread, because several threads may decode frames around damage incorrectly.

    These are the GOPs in which the decode check found damage. Once several threads have decoded any other frame
    incorrectly, they are all GOPs: some decoders do not report damage and fill what they cannot decode with arbitrary
    memory. This can be detected only by checksums; without them, a damaged file is decoded by one thread throughout.
    """

    def __init__(self, index: VideoIndex) -> None:
        damaged = index.damaged_frames if len(index.checksums) else ()
        self._seek_points = {index.nearest_seek_point(frame) for frame in damaged}
        self._covers_all = False

    def include_all(self) -> None:
        """Include every GOP, after several threads decoded a frame incorrectly where no damage was known."""
        self._covers_all = True

    def suits(self, index: VideoIndex, frame: int, *, single_thread: bool) -> bool:
        """Whether a decoder with one thread, or with several, is the right one for a frame."""
        if self._covers_all or not len(index.checksums) or not (single_thread or self._seek_points):
            return True
        return single_thread == (index.nearest_seek_point(frame) in self._seek_points)


def has_known_damage(index: VideoIndex) -> bool:
    """Whether the file is known to be damaged anywhere."""
    return bool(index.damage) or bool(index.packets.corrupt.any())
