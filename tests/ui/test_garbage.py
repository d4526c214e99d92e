"""Qt objects in reference cycles are destroyed in the main thread, whichever thread creates many objects."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread
from pytestqt.qtbot import QtBot

from iouviewer.ui.garbage import MainThreadCollector


class Cycle(QObject):
    """Refers to itself, so that only garbage collection destroys it."""

    def __init__(self, died_in: list[bool]) -> None:
        super().__init__()
        self.me = self
        self.died_in = died_in

    def __del__(self) -> None:
        self.died_in.append(threading.current_thread() is threading.main_thread())


@pytest.fixture(autouse=True)
def python_collects() -> Iterator[None]:
    gc.enable()
    yield
    gc.disable()


def create_objects(kept: list[list[int]]) -> None:
    """Far more objects that stay than any threshold."""
    kept.extend([number] for number in range(200_000))


def test_closed_things_are_destroyed_by_the_main_thread_only(qtbot: QtBot) -> None:
    owner = QObject()
    collector = MainThreadCollector(owner)
    assert QThread.currentThread() is collector.thread()
    died_in: list[bool] = []
    Cycle(died_in)
    kept: list[list[int]] = []
    worker = threading.Thread(target=create_objects, args=(kept,))
    worker.start()
    worker.join()
    assert len(kept) == 200_000 and died_in == [], "the worker collected"
    qtbot.waitUntil(lambda: bool(died_in), timeout=20_000)
    assert died_in == [True]
