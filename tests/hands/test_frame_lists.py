"""Frame lists by mouse: kept in the project, chosen in the question, and named wherever a number stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLabel, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer import api
from iouviewer.cli import main
from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.test_dialogs import part
from tests.ui.window import opened_window


def frames_chip(hands: Hands) -> QToolButton:
    return part(hands.window, QToolButton, "questionFrames")


def keep(hands: Hands, frames: str, name: str, button: str, *, targeted: bool = False) -> None:
    def step(dialog: QDialog) -> None:
        hands.click(part(dialog, QLineEdit, "frameListText"))
        hands.key("Ctrl+A")
        hands.type("0:99")
        hands.wait(lambda: "there are 24 frames" in part(dialog, QLabel, "frameListOutcome").text(), "the reason")
        hands.key("Ctrl+A")
        hands.type(frames)
        hands.click(part(dialog, QLineEdit, "frameListName"))
        hands.type(name)
        if targeted:
            hands.click(part(dialog, QCheckBox, "frameListTargeted"))
        hands.click(hands.button(button, dialog))

    with hands.in_dialog(step):
        hands.choose_from(frames_chip(hands), "Other frames…")


def test_a_list_is_kept_and_all_doors_stand_on_it(
    qtbot: QtBot, case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.wait(lambda: frames_chip(hands).text() == "24 common frames", "the question")
        keep(hands, "spread:6", "night", "Count 6 frames")
        hands.wait(lambda: frames_chip(hands).text() == "6 frames of night", "the chip")
        hands.wait(lambda: set(hands.column("variantsTable", "Frames")) == {"6"}, "the scores")
        by_window = hands.column("variantsTable", "Avg IoU")
        offered: list[str] = []

        def look(dialog: QDialog) -> None:
            hands.type("COCO")
            hands.wait(lambda: hands.sees("exportFrames"), "the frames")
            box = part(dialog, QComboBox, "exportFrames")
            offered.extend(box.itemText(row) for row in range(box.count()))
            hands.key("Escape")

        with hands.in_dialog(look):
            hands.key("Ctrl+E")
        assert "night 6" in offered
        hands.wait(lambda: hands.window.windowTitle() != "" and not hands.reads("Saving"), "the project to be saved")
        project = next(case.video.parent.glob("*.iouv"))
    report = tmp_path / "report.json"
    joined = api.open_project(project, frames="night")
    values = api.evaluate(joined).values
    assert values["protocol"]["frames"] == "night" and values["protocol"]["chosen_frames"] == 6
    assert [f"{one['avg_iou']:.3f}" for one in values["variants"].values()] == by_window
    assert main(["gate", str(project), "--frames", "night", "--margin", "ap=100,pq=100"]) in (0, 4)
    assert "6 frames" in capsys.readouterr().out
    assert main(["gate", str(project), "--frames", "day"]) == 2
    assert "Lists of this project: night" in capsys.readouterr().err
    report.write_text(json.dumps(values["protocol"]))


def test_all_frames_are_the_default_after_opening_again_and_a_targeted_list_is_told(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.wait(lambda: frames_chip(hands).text() == "24 common frames", "the question")
        keep(hands, "0:8:2", "hard", "Count 4 frames", targeted=True)
        hands.wait(lambda: frames_chip(hands).text() == "4 frames of @hard", "the chip")
        hands.wait(lambda: not hands.reads("Saving"), "the project to be saved")
        project = next(case.video.parent.glob("*.iouv"))
    joined = api.open_project(project, frames="hard")
    values = api.evaluate(joined).values
    assert values["protocol"]["frames"] == "@hard"
    assert any("the list hard: if it was chosen by looking" in note for note in values["protocol"]["warnings"])
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.wait(lambda: frames_chip(hands).text() == "24 common frames", "all frames")
        hands.choose_from(frames_chip(hands), "@hard (4 frames)")
        hands.wait(lambda: frames_chip(hands).text() == "4 frames of @hard", "the list")
        hands.choose_from(frames_chip(hands), "Remove list hard")
        hands.wait(lambda: frames_chip(hands).text() == "24 common frames", "all frames again")
        hands.wait(lambda: not hands.reads("Saving"), "the project to be saved")
    assert api.open_project(project).inputs.frames.tolist() == list(range(24))
    with pytest.raises(Exception, match="frames 'hard'"):
        api.open_project(project, frames="hard")
