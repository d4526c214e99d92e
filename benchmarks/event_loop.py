"""How long the window's event loop stands still while a model loads and predicts.

    xvfb-run python -m benchmarks event_loop [--video V --gt G --pred NAME=P --model M --frames A:B]

Every line is a process of its own with the real window: with nothing to do (the noise of the machine), with a run in
the worker process as the window does it, and with torch in a thread of the window's process, which is what the worker
process avoids. A precise timer of 1 ms beats in the window's thread; a gap is the time between two beats. Beside each
gap stands the processor time that the window's thread itself used in it: a long gap with little of it is the machine's,
or another thread's. Without options it runs the sample of the repository.
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
"""Seconds; one picture of a screen with 60 of them a second."""
SAMPLE = Path(__file__).resolve().parent.parent / "resources" / "sample"
CONTENDERS = {
    "idle": "nothing runs",
    "worker": "run in the worker process",
    "compare": "the same, comparing two variants",
    "thread": "torch in a thread of the window",
}


@dataclass
class Beats:
    """Beats of a timer in the window's thread, by phase."""

    phase: str = "start"
    wall: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    own: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    last: float = 0.0
    last_own: float = 0.0

    def beat(self) -> None:
        """Note the time since the last beat; called in the window's thread only."""
        now, own = time.perf_counter(), time.thread_time()
        if self.last:
            self.wall[self.phase].append(now - self.last)
            self.own[self.phase].append(own - self.last_own)
        self.last, self.last_own = now, own

    def enter(self, phase: str) -> None:
        """The gap under way belongs to the phase that ends."""
        self.beat()
        self.phase = phase

    def rows(self) -> list[dict[str, Any]]:
        """One line of the table for each phase, times in milliseconds."""
        rows = []
        for phase, found in self.wall.items():
            wall, own = 1000 * np.array(found), 1000 * np.array(self.own[phase])
            rows.append(
                {
                    "phase": phase,
                    "seconds": float(wall.sum() / 1000),
                    "beats": len(wall),
                    "p99": float(np.quantile(wall, 0.99)),
                    "longest": float(wall.max()),
                    "over": int(np.count_nonzero(wall > 1000 * GAP)),
                    "longest_own": float(own.max()),
                    "over_own": int(np.count_nonzero(own > 1000 * GAP)),
                    "busy": float(own.sum() / wall.sum()),
                }
            )
        return rows


class Watch(threading.Thread):
    """Looks at the window's thread while it is late, and counts where it stands."""

    def __init__(self, beats: Beats, late: float) -> None:
        super().__init__(name="watch", daemon=True)
        self._beats, self._late = beats, late
        self._window = threading.get_ident()
        self.seen: collections.Counter[tuple[str, str]] = collections.Counter()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.002):
            if self._beats.last and time.perf_counter() - self._beats.last > self._late:
                stack = traceback.extract_stack(sys._current_frames()[self._window])
                lines = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in stack if "iouviewer" in f.filename]
                self.seen[self._beats.phase, " < ".join(reversed(lines[-7:]))] += 1


