"""The undo history of a project file: steps near the cursor are cached, others are read from the file when needed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from iouviewer.document.edits import decode_edit, encode_edit
from iouviewer.document.history import StepSummary
from iouviewer.document.steps import Step, can_merge, merge_steps
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project import checked

WINDOW = 128
"""Number of steps on each side of the cursor that stay in memory after they were saved."""

_COLUMNS_OF_VERSION_2 = 8

Row = tuple[int, str, int, int, str, float, bytes, bytes, str]


def step_row(position: int, step: Step) -> Row:
    """A step as a row of the table ``history``."""
    edit, inverse = encode_edit(step.edit), encode_edit(step.inverse)
    return position, step.label, step.source, step.frame, step.merge_key, step.when, edit, inverse, step.author


def row_step(row: Row) -> tuple[int, Step]:
    """Position and step of a row; UserError if it cannot be read."""
    position, label, source, frame, merge_key, when, edit, inverse, author = row
    try:
        done, undone = decode_edit(edit), decode_edit(inverse)
        return position, Step(label, done, undone, source, frame, merge_key, when, author)
    except (msgspec.MsgspecError, TypeError) as error:
        text = tr("step {position:,} of the undo history is damaged ({reason})", position=position, reason=error)
        raise UserError(text) from error


def padded_row(row: tuple[Any, ...]) -> Row:
    """A row of a file of any version; before version 3 the author of a step was not stored."""
    if len(row) == _COLUMNS_OF_VERSION_2:
        return (*row, "")
    return row


def write_step(connection: sqlite3.Connection, row: Row) -> None:
    """Write a step at its position, delete the steps after it, and move the cursor to it."""
    connection.execute("DELETE FROM history WHERE position > ?", row[:1])
    replace_steps(connection, [row])
    write_cursor(connection, row[0])


def replace_steps(connection: sqlite3.Connection, steps: Iterable[Row]) -> None:
    """Write steps at their positions; others, and the cursor, stay."""
    checked.insert(connection, "history", steps)


def write_cursor(connection: sqlite3.Connection, cursor: int) -> None:
    """Store the number of steps that are done."""
    checked.write_meta(connection, "cursor", cursor)


def read_steps(connection: sqlite3.Connection, first: int, last: int) -> dict[int, Step]:
    """Steps at positions first..last, both included; DamagedRowsError where one is not as it was written."""
    rows = checked.select(connection, "history", "WHERE position BETWEEN ? AND ?", (first, last))
    return dict(row_step(row) for row in rows)


def read_summaries(connection: sqlite3.Connection, first: int, last: int) -> list[StepSummary]:
    """Steps at positions first..last, both included, without their edits."""
    rows = connection.execute(
        "SELECT position, label, frame, at, author FROM history WHERE position BETWEEN ? AND ? ORDER BY position",
        (first, last),
    )
    return [StepSummary(*row) for row in rows]


def read_extent(connection: sqlite3.Connection) -> tuple[int, int]:
    """(cursor, number of steps); ValueError if steps are missing or the cursor is out of range."""
    count, last = connection.execute("SELECT count(*), coalesce(max(position), 0) FROM history").fetchone()
    found = checked.read_meta(connection, "cursor")
    cursor = 0 if found is None else found
    expected = checked.read_sums(connection).get("history", (-1, 0))[0]
    if count != last or count != expected or not isinstance(cursor, int) or not 0 <= cursor <= count:
        raise ValueError(
            tr(
                "the undo history has {count:,} of {last:,} steps, and its position is {cursor}",
                count=count,
                last=max(last, expected),
                cursor=cursor,
            )
        )
    return cursor, count


@dataclass(slots=True)
class _CachedStep:
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
        self._cached: dict[int, _CachedStep] = {}

    def append(self, step: Step) -> tuple[int, Step]:
        """Add a step after the cursor; returns its position and the step to write there (possibly a merged one)."""
        last = None
        if self.cursor == self.count:
            # A step that cannot be read is not merged with; who undoes it is told.
            with contextlib.suppress(UserError):
                last = self.at(self.cursor)
        if last is not None and can_merge(last, step):
            step = merge_steps(last, step)
        else:
            self.cursor += 1
        for position in range(self.cursor + 1, self.count + 1):
            self._cached.pop(position, None)
        self.count = self.cursor
        return self.cursor, step

    def keep(self, position: int, step: Step, request: int) -> None:
        """Keep a step in memory at least until this request is committed."""
        self._cached[position] = _CachedStep(step, request)

    def at(self, position: int) -> Step | None:
        """The step at a position, None outside 1..count."""
        if not 1 <= position <= self.count:
            return None
        if position not in self._cached:
            first, last = max(1, position - WINDOW // 2), min(self.count, position + WINDOW // 2)
            for at, step in self._read(first, last).items():
                self._cached.setdefault(at, _CachedStep(step, 0))
        return self._cached[position].step

    def summaries(self, first: int, last: int, read: Callable[[int, int], list[StepSummary]]) -> list[StepSummary]:
        """Steps at positions first..last; ``read`` reads committed ones that are not in memory."""
        wanted = range(max(first, 1), min(last, self.count) + 1)
        cached = {position: self._cached.get(position) for position in wanted}
        known = {position: StepSummary.of(position, one.step) for position, one in cached.items() if one is not None}
        if len(known) < len(wanted):
            known = {summary.position: summary for summary in read(wanted[0], wanted[-1])} | known
        return [known[position] for position in wanted]

    def all(self) -> tuple[Step, ...]:
        """All steps, read at once where they are not in memory."""
        known = dict(self._read(1, self.count)) if len(self._cached) < self.count else {}
        known.update({position: cached.step for position, cached in self._cached.items()})
        return tuple(known[position] for position in range(1, self.count + 1))

    def replace_cached(self, change: Callable[[Step], Step], request: int) -> None:
        """Replace the steps in memory; the given request replaces all steps in the file in the same way."""
        self._cached = {
            position: _CachedStep(change(cached.step), request) for position, cached in self._cached.items()
        }

    def drop_distant(self, saved: int) -> None:
        """Drop cached steps far from the cursor that are in the file (``saved`` requests are committed)."""
        if len(self._cached) <= 3 * WINDOW:
            return
        for position in [p for p in self._cached if abs(p - self.cursor) > WINDOW]:
            if self._cached[position].request <= saved:
                del self._cached[position]
