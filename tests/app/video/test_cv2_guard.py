"""An OpenCV build with its own Qt does not break PySide6."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What the GUI build does when it is imported on Linux.
FAKE_CV2 = """
import os
_here = os.path.dirname(os.path.abspath(__file__))
os.environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = os.path.join(_here, "qt", "plugins")
os.environ["QT_QPA_FONTDIR"] = os.path.join(_here, "qt", "fonts")
"""


@pytest.fixture
def gui_build(tmp_path: Path) -> Path:
    """A folder for the path with a cv2 that behaves like the GUI build."""
    package = tmp_path / "site" / "cv2"
    (package / "qt" / "plugins").mkdir(parents=True)
    (package / "qt" / "fonts").mkdir()
    (package / "__init__.py").write_text(FAKE_CV2)
    return package.parent


def run(code: str, site: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QT_QPA_")}
    environment |= {"PYTHONPATH": str(site), "QT_QPA_PLATFORM": "offscreen", **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


START = "from PySide6.QtWidgets import QApplication; QApplication([]); print('started')"


def test_the_build_with_a_gui_points_qt_at_itself(gui_build: Path) -> None:
    code = "import cv2, os; print(os.environ['QT_QPA_PLATFORM_PLUGIN_PATH'])"
    assert run(code, gui_build).stdout.strip() == str(gui_build / "cv2" / "qt" / "plugins")


def test_qt_starts_after_the_paths_are_cleared(gui_build: Path) -> None:
    code = (
        "import cv2; from iouviewer.app.video.cv2_guard import *; clear_cv2_qt_paths(); assert has_own_qt(); import os;"
    )
    code += f"assert not [name for name in QT_VARIABLES if name in os.environ]; {START}"
    result = run(code, gui_build)
    assert result.stdout.strip() == "started", result.stderr


def test_importing_it_safely_keeps_paths_set_by_the_user(gui_build: Path) -> None:
    code = (
        "from iouviewer.app.video.cv2_guard import *; import os; module = import_cv2_safely(); clear_cv2_qt_paths();"
        "print(os.environ.get('QT_QPA_FONTDIR'), os.environ.get('QT_QPA_PLATFORM_PLUGIN_PATH'))"
    )
    assert run(code, gui_build, QT_QPA_FONTDIR="/usr/share/fonts").stdout.split() == ["/usr/share/fonts", "None"]


def test_the_installed_opencv_is_the_headless_one() -> None:
    from iouviewer.app.video.cv2_guard import has_own_qt

    assert not has_own_qt(), "a dependency brought the build with a GUI: it overwrites the headless one"