class Script:
    """What one contender does in the window, step by step."""

    def __init__(self, window: MainWindow, options: argparse.Namespace, beats: Beats) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.window, self.options, self.beats = window, options, beats
        self._timer = QTimer(window)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self.beats.beat)
        self._turn = QTimer(window)
        self._turn.setInterval(50)
        self._turn.timeout.connect(self._look)
        self._turn.start()
        self._step = self._opened
        self._until = 0.0
        self._thread: threading.Thread | None = None
        self._loaded = threading.Event()

    def _look(self) -> None:
        self._step()

    def _opened(self) -> None:
        session = self.window.session
        canvas = self.window.workbench.parts.canvas
        if canvas.shown_frame == 0 and len(session.ground_truth) and len(session.variants) == len(self.options.pred):
            self._until, self._step = time.monotonic() + 3.0, self._settled

    def _settled(self) -> None:
        if time.monotonic() < self._until:
            return
        self._timer.start()
        if self.options.one == "idle":
            self.beats.phase = "idle"
            self._until, self._step = time.monotonic() + self.options.idle, self._rested
            return
        self.beats.phase = "load"
        if self.options.one == "thread":
            self._thread = threading.Thread(target=self._predict_here, daemon=True)
            self._thread.start()
            self._step = self._here
            return
        self._start_run()

    def _start_run(self) -> None:
        from iouviewer.inference.runner import RunRequest
        from iouviewer.jobs.frame_choice import parse_frames

        workbench, session = self.window.workbench, self.window.session
        if self.options.one == "compare":
            workbench.actions["compare"].trigger()
        text = self.options.frames
        frames = tuple(parse_frames(text, session.frame_count).tolist()) if text else None
        model = Path(self.options.model)
        request = RunRequest(model.stem, model, Path(session.source.path), frames=frames, floor=0.01)
        workbench.queue.modelLoaded.connect(self._on_model_loaded)
        workbench.queue.finished.connect(self._on_finished)
        workbench.queue.failed.connect(self._on_finished)
        self._step = self._wait
        workbench.runs.start(request)

    def _on_model_loaded(self, *_: object) -> None:
        self.beats.enter("predict")

    def _on_finished(self, *_: object) -> None:
        self.beats.enter("afterwards")
        self._until, self._step = time.monotonic() + 3.0, self._rested

    def _wait(self) -> None:
        """The queue's signals go on."""

    def _here(self) -> None:
        if self._loaded.is_set() and self.beats.phase == "load":
            self.beats.enter("predict")
        if self._thread is not None and not self._thread.is_alive():
            self._step = self._rested

    def _predict_here(self) -> None:
        import cv2
        from ultralytics import YOLO

        model = YOLO(self.options.model)
        capture = cv2.VideoCapture(str(self.options.video))
        for number in range(self.options.thread_frames):
            there, picture = capture.read()
            if not there:
                break
            model.predict(picture, device="cpu", conf=0.01, verbose=False)
            if number == 0:
                self._loaded.set()

    def _rested(self) -> None:
        if time.monotonic() < self._until:
            return
        self._timer.stop()
        self._turn.stop()
        self.window.close()


def _one(options: argparse.Namespace) -> int:
    """One contender, in this process; its rows go to standard output as JSON."""
    from PySide6.QtWidgets import QApplication

    from iouviewer.app.notifier import Notifier
    from iouviewer.jobs.open_request import OpenRequest
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.start import fill_window, keep_for_good
    from iouviewer.ui.theme import ThemeKeeper

    app = QApplication([])
    keeper, window, beats = ThemeKeeper(app), MainWindow(), Beats()
    window.show()
    preds = tuple((name, Path(path)) for name, path in (one.split("=", 1) for one in options.pred))
    request = OpenRequest(video=Path(options.video), gt=Path(options.gt), preds=preds)
    fill_window(window, keeper, Notifier(window), request)
    keep_for_good()
    script = Script(window, options, beats)
    watch = Watch(beats, options.watch / 1000) if options.watch else None
    if watch is not None:
        watch.start()
    app.exec()
    seen = []
    if watch is not None:
        watch.over.set()
        seen = [(count, *where) for where, count in watch.seen.most_common(40)]
    variants = [(v.name, v.state.value, v.message, int(v.predictions.covered.sum())) for v in window.session.variants]
    sys.stdout.write(json.dumps({"rows": script.beats.rows(), "seen": seen, "variants": variants}) + "\n")
    return 0


def _measure(name: str, argv: list[str], options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        # A copy, so that the project file is made beside it and not beside the original.
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
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", default=str(SAMPLE / "clip.mp4"))
    parser.add_argument("--gt", default=str(SAMPLE / "ground_truth.csv"))
    parser.add_argument("--pred", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--model", default=str(SAMPLE / "weights" / "baseline.pt"))
    parser.add_argument("--frames", default="", help="frames of the run, A:B; all if left out")
    parser.add_argument("--idle", type=float, default=15.0, help="seconds of the idle line")
    parser.add_argument("--thread-frames", type=int, default=60, help="frames that torch predicts in a thread")
    parser.add_argument("--watch", type=float, default=0.0, help="say where the window stood in gaps over this many ms")
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
            found = _measure(name, argv, options)
            for row in found["rows"]:
                print(
                    f"| {CONTENDERS[name]} | {row['phase']} | {row['seconds']:.1f} | {row['p99']:.1f} "
                    f"| {row['longest']:.0f} | {row['over']} | {row['longest_own']:.1f} | {row['over_own']} "
                    f"| {100 * row['busy']:.0f} % |",
                    flush=True,
                )
            for line in found["seen"] or []:
                print("   ", *line)
            print("   ", found["variants"], file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
