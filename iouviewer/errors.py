"""Errors shown to the user: what happened, where, and what to do."""

from __future__ import annotations

from pathlib import Path

from iouviewer.i18n import tr


class UserError(Exception):
    """A failure that the user can act on; shown as one message, never as a traceback.

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

    @property
    def sentence(self) -> str:
        """What happened and the way out, for the status bar of a window that shows where."""
        text = f"{self.message}. {self.remedy}" if self.remedy else f"{self.message}."
        return text[:1].upper() + text[1:]

    def __str__(self) -> str:
        text = self.message
        if self.frame is not None:
            text = tr("frame {frame:,}: {message}", frame=self.frame, message=text)
        if self.path is not None:
            text = f"{self.path}:{self.line}: {text}" if self.line is not None else f"{self.path}: {text}"
        if self.remedy:
            text = f"{text.rstrip('.')}. {self.remedy}"
        return text
