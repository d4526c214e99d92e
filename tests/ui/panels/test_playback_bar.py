"""The line of scores in the playback bar."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetRects
from iouviewer.ui.panels.playback_bar import PlaybackBar
from tests.app.builders import session_with

A, B = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 140.0, 40.0)


def test_the_smallest_change_of_an_average_is_visible(qtbot: QtBot) -> None:
    boxes = {frame: [A, B] for frame in range(1000)}
    session = session_with(boxes, {"base": boxes}, frames=1000)
    line = PlaybackBar(session)
    qtbot.addWidget(line)
    line.refresh()
    assert "±0.000 in this session" in line.text.text()
    session.execute(SetRects(((1, (0.0, 0.0, 40.0, 36.0)),)), "Resize")
    assert "−0.00005 in this session" in line.text.text()
