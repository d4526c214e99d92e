"""Random use of the real window: gaps of its event loop by what was done, and memory over time.

    xvfb-run python -m benchmarks soak [--minutes 60] [--seed 1] [--video V --gt G --pred NAME=P]

Mouse and commands step, play, drag edges, draw boxes, undo, redo, select, filter lists and switch workspaces,
in random order and with pauses as a person makes them. A precise 1 ms timer ticks in the window's thread; a gap is the
time between two ticks. On a machine that is busy with other programs a gap is mostly waiting, so each gap is also given
by the CPU time that the window's thread used in it. Goals: no gap over 100 ms, fewer than one over 33 ms a minute,
memory flat. Without options it runs the bundled sample; ``--late`` prints where the thread was in long gaps.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.jobs.requests import OpenRequest

GAPS = (0.033, 0.100)
"""Seconds: longer gaps are counted."""
SIZE = (1280, 720)


@dataclass
class Ticks:
    """Gaps between ticks of a timer in the window's thread.

    Attributes:
        gaps: of each gap over 33 ms of wall or of CPU time: what was done, seconds, CPU seconds.
    """

    doing: str = "start"
    gaps: list[tuple[str, float, float]] = field(default_factory=list)
    count: int = 0
    last: float = 0.0
    last_own: float = 0.0

    def tick(self) -> None:
        """Record the time since the last tick."""
        now, own = time.perf_counter(), time.thread_time()
        if self.last:
            self.count += 1
            wall, used = now - self.last, own - self.last_own
            if max(wall, used) > GAPS[0]:
                self.gaps.append((self.doing, wall, used))
        self.last, self.last_own = time.perf_counter(), time.thread_time()


class LateStacks(threading.Thread):
    """Samples the stack of the window's thread while it uses more than 25 ms of CPU time between two ticks."""

    def __init__(self, ticks: Ticks) -> None:
        super().__init__(name="stacks", daemon=True)
        self._ticks, self._window = ticks, threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._window)
        self.places: collections.Counter[tuple[str, str]] = collections.Counter()

    def run(self) -> None:
        while True:
            time.sleep(0.004)
            if self._window not in sys._current_frames():
                return
            if self._ticks.last and time.clock_gettime(self._clock) - self._ticks.last_own > 0.025:
                stack = traceback.extract_stack(sys._current_frames()[self._window])
                lines = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in stack if "iouviewer" in f.filename]
                self.places[self._ticks.doing, " < ".join(reversed(lines[-6:]))] += 1


def resident() -> float:
    """Megabytes of this process in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def measure_machine() -> float:
    """Milliseconds of CPU time of a fixed loop, more of them while other programs use the processor too."""
    begin = time.thread_time()
    for _ in range(200_000):
        pass
    return 1000 * (time.thread_time() - begin)


class Person:
    """Random use of one window by mouse and keys."""

    def __init__(self, window: Any, seed: int) -> None:
        self.window, self.random = window, random.Random(seed)
        self.session, self.canvas = window.session, window.parts.views.canvas
        self.acts: dict[str, tuple[int, Callable[[], None]]] = {
            "step": (8, self.step),
            "play": (1, self.play),
            "jump": (2, self.jump),
            "drag an edge": (6, self.drag),
            "draw a box": (2, self.draw),
            "undo and redo": (4, self.undo),
            "select": (4, self.select),
            "hover": (3, self.hover),
            "verify": (1, lambda: self.key("verifyAndNext")),
            "zoom": (2, self.zoom),
            "filter": (1, self.filter),
            "switch tabs": (2, self.tabs),
            "switch workspaces": (1, self.workspaces),
        }

    def choose(self) -> str:
        """What to do next."""
        names = list(self.acts)
        return self.random.choices(names, [self.acts[one][0] for one in names])[0]

    def key(self, action: str) -> None:
        """What the key of an action does, if it is available."""
        found = self.window.parts.actions[action]
        if found.isEnabled():
            found.trigger()

    def step(self) -> None:
        for _ in range(self.random.randint(1, 6)):
            self.key(self.random.choice(("nextFrame", "nextFrame", "previousFrame", "forward10")))
            self.pause(60)

    def play(self) -> None:
        self.key("playPause")
        self.pause(self.random.randint(500, 2500))
        self.key("playPause")

    def jump(self) -> None:
        self.session.go_to(self.random.randrange(self.session.frame_count))

    def boxes(self) -> tuple[Any, ...]:
        """Boxes of the frame that is shown."""
        frame = self.session.current_frame
        found: tuple[Any, ...] = self.session.ground_truth.boxes(frame)
        return found if self.canvas.shown_frame == frame else ()

    def drag(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        if not self.boxes():
            return
        x1, y1, _x2, y2 = self.random.choice(self.boxes()).rect
        at, viewport = self.canvas.from_image(x1, (y1 + y2) / 2), self.canvas.viewport()
        if not viewport.rect().contains(at):
            return
        QTest.mouseMove(viewport, at)
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        for number in range(self.random.randint(5, 40)):
            QTest.mouseMove(viewport, at + QPoint(number % 13 - 6, 0))
            self.pause(8)
        end = at + QPoint(self.random.randint(-5, 5), 0)
        QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)

    def draw(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        viewport, none, left = self.canvas.viewport(), Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
        rect = viewport.rect()
        at = QPoint(self.random.randrange(rect.width() // 2), self.random.randrange(rect.height() // 2))
        self.key("drawBox")
        QTest.mousePress(viewport, left, none, at)
        for number in range(12):
            QTest.mouseMove(viewport, at + QPoint(6 * number, 4 * number))
            self.pause(8)
        QTest.mouseRelease(viewport, left, none, at + QPoint(72, 48))
        QTest.keyClick(self.canvas, Qt.Key.Key_Escape)
        # As many boxes as before stay: memory would grow with the work otherwise.
        self.key("undo")

    def undo(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.key(self.random.choice(("undo", "undo", "redo")))
            self.pause(120)

    def select(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if self.boxes():
            x1, y1, x2, y2 = self.random.choice(self.boxes()).rect
            at = self.canvas.from_image((x1 + x2) / 2, (y1 + y2) / 2)
            if self.canvas.viewport().rect().contains(at):
                QTest.mouseClick(self.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at)

    def hover(self) -> None:
        from PySide6.QtCore import QPoint
        from PySide6.QtTest import QTest

        viewport = self.canvas.viewport()
        for _ in range(30):
            at = QPoint(self.random.randrange(viewport.width()), self.random.randrange(viewport.height()))
            QTest.mouseMove(viewport, at)
            self.pause(16)

    def zoom(self) -> None:
        centre = self.canvas.viewport().rect().center().toPointF()
        self.canvas.zoom_at(self.random.choice((1.25, 2.0, 0.5)), centre)
        self.pause(150)
        if self.random.random() < 0.5:
            self.key("fit")

    def filter(self) -> None:
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QLineEdit

        edits = [edit for edit in self.window.findChildren(QLineEdit) if edit.isVisible() and not edit.isReadOnly()]
        edits = [edit for edit in edits if "ilter" in edit.placeholderText()]
        if edits:
            edit = self.random.choice(edits)
            QTest.keyClicks(edit, self.random.choice(("1", "a", "per")))
            self.pause(200)
            edit.clear()
            self.canvas.setFocus()

    def tabs(self) -> None:
        from PySide6.QtWidgets import QTabBar

        for bar in self.window.findChildren(QTabBar):
            if bar.isVisible() and bar.count() > 1:
                bar.setCurrentIndex(self.random.randrange(bar.count()))
                return

    def workspaces(self) -> None:
        self.key("compare")
        self.pause(1500)
        self.step()
        self.key("correct")

    def pause(self, milliseconds: float) -> None:
        """Let the window run."""
        from benchmarks.drag import wait

        wait(milliseconds)


def run(
    options: argparse.Namespace, request: OpenRequest
) -> tuple[Ticks, list[tuple[float, float]], LateStacks | None]:
    """Use the window; returns the gaps, memory by minutes, and the places of long gaps."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from benchmarks.drag import wait, wait_until
    from iouviewer.app.notifier import Notifier
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.start import fill_window, start_garbage_collection
    from iouviewer.ui.theme import ThemeManager

    app = QApplication.instance() or QApplication(["benchmark"])
    assert isinstance(app, QApplication)
    theme, window = ThemeManager(app), MainWindow()
    window.resize(*SIZE)
    window.show()
    fill_window(window, theme, Notifier(window), request)
    session: Any = window.session
    wait_until(lambda: len(session.variants) > 0 and len(session.ground_truth) > 0, 120)
    wait(3000)
    start_garbage_collection(app)
    parts: Any = window.parts
    model = parts.views.problems.model
    wait_until(lambda: model.complete, 300)
    ticks = Ticks()
    timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=1)
    timer.timeout.connect(ticks.tick)
    late = LateStacks(ticks) if options.late else None
    timer.start()
    if late is not None:
        late.start()
    person, start, memory = Person(window, options.seed), time.monotonic(), []
    end, next_minute, loops = start + 60 * options.minutes, start, []
    done: collections.Counter[str] = collections.Counter()
    while time.monotonic() < end:
        if time.monotonic() >= next_minute:
            memory.append(((time.monotonic() - start) / 60, resident()))
            timer.stop()
            loops.append(measure_machine())
            ticks.last = 0.0
            timer.start()
            next_minute += max(15.0, 60 * options.minutes / 20)
        name = person.choose()
        ticks.doing = name
        done[name] += 1
        person.acts[name][1]()
        person.pause(person.random.randint(50, 600))
    memory.append(((time.monotonic() - start) / 60, resident()))
    timer.stop()
    print("done: " + ", ".join(f"{name} {count}" for name, count in done.most_common()))
    window.close()
    print(f"a fixed loop took {np.median(loops):.1f} ms of CPU time (quietest: {min(loops):.1f})")
    return ticks, memory, late


