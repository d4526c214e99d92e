"""Gaps in the window's event loop while a model loads and predicts.

    xvfb-run python -m benchmarks event_loop [--video V --gt G --pred NAME=P --model M --frames A:B]

Every row is a new process with the real window: idle (the noise of the machine), with a run in the worker process as
the window does it, and with torch in a thread of the window's process, which the worker process avoids. A precise 1 ms
timer ticks in the window's thread; a gap is the time between two ticks. The CPU time that the window's thread used in a
gap is given as well: a long gap with little CPU time is caused by the machine or another thread. Without options it
runs the bundled sample.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from iouviewer.ui.main_window import MainWindow

GAP = 0.016
"""Seconds; one refresh of a 60 Hz screen."""
SAMPLE = Path(__file__).resolve().parent.parent / "resources" / "sample"
CONTENDERS = {
    "idle": "nothing runs",
    "worker": "run in the worker process",
    "compare": "the same, comparing two variants",
    "thread": "torch in a thread of the window",
}


@dataclass
class TimerTicks:
    """Intervals between ticks of a timer in the window's thread, by phase."""

    phase: str = "start"
    wall: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    own: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    last: float = 0.0
    last_own: float = 0.0

    def tick(self) -> None:
        """Record the time since the last tick; called in the window's thread only."""
        now, own = time.perf_counter(), time.thread_time()
        if self.last:
            self.wall[self.phase].append(now - self.last)
            self.own[self.phase].append(own - self.last_own)
        self.last, self.last_own = now, own

    def enter(self, phase: str) -> None:
        """Start a phase; the current gap belongs to the phase that ends."""
        self.tick()
        self.phase = phase

    def rows(self) -> list[dict[str, Any]]:
        """One table row per phase, times in milliseconds."""
        rows = []
        for phase, seconds in self.wall.items():
            wall, own = 1000 * np.array(seconds), 1000 * np.array(self.own[phase])
            rows.append(
                {
                    "phase": phase,
                    "seconds": float(wall.sum() / 1000),
                    "ticks": len(wall),
                    "p99": float(np.quantile(wall, 0.99)),
                    "longest": float(wall.max()),
                    "over": int(np.count_nonzero(wall > 1000 * GAP)),
                    "longest_own": float(own.max()),
                    "over_own": int(np.count_nonzero(own > 1000 * GAP)),
                    "busy": float(own.sum() / wall.sum()),
                }
            )
        return rows


class StackSampler(threading.Thread):
    """Samples the stack of the window's thread while a tick is late, and counts the places."""

    def __init__(self, ticks: TimerTicks, late: float) -> None:
        super().__init__(name="stack sampler", daemon=True)
        self._ticks, self._late = ticks, late
        self._window = threading.get_ident()
        self.places: collections.Counter[tuple[str, str]] = collections.Counter()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.002):
            if self._ticks.last and time.perf_counter() - self._ticks.last > self._late:
                stack = traceback.extract_stack(sys._current_frames()[self._window])
                lines = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in stack if "iouviewer" in f.filename]
                self.places[self._ticks.phase, " < ".join(reversed(lines[-7:]))] += 1


class Script:
    """The steps of one contender in the window."""

    def __init__(self, window: MainWindow, options: argparse.Namespace, ticks: TimerTicks) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.window, self.options, self.ticks = window, options, ticks
        self._timer = QTimer(window)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self.ticks.tick)
        self._step_timer = QTimer(window)
        self._step_timer.setInterval(50)
        self._step_timer.timeout.connect(self._run_step)
        self._step_timer.start()
        self._step = self._wait_for_video
        self._until = 0.0
        self._thread: threading.Thread | None = None
        self._loaded = threading.Event()

    def _run_step(self) -> None:
        self._step()

    def _wait_for_video(self) -> None:
        session = self.window.session
        canvas = self.window.parts.views.canvas
        if canvas.shown_frame == 0 and len(session.ground_truth) and len(session.variants) == len(self.options.pred):
            self._until, self._step = time.monotonic() + 3.0, self._start

    def _start(self) -> None:
        if time.monotonic() < self._until:
            return
        self._timer.start()
        if self.options.one == "idle":
            self.ticks.phase = "idle"
            self._until, self._step = time.monotonic() + self.options.idle, self._finish
            return
        self.ticks.phase = "load"
        if self.options.one == "thread":
            self._thread = threading.Thread(target=self._predict_in_thread, daemon=True)
            self._thread.start()
            self._step = self._wait_for_thread
            return
        self._start_run()

    def _start_run(self) -> None:
        from iouviewer.inference.runner import RunRequest
        from iouviewer.jobs.frame_selection import parse_frames

        parts, session = self.window.parts, self.window.session
        if self.options.one == "compare":
            parts.actions["compare"].trigger()
        text = self.options.frames
        frames = tuple(parse_frames(text, session.frame_count).tolist()) if text else None
        model = Path(self.options.model)
        request = RunRequest(model.stem, model, Path(session.source.path), frames=frames, floor=0.01)
        parts.queue.modelLoaded.connect(self._on_model_loaded)
        parts.queue.finished.connect(self._on_finished)
        parts.queue.failed.connect(self._on_finished)
        self._step = self._wait_for_run
        parts.runs.start(request)

    def _on_model_loaded(self, *_: object) -> None:
        self.ticks.enter("predict")

    def _on_finished(self, *_: object) -> None:
        self.ticks.enter("afterwards")
        self._until, self._step = time.monotonic() + 3.0, self._finish

    def _wait_for_run(self) -> None:
        """The signals of the queue set the next step."""

    def _wait_for_thread(self) -> None:
        if self._loaded.is_set() and self.ticks.phase == "load":
            self.ticks.enter("predict")
        if self._thread is not None and not self._thread.is_alive():
            self._step = self._finish

    def _predict_in_thread(self) -> None:
        import cv2
        from ultralytics import YOLO

        model = YOLO(self.options.model)
        capture = cv2.VideoCapture(str(self.options.video))
        for number in range(self.options.thread_frames):
            ok, image = capture.read()
            if not ok:
                break
            model.predict(image, device="cpu", conf=0.01, verbose=False)
            if number == 0:
                self._loaded.set()

    def _finish(self) -> None:
        if time.monotonic() < self._until:
            return
        self._timer.stop()
        self._step_timer.stop()
        self.window.close()


