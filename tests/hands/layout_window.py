"""A window in a process of its own for the test of keyboard layouts.

It prints each command that runs, and its key; when it has the keyboard; and the code of each key that is released.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QKeyEvent, QWindow
from PySide6.QtWidgets import QApplication

from iouviewer.app.notifier import Notifier
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.start import fill_window
from iouviewer.ui.theme import ThemeManager
from tests.hands.cases import write_case


class _Releases(QObject):
    """Prints the code of each key that is released."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_release = isinstance(watched, QWindow) and event.type() == QEvent.Type.KeyRelease
        if is_release and isinstance(event, QKeyEvent):
            print("released", event.nativeScanCode(), flush=True)
        return False


def main() -> None:
    """Show the window until it is killed."""
    app = QApplication(sys.argv[:1])
    theme_manager = ThemeManager(app)
    window = MainWindow()
    window.setWindowTitle("layouts")
    window.show()
    fill_window(window, theme_manager, Notifier(window), write_case(Path(tempfile.mkdtemp())).request(variants=1))
    actions, canvas = window.parts.actions, window.parts.views.canvas
    actions.ran.connect(lambda id: print("ran", id, actions.key_of(id), flush=True))

    releases = _Releases(app)
    app.installEventFilter(releases)
    app.focusWindowChanged.connect(lambda focused: print("focus", flush=True) if focused is not None else None)

    def announce() -> None:
        if canvas.shown_frame >= 0:
            canvas.setFocus()
            print("ready", flush=True)
            timer.stop()

    timer = QTimer(interval=50)
    timer.timeout.connect(announce)
    timer.start()
    sys.exit(app.exec())


if __name__ == "__main__":
    main()
