"""Opens damaged files in the real window, one after the other; run in a process of its own by test_video_fuzz.py.

``python -m tests.ui.fuzz_window SOURCE FOLDER ROUNDS``: prints one line a file and the sums at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop
from PySide6.QtWidgets import QApplication

from iouviewer.app.notifier import Notifier
from iouviewer.errors import UserError
from iouviewer.jobs.open_request import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.start import fill_window
from iouviewer.ui.theme import ThemeKeeper
from tests.video.awkward import broken_bytes

LIMIT = 30_000
"""Milliseconds in which every step must have an answer."""


class Fuzzer:
    """One window through all files."""

    def __init__(self) -> None:
        self.app = QApplication(["iouviewer"])
        keeper = ThemeKeeper(self.app)
        self.window = MainWindow()
        self.window.show()
        fill_window(self.window, keeper, Notifier(self.window), OpenRequest())
        self.bench = self.window.workbench
        self.longest = 0.0

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Turn the event loop until it holds; AssertionError after ``LIMIT``."""
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            began = time.process_time()
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
            self.longest = max(self.longest, time.process_time() - began)
            assert clock.elapsed() < LIMIT, f"no answer: {what}"

    def try_file(self, path: Path) -> str:
        """Open it, look at some frames, play; what came of it."""
        bench = self.bench
        answers: list[object] = []
        for signal in (bench.loader.opened, bench.loader.openFailed):
            signal.connect(answers.append)
        bench.open_request(OpenRequest(video=path))
        self.until(lambda: bool(answers), f"opening {path.name}")
        for signal in (bench.loader.opened, bench.loader.openFailed):
            signal.disconnect(answers.append)
        if isinstance(answers[0], UserError):
            said = bench.notices.open_text
            assert path.name in said and len(said) > len(str(path)) + 10, said
            bench.notices._box.close()
            return "refused"
        self.until(lambda: bench.session.source.path == str(path), f"showing {path.name}")
        for frame in (0, bench.session.frame_count - 1, bench.session.frame_count // 2):
            self.look_at(path, frame)
        bench.playback.set_speed(4.0)
        bench.actions["playPause"].trigger()
        self.until(lambda: not bench.playback.playing, f"playing {path.name}")
        assert bench.notices.open_text == "", bench.notices.open_text
        info = bench.loader.info
        told = bench.desk.state.notes.text()
        assert not info.damage or "damaged" in told, (info.damage, told)
        return f"shown, {told or 'nothing told'}"

    def look_at(self, path: Path, frame: int) -> None:
        """Its picture, or a word on why there is none, comes to the canvas."""
        canvas, session = self.bench.parts.canvas, self.bench.session
        session.go_to(frame)

        def answered() -> bool:
            exact = canvas.shown_frame == session.current_frame
            return exact or "In doubt" in canvas.mark_text

        self.until(answered, f"frame {frame} of {path.name}")


def main() -> None:
    """Run over the damaged copies of one file."""
    source, folder, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    fuzzer = Fuzzer()
    refused = 0
    for attempt in range(rounds):
        path = folder / f"{source.stem}-{attempt}{source.suffix}"
        data = source.read_bytes()
        generator = np.random.default_rng([len(data), attempt])
        path.write_bytes(broken_bytes(data, generator, cut=attempt % 4 == 3, places=7, longest=119))
        result = fuzzer.try_file(path)
        refused += result == "refused"
        print(path.name, result, flush=True)
    fuzzer.window.close()
    print(rounds - refused, refused)


if __name__ == "__main__":
    main()
