"""Works around OpenCV's GUI build, which points Qt at its own plugins when it is imported.

iouviewer depends on the headless build. If ``opencv-python`` is installed instead, the program still starts
and reports it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def _cv2_folder() -> Path | None:
    """Folder of the installed cv2, found without importing it."""
    module = sys.modules.get("cv2")
    origin = getattr(module, "__file__", None)
    if origin is None:
        spec = importlib.util.find_spec("cv2")
        origin = spec.origin if spec is not None else None
    return Path(origin).resolve().parent if origin else None


def has_own_qt() -> bool:
    """Whether the installed OpenCV is the build with its own Qt."""
    folder = _cv2_folder()
    return folder is not None and (folder / "qt").is_dir()


def clear_cv2_qt_paths() -> None:
    """Remove the environment variables that OpenCV set; values that the user set remain.

    Call it right before the QApplication is created, and for the environment of every child process.
    """
    folder = _cv2_folder()
    if folder is None:
        return
    for name in QT_VARIABLES:
        value = os.environ.get(name)
        if value and Path(value).resolve().is_relative_to(folder):
            del os.environ[name]


def import_cv2_safely() -> ModuleType:
    """Import cv2 without changing Qt's environment variables."""
    before = {name: os.environ.get(name) for name in QT_VARIABLES}
    module = importlib.import_module("cv2")
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return module
