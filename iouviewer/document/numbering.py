"""Maps frame numbers to video frames, so boxes follow their frames when a video is re-indexed.

A video frame is identified by (timestamp, occurrence), where the occurrence counts frames with equal timestamps. A
numbering lists these by frame number. Where timestamps do not identify frames, the packet that contains the frame does.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.table import Bool, Int

NO_TIME = np.iinfo(np.int64).min
"""Marks a missing timestamp."""

NO_PACKET = -1
"""Packet of an unidentified frame."""


class _Stored(msgspec.Struct):
    """A numbering as bytes. Field names are part of the file format; new fields need defaults."""

    digest: str
    video_frame_count: int = msgspec.field(name="picture_count")
    complete: bool
    order_known: bool
    stamps: bytes
    occurrences: bytes
    packets: bytes
    repeats: bytes


@dataclass(frozen=True, eq=False)
class Numbering:
    """The frames of a source by number. Arrays are never written to.

    Attributes:
        digest: of the index that numbered the frames.
        stamps: (F,) int64, units of the stream's time base, NO_TIME where missing.
        occurrences: (F,) int64, how many earlier frames have the same timestamp.
        packets: (F,) int64, ordinal of the packet that contains the frame, NO_PACKET where the frame is unidentified.
        repeats: (F,) int64, 1 for the second frame of a packet, and so on.
        video_frame_count: number of leading frame numbers that denote video frames; later ones are kept for their
            boxes.
        complete: False while more frames may become known.
        order_known: False where only a decode can determine the display order; a number is then a position in display
            order and does not identify a frame.
    """

    digest: str
    stamps: Int
    occurrences: Int
    packets: Int
    repeats: Int
    video_frame_count: int
    complete: bool = True
    order_known: bool = True

    @property
    def frame_count(self) -> int:
        """Frames of the video, and numbers that are kept for their boxes."""
        return len(self.stamps)

    def padded_to(self, frame_count: int) -> Numbering:
        """A copy with unidentified frames added at the end, up to ``frame_count``."""
        more = frame_count - self.frame_count
        if more <= 0:
            return self
        return self.with_extra_frames(
            np.full(more, NO_TIME, np.int64),
            np.zeros(more, np.int64),
            np.full(more, NO_PACKET, np.int64),
            np.zeros(more, np.int64),
        )

    def with_extra_frames(self, stamps: Int, occurrences: Int, packets: Int, repeats: Int) -> Numbering:
        """A copy with frames added after those of the video."""
        return replace(
            self,
            stamps=np.concatenate([self.stamps, stamps]),
            occurrences=np.concatenate([self.occurrences, occurrences]),
            packets=np.concatenate([self.packets, packets]),
            repeats=np.concatenate([self.repeats, repeats]),
        )

    def match_frames(self, other: Numbering) -> Int:
        """(F,) int64: the number of each frame in ``other``, a numbering of the same file; -1 where it is missing.

        No two frames get the same number. An unidentified frame keeps its number where that is free.
        """
        known = np.flatnonzero(self.packets != NO_PACKET)
        theirs = slice(0, other.video_frame_count)
        stamps, their_stamps = self.stamps[known], other.stamps[theirs]
        timed = not bool((stamps == NO_TIME).any() or (their_stamps == NO_TIME).any())
        ordered = self.order_known and other.order_known
        mine_packed = self.packets[known], self.repeats[known]
        their_packed = other.packets[theirs], other.repeats[theirs]
        if not ordered and timed:
            found = _lookup((stamps, self.occurrences[known]), (their_stamps, other.occurrences[theirs]))
        elif not ordered:
            found = np.where(known < other.video_frame_count, known, -1)
        elif not timed:
            found = _lookup(mine_packed, their_packed)
        else:
            found = _lookup((stamps,), (their_stamps,))
            # Frames with equal timestamps are identified by their packets.
            ambiguous = _repeated(stamps) | np.isin(stamps, their_stamps[_repeated(their_stamps)])
            if len(their_stamps) and ambiguous.any():
                packed = _lookup(mine_packed, their_packed)
                same_time = (packed >= 0) & (their_stamps[packed] == stamps)
                found = np.where(ambiguous, np.where(same_time, packed, -1), found)
        result = np.full(self.frame_count, -1, np.int64)
        result[known] = _keep_first(found)
        taken = np.zeros(max(other.video_frame_count, self.frame_count), np.bool_)
        taken[result[result >= 0]] = True
        unknown = np.flatnonzero(self.packets == NO_PACKET)
        unknown = unknown[(unknown < other.video_frame_count) & ~taken[unknown]]
        result[unknown] = unknown
        return result

    def encode(self) -> bytes:
        """Compressed bytes; about a kilobyte per hour of constant-rate video."""
        stored = _Stored(
            self.digest,
            self.video_frame_count,
            self.complete,
            self.order_known,
            *(_pack(array) for array in (self.stamps, self.occurrences, self.packets, self.repeats)),
        )
        return zlib.compress(msgspec.msgpack.encode(stored), 6)

    @classmethod
    def decode(cls, data: bytes) -> Numbering:
        """The inverse of ``encode``; ValueError for other bytes."""
        try:
            stored = msgspec.msgpack.decode(zlib.decompress(data), type=_Stored)
            columns = [_unpack(part) for part in (stored.stamps, stored.occurrences, stored.packets, stored.repeats)]
        except (zlib.error, msgspec.MsgspecError, TypeError) as error:
            raise ValueError(f"not a numbering: {error}") from error
        if len({len(column) for column in columns}) != 1 or not 0 <= stored.video_frame_count <= len(columns[0]):
            raise ValueError("not a numbering: columns differ in length")
        stamps, occurrences, packets, repeats = columns
        return cls(
            stored.digest,
            stamps,
            occurrences,
            packets,
            repeats,
            stored.video_frame_count,
            stored.complete,
            stored.order_known,
        )


def _repeated(values: Int) -> Bool:
    """(N,) bool: values that occur more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    repeated: Bool = counts[inverse] > 1
    return repeated


