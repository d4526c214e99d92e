"""Notifications: the one channel by which all parts of the program send messages to the user."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QObject, Signal

from iouviewer.errors import UserError

_log = logging.getLogger(__name__)


class Level(IntEnum):
    """Severity: INFO disappears by itself, WARNING stays until it is read, ERROR needs attention now."""

    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to the user.

    Attributes:
        text: one line.
        details: further lines, empty if there are none.
        key: replaces an earlier notification with the same key, unless empty.
    """

    text: str
    level: Level = Level.INFO
    details: str = ""
    key: str = ""


class Notifier(QObject):
    """Accepts notifications from any thread and forwards them to the window.

    Signals:
        shown(Notification): display it; emitted in the notifier's thread.
        withdrawn(str): the notification with this key no longer applies.
    """

    shown = Signal(object)
    withdrawn = Signal(str)
    _showRequested = Signal(object)
    _withdrawRequested = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._active: dict[str, Notification] = {}
        self._showRequested.connect(self._on_show_requested)
        self._withdrawRequested.connect(self._on_withdraw_requested)

    @property
    def active(self) -> tuple[Notification, ...]:
        """Notifications with a key that have not been withdrawn."""
        return tuple(self._active.values())

    def show(self, what: UserError | str, level: Level | None = None, *, details: str = "", key: str = "") -> None:
        """Show and log a message. The default level is ERROR for errors and INFO for strings."""
        if level is None:
            level = Level.ERROR if isinstance(what, UserError) else Level.INFO
        text = " ".join(str(what).split())
        _log.log(int(level), "%s%s", text, f"\n{details}" if details else "")
        # Runs at once in the notifier's own thread, through the event loop from other threads.
        self._showRequested.emit(Notification(text, level, details, key))

    def withdraw(self, key: str) -> None:
        """Remove the notification with this key (for example because saving works again)."""
        self._withdrawRequested.emit(key)

    def _on_show_requested(self, notification: Notification) -> None:
        if notification.key:
            if self._active.get(notification.key) == notification:
                return
            self._active[notification.key] = notification
        self.shown.emit(notification)

    def _on_withdraw_requested(self, key: str) -> None:
        if self._active.pop(key, None) is not None:
            self.withdrawn.emit(key)
