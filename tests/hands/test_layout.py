"""The frame of the window by hand: menus, layers, tools, export, panels that fold, sizes that are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QSplitter, QTabBar, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case
from tests.hands.hands import Hands, plain
from tests.ui.window import opened_window

MENUS = ["File", "Edit", "View", "Frame", "Box", "Track", "Problems"]
SIZES = [(1000, 640), (1000, 700), (1280, 640), (1280, 720), (1600, 1000)]


def shown(hands: Hands, name: str) -> bool:
    """Whether something with this object name is on the screen."""
    return any(widget.isVisible() for widget in hands.window.findChildren(QWidget, name))


def resize(hands: Hands, width: int, height: int) -> None:
    hands.window.resize(QSize(width, height))
    hands.wait(lambda: hands.window.size() == QSize(width, height), "the other size")
    QApplication.processEvents()


def height_of(hands: Hands, name: str) -> int:
    return hands.named(name).height()


def edge(hands: Hands, name: str) -> QPoint:
    """A point of the screen on the handle of a splitter."""
    splitter = hands.named(name)
    assert isinstance(splitter, QSplitter)
    handle = splitter.handle(1)
    return handle.mapToGlobal(handle.rect().center())


@contextmanager
def window_again(qtbot: QtBot, case: Case) -> Iterator[Hands]:
    """The window started once more on the same files."""
    with opened_window(qtbot, case.request()) as window:
        yield Hands(qtbot, window)


def test_one_row_holds_menus_source_workspaces_export_and_find(person: Hands) -> None:
    bar = person.window.findChild(QMenuBar)
    titles = [plain(action.text()) for action in bar.actions()]
    assert titles[: len(MENUS)] == MENUS
    assert person.named("topBar").height() == 36 and bar.height() == 26
    assert person.named("sourceButton").text() == "clip.avi"
    assert not shown(person, "workspace.dataset"), "with one video nothing of Dataset is on the screen"
    row = person.named("topBar").rect()
    for name in ("sourceButton", "workspace.correct", "workspace.compare", "exportButton", "findField"):
        widget = person.named(name)
        assert row.contains(widget.mapTo(person.named("topBar"), widget.rect().center())), name


def test_the_first_entry_of_export_is_the_iou_by_frame(person: Hands, tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    for workspace in ("correct", "compare"):
        person.click(person.named(f"workspace.{workspace}"))
        person.click(person.named("exportButton"))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        first = menu.actions()[0]
        assert first.text() == "IoU by frame (CSV)…"
        with person.in_dialog(person.save_as(target)):
            person.click(menu.mapToGlobal(menu.actionGeometry(first).center()))
        person.wait(target.exists, "the file")
        assert target.read_text(encoding="utf-8").startswith("frameID,iou")
        target.unlink()


def test_the_eye_of_a_layer_hides_and_shows_its_boxes(person: Hands) -> None:
    def drawn() -> int:
        return len(person.canvas.frame_view.boxes)  # type: ignore[attr-defined]

    before = drawn()
    person.click(person.button("Hide base"))
    person.wait(lambda: drawn() < before, "fewer boxes")
    person.click(person.button("Show base"))
    person.wait(lambda: drawn() == before, "all boxes")
    person.key("Alt+2")
    person.wait(lambda: drawn() < before, "fewer boxes, by key")
    person.button("Hide base")
    person.button("Show other")


def test_a_chip_shows_the_number_of_boxes_on_the_frame(person: Hands) -> None:
    chip = person.named("layer.base")
    assert "2" in person.texts(chip)
    person.key("D", "D", "D", "D", "D")
    person.wait(lambda: "3" in person.texts(chip), "the box of another frame")


def test_the_rail_follows_the_tool(person: Hands) -> None:
    draw, select = person.named("rail.draw"), person.named("rail.select")
    assert isinstance(draw, QToolButton) and isinstance(select, QToolButton)
    assert select.isChecked() and not draw.isChecked()
    person.click(draw)
    assert draw.isChecked() and not select.isChecked()
    person.key("Escape")
    assert select.isChecked() and not draw.isChecked()
    person.key("W")
    assert draw.isChecked()
    person.click(select)
    assert select.isChecked() and not draw.isChecked()


@pytest.mark.parametrize(("key", "name"), [("Ctrl+1", "toolRail"), ("Ctrl+2", "sidePanel"), ("Ctrl+3", "timeline")])
def test_a_key_folds_a_panel_and_its_edge_opens_it(person: Hands, key: str, name: str) -> None:
    strip = {"toolRail": "edgeStrip.rail", "sidePanel": "edgeStrip.side", "timeline": "edgeStrip.timeline"}[name]
    before = person.canvas.size()
    assert shown(person, name) and not shown(person, strip)
    person.key(key)
    person.wait(lambda: not shown(person, name) and shown(person, strip), "the folded panel")
    grown = person.canvas.size()
    assert grown.width() > before.width() or grown.height() > before.height()
    person.click(person.named(strip))
    person.wait(lambda: shown(person, name) and not shown(person, strip), "the open panel")
    person.wait(lambda: person.canvas.size() == before, "the size from before")


def test_full_screen_leaves_the_canvas_and_returns(person: Hands) -> None:
    person.key("F11")
    person.wait(lambda: person.window.isFullScreen() and not shown(person, "sidePanel"), "the whole screen")
    assert not shown(person, "toolRail") and not shown(person, "timeline")
    person.key("F11")
    person.wait(lambda: shown(person, "sidePanel") and shown(person, "toolRail"), "the panels")


def test_sizes_and_folded_panels_are_remembered_and_restored(qtbot: QtBot, case: Case) -> None:
    with window_again(qtbot, case) as person:
        resize(person, 1280, 720)
        assert person.named("sidePanel").width() == 304
        start = edge(person, "correctWorkspace")
        person.press(start)
        for step in range(1, 9):
            person.move(start - QPoint(10 * step, 0))
        person.release()
        person.wait(lambda: 370 < person.named("sidePanel").width() < 400, "the wider panel")
        width = person.named("sidePanel").width()
        person.key("Ctrl+1")
    with window_again(qtbot, case) as person:
        resize(person, 1280, 720)
        person.wait(lambda: person.named("sidePanel").width() == width, "the remembered width")
        assert not shown(person, "toolRail")
        person.key("F3")
        person.key("F2")
        assert person.named("sidePanel").width() == width and not shown(person, "toolRail")
        person.double_click(edge(person, "correctWorkspace"))
        person.wait(lambda: person.named("sidePanel").width() == 304, "the width of the design")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_parts_give_way_and_the_iou_row_stays(person: Hands, width: int, height: int) -> None:
    resize(person, width, height)
    assert person.window.size() == QSize(width, height)
    large = width >= 1400 and height >= 900
    assert person.named("sidePanel").width() == (264 if width < 1200 else 336 if large else 304)
    splitter = person.named("correctLeft")
    assert isinstance(splitter, QSplitter)
    assert splitter.sizes()[1] == (76 if height < 680 else 190 if large else 132)
    assert height_of(person, "timeline") >= 40, "the IoU row is the last thing to fold"
    assert height_of(person, "numberLine") == 34 and height_of(person, "layerBar") == 30
    assert shown(person, "layerCount") == (width >= 1200)
    assert shown(person, "confidenceSlider") == (width >= 1200)
    bar = person.window.findChild(QMenuBar)
    last = bar.actionGeometry(bar.actions()[-1])
    assert bar.rect().contains(last), "the words of the menus stay"
    if width < 1200:
        person.click(person.named("thresholdsButton"))
        person.wait(lambda: shown(person, "confidenceSlider") and shown(person, "iouThresholdSpinBox"), "the popup")
        person.key("Escape")


def test_a_review_folds_the_lane_and_in_a_low_window_all_but_the_iou_row(person: Hands) -> None:
    person.open_tab("Problems")
    person.wait(lambda: person.reads("1 problem"), "the problem")
    for height, seen in ((720, True), (640, False)):
        resize(person, 1280, height)
        person.key("N")
        person.wait(lambda: shown(person, "reviewCard"), "the card")
        assert not shown(person, "timelineTrack")
        assert shown(person, "timelineProblems") is seen and shown(person, "timelineVerified") is seen
        assert height_of(person, "timeline") >= 40
        person.key("Esc")


def test_the_thresholds_stay_beside_four_layers(qtbot: QtBot, case: Case) -> None:
    named = tuple(
        (name, path) for name, path in zip(("yolo11n", "student", "pruned"), (case.base, case.other) * 2, strict=False)
    )
    with opened_window(qtbot, OpenRequest(video=case.video, gt=case.gt, preds=named)) as window:
        person = Hands(qtbot, window)
        resize(person, 1280, 720)
        assert shown(person, "confidenceSlider") and shown(person, "iouThresholdSpinBox")
        assert person.reads("Conf ≥"), "with a short word"
        bar = person.named("layerBar").layout()
        assert bar is not None and bar.minimumSize().width() <= person.named("layerBar").width()


def test_no_layer_is_cut_off_after_compare(qtbot: QtBot, case: Case) -> None:
    """Five layers leave no room for the thresholds, whatever was shown before."""
    named = tuple((f"variant-{number}", path) for number, path in enumerate((case.base, case.other) * 2))
    with opened_window(qtbot, OpenRequest(video=case.video, gt=case.gt, preds=named)) as window:
        person = Hands(qtbot, window)
        resize(person, 1280, 720)
        assert not shown(person, "confidenceSlider")
        person.key("F3")
        person.wait(lambda: shown(person, "confidenceSlider"), "the thresholds in Compare")
        person.key("F2")
        person.wait(lambda: shown(person, "layerBar"), "Correct")
        assert not shown(person, "confidenceSlider")
        bar = person.named("layerBar").layout()
        assert bar is not None and bar.minimumSize().width() <= person.named("layerBar").width()


def test_side_tabs_fit_and_show_numbers(person: Hands) -> None:
    resize(person, 1280, 720)
    bar = person.named("sideTabs").findChild(QTabBar)
    texts = [bar.tabText(place) for place in range(bar.count())]
    assert texts[0].startswith("Boxes ") and any(text.startswith("Problems") for text in texts)
    assert bar.tabRect(bar.count() - 1).right() <= bar.width() <= person.named("sideTabs").width()
    resize(person, 1000, 700)
    person.wait(lambda: bar.tabRect(bar.count() - 1).right() <= bar.width(), "tabs that fit")


def test_f6_visits_the_areas_and_each_shows_its_focus(person: Hands) -> None:
    def area() -> str:
        widget: QWidget | None = QApplication.focusWidget()
        names = {"topBar", "layerBar", "toolRail", "canvas", "numberLine", "timeline", "sideTabs", "inspectorSlot"}
        while widget is not None and widget.objectName() not in names:
            widget = widget.parentWidget()
        return "" if widget is None else widget.objectName()

    assert area() == "canvas"
    seen = []
    for _ in range(8):
        person.key("F6")
        seen.append(area())
    assert seen[-1] == "canvas", seen
    assert set(seen) >= {"topBar", "layerBar", "toolRail", "canvas", "numberLine", "timeline", "sideTabs"}
    person.key("Shift+F6")
    assert area() == "toolRail"


def test_the_find_field_opens_the_palette(person: Hands) -> None:
    opened: list[str] = []

    def look() -> None:
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible() and widget is not person.window and widget.isWindow():
                opened.append(widget.objectName())
                widget.close()

    from PySide6.QtCore import QTimer

    QTimer.singleShot(400, look)
    person.click(person.named("findField"))
    person.wait(lambda: opened, "the palette")


def test_the_status_bar_shows_the_keys_of_the_tool_and_a_message_replaces_them(person: Hands) -> None:
    hints = person.named("keyHints")
    assert "W draw" in hints.accessibleDescription()
    person.key("W")
    assert "leave" in hints.accessibleDescription()
    person.key("Escape")
    person.key("Left")  # nothing is selected: a message says so
    person.wait(lambda: shown(person, "statusMessage") and not shown(person, "keyHints"), "a message")
    assert not shown(person, "dismissMessage")
    person.wait(lambda: shown(person, "keyHints"), "the keys again, after 6 s")
