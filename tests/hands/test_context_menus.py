"""Context menus on what is seen: the right button, the Menu key, Shift+F10."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from iouviewer.ui.action_table import ACTIONS
from iouviewer.ui.context_menus import ENTRIES
from tests.hands.cases import EXTRA, EXTRA_FRAME, PERSON
from tests.hands.hands import Hands, plain

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
                assert not id or id in ids


def test_a_box_is_deleted_by_its_menu(person: Hands) -> None:
    hands = person
    hands.context_menu(hands.on_canvas(CENTRE), "Delete")
    hands.wait(lambda: undo_text(hands).startswith("Undo Delete"), "the deletion")


def test_the_menu_key_opens_the_menu_of_the_selection(person: Hands) -> None:
    hands = person
    empty = entries_of(hands, "Shift+F10")
    assert empty[0] == "Draw box" and "Fit to window" in empty
    hands.click_picture(CENTRE)
    assert entries_of(hands, "Menu")[:3] == ["Change class…", "Track", "Flags"]
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
