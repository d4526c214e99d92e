"""Start-up time: first painted window compared with a bare QMainWindow, and ``--help`` compared with labelme.

    xvfb-run python -m benchmarks startup [--labelme PATH_OF_LABELME]

Every contender is a new process. Contenders take turns, so load from other programs affects all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

BARE = """
import os, sys
from PySide6.QtWidgets import QApplication, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        os.write(1, b"painted")
        os._exit(0)
app = QApplication([])
window = Window()
window.resize(1280, 720)
window.show()
app.exec()
"""

IOUVIEWER = """
import os, sys
from iouviewer.ui import main_window
original = main_window.MainWindow.__init__
def patched(self, *args, **kwargs):
    original(self, *args, **kwargs)
    self.painted.connect(lambda: (os.write(1, b"painted"), os._exit(0)))
main_window.MainWindow.__init__ = patched
from iouviewer.cli import main
sys.exit(main(["open"]))
"""


def _seconds(command: list[str], expected: bytes) -> float:
    """Wall time of a process in seconds; RuntimeError if it does not print ``expected``."""
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, check=False, timeout=120)
    elapsed = time.perf_counter() - start
    if expected not in result.stdout:
        raise RuntimeError(f"{command[:2]} printed {result.stdout[-200:]!r} {result.stderr[-400:]!r}")
    return elapsed


def compare(contenders: dict[str, tuple[list[str], bytes]], runs: int) -> dict[str, list[float]]:
    """Seconds of each contender by turns; the first turn warms the caches and does not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(runs + 1):
        for name, (command, expected) in contenders.items():
            seconds = _seconds(command, expected)
            if turn:
                times[name].append(seconds)
    return times


def _print(title: str, times: dict[str, list[float]]) -> None:
    reference = statistics.median(next(iter(times.values())))
    print(f"\n| {title} | median ms | min | max | ratio |\n| --- | --- | --- | --- | --- |")
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"| {name} | {1000 * median:.0f} | {1000 * min(values):.0f} | {1000 * max(values):.0f} "
            f"| {median / reference:.2f} |"
        )


def main(argv: list[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--labelme", help="path of an installed labelme command")
    options = parser.parse_args(argv)
    python = sys.executable
    with tempfile.TemporaryDirectory() as home:
        os.environ["IOUVIEWER_HOME"] = home
        windows = {
            "bare QMainWindow": ([python, "-c", BARE], b"painted"),
            "iouviewer": ([python, "-c", IOUVIEWER], b"painted"),
        }
        _print("first painted window", compare(windows, options.runs))
        helps = {"python -c pass": ([python, "-c", "print('usage')"], b"usage")}
        if options.labelme:
            helps = {"labelme --help": ([options.labelme, "--help"], b"usage"), **helps}
        helps["iouviewer --help"] = ([python, "-m", "iouviewer", "--help"], b"usage")
        _print("--help", compare(helps, options.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
