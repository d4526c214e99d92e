"""Steps of a decoder taken a little ahead of their use, in a thread of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

Step = TypeVar("Step")


class Ahead(Generic[Step]):
    """Calls ``step`` for its owner, now or ahead of need, always in order and never twice at once.

    The thread only fills the queue: whoever takes the steps notices their effects in the order, and at the moment, in
    which calling ``step`` itself would have had them. A burst of steps ends by itself, so an owner that is forgotten,
    or an interpreter that ends, waits for one burst at most.
    """

    def __init__(self, step: Callable[[], Step], *, depth: int) -> None:
        """``depth``: steps that are ready or under way at most."""
        self._step = step
        self._depth = max(1, depth)
        # Quick steps go over together: waking the other thread for each would cost as much as the step.
        self._together = 4 if depth >= 16 else 1
        self._ready: SimpleQueue[list[Step | BaseException]] = SimpleQueue()
        self._taken: deque[Step | BaseException] = deque()
        self._owed = 0
        self._thread: ThreadPoolExecutor | None = None
        self._burst: Future[None] | None = None
        self._halted = False

    def take(self, *, go_on: bool) -> Step:
        """The next step; with ``go_on`` those after it are begun. Raises what the step raised."""
        step = self._next() if self._owed else self._step()
        if go_on and self._owed <= self._depth // 2 and (self._burst is None or self._burst.done()):
            self._begin(self._depth - self._owed)
        return step

    def _next(self) -> Step:
        if not self._taken:
            self._taken.extend(self._ready.get())
        step = self._taken.popleft()
        self._owed -= 1
        if isinstance(step, BaseException):
            self._owed = 0  # the burst ended with it
            raise step
        return step

    def _begin(self, count: int) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode ahead")
        self._owed += count
        self._burst = self._thread.submit(self._run, count)

    def _run(self, count: int) -> None:
        steps: list[Step | BaseException] = []
        for number in range(1, count + 1):
            if self._halted:
                return
            try:
                steps.append(self._step())
            except BaseException as error:  # noqa: BLE001 - raised where the step is taken
                self._ready.put([*steps, error])
                return
            if len(steps) == self._together or number == count:
                self._ready.put(steps)
                steps = []

    def halt(self) -> None:
        """Wait for the step under way and forget those that nobody took."""
        if self._burst is not None:
            self._halted = True
            self._burst.result()
            self._halted = False
            self._burst = None
        if self._owed:
            self._owed = 0
            self._ready = SimpleQueue()
            self._taken.clear()

    def close(self) -> None:
        """Halt, and end the thread; a later step begins a new one."""
        self.halt()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
