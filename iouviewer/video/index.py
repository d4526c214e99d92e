"""The index of a video: its packets, the frames they contain, and the display order of the frames.

A frame is identified by the packet that contains it (its ordinal in a demux from the beginning). Users and project
files identify it by (timestamp, occurrence): the occurrence counts frames with equal timestamps. Its *number* is its
ordinal in a clean single-threaded decode. An index built from packets alone derives that order from the timestamps, and
``uncertainties`` says why the order may be wrong. ``decode_check.run_decode_check`` replaces it by the decoded order.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from iouviewer.video.reasons import FALSE_KEYFRAMES, ORDER_UNKNOWN, describe
from iouviewer.video.stream_info import FormatChange, StreamInfo
from iouviewer.video.timestamps import NO_PTS, Bool, Int64, Seconds, TimestampJump, build_timeline, find_segments

_MAX_REORDERED = 17
"""Packets that may be displayed before one that is stored earlier, in any codec."""


@dataclass(frozen=True)
class Packets:
    """The packets of one video stream in demux order, one column each, length P.

    Attributes:
        pts, dts: int64, units of the stream's time base, NO_PTS where missing.
        pos, size: int64, bytes; pos is -1 where the container does not report it.
        key: packets at which a decoder can start.
        discard: packets that are decoded but not displayed (edit lists).
        corrupt: packets that the container marks as damaged.
    """

    pts: Int64
    dts: Int64
    pos: Int64
    size: Int64
    key: Bool
    discard: Bool
    corrupt: Bool

    def __len__(self) -> int:
        return len(self.pts)

    @cached_property
    def segments(self) -> Int64:
        """(P,) int64: how often the timestamps have restarted up to each packet, 0 throughout in most files."""
        return find_segments(self.dts, self.key)

    def matches(self, packet: int, pts: int | None, size: int) -> bool:
        """Whether a packet with this timestamp and size can be the one with this ordinal."""
        if packet >= len(self):
            return True  # not read yet
        stamp = NO_PTS if pts is None else pts
        return bool(self.size[packet] == size) and bool(self.pts[packet] == stamp)

    def equals(self, other: Packets) -> bool:
        """Whether another scan of the file found the same packets."""
        return np.array_equal(self.pts, other.pts) and np.array_equal(self.size, other.size)

    def locate(self, pts: int, pos: int, size: int, *, near: int) -> int:
        """Ordinal of the packet with these properties, -1 if none or several match. ``near`` is tried first."""
        if 0 <= near < len(self) and self.pts[near] == pts and self.size[near] == size and pos in (-1, self.pos[near]):
            return near
        fits = (self.pts == pts) & (self.size == size)
        if pos >= 0:
            fits &= self.pos == pos
        found = np.flatnonzero(fits)
        return int(found[0]) if len(found) == 1 else -1


@dataclass(frozen=True)
class Damage:
    """Something in the video that cannot be decoded correctly.

    Attributes:
        frame: the affected frame, None if unknown.
        reason: one of ``reasons``, as stored.
    """

    frame: int | None
    reason: str

    @property
    def description(self) -> str:
        """The reason in the user's language."""
        return describe(self.reason)


