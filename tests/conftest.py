"""Fixtures for all tests: a private home for the program's own files, and the real data where it is at hand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
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
