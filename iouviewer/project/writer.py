"""The one thread that writes to a project file: each request is one transaction, in order, retried until it works."""

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

Work = Callable[[sqlite3.Connection], None]
"""What a request writes. It may run again after a failed attempt, so it sets rows and does not count up."""

FIRST_RETRY = 0.25
"""Seconds until the first retry; doubles up to LONGEST_RETRY."""
LONGEST_RETRY = 5.0


class Writer:
    """Writes requests in a thread of its own.

    Callbacks run in that thread. ``on_saved(saved, requested)`` follows each COMMIT; ``on_problem`` gets one error when
    writing begins to fail and None when it works again.
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
        self._place: os.stat_result | None = None
        self._changed = threading.Condition()
        self._queue: deque[Work] = deque()
        self._requested = 0
        self._saved = 0
        self._closing = False
        self._give_up_at = float("inf")
        self._delay = 0.0
        self._thread = threading.Thread(target=self._run, name=f"writer of {path.name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> tuple[int, int]:
        """Requests (committed, made) so far."""
        with self._changed:
            return self._saved, self._requested

    def submit(self, work: Work) -> int:
        """Write this after all that was submitted before; returns the request's number."""
        with self._changed:
            if self._closing:
                raise RuntimeError("the project file is closed")
            self._queue.append(work)
            self._requested += 1
            self._changed.notify_all()
            return self._requested

    def retry_now(self) -> None:
        """Try a failed request again at once (the user says there is room now)."""
        with self._changed:
            self._delay = 0.0
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until all is committed; False if that takes longer than ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout)

    def close(self, timeout: float) -> int:
        """Write what waits, then end the thread and leave one file.

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

    # In the thread

    def _run(self) -> None:
        try:
            self._work_off()
        finally:
            self._disconnect(last=True)

    def _work_off(self) -> None:
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
                self._on_problem(describe(error, self._path))
            if not self._wait(wait):
                return
            wait = min(2 * wait, LONGEST_RETRY)

    def _next(self) -> Work | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            return self._queue[0] if self._queue else None

    def _attempt(self, work: Work) -> sqlite3.Error | OSError | None:
        try:
            if self._connection is None:
                self._connection = self._connect()
                self._place = self._path.stat()
            self._check_place()
            self._connection.execute("BEGIN IMMEDIATE")
            work(self._connection)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            # A new connection knows nothing of a half-done transaction or of an unreadable log.
            self._disconnect(last=False)
            return error
        return None

    def _check_place(self) -> None:
        # POSIX lets a deleted file be written on: the edits would be gone, and "saved" a lie.
        if self._place is not None and not os.path.samestat(self._place, self._path.stat()):
            raise FileNotFoundError(errno.ENOENT, "another file has taken the project's place")

    def _wait(self, seconds: float) -> bool:
        """Wait for the next attempt; False when there shall be none."""
        with self._changed:
            self._delay = seconds
            until = time.monotonic() + seconds
            while self._delay:
                left = min(until, self._give_up_at) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return time.monotonic() < self._give_up_at

    def _disconnect(self, *, last: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            if last:
                # Fails while another window copies the file; the log then stays beside it, which loses nothing.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def describe(error: sqlite3.Error | OSError, path: Path) -> UserError:
    """A failed write in words for people."""
    name = getattr(error, "sqlite_errorname", "") or ""
    reason, remedy = str(error), "Edits are kept in memory and written as soon as it works again."
    if name.startswith("SQLITE_FULL"):
        reason, remedy = (
            "the disk is full",
            "Free some space; edits are kept in memory and written as soon as it works.",
        )
    elif name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        reason = "the file or its folder cannot be written"
    elif name.startswith("SQLITE_BUSY"):
        reason = "another program holds the file"
    elif isinstance(error, OSError):
        reason = error.strerror or str(error)
    return UserError(f"edits are not being saved: {reason}", path=path, remedy=remedy)
