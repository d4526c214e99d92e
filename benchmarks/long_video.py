"""A video of hours in the real program: from the start of the process to the first picture, jumps by time, memory.

``python -m benchmarks long_video [FILE] [--hours 3] [--rounds 3]``: without FILE one is made (4K, as
``tools/make_long_video.py`` makes them). Every round drops the file from the system's cache and starts a fresh program
with an empty home, in turns with one that opens no video: what the window itself takes is told beside it. Seconds,
unless it says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iouviewer.ui.main_window import MainWindow

_PATIENCE_MS = 60_000
JUMPS = 5


def _spin_until(done: Callable[[], bool], *signals: Any) -> None:
    """Run the event loop until ``done``, asked again at each of the signals."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    late = QTimer(singleShot=True, interval=_PATIENCE_MS)
    late.timeout.connect(lambda: loop.exit(1))
    late.start()
    asked = [signal.connect(lambda *_: loop.exit(0) if done() else None) for signal in signals]
    try:
        if not done() and loop.exec():
            raise TimeoutError("no answer within a minute")
    finally:
        for signal, connection in zip(signals, asked, strict=True):
            signal.disconnect(connection)


class Script:
    """What happens in the program that is measured; its rows go to standard output as JSON."""

    def __init__(self, window: MainWindow, began: float) -> None:
        self._window = window
        self._began = began
        self._rows: dict[str, float] = {}

    def note(self, name: str) -> None:
        """Seconds since the process was asked for."""
        self._rows.setdefault(name, time.time() - self._began)

    def run(self, *, video: bool) -> None:
        """Measure, and end the process."""
        try:
            self._measure(video=video)
            print(json.dumps(self._rows), flush=True)
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            traceback.print_exc()
            os._exit(1)
        # Nothing is left to say, and the small copies of an hour need not be waited for.
        os._exit(0)

    def _measure(self, *, video: bool) -> None:
        from PySide6.QtWidgets import QApplication

        self.note("window filled")
        if video:
            canvas = self._window.workbench.parts.canvas
            _spin_until(lambda: not canvas.picture_image().isNull(), canvas.pictureShown)
            QApplication.processEvents()
            self.note("first picture")
            self._visit()
        self._rows["peak memory, MB"] = _peak() / 2**20

    def _visit(self) -> None:
        """Go to times before the index has come to them, then to frames, as the hand on the time line does."""
        workbench = self._window.workbench
        loader, feed, session = workbench.loader, workbench.feed, workbench.session
        info = loader.info
        assert info is not None
        length = info.picture_seconds_announced or info.seconds_announced or 0.0
        draw = random.Random(0)
        waits = []
        for _ in range(JUMPS):
            seconds = draw.uniform(length / 2, length)
            known = loader.info
            if known is not None and (known.complete or seconds <= known.times[-1]):
                break
            waits.append(self._seen(lambda seconds=seconds: feed.seek_time(seconds))[0])
        if waits:
            self._rows["a picture near a time, index not read yet"] = statistics.median(waits)
        _spin_until(lambda: bool(loader.info and loader.info.complete), loader.infoChanged)
        self.note("index of all packets")
        frames = [draw.randrange(session.frame_count) for _ in range(JUMPS)]
        places = [self._seen(lambda frame=frame: feed.seek(frame), frame) for frame in frames]
        self._rows["a random place, first something"] = statistics.median(first for first, _ in places)
        self._rows["a random place, the exact picture"] = statistics.median(exact for _, exact in places)
        for frame in range(max(frames[-1] - 200, 0), frames[-1])[::-1]:
            self._seen(lambda frame=frame: session.go_to(frame), frame)

    def _seen(self, go: Callable[[], None], frame: int | None = None) -> tuple[float, float]:
        """Seconds until the canvas shows something, and until it shows this frame (None: whatever comes)."""
        canvas = self._window.workbench.parts.canvas
        shown: list[tuple[float, int]] = []
        noted = canvas.pictureShown.connect(lambda at: shown.append((time.perf_counter(), at)))
        began = time.perf_counter()
        go()
        _spin_until(lambda: any(frame in (None, at) for _, at in shown), canvas.pictureShown)
        canvas.pictureShown.disconnect(noted)
        return shown[0][0] - began, next(when for when, at in shown if frame in (None, at)) - began


def _peak() -> int:
    """Most bytes that this process has held."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _one(video: str) -> int:
    """The program, in this process."""
    from iouviewer.cli import main
    from iouviewer.ui import main_window, start

    began = float(os.environ["BENCHMARK_BEGAN"])
    scripts: list[Script] = []
    first, fill = main_window.MainWindow.__init__, start.fill_window

    def watched(window: MainWindow, *given: Any, **named: Any) -> None:
        first(window, *given, **named)
        scripts.append(Script(window, began))
        window.painted.connect(lambda: scripts[0].note("window painted"))

    def filled(window: MainWindow, *given: Any) -> None:
        from PySide6.QtCore import QTimer

        fill(window, *given)
        QTimer.singleShot(0, lambda: scripts[0].run(video=bool(video)))

    main_window.MainWindow.__init__ = watched  # type: ignore[method-assign]
    start.fill_window = filled
    return main(["open", *([video] if video else [])])


def _forget(path: Path) -> None:
    """Drop a file from the system's cache, where that can be asked for."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _measure(video: Path | None) -> dict[str, float]:
    """The rows of one program with an empty home."""
    if video is not None:
        _forget(video)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "IOUVIEWER_HOME": home, "BENCHMARK_BEGAN": repr(time.time())}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, "-m", "benchmarks", "long_video", "--one", str(video or "")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    if options.one is not None:
        return _one(options.one)
    with tempfile.TemporaryDirectory() as folder:
        video = options.file
        if video is None:
            from tools.make_long_video import RATE, make_long_video

            video = Path(folder) / "long.mp4"
            make_long_video(video, frames=round(options.hours * 3600 * RATE), size=(3840, 2160), detail=0.004)
        found = [(_measure(video.resolve()), _measure(None)) for _ in range(options.rounds)]
    print(f"| {video.name} | median of {options.rounds} | no video |")
    print("| --- | ---: | ---: |")
    for name in found[0][0]:
        columns = [[run[column][name] for run in found if name in run[column]] for column in (0, 1)]
        print("|", name, *(f"| {statistics.median(column):.2f}" if column else "|" for column in columns), "|")
    return 0


if __name__ == "__main__":
    sys.exit(main())
