"""Which packets a video has, which of them are pictures, and in what order the pictures are shown.

A picture is known by the packet that holds it (its ordinal in a demux from the beginning). People and project files
know it by (time stamp, occurrence): the occurrence counts pictures of equal time stamp. Its *number* is its ordinal in
a clean single-threaded decode; an index made from packets alone guesses that order from the time stamps, and says in
``doubts`` why the guess may be off. ``confirm.confirm_index`` replaces the guess by the truth.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from iouviewer.video.facts import FormChange, StreamFacts
from iouviewer.video.time_line import Seconds, TimeJump, segments, time_line

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_MOST_REORDERED = 17
"""Packets that may be shown before one that is stored earlier, in any codec."""

NO_TIME = np.iinfo(np.int64).min
"""Stands for a missing time stamp."""

RESTARTS = "the time stamps start anew within the file, as in recordings that were joined"

FALSE_KEYS = "the container calls pictures key frames that are none"

ORDER_UNKNOWN = "the container stores no presentation times, so only decoding tells the order of the pictures"


@dataclass(frozen=True)
class Packets:
    """The packets of one video stream in demux order, one column each, length P.

    Attributes:
        pts, dts: int64, units of the stream's time base, NO_TIME where missing.
        pos, size: int64, bytes; pos is -1 where the container does not tell.
        key: packets that a decoder can start at.
        discard: packets that are decoded but not shown (edit lists).
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
        """(P,) int64: how often the time stamps have started anew up to each packet, 0 throughout in most files."""
        return segments(self.dts, self.key)

    def agrees(self, packet: int, pts: int | None, size: int) -> bool:
        """Whether a packet with this time stamp and these bytes can be the one of this ordinal."""
        if packet >= len(self):
            return True  # not read yet
        stamp = NO_TIME if pts is None else pts
        return bool(self.size[packet] == size) and bool(self.pts[packet] == stamp)

    def same_as(self, other: Packets) -> bool:
        """Whether these are the packets of another reading of the same file."""
        return np.array_equal(self.pts, other.pts) and np.array_equal(self.size, other.size)

    def locate(self, pts: int, pos: int, size: int, *, near: int) -> int:
        """Ordinal of the packet with these properties, -1 where none or several fit. ``near`` is tried first."""
        if 0 <= near < len(self) and self.pts[near] == pts and self.size[near] == size and pos in (-1, self.pos[near]):
            return near
        fits = (self.pts == pts) & (self.size == size)
        if pos >= 0:
            fits &= self.pos == pos
        found = np.flatnonzero(fits)
        return int(found[0]) if len(found) == 1 else -1


@dataclass(frozen=True)
class Damage:
    """Something of the video that cannot be shown as it was meant."""

    frame: int | None
    reason: str


