"""Several decoders in parallel, for intra-only codecs whose decoder has no threads of its own (MJPEG)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

MAX_DECODERS = 4
"""Parallel decoders; each keeps a frame in memory."""


class ParallelDecoder(Generic[Result]):
    """Runs ``decode(context, packet)`` for several packets at once, each with its own context.

    The contexts are configured alike and belong to their containers. Each packet has a future, so the caller chooses
    the order of the results.
    """

    def __init__(self, contexts: list[Any], decode: Callable[[Any, Any], Result]) -> None:
        self._decode = decode
        self._running = 0
        self._changed = threading.Condition()
        self._free: SimpleQueue[Any] = SimpleQueue()
        for context in contexts:
            self._free.put(context)
        self._threads = ThreadPoolExecutor(max_workers=len(contexts), thread_name_prefix="parallel-decoder")

    def submit(self, packet: Any) -> Future[Result]:
        """Decode a packet as soon as a context is free."""
        with self._changed:
            self._running += 1
        return self._threads.submit(self._run, packet)

    def _run(self, packet: Any) -> Result:
        context = self._free.get()
        try:
            return self._decode(context, packet)
        finally:
            self._free.put(context)
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all submitted packets are decoded."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)

    def close(self) -> None:
        """Wait for the submitted packets, and end the threads."""
        self._threads.shutdown(wait=True)


def useful_decoder_count() -> int:
    """Decoders that this machine can run in parallel."""
    return min(MAX_DECODERS, os.cpu_count() or 1)
