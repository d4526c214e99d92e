"""Opens damaged files in the window, one after the other; test_video_fuzz.py runs it in its own process.

``python -m tests.ui.fuzz_window SOURCE FOLDER ROUNDS``: prints one line for each file and the totals at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop
from PySide6.QtWidgets import QApplication

from iouviewer.app.notifier import Notifier
from iouviewer.errors import UserError
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.start import fill_window, start_garbage_collection
from iouviewer.ui.theme import ThemeManager
from tests.ui.window import close_errors, error_text
from tests.video.clip_builder import corrupt_bytes

LIMIT = 30_000
"""Timeout of every step in milliseconds."""


class Fuzzer:
    """One window through all files."""

    def __init__(self) -> None:
        self.app = QApplication(["iouviewer"])
        theme_manager = ThemeManager(self.app)
        self.window = MainWindow()
        self.window.show()
        start_garbage_collection(self.app)
        fill_window(self.window, theme_manager, Notifier(self.window), OpenRequest())
        self.parts = self.window.parts

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Process events until the condition holds; AssertionError after ``LIMIT``."""
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
            assert clock.elapsed() < LIMIT, f"no answer: {what}"

    def try_file(self, path: Path) -> str:
        """Open the file, show some frames, play; returns the result as text."""
        parts = self.parts
        results: list[object] = []
        for signal in (parts.loader.opened, parts.loader.openFailed):
            signal.connect(results.append)
        parts.open_request(OpenRequest(video=path))
        self.wait_until(lambda: bool(results), f"opening {path.name}")
        for signal in (parts.loader.opened, parts.loader.openFailed):
            signal.disconnect(results.append)
        if isinstance(results[0], UserError):
            message = error_text(self.window)
            assert path.name in message and len(message) > len(str(path)) + 10, message
            close_errors(self.window)
            return "refused"
        self.wait_until(lambda: parts.session.source.path == str(path), f"showing {path.name}")
        for frame in (0, parts.session.frame_count - 1, parts.session.frame_count // 2):
            self.show_frame(path, frame)
        parts.playback.set_speed(4.0)
        parts.actions["playPause"].trigger()
        self.wait_until(lambda: not parts.playback.playing, f"playing {path.name}")
        assert error_text(self.window) == "", error_text(self.window)
        info = parts.loader.info
        notes = parts.video_presenter.status_widget.notes.text()
        assert not info.damage or "damaged" in notes, (info.damage, notes)
        return f"shown, {notes or 'no notes'}"

    def show_frame(self, path: Path, frame: int) -> None:
        """Wait until the canvas shows the frame or the reason why it cannot."""
        canvas, session = self.parts.views.canvas, self.parts.session
        session.go_to(frame)

        def is_shown() -> bool:
            exact = canvas.shown_frame == session.current_frame
            return exact or "Uncertain frame" in canvas.status_text

        self.wait_until(is_shown, f"frame {frame} of {path.name}")


def main() -> None:
    """Run over the damaged copies of one file."""
    source, folder, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    fuzzer = Fuzzer()
    refused = 0
    for attempt in range(rounds):
        path = folder / f"{source.stem}-{attempt}{source.suffix}"
        data = source.read_bytes()
        generator = np.random.default_rng([len(data), attempt])
        path.write_bytes(corrupt_bytes(data, generator, cut=attempt % 4 == 3, places=7, longest=119))
        result = fuzzer.try_file(path)
        refused += result == "refused"
        print(path.name, result, flush=True)
    fuzzer.window.close()
    print(rounds - refused, refused)


if __name__ == "__main__":
    main()
