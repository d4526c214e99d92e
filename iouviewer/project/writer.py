"""The thread that writes to a project file: each request is one transaction, in order, retried until it succeeds."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.checked import DamagedRowsError, count_transaction
from iouviewer.project.logs import Session, read_identity
from iouviewer.project.schema import connect

Work = Callable[[sqlite3.Connection], None]
"""Writes one request. It may run again after a failed attempt, so it must be idempotent."""

FIRST_RETRY = 0.25
"""Seconds until the first retry; each further wait is twice as long, up to MAX_RETRY."""
MAX_RETRY = 5.0


class ProjectReplacedError(UserError):
    """The file was moved, replaced or overwritten by something else while it was open; nothing is written to it."""


_EXPECTED = (sqlite3.Error, OSError, DamagedRowsError, ProjectReplacedError)


@dataclass(slots=True)
class FileStamp:
    """The file as this program saw or wrote it last.

    Attributes:
        facts: device, inode, size and time of change.
        session: its session without its log (project/logs.py), None if unknown.
    """

    facts: tuple[int, int, int, int]
    session: Session | None

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """The stamp of a file as it is now. OSError: there is none."""
        facts = _facts(path)
        identity = read_identity(path)
        return cls(facts, identity.session if identity is not None else None)

    def updated(self, path: Path) -> FileStamp:
        """The stamp after this program wrote to the file."""
        return self if _facts(path) == self.facts else FileStamp.of(path)

    def is_of(self, path: Path) -> bool:
        """Whether the file is still this one. Its log may have been merged into it since."""
        try:
            facts = _facts(path)
            if facts == self.facts:
                return True
            if facts[:2] != self.facts[:2]:
                return False
            now = FileStamp.of(path).session
        except OSError:
            return False
        if self.session is None:
            return True  # not a file with sessions: only its identity on the disk is known
        return now is not None and now[0] == self.session[0] and now[1] >= self.session[1]


def _facts(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Writer:
    """Writes requests in its own thread.

    A file that was opened is held: nothing is written until ``release`` (it was checked) or ever, after ``refuse``.

    Callbacks run in that thread. ``on_saved(saved, requested)`` is called after each COMMIT; ``on_problem`` is called
    with an error when writing starts to fail and with None when it works again.
    """

    def __init__(
        self,
        path: Path,
        connect: Callable[[], sqlite3.Connection],
        *,
        on_saved: Callable[[int, int], None],
        on_problem: Callable[[UserError | None], None],
        stamp: FileStamp | None = None,
        on_held: Callable[[], None] | None = None,
    ) -> None:
        """Start the thread.

        Args:
            connect: opens the file for writing.
            stamp: the file as it was opened, None for a file that ``connect`` creates.
            on_held: hold the file; called when something is submitted for the first time meanwhile.
        """
        self._path = path
        self._connect = connect
        self._on_saved = on_saved
        self._on_problem = on_problem
        self._connection: sqlite3.Connection | None = None
        self._guard: sqlite3.Connection | None = None
        self._stamp = stamp
        self._on_held = on_held
        self._held = on_held is not None
        self._refusal: UserError | None = None
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._queue: deque[Work] = deque()
        self._requested = 0
        self._saved = 0
        self._closing = False
        self._give_up_at = float("inf")
        self._delay = 0.0
        self._thread = threading.Thread(target=self._run, name=f"writer-{path.name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> tuple[int, int]:
        """Numbers of (committed, submitted) requests so far."""
        with self._changed:
            return self._saved, self._requested

    def submit(self, work: Work) -> int:
        """Queue a request after all earlier ones; returns its number."""
        with self._changed:
            if self._closing:
                raise RuntimeError("the project file is closed")
            self._queue.append(work)
            self._requested += 1
            number = self._requested
            held, self._on_held = self._on_held, None
            self._changed.notify_all()
        if held is not None:
            held()
        return number

    def release(self) -> None:
        """Begin to write: the file was checked."""
        with self._changed:
            self._held = False
            self._on_held = None
            self._changed.notify_all()

    def refuse(self, error: UserError) -> None:
        """Never write: the file is damaged. Requests stay unwritten, and are counted by ``close``."""
        with self._changed:
            self._refusal = error
            self._changed.notify_all()

    def check_file(self) -> None:
        """Compare the file with the one that was opened.

        Raises:
            ProjectReplacedError: it is another one.
        """
        # While the writer changes the file, it has just been compared, and its stamp is out of date.
        if not self._writing.acquire(blocking=False):
            return
        try:
            self._compare_file()
        finally:
            self._writing.release()

    def _compare_file(self) -> None:
        if self._stamp is not None and not self._stamp.is_of(self._path):
            raise ProjectReplacedError(
                tr("the project file was moved, replaced or overwritten by another program"),
                path=self._path,
                remedy=tr("Nothing is written to it. Edits stay in memory until you choose where to save them."),
            )

    def retry_now(self) -> None:
        """Retry a failed request at once (the user has freed space)."""
        with self._changed:
            self._delay = 0.0
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything is committed; False after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout)

    def close(self, timeout: float, *, discards: bool = False) -> int:
        """Write pending requests, end the thread and merge the write-ahead log into the file.

        Args:
            discards: forget requests that cannot be written.

        Returns:
            The number of requests that could not be written within ``timeout`` seconds of retries.
        """
        with self._changed:
            self._closing = True
            self._give_up_at = time.monotonic() + timeout
            self._delay = 0.0
            self._changed.notify_all()
        self._thread.join()
        if discards:
            self._queue.clear()
        return len(self._queue)

    # In the writer's thread

    def _run(self) -> None:
        try:
            self._process_queue()
        finally:
            self._disconnect(is_final=True)

    def _process_queue(self) -> None:
        failed = False
        wait = FIRST_RETRY
        while (work := self._next()) is not None:
            error = self._attempt(work)
            if error is None:
                wait = FIRST_RETRY
                with self._changed:
                    self._queue.popleft()
                    self._saved += 1
                    progress = self._saved, self._requested
                    self._changed.notify_all()
                if failed:
                    failed = False
                    self._on_problem(None)
                self._on_saved(*progress)
                continue
            if not failed:
                failed = True
                self._on_problem(describe_write_error(error, self._path))
            if not self._wait(wait):
                return
            wait = min(2 * wait, MAX_RETRY)

    def _next(self) -> Work | None:
        with self._changed:
            self._changed.wait_for(lambda: (self._queue and not self._held and not self._refusal) or self._closing)
            return self._queue[0] if self._queue and self._refusal is None else None

    def _attempt(self, work: Work) -> Exception | None:
        with self._writing:
            return self._write(work)

    def _write(self, work: Work) -> Exception | None:
        is_own = False
        try:
            self._compare_file()
            is_own = True
            if self._connection is None:
                self._connection = self._connect()
                self._guard = open_guard(self._path)
                self._stamp = FileStamp.of(self._path)
            self._connection.execute("BEGIN IMMEDIATE")
            work(self._connection)
            count_transaction(self._connection)
            self._connection.execute("COMMIT")
            if self._stamp is not None:
                self._stamp = self._stamp.updated(self._path)
        except Exception as error:
            if not isinstance(error, _EXPECTED):
                logging.getLogger(__name__).exception("A change could not be written to %s", self._path)
            # A new connection has no unfinished transaction and no unreadable log.
            self._disconnect(is_final=False, is_moved=isinstance(error, ProjectReplacedError))
            if is_own and self._stamp is not None:
                # Connecting may have begun a session before it failed, and disconnecting merges the log.
                with contextlib.suppress(OSError):
                    self._stamp = FileStamp.of(self._path)
            return error
        return None

    def _wait(self, seconds: float) -> bool:
        """Wait for the next attempt; False when the time for retries is over."""
        with self._changed:
            self._delay = seconds
            until = time.monotonic() + seconds
            while self._delay:
                remaining = min(until, self._give_up_at) - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            return time.monotonic() < self._give_up_at

    def _disconnect(self, *, is_final: bool, is_moved: bool = False) -> None:
        connection, self._connection = self._connection, None
        guard, self._guard = self._guard, None
        if connection is None:
            return
        if self._is_overwritten_now():
            # The last connection to close writes the log into the file, whose contents are now others. The guard cannot
            # write, and closes last.
            _close(connection)
            _close(guard)
            return
        _close(guard)
        with contextlib.suppress(sqlite3.Error):
            if is_final or is_moved:
                # Fails while another window copies the file; the log stays beside it and nothing is lost. SQLite does
                # not merge the log of a file that was moved, which is still the one that is open, of its own accord.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if is_final:
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        _close(connection)

    def _is_overwritten_now(self) -> bool:
        """Whether the file that is open has other contents than this program wrote."""
        try:
            is_same_file = self._stamp is not None and _facts(self._path)[:2] == self._stamp.facts[:2]
        except OSError:
            return False
        return is_same_file and self._stamp is not None and not self._stamp.is_of(self._path)


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def open_guard(path: Path) -> sqlite3.Connection | None:
    """A connection that only reads; None where it cannot be opened."""
    try:
        guard = connect(path, mode="ro")
        guard.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        return None
    return guard


def describe_write_error(error: Exception, path: Path) -> UserError:
    """The message for a failed write."""
    if isinstance(error, ProjectReplacedError):
        return error
    name = getattr(error, "sqlite_errorname", "") or ""
    reason = str(error)
    remedy = tr("Edits stay in memory and are saved as soon as the file can be written.")
    if name.startswith("SQLITE_FULL"):
        reason = tr("the disk is full")
        remedy = tr("Free some space; edits stay in memory and are saved as soon as there is enough.")
    elif name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        reason = tr("the file or its folder cannot be written")
    elif name.startswith("SQLITE_BUSY"):
        reason = tr("another program is using the file")
    elif isinstance(error, OSError):
        reason = error.strerror or str(error)
    elif not isinstance(error, _EXPECTED):
        reason = tr("an error of the program ({error}), which is in its log", error=type(error).__name__)
        remedy = tr("Save elsewhere, or report the problem. Edits stay in memory.")
    return UserError(tr("edits cannot be saved: {reason}", reason=reason), path=path, remedy=remedy)