@dataclass(frozen=True)
class VideoIndex:
    """Packets and the pictures made of them.

    Attributes:
        packets: what the demuxer gave.
        time_base: seconds per unit of the time stamps.
        pictures: (F,) int64, the packet of each picture in display order.
        repeats: (F,) int64, 0 for a packet's first picture, 1 for its second (packed MPEG-4), ...
        picture_pts: (F,) int64, time stamps in display order, ascending unless the file's are not. They and the
            occurrences are what a picture is known by; ``times`` is what clocks, seeking and playing go by.
        checks: (F,) uint32 of ``checksum.check_sum``, or empty before confirmation.
        confirmed: the numbers are those of a clean single-threaded decode.
        doubts: why they may not be, empty where packets and pictures cannot differ as far as known.
        damage: what could not be decoded.
        form_changes: where pictures differ in size or pixel format from those before; known after confirmation.
        complete: False while the file's packets are still being read.
        rotation: degrees clockwise by which pictures are turned for showing: 0, 90, 180 or 270.
        facts: what opening the file found, so that it need not be found again; None unknown.
    """

    packets: Packets
    time_base: Fraction
    pictures: Int64
    repeats: Int64
    picture_pts: Int64
    checks: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    confirmed: bool = False
    doubts: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    form_changes: tuple[FormChange, ...] = ()
    complete: bool = True
    rotation: int = 0
    facts: StreamFacts | None = None

    @property
    def frame_count(self) -> int:
        return len(self.pictures)

    @property
    def proven(self) -> bool:
        """Whether the whole file has been decoded once, so that every picture can be held against its checksum."""
        return self.confirmed and self.complete and len(self.checks) == self.frame_count

    @cached_property
    def damaged_frames(self) -> frozenset[int]:
        """Numbers of the pictures that are known to be damaged."""
        return frozenset(damage.frame for damage in self.damage if damage.frame is not None)

    @cached_property
    def frame_of_packet(self) -> Int64:
        """(P,) int64: number of the packet's first picture, -1 where it has none."""
        frames = np.full(len(self.packets), -1, np.int64)
        first = self.repeats == 0
        frames[self.pictures[first]] = np.flatnonzero(first)
        return frames

    @cached_property
    def _repeated(self) -> dict[tuple[int, int], int]:
        later = np.flatnonzero(self.repeats > 0)
        return {(int(self.pictures[i]), int(self.repeats[i])): int(i) for i in later}

    def frame_of(self, packet: int, repeat: int = 0) -> int:
        """Number of the ``repeat``-th picture that came out of a packet, -1 where the index knows of none."""
        if repeat:
            return self._repeated.get((packet, repeat), -1)
        return self._frame_of[packet] if 0 <= packet < len(self._frame_of) else -1

    @cached_property
    def key_packets(self) -> Int64:
        """Packets that decoding can start at, ascending; the very first packet is always one."""
        keys = np.flatnonzero(self.packets.key)
        return keys if len(keys) and keys[0] == 0 else np.concatenate([[0], keys]).astype(np.int64)

    @cached_property
    def key_frames(self) -> Int64:
        """Numbers of the pictures whose packet is a key frame, ascending."""
        frames = self.frame_of_packet[np.flatnonzero(self.packets.key)]
        return np.sort(frames[frames >= 0])

    def starts(self, frame: int) -> list[int]:
        """Packets to begin decoding at for a picture, the nearest first, the very first packet last.

        A key frame that is shown after the picture does not help even if it is stored before it: the picture then
        leads an open group and needs the group before.
        """
        packet = int(self.pictures[frame])
        keys = self.key_packets[: int(np.searchsorted(self.key_packets, packet, side="right"))]
        shown = self.frame_of_packet[keys]
        fits = np.where(shown >= 0, shown <= frame, self.packets.pts[keys] <= self.picture_pts[frame])
        fits[0] = True
        return [int(key) for key in keys[fits][::-1]]

    def nearest_start(self, frame: int) -> int:
        """The first of ``starts``, without listing the others."""
        packet = self.packet_of(frame)
        at = int(np.searchsorted(self.key_packets, packet, side="right")) - 1
        while at > 0:
            key = int(self.key_packets[at])
            shown = int(self.frame_of_packet[key])
            if shown <= frame if shown >= 0 else self.packets.pts[key] <= self.picture_pts[frame]:
                return key
            at -= 1
        return 0

    @cached_property
    def has_open_groups(self) -> bool:
        """Whether a picture is stored after a key frame and shown before it, so that it needs the group before."""
        pictures = self.frame_of_packet[self.frame_of_packet >= 0]
        keys = self.packets.key[self.frame_of_packet >= 0]
        group = np.maximum.accumulate(np.where(keys, np.arange(len(pictures)), -1))
        return bool((pictures < pictures[group])[group >= 0].any())

    def group_of(self, frame: int) -> tuple[int, int]:
        """(first, end): pictures from the key frame at or before ``frame`` up to the next key frame."""
        keys = self.key_frames
        at = int(np.searchsorted(keys, frame, side="right"))
        first = int(keys[at - 1]) if at else 0
        end = int(keys[at]) if at < len(keys) else self.frame_count
        return first, end

    def affected_by(self, packet: int) -> Int64:
        """Numbers of the pictures that may be wrong where one packet is: up to the next group, and what leads that."""
        keys = self.key_packets
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

    def horizon(self, frame: int) -> int:
        """The last picture shown among those stored up to ``frame``: what it may be built upon."""
        return self._horizons[self._packet_of[frame]]

    @cached_property
    def longest_wait(self) -> int:
        """Most pictures between any picture and its horizon."""
        horizons = np.maximum.accumulate(self.frame_of_packet)[self.pictures]
        return int((horizons - np.arange(self.frame_count)).max(initial=0))

    @cached_property
    def _horizons(self) -> array[int]:
        return _quick(np.maximum.accumulate(self.frame_of_packet))

    @cached_property
    def _packet_of(self) -> array[int]:
        return _quick(self.pictures)

    @cached_property
    def _frame_of(self) -> array[int]:
        return _quick(self.frame_of_packet)

    def packet_of(self, frame: int) -> int:
        """The packet that holds a picture."""
        return self._packet_of[frame]

    @cached_property
    def _time_line(self) -> tuple[Seconds, tuple[TimeJump, ...]]:
        if not len(self.picture_pts) or bool((self.picture_pts == NO_TIME).any()):
            return np.empty(0), ()
        return time_line(self.picture_pts, self.packets.segments[self.pictures], unit=float(self.time_base))

    @property
    def times(self) -> Seconds:
        """(F,) float64: seconds from the first picture, never going back; empty where the stream has no time stamps.

        Where the time stamps start anew or leap absurdly (``jumps``), time goes on by the median step instead.
        """
        return self._time_line[0]

    @property
    def jumps(self) -> tuple[TimeJump, ...]:
        """Where the time stamps start anew or leap, in the order of the pictures."""
        return self._time_line[1]

    @cached_property
    def occurrences(self) -> Int64:
        """(F,) int64: how many earlier pictures have the same time stamp."""
        order = np.argsort(self.picture_pts, kind="stable")
        sorted_pts = self.picture_pts[order]
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = sorted_pts[1:] != sorted_pts[:-1]
        starts = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
        result = np.empty(len(order), np.int64)
        result[order] = np.arange(len(order)) - starts
        return result

    @cached_property
    def digest(self) -> str:
        """Digest of the pictures' (time stamp, occurrence); equal digests mean equal numbers."""
        data = np.ascontiguousarray(np.stack([self.picture_pts, self.occurrences])).astype("<i8").tobytes()
        order = "" if self.confirmed or ORDER_UNKNOWN not in self.doubts else " order unknown"
        base = f"{self.time_base.numerator}/{self.time_base.denominator}{order}".encode()
        return hashlib.sha256(base + data).hexdigest()[:32]

    def prepare(self) -> None:
        """Compute now, in a thread that has the time, what is kept once it was asked for."""
        for name in ("digest", "occurrences", "times", "key_frames"):
            getattr(self, name)

    def renumbering(self, new: VideoIndex) -> Int64:
        """(F,) int64: the number in ``new``, an index of the same file, of each picture here; -1 where it is gone."""
        known = self.pictures < len(new.packets)
        numbers = np.where(known, new.frame_of_packet[np.where(known, self.pictures, 0)], -1)
        for at in np.flatnonzero(self.repeats > 0):
            numbers[at] = new.frame_of(int(self.pictures[at]), int(self.repeats[at]))
        return numbers

    def starts_like(self, other: VideoIndex) -> bool:
        """Whether all pictures of another index of the same file have the same numbers here; more may follow."""
        known = other.frame_count
        if self.frame_count < known:
            return False
        pictures = np.array_equal(self.pictures[:known], other.pictures)
        return pictures and np.array_equal(self.repeats[:known], other.repeats)

    def same_numbers(self, other: VideoIndex) -> bool:
        """Whether every picture has the same number in another index of the same file."""
        return self.frame_count == other.frame_count and self.starts_like(other) and self.digest == other.digest


