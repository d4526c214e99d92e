"""The export commands: names of files, and confirmation before one is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from iouviewer.ui.main_window import MainWindow


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_name_without_an_ending_gets_one_and_an_existing_file_is_confirmed(
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    is_confirmed: bool,
) -> None:
    target = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    monkeypatch.setattr("iouviewer.ui.commands.exports.confirm", lambda *_, **__: is_confirmed)
    with qtbot.waitSignal(window.parts.exports.written, timeout=20_000):
        window.parts.exports.export("exportCsv")
    file = tmp_path / "mine.csv"
    assert file.read_text(encoding="utf-8").startswith("frameID,iou")
    file.write_text("another", encoding="utf-8")
    window.parts.exports.export("exportCsv")
    window.parts.exports.close()
    assert (file.read_text(encoding="utf-8") == "another") is not is_confirmed
