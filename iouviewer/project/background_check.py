"""Checks an open project file completely in a thread of its own, and lets its writer begin after that."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.backups import back_up_if_changed
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.checking import verify
from iouviewer.project.schema import connect
from iouviewer.project.writer import Writer


class DamagedProjectError(UserError):
    """The file is damaged; it is unchanged. ``salvage`` recovers what can be read."""


def damaged_error(path: Path, reason: object) -> DamagedProjectError:
    """The error for a damaged file."""
    return DamagedProjectError(tr("the project file is damaged: {reason}", reason=reason), path=path)


class BackgroundCheck:
    """The check of one file, which runs once.

    Attributes:
        damage: what was found, None if the file is intact or is still checked.
        backs_up: make an automatic backup of the file as it was opened, if it changed since the last one.
        backup_problem: why that failed, None if it did not.
    """

    def __init__(self, path: Path) -> None:
        self.damage: DamagedProjectError | None = None
        self.backs_up = False
        self.backup_problem: UserError | None = None
        self._path = path
        self._writer: Writer | None = None
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        # While the file is read, a check that is asked for waits; what was read need not be checked again.
        self._read = threading.Event()
        self._read.set()
        self._waits_for_reading = False
        self._lock = threading.Lock()
        self._on_end: Callable[[], None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the file has not been checked completely."""
        return not self._ended.is_set()

    def hold(self, writer: Writer) -> None:
        """Let this writer begin when the file is found to be intact."""
        self._writer = writer

    def call_at_end(self, callback: Callable[[], None]) -> None:
        """Call this at the end, from any thread; at once if the check has ended."""
        with self._lock:
            if self.is_running:
                self._on_end = callback
                return
        callback()

    def start(self, *, rows_read: bool = False) -> None:
        """Start, unless it was started.

        Args:
            rows_read: all rows but the history have been read and verified.
        """
        with self._lock:
            if not self._read.is_set():
                self._waits_for_reading = True
            else:
                self._start(rows_read)

    def _start(self, rows_read: bool) -> None:
        if self._thread is None and self.damage is None:
            self._thread = threading.Thread(target=self._run, args=(rows_read,), name="project-check", daemon=True)
            self._thread.start()

    def begin_reading(self) -> None:
        """The file is being read: the check waits for the end of that."""
        self._read.clear()

    def end_reading(self, *, is_complete: bool) -> None:
        """Start, if all rows but the history were read and verified, or if ``start`` was called meanwhile."""
        with self._lock:
            # Who waits for the end of reading finds the thread.
            if is_complete or self._waits_for_reading:
                self._start(is_complete)
            self._read.set()

    def fail(self, reason: object) -> None:
        """Rows that were verified cannot be read: end as if the check had found that."""
        self.damage = damaged_error(self._path, getattr(reason, "message", reason))
        self._end()

    def wait(self) -> DamagedProjectError | None:
        """Wait for the end, if it was started; what was found."""
        self._read.wait()
        if self._thread is not None:
            self._thread.join()
        return self.damage

    def finish(self, *, is_needed: bool) -> None:
        """Wait for the end, or stop the check if nothing waits to be written."""
        self._read.wait()
        connection = self._connection
        if connection is not None and not is_needed:
            with contextlib.suppress(sqlite3.Error):
                connection.interrupt()
        self._on_end = None
        self.wait()

    def _run(self, rows_read: bool) -> None:
        try:
            with closing(connect(self._path, mode="ro")) as connection:
                self._connection = connection
                # One transaction: what is checked is what is then backed up.
                connection.execute("BEGIN")
                verify(connection, rows_read=rows_read)
                if self.backs_up:
                    self._back_up(connection)
        except Exception as failure:
            if not isinstance(failure, (sqlite3.DatabaseError, DamagedRowsError, ValueError, UserError)):
                logging.getLogger(__name__).exception("%s could not be checked", self._path)
            if getattr(failure, "sqlite_errorname", None) != "SQLITE_INTERRUPT":
                self.damage = damaged_error(self._path, getattr(failure, "message", failure))
        finally:
            self._connection = None
        self._end()

    def _end(self) -> None:
        if self._writer is not None:
            if self.damage is None:
                self._writer.release()
            else:
                self._writer.refuse(self.damage)
        with self._lock:
            self._ended.set()
            callback = self._on_end
        if callback is not None:
            callback()

    def _back_up(self, connection: sqlite3.Connection) -> None:
        try:
            back_up_if_changed(self._path, connection)
        except UserError as error:
            self.backup_problem = error