def _quick(column: Int64) -> array[int]:
    """The same numbers where a single one is had ten times faster than from an ndarray."""
    return array("q", np.ascontiguousarray(column, np.int64).tobytes())


def index_of_packets(
    packets: Packets,
    time_base: Fraction,
    *,
    doubts: tuple[str, ...] = (),
    complete: bool = True,
    rotation: int = 0,
    facts: StreamFacts | None = None,
) -> VideoIndex:
    """The index that packets alone suggest: shown packets in the order of their time stamps, a segment at a time.

    Left out is what cannot be decoded, for it leads the first group, and what is not ``complete`` enough to have its
    final number.
    """
    shown = np.flatnonzero(~packets.discard & (packets.size > 0) & ~leading_the_file(packets))
    if not complete:
        shown = shown[_settled(packets)[shown]]
    pts = packets.pts[shown]
    if bool((pts == NO_TIME).any()):
        stamps = packets.dts[shown]
        pts = np.where(pts == NO_TIME, stamps, pts)
        if bool((pts == NO_TIME).any()):
            pts = np.full(len(shown), NO_TIME, np.int64)
    order = np.lexsort((pts, packets.segments[shown]))
    return VideoIndex(
        packets=packets,
        time_base=time_base,
        pictures=shown[order].astype(np.int64),
        repeats=np.zeros(len(shown), np.int64),
        picture_pts=pts[order].astype(np.int64),
        confirmed=complete and not doubts,
        doubts=doubts,
        complete=complete,
        rotation=rotation,
        facts=facts,
    )


def leading_the_file(packets: Packets) -> Bool:
    """(P,) bool: packets stored after the first key frame and shown before it: the file was cut in an open group."""
    keys = np.flatnonzero(packets.key & ~packets.discard & (packets.size > 0))
    if not len(keys) or packets.pts[keys[0]] == NO_TIME:
        return np.zeros(len(packets), np.bool_)
    first = int(keys[0])
    end = int(keys[1]) if len(keys) > 1 else len(packets)
    within = np.arange(len(packets))
    early = (packets.pts != NO_TIME) & (packets.pts < packets.pts[first])
    leading: Bool = early & (within > first) & (within < end) & ~packets.discard
    return leading


def _settled(packets: Packets) -> Bool:
    """(P,) bool: packets that none of those to come can be shown before: none is shown before it is decoded."""
    last = packets.dts[-1] if len(packets) else NO_TIME
    if last == NO_TIME:
        return np.arange(len(packets)) < len(packets) - _MOST_REORDERED
    settled: Bool = (packets.pts <= last) | (packets.segments < packets.segments[-1])
    return settled


def without_key_flags(index: VideoIndex) -> VideoIndex:
    """The same index where only the first packet is a start: the container's flags turned out false."""
    key = np.zeros(len(index.packets), np.bool_)
    key[:1] = True
    doubts = index.doubts if FALSE_KEYS in index.doubts else (*index.doubts, FALSE_KEYS)
    return replace(index, packets=replace(index.packets, key=key), confirmed=False, doubts=doubts)


def with_damage(index: VideoIndex, damage: Damage) -> VideoIndex:
    """The same index with one more damage, unless it is known."""
    return index if damage in index.damage else replace(index, damage=(*index.damage, damage))
