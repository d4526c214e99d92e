"""The line of scores in the playback bar."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetRects
from iouviewer.ui.panels.playback_bar import PlaybackBar
from tests.app.builders import session_with

A, B = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 140.0, 40.0)


def test_the_scores_of_frame_and_video_follow_an_edit(qtbot: QtBot) -> None:
    boxes = {frame: [A, B] for frame in range(10)}
    session = session_with(boxes, {"base": boxes}, frames=10)
    line = PlaybackBar(session)
    qtbot.addWidget(line)
    line.refresh()
    assert line.text.text().startswith("Frame 1.000  ·  Avg IoU 1.000  ·  PQ 1.000  ·  AP ")
    session.execute(SetRects(((1, (0.0, 0.0, 40.0, 36.0)),)), "Resize")
    assert line.text.text().startswith("Frame 0.950  ·  Avg IoU 0.995  ·  PQ 0.995  ·  AP ")


def test_an_unknown_frame_number_is_a_question_mark_until_it_is_known(qtbot: QtBot) -> None:
    line = PlaybackBar(session_with({0: [A]}, {}, frames=10))
    qtbot.addWidget(line)
    line.show_unknown_frame(6.9)
    assert line.frame_box.text() == "?" and line.time.text() == "00:06.9"
    line.frame_box.show_frame(0)
    assert line.frame_box.text() == "0"
