"""The thread that writes to a project file: each request is one transaction, in order, retried until it succeeds."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.checked import DamagedRowsError, count_transaction

Work = Callable[[sqlite3.Connection], None]
"""Writes one request. It may run again after a failed attempt, so it must be idempotent."""

FIRST_RETRY = 0.25
"""Seconds until the first retry; each further wait is twice as long, up to MAX_RETRY."""
MAX_RETRY = 5.0


class Writer:
    """Writes requests in its own thread.

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
    ) -> None:
        self._path = path
        self._connect = connect
        self._on_saved = on_saved
        self._on_problem = on_problem
        self._connection: sqlite3.Connection | None = None
        self._file_stat: os.stat_result | None = None
        self._changed = threading.Condition()
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
            self._changed.notify_all()
            return self._requested

    def retry_now(self) -> None:
        """Retry a failed request at once (the user has freed space)."""
        with self._changed:
            self._delay = 0.0
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything is committed; False after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout)

    def close(self, timeout: float) -> int:
        """Write pending requests, end the thread and merge the write-ahead log into the file.

        Returns:
            The number of requests that could not be written within ``timeout`` seconds of retries.
        """
        with self._changed:
            self._closing = True
            self._give_up_at = time.monotonic() + timeout
            self._delay = 0.0
            self._changed.notify_all()
        self._thread.join()
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
            self._changed.wait_for(lambda: self._queue or self._closing)
            return self._queue[0] if self._queue else None

    def _attempt(self, work: Work) -> sqlite3.Error | OSError | DamagedRowsError | None:
        try:
            if self._connection is None:
                self._connection = self._connect()
                self._file_stat = self._path.stat()
            self._check_file()
            self._connection.execute("BEGIN IMMEDIATE")
            work(self._connection)
            count_transaction(self._connection)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError, DamagedRowsError) as error:
            # A new connection has no unfinished transaction and no unreadable log.
            self._disconnect(is_final=False)
            return error
        return None

    def _check_file(self) -> None:
        # POSIX allows writing to a deleted file; edits would be lost although the status says "Saved".
        if self._file_stat is not None and not os.path.samestat(self._file_stat, self._path.stat()):
            raise FileNotFoundError(errno.ENOENT, tr("the project file was replaced by another file"))

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

    def _disconnect(self, *, is_final: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            if is_final:
                # Fails while another window copies the file; the log then stays beside it and nothing is lost.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def describe_write_error(error: sqlite3.Error | OSError | DamagedRowsError, path: Path) -> UserError:
    """The message for a failed write."""
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
    return UserError(tr("edits cannot be saved: {reason}", reason=reason), path=path, remedy=remedy)