@dataclass(frozen=True)
class VideoIndex:
    """Packets and the frames they contain.

    Attributes:
        packets: as returned by the demuxer.
        time_base: seconds per unit of the timestamps.
        frame_packets: (F,) int64, the packet of each frame in display order.
        repeats: (F,) int64, 0 for a packet's first frame, 1 for its second (packed MPEG-4), ...
        frame_pts: (F,) int64, timestamps in display order, ascending unless the file's are not. They and the
            occurrences identify a frame; clocks, seeking and playback use ``times``.
        checksums: (F,) uint32 of ``checksum.frame_checksum``, or empty before the decode check.
        numbers_final: the frame numbers are those of a clean single-threaded decode; otherwise they are provisional.
        uncertainties: why the numbers may be wrong (``reasons``), empty if packets and frames cannot differ as far as
            known.
        damage: what could not be decoded.
        format_changes: where frames differ in size or pixel format from those before; known after the decode check.
        complete: False while the file's packets are still being read.
        rotation: degrees clockwise by which frames are rotated for display: 0, 90, 180 or 270.
        stream_info: what opening the file found, so that it is not probed again; None if unknown.
    """

    packets: Packets
    time_base: Fraction
    frame_packets: Int64
    repeats: Int64
    frame_pts: Int64
    checksums: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    numbers_final: bool = False
    uncertainties: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    format_changes: tuple[FormatChange, ...] = ()
    complete: bool = True
    rotation: int = 0
    stream_info: StreamInfo | None = None

    @property
    def frame_count(self) -> int:
        return len(self.frame_packets)

    @property
    def hidden_frames(self) -> int:
        """How many frames the edit list hides, whether or not the demuxer returns their packets."""
        dropped = self.stream_info.dropped_frames if self.stream_info is not None else 0
        return int(np.count_nonzero(self.packets.discard)) + dropped

    @property
    def checked_by_decode(self) -> bool:
        """Whether the whole file has been decoded once, so that every frame can be compared with its checksum."""
        return self.numbers_final and self.complete and len(self.checksums) == self.frame_count

    @cached_property
    def damaged_frames(self) -> frozenset[int]:
        """Numbers of the frames that are known to be damaged."""
        return frozenset(damage.frame for damage in self.damage if damage.frame is not None)

    @cached_property
    def frame_of_packet(self) -> Int64:
        """(P,) int64: number of the packet's first frame, -1 if it has none."""
        frames = np.full(len(self.packets), -1, np.int64)
        first = self.repeats == 0
        frames[self.frame_packets[first]] = np.flatnonzero(first)
        return frames

    @cached_property
    def _repeated(self) -> dict[tuple[int, int], int]:
        later = np.flatnonzero(self.repeats > 0)
        return {(int(self.frame_packets[i]), int(self.repeats[i])): int(i) for i in later}

    def frame_of(self, packet: int, repeat: int = 0) -> int:
        """Number of the ``repeat``-th frame decoded from a packet, -1 if the index has none."""
        if repeat:
            return self._repeated.get((packet, repeat), -1)
        return self._frame_of[packet] if 0 <= packet < len(self._frame_of) else -1

    @cached_property
    def keyframe_packets(self) -> Int64:
        """Packets at which decoding can start, ascending; the very first packet is always one."""
        keys = np.flatnonzero(self.packets.key)
        return keys if len(keys) and keys[0] == 0 else np.concatenate([[0], keys]).astype(np.int64)

    @cached_property
    def keyframes(self) -> Int64:
        """Numbers of the keyframes, ascending."""
        frames = self.frame_of_packet[np.flatnonzero(self.packets.key)]
        return np.sort(frames[frames >= 0])

    def seek_points(self, frame: int) -> list[int]:
        """Packets at which decoding can start to reach a frame, the nearest first, the very first packet last.

        A keyframe displayed after the frame is not a seek point for it even if it is stored before it: the frame then
        leads an open GOP and needs the previous GOP.
        """
        packet = int(self.frame_packets[frame])
        keys = self.keyframe_packets[: int(np.searchsorted(self.keyframe_packets, packet, side="right"))]
        displayed = self.frame_of_packet[keys]
        fits = np.where(displayed >= 0, displayed <= frame, self.packets.pts[keys] <= self.frame_pts[frame])
        fits[0] = True
        return [int(key) for key in keys[fits][::-1]]

    def nearest_seek_point(self, frame: int) -> int:
        """The first of ``seek_points``, without listing the others."""
        packet = self.packet_of(frame)
        at = int(np.searchsorted(self.keyframe_packets, packet, side="right")) - 1
        while at > 0:
            key = int(self.keyframe_packets[at])
            displayed = int(self.frame_of_packet[key])
            if displayed <= frame if displayed >= 0 else self.packets.pts[key] <= self.frame_pts[frame]:
                return key
            at -= 1
        return 0

    @cached_property
    def has_open_gops(self) -> bool:
        """Whether a frame is stored after a keyframe and displayed before it, and so references the previous GOP."""
        frames = self.frame_of_packet[self.frame_of_packet >= 0]
        keys = self.packets.key[self.frame_of_packet >= 0]
        keyframe = np.maximum.accumulate(np.where(keys, np.arange(len(frames)), -1))
        return bool((frames < frames[keyframe])[keyframe >= 0].any())

    def gop_of(self, frame: int) -> tuple[int, int]:
        """(first, end): frames from the keyframe at or before ``frame`` up to the next keyframe."""
        keys = self.keyframes
        at = int(np.searchsorted(keys, frame, side="right"))
        first = int(keys[at - 1]) if at else 0
        end = int(keys[at]) if at < len(keys) else self.frame_count
        return first, end

    def frames_affected_by(self, packet: int) -> Int64:
        """Frames that may be wrong if a packet is damaged: up to the next GOP, and the leading frames of that."""
        keys = self.keyframe_packets
        at = int(np.searchsorted(keys, packet, side="right"))
        if at >= len(keys):
            frames = self.frame_of_packet[packet:]
            return frames[frames >= 0]
        end = int(keys[at + 1]) if at + 1 < len(keys) else len(self.packets)
        following = int(keys[at])
        frames = self.frame_of_packet[packet:following]
        leading = self.frame_of_packet[following:end]
        leading = leading[leading < self.frame_of_packet[following]]
        frames = np.concatenate([frames, leading])
        return frames[frames >= 0]

    def last_reference(self, frame: int) -> int:
        """The last frame in display order among those stored up to ``frame``, which it may reference."""
        return self._last_references[self._packet_of[frame]]

    @cached_property
    def max_reference_distance(self) -> int:
        """Largest number of frames between any frame and its ``last_reference``."""
        last_references = np.maximum.accumulate(self.frame_of_packet)[self.frame_packets]
        return int((last_references - np.arange(self.frame_count)).max(initial=0))

    @cached_property
    def _last_references(self) -> array[int]:
        return _to_array(np.maximum.accumulate(self.frame_of_packet))

    @cached_property
    def _packet_of(self) -> array[int]:
        return _to_array(self.frame_packets)

    @cached_property
    def _frame_of(self) -> array[int]:
        return _to_array(self.frame_of_packet)

    def packet_of(self, frame: int) -> int:
        """The packet that contains a frame."""
        return self._packet_of[frame]

    @cached_property
    def _timeline(self) -> tuple[Seconds, tuple[TimestampJump, ...]]:
        if not len(self.frame_pts) or bool((self.frame_pts == NO_PTS).any()):
            return np.empty(0), ()
        return build_timeline(self.frame_pts, self.packets.segments[self.frame_packets], unit=float(self.time_base))

    @property
    def times(self) -> Seconds:
        """(F,) float64: seconds from the first frame, never decreasing; empty if the stream has no timestamps.

        Where the timestamps restart or jump by hours (``jumps``), time continues by the median step instead.
        """
        return self._timeline[0]

    @property
    def jumps(self) -> tuple[TimestampJump, ...]:
        """Where the timestamps restart or jump, in display order."""
        return self._timeline[1]

    @cached_property
    def occurrences(self) -> Int64:
        """(F,) int64: how many earlier frames have the same timestamp."""
        order = np.argsort(self.frame_pts, kind="stable")
        sorted_pts = self.frame_pts[order]
        is_new = np.ones(len(order), np.bool_)
        is_new[1:] = sorted_pts[1:] != sorted_pts[:-1]
        first_places = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
        result = np.empty(len(order), np.int64)
        result[order] = np.arange(len(order)) - first_places
        return result

    @cached_property
    def digest(self) -> str:
        """Digest of the frames' (timestamp, occurrence); equal digests mean equal numbers."""
        data = np.ascontiguousarray(np.stack([self.frame_pts, self.occurrences])).astype("<i8").tobytes()
        order = b"" if self.numbers_final or ORDER_UNKNOWN not in self.uncertainties else b" order unknown"
        base = f"{self.time_base.numerator}/{self.time_base.denominator}".encode() + order
        return hashlib.sha256(base + data).hexdigest()[:32]

    def prepare(self) -> None:
        """Compute the cached properties now, in a background thread."""
        for name in ("digest", "occurrences", "times", "keyframes"):
            getattr(self, name)

    def renumbering(self, new: VideoIndex) -> Int64:
        """(F,) int64: the number of each frame in ``new``, an index of the same file; -1 if the frame is gone."""
        known = self.frame_packets < len(new.packets)
        numbers = np.where(known, new.frame_of_packet[np.where(known, self.frame_packets, 0)], -1)
        for at in np.flatnonzero(self.repeats > 0):
            numbers[at] = new.frame_of(int(self.frame_packets[at]), int(self.repeats[at]))
        return numbers

    def extends(self, other: VideoIndex) -> bool:
        """Whether all frames of another index of the same file have the same numbers here; more may follow."""
        known = other.frame_count
        if self.frame_count < known:
            return False
        same_packets = np.array_equal(self.frame_packets[:known], other.frame_packets)
        return same_packets and np.array_equal(self.repeats[:known], other.repeats)

    def has_same_numbers(self, other: VideoIndex) -> bool:
        """Whether every frame has the same number in another index of the same file."""
        return self.frame_count == other.frame_count and self.extends(other) and self.digest == other.digest


