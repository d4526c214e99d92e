"""Speeds of different devices are separated by a line in the table of variants."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.ui.compare.variants_table import VariantsPanel
from iouviewer.ui.palette import scheme_theme
from tests.app.builders import session_with

BOX = (10.0, 10.0, 50.0, 50.0)


@pytest.fixture
def session() -> Session:
    found = {0: [BOX]}
    return session_with(found, frames=1, predictions={"a": found, "b": found, "c": found})


def has_line(panel: VariantsPanel, row: int) -> bool:
    table = panel.table
    rect = table.visualRect(table.model().index(row, panel.model.column_index("fps")))
    pixel = table.viewport().grab().toImage().pixelColor(QPoint(rect.left() + 2, rect.top()))
    return pixel == QColor(scheme_theme().colours.text3)


def test_a_line_separates_speeds_of_different_devices(qtbot: QtBot, session: Session) -> None:
    panel = VariantsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1200, 200)
    panel.show()
    for key, device in (("a", "CPU"), ("b", "CPU"), ("c", "Jetson")):
        session.variants.update(key, fps=20.0, details={"hardware": device})
    session.scoresChanged.emit()
    qtbot.waitUntil(lambda: has_line(panel, 2))
    assert not has_line(panel, 0) and not has_line(panel, 1)
    session.variants.update("c", details={"hardware": "CPU"})
    qtbot.waitUntil(lambda: not has_line(panel, 2))
    session.variants.update("b", fps=None, details={"hardware": "Jetson"})
    qtbot.waitUntil(lambda: not any(has_line(panel, row) for row in range(3)))
