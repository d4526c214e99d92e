"""One channel by which everything that a person must know reaches the window."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QObject, Signal

from iouviewer.errors import UserError

_log = logging.getLogger(__name__)


class Level(IntEnum):
    """How much it matters: INFO passes by, WARNING stays until read, ERROR asks to be read now."""

    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for people.

    Attributes:
        text: one line.
        details: further lines, empty if there are none.
        key: a notice replaces an earlier one with the same non-empty key.
    """

    text: str
    level: Level = Level.INFO
    details: str = ""
    key: str = ""


class Notifier(QObject):
    """Collects messages of all parts and hands them to whoever shows them; may be called from any thread.

    Signals:
        shown(Notice): show this; emitted in the notifier's thread.
        withdrawn(str): what was shown with this key is no longer so.
    """

    shown = Signal(object)
    withdrawn = Signal(str)
    _arrived = Signal(object)
    _taken_back = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._standing: dict[str, Notice] = {}
        self._arrived.connect(self._on_notice_arrived)
        self._taken_back.connect(self._on_notice_taken_back)

    @property
    def standing(self) -> tuple[Notice, ...]:
        """Notices with a key that were not withdrawn yet."""
        return tuple(self._standing.values())

    def show(self, what: UserError | str, level: Level | None = None, *, details: str = "", key: str = "") -> None:
        """Tell a person. Errors are ERROR and strings INFO unless ``level`` says otherwise; all goes to the log too."""
        if level is None:
            level = Level.ERROR if isinstance(what, UserError) else Level.INFO
        text = " ".join(str(what).split())
        _log.log(int(level), "%s%s", text, f"\n{details}" if details else "")
        # Called in the notifier's own thread this runs at once, from another one through the event loop.
        self._arrived.emit(Notice(text, level, details, key))

    def withdraw(self, key: str) -> None:
        """What was shown with this key is over (saving works again)."""
        self._taken_back.emit(key)

    def _on_notice_arrived(self, notice: Notice) -> None:
        if notice.key:
            if self._standing.get(notice.key) == notice:
                return
            self._standing[notice.key] = notice
        self.shown.emit(notice)

    def _on_notice_taken_back(self, key: str) -> None:
        if self._standing.pop(key, None) is not None:
            self.withdrawn.emit(key)
