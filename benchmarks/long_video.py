"""A video of several hours in the real program: time to the first frame, jumps by time and by frame, memory.

``python -m benchmarks long_video [FILE] [--hours 3] [--rounds 3]``: without FILE a 4K video is made by
``tools/make_long_video.py``. Every round drops the file from the system's cache and starts a new program with an empty
home folder, by turns with one that opens no video, for comparison. Values are seconds unless stated otherwise.
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

_TIMEOUT_MS = 60_000
JUMPS = 5


def _spin_until(done: Callable[[], bool], *signals: Any) -> None:
    """Run the event loop until ``done()`` is true, evaluated at each of the signals."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    timeout = QTimer(singleShot=True, interval=_TIMEOUT_MS)
    timeout.timeout.connect(lambda: loop.exit(1))
    timeout.start()
    connections = [signal.connect(lambda *_: loop.exit(0) if done() else None) for signal in signals]
    try:
        if not done() and loop.exec():
            raise TimeoutError("no answer within a minute")
    finally:
        for signal, connection in zip(signals, connections, strict=True):
            signal.disconnect(connection)


class Script:
    """The steps in the measured program; prints its rows as JSON."""

    def __init__(self, window: MainWindow, started: float) -> None:
        self._window = window
        self._started = started
        self._rows: dict[str, float] = {}

    def record(self, name: str) -> None:
        """Record the seconds since the start of the process."""
        self._rows.setdefault(name, time.time() - self._started)

    def run(self, *, video: bool) -> None:
        """Measure, then exit the process."""
        try:
            self._measure(video=video)
            print(json.dumps(self._rows), flush=True)
        except BaseException:  # noqa: BLE001 - the process exits here in any case
            traceback.print_exc()
            os._exit(1)
        # Do not wait for threads that build proxies.
        os._exit(0)

    def _measure(self, *, video: bool) -> None:
        from PySide6.QtWidgets import QApplication

        self.record("window filled")
        if video:
            canvas = self._window.parts.views.canvas
            _spin_until(lambda: not canvas.shown_image().isNull(), canvas.frameShown)
            QApplication.processEvents()
            self.record("first frame")
            self._jump()
        self._rows["peak memory, MB"] = _peak_memory() / 2**20

    def _jump(self) -> None:
        """Seek to times that the index does not cover yet, then to frames, then step backwards."""
        parts = self._window.parts
        loader, presenter, session = parts.loader, parts.frame_presenter, parts.session
        info = loader.info
        assert info is not None
        length = info.header_video_duration or info.header_duration or 0.0
        draw = random.Random(0)
        waits = []
        for _ in range(JUMPS):
            seconds = draw.uniform(length / 2, length)
            known = loader.info
            if known is not None and (known.complete or seconds <= known.times[-1]):
                break
            waits.append(self._time_until_shown(lambda seconds=seconds: presenter.seek_time(seconds))[0])
        if waits:
            self._rows["seek by time, index incomplete"] = statistics.median(waits)
        _spin_until(lambda: bool(loader.info and loader.info.complete), loader.infoChanged)
        self.record("index complete")
        frames = [draw.randrange(session.frame_count) for _ in range(JUMPS)]
        times = [self._time_until_shown(lambda frame=frame: presenter.seek(frame), frame) for frame in frames]
        self._rows["random frame, first preview"] = statistics.median(first for first, _ in times)
        self._rows["random frame, exact"] = statistics.median(exact for _, exact in times)
        for frame in range(max(frames[-1] - 200, 0), frames[-1])[::-1]:
            self._time_until_shown(lambda frame=frame: session.go_to(frame), frame)

    def _time_until_shown(self, go: Callable[[], None], frame: int | None = None) -> tuple[float, float]:
        """Seconds until the canvas shows any frame, and until it shows ``frame`` (None: any frame)."""
        canvas = self._window.parts.views.canvas
        shown: list[tuple[float, int]] = []
        connection = canvas.frameShown.connect(lambda at: shown.append((time.perf_counter(), at)))
        started = time.perf_counter()
        go()
        _spin_until(lambda: any(frame in (None, at) for _, at in shown), canvas.frameShown)
        canvas.frameShown.disconnect(connection)
        return shown[0][0] - started, next(when for when, at in shown if frame in (None, at)) - started


def _peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _one(video: str) -> int:
    """Run the program in this process."""
    from iouviewer.cli import main
    from iouviewer.ui import main_window, start

    started = float(os.environ["BENCHMARK_STARTED"])
    scripts: list[Script] = []
    init, fill = main_window.MainWindow.__init__, start.fill_window

    def patched_init(window: MainWindow, *args: Any, **kwargs: Any) -> None:
        init(window, *args, **kwargs)
        scripts.append(Script(window, started))
        window.painted.connect(lambda: scripts[0].record("window painted"))

    def patched_fill(window: MainWindow, *args: Any) -> None:
        from PySide6.QtCore import QTimer

        fill(window, *args)
        QTimer.singleShot(0, lambda: scripts[0].run(video=bool(video)))

    main_window.MainWindow.__init__ = patched_init  # type: ignore[method-assign]  # the measured program stays unchanged
    start.fill_window = patched_fill
    return main(["open", *([video] if video else [])])


def _drop_from_cache(path: Path) -> None:
    """Drop a file from the system's cache, on systems that support it."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _measure(video: Path | None) -> dict[str, float]:
    """The rows of one run of the program with an empty home folder."""
    if video is not None:
        _drop_from_cache(video)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "IOUVIEWER_HOME": home, "BENCHMARK_STARTED": repr(time.time())}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, "-m", "benchmarks", "long_video", "--one", str(video or "")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(done.stderr[-2000:])
    rows: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rows


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
        rounds = [(_measure(video.resolve()), _measure(None)) for _ in range(options.rounds)]
    print(f"| {video.name} | median of {options.rounds} | no video |")
    print("| --- | ---: | ---: |")
    for name in rounds[0][0]:
        columns = [[run[column][name] for run in rounds if name in run[column]] for column in (0, 1)]
        print("|", name, *(f"| {statistics.median(column):.2f}" if column else "|" for column in columns), "|")
    return 0


if __name__ == "__main__":
    sys.exit(main())
