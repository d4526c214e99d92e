"""The Compare workspace: three ways of showing two variants, lists of lost and gained boxes, sizes that fit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.verdict_job import VariantVerdict
from iouviewer.document.variants import RunState
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.changed_objects import SpotList
from iouviewer.ui.compare.compare_view import CompareMode, CompareStage
from iouviewer.ui.compare.differences import NO_SPOTS, Spot, Spots
from iouviewer.ui.compare.verdicts import VerdictPanel
from tests.ui.helpers import plain_picture, session_with
from tests.ui.window import FRAMES, opened_window, shown, small_case

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)


@pytest.fixture
def session() -> Session:
    return session_with({0: [TRUTH]}, {"base": {0: [FOUND]}, "int8": {0: [TRUTH]}})


@pytest.fixture
def stage(qtbot: QtBot, session: Session) -> CompareStage:
    canvas, other = CanvasView(session), CanvasView(session)
    made = CompareStage(canvas, other)
    made.slot.layout().addWidget(canvas)
    other.follow(canvas)
    canvas.follow(other)
    qtbot.addWidget(made)
    made.resize(800, 300)
    made.show()
    for view in (canvas, other):
        view.show_picture(plain_picture(), 0)
    made.show_pair(session.variants.find("base"), session.variants.find("int8"))
    qtbot.waitUntil(lambda: canvas.width() == 399)
    return made


def canvases(stage: CompareStage) -> tuple[CanvasView, CanvasView]:
    return stage._canvas, stage._other


def variants_on(view: CanvasView) -> set[str]:
    return {box.ref.variant for box in view.frame_view.boxes if box.ref.variant}


def captions(stage: CompareStage) -> list[str]:
    return [plate.text for plate in stage._captions]


# Three ways


def test_side_by_side_shows_one_variant_on_each_side(stage: CompareStage) -> None:
    canvas, other = canvases(stage)
    assert stage.mode is CompareMode.SIDE_BY_SIDE
    assert [variants_on(canvas), variants_on(other)] == [{"base"}, {"int8"}]
    assert abs(canvas.width() - other.width()) <= 1 and other.isVisible()
    assert captions(stage) == ["base", "int8"]


def test_the_split_view_shows_the_same_picture_on_both_sides_of_the_divider(qtbot: QtBot, stage: CompareStage) -> None:
    canvas, other = canvases(stage)
    stage.set_mode(CompareMode.SPLIT)
    qtbot.waitUntil(lambda: canvas.width() == 800)
    assert [variants_on(canvas), variants_on(other)] == [{"base"}, {"int8"}]
    for share in (0.25, 0.8):
        stage.set_share(share)
        one, two = (view.viewport().mapTo(stage, view.from_picture(320, 240)) for view in (canvas, other))
        assert abs(one.x() - two.x()) <= 1 and abs(one.y() - two.y()) <= 1
        x = round(800 * share)
        assert stage.childAt(QPoint(x + 20, 20)) is other.viewport()
        assert stage.childAt(QPoint(x - 20, 20)) is canvas.viewport()
        assert stage.childAt(QPoint(x, 20)) is stage.divider


def test_both_sides_of_the_split_view_stay_in_step_whichever_is_zoomed(qtbot: QtBot, stage: CompareStage) -> None:
    canvas, other = canvases(stage)
    stage.set_mode(CompareMode.SPLIT)
    qtbot.waitUntil(lambda: canvas.width() == 800)
    for view in (canvas, other):
        view.zoom_in()
        one, two = (v.from_picture(100, 100) for v in (canvas, other))
        assert canvas.zoom == other.zoom
        assert abs(one.x() - two.x()) <= 1 and abs(one.y() - two.y()) <= 1


def test_the_divider_follows_the_mouse_and_stays_in_sight(qtbot: QtBot, stage: CompareStage) -> None:
    stage.set_mode(CompareMode.SPLIT)
    QTest.mousePress(stage.divider, Qt.MouseButton.LeftButton, pos=QPoint(5, 100))
    for x, expected in ((-150, 250 / 800), (5000, 0.98), (-5000, 0.02)):
        here = stage.divider.mapFrom(stage, QPoint(400 + x if abs(x) < 1000 else x, 100))
        stage.divider.dragged.emit(stage.divider.mapToParent(here).x())
        assert stage.share == pytest.approx(expected, abs=0.01)


def test_the_divider_moves_with_the_arrow_keys(stage: CompareStage) -> None:
    stage.set_mode(CompareMode.SPLIT)
    stage.divider.setFocus()
    QTest.keyClick(stage.divider, Qt.Key.Key_Left)
    assert stage.share == pytest.approx(0.49)
    QTest.keyClick(stage.divider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert stage.share == pytest.approx(0.59)
    assert stage.divider.accessibleName()


def test_the_overlay_shows_both_variants_on_one_canvas(stage: CompareStage) -> None:
    canvas, other = canvases(stage)
    stage.set_mode(CompareMode.OVERLAY)
    assert variants_on(canvas) == {"base", "int8"}
    assert not other.isVisible() and not stage.divider.isVisible()
    assert {box.ref.variant for box in canvas.frame_view.boxes if box.quiet} == {"int8"}


def test_without_a_second_variant_there_is_one_canvas(stage: CompareStage, session: Session) -> None:
    canvas, other = canvases(stage)
    stage.set_mode(CompareMode.SPLIT)
    stage.show_pair(session.variants.find("base"), None)
    assert not other.isVisible() and not stage.divider.isVisible()
    assert captions(stage) == ["", ""]
    assert variants_on(canvas) == {"base", "int8"}


def test_a_hidden_variant_is_told_as_such(stage: CompareStage, session: Session) -> None:
    session.variants.update("int8", visible=False)
    stage.show_pair(session.variants.find("base"), session.variants.find("int8"))
    assert captions(stage) == ["base", "int8  hidden"]


def test_keys_and_menu_change_the_way_of_comparing(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        bench = window.workbench
        stage, actions = bench.parts.stage, bench.actions
        QTest.keyClick(window, Qt.Key.Key_F3)
        shown(qtbot, window)
        seen = []
        for _ in range(3):
            QTest.keyClick(window, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
            seen.append(stage.mode)
            assert actions[f"compareMode{stage.mode[:1].upper()}{stage.mode[1:]}"].isChecked()
        assert seen == [CompareMode.SPLIT, CompareMode.OVERLAY, CompareMode.SIDE_BY_SIDE]
        QTest.keyClick(window, Qt.Key.Key_F2)
        actions["compareModeSplit"].trigger()
        assert stage.mode is CompareMode.SPLIT and stage.isVisible()
        bench.parts.canvas.setFocus()
        QTest.keyClick(window, Qt.Key.Key_F6)
        assert stage.divider.hasFocus()
        button = bench.parts.side.findChild(object, "button.compareModeOverlay")
        button.click()
        assert stage.mode is CompareMode.OVERLAY


# Lost and gained


def rows_of(view: SpotList) -> list[list[str]]:
    model = view.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


def test_lists_name_class_box_and_both_ious(qtbot: QtBot) -> None:
    session = session_with({0: [TRUTH]}, classes=("person",))
    view = SpotList("list", "List", "None.")
    qtbot.addWidget(view)
    view.show_spots(NO_SPOTS, session, known=True)
    assert rows_of(view) == []
    spots = (Spot(3, 7, 0, TRUTH, 0.8125, math.nan), Spot(12, 8, -1, TRUTH, 0.5, 0.25))
    view.show_spots(Spots.of(spots), session, known=True)
    assert rows_of(view) == [["3", "person #7", "0.812", "–"], ["12", "#8", "0.500", "0.250"]]
    found: list[Spot] = []
    view.activatedSpot.connect(found.append)
    view.clicked.emit(view.model().index(1, 2))
    assert found == [spots[1]]


def test_a_click_on_a_lost_box_zooms_both_pictures_to_it(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        bench = window.workbench
        parts = bench.parts
        QTest.keyClick(window, Qt.Key.Key_F3)
        bench.controls.iou_box.setValue(0.7)
        qtbot.waitUntil(lambda: parts.side.tabs.tabText(0) == f"Lost {FRAMES}", timeout=20_000)
        assert rows_of(parts.side.lost)[3][2:] == ["0.818", "0.600"]
        spot = parts.side.lost.model().index(3, 0)
        middle = QRectF(*spot.data(Qt.ItemDataRole.UserRole).rect[:2], 80, 80).center()
        parts.canvas.zoom_to(QRectF(300, 220, 10, 10))
        for canvas in (parts.canvas, parts.other_canvas):
            assert not canvas.rect().contains(canvas.from_picture(middle.x(), middle.y()))
        parts.side.lost.clicked.emit(spot)
        assert window.session.current_frame == 3
        for canvas in (parts.canvas, parts.other_canvas):
            assert canvas.rect().contains(canvas.from_picture(middle.x(), middle.y()))


# Sizes


def verdicts(*sentences: str) -> list[VariantVerdict]:
    return [VariantVerdict(f"v{i}", f"v{i}", None, text) for i, text in enumerate(sentences)]


def test_the_verdicts_are_as_high_as_their_sentences(qtbot: QtBot) -> None:
    panel = VerdictPanel()
    qtbot.addWidget(panel)
    panel.resize(600, 100)
    panel.show()
    line = panel.fontMetrics().lineSpacing()
    heights = []
    for count in (1, 2, 4, 1):
        panel.set_verdicts(verdicts(*["a: PASS against b: AP 0.0"] * count))
        heights.append(panel.height())
        assert count * line <= panel.height() <= count * (line + 4) + 12
    assert heights[0] == heights[3] < heights[1] < heights[2]
    panel.set_verdicts(verdicts("word " * 60))
    wide = panel.height()
    panel.resize(300, wide)
    assert panel.height() > wide > heights[0]


def test_the_table_of_compare_shows_all_rows_up_to_five_and_no_empty_ones(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        table, variants = window.workbench.parts.variants.table, window.session.variants
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
        QTest.keyClick(window, Qt.Key.Key_F2)
        qtbot.waitUntil(lambda: table.viewport().height() >= 4 * table.rowHeight(0))
        assert table.maximumHeight() > 10_000


# What stays, and what failed


def test_the_way_of_comparing_is_kept_over_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot) as window:
        window.workbench.actions["compareModeSplit"].trigger()
    with opened_window(qtbot) as window:
        assert window.workbench.parts.stage.mode is CompareMode.SPLIT
        assert window.workbench.actions["compareModeSplit"].isChecked()


def test_curves_are_drawn_when_their_tab_comes_to_the_front(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        side, variants = window.workbench.parts.side, window.session.variants
        QTest.keyClick(window, Qt.Key.Key_F3)
        qtbot.waitUntil(lambda: side.tabs.tabText(0) == "Lost 0", timeout=20_000)
        assert side.pr_plot.listDataItems() == [] and side.histogram_plot.listDataItems() == []
        side.tabs.setCurrentIndex(3)
        assert [item.opts["name"] for item in side.histogram_plot.listDataItems()] == ["model0", "model1"]
        assert side.pr_plot.listDataItems() == []
        variants.update(next(iter(variants)).key, visible=False)
        assert [item.opts["name"] for item in side.histogram_plot.listDataItems()] == ["model1"]


def test_a_failed_run_is_told_with_what_can_be_done_and_gets_no_verdict(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=3)) as window:
        variants, bench = window.session.variants, window.workbench
        panel = bench.parts.verdicts
        key = variants.find("model2").key
        variants.update(key, state=RunState.FAILED, message="out of memory & more", path="net.pt")
        window.session.scoresChanged.emit()
        qtbot.waitUntil(lambda: bench.verdicts.complete and len(panel._labels) == 1, timeout=20_000)
        assert panel._labels[0].text().startswith("model1")
        shown_labels = [label for label in panel.findChildren(QLabel) if not label.isHidden()]
        told = [label.text() for label in shown_labels if "the run failed" in label.text()]
        assert len(told) == 1 and told[0].startswith("model2") and "out of memory &amp; more" in told[0]
        asked: list[str] = []
        panel.resumeRequested.connect(asked.append)
        panel._on_link(f"resume:{key}")
        assert asked == [key]
        panel._on_link(f"remove:{key}")
        assert variants.find("model2") is None and panel._failed == []


def test_sentences_that_are_replaced_are_hidden_at_once(qtbot: QtBot) -> None:
    panel = VerdictPanel()
    qtbot.addWidget(panel)
    panel.set_sentences(["one"])
    panel.set_sentences(["two"])
    assert [label.text() for label in panel.findChildren(QLabel) if not label.isHidden()] == ["two"]
