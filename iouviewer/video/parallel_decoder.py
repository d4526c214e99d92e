"""Decoders side by side, for codecs whose pictures stand alone and whose decoder has no threads (MJPEG)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

MOST = 4
"""Decoders at once; each holds a picture."""


class Abreast(Generic[Result]):
    """Runs ``decode(context, packet)`` for several packets at once, each in a context of its own.

    ``contexts`` are the containers' and all alike; who began a packet asks the future for what came of it, so the order
    is the asker's.
    """

    def __init__(self, contexts: list[Any], decode: Callable[[Any, Any], Result]) -> None:
        self._decode = decode
        self._under_way = 0
        self._changed = threading.Condition()
        self._free: SimpleQueue[Any] = SimpleQueue()
        for context in contexts:
            self._free.put(context)
        self._threads = ThreadPoolExecutor(max_workers=len(contexts), thread_name_prefix="decode abreast")

    def begin(self, packet: Any) -> Future[Result]:
        """Decode a packet as soon as a context is free."""
        with self._changed:
            self._under_way += 1
        return self._threads.submit(self._run, packet)

    def _run(self, packet: Any) -> Result:
        context = self._free.get()
        try:
            return self._decode(context, packet)
        finally:
            self._free.put(context)
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all that was begun is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0)

    def close(self) -> None:
        """Wait for what was begun, and end the threads."""
        self._threads.shutdown(wait=True)


def useful_count() -> int:
    """Decoders that this machine can run at once."""
    return min(MOST, os.cpu_count() or 1)
