"""Partial repaints give the same result as painting everything: nothing is left behind on the screen."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from iouviewer.document.boxes import BoxFlag, Edges
from iouviewer.document.edits import RemoveBoxes, SetFlags
from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, Part, Target, truth_ref
from iouviewer.ui.canvas.image_item import pixels
from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import session_with
from tests.ui.helpers import LEFT, canvas_for, handle_position, move_to, press_at, rect_of, release_at

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") != "offscreen", reason="other platforms may not let a program see its own screen"
)

TRUTH = [(60.0 + 90 * (i % 5), 60.0 + 110 * (i // 5), 120.0 + 90 * (i % 5), 140.0 + 110 * (i // 5)) for i in range(15)]
FOUND = [(x1 + 4, y1 - 3, x2 + 9, y2 + 5) for x1, y1, x2, y2 in TRUTH[:12]] + [(5.0, 400.0, 50.0, 470.0)]


def on_screen(view: CanvasView) -> NDArray[np.uint8]:
    """The canvas as it is on the screen, (height, width, 3)."""
    for _ in range(3):
        # A caption widget that grew requests a paint while the canvas is painted.
        QApplication.processEvents()
    return _colours(view.screen().grabWindow(view.winId()).toImage())


def _colours(image: QImage) -> NDArray[np.uint8]:
    return pixels(image.convertToFormat(QImage.Format.Format_RGB32))[:, :, :3].copy()


def assert_whole(view: CanvasView, what: str) -> None:
    """What is on the screen equals a complete repaint."""
    shown, complete = on_screen(view), _colours(view.grab().toImage())
    assert shown.shape == complete.shape
    # The antialiased edge of a sign differs by one colour step where it is clipped differently.
    pixels_off = np.argwhere((np.abs(shown.astype(int) - complete) > 2).any(axis=2))
    assert not len(pixels_off), (
        f"{what}: {len(pixels_off)} pixels differ, between {pixels_off.min(axis=0)} and {pixels_off.max(axis=0)}"
    )


@pytest.fixture(params=[CaptionMode.PROBLEMS, CaptionMode.ALL], ids=lambda mode: mode.value)
def view(request: pytest.FixtureRequest, qtbot) -> CanvasView:
    view = canvas_for(session_with({0: TRUTH}, {"model": {0: FOUND}}, classes=("person", "car")))
    qtbot.addWidget(view)
    view.boxes.set_caption_mode(request.param)
    return view


def drag(view: CanvasView, x: float, y: float, path: list[tuple[float, float]], what: str) -> None:
    press_at(view, x, y)
    assert_whole(view, f"{what}: press")
    for dx, dy in path:
        move_to(view, x + dx, y + dy, button=LEFT)
        assert_whole(view, f"{what}: ({dx}, {dy})")
    release_at(view, x + path[-1][0], y + path[-1][1])
    assert_whole(view, f"{what}: release")


PATH = [(1.0, 0.5), (7.0, 3.0), (40.0, -30.0), (-90.0, 60.0), (3.0, 140.0), (0.5, 0.5), (12.0, 9.0)]


def test_a_dragged_box_leaves_nothing_behind(view: CanvasView):
    view.session.select([8])
    assert_whole(view, "selected")
    drag(view, 265.0, 205.0, PATH, "moved")
    assert rect_of(view, 8) != TRUTH[7], "the box was dragged"
    assert view.viewportUpdateMode() == view.ViewportUpdateMode.MinimalViewportUpdate


def test_a_dragged_edge_leaves_nothing_behind(view: CanvasView):
    view.session.select([8])
    x, y = handle_position(view, 8, "bottom right")
    drag(view, x, y, [(5.0, 5.0), (60.0, 40.0), (-20.0, -10.0), (2.0, -3.0)], "resized")
    before, after = TRUTH[7], rect_of(view, 8)
    assert after[:2] == before[:2] and after[2:] != before[2:], "its corner was dragged"


def test_several_dragged_boxes_leave_nothing_behind(view: CanvasView):
    view.session.select([1, 8, 15])
    assert_whole(view, "selected")
    drag(view, 265.0, 205.0, PATH, "moved")
    assert all(rect_of(view, box_id) != TRUTH[box_id - 1] for box_id in (1, 8, 15)), "all of them moved"


def test_drawing_hovering_and_editing_leave_nothing_behind(view: CanvasView):
    for ref in (truth_ref(1), truth_ref(15), BoxRef("model", 12), None, truth_ref(3)):
        view.set_hovered(NO_TARGET if ref is None else Target(Part.INSIDE, ref, Edges.ALL, ref))
        assert_whole(view, f"hovered {ref}")
    view.session.execute(SetFlags(((3, int(BoxFlag.IGNORED)), (4, int(BoxFlag.OUTSIDE))), 0), "flags")
    assert_whole(view, "flags")
    view.session.execute(RemoveBoxes((5, 11), 0), "remove")
    assert_whole(view, "removed")
    view.session.undo()
    assert_whole(view, "undone")
    QTest.mouseMove(view.viewport(), QPoint(3, 3))
    view.start_drawing()
    count = len(view.session.ground_truth.boxes(0))
    drag(view, 560.0, 300.0, [(10.0, 10.0), (60.0, 120.0), (-30.0, 50.0), (20.0, 20.0)], "drawn")
    assert len(view.session.ground_truth.boxes(0)) == count + 1
    view.session.go_to(1)
    view.session.go_to(0)
    assert_whole(view, "another frame")


def test_crossing_lines_keep_their_order_whatever_is_repainted(qtbot):
    # The first box is far from the two that cross, so it is not repainted with them.
    crossing = [(500.0, 400.0, 560.0, 440.0), (100.0, 100.0, 200.0, 200.0), (150.0, 150.0, 260.0, 260.0)]
    view = canvas_for(session_with({0: crossing}, {"model": {0: [(140.0, 90.0, 230.0, 180.0)]}}))
    qtbot.addWidget(view)
    for flags in ((int(BoxFlag.IGNORED), 0, 0), (0, int(BoxFlag.IGNORED), 0), (0, int(BoxFlag.IGNORED), 1)):
        view.session.execute(SetFlags(tuple(zip((1, 2, 3), flags, strict=True)), 0), "flags")
        assert_whole(view, f"flags {flags}")
        for box_id in (1, 2, 3):
            view.session.select([box_id])
            assert_whole(view, f"flags {flags}, {box_id} selected")
        view.session.select(())
        assert_whole(view, f"flags {flags}, none selected")
