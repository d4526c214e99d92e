"""Dialogs: defaults destroy nothing, settings reach what they name, keys show their conflicts."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from iouviewer.app.settings import Settings
from iouviewer.metrics.table import Convention
from iouviewer.ui.dialogs.ask_number import AskNumber
from iouviewer.ui.dialogs.finder import Choice, Finder
from iouviewer.ui.dialogs.key_editor import KeyEditor
from iouviewer.ui.dialogs.run_dialog import RunDialog, estimate
from iouviewer.ui.dialogs.settings_dialog import SettingsDialog
from iouviewer.ui.dialogs.trust import TrustDialog
from tests.ui.window import opened_window, small_case


def test_enter_in_the_trust_dialog_refuses(qtbot: QtBot) -> None:
    dialog = TrustDialog(None, path=Path("/w/x.pt"), digest="ab" * 32, reason="It runs code.")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.refuse_button.isDefault()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.result() == TrustDialog.DialogCode.Rejected


def test_settings_go_into_the_dialog_and_come_back(qtbot: QtBot) -> None:
    settings = Settings(confidence=0.4, convention=Convention.INCLUSIVE, scheme="dark", memory_mib=256)
    dialog = SettingsDialog(None, settings)
    qtbot.addWidget(dialog)
    same = Settings()
    dialog.write_to(same)
    assert same == settings
    dialog.iou_threshold.setValue(0.6)
    dialog.keys.set_key("nextFrame", "F")
    dialog.write_to(settings)
    assert settings.iou_threshold == 0.6
    assert settings.keys == {"nextFrame": "F"}


def test_two_commands_with_one_key_are_named_as_a_conflict(qtbot: QtBot) -> None:
    editor = KeyEditor("iouviewer", {})
    qtbot.addWidget(editor)
    assert editor.warning.text() == ""
    editor.set_key("nextFrame", "W")
    assert "Draw a box" in editor.warning.text()
    assert "Next frame" in editor.warning.text()
    editor.preset_box.setCurrentText("labelImg")
    assert editor.keys()["verifyAndNext"] == ("Space",)


def test_settings_hold_at_once_and_are_there_again_after_a_restart(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(dialog: SettingsDialog) -> int:
        dialog.confidence.setValue(0.5)
        dialog.keys.set_key("nextFrame", "F9")
        dialog.scheme.setCurrentIndex(dialog.scheme.findData("dark"))
        return 1

    monkeypatch.setattr(SettingsDialog, "exec", accept)
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.workbench.actions["settings"].trigger()
        assert window.session.scores.settings.review.conf == 0.5
        QTest.keyClick(window.workbench.parts.canvas, Qt.Key.Key_F9)
        assert window.session.current_frame == 1
        assert window.workbench._keeper.theme.dark
    with opened_window(qtbot) as window:
        assert window.workbench.actions.keys["nextFrame"] == ("F9",)
        assert window.session.scores.settings.review.conf == 0.5


def test_the_run_dialog_says_what_a_run_takes_and_refuses_frames_that_are_not_there(
    qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = RunDialog(None, [("a", tmp_path / "a.pt")], video=tmp_path / "v.mp4", frame_count=100, seconds_a_frame=0.5)
    qtbot.addWidget(dialog)
    assert dialog.says.text() == "100 frames, about 0:50 min, at most 0.8 MB on disk"
    dialog.frames.setText("10:20")
    assert dialog.says.text().startswith("10 frames")
    [request] = dialog.requests()
    assert request.frames == tuple(range(10, 20))
    assert request.floor == 0.001
    assert request.imgsz is None
    dialog.frames.setText("90:200")
    assert not dialog.run_button.isEnabled()
    assert "first frames" in estimate(5, None, 300)


def test_the_finder_takes_the_best_match_on_enter_and_a_new_name_where_none_fits(qtbot: QtBot) -> None:
    choices = [Choice("0", "person"), Choice("1", "car")]
    dialog = Finder(None, title="Class", hint="", choices=choices, new="New class “{}”")
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClicks(dialog.line, "ca")
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert dialog.chosen == Choice("1", "car")
    again = Finder(None, title="Class", hint="", choices=choices, new="New class “{}”")
    qtbot.addWidget(again)
    again.show()
    QTest.keyClicks(again.line, "bus")
    QTest.keyClick(again.line, Qt.Key.Key_Return)
    assert again.is_new
    assert again.chosen is not None
    assert again.chosen.text == "bus"


def test_a_number_is_asked_for_within_its_range(qtbot: QtBot) -> None:
    dialog = AskNumber(None, title="Go to frame", label="Frame", value=500, low=0, high=99, verb="Go")
    qtbot.addWidget(dialog)
    assert dialog.value() == 99
