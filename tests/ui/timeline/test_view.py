"""The timeline in a session: curves, strips, playhead, lanes and seeking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameMark, FrameState, SetFrames, SetRects
from iouviewer.ui.theme import DARK
from iouviewer.ui.timeline.items import lane_pixels, ramp_table, strip_pixels
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.view import TimelineView
from tests.app.builders import predictions_of, session_with

BOX = (100.0, 100.0, 200.0, 200.0)


@pytest.fixture
def session() -> Session:
    truth = {frame: [BOX] for frame in range(10) if frame != 4}
    found = {frame: [(100.0 + 3 * frame, 100.0, 200.0 + 3 * frame, 200.0)] for frame in range(10)}
    return session_with(truth, {"base": found}, tracks=True)


@pytest.fixture
def timeline(session: Session, qtbot: QtBot) -> TimelineView:
    view = TimelineView(session, DARK)
    qtbot.addWidget(view.plot)
    view.plot.resize(600, 160)
    view.plot.show()
    return view


def curve(view: TimelineView, place: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x, y = view.plot.plotItem.listDataItems()[place].getData()
    return x, y


def test_the_single_curve_is_the_iou_by_frame_with_a_gap_where_it_is_undefined(
    session: Session, timeline: TimelineView
) -> None:
    x, y = curve(timeline)
    assert x.tolist() == list(range(10))
    for frame in range(10):
        expected = session.frame_iou("base", frame)
        assert y[frame] == expected or (math.isnan(y[frame]) and math.isnan(expected))
    assert math.isnan(y[4])
    assert timeline.plot.dots.isVisible()


def test_the_legend_names_the_average(session: Session, timeline: TimelineView) -> None:
    average = session.scores.summary("base").avg_iou
    assert timeline.plot.legend.items[1][1].text == f"Average IoU = {average:.2f}"
    assert timeline.plot.mean_line.value() == average
    assert timeline.plot.getAxis("bottom").labelText == "Frame ID"
    assert timeline.plot.getAxis("left").labelText == "IoU Score"


def test_one_point_and_the_mean_follow_a_live_edit_and_its_end(session: Session, timeline: TimelineView) -> None:
    box = session.ground_truth.boxes(5)[0]
    before = curve(timeline)[1].copy()
    session.preview(SetRects(((box.id, (115.0, 100.0, 215.0, 200.0)),)))
    after = curve(timeline)[1]
    assert after[5] == 1.0
    assert np.array_equal(np.delete(after, 5), np.delete(before, 5), equal_nan=True)
    assert timeline.plot.mean_line.value() == session.scores.summary("base").avg_iou
    session.cancel_preview()
    assert np.array_equal(curve(timeline)[1], before, equal_nan=True)


def test_the_zoom_is_kept_when_scores_change_and_reset_for_another_video(
    session: Session, timeline: TimelineView
) -> None:
    timeline.plot.setXRange(1, 9, padding=0)
    kept = timeline.plot.viewRange()[0]
    session.set_score_settings(session.scores.settings)
    timeline.rebuild()
    assert timeline.plot.viewRange()[0] == kept
    session.sourceChanged.emit()
    assert timeline.plot.viewRange()[0] == [-0.5, 9.5]


def test_a_click_seeks_the_frame_under_the_mouse(session: Session, timeline: TimelineView) -> None:
    requested: list[int] = []
    timeline.seekRequested.connect(requested.append)
    timeline.plot.seek_at(6.3, 0.5, False)
    timeline.plot.seek_at(-50.0, 0.5, True)
    timeline.plot.seek_at(999.0, 0.5, True)
    assert requested == [6, 0, 9]
    session.go_to(7)
    assert timeline.plot.playhead.value() == 7


def test_hidden_variants_have_no_curve_and_several_have_their_own_colours(
    session: Session, timeline: TimelineView
) -> None:
    session.variants.add("other", predictions_of({0: [BOX]}, 10), key="other")
    timeline.rebuild()
    assert len(timeline.plot.plotItem.listDataItems()) == 2
    assert not timeline.plot.dots.isVisible()
    session.variants.update("other", visible=False)
    timeline.rebuild()
    assert len(timeline.plot.plotItem.listDataItems()) == 1


def test_above_four_frames_per_pixel_strips_replace_curves_and_a_click_goes_to_the_worst_frame(qtbot: QtBot) -> None:
    frames = 5000
    truth = {frame: [BOX] for frame in range(frames)}
    found = {frame: [BOX] for frame in range(frames)}
    found[3210] = [(150.0, 100.0, 250.0, 200.0)]
    session = session_with(truth, {"base": found}, frames=frames)
    view = TimelineView(session, DARK)
    qtbot.addWidget(view.plot)
    view.plot.resize(500, 160)
    view.plot.show()
    view.plot.refresh()
    assert view.plot.frames_per_pixel > 4
    assert view.plot.shows_strips
    requested: list[int] = []
    view.seekRequested.connect(requested.append)
    view.plot.seek_at(3207.0, 0.5, True)
    assert requested == [3210]
    view.plot.setXRange(3000, 3400, padding=0)
    assert not view.plot.shows_strips


def test_verified_frames_and_the_selected_track_are_shown_in_lanes(session: Session, timeline: TimelineView) -> None:
    before = timeline.plot.lanes.verified.pixels.copy()
    session.execute(SetFrames((FrameMark(3, FrameState.LABELLED, True),)), "Verify")
    assert not np.array_equal(timeline.plot.lanes.verified.pixels, before)
    session.select([session.ground_truth.boxes(0)[0].id])
    assert timeline.plot.lanes.track.isVisible()
    session.select()
    assert not timeline.plot.lanes.track.isVisible()


def test_a_strip_shows_the_mean_as_colour_and_the_worst_as_a_tick() -> None:
    values = np.ones(400)
    values[100] = 0.0
    table, tick = ramp_table(["#000000", "#ffffff"]), 0xFF123456
    pixels = strip_pixels(Pyramid(values).columns(0, 400, 40), (-0.5, 399.5), (40, 11), table, tick)
    assert pixels.shape == (11, 40)
    assert pixels[0, 0] == tick
    assert pixels[10, 10] == tick
    assert pixels[5, 0] == table[255]
    assert pixels[5, 10] == table[round(255 * 0.9)]


def test_a_lane_is_half_where_only_some_frames_of_a_pixel_are_marked() -> None:
    marked = np.zeros(8, np.bool_)
    marked[[0, 1, 2]] = True
    on, off = QColor(255, 0, 0, 200), QColor(0, 0, 0, 0)
    row = lane_pixels(marked, (-0.5, 7.5), 4, on, off)[0]
    assert row.tolist() == [0xC8FF0000, 0x64FF0000, 0, 0]


def test_hovering_outside_a_strip_does_not_fail(qtbot: QtBot, timeline: TimelineView) -> None:
    timeline.set_always_strips(True)
    timeline.plot.scene().sigMouseMoved.emit(QPointF(300, 10))
    timeline.plot.scene().sigMouseMoved.emit(QPointF(-5, -5))
    assert timeline.plot.worst_at(5.0, 7.0) is None
    assert timeline.plot.focusPolicy() == Qt.FocusPolicy.StrongFocus
