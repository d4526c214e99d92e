"""Fixtures for all tests: a private home for the program's own files, and the real data where it is at hand."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

REPOSITORY = Path(__file__).resolve().parent.parent


def trace_qt_threads() -> None:
    """Let coverage follow the threads that Qt starts, as it follows Python's; without coverage nothing changes."""
    hook = threading.gettrace()
    if hook is None:
        return
    from iouviewer.app.video.decode_thread import DecodeThread
    from iouviewer.app.video.index_thread import IndexThread

    def traced(run: Callable[[Any], None]) -> Callable[[Any], None]:
        def run_traced(thread: Any) -> None:
            sys.settrace(hook)
            run(thread)

        return run_traced

    for thread_class in (DecodeThread, IndexThread):
        thread_class.run = traced(thread_class.run)


trace_qt_threads()


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache, configuration, data and log of the program under test go to a folder of their own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("IOUVIEWER_HOME", str(home))
    return home


GARBAGE_OBJECTS = 50_000


def pytest_collection_finish() -> None:
    """Leave garbage collection to ``collected_here``: in a worker thread it would destroy Qt objects of old windows."""
    gc.disable()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def collected_here() -> Iterator[None]:
    """Collect garbage in the main thread, once enough objects have gathered."""
    yield
    if gc.get_count()[0] > GARBAGE_OBJECTS:
        gc.collect()


@pytest.fixture(autouse=True)
def released_buttons() -> Iterator[None]:
    """Release mouse buttons that a test left pressed; Qt would count them in the next test too."""
    yield
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return
    from PySide6.QtTest import QTest

    held = [one for one in type(widgets.QApplication.mouseButtons()) if one & widgets.QApplication.mouseButtons()]
    if held:
        target = widgets.QWidget()
        for button in held:
            QTest.mouseRelease(target, button)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("IOUVIEWER_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; set IOUVIEWER_SHARED_DATA to test with it")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY
