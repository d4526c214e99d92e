"""Starts the window, which is painted empty first and filled later. Nothing heavy is imported at module level."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from iouviewer.app.video.cv2_guard import QT_VARIABLES, clear_cv2_qt_paths, has_own_qt
from iouviewer.i18n import tr
from iouviewer.jobs.requests import OpenRequest

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from iouviewer.app.notifier import Notifier
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.theme import ThemeManager

SCALE_FACTOR = "QT_SCALE_FACTOR"
OPENCV_NOTE = tr(
    "opencv-python brings its own Qt, which iouviewer keeps away from the window. To avoid the conflict, install "
    "opencv-python-headless instead."
)


def run_window(request: OpenRequest) -> int:
    """Show the window and run until it closes; returns the exit status."""
    # Garbage collection would find nothing while loading, and take 10 % of the start time.
    gc.disable()
    opencv_note = _clear_environment()
    apply_ui_scale()
    from PySide6.QtWidgets import QApplication, QMessageBox

    from iouviewer.app import logging_setup
    from iouviewer.folders import log_folder
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.theme import ThemeManager

    undo_logging = [logging_setup.start_log()]
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("iouviewer")
    app.setOrganizationName("iouviewer")
    theme_manager = ThemeManager(app)
    window = MainWindow()

    def fill() -> None:
        from iouviewer.app.notifier import Notifier
        from iouviewer.app.video.cv2_guard import import_cv2_safely

        notifier = Notifier(window)
        undo_logging.append(logging_setup.install_hooks(notifier))
        try:
            import_cv2_safely()
            fill_window(window, theme_manager, notifier, request)
        except Exception as error:
            # Without content the window can do nothing: say why and end, instead of staying empty.
            logging.getLogger(__name__).exception("the window could not be filled")
            reason = f"{type(error).__name__}: {error}"
            QMessageBox.critical(
                window,
                "iouviewer",
                tr("The window could not be opened: {reason}. Details are in {log}.", reason=reason, log=log_folder()),
            )
            app.exit(1)
            return
        finally:
            start_garbage_collection(app)
        if opencv_note:
            notifier.show(opencv_note)

    window.painted.connect(fill)
    window.show()
    try:
        return int(app.exec())
    finally:
        for restore in reversed(undo_logging):
            restore()


def start_garbage_collection(parent: QObject) -> None:
    """Collect garbage from now on in the main thread, but exclude all existing objects.

    Modules and the window live until the end. Otherwise each full collection, for example while the results of a run
    arrive, blocks the window for 20 to 60 ms.
    """
    from iouviewer.ui.garbage import MainThreadCollector

    gc.freeze()
    MainThreadCollector(parent)


def apply_ui_scale() -> None:
    """Set Qt's scale factor to the stored size of the window; it must be known before the application exists.

    A factor in the environment is multiplied. The settings are not validated here: an unusable value counts as 100 %,
    and the settings store reports damaged files later.
    """
    from iouviewer import folders

    with suppress(OSError, ValueError, TypeError, AttributeError):
        stored = json.loads((folders.config_folder() / "settings.json").read_bytes())
        scale = min(150, max(90, int(stored.get("ui_scale", 100))))
        if scale != 100:
            factor = float(os.environ.get(SCALE_FACTOR, "1"))
            os.environ[SCALE_FACTOR] = f"{factor * scale / 100:g}"


@contextmanager
def block_cuda_bindings() -> Iterator[None]:
    """Make ``cuda.bindings`` unavailable while pyqtgraph is imported.

    pyqtgraph imports them, if torch installed them, for a widget that is not used here. That takes a seventh of its
    import time and loads the GPU driver into the process of the window.
    """
    name = "cuda.bindings"
    if name in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[name] = None  # makes its import fail as if it did not exist
    try:
        yield
    finally:
        del modules[name]


def _clear_environment() -> str:
    """Remove OpenCV's Qt paths from the environment; returns a message for the user, empty if nothing was removed."""
    before = [name for name in QT_VARIABLES if name in os.environ]
    clear_cv2_qt_paths()
    cleared = any(name not in os.environ for name in before)
    return OPENCV_NOTE if cleared or has_own_qt() else ""


def fill_window(window: MainWindow, theme_manager: ThemeManager, notifier: Notifier, request: OpenRequest) -> None:
    """Import the heavy modules, fill the window and open the requested files.

    The first frame is decoded during the imports; its signals are delivered when the window is complete.
    """
    from iouviewer.app.settings import SettingsStore
    from iouviewer.app.video.frame_loader import FrameLoader

    store = SettingsStore(on_error=notifier.show)
    loader = FrameLoader(window, memory=store.settings.memory_mib << 20)
    if request.video is not None:
        loader.set_read_ahead(on=False)
        loader.open(request.video)
        loader.request(store.settings.last_frame(request.video))

    try:
        with block_cuda_bindings():
            from iouviewer.ui.window_parts import WindowParts

        parts = WindowParts(window, store, notifier, theme_manager, loader)
    except Exception:
        # Nobody else will: Qt aborts the process when a thread that runs is deleted with the window.
        loader.close()
        raise
    window.restore(store.settings.window_geometry)
    window.fill(parts)
    parts.open_request(request)
    loader.set_read_ahead(on=True)
