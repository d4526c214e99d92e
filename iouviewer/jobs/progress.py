"""How jobs report progress: a callable that the command line turns into a line, the window into a bar."""

from __future__ import annotations

from typing import Protocol


class ProgressCallback(Protocol):
    """Called with how much is done of how much, and of what."""

    def __call__(self, done: int, total: int, what: str = "") -> None: ...


def no_progress(done: int, total: int, what: str = "") -> None:
    """For callers that show no progress."""
