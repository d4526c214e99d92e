"""Shows what the notifier hands over: a line in the status bar, and a message that waits for what is wrong."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from iouviewer.app.notifier import Level, Notice, Notifier
from iouviewer.ui.panels.status import StatusBar


class Notices(QObject):
    """One message at a time; further errors are added to the one that is open."""

    def __init__(self, window: QWidget, notifier: Notifier, status: StatusBar) -> None:
        super().__init__(window)
        self._window, self._status = window, status
        self._box: QMessageBox | None = None
        notifier.shown.connect(self._on_notifier_shown)
        notifier.withdrawn.connect(self._on_notifier_withdrawn)

    @property
    def open_text(self) -> str:
        """What the open message says; empty if there is none."""
        return "" if self._box is None else self._box.text()

    def _on_notifier_shown(self, notice: Notice) -> None:
        self._status.say(notice.text, keep=notice.level is not Level.INFO)
        if notice.level is not Level.ERROR:
            return
        if self._box is not None:
            if notice.text not in self._box.text():
                self._box.setText(f"{self._box.text()}\n\n{notice.text}")
            return
        box = QMessageBox(QMessageBox.Icon.NoIcon, "iouviewer", notice.text, parent=self._window)
        box.setObjectName("errorMessage")
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.setDetailedText(notice.details)
        box.finished.connect(self._on_box_finished)
        self._box = box
        box.open()

    def _on_box_finished(self) -> None:
        if self._box is not None:
            self._box.deleteLater()
            self._box = None
            # It was read; the line need not say it for the rest of the day.
            self._status.say("")

    def _on_notifier_withdrawn(self, _key: str) -> None:
        self._status.say("")
