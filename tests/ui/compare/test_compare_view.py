"""The Compare workspace: display modes, lists of lost and gained boxes, sizes, failed runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document.variants import RunState
from iouviewer.jobs.differences import NO_OBJECTS, ChangedObject, ChangedObjects
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.changed_objects import ChangedObjectsView
from iouviewer.ui.compare.compare_view import CompareMode, CompareView
from iouviewer.ui.main_window import MainWindow
from tests.app.builders import session_with
from tests.ui.helpers import plain_image
from tests.ui.window import FRAMES, lost_button, opened_window, shown, small_case

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)


@pytest.fixture
def session() -> Session:
    return session_with({0: [TRUTH]}, {"base": {0: [FOUND]}, "int8": {0: [TRUTH]}})


@pytest.fixture
def compare_view(qtbot: QtBot, session: Session) -> CompareView:
    canvas, other = CanvasView(session), CanvasView(session)
    made = CompareView(canvas, other)
    made.slot.layout().addWidget(canvas)
    other.follow(canvas)
    canvas.follow(other)
    qtbot.addWidget(made)
    made.resize(800, 300)
    made.show()
    for view in (canvas, other):
        view.show_image(plain_image(), 0)
    made.show_pair(session.variants.find("base"), session.variants.find("int8"))
    qtbot.waitUntil(lambda: canvas.width() == 399)
    return made


def canvases(compare_view: CompareView) -> tuple[CanvasView, CanvasView]:
    return compare_view.canvases


def variants_on(view: CanvasView) -> set[str]:
    return {box.ref.variant for box in view.frame_view.boxes if box.ref.variant}


def captions(compare_view: CompareView) -> list[str]:
    return list(compare_view.caption_texts)


# Display modes


def test_side_by_side_shows_one_variant_on_each_side(compare_view: CompareView) -> None:
    canvas, other = canvases(compare_view)
    assert compare_view.mode is CompareMode.SIDE_BY_SIDE
    assert [variants_on(canvas), variants_on(other)] == [{"base"}, {"int8"}]
    assert abs(canvas.width() - other.width()) <= 1 and other.isVisible()
    assert captions(compare_view) == ["base", "int8"]


def test_the_split_view_shows_the_same_image_on_both_sides_of_the_divider(
    qtbot: QtBot, compare_view: CompareView
) -> None:
    canvas, other = canvases(compare_view)
    compare_view.set_mode(CompareMode.SPLIT)
    qtbot.waitUntil(lambda: canvas.width() == 800)
    assert [variants_on(canvas), variants_on(other)] == [{"base"}, {"int8"}]
    for share in (0.25, 0.8):
        compare_view.set_share(share)
        one, two = (view.viewport().mapTo(compare_view, view.from_image(320, 240)) for view in (canvas, other))
        assert abs(one.x() - two.x()) <= 1 and abs(one.y() - two.y()) <= 1
        x = round(800 * share)
        assert compare_view.childAt(QPoint(x + 20, 20)) is other.viewport()
        assert compare_view.childAt(QPoint(x - 20, 20)) is canvas.viewport()
        assert compare_view.childAt(QPoint(x, 20)) is compare_view.divider


def test_zooming_one_side_of_the_split_view_zooms_the_other(qtbot: QtBot, compare_view: CompareView) -> None:
    canvas, other = canvases(compare_view)
    compare_view.set_mode(CompareMode.SPLIT)
    qtbot.waitUntil(lambda: canvas.width() == 800)
    for view in (canvas, other):
        view.zoom_in()
        one, two = (v.from_image(100, 100) for v in (canvas, other))
        assert canvas.zoom == other.zoom
        assert abs(one.x() - two.x()) <= 1 and abs(one.y() - two.y()) <= 1


def test_the_divider_follows_the_mouse_and_stays_visible(qtbot: QtBot, compare_view: CompareView) -> None:
    compare_view.set_mode(CompareMode.SPLIT)
    QTest.mousePress(compare_view.divider, Qt.MouseButton.LeftButton, pos=QPoint(5, 100))
    for x, expected in ((-150, 250 / 800), (5000, 0.98), (-5000, 0.02)):
        here = compare_view.divider.mapFrom(compare_view, QPoint(400 + x if abs(x) < 1000 else x, 100))
        compare_view.divider.dragged.emit(compare_view.divider.mapToParent(here).x())
        assert compare_view.share == pytest.approx(expected, abs=0.01)


def test_the_divider_moves_with_the_arrow_keys(compare_view: CompareView) -> None:
    compare_view.set_mode(CompareMode.SPLIT)
    compare_view.divider.setFocus()
    QTest.keyClick(compare_view.divider, Qt.Key.Key_Left)
    assert compare_view.share == pytest.approx(0.49)
    QTest.keyClick(compare_view.divider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert compare_view.share == pytest.approx(0.59)
    assert compare_view.divider.accessibleName()


def test_the_overlay_shows_both_variants_on_one_canvas(compare_view: CompareView) -> None:
    canvas, other = canvases(compare_view)
    compare_view.set_mode(CompareMode.OVERLAY)
    assert variants_on(canvas) == {"base", "int8"}
    assert not other.isVisible() and not compare_view.divider.isVisible()
    assert {box.ref.variant for box in canvas.frame_view.boxes if box.is_secondary} == {"int8"}


def test_without_a_second_variant_there_is_one_canvas(compare_view: CompareView, session: Session) -> None:
    canvas, other = canvases(compare_view)
    compare_view.set_mode(CompareMode.SPLIT)
    compare_view.show_pair(session.variants.find("base"), None)
    assert not other.isVisible() and not compare_view.divider.isVisible()
    assert captions(compare_view) == ["", ""]
    assert variants_on(canvas) == {"base", "int8"}


def test_the_caption_of_a_hidden_variant_says_so(compare_view: CompareView, session: Session) -> None:
    session.variants.update("int8", visible=False)
    compare_view.show_pair(session.variants.find("base"), session.variants.find("int8"))
    assert captions(compare_view) == ["base", "int8  hidden"]


def test_keys_and_menu_change_the_display_mode(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        bench = window.parts
        compare_view, actions = bench.views.compare_view, bench.actions
        QTest.keyClick(window, Qt.Key.Key_F3)
        shown(qtbot, window)
        seen = []
        for _ in range(len(CompareMode)):
            QTest.keyClick(window, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
            seen.append(compare_view.mode)
            assert actions[f"compareMode{compare_view.mode[:1].upper()}{compare_view.mode[1:]}"].isChecked()
        modes = list(CompareMode)
        assert seen == [*modes[1:], CompareMode.SIDE_BY_SIDE]
        QTest.keyClick(window, Qt.Key.Key_F2)
        actions["compareModeSplit"].trigger()
        assert compare_view.mode is CompareMode.SPLIT and compare_view.isVisible()
        bench.views.canvas.setFocus()
        assert compare_view.divider in compare_view.panels
        button = bench.views.side_panel.findChild(object, "compareLayout")
        assert button.accessibleName() == "Comparison layout: Split"
        assert actions["compareModeOverlay"] in button.menu_below.actions()
        actions["compareModeOverlay"].trigger()
        assert compare_view.mode is CompareMode.OVERLAY


# Lost and gained


def rows_of(view: ChangedObjectsView) -> list[list[str]]:
    model = view.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


def test_lists_name_the_object_and_both_ious(qtbot: QtBot) -> None:
    session = session_with({0: [TRUTH]}, classes=("person",))
    view = ChangedObjectsView("list", "List", "None.")
    qtbot.addWidget(view)
    view.show_objects(NO_OBJECTS, session, is_complete=True)
    assert rows_of(view) == []
    objects = (ChangedObject(3, 7, 0, TRUTH, 0.8125, math.nan), ChangedObject(12, 8, -1, TRUTH, 0.5, 0.25))
    view.show_objects(ChangedObjects.of(objects), session, is_complete=True)
    assert rows_of(view) == [["3", "person", "0.812", "–"], ["12", "box", "0.500", "0.250"]]
    activated: list[ChangedObject] = []
    view.objectActivated.connect(activated.append)
    view.clicked.emit(view.model().index(1, 2))
    assert activated == [objects[1]]


def test_a_click_on_a_lost_box_zooms_both_images_to_it(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        bench = window.parts
        parts = bench.views
        QTest.keyClick(window, Qt.Key.Key_F3)
        bench.controls.iou_box.setValue(0.7)
        qtbot.waitUntil(lambda: lost_button(window) == f"Lost {FRAMES}", timeout=20_000)
        assert rows_of(parts.side_panel.lost)[3][2:] == ["0.818", "0.600"]
        lost = parts.side_panel.lost.model().index(3, 0)
        middle = QRectF(*lost.data(Qt.ItemDataRole.UserRole).rect[:2], 80, 80).center()
        parts.canvas.zoom_to(QRectF(300, 220, 10, 10))
        for canvas in (parts.canvas, parts.other_canvas):
            assert not canvas.rect().contains(canvas.from_image(middle.x(), middle.y()))
        parts.side_panel.lost.clicked.emit(lost)
        assert window.session.current_frame == 3
        for canvas in (parts.canvas, parts.other_canvas):
            assert canvas.rect().contains(canvas.from_image(middle.x(), middle.y()))


# Sizes


def test_the_variants_table_shows_up_to_five_rows_and_no_empty_ones(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        table, variants = window.parts.views.variants.table, window.session.variants
        QTest.keyClick(window, Qt.Key.Key_F3)

        def free() -> int:
            last = table.rowViewportPosition(table.model().rowCount() - 1) + table.rowHeight(0)
            return table.viewport().height() - last

        qtbot.waitUntil(lambda: free() == 0)
        first = next(iter(variants))
        for name in ("c", "d", "e"):
            variants.add(name, first.predictions)
        qtbot.waitUntil(lambda: table.model().rowCount() == 5 and free() == 0)
        variants.add("f", first.predictions)
        qtbot.waitUntil(lambda: free() == -table.rowHeight(0))


# Settings, curves and failed runs


def test_the_display_mode_is_kept_after_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot) as window:
        window.parts.actions["compareModeSplit"].trigger()
    with opened_window(qtbot) as window:
        assert window.parts.views.compare_view.mode is CompareMode.SPLIT
        assert window.parts.actions["compareModeSplit"].isChecked()


def test_curves_are_drawn_when_their_tab_is_shown(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        side, variants = window.parts.views.side_panel, window.session.variants
        QTest.keyClick(window, Qt.Key.Key_F3)
        qtbot.waitUntil(lambda: lost_button(window) == "Lost 0", timeout=20_000)
        assert side.curves.pr_plot.listDataItems() == [] and side.curves.histogram_plot.listDataItems() == []
        side.tabs.setCurrentWidget(side.curves)
        assert [item.opts["name"] for item in side.curves.pr_plot.listDataItems()] == ["model0", "model1"]
        assert side.curves.histogram_plot.listDataItems() == []
        QTest.mouseClick(window.findChild(QToolButton, "curves.iou"), Qt.MouseButton.LeftButton)
        assert [item.opts["name"] for item in side.curves.histogram_plot.listDataItems()] == ["model0", "model1"]
        variants.update(next(iter(variants)).key, visible=False)
        assert [item.opts["name"] for item in side.curves.histogram_plot.listDataItems()] == ["model1"]


def test_a_failed_run_gets_no_verdict_and_can_be_removed(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=3)) as window:
        variants, bench = window.session.variants, window.parts
        panel = bench.views.verdicts
        key = variants.find("model2").key
        variants.update(key, state=RunState.FAILED, message="out of memory & more")
        window.session.scoresChanged.emit()
        qtbot.waitUntil(lambda: bench.verdicts.complete, timeout=20_000)
        assert [card.accessibleName() for card in panel.cards][1] == "model2: CANNOT JUDGE"
        assert panel.cards[1].content.reason == f"The run failed after {FRAMES} frames: out of memory & more"
        assert panel.cards[0].content.judged is not None and panel.cards[0].content.judged.name == "model1"
        variants.remove(key)
        assert [card.text() for card in panel.cards] == ["model1"]


def test_lists_of_compare_keep_the_frame_when_thresholds_change(qtbot: QtBot, window: MainWindow) -> None:
    session, side = window.session, window.parts.views.side_panel
    session.set_score_settings(
        replace(session.scores.settings, review=replace(session.scores.settings.review, iou=0.75))
    )
    window.parts.actions["compare"].trigger()
    model = side.lost.model()
    qtbot.waitUntil(lambda: model.rowCount() > 5, timeout=20_000)
    side.lost.setFocus()
    qtbot.waitUntil(side.lost.hasFocus)
    assert session.current_frame == 0
    for _ in range(3):
        QTest.keyClick(side.lost, Qt.Key.Key_Down)
    frame = session.current_frame
    assert frame == 3
    with qtbot.waitSignal(window.parts.differences.ready, timeout=20_000):
        session.set_score_settings(
            replace(session.scores.settings, review=replace(session.scores.settings.review, iou=0.8))
        )
    assert session.current_frame == frame
    assert side.lost.currentIndex().row() == 3
