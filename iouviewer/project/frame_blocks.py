"""What each frame should hold, in blocks of frames: number and checksums of its boxes, and its state.

The blocks make it possible to say which frames lost which boxes, and keep a second copy of the frame states.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from iouviewer.i18n import tr_n
from iouviewer.metrics.table import Bool, Int
from iouviewer.project import checked
from iouviewer.project.checked import DamagedRowsError

FRAMES = 64
"""Frames in a block: its row then fits into a page without overflow."""

_DTYPE = np.dtype([("count", "<u4"), ("total", "<u8"), ("state", "i1"), ("verified", "i1")])

NOTHING = np.zeros(1, _DTYPE)[0]
"""Facts of a frame without boxes and state."""

FrameFacts = NDArray[np.void]
"""(F,) of ``count`` (boxes), ``total`` (sum of their checksums), ``state`` and ``verified``."""


def facts_of(frames: Int, crcs: Int, states: NDArray[np.int8], verified: NDArray[np.int8]) -> FrameFacts:
    """Facts of (F,) frames, from the frames and checksums of all boxes (N,) and the states (F,)."""
    facts = np.zeros(len(states), _DTYPE)
    facts["count"] = np.bincount(frames, minlength=len(states))
    # Exact up to two million boxes on a frame: doubles hold integers up to 2**53.
    facts["total"] = np.bincount(frames, weights=crcs.astype(np.float64), minlength=len(states)).astype(np.uint64)
    facts["state"], facts["verified"] = states, verified
    return facts


def write(connection: sqlite3.Connection, source: int, facts: FrameFacts) -> None:
    """Replace the blocks of a source; a block without boxes and states has no row."""
    connection.execute("DELETE FROM frame_blocks WHERE source = ?", (source,))
    _put(connection, source, {start // FRAMES: facts[start : start + FRAMES] for start in range(0, len(facts), FRAMES)})


def _put(connection: sqlite3.Connection, source: int, blocks: Mapping[int, FrameFacts]) -> None:
    empty = [(source, number) for number, facts in blocks.items() if not any(facts.tobytes())]
    connection.executemany("DELETE FROM frame_blocks WHERE source = ? AND block = ?", empty)
    rows = ((source, number, facts.tobytes()) for number, facts in blocks.items() if any(facts.tobytes()))
    checked.insert(connection, "frame_blocks", rows)


def decode(data: object) -> FrameFacts | None:
    """Facts of up to FRAMES frames; None if this is not a block."""
    if not isinstance(data, bytes) or len(data) % _DTYPE.itemsize or len(data) > FRAMES * _DTYPE.itemsize:
        return None
    return np.frombuffer(data, _DTYPE).copy()


def change(
    connection: sqlite3.Connection,
    source: int,
    *,
    removed: Iterable[tuple[int, int]] = (),
    added: Iterable[tuple[int, int]] = (),
    states: Iterable[tuple[int, int, int]] = (),
) -> None:
    """Change the facts of some frames.

    Args:
        removed, added: (frame, checksum) of boxes.
        states: (frame, state, verified).

    Raises:
        DamagedRowsError: a block that would change is damaged.
    """
    blocks: dict[int, FrameFacts] = {}

    def at(frame: int) -> tuple[FrameFacts, int]:
        number, place = divmod(frame, FRAMES)
        if number not in blocks:
            found = checked.select(connection, "frame_blocks", "WHERE source = ? AND block = ?", (source, number))
            known = decode(found[0][2]) if found else None
            blocks[number] = np.zeros(FRAMES, _DTYPE)
            if known is not None:
                blocks[number][: len(known)] = known
        return blocks[number], place

    for sign, boxes in ((-1, removed), (1, added)):
        for frame, crc in boxes:
            facts, place = at(frame)
            count, total = int(facts["count"][place]) + sign, int(facts["total"][place]) + sign * crc
            if count < 0 or total < 0:
                raise DamagedRowsError(_mismatch(1))
            facts["count"][place], facts["total"][place] = count, total
    for frame, state, verified in states:
        facts, place = at(frame)
        facts["state"][place], facts["verified"][place] = state, verified
    _put(connection, source, blocks)


def read(connection: sqlite3.Connection, source: int, frame_count: int) -> FrameFacts:
    """Facts of all frames of a source.

    Raises:
        DamagedRowsError: a block is damaged or lies outside the video.
    """
    facts = np.zeros(frame_count + FRAMES, _DTYPE)
    for _source, number, data in checked.select(connection, "frame_blocks", "WHERE source = ?", (source,)):
        block = decode(data)
        if block is None or not 0 <= number * FRAMES < max(frame_count, 1):
            raise DamagedRowsError(_mismatch(1))
        facts[number * FRAMES : number * FRAMES + len(block)] = block
    if facts[frame_count:].tobytes().strip(b"\0"):
        raise DamagedRowsError(_mismatch(1))
    return facts[:frame_count]


def has_boxes(connection: sqlite3.Connection, source: int, frame: int, crcs: Int) -> bool:
    """Whether boxes with these checksums, (n,), are all of a frame's. DamagedRowsError: its block is damaged."""
    number, place = divmod(frame, FRAMES)
    found = checked.select(connection, "frame_blocks", "WHERE source = ? AND block = ?", (source, number))
    facts = decode(found[0][2]) if found else np.zeros(FRAMES, _DTYPE)
    if facts is None or place >= len(facts):
        return False
    return bool(facts["count"][place] == len(crcs) and facts["total"][place] == crcs.sum())


def differing(stored: FrameFacts, found: FrameFacts) -> Bool:
    """(F,) bool: frames whose boxes or states are not those that were written."""
    different: Bool = np.zeros(len(stored), np.bool_)
    for name in ("count", "total", "state", "verified"):
        different |= stored[name] != found[name]
    return different


def compare(stored: FrameFacts, found: FrameFacts) -> None:
    """DamagedRowsError if the boxes or states of a frame are not those that were written."""
    count = int(differing(stored, found).sum())
    if count:
        raise DamagedRowsError(_mismatch(count))


def _mismatch(count: int) -> str:
    return tr_n(
        "{count} frame does not have the boxes and the state that were saved",
        "{count:,} frames do not have the boxes and the states that were saved",
        count,
    )
