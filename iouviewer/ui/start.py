"""Starts the window: painted first, filled afterwards. Imports nothing heavy at module level."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iouviewer.app.video.cv2_guard import QT_VARIABLES, clear_cv2_qt_paths, has_own_qt
from iouviewer.jobs.open_request import OpenRequest

if TYPE_CHECKING:
    from iouviewer.app.notifier import Notifier
    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.theme import ThemeKeeper

CV2_NOTE = (
    "This Python has opencv-python, which brings a Qt of its own; iouviewer keeps it away from the window. "
    "opencv-python-headless does not."
)


def run_window(request: OpenRequest) -> int:
    """Show the window and run until it closes; returns the exit status."""
    # Loading makes nothing but what stays: rounds of the garbage collector over it take a tenth of the start.
    gc.disable()
    told = _clear_environment()
    from PySide6.QtWidgets import QApplication

    from iouviewer.ui.main_window import MainWindow
    from iouviewer.ui.theme import ThemeKeeper

    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("iouviewer")
    app.setOrganizationName("iouviewer")
    keeper = ThemeKeeper(app)
    window = MainWindow()
    undo = []

    def fill() -> None:
        from iouviewer.app import logging_setup
        from iouviewer.app.notifier import Notifier
        from iouviewer.app.video.cv2_guard import import_cv2_safely

        notifier = Notifier(window)
        undo.append(logging_setup.install(notifier))
        try:
            import_cv2_safely()
            fill_window(window, keeper, notifier, request)
        finally:
            keep_for_good()
        if told:
            notifier.show(told)

    window.painted.connect(fill)
    window.show()
    try:
        return int(app.exec())
    finally:
        for restore in undo:
            restore()


def keep_for_good() -> None:
    """Take all that was made until now from the garbage collector's rounds: modules and the window stay to the end.

    A round over them holds the window up for 20 to 60 ms, whenever enough small things were made, a run's results say.
    """
    gc.freeze()
    gc.enable()


@contextmanager
def without_cuda() -> Iterator[None]:
    """Let pyqtgraph be imported without the CUDA bindings, where they are installed (torch brings them).

    It asks for them for a widget that is not used here; they take a seventh of its import and load the GPU's driver
    into the window's process.
    """
    name = "cuda.bindings"
    if name in sys.modules:
        yield
        return
    # None stands for a module that is not there.
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _clear_environment() -> str:
    """Take OpenCV's Qt paths out of the environment; what to tell of it."""
    before = [name for name in QT_VARIABLES if name in os.environ]
    clear_cv2_qt_paths()
    cleared = any(name not in os.environ for name in before)
    return CV2_NOTE if cleared or has_own_qt() else ""


def fill_window(window: MainWindow, keeper: ThemeKeeper, notifier: Notifier, request: OpenRequest) -> None:
    """Load the heavy parts, fill the window, open what was asked for.

    The first picture is decoded while the window's other parts are loaded; its answers wait until the window is whole.
    """
    from iouviewer.app.settings import SettingsStore
    from iouviewer.app.video.frame_loader import FrameLoader

    store = SettingsStore(tell=notifier.show)
    loader = FrameLoader(window, memory=store.settings.memory_mib << 20)
    if request.video is not None:
        loader.allow_ahead(on=False)
        loader.open(request.video)
        loader.request(store.settings.last_frame(request.video))

    with without_cuda():
        from iouviewer.ui.window_parts import Workbench

    workbench = Workbench(window, store, notifier, keeper, loader)
    window.restore(store.settings.window_geometry)
    window.fill(workbench)
    workbench.open_request(request)
    loader.allow_ahead(on=True)
