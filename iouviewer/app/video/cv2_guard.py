"""OpenCV's build with a GUI of its own points Qt at its own plugins when it is imported; undo that.

The wanted build is the headless one. A user may have the other (``opencv-python``) from elsewhere: then the program
starts all the same, and says so.
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
    """Whether the installed OpenCV is the build that brings a Qt of its own."""
    folder = _cv2_folder()
    return folder is not None and (folder / "qt").is_dir()


def clear_cv2_qt_paths() -> None:
    """Remove the variables that OpenCV set; what the user set to another place stays.

    Call it right before the QApplication is made, and in whatever environment a child process gets.
    """
    folder = _cv2_folder()
    if folder is None:
        return
    for name in QT_VARIABLES:
        value = os.environ.get(name)
        if value and Path(value).resolve().is_relative_to(folder):
            del os.environ[name]


def import_cv2_safely() -> ModuleType:
    """Import cv2 and leave Qt's variables as they were."""
    before = {name: os.environ.get(name) for name in QT_VARIABLES}
    module = importlib.import_module("cv2")
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return module
