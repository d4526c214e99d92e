"""Fixtures for the tests of the user interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.ui.main_window import MainWindow
from tests.ui.window import opened_window, small_case


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """The real window with a small video, its ground truth and two variants."""
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as opened:
        yield opened