def _to_array(column: Int64) -> array[int]:
    """The same numbers in an ``array``; reading a single element is ten times faster than from an ndarray."""
    return array("q", np.ascontiguousarray(column, np.int64).tobytes())


def build_index(
    packets: Packets,
    time_base: Fraction,
    *,
    uncertainties: tuple[str, ...] = (),
    complete: bool = True,
    rotation: int = 0,
    stream_info: StreamInfo | None = None,
) -> VideoIndex:
    """Build the index from packets alone: displayed packets in order of their timestamps, segment by segment.

    Undecodable frames that lead the first GOP are left out. So are frames without a final number, unless ``complete``.
    """
    displayed = np.flatnonzero(~packets.discard & (packets.size > 0) & ~undecodable_leading(packets))
    if not complete:
        displayed = displayed[_has_final_order(packets)[displayed]]
    pts = packets.pts[displayed]
    if bool((pts == NO_PTS).any()):
        dts = packets.dts[displayed]
        pts = np.where(pts == NO_PTS, dts, pts)
        if bool((pts == NO_PTS).any()):
            pts = np.full(len(displayed), NO_PTS, np.int64)
    order = np.lexsort((pts, packets.segments[displayed]))
    return VideoIndex(
        packets=packets,
        time_base=time_base,
        frame_packets=displayed[order].astype(np.int64),
        repeats=np.zeros(len(displayed), np.int64),
        frame_pts=pts[order].astype(np.int64),
        numbers_final=complete and not uncertainties,
        uncertainties=uncertainties,
        complete=complete,
        rotation=rotation,
        stream_info=stream_info,
    )


