"""A window in a process of its own for the test of keyboard layouts: prints each command that runs, and its key."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from iouviewer.app.notifier import Notifier
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.start import fill_window
from iouviewer.ui.theme import ThemeManager
from tests.hands.cases import write_case


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
