"""Which part of the image the canvas shows: it fills the view, and zoom and pan stay near it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QImage

from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import session_with
from tests.ui.helpers import canvas_for, plain_image


def shown_rect(view: CanvasView) -> QRectF:
    """The image in logical pixels of the viewport."""
    return view.viewportTransform().mapRect(view.image_rect)


@pytest.fixture
def view(qtbot) -> CanvasView:
    canvas = canvas_for(session_with({}, size=(640, 480)), size=(800, 400))
    qtbot.addWidget(canvas)
    return canvas


def fills(view: CanvasView) -> bool:
    rect = shown_rect(view)
    return rect.left() <= 1 and rect.top() <= 1 and rect.right() >= 799 and rect.bottom() >= 399


def test_without_an_image_nothing_moves(qtbot):
    empty = CanvasView(session_with({}, frames=0))
    qtbot.addWidget(empty)
    empty.show()
    empty.pan(QPoint(30, 30))
    empty.zoom_at(2.0, QPointF(10, 10))
    assert empty.image_rect.isNull()


@pytest.mark.parametrize("corner", [(0, 0), (620, 0), (0, 450), (620, 450)])
def test_zooming_to_a_box_at_the_edge_leaves_nothing_empty(view, corner):
    rect = QRectF(*corner, 20, 30)
    view.zoom_to(rect)
    assert fills(view)
    assert QRectF(view.viewport().rect()).contains(view.viewportTransform().mapRect(rect).center())


def test_zooming_in_and_out_at_a_corner_leaves_nothing_empty(view):
    for _ in range(8):
        view.zoom_at(1.25, QPointF(795, 5))
    assert fills(view)
    while shown_rect(view).width() > 1000:
        view.zoom_at(1 / 1.25, QPointF(5, 395))
        assert fills(view)


def test_an_image_smaller_than_the_view_is_centred(view):
    view.zoom_at(0.5, QPointF(0, 0))
    rect = shown_rect(view)
    assert abs(rect.center().x() - 400) <= 1 and abs(rect.center().y() - 200) <= 1


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("by", [(5000, 3000), (-5000, -3000)])
def test_panning_goes_beyond_the_image_by_a_quarter_of_the_view_at_most(view, factor, by):
    view.zoom_at(factor, QPointF(400, 200))
    width, height = shown_rect(view).width(), shown_rect(view).height()
    for _ in range(3):
        view.pan(QPoint(*by))
    rect = shown_rect(view)
    free_x, free_y = (max(0.0, (800 - width) / 2), max(0.0, (400 - height) / 2))
    if by[0] > 0:
        assert rect.left() == pytest.approx(free_x + 200, abs=1.5) and rect.top() == pytest.approx(
            free_y + 100, abs=1.5
        )
    else:
        assert rect.right() == pytest.approx(800 - free_x - 200, abs=1.5)
        assert rect.bottom() == pytest.approx(400 - free_y - 100, abs=1.5)


def test_resizing_the_view_leaves_nothing_empty(view):
    view.zoom_to(QRectF(600, 440, 30, 30))
    view.resize(1200, 700)
    rect = shown_rect(view)
    assert rect.right() >= 1199 and rect.bottom() >= 699


def test_a_box_at_the_edge_is_revealed_without_an_empty_margin(qtbot):
    session = session_with({0: [(600.0, 440.0, 640.0, 480.0)]}, size=(640, 480))
    one, other = canvas_for(session, size=(400, 300)), canvas_for(session, size=(400, 300))
    for canvas in (one, other):
        qtbot.addWidget(canvas)
    other.follow(one)
    one.zoom_to(QRectF(0, 0, 60, 60))
    session.select([1])
    one.reveal_selection()
    for canvas in (one, other):
        assert canvas.rect().contains(canvas.from_image(620, 460))
        assert shown_rect(canvas).right() >= 399 and shown_rect(canvas).bottom() >= 299


def test_two_views_that_follow_each_other_show_the_same_part_whichever_is_moved(qtbot):
    session = session_with({}, size=(640, 480))
    one, other = canvas_for(session, size=(400, 300)), canvas_for(session, size=(403, 300))
    for canvas in (one, other):
        qtbot.addWidget(canvas)
    other.follow(one)
    one.follow(other)
    for moved, still in ((one, other), (other, one)):
        moved.zoom_to(QRectF(300, 200, 40, 40))
        assert still.zoom == moved.zoom
        moved.pan(QPoint(17, -9))
        off = still.to_image(QPointF(200, 150)) - moved.to_image(QPointF(200, 150))
        assert abs(off.x()) <= 2 * moved.px + 2 and abs(off.y()) <= 2 * moved.px
        moved.fit()
        assert still.is_fitted and moved.is_fitted


# Enlarged images


def enlarged_edge(view: CanvasView, y: int = 200) -> np.ndarray:
    image = view.viewport().grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    return np.array([image.pixelColor(x, y).red() for x in range(image.width())])


def halves(width: int = 64, height: int = 48) -> QImage:
    """Dark grey on the left, light grey on the right."""
    image = plain_image(width, height, "#404040")
    for x in range(width // 2, width):
        for y in range(height):
            image.setPixel(x, y, 0xFFC0C0C0)
    return image


def test_an_enlarged_edge_is_bicubic_and_not_shifted(qtbot):
    view = canvas_for(session_with({}, size=(64, 48)), size=(192, 144))
    qtbot.addWidget(view)
    view.show_image(halves(), 0)
    assert view.zoom == 3.0
    line = enlarged_edge(view, 70)
    # Bicubic scaling overshoots on both sides of an edge, bilinear does not; the middle of the edge is not shifted.
    assert line.min() < 0x40 and line.max() > 0xC0
    assert line[95] < 0x80 < line[96]
    assert line[95] + line[96] == pytest.approx(0x40 + 0xC0, abs=3)
    assert line[10] == 0x40 and line[180] == 0xC0


def test_squares_begin_at_400_percent(qtbot):
    view = canvas_for(session_with({}, size=(64, 48)), size=(192, 144))
    qtbot.addWidget(view)
    view.show_image(halves(), 0)
    view.set_smooth_scaling(False)
    assert len(set(enlarged_edge(view, 70).tolist())) > 2
    view.zoom_at(2.0, QPointF(96, 72))
    assert set(enlarged_edge(view, 70).tolist()) == {0x40, 0xC0}