def undecodable_leading(packets: Packets) -> Bool:
    """(P,) bool: packets stored after the first keyframe but displayed before it, as the file starts in an open GOP."""
    keys = np.flatnonzero(packets.key & ~packets.discard & (packets.size > 0))
    if not len(keys) or packets.pts[keys[0]] == NO_PTS:
        return np.zeros(len(packets), np.bool_)
    first = int(keys[0])
    end = int(keys[1]) if len(keys) > 1 else len(packets)
    ordinals = np.arange(len(packets))
    early = (packets.pts != NO_PTS) & (packets.pts < packets.pts[first])
    leading: Bool = early & (ordinals > first) & (ordinals < end) & ~packets.discard
    return leading


def _has_final_order(packets: Packets) -> Bool:
    """(P,) bool: packets that no later packet can precede in display order, as none is shown before it is
    decoded.
    """
    last = packets.dts[-1] if len(packets) else NO_PTS
    if last == NO_PTS:
        return np.arange(len(packets)) < len(packets) - _MAX_REORDERED
    final: Bool = (packets.pts <= last) | (packets.segments < packets.segments[-1])
    return final


def without_keyframe_flags(index: VideoIndex) -> VideoIndex:
    """The same index with the first packet as its only seek point, after the container's flags turned out wrong."""
    key = np.zeros(len(index.packets), np.bool_)
    key[:1] = True
    known = index.uncertainties
    uncertainties = known if FALSE_KEYFRAMES in known else (*known, FALSE_KEYFRAMES)
    packets = replace(index.packets, key=key)
    return replace(index, packets=packets, numbers_final=False, uncertainties=uncertainties)


def with_damage(index: VideoIndex, damage: Damage) -> VideoIndex:
    """The same index with one more damage, unless it is known."""
    return index if damage in index.damage else replace(index, damage=(*index.damage, damage))
