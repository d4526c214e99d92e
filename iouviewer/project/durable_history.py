"""A history of edits that is kept in a project file; each step is one transaction with the rows that it leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from iouviewer.document.history import RowChanges, Step
from iouviewer.errors import UserError
from iouviewer.project import history_log
from iouviewer.project.history_log import HistoryLog
from iouviewer.project.rows import write_changes
from iouviewer.project.schema import connect
from iouviewer.project.writer import Work, Writer

READ_SECONDS = 10.0
"""How long reading waits for steps that are being rewritten."""


class DurableHistory:
    """The part of a project file that is a ``document.history.History``."""

    def __init__(self, path: Path, writer: Writer, cursor: int, count: int) -> None:
        self.path = path
        self._writer = writer
        self._log = HistoryLog(cursor, count, self._read_steps)
        self._rewritten_by = 0

    @property
    def progress(self) -> tuple[int, int]:
        """Requests (committed, made) so far: steps, and all else that was to be written."""
        return self._writer.progress

    @property
    def step_count(self) -> int:
        """Number of steps, those that can be redone included."""
        return self._log.count

    @property
    def cursor(self) -> int:
        """Number of steps that are done."""
        return self._log.cursor

    def append(self, step: Step, rows: RowChanges) -> None:
        """Add a step after the cursor, dropping what could be redone; merges with the last one by merge_key."""
        position, step = self._log.append(step)
        row = history_log.step_row(position, step)

        def write(connection: sqlite3.Connection) -> None:
            write_changes(connection, rows)
            history_log.write_step(connection, row)

        self._log.keep(position, step, self._submit(write))
        self._log.forget_far(self.progress[0])

    def undo_step(self) -> Step | None:
        """The step that undo would take back, or None. UserError if it can no longer be read."""
        return self._log.at(self._log.cursor)

    def redo_step(self) -> Step | None:
        """The step that redo would do again, or None. UserError if it can no longer be read."""
        return self._log.at(self._log.cursor + 1)

    def move(self, by: int, rows: RowChanges) -> None:
        """Move the cursor by -1 (undone) or +1 (redone)."""
        cursor = self._log.cursor + by
        if not 0 <= cursor <= self._log.count:
            raise ValueError(f"the cursor cannot move to {cursor} of {self._log.count} steps")
        self._log.cursor = cursor

        def write(connection: sqlite3.Connection) -> None:
            write_changes(connection, rows)
            history_log.write_cursor(connection, cursor)

        self._submit(write)
        self._log.forget_far(self.progress[0])

    def all_steps(self) -> tuple[Step, ...]:
        """All steps, read from the file where they are not in memory. UserError if one can no longer be read."""
        return self._log.all()

    def _keep_steps(self, steps: Iterable[Step], request: int) -> None:
        for position, step in enumerate(steps, start=1):
            self._log.keep(position, step, request)

    def _submit(self, work: Work) -> int:
        return self._writer.submit(work)

    def _rewrite_steps(self, change: Callable[[Step], Step], request: int) -> None:
        """All steps are others once this request is committed; those in memory are at once."""
        self._log.replace_kept(change, request)
        self._rewritten_by = request

    def _read_steps(self, first: int, last: int) -> Mapping[int, Step]:
        if self.progress[0] < self._rewritten_by and not self._writer.flush(READ_SECONDS):
            raise UserError("the history cannot be read before it is written", path=self.path)
        with closing(connect(self.path)) as connection:
            try:
                return history_log.read_steps(connection, first, last)
            except sqlite3.DatabaseError as error:
                raise UserError(f"the history could not be read: {error}", path=self.path) from error
