"""Dialogs: safe defaults, settings that take effect, conflicts between keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QPushButton
from pytestqt.qtbot import QtBot

from iouviewer.app.settings import Settings
from iouviewer.metrics.table import Convention
from iouviewer.ui.dialogs.input_dialogs import confirm
from iouviewer.ui.dialogs.key_editor import KeyEditor
from iouviewer.ui.dialogs.run_dialog import RunDialog, duration_text, estimate_text
from iouviewer.ui.dialogs.settings_dialog import SettingsDialog
from iouviewer.ui.dialogs.trust_dialog import TrustDialog
from tests.ui.window import opened_window, small_case


def test_enter_in_the_trust_dialog_cancels(qtbot: QtBot) -> None:
    dialog = TrustDialog(None, path=Path("/w/x.pt"), digest="ab" * 32, reason="It runs code.")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.cancel_button.isDefault()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.result() == TrustDialog.DialogCode.Rejected


def test_the_settings_dialog_shows_and_writes_the_settings(qtbot: QtBot) -> None:
    settings = Settings(confidence=0.4, convention=Convention.INCLUSIVE, scheme="dark", memory_mib=256)
    dialog = SettingsDialog(None, settings)
    qtbot.addWidget(dialog)
    changes: list[bool] = []
    dialog.changed.connect(lambda: changes.append(True))
    assert settings == Settings(confidence=0.4, convention=Convention.INCLUSIVE, scheme="dark", memory_mib=256)
    dialog.findChild(QDoubleSpinBox, "settingsIou").setValue(0.6)
    dialog.keys.set_key("nextFrame", "F9")
    assert settings.iou_threshold == 0.6
    assert settings.keys == {"nextFrame": "F9"} and len(changes) == 2


def test_a_key_that_belongs_to_another_command_is_refused_with_its_name(qtbot: QtBot) -> None:
    editor = KeyEditor("iouviewer", {})
    qtbot.addWidget(editor)
    assert editor.warning.text() == ""
    assert not editor.set_key("nextFrame", "W")
    assert "“Draw box”" in editor.warning.text() and editor.changes == {}
    assert editor.set_key("nextFrame", "F9 .") and editor.keys()["nextFrame"] == ("F9", ".")
    editor.preset_box.setCurrentText("labelImg")
    assert editor.keys()["verifyAndNext"] == ("Space",)


def test_settings_take_effect_at_once_and_survive_a_restart(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(dialog: SettingsDialog) -> int:
        dialog.findChild(QDoubleSpinBox, "settingsConfidence").setValue(0.5)
        dialog.keys.set_key("nextFrame", "F9")
        scheme = dialog.findChild(QComboBox, "settingsScheme")
        scheme.setCurrentIndex(scheme.findData("dark"))
        return 1

    monkeypatch.setattr(SettingsDialog, "exec", accept)
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.parts.actions["settings"].trigger()
        assert window.session.scores.settings.review.conf == 0.5
        QTest.keyClick(window.parts.views.canvas, Qt.Key.Key_F9)
        assert window.session.current_frame == 1
        assert window.parts.theme.dark
    with opened_window(qtbot) as window:
        assert window.parts.actions.keys["nextFrame"] == ("F9",)
        assert window.session.scores.settings.review.conf == 0.5


def test_the_run_dialog_estimates_a_run_and_rejects_frames_outside_the_video(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = RunDialog(None, [("a", tmp_path / "a.pt")], video=tmp_path / "v.mp4", frame_count=100)
    qtbot.addWidget(dialog)
    assert dialog.estimate.text() == "100 frames, at most 0.8 MB"
    assert [request.frames for request, _ in dialog.runs()] == [None]
    dialog.frames.setCurrentIndex(dialog.frames.count() - 1)
    dialog.range.setText("10:20")
    assert dialog.estimate.text().startswith("10 frames")
    [(request, class_map)] = dialog.runs()
    assert request.frames == tuple(range(10, 20))
    assert (request.floor, request.imgsz, class_map) == (0.001, None, {})
    dialog.range.setText("90:200")
    assert not dialog.run_button.isEnabled()
    assert estimate_text(795, 200, 500_000, is_measured=True) == "3 min 20 s, 14.0 MB, 795 frames"
    assert duration_text(3900) == "1 h 5 min"


@pytest.mark.parametrize(("pressed", "is_confirmed"), [("Replace", True), ("Cancel", False)])
def test_a_confirmation_names_its_action_and_defaults_to_cancel(qtbot: QtBot, pressed: str, is_confirmed: bool) -> None:
    defaults: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert box is not None
        buttons = {button.text(): button for button in box.findChildren(QPushButton)}
        defaults.extend(text for text, button in buttons.items() if button.isDefault())
        buttons[pressed].click()

    QTimer.singleShot(0, press)
    assert confirm(None, title="Replace file?", text="Replace it?", button="Replace") is is_confirmed
    assert defaults == ["Cancel"]