def _lookup(mine: tuple[Int, ...], theirs: tuple[Int, ...]) -> Int:
    """(N,) int64: index of the first row of ``theirs`` that equals each row of ``mine`` (columns); -1 for none."""
    count = len(theirs[0])
    keys = np.zeros(count + len(mine[0]), np.int64)
    for other, own in zip(theirs, mine, strict=True):
        _, ranks = np.unique(np.concatenate([other, own]), return_inverse=True)
        ranks = ranks.reshape(-1)
        keys = keys * (int(ranks.max(initial=0)) + 1) + ranks
    if not count:
        return np.full(len(mine[0]), -1, np.int64)
    order = np.argsort(keys[:count], kind="stable")
    ordered, targets = keys[:count][order], keys[count:]
    places = np.minimum(np.searchsorted(ordered, targets), count - 1)
    result: Int = np.where(ordered[places] == targets, order[places], -1).astype(np.int64)
    return result


def _keep_first(found: Int) -> Int:
    """A copy with -1 in place of repeated numbers."""
    order = np.argsort(found, kind="stable")
    repeats = np.zeros(len(found), np.bool_)
    repeats[order[1:]] = found[order[1:]] == found[order[:-1]]
    return np.where(repeats, -1, found)


def _pack(array: Int) -> bytes:
    """Differences with bytes grouped by significance: constant-rate timestamps become runs of equal bytes."""
    steps = np.diff(array.astype(np.int64), prepend=np.int64(0)).astype("<i8")
    return steps.view(np.uint8).reshape(-1, 8).T.tobytes()


def _unpack(data: bytes) -> Int:
    steps: NDArray[Any] = np.frombuffer(data, np.uint8).reshape(8, -1).T.copy().view("<i8").reshape(-1)
    result: Int = np.cumsum(steps.astype(np.int64), dtype=np.int64)
    return result
