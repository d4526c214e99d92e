"""The decode check: one clean single-threaded decode finds the true numbers, order and content of all frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video import reasons
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.container import CHECK_DISK, IndexMismatchError
from iouviewer.video.decoder import Decoder
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.payload_check import PayloadCheck
from iouviewer.video.seek_points import is_false_keyframe
from iouviewer.video.stream_info import FormatChange
from iouviewer.video.timestamps import NO_PTS


class DecodeCheck:
    """A clean decode of a whole file, one frame per call, so it can be paused for other work.

    Owned by one thread. ``close`` it when it is done or no longer needed.
    """

    def __init__(self, path: Path, index: VideoIndex, *, finds_silent_damage: bool = True) -> None:
        """``finds_silent_damage``: also check the packets of codecs whose decoders do not report damage."""
        self.index = index
        """The index to check; one with the same packets may replace it during the decode."""
        self._path = path
        self._decoder = Decoder(path, threads=1)
        self._payload = PayloadCheck(path, index)
        if not finds_silent_damage:
            self._payload.close()
        self._has_false_keyframes = False
        self._keyframes = [0]
        self._rows: list[tuple[int, int, int, int]] = []
        self._corrupt: list[int] = []
        self._format_changes: list[FormatChange] = []
        self._untraced = 0
        self._format: tuple[tuple[int, int], str] | None = None
        self._is_started = False
        self.done = False

    @property
    def packets(self) -> int:
        """Packets decoded so far."""
        return self._decoder.last_packet + 1

    def advance(self) -> bool:
        """Decode the next frame, and check a packet; False if there is none and ``result`` is available."""
        if not self._is_started:
            self._decoder.start_at(self.index, 0)
            self._is_started = True
        decoded = None if self.done else self._decoder.next_frame()
        self._payload.advance()
        if decoded is None:
            self.done = self._payload.done
            return not self.done
        frame = decoded.frame
        codec = self.index.stream_info.codec if self.index.stream_info is not None else ""
        if decoded.packet and codec and is_false_keyframe(frame, self.index, codec):
            self._has_false_keyframes = True
        elif frame.key_frame and decoded.packet >= 0:
            self._keyframes.append(decoded.packet)
        if frame.is_corrupt:
            self._corrupt.append(len(self._rows))
        self._record_format(frame)
        self._untraced += decoded.packet < 0
        stamp = _timestamp(self.index, decoded.packet)
        self._rows.append((decoded.packet, decoded.repeat, stamp, frame_checksum(frame)))
        return True

    def _record_format(self, frame: Any) -> None:
        """Record changes of size or pixel format, which the decoder does not report."""
        size, pixel_format = (int(frame.width), int(frame.height)), str(frame.format.name)
        if self._format is None:
            # All frames are displayed in the size found when opening the file.
            announced = self.index.stream_info.size if self.index.stream_info is not None else size
            self._format = announced, pixel_format
        if (size, pixel_format) != self._format:
            self._format = size, pixel_format
            self._format_changes.append(FormatChange(len(self._rows) - self._untraced, size, pixel_format))

    def result(self) -> VideoIndex:
        """The index with frames, order and checksums from the decode; ValueError before the decode is done.

        Raises UserError if the file did not return all packets of the index, and IndexMismatchError if it returned
        others, so a failing disk does not count as a successful check.
        """
        if not self.done:
            raise ValueError("the file has not been decoded to its end")
        read, known = self.packets, len(self.index.packets)
        if read < known or self._decoder.index_mismatch:
            message = tr("only {read:,} of {known:,} packets could be read again", read=read, known=known)
            error_type = IndexMismatchError if self._decoder.index_mismatch else UserError
            raise error_type(message, path=self._path, remedy=CHECK_DISK)
        index = self.index
        if reasons.FALSE_KEYFRAMES in index.uncertainties or self._has_false_keyframes:
            # Replace the container's flags by those of the decoder.
            key = np.zeros(known, np.bool_)
            key[[packet for packet in self._keyframes if packet < known]] = True
            index = replace(index, packets=replace(index.packets, key=key))
        checked = _with_decoded_frames(index, self._rows, self._corrupt, self._decoder.errors)
        if self._payload.is_needed:
            # The decoder marks no frame that is made from damaged ones.
            rejected = [packet for packet, _ in self._decoder.errors if packet >= 0]
            marked = np.flatnonzero(index.packets.corrupt).tolist()
            checked = _with_damaged_packets(checked, sorted({*self._payload.damaged, *rejected, *marked}))
        return replace(checked, format_changes=tuple(self._format_changes))

    def close(self) -> None:
        """Release the file."""
        self._decoder.close()
        self._payload.close()


def run_decode_check(
    path: Path,
    index: VideoIndex,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VideoIndex | None:
    """The index with frames, order and checksums as one decoder thread finds them; None if it was cancelled.

    ``progress(packets decoded, packets)`` is called for every frame.
    """
    check = DecodeCheck(path, index)
    try:
        while check.advance():
            if cancelled is not None and cancelled():
                return None
            if progress is not None:
                progress(check.packets, len(index.packets))
        return check.result()
    finally:
        check.close()


def _timestamp(index: VideoIndex, packet: int) -> int:
    if not 0 <= packet < len(index.packets):
        return NO_PTS
    pts = int(index.packets.pts[packet])
    return int(index.packets.dts[packet]) if pts == NO_PTS else pts


def _with_decoded_frames(
    index: VideoIndex, rows: list[tuple[int, int, int, int]], corrupt: list[int], errors: list[tuple[int, str]]
) -> VideoIndex:
    """The index with the decoded frames.

    Args:
        rows: packet, repeat, timestamp and checksum of each decoded frame.
        corrupt: places in ``rows`` of frames in which the decoder concealed errors.
        errors: packet and message of each packet that the decoder rejected.
    """
    table = np.array([row for row in rows if row[0] >= 0], dtype=np.int64).reshape(-1, 4)
    frame_packets, repeats, pts, checksums = (np.ascontiguousarray(column) for column in table.T)
    if reasons.ORDER_UNKNOWN in index.uncertainties:
        # The timestamps count packets, not frames: the i-th frame is displayed at the i-th timestamp.
        pts = pts[np.lexsort((pts, index.packets.segments[frame_packets]))]
    missing = np.flatnonzero(~index.packets.discard & (index.packets.size > 0))
    missing = missing[~np.isin(missing, frame_packets)]
    damage = [Damage(frame, reasons.ERRORS_CONCEALED) for frame in corrupt]
    messages = dict(errors)
    for packet in missing.tolist():
        before = np.flatnonzero(frame_packets < packet)
        at = int(before[-1]) if len(before) else None
        message = messages.get(packet)
        if message is not None:
            damage.append(Damage(at, reasons.NEXT_UNDECODABLE.format(detail=message)))
    for packet in sorted(messages.keys() & set(frame_packets.tolist())):
        frame = int(np.flatnonzero(frame_packets == packet)[0])
        damage.append(Damage(frame, reasons.PARTLY_DAMAGED.format(detail=messages[packet])))
    return replace(
        index,
        frame_packets=frame_packets,
        repeats=repeats,
        frame_pts=pts,
        checksums=checksums.astype(np.uint32),
        numbers_final=True,
        damage=tuple(damage),
    )


def _with_damaged_packets(index: VideoIndex, packets: list[int]) -> VideoIndex:
    """The index with the frames of damaged packets, and all that may reference them, as damaged ones."""
    known = set(index.damaged_frames)
    found: dict[int, str] = {}
    for packet in packets:
        own = int(index.frame_of_packet[packet])
        if own >= 0:
            found[own] = reasons.DATA_DAMAGED
        for frame in index.frames_affected_by(packet).tolist():
            found.setdefault(frame, reasons.REFERENCE_DAMAGED)
    new = [Damage(frame, reason) for frame, reason in sorted(found.items()) if frame not in known]
    if not new:
        return index
    return replace(index, damage=tuple(sorted((*index.damage, *new), key=_place)))


def _place(damage: Damage) -> int:
    return -1 if damage.frame is None else damage.frame