def _report(ticks: Ticks, memory: list[tuple[float, float]], late: LateStacks | None) -> int:
    minutes = memory[-1][0]
    print("\n| gaps | over 33 ms | a minute | over 100 ms | longest, ms |\n| --- | ---: | ---: | ---: | ---: |")
    missed = 0
    for title, column in (("wall time", 1), ("CPU time of the window's thread", 2)):
        found = np.array([gap[column] for gap in ticks.gaps])
        counts = [int(np.count_nonzero(found > limit)) for limit in GAPS]
        longest = 1000 * found.max(initial=0.0)
        print(f"| {title} | {counts[0]} | {counts[0] / minutes:.1f} | {counts[1]} | {longest:.0f} |")
        missed = int(counts[0] / minutes >= 1 or counts[1] > 0)
    print("\n| CPU gaps over 33 ms while | number | longest, ms |\n| --- | ---: | ---: |")
    by_name: dict[str, list[float]] = {}
    for name, _wall, own in ticks.gaps:
        if own > GAPS[0]:
            by_name.setdefault(name, []).append(1000 * own)
    for name, values in sorted(by_name.items(), key=lambda item: -len(item[1])):
        print(f"| {name} | {len(values)} | {max(values):.0f} |")
    print("\nMemory, MB: " + ", ".join(f"{held:.0f} after {at:.1f} min" for at, held in memory))
    if late is not None:
        for (doing, place), count in late.places.most_common(25):
            print(f"{count:5d} {doing}: {place}")
    return missed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--video")
    parser.add_argument("--gt")
    parser.add_argument("--pred", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--late", action="store_true", help="print where the window's thread was in long gaps")
    return parser


def main(argv: list[str]) -> int:
    """Print the tables; exit status 1 if a goal is missed by CPU time."""
    options = _parser().parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["IOUVIEWER_HOME"] = home
        request = OpenRequest(demo=True)
        if options.video:
            # A copy, so that the project file is not created beside the original.
            video = Path(home) / Path(options.video).name
            video.write_bytes(Path(options.video).read_bytes())
            preds = tuple((name, Path(path)) for name, path in (one.split("=", 1) for one in options.pred))
            request = OpenRequest(video=video, gt=Path(options.gt) if options.gt else None, preds=preds)
        return _report(*run(options, request))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
