"""A project of 1,000,000 boxes in the real window: opening, and selecting, dragging, undoing on a long track.

    xvfb-run python -m benchmarks large_project [--frames 100000] [--boxes 10] [--variants 5] [--rounds 3]

Makes a video of as many frames and its project: as many tracks as boxes on a frame, each over the whole video, and
variants of as many predictions. Each round is a new process. Peers: reading the same arrays with numpy, and a bare
window of Qt until its first paint. Times until something is on screen count from the start of the module; the CPU time
is that of the process, all threads. "Longest" is the most CPU time that the window's thread used between two turns of
its event loop. Memory is what the process holds more than the same window without a project, and its ratio to the
arrays. The goals: 2 s until the first frame and its boxes are on screen, 33 ms for select, drag and undo, three times
the arrays.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 240
STARTED = time.perf_counter()
Arrays = dict[str, NDArray[Any]]


def make_arrays(frames: int, boxes: int, variants: int) -> Arrays:
    """Columns of the ground truth and of the variants: boxes drift to and fro."""
    random = np.random.default_rng(1)
    frame = np.repeat(np.arange(frames), boxes)
    track = np.tile(np.arange(1, boxes + 1), frames)
    x = 20.0 + 24.0 * ((track - 1) % 11) + 8.0 * np.sin(frame / 50.0 + track)
    y = 20.0 + 60.0 * ((track - 1) // 11 % 3) + 8.0 * np.cos(frame / 70.0 + track)
    truth = np.stack((x, y, x + 18.0, y + 40.0))
    arrays: Arrays = {"frame": frame, "track": track, "truth": truth}
    for number in range(variants):
        arrays[f"boxes{number}"] = truth + random.normal(0, 1.5, truth.shape)
        arrays[f"scores{number}"] = random.uniform(0.3, 1.0, len(frame))
    return arrays


def write_video(path: Path, frames: int) -> None:
    """A small video; decoding is not what is measured."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (WIDTH, HEIGHT))
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for number in range(frames):
        image[: HEIGHT // 2] = number % 200
        writer.write(image)
    writer.release()


def write_project(video: Path, arrays: Arrays, frames: int, variants: int) -> None:
    """Let the window create the project of the video, then replace its contents."""
    import contextlib

    from benchmarks.drag import wait_until
    from iouviewer.document.predictions import PredictionSet
    from iouviewer.document.variants import Variant, default_look
    from iouviewer.metrics.table import BoxTable
    from iouviewer.project.contents import NewContents
    from iouviewer.project.store import ProjectFile

    gt = video.with_suffix(".csv")
    gt.write_text("frameID,x1,y1,x2,y2\n0,10,10,60,60\n", encoding="utf-8")
    with contextlib.closing(show_window(video, gt)) as window:
        wait_until(lambda: len(window.session.ground_truth) > 0 and window.parts.controller.path is not None, 300)
        wait_until(lambda: window.session.frame_count == frames and window.session.save_state.is_saved, 300)
        path = window.parts.controller.path
        assert path is not None
    project = ProjectFile.open(path)
    contents = project.load()
    project.close()
    document = contents.document
    zeros = np.zeros(len(arrays["frame"]), np.int64)
    truth = document.ground_truth(next(iter(document.sources)))
    truth.load_columns(arrays["frame"], arrays["truth"], class_ids=zeros, tracks=arrays["track"], flags=zeros)
    truth.load_states(np.ones(frames, np.int8), np.zeros(frames, np.bool_))
    document.class_names = ("object",)
    found = []
    for number in range(variants):
        boxes, scores = arrays[f"boxes{number}"], arrays[f"scores{number}"]
        table = BoxTable.from_rows(arrays["frame"], boxes, frame_count=frames, class_ids=zeros, scores=scores)
        predictions = PredictionSet(table, np.ones(frames, np.bool_), score_floor=0.3)
        found.append(Variant(f"v{number}", f"model{number}", predictions, *default_look(number)))
    new = NewContents.of(document, variants=found, baseline="v0", settings=contents.settings)
    new.make_file(path, replace=True)


def show_window(video: Path, gt: Path | None = None) -> Any:
    """The real window, opening a video."""
    from PySide6.QtWidgets import QApplication

    from iouviewer.app.notifier import Notifier
    from iouviewer.jobs.requests import OpenRequest
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.start import fill_window
    from iouviewer.ui.theme import ThemeManager

    app = QApplication.instance() or QApplication(["benchmark"])
    assert isinstance(app, QApplication)
    theme, window = ThemeManager(app), MainWindow()
    window.resize(1280, 720)
    window.show()
    fill_window(window, theme, Notifier(window), OpenRequest(video=video, gt=gt))
    return window


class LongestTurn:
    """The most CPU time of this thread between two turns of its event loop."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.longest = self._last = 0.0
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=0)
        self._timer.timeout.connect(self._turn)
        self._timer.start()

    def _turn(self) -> None:
        now = time.thread_time()
        if self._last:
            self.longest = max(self.longest, now - self._last)
        self._last = now

    def measure(self, act: Callable[[], object], milliseconds: float = 700) -> float:
        """Milliseconds of the longest turn while ``act`` and what follows it run."""
        from benchmarks.drag import wait

        wait(50)
        self._turn()
        self.longest = 0.0
        act()
        wait(milliseconds)
        return 1000 * self.longest


class Marks:
    """When something was on screen: milliseconds since the start, and CPU time of the process until then."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def wait(self, name: str, is_shown: Callable[[], bool], seconds: float = 600) -> None:
        """Wait until it is on screen."""
        from benchmarks.drag import wait_until

        wait_until(is_shown, seconds)
        self.found[name] = 1000 * (time.perf_counter() - STARTED)
        self.found[f"{name} (CPU)"] = 1000 * time.process_time()


def resident() -> float:
    """Megabytes of this process in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("the system does not tell the memory of a process")


def run_window(video: Path, variants: int) -> dict[str, float]:
    """Open the project in this process and work on a long track; milliseconds, and megabytes."""
    from benchmarks.drag import wait, wait_until

    window = show_window(video)
    session, canvas = window.session, window.parts.views.canvas
    marks, turn = Marks(), LongestTurn()
    marks.wait("first frame", lambda: not canvas.shown_image().isNull())
    marks.wait("its boxes", lambda: any(box.ref.is_ground_truth for box in canvas.frame_view.boxes))
    marks.wait("edits", lambda: canvas.is_editable and len(session.ground_truth) > 0)
    marks.wait("first variant", lambda: len(session.variants) > 0)
    marks.wait("all variants", lambda: len(session.variants) == variants and not session.variants.is_loading)
    marks.wait("all scores", lambda: not any(session.scores.is_pending(v.key) for v in session.variants))
    wait_until(lambda: not window.parts.deferred_scores.busy, 600)
    marks.wait("all problems", lambda: window.parts.views.problems.model.complete, 1200)
    result = dict(marks.found)
    result["longest turn until then"] = 1000 * turn.longest
    wait(5000)
    result["megabytes held"] = resident()
    result |= {f"longest turn: {name}": value for name, value in _work(window, turn).items()}
    result["megabytes after work"] = resident()
    window.close()
    return result


def _work(window: Any, turn: LongestTurn) -> dict[str, float]:
    """Select, step, drag, undo and redo on a long track."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    from benchmarks.drag import wait, wait_until

    session, canvas = window.session, window.parts.views.canvas
    result = {"nothing": turn.measure(lambda: None)}
    session.go_to(session.frame_count // 2)
    wait_until(lambda: canvas.shown_frame == session.current_frame)
    wait(1000)
    first, second = session.ground_truth.boxes(session.current_frame)[:2]
    result["select"] = turn.measure(lambda: session.select([first.id]))
    result["select another track"] = turn.measure(lambda: session.select([second.id]))
    result["step"] = turn.measure(window.parts.actions["nextFrame"].trigger)
    box = session.ground_truth.find(next(iter(session.selection.boxes)))
    assert box is not None
    viewport = canvas.viewport()
    start = canvas.from_image(box.rect[2], (box.rect[1] + box.rect[3]) / 2)
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    result["press"] = turn.measure(lambda: QTest.mousePress(viewport, left, none, start), 300)

    def drag() -> None:
        for number in range(60):
            QTest.mouseMove(viewport, start + QPoint(4 + number % 20, 0))
            wait(8)

    result["drag"] = turn.measure(drag, 100)
    changed = session.ground_truth.find(box.id)
    assert changed is not None and changed.rect != box.rect
    result["release"] = turn.measure(lambda: QTest.mouseRelease(viewport, left, none, start + QPoint(10, 0)))
    result["undo"] = turn.measure(window.parts.actions["undo"].trigger)
    changed = session.ground_truth.find(box.id)
    assert changed is not None and changed.rect == box.rect
    result["redo"] = turn.measure(window.parts.actions["redo"].trigger)
    return result


def run_empty_window(folder: Path) -> dict[str, float]:
    """The same window with the video and without a project; megabytes."""
    from benchmarks.drag import wait, wait_until

    video = folder / "empty" / "long.avi"
    video.parent.mkdir(exist_ok=True)
    if not video.exists():
        os.link(folder / "long.avi", video)
    window = show_window(video)
    wait_until(lambda: window.parts.views.canvas.shown_frame >= 0, 300)
    wait(5000)
    result = {"megabytes without": resident()}
    window.close()
    return result


def run_bare_window() -> dict[str, float]:
    """A window of Qt until its first paint; milliseconds since the start of this module."""
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication(["benchmark"])
    window = QMainWindow()
    window.resize(1280, 720)
    window.show()
    app.processEvents()
    return {"bare window": 1000 * (time.perf_counter() - STARTED)}


def run_arrays(path: Path) -> dict[str, float]:
    """Reading all arrays; milliseconds, and their size in megabytes."""
    begin = time.perf_counter()
    with np.load(path) as file:
        size = sum(file[name].nbytes for name in file.files)
    return {"bare arrays": 1000 * (time.perf_counter() - begin), "megabytes": size / 1e6}


def _in_process(kind: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks", "large_project", "--one", kind, "--folder", str(folder)]
    for name in ("frames", "boxes", "variants"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _run_one(options: argparse.Namespace) -> dict[str, float]:
    folder = Path(options.folder)
    video = folder / "long.avi"
    if options.one == "make":
        arrays = make_arrays(options.frames, options.boxes, options.variants)
        np.savez(folder / "arrays.npz", **arrays)
        write_video(video, options.frames)
        write_project(video, arrays, options.frames, options.variants)
        return {}
    if options.one == "arrays":
        return run_arrays(folder / "arrays.npz")
    if options.one == "empty":
        return run_empty_window(folder)
    return run_bare_window() if options.one == "bare" else run_window(video, options.variants)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks large_project", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--boxes", type=int, default=10)
    parser.add_argument("--variants", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="keep the project here, and use it if it exists")
    parser.add_argument("--one", choices=("make", "window", "bare", "arrays", "empty"), help=argparse.SUPPRESS)
    return parser


def _report(found: dict[str, float]) -> None:
    size, arrays, bare, empty = (
        found.pop(name) for name in ("megabytes", "bare arrays", "bare window", "megabytes without")
    )
    held, after = found.pop("megabytes held"), found.pop("megabytes after work")
    print(f"{size:.0f} MB of arrays: read in {arrays:.0f} ms; bare window: {bare:.0f} ms\n")
    print("| until | ms | CPU ms | of a bare window and reading the arrays |")
    print("| --- | ---: | ---: | ---: |")
    for name in [name for name in found if f"{name} (CPU)" in found]:
        wall, cpu = found.pop(name), found.pop(f"{name} (CPU)")
        print(f"| {name} | {wall:.0f} | {cpu:.0f} | {wall / (arrays + bare):.1f} |")
    print("\n| longest turn of the event loop | CPU ms |\n| --- | ---: |")
    for name, value in found.items():
        print(f"| {name.removeprefix('longest turn: ')} | {value:.0f} |")
    print(f"\nMemory: {held:.0f} MB, after the work {after:.0f} MB; without the project {empty:.0f} MB.")
    print(f"That is {(held - empty) / size:.2f} and {(after - empty) / size:.2f} times the arrays.")


def main(argv: list[str]) -> int:
    """Print the table: medians of the rounds, and ratios to the peers."""
    options = _parser().parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.one:
        print(json.dumps(_run_one(options)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["IOUVIEWER_HOME"] = str(folder / "home")
        if not (folder / "arrays.npz").exists():
            _in_process("make", folder, options)
        found: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for kind in ("arrays", "bare", "empty", "window"):
                for name, value in _in_process(kind, folder, options).items():
                    found.setdefault(name, []).append(value)
    _report({name: float(np.median(values)) for name, values in found.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
