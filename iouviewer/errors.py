"""Errors that are meant for people: what happened, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """A failure that the user can understand and act on; shown as one message, never as a traceback.

    ``str(error)`` is one line: ``path:line: frame 12: message. Remedy``.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        frame: int | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = Path(path) if path is not None else None
        self.line = line
        self.frame = frame
        self.remedy = remedy

    def __str__(self) -> str:
        where = ""
        if self.path is not None:
            where = f"{self.path}:{self.line}: " if self.line is not None else f"{self.path}: "
        if self.frame is not None:
            where += f"frame {self.frame}: "
        text = f"{where}{self.message}"
        if self.remedy:
            text = f"{text.rstrip('.')}. {self.remedy}"
        return text
