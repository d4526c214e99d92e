"""Displays notifications: a line in the status bar, and a message box for errors."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from iouviewer.app.notifier import Level, Notification, Notifier
from iouviewer.ui import APP_NAME
from iouviewer.ui.panels.status_bar import StatusBar


class Notifications(QObject):
    """One message box at a time; further errors are added to the open one."""

    def __init__(self, window: QWidget, notifier: Notifier, status: StatusBar) -> None:
        super().__init__(window)
        self._window, self._status = window, status
        self._box: QMessageBox | None = None
        notifier.shown.connect(self._on_notifier_shown)
        notifier.withdrawn.connect(self._on_notifier_withdrawn)

    def _on_notifier_shown(self, notification: Notification) -> None:
        self._status.show_message(notification.text, keep=notification.level is not Level.INFO)
        if notification.level is not Level.ERROR:
            return
        if self._box is not None:
            if notification.text not in self._box.text():
                self._box.setText(f"{self._box.text()}\n\n{notification.text}")
            return
        box = QMessageBox(QMessageBox.Icon.NoIcon, APP_NAME, notification.text, parent=self._window)
        box.setObjectName("errorMessage")
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.setDetailedText(notification.details)
        box.finished.connect(self._on_box_finished)
        self._box = box
        box.open()

    def _on_box_finished(self) -> None:
        if self._box is not None:
            self._box.deleteLater()
            self._box = None
            # The user has read the message; the status bar need not keep it.
            self._status.show_message("")

    def _on_notifier_withdrawn(self, _key: str) -> None:
        self._status.show_message("")
