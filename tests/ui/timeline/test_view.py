"""The timeline in a session: curves, strips, playhead, lanes and seeking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameMark, FrameState, SetFrames, SetRects
from iouviewer.ui.theme import DARK
from iouviewer.ui.timeline.items import ramp_table, strip_pixels
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
    qtbot.addWidget(view)
    # High enough for the plot with axes and legend.
    view.resize(700, 260)
    view.show()
    qtbot.waitExposed(view)
    QApplication.processEvents()
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
    assert timeline.plot.playhead.frame == 7


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
    qtbot.addWidget(view)
    view.resize(600, 160)
    view.show()
    view.plot.refresh()
    assert view.plot.frames_per_pixel > 4
    assert view.plot.shows_strips
    requested: list[int] = []
    view.seekRequested.connect(requested.append)
    view.plot.seek_at(3207.0, 0.5, True)
    assert requested == [3210]
    view.plot.setXRange(3000, 3400, padding=0)
    assert not view.plot.shows_strips


def test_verified_frames_and_the_selected_track_have_rows(session: Session, timeline: TimelineView) -> None:
    assert timeline.verified_row.word == "Verified 0 %"
    session.execute(SetFrames((FrameMark(3, FrameState.LABELLED, True),)), "Verify")
    assert timeline.verified_row.word == "Verified 10 %"
    box = session.ground_truth.boxes(0)[0]
    session.select([box.id])
    assert timeline.lane_row.lane is not None and timeline.lane_row.lane.track == box.track
    assert timeline.lane_row.word == f"person {box.track}"
    session.select()
    assert timeline.lane_row.lane is None


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


def test_the_selected_tracks_own_iou_is_a_line_beside_the_mean(session: Session, timeline: TimelineView) -> None:
    session.select([session.ground_truth.boxes(0)[0].id])
    x, y = timeline.plot.own.curve.getData()
    assert x.tolist() == list(range(10))
    for frame in range(10):
        # One box a frame: its IoU is that of the frame.
        expected = session.frame_iou("base", frame)
        assert y[frame] == pytest.approx(expected, nan_ok=True)
    box = session.ground_truth.boxes(5)[0]
    session.preview(SetRects(((box.id, (115.0, 100.0, 215.0, 200.0)),)))
    assert timeline.plot.own.curve.getData()[1][5] == 1.0
    session.cancel_preview()


def test_only_the_column_of_the_frame_is_redrawn_while_a_box_is_held(
    qtbot: QtBot, session: Session, timeline: TimelineView, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = session.ground_truth.boxes(5)[0]
    session.go_to(5)
    session.select([box.id])
    timeline.hold(frozenset([box.id]))
    QApplication.processEvents()
    drawn: list[str] = []
    monkeypatch.setattr(timeline.plot, "refresh", lambda *_: drawn.append("all"))
    monkeypatch.setattr(timeline.plot, "redraw_series", lambda _key: drawn.append("series"))
    rows = [row.painted for row in (timeline.ruler, timeline.problems_row, timeline.verified_row, timeline.lane_row)]
    for step in range(1, 6):
        session.preview(SetRects(((box.id, (100.0 + step / 4, 100.0, 200.0 + step / 4, 200.0)),)))
    # Thirty times a second, the last move is shown.
    qtbot.waitUntil(lambda: timeline.plot.own.value(5) == session.frame_iou("base", 5))
    assert drawn == []
    assert rows == [
        row.painted for row in (timeline.ruler, timeline.problems_row, timeline.verified_row, timeline.lane_row)
    ]
    session.cancel_preview()
    timeline.hold(frozenset())
    assert timeline.plot.magnified is None


@pytest.mark.parametrize("boxes", [1, 27])
def test_a_tenth_of_iou_moves_the_held_point_by_twelve_pixels(qtbot: QtBot, boxes: int) -> None:
    rects = [
        (20.0 + 22 * (n % 9), 20.0 + 60 * (n // 9), 40.0 + 22 * (n % 9), 70.0 + 60 * (n // 9)) for n in range(boxes)
    ]
    found = [(x1, y1, x2, y2 + 50) for x1, y1, x2, y2 in rects]
    truth = dict.fromkeys(range(400), rects)
    session = session_with(truth, {"base": dict.fromkeys(range(400), found)}, frames=400, tracks=True)
    view = TimelineView(session, DARK)
    qtbot.addWidget(view)
    view.resize(1000, 132)
    view.show()
    qtbot.waitExposed(view)
    QApplication.processEvents()
    session.go_to(200)
    box = session.ground_truth.boxes(200)[boxes // 2]
    session.select([box.id])
    whole = view.axis.low, view.axis.high
    view.hold(frozenset([box.id]))
    low, high = view.plot.viewRange()[0]
    assert high - low == pytest.approx(31) and low < 200 < high
    x1, y1, x2, y2 = box.rect

    def height() -> float:
        x, y = view.plot.own.curve.getData()
        value = float(y[np.flatnonzero(x == 200)[0]])
        return view.plot.plotItem.vb.mapViewToScene(QPointF(200.0, value)).y()

    before, iou = height(), session.frame_iou("base", 200) if boxes == 1 else 0.5
    # IoU 0.5 -> 0.6: 60 of 100 pixels of the prediction's height.
    session.preview(SetRects(((box.id, (x1, y1, x2, y2 + 10)),)))
    assert iou == pytest.approx(0.5)
    assert view.plot.own.value(200) == pytest.approx(0.6)
    assert (view.plot.gutter.lines[0].word, view.plot.gutter.lines[0].number) == ("Track", "0.60")
    assert before - height() >= 12
    session.cancel_preview()
    view.hold(frozenset())
    assert (view.axis.low, view.axis.high) == whole
    assert view.plot.viewRange()[0] == pytest.approx(list(whole))


def test_above_two_hundred_tracks_lanes_share_rows_and_only_visible_ones_are_painted(qtbot: QtBot) -> None:
    frames = 100_000
    rows = []
    for track in range(200):
        rows += [(start, track) for start in range(track * 400, track * 400 + 4000, 40)]
    session = session_with({0: [BOX]}, {}, frames=frames)
    count = len(rows)
    session.ground_truth.load_columns(
        np.array([frame for frame, _ in rows], np.int64),
        np.tile(np.array(BOX)[:, None], count),
        class_ids=np.zeros(count, np.int64),
        tracks=np.array([track for _, track in rows], np.int64),
        flags=np.zeros(count, np.int64),
    )
    view = TimelineView(session, DARK)
    qtbot.addWidget(view)
    view.resize(1000, 300)
    view.show()
    qtbot.waitExposed(view)
    view.toggle_lanes()
    view.grab()
    painted = view.lanes.painted_lanes
    visible = view.lanes.viewport().height() // 18 + 2
    assert view.lanes.lanes_model.rowCount() == 200
    assert 0 < painted <= visible
    session.go_to(50)
    view.grab()
    assert view.lanes.painted_lanes == painted, "a step to another frame paints no lane"
    view.lanes.scrollToBottom()
    view.grab()
    assert view.lanes.painted_lanes <= painted + visible
    painted = view.lanes.painted_lanes
    view.axis.zoom(0.5, 50_000)
    view.grab()
    assert painted < view.lanes.painted_lanes <= painted + visible


def test_hovering_outside_a_strip_does_not_fail(qtbot: QtBot, timeline: TimelineView) -> None:
    timeline.set_always_strips(True)
    timeline.plot.scene().sigMouseMoved.emit(QPointF(300, 10))
    timeline.plot.scene().sigMouseMoved.emit(QPointF(-5, -5))
    assert timeline.plot.worst_at(5.0, 7.0) is None
    assert timeline.plot.focusPolicy() == Qt.FocusPolicy.StrongFocus
