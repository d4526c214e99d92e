"""Which picture each frame number stands for, so that labels can follow their pictures when frames are counted anew.

A frame is (time stamp, occurrence): the occurrence counts pictures of equal time stamp. A numbering is the list of
frames by number. The packet that holds a picture decides where time stamps do not tell pictures apart.
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
"""Stands for a missing time stamp."""

NO_PICTURE = -1
"""Packet of a frame of which nothing is known."""


class _Stored(msgspec.Struct):
    """A numbering as bytes; new fields need defaults."""

    digest: str
    picture_count: int
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
        digest: of the index that gave the pictures their numbers.
        stamps: (F,) int64, units of the stream's time base, NO_TIME where missing.
        occurrences: (F,) int64, how many earlier pictures have the same time stamp.
        packets: (F,) int64, ordinal of the packet that holds the picture, NO_PICTURE where nothing is known.
        repeats: (F,) int64, 1 for the second picture out of a packet, and so on.
        picture_count: the first so many frames are pictures; frames behind them are kept for what belongs to them.
        complete: False while more pictures may become known.
        order_known: False where only a decode can tell which picture is shown when: a number then means a place in
            the order of showing, and no certain picture.
    """

    digest: str
    stamps: Int
    occurrences: Int
    packets: Int
    repeats: Int
    picture_count: int
    complete: bool = True
    order_known: bool = True

    @property
    def frame_count(self) -> int:
        """Pictures, and frames that are kept without one."""
        return len(self.stamps)

    def padded(self, frame_count: int) -> Numbering:
        """The same with frames of which nothing is known at the end, up to ``frame_count``."""
        more = frame_count - self.frame_count
        if more <= 0:
            return self
        return self.with_kept(
            np.full(more, NO_TIME, np.int64),
            np.zeros(more, np.int64),
            np.full(more, NO_PICTURE, np.int64),
            np.zeros(more, np.int64),
        )

    def with_kept(self, stamps: Int, occurrences: Int, packets: Int, repeats: Int) -> Numbering:
        """The same with frames that are kept behind the pictures."""
        return replace(
            self,
            stamps=np.concatenate([self.stamps, stamps]),
            occurrences=np.concatenate([self.occurrences, occurrences]),
            packets=np.concatenate([self.packets, packets]),
            repeats=np.concatenate([self.repeats, repeats]),
        )

    def pictures_in(self, other: Numbering) -> Int:
        """(F,) int64: the number that ``other``, of the same file, gives each frame; -1 where it has no such picture.

        No two frames get the same number. A frame of which nothing is known keeps its number where that is free.
        """
        known = np.flatnonzero(self.packets != NO_PICTURE)
        theirs = slice(0, other.picture_count)
        stamps, their_stamps = self.stamps[known], other.stamps[theirs]
        timed = not bool((stamps == NO_TIME).any() or (their_stamps == NO_TIME).any())
        ordered = self.order_known and other.order_known
        mine_packed = self.packets[known], self.repeats[known]
        their_packed = other.packets[theirs], other.repeats[theirs]
        if not ordered and timed:
            found = _lookup((stamps, self.occurrences[known]), (their_stamps, other.occurrences[theirs]))
        elif not ordered:
            found = np.where(known < other.picture_count, known, -1)
        elif not timed:
            found = _lookup(mine_packed, their_packed)
        else:
            found = _lookup((stamps,), (their_stamps,))
            # Pictures of one time stamp are told apart by their packets.
            several = _several(stamps) | np.isin(stamps, their_stamps[_several(their_stamps)])
            if len(their_stamps) and several.any():
                packed = _lookup(mine_packed, their_packed)
                same_time = (packed >= 0) & (their_stamps[packed] == stamps)
                found = np.where(several, np.where(same_time, packed, -1), found)
        result = np.full(self.frame_count, -1, np.int64)
        result[known] = _once(found)
        taken = np.zeros(max(other.picture_count, self.frame_count), np.bool_)
        taken[result[result >= 0]] = True
        unknown = np.flatnonzero(self.packets == NO_PICTURE)
        unknown = unknown[(unknown < other.picture_count) & ~taken[unknown]]
        result[unknown] = unknown
        return result

    def encode(self) -> bytes:
        """Compressed bytes; about a kilobyte for an hour of constant rate."""
        stored = _Stored(
            self.digest,
            self.picture_count,
            self.complete,
            self.order_known,
            *(_packed(array) for array in (self.stamps, self.occurrences, self.packets, self.repeats)),
        )
        return zlib.compress(msgspec.msgpack.encode(stored), 6)

    @classmethod
    def decode(cls, data: bytes) -> Numbering:
        """What ``encode`` gave; ValueError for anything else."""
        try:
            stored = msgspec.msgpack.decode(zlib.decompress(data), type=_Stored)
            columns = [_unpacked(part) for part in (stored.stamps, stored.occurrences, stored.packets, stored.repeats)]
        except (zlib.error, msgspec.MsgspecError, TypeError) as error:
            raise ValueError(f"no numbering: {error}") from error
        if len({len(column) for column in columns}) != 1 or not 0 <= stored.picture_count <= len(columns[0]):
            raise ValueError("no numbering: columns differ in length")
        stamps, occurrences, packets, repeats = columns
        return cls(
            stored.digest,
            stamps,
            occurrences,
            packets,
            repeats,
            stored.picture_count,
            stored.complete,
            stored.order_known,
        )


def _several(values: Int) -> Bool:
    """(N,) bool: which values stand there more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    several: Bool = counts[inverse] > 1
    return several


def _lookup(mine: tuple[Int, ...], theirs: tuple[Int, ...]) -> Int:
    """(N,) int64: the first place where each row of columns stands in other columns; -1 where nowhere."""
    count = len(theirs[0])
    keys = np.zeros(count + len(mine[0]), np.int64)
    for other, own in zip(theirs, mine, strict=True):
        _, ranks = np.unique(np.concatenate([other, own]), return_inverse=True)
        ranks = ranks.reshape(-1)
        keys = keys * (int(ranks.max(initial=0)) + 1) + ranks
    if not count:
        return np.full(len(mine[0]), -1, np.int64)
    order = np.argsort(keys[:count], kind="stable")
    ordered, wanted = keys[:count][order], keys[count:]
    places = np.minimum(np.searchsorted(ordered, wanted), count - 1)
    result: Int = np.where(ordered[places] == wanted, order[places], -1).astype(np.int64)
    return result


def _once(found: Int) -> Int:
    """The same with -1 where a number came up before."""
    order = np.argsort(found, kind="stable")
    again = np.zeros(len(found), np.bool_)
    again[order[1:]] = found[order[1:]] == found[order[:-1]]
    return np.where(again, -1, found)


def _packed(array: Int) -> bytes:
    """Differences, all first bytes first: an even time base becomes a run of equal bytes."""
    steps = np.diff(array.astype(np.int64), prepend=np.int64(0)).astype("<i8")
    return steps.view(np.uint8).reshape(-1, 8).T.tobytes()


def _unpacked(data: bytes) -> Int:
    steps: NDArray[Any] = np.frombuffer(data, np.uint8).reshape(8, -1).T.copy().view("<i8").reshape(-1)
    result: Int = np.cumsum(steps.astype(np.int64), dtype=np.int64)
    return result
