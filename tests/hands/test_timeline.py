"""The timeline by hand: a drag is seen on it, scrub, zoom, the opened plot, lanes of tracks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QListView
from pytestqt.qtbot import QtBot

from tests.hands.cases import Case, car
from tests.hands.hands import Hands
from tests.ui.window import FRAMES, opened_window

GUTTER = 92


@pytest.fixture
def annotator(qtbot: QtBot, case: Case) -> Iterator[Hands]:
    """A person at a window with one variant."""
    with opened_window(qtbot, case.request(variants=1)) as window:
        yield Hands(qtbot, window)


def plot_of(hands: Hands) -> pg.PlotWidget:
    plot = hands.named("timeline")
    assert isinstance(plot, pg.PlotWidget)
    return plot


def frame_shown(hands: Hands) -> int:
    return int(hands.named("frameSpinBox").text())


def visible_frames(hands: Hands) -> tuple[float, float]:
    low, high = plot_of(hands).viewRange()[0]
    return low, high


def place_of(hands: Hands, row: str, frame: float) -> QPoint:
    """Where a frame is on a row of the timeline, on the screen."""
    widget, plot = hands.named(row), plot_of(hands)
    x = plot.mapFromScene(plot.plotItem.vb.mapViewToScene(QPointF(frame, 0))).x()
    return widget.mapToGlobal(QPoint(x, widget.height() // 2))


def bold_curve(hands: Hands) -> pg.PlotCurveItem:
    """The line of the selected track."""
    curves = [
        item for item in plot_of(hands).scene().items() if isinstance(item, pg.PlotCurveItem) and item.isVisible()
    ]
    return max(curves, key=lambda curve: curve.opts["pen"].widthF())


def bold_point(hands: Hands, frame: int) -> tuple[float, float]:
    """IoU of the selected track on a frame, and its height on the screen in logical pixels.

    The timeline follows thirty times a second: waits until it says what the caption at the cursor says.
    """

    def value() -> float:
        x, y = bold_curve(hands).getData()
        return float(y[int(np.flatnonzero(x == frame)[0])])

    caption = hands.named("canvasDragLabel")
    hands.wait(lambda: f"→ {value():.2f}" in caption.accessibleName(), "the timeline follows the drag")
    return value(), plot_of(hands).plotItem.vb.mapViewToScene(QPointF(frame, value())).y()


def test_the_drag_of_an_edge_is_seen_on_the_timeline(annotator: Hands) -> None:
    hands = annotator
    x1, y1, x2, y2 = car(0)
    hands.click_picture(((x1 + x2) / 2, (y1 + y2) / 2))
    before = visible_frames(hands)
    hands.press_picture((x1 + 20, y2))
    hands.move_picture((x1 + 20, y2 + 2))
    first, height = bold_point(hands, 0)
    assert first > 72 / 88
    hands.move_picture((x1 + 20, y2 - 20))
    second, lower = bold_point(hands, 0)
    assert second < first
    assert lower > height
    hands.release()
    assert visible_frames(hands) == before
    hands.key("Ctrl+Z")


def test_a_tenth_of_iou_is_twelve_pixels(annotator: Hands) -> None:
    hands = annotator
    x1, _, _, y2 = car(0)
    hands.press_picture((x1 + 20, y2))
    hands.move_picture((x1 + 20, y2 - 16))
    start, height = bold_point(hands, 0)
    for down in range(15, 0, -1):
        hands.move_picture((x1 + 20, y2 - down))
        value, now = bold_point(hands, 0)
        if value - start >= 0.1:
            assert height - now >= 12
            break
    else:
        raise AssertionError("the drag was too short")
    hands.release()


def test_dragging_on_the_ruler_scrubs(annotator: Hands) -> None:
    hands = annotator
    hands.press(place_of(hands, "timelineRuler", 3))
    assert frame_shown(hands) == 3
    hands.move(place_of(hands, "timelineRuler", 11))
    assert frame_shown(hands) == 11
    hands.release()


def test_a_click_on_each_row_seeks(annotator: Hands) -> None:
    for frame, row in enumerate(("timelineProblems", "timeline", "timelineVerified", "timelineTrack"), start=5):
        annotator.click(place_of(annotator, row, frame))
        annotator.wait(lambda frame=frame: frame_shown(annotator) == frame, f"frame {frame}")


def test_a_right_click_on_the_ruler_shows_times(annotator: Hands) -> None:
    ruler = annotator.named("timelineRuler")
    before = ruler.grab().toImage()
    annotator.right_click(place_of(annotator, "timelineRuler", 9))
    assert ruler.grab().toImage() != before
    annotator.right_click(place_of(annotator, "timelineRuler", 9))
    assert ruler.grab().toImage() == before


def test_ctrl_wheel_zooms_at_the_mouse_shift_wheel_pans_and_ctrl_shift_f_shows_all(annotator: Hands) -> None:
    hands = annotator
    whole = visible_frames(hands)
    hands.wheel(place_of(hands, "timelineRuler", 12), 3, Qt.KeyboardModifier.ControlModifier)
    low, high = visible_frames(hands)
    assert whole[0] < low < 12 < high < whole[1]
    hands.wheel(place_of(hands, "timeline", 12), -1, Qt.KeyboardModifier.ShiftModifier)
    assert visible_frames(hands)[0] > low
    hands.key("Ctrl+Shift+F")
    assert visible_frames(hands) == whole


def test_backslash_and_a_double_click_open_the_plot(annotator: Hands) -> None:
    hands, plot = annotator, plot_of(annotator)
    height = plot.height()
    assert not plot.getAxis("bottom").isVisible()
    hands.key("\\")
    hands.wait(lambda: plot.height() > 2 * height, "the opened plot")
    assert plot.getAxis("bottom").isVisible() and plot.getAxis("bottom").labelText == "Frame ID"
    assert plot.plotItem.vb.isVisible()
    assert hands.named("timelineView").height() == pytest.approx(0.4 * hands.window.height(), abs=2)
    hands.key("\\")
    hands.wait(lambda: plot.height() == height, "the usual height")
    hands.double_click(place_of(hands, "timeline", 8))
    hands.wait(lambda: plot.height() > 2 * height, "the opened plot")


def test_t_opens_the_lanes_and_a_click_selects_and_seeks(annotator: Hands) -> None:
    hands = annotator
    hands.key("T")
    lanes = hands.named("trackLanes")
    assert isinstance(lanes, QListView)
    assert len(hands.rows("trackLanes")) == 2
    rows = [row[0] for row in hands.rows("trackLanes")]
    assert rows[0].startswith("car 1, frames 0–") and rows[1].startswith("person 2")
    assert plot_of(hands).height() >= 40
    place = hands.row_centre("trackLanes", 1)
    hands.click(QPoint(place_of(hands, "timeline", 9).x(), place.y()))
    assert frame_shown(hands) == 9
    hands.wait(lambda: hands.rows("trackLanes")[0][0].startswith("person 2"), "the active track on top")
    hands.key("T")
    assert not lanes.isVisible()
    assert hands.named("timelineTrack").isVisible()


def test_the_iou_row_keeps_forty_pixels_at_1280_by_640(annotator: Hands) -> None:
    hands = annotator
    hands.window.resize(1280, 640)
    hands.wait(lambda: hands.window.height() <= 640, "the small window")
    assert plot_of(hands).height() >= 40
    assert hands.named("timelineRuler").isVisible()
    assert visible_frames(hands) == (-0.5, FRAMES - 0.5)
