"""Fixtures of the hands tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.hands.cases import Case, write_case
from tests.hands.hands import Hands
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
