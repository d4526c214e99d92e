"""No text is cut at 1280 x 720 in Correct, Compare, review, notices, panels and dialogs, at any scale and scheme."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from tests.ui.cut_texts import cut_texts

ROOT = Path(__file__).parents[2]


def test_a_cut_label_and_button_are_found_and_a_tooltip_makes_up_for_it(qtbot: QtBot) -> None:
    label = QLabel("a rather long text")
    qtbot.addWidget(label)
    button = QPushButton("Another long text", label)
    label.resize(40, 60)
    button.setGeometry(0, 30, 30, 24)
    label.show()
    assert len(list(cut_texts(label))) == 2
    button.resize(button.sizeHint())
    label.setToolTip(label.text())
    label.resize(200, 60)
    assert list(cut_texts(label)) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("scale", ["0.9", "1", "1.5"])
def test_no_text_is_cut(tmp_path: Path, scheme: str, scale: str) -> None:
    env = {
        **os.environ,
        "QT_SCALE_FACTOR": scale,
        "QT_QPA_PLATFORM": "offscreen",
        "IOUVIEWER_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "tests.ui.cut_texts", str(tmp_path / "case"), scheme]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == ""
