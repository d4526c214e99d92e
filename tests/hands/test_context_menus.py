"""Context menus on what is seen: the right button, the Menu key, Shift+F10."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QTableView, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.ui.action_table import ACTIONS
from iouviewer.ui.context_menus import ENTRIES, SPECIAL
from tests.hands.cases import EXTRA, EXTRA_FRAME, PERSON, Case
from tests.hands.hands import Hands, plain
from tests.ui.window import opened_window

CENTRE = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def entries_of(hands: Hands, *keys: str) -> list[str]:
    """Press keys that open a menu; its entries. The menu is closed again."""
    seen: list[str] = []
    timer = QTimer()
    timer.setInterval(20)

    def look() -> None:
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            timer.stop()
            seen.extend(plain(action.text()).split("\t")[0] for action in menu.actions() if action.text())
            hands.key("Esc")

    timer.timeout.connect(look)
    timer.start()
    hands.key(*keys)
    hands.wait(lambda: seen, "a context menu")
    return seen


def undo_text(hands: Hands) -> str:
    return next(text for action in hands.window.actions() if (text := action.text()).startswith("Undo"))


def test_every_entry_is_a_command() -> None:
    ids = {row.id for row in ACTIONS}
    for entries in ENTRIES.values():
        for entry in entries:
            for id in entry[1] if isinstance(entry, tuple) else (entry,):
                assert not id or id in ids or id in SPECIAL


def test_a_box_is_deleted_by_its_menu(person: Hands) -> None:
    hands = person
    hands.context_menu(hands.on_canvas(CENTRE), "Delete")
    hands.wait(lambda: undo_text(hands).startswith("Undo Delete"), "the deletion")


def test_the_menu_key_opens_the_menu_of_the_selection(person: Hands) -> None:
    hands = person
    empty = entries_of(hands, "Shift+F10")
    assert empty[:2] == ["Draw here", "Paste here"] and "Fit to window" in empty
    hands.click_picture(CENTRE)
    assert entries_of(hands, "Menu")[:3] == ["Change class", "Track", "Flags"]
    assert entries_of(hands, "Shift+F10")[-1] == "Delete track (24 boxes)"


def test_a_prediction_is_accepted_by_its_menu(person: Hands) -> None:
    hands = person
    for _ in range(EXTRA_FRAME):
        hands.key("D")
    hands.context_menu(hands.on_canvas((EXTRA[0], (EXTRA[1] + EXTRA[3]) / 2)), "Accept prediction")
    hands.wait(lambda: undo_text(hands).startswith("Undo Accept"), "the accepted box")


def test_the_timeline_sets_the_loop(person: Hands) -> None:
    hands = person
    plot: QWidget = hands.named("timeline")
    hands.context_menu(plot.mapToGlobal(plot.rect().center()), "Set loop start")
    hands.wait(lambda: hands.reads("Loop over frames 0–23"), "the loop")


def test_a_lane_offers_the_commands_of_its_track(person: Hands) -> None:
    hands = person
    hands.key("T")
    hands.wait(lambda: hands.sees("trackLanes"), "the lanes")
    lanes = hands.named("trackLanes")
    place = lanes.mapToGlobal(QPoint(lanes.width() // 2, 9))
    hands.context_menu(place, "Delete track (24 boxes)")
    hands.wait(lambda: undo_text(hands).startswith("Undo Delete"), "the deleted track")


def test_a_double_click_on_a_box_changes_its_class(person: Hands) -> None:
    hands = person
    seen: list[str] = []

    def look(dialog: QDialog) -> None:
        seen.append(dialog.windowTitle())
        hands.key("Escape")

    with hands.in_dialog(look):
        hands.double_click(hands.on_canvas(CENTRE))
    assert seen == ["Change class"]


def submenu_of(hands: Hands, place: QPoint, title: str, entry: str) -> list[str]:
    """Open a context menu, then one of its submenus, and click an entry; the entries of the submenu."""
    seen: list[str] = []
    timer = QTimer()
    timer.setInterval(20)

    def look() -> None:
        menu = QApplication.activePopupWidget()
        if not isinstance(menu, QMenu):
            return
        texts = {plain(action.text()): action for action in menu.actions() if action.text()}
        if entry in texts:
            timer.stop()
            seen.extend(texts)
        wanted = texts.get(entry) or texts.get(title)
        if wanted is not None:
            hands.click(menu.mapToGlobal(menu.actionGeometry(wanted).center()))

    timer.timeout.connect(look)
    timer.start()
    hands.right_click(place)
    hands.wait(lambda: seen, "a submenu")
    return seen


def test_the_menu_of_a_box_offers_the_classes_with_their_digits(person: Hands) -> None:
    hands = person
    # Not where another test has clicked a moment ago, which would be a double click.
    entries = submenu_of(hands, hands.on_canvas((90.0, 130.0)), "Change class", "person\t2")
    assert entries[:2] == ["car\t1", "person\t2"] and entries[-1].startswith("Change class…")
    hands.wait(lambda: undo_text(hands).startswith("Undo Change class"), "the new class")


EMPTY = (160.0, 200.0)


def test_a_box_is_drawn_and_pasted_where_the_menu_was_opened(person: Hands) -> None:
    hands = person
    hands.context_menu(hands.on_canvas(EMPTY), "Draw here")
    hands.move_picture((190.0, 225.0))
    hands.click_picture((190.0, 225.0))
    hands.wait(lambda: undo_text(hands).startswith("Undo Draw"), "the drawn box")
    assert [float(hands.named(f"inspector.{name}").text()) for name in "xywh"] == [  # type: ignore[attr-defined]
        pytest.approx(value, abs=0.6) for value in (160, 200, 30, 25)
    ]
    hands.key("Escape")
    hands.click_picture(CENTRE)
    hands.key("Ctrl+C")
    hands.context_menu(hands.on_canvas((60.0, 200.0)), "Paste here")
    hands.wait(lambda: undo_text(hands).startswith("Undo Paste"), "the pasted box")
    x, y = (float(hands.named(f"inspector.{name}").text()) for name in "xy")  # type: ignore[attr-defined]
    assert (x + 20, y + 30) == (pytest.approx(60, abs=0.6), pytest.approx(200, abs=0.6))


def test_a_problem_is_decided_by_its_menu(person: Hands) -> None:
    hands = person
    hands.open_tab("Problems")
    hands.wait(lambda: hands.reads("1 problem"), "the problem")
    table = hands.named("problemsList")
    assert isinstance(table, QTableView)
    place = table.viewport().mapToGlobal(table.visualRect(table.model().index(0, 1)).center())
    hands.context_menu(place, "Nothing there\tX")
    hands.wait(lambda: hands.reads("1 problem decided"), "the decision")


def test_the_lanes_open_by_a_button_of_the_transport_row(person: Hands) -> None:
    hands = person
    hands.click(hands.named("trackLanesButton"))
    hands.wait(lambda: hands.sees("trackLanes"), "the lanes")
    hands.click(hands.named("trackLanesButton"))
    hands.wait(lambda: not hands.sees("trackLanes"), "the usual timeline")
    hands.key("F3")
    hands.wait(lambda: not hands.sees("trackLanesButton"), "Compare without the button")


def test_an_extra_object_is_accepted_on_all_its_frames_as_one_track(qtbot: QtBot, case: Case) -> None:
    for path in (case.base, case.other):
        lines = path.read_text(encoding="utf-8").splitlines()
        [extra] = [line for line in lines if line.startswith(f"{EXTRA_FRAME},{EXTRA[0]:g},")]
        lines += [extra.replace(f"{EXTRA_FRAME},", f"{frame},", 1) for frame in (6, 7, 8)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        for _ in range(EXTRA_FRAME):
            hands.key("D")
        middle = (EXTRA[1] + EXTRA[3]) / 2
        hands.wait(
            lambda: any(hands.colour_at((EXTRA[0], middle + y)).saturation() > 60 for y in range(-8, 9)), "the object"
        )
        edge = hands.on_canvas((EXTRA[0], middle))
        hands.context_menu(edge, "Accept on 4 frames as one track")
        hands.wait(lambda: "on 4 frames as car 3" in undo_text(hands), f"one step, not {undo_text(hands)}")
        hands.open_tab("Tracks")
        assert "3" in hands.column("tracksTable", "Track")
        hands.key("Ctrl+Z")
        hands.wait(lambda: "3" not in hands.column("tracksTable", "Track"), "the track gone")


def test_a_chip_changes_the_colour_and_the_dash_of_its_variant(person: Hands) -> None:
    hands = person
    for _ in range(EXTRA_FRAME):
        hands.key("D")
    edge = (EXTRA[0], (EXTRA[1] + EXTRA[3]) / 2)

    def is_pink() -> bool:
        colours = [hands.colour_at((edge[0], edge[1] + step)) for step in range(-8, 9)]
        return any(colour.red() > 200 and colour.green() < 170 and colour.blue() > 180 for colour in colours)

    hands.wait(lambda: hands.frame == EXTRA_FRAME, "the frame")
    assert not is_pink()
    chip = hands.named("layer.base")
    entries = submenu_of(hands, chip.mapToGlobal(chip.rect().center()), "Colour and dash", "Pink")
    assert len([entry for entry in entries if entry.split(" ")[0] in ("Green", "Orange", "Pink")]) == 3
    hands.wait(lambda: undo_text(hands) == "Undo Change colour and dash of base", "the step")
    hands.wait(is_pink, "the prediction in its new colour")
    hands.key("Ctrl+Z")
    hands.wait(lambda: not is_pink(), "the colour before")


def test_the_chip_of_the_ground_truth_hides_and_locks_it(person: Hands) -> None:
    hands = person
    chip = hands.named("layer.groundTruth")
    hands.context_menu(chip.mapToGlobal(chip.rect().center()), "Hide ground truth")
    hands.wait(
        lambda: "Show Ground truth" in [eye.accessibleName() for eye in chip.findChildren(QToolButton)], "the eye"
    )
    hands.click_picture(CENTRE)
    assert not undo_text(hands).startswith("Undo ") or not hands.sees("inspector.x"), "nothing is there to select"
