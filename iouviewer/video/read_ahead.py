"""Calls a function ahead of time in a background thread and hands out its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Calls ``function`` for its owner, now or ahead of time, always in order and never twice at once.

    The thread only fills a queue: the owner sees the effects of a call in the same order, and at the same moment, as if
    it had made the call itself. A batch of calls ends by itself, so dropping the owner, or exiting the interpreter,
    waits for one batch at most.
    """

    def __init__(self, function: Callable[[], T], *, depth: int) -> None:
        """``depth``: the most results that are ready or in progress."""
        self._function = function
        self._depth = max(1, depth)
        # Short calls are handed over in groups: waking the other thread for each would take as long as the call.
        self._group_size = 4 if depth >= 16 else 1
        self._ready: SimpleQueue[list[T | BaseException]] = SimpleQueue()
        self._received: deque[T | BaseException] = deque()
        self._pending = 0
        self._thread: ThreadPoolExecutor | None = None
        self._batch: Future[None] | None = None
        self._stopping = False

    def take(self, *, ahead: bool) -> T:
        """The next result; with ``ahead`` the following calls are started. Raises what the function raised."""
        result = self._next() if self._pending else self._function()
        if ahead and self._pending <= self._depth // 2 and (self._batch is None or self._batch.done()):
            self._start(self._depth - self._pending)
        return result

    def _next(self) -> T:
        if not self._received:
            self._received.extend(self._ready.get())
        result = self._received.popleft()
        self._pending -= 1
        if isinstance(result, BaseException):
            self._pending = 0  # the batch ended with it
            raise result
        return result

    def _start(self, count: int) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode-ahead")
        self._pending += count
        self._batch = self._thread.submit(self._run, count)

    def _run(self, count: int) -> None:
        results: list[T | BaseException] = []
        for number in range(1, count + 1):
            if self._stopping:
                return
            try:
                results.append(self._function())
            except BaseException as error:  # noqa: BLE001 - raised by ``take``
                self._ready.put([*results, error])
                return
            if len(results) == self._group_size or number == count:
                self._ready.put(results)
                results = []

    def wait(self) -> None:
        """Wait for the calls started ahead of time."""
        if self._batch is not None:
            self._batch.result()

    def stop(self) -> None:
        """Wait for the call in progress and discard the results that were not taken."""
        if self._batch is not None:
            self._stopping = True
            self._batch.result()
            self._stopping = False
            self._batch = None
        if self._pending:
            self._pending = 0
            self._ready = SimpleQueue()
            self._received.clear()

    def close(self) -> None:
        """Stop, and end the thread; a later call starts a new one."""
        self.stop()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