def _one(options: argparse.Namespace) -> int:
    """Run one contender in this process and print its rows as JSON."""
    from PySide6.QtWidgets import QApplication

    from iouviewer.app.notifier import Notifier
    from iouviewer.jobs.requests import OpenRequest
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.start import fill_window, start_garbage_collection
    from iouviewer.ui.theme import ThemeManager

    app = QApplication([])
    theme, window, ticks = ThemeManager(app), MainWindow(), TimerTicks()
    window.show()
    preds = tuple((name, Path(path)) for name, path in (one.split("=", 1) for one in options.pred))
    request = OpenRequest(video=Path(options.video), gt=Path(options.gt), preds=preds)
    fill_window(window, theme, Notifier(window), request)
    start_garbage_collection(app)
    script = Script(window, options, ticks)
    sampler = StackSampler(ticks, options.watch / 1000) if options.watch else None
    if sampler is not None:
        sampler.start()
    app.exec()
    places = []
    if sampler is not None:
        sampler.stopped.set()
        places = [(count, *place) for place, count in sampler.places.most_common(40)]
    variants = [(v.name, v.state.value, v.message, int(v.predictions.covered.sum())) for v in window.session.variants]
    sys.stdout.write(json.dumps({"rows": script.ticks.rows(), "places": places, "variants": variants}) + "\n")
    return 0


def _measure(name: str, argv: list[str], options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        # A copy, so the project file is not created beside the original.
        video = Path(home) / Path(options.video).name
        video.write_bytes(Path(options.video).read_bytes())
        environment = {
            **os.environ,
            "IOUVIEWER_HOME": home,
            "YOLO_CONFIG_DIR": home,
            "YOLO_OFFLINE": "true",
            "YOLO_AUTOINSTALL": "false",
        }
        command = [sys.executable, "-m", "benchmarks", "event_loop", *argv, "--video", str(video), "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", default=str(SAMPLE / "clip.mp4"))
    parser.add_argument("--gt", default=str(SAMPLE / "ground_truth.csv"))
    parser.add_argument("--pred", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--model", default=str(SAMPLE / "weights" / "baseline.pt"))
    parser.add_argument("--frames", default="", help="frames of the run, A:B (default: all)")
    parser.add_argument("--idle", type=float, default=15.0, help="seconds of the idle row")
    parser.add_argument("--thread-frames", type=int, default=60, help="frames that torch predicts in a thread")
    parser.add_argument("--watch", type=float, default=0.0, help="print stack samples of gaps over this many ms")
    parser.add_argument("--only", choices=CONTENDERS, action="append")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    argv = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(argv)
    if options.one:
        return _one(options)
    print("| window | phase | s | p99, ms | longest, ms | over 16 ms | own work: longest, ms | over 16 ms | busy |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for _ in range(options.rounds):
        for name in options.only or CONTENDERS:
            result = _measure(name, argv, options)
            for row in result["rows"]:
                print(
                    f"| {CONTENDERS[name]} | {row['phase']} | {row['seconds']:.1f} | {row['p99']:.1f} "
                    f"| {row['longest']:.0f} | {row['over']} | {row['longest_own']:.1f} | {row['over_own']} "
                    f"| {100 * row['busy']:.0f} % |",
                    flush=True,
                )
            for line in result["places"] or []:
                print("   ", *line)
            print("   ", result["variants"], file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
