"""The table of actions is complete, its keys are the published ones, and no preset lets two actions share a key."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from pytestqt.qtbot import QtBot

from iouviewer.ui.action_table import ACTIONS, TOOLBAR
from iouviewer.ui.actions import is_text_field
from iouviewer.ui.dialogs.finder import Choice, found, matches
from iouviewer.ui.key_presets import PRESETS, conflicts, keys_of
from tests.ui.window import opened_window

# The published table of keys: action, then its keys.
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
    "takeFix": "Return Enter",
    "groundTruthIsRight": "X",
    "unclear": "U",
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
    "fit": "Ctrl+F",
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
    "sharpPixels": "Z",
    "adjustPicture": "Ctrl+Shift+B",
    "resetPicture": "Shift+B",
}
BY_ID = {action.id: action for action in ACTIONS}


@pytest.mark.parametrize(("id", "keys"), PUBLISHED.items())
def test_each_published_key_belongs_to_its_action(id: str, keys: str) -> None:
    assert set(keys.split()) <= set(keys_of("iouviewer")[id])


def test_ids_are_unique_and_the_tool_bar_names_existing_actions() -> None:
    assert not [id for id, count in Counter(action.id for action in ACTIONS).items() if count > 1]
    assert all(id in BY_ID for id in TOOLBAR if id)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_of_a_preset_belongs_to_two_actions(preset: str) -> None:
    assert conflicts(keys_of(preset)) == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_key_of_a_preset_is_a_key_that_qt_knows(preset: str) -> None:
    for id, keys in keys_of(preset).items():
        for key in keys:
            sequence = QKeySequence(key)
            assert sequence.count() == 1, (id, key)
            assert sequence[0].key() != Qt.Key.Key_unknown, (id, key)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("id", ["sharpPixels", "adjustPicture", "resetPicture"])
def test_how_the_picture_is_shown_has_the_same_keys_in_all_presets(preset: str, id: str) -> None:
    assert keys_of(preset)[id] == keys_of("iouviewer")[id] != ()


def test_presets_are_true_to_their_tools() -> None:
    assert keys_of("CVAT")["previousFrame"] == ("D",)
    assert keys_of("CVAT")["nextFrame"] == ("F",)
    assert keys_of("labelImg")["verifyAndNext"] == ("Space",)
    assert "Space" not in keys_of("labelImg")["playPause"]
    assert keys_of("X-AnyLabeling")["drawBox"] == ("R", "Ctrl+R")


def test_changes_of_the_user_lie_over_the_preset_and_their_conflicts_are_named() -> None:
    keys = keys_of("iouviewer", {"nextFrame": ("W",)})
    assert keys["nextFrame"] == ("W",)
    assert {action.id for action in conflicts(keys)["w"]} == {"nextFrame", "drawBox"}
    assert keys_of("iouviewer", {"no such action": ("W",)}) == keys_of("iouviewer")


def test_every_action_is_a_qaction_whose_tooltip_names_its_key(qtbot: QtBot) -> None:
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


def test_the_command_palette_offers_every_command_that_can_be_used(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        usable = [row.id for row in ACTIONS if window.workbench.actions[row.id].isEnabled()]
        assert "openVideo" in usable
        assert "nextFrame" not in usable


@pytest.mark.parametrize(
    ("wanted", "text", "rank"),
    [
        ("", "Open video", 0),
        ("op", "Open video", 0),
        ("vi", "Open video", 1),
        ("pen", "Open video", 2),
        ("ovd", "Open video", 3),
        ("x", "Open video", None),
    ],
)
def test_what_is_typed_finds_texts_by_start_word_part_and_letters(wanted: str, text: str, rank: int | None) -> None:
    assert matches(wanted, text) == rank


def test_the_best_match_comes_first_and_equals_keep_their_order() -> None:
    choices = [Choice("1", "Take the fix"), Choice("2", "Fix"), Choice("3", "Fix again")]
    assert [choice.key for choice in found("fix", choices)] == ["2", "3", "1"]
