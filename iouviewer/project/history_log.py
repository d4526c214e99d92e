"""The history's log: steps around the cursor in memory, older ones in the file and read when they are needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from iouviewer.document.edits import decode_edit, encode_edit
from iouviewer.document.history import Step, merged, merges
from iouviewer.errors import UserError

WINDOW = 128
"""Steps kept in memory on both sides of the cursor once they are in the file."""

Row = tuple[int, str, int, int, str, float, bytes, bytes]


def step_row(position: int, step: Step) -> Row:
    """A step as a row of the table ``history``."""
    edit, inverse = encode_edit(step.edit), encode_edit(step.inverse)
    return position, step.label, step.source, step.frame, step.merge_key, step.when, edit, inverse


def row_step(row: Row) -> tuple[int, Step]:
    """Position and step of a row; UserError if it cannot be read."""
    position, label, source, frame, merge_key, when, edit, inverse = row
    try:
        return position, Step(label, decode_edit(edit), decode_edit(inverse), source, frame, merge_key, when)
    except (msgspec.MsgspecError, TypeError) as error:
        raise UserError(f"step {position} of the history is damaged ({error})") from error


COLUMNS = "position, label, source, frame, merge_key, at, edit, inverse"


def write_step(connection: sqlite3.Connection, row: Row) -> None:
    """Put a step at its position, drop what comes after it, and set the cursor to it."""
    connection.execute("DELETE FROM history WHERE position > ?", row[:1])
    connection.execute(f"INSERT OR REPLACE INTO history ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    write_cursor(connection, row[0])


def write_cursor(connection: sqlite3.Connection, cursor: int) -> None:
    """Set how many steps are done."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('cursor', ?)", (cursor,))


def read_steps(connection: sqlite3.Connection, first: int, last: int) -> dict[int, Step]:
    """Steps at positions first..last, both included."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM history WHERE position BETWEEN ? AND ?", (first, last))
    return dict(row_step(row) for row in rows)


def read_extent(connection: sqlite3.Connection) -> tuple[int, int]:
    """(cursor, number of steps); ValueError if steps are missing or the cursor stands outside."""
    count, last = connection.execute("SELECT count(*), coalesce(max(position), 0) FROM history").fetchone()
    found = connection.execute("SELECT value FROM meta WHERE key = 'cursor'").fetchone()
    cursor = 0 if found is None else found[0]
    if count != last or not isinstance(cursor, int) or not 0 <= cursor <= count:
        raise ValueError(f"the history has {count} of {last} steps and its cursor at {cursor}")
    return cursor, count


@dataclass(slots=True)
class _Kept:
    step: Step
    request: int


class HistoryLog:
    """Positions 1 to ``count``; the steps up to ``cursor`` are done, those after it can be redone.

    Args:
        read: reads committed steps at positions first..last.
    """

    def __init__(self, cursor: int, count: int, read: Callable[[int, int], Mapping[int, Step]]) -> None:
        self.cursor = cursor
        self.count = count
        self._read = read
        self._kept: dict[int, _Kept] = {}

    def append(self, step: Step) -> tuple[int, Step]:
        """Add a step after the cursor: the position and the step to write there (merged with the last or new)."""
        last = self.at(self.cursor) if self.cursor == self.count else None
        if last is not None and merges(last, step):
            step = merged(last, step)
        else:
            self.cursor += 1
        for position in range(self.cursor + 1, self.count + 1):
            self._kept.pop(position, None)
        self.count = self.cursor
        return self.cursor, step

    def keep(self, position: int, step: Step, request: int) -> None:
        """Hold a step in memory at least until this request is committed."""
        self._kept[position] = _Kept(step, request)

    def at(self, position: int) -> Step | None:
        """The step at a position, None outside 1..count."""
        if not 1 <= position <= self.count:
            return None
        if position not in self._kept:
            first, last = max(1, position - WINDOW // 2), min(self.count, position + WINDOW // 2)
            for at, step in self._read(first, last).items():
                self._kept.setdefault(at, _Kept(step, 0))
        return self._kept[position].step

    def all(self) -> tuple[Step, ...]:
        """All steps, read at once where they are not in memory."""
        known = dict(self._read(1, self.count)) if len(self._kept) < self.count else {}
        known.update({position: kept.step for position, kept in self._kept.items()})
        return tuple(known[position] for position in range(1, self.count + 1))

    def replace_kept(self, change: Callable[[Step], Step], request: int) -> None:
        """Put other steps in the place of those in memory, which this request writes; the file's follow with it."""
        self._kept = {position: _Kept(change(kept.step), request) for position, kept in self._kept.items()}

    def forget_far(self, saved: int) -> None:
        """Drop steps far from the cursor that are in the file (``saved`` requests are)."""
        if len(self._kept) <= 3 * WINDOW:
            return
        for position in [p for p in self._kept if abs(p - self.cursor) > WINDOW]:
            if self._kept[position].request <= saved:
                del self._kept[position]
