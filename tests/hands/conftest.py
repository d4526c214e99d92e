"""Fixtures of the hands tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.inference import runner
from tests.hands.cases import Case, write_case
from tests.hands.hands import Hands
from tests.hands.model_worker import WORKER
from tests.inference.helpers import python_worker
from tests.ui.window import opened_window


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """The files of the small case."""
    return write_case(tmp_path / "case")


@pytest.fixture
def empty(qtbot: QtBot) -> Iterator[Hands]:
    """A person at a window without a video."""
    with opened_window(qtbot) as window:
        yield Hands(qtbot, window)


@pytest.fixture
def person(qtbot: QtBot, case: Case) -> Iterator[Hands]:
    """A person at a window that shows the small case."""
    with opened_window(qtbot, case.request()) as window:
        yield Hands(qtbot, window)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a model file that a worker without torch pretends to load."""
    monkeypatch.setattr(runner, "worker_command", lambda: python_worker(WORKER))

    def make(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(b"weights")
        return path

    return make
