"""The action table is complete, has the published keys, and no preset assigns a key to two actions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar
from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetClassNames
from iouviewer.ui.action_table import ACTIONS, FIRST_OF_GROUP, MENUS
from iouviewer.ui.dialogs.search_dialog import Choice, filter_choices, match_rank
from iouviewer.ui.key_presets import PRESETS, conflicts, keys_of
from iouviewer.ui.keyboard.key_filter import is_text_field
from tests.ui.window import opened_window, small_case

# The published keys by action id.
PUBLISHED = {
    "nextFrame": "D .",
    "previousFrame": "A ,",
    "forward10": "Shift+D",
    "back10": "Shift+A",
    "playPause": "Space",
    "firstFrame": "Home",
    "lastFrame": "End",
    "goToFrame": "Ctrl+G",
    "nextProblem": "N",
    "previousProblem": "Shift+N",
    "takeFix": "F Return Enter",
    "groundTruthIsRight": "X",
    "unclear": "V U",
    "verifyAndNext": "S",
    "verifiedEmpty": "Shift+S",
    "previousKeyFrame": "Q",
    "nextKeyFrame": "E",
    "keyFrame": "K",
    "outside": "O",
    "occluded": "J",
    "ignore": "I",
    "classPicker": "C",
    **{f"class{digit}": str(digit) for digit in range(1, 10)},
    "nextBox": "Tab",
    "previousBox": "Shift+Tab",
    "confidenceDown": "[",
    "confidenceUp": "]",
    "fit": "Ctrl+9",
    "actualSize": "Ctrl+0",
    "zoomIn": "Ctrl++",
    "zoomOut": "Ctrl+-",
    "nextPanel": "F6",
    "drawBox": "W",
    "delete": "Del",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z Ctrl+Y",
    **{f"nudge{side}": side for side in ("Left", "Right", "Up", "Down")},
    **{f"nudge{side}Ten": f"Shift+{side}" for side in ("Left", "Right", "Up", "Down")},
    **{f"nudge{side}Quarter": f"Alt+{side}" for side in ("Left", "Right", "Up", "Down")},
    **{f"resize{side}": f"Ctrl+{side}" for side in ("Left", "Right", "Up", "Down")},
    "accept": "P",
    "acceptAll": "Shift+P",
    "snapEdge": "G",
    "takePrevious": "Shift+V",
    "propagate": "Ctrl+B",
    "copy": "Ctrl+C",
    "paste": "Ctrl+V",
    "duplicate": "Ctrl+D",
    "selectAll": "Ctrl+A",
    "mergeTracks": "M",
    "splitTrack": "Y",
    "swapTracks": "Ctrl+T",
    **{f"showVariant{k}": f"Alt+{k}" for k in range(1, 10)},
    "hideBoxes": "H",
    "showLabels": "L",
    "blindMode": "B",
    "commandPalette": "Ctrl+K",
    "correct": "F2",
    "compare": "F3",
    "snapshot": "Ctrl+S",
    "cancel": "Esc",
    "sharpPixels": "Shift+Z",
    "startOfTrack": "Shift+Q",
    "endOfTrack": "Shift+E",
    "trimStart": "Alt+[",
    "trimEnd": "Alt+]",
    "isolateTrack": "/",
    "followTrack": "Shift+L",
    "adjustPicture": "Ctrl+Shift+B",
    "resetPicture": "Shift+B",
    "setTrack": "Shift+C",
    "addNote": "Ctrl+M",
    "inspector": "Ctrl+I",
    "videoFacts": "Alt+Return",
    "findInList": "Ctrl+F",
    "toggleRail": "Ctrl+1",
    "toggleSide": "Ctrl+2",
    "toggleTimeline": "Ctrl+3",
    "contextHelp": "F1",
    "keySheet": "Ctrl+/",
    "fullScreen": "F11",
    "goToTime": "Ctrl+Shift+G",
    "openVideo": "Ctrl+O",
    "runModel": "Ctrl+R",
    "export": "Ctrl+E",
    "settings": "Ctrl+,",
    "playBackwards": "R",
    "loopFrom": "Ctrl+[",
    "loopTo": "Ctrl+]",
}
BY_ID = {action.id: action for action in ACTIONS}


@pytest.mark.parametrize(("id", "keys"), PUBLISHED.items())
def test_each_published_key_belongs_to_its_action(id: str, keys: str) -> None:
    assert set(keys.split()) <= set(keys_of("iouviewer")[id])


def test_ids_are_unique() -> None:
    assert not [id for id, count in Counter(action.id for action in ACTIONS).items() if count > 1]


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_of_a_preset_belongs_to_two_actions(preset: str) -> None:
    assert conflicts(keys_of(preset)) == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_key_of_a_preset_is_valid(preset: str) -> None:
    for id, keys in keys_of(preset).items():
        for key in keys:
            sequence = QKeySequence(key)
            assert sequence.count() == 1, (id, key)
            assert sequence[0].key() != Qt.Key.Key_unknown, (id, key)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("id", ["sharpPixels", "adjustPicture", "resetPicture"])
def test_display_commands_have_the_same_keys_in_all_presets(preset: str, id: str) -> None:
    assert keys_of(preset)[id] == keys_of("iouviewer")[id] != ()


def test_presets_have_the_keys_of_their_tools() -> None:
    assert keys_of("CVAT")["previousFrame"] == ("D",)
    assert keys_of("CVAT")["nextFrame"] == ("F",)
    assert keys_of("labelImg")["verifyAndNext"] == ("Space",)
    assert "Space" not in keys_of("labelImg")["playPause"]
    assert keys_of("X-AnyLabeling")["drawBox"] == ("R", "Ctrl+R")
    assert keys_of("labelme")["drawBox"] == ("Ctrl+R",)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_actions_that_exist_and_leaves_no_conflict_when_it_is_mirrored(preset: str) -> None:
    assert set(PRESETS[preset]) <= set(BY_ID)
    assert conflicts(keys_of(preset, is_mirrored=True)) == {}


def test_the_left_hand_mirror_flips_single_keys_only() -> None:
    keys = keys_of("iouviewer", {"nextFrame": ("D",)}, is_mirrored=True)
    assert keys["takeFix"][0] == "J" and keys["groundTruthIsRight"] == (".",) and keys["unclear"][0] == "M"
    assert keys["undo"] == ("Ctrl+Z",) and keys["class1"] == ("0",) and keys["verifiedEmpty"] == ("Shift+L",)
    assert keys["nextFrame"] == ("D",), "changes of the person stay where they were put"


def test_user_changes_override_the_preset_and_conflicts_are_reported() -> None:
    keys = keys_of("iouviewer", {"nextFrame": ("W",)})
    assert keys["nextFrame"] == ("W",)
    assert {action.id for action in conflicts(keys)["w"]} == {"nextFrame", "drawBox"}
    assert keys_of("iouviewer", {"no such action": ("W",)}) == keys_of("iouviewer")


def test_every_action_has_a_qaction_with_its_key_in_the_tooltip(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        for row in ACTIONS:
            action = window.findChild(QAction, f"action.{row.id}")
            assert action is not None, row.id
            if row.keys:
                shown = QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
                assert shown in action.toolTip(), row.id
            if row.icon:
                assert not action.icon().isNull(), row.id
            assert not is_text_field(None)


def test_every_handler_and_every_menu_of_the_table_exists(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        menus = {menu.title() for menu in window.findChild(QMenuBar).findChildren(QMenu)}
        assert menus == {*MENUS.values(), "Open recent"}
        assert {action.menu for action in ACTIONS} <= {*MENUS, ""}


def test_texts_name_the_step_the_classes_and_the_variants(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        actions, session = window.parts.actions, window.session
        assert actions["undo"].text() == "Undo" and actions["showVariant1"].text() == "Show model0"
        assert actions["showVariant2"].text() == "Show variant 2" and actions["class1"].text() == "Class 1"
        session.execute(SetClassNames(("cat & dog", "car"), session.source.id), "Add classes")
        assert actions["undo"].text() == "Undo Add classes"
        assert actions["undo"].toolTip().startswith("Undo Add classes (")
        assert actions["class1"].text() == "cat && dog" and actions["class1"].toolTip() == "cat & dog (1)"
        session.undo()
        assert actions["redo"].text() == "Redo Add classes" and actions["undo"].text() == "Undo"
        assert actions["class2"].text() == "Class 2"
        actions["playPause"].trigger()
        assert actions["playPause"].text().startswith("Pause")
        actions["playPause"].trigger()
        assert actions["playPause"].text().startswith("Play")


def test_commands_that_need_a_video_are_disabled_without_one(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        usable = [row.id for row in ACTIONS if window.parts.actions[row.id].isEnabled()]
        assert "openVideo" in usable
        assert "nextFrame" not in usable


@pytest.mark.parametrize(
    ("query", "text", "rank"),
    [
        ("", "Open video", 0),
        ("op", "Open video", 0),
        ("vi", "Open video", 1),
        ("pen", "Open video", 2),
        ("ovd", "Open video", 3),
        ("x", "Open video", None),
    ],
)
def test_a_query_matches_start_word_part_or_scattered_letters(query: str, text: str, rank: int | None) -> None:
    assert match_rank(query, text) == rank


def test_the_best_match_comes_first_and_equal_ones_keep_their_order() -> None:
    choices = [Choice("1", "Take the fix"), Choice("2", "Fix"), Choice("3", "Fix again")]
    assert [choice.key for choice in filter_choices("fix", choices)] == ["2", "3", "1"]


def test_long_menus_are_divided_into_groups(qtbot: QtBot) -> None:
    assert {row.id for row in ACTIONS if row.menu} >= FIRST_OF_GROUP
    with opened_window(qtbot) as window:
        menus = [action.menu() for action in window.findChild(QMenuBar).actions()]
        assert len(menus) == sum("/" not in key for key in MENUS)
        for menu in menus:
            drawn = "".join("|" if action.isSeparator() else "x" for action in menu.actions())
            sizes = [len(group) for group in drawn.split("|")]
            assert all(0 < size <= 8 for size in sizes), (menu.title(), sizes)
