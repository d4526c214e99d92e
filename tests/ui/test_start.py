"""Start: the window is painted before anything heavy is imported, and OpenCV's Qt paths are removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AT_FIRST_PAINT = """
import os, sys
import iouviewer.ui.main_window as module
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import start

class WatchedWindow(module.MainWindow):
    def __init__(self):
        super().__init__()
        self.painted.connect(self.report)

    def report(self):
        heavy = ("pyqtgraph", "cv2", "scipy", "numpy", "av", "matplotlib", "torch", "qtawesome")
        print("loaded:", *(name for name in heavy if name in sys.modules))
        names = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
        print("environment:", *(name for name in names if name in os.environ))
        sys.stdout.flush()
        os._exit(0)

module.MainWindow = WatchedWindow
start.run_window(OpenRequest())
"""


def run(script: str, home: Path, **more: str) -> str:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "IOUVIEWER_HOME": str(home), **more}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_heavy_is_imported_before_the_first_paint(tmp_path: Path) -> None:
    assert "loaded:\n" in run(AT_FIRST_PAINT, tmp_path)


@pytest.mark.parametrize("name", ["QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"])
def test_paths_into_opencv_are_removed_and_others_stay(tmp_path: Path, name: str) -> None:
    import cv2

    inside = Path(cv2.__file__).parent / "qt" / "plugins"
    assert "environment:\n" in run(AT_FIRST_PAINT, tmp_path, **{name: str(inside)})
    if name == "QT_QPA_FONTDIR":
        assert f"environment: {name}\n" in run(AT_FIRST_PAINT, tmp_path, **{name: str(tmp_path)})


FILLED = """
import gc
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import start

def report_when_filled():
    window = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "mainWindow")
    if not window.is_filled:
        QTimer.singleShot(50, report_when_filled)
        return
    print("collector:", gc.isenabled(), gc.get_freeze_count() > 100_000)
    print("cuda:", *(name for name in sys.modules if name.startswith("cuda.bindings")))
    print("filled:", window.session.frame_count, window.parts.pages.page.isVisible())
    window.close()

app = QApplication(sys.argv[:1])
QTimer.singleShot(0, report_when_filled)
sys.exit(start.run_window(OpenRequest()))
"""


def test_the_program_starts_and_ends_with_status_zero(tmp_path: Path) -> None:
    output = run(FILLED, tmp_path)
    assert "filled: 0 True" in output
    # Python's own collection stays off: it would run in worker threads, and destroy Qt objects there.
    assert "collector: False True" in output
    assert "cuda:\n" in output
    assert (tmp_path / "log" / "iouviewer.log").exists()
    assert "Traceback" not in (tmp_path / "log" / "iouviewer.log").read_text(encoding="utf-8")


BROKEN = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import start

def fail(*_arguments):
    raise RuntimeError("no such panel")

def read_and_close():
    box = QApplication.activeModalWidget()
    if not isinstance(box, QMessageBox):
        QTimer.singleShot(50, read_and_close)
        return
    print("said:", box.text())
    box.accept()

start.fill_window = fail
app = QApplication(sys.argv[:1])
QTimer.singleShot(0, read_and_close)
print("status:", start.run_window(OpenRequest()))
"""


def test_a_window_that_cannot_be_filled_says_why_and_ends(tmp_path: Path) -> None:
    output = run(BROKEN, tmp_path)
    assert "said: The window could not be opened: RuntimeError: no such panel. Details are in " in output
    assert "status: 1" in output
    assert "no such panel" in (tmp_path / "log" / "iouviewer.log").read_text(encoding="utf-8")


def test_a_window_whose_parts_cannot_be_made_ends_without_an_abort_of_its_threads(tmp_path: Path) -> None:
    broken = BROKEN.replace(
        "start.fill_window = fail", "import iouviewer.ui.window_parts as parts\nparts.WindowParts = fail"
    )
    output = run(broken, tmp_path)
    assert "said: The window could not be opened: RuntimeError: no such panel." in output
    assert "status: 1" in output
