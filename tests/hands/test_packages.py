"""A package by hand: opened as a project, signed with a name that is asked once, verified, collected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from iouviewer.cli import main
from iouviewer.jobs.requests import OpenRequest
from iouviewer.jobs.work_packages import read_project
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window


def test_a_package_is_signed_verified_and_collected(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("S")
        hands.wait(lambda: hands.reads("1 of 24 frames verified"), "the frame of the owner")
    project = case.video.with_name(f"{case.video.name}.iouv")
    assert project.is_file()
    out = tmp_path / "packages"
    assert main(["split", str(project), "--people", "ann,ben", "--overlap", "2", "--out", str(out)]) == 0
    with opened_window(qtbot, OpenRequest(project=out / "ann.iouv"), is_first_start=True) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.reads("Package of ann"), "whose package it is")
        with hands.in_dialog(lambda _dialog: (hands.type("Ann A."), hands.key("Return"))):
            hands.click(hands.button("Change name…"))
        hands.wait(lambda: hands.reads("signed as “Ann A.”"), "the new name")
        hands.click(hands.button("OK"))
        hands.wait(lambda: not hands.reads("Package of ann"), "the answered notice gone")
        hands.key("Shift+U")
        hands.wait(lambda: hands.reads("0 of 14 frames verified"), "the frames of the list")
        hands.key("S")
        hands.wait(lambda: hands.reads("1 of 14 frames verified"), "a frame of the list, verified")
    with opened_window(qtbot, OpenRequest(project=out / "ann.iouv")) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.reads("1 of 14 frames verified"), "the package again")
        assert not hands.reads("Package of ann")
    assert main(["collect", str(out / "ann.iouv")]) == 0
    collected = read_project(out / "owner" / "collected.iouv").document.ground_truth()
    owner, *of_ann = np.flatnonzero(collected.verified()).tolist()
    assert owner == 0 and len(of_ann) == 1
    people = (out / "owner" / "people.csv").read_text(encoding="utf-8-sig").splitlines()
    assert people[1].startswith("ann,Ann A.,14,1,")


def test_the_name_is_asked_once_where_it_first_shows(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request(), is_first_start=True) as window:
        hands = Hands(qtbot, window)
        assert not hands.reads("signed"), "opening and looking needs no name"
        hands.key("S")
        hands.wait(lambda: hands.reads("your login name"), "the question at the first verified frame")
        hands.key("S")
        hands.wait(lambda: hands.reads("2 of 24 frames verified"), "that the work goes on")
        with hands.in_dialog(lambda _dialog: (hands.type("Mara B."), hands.key("Return"))):
            hands.click(hands.button("Change name…"))
        hands.wait(lambda: not hands.reads("your login name"), "that it is answered")
        hands.key("S")
        hands.key("A")
        hands.wait(lambda: "Verified by Mara B." in hands.named("frameBadge").accessibleName(), "the new name")
    with opened_window(
        qtbot, OpenRequest(project=case.video.with_name("clip.avi.iouv")), is_first_start=True
    ) as window:
        hands = Hands(qtbot, window)
        hands.key("Shift+U")
        hands.key("S")
        hands.wait(lambda: hands.reads("4 of 24 frames verified"), "another frame")
        assert not hands.reads("your login name"), "asked once"
        with hands.in_dialog(lambda dialog: hands.wait(lambda: _author(dialog) == "Mara B.", "the name in Settings")):
            hands.key("Ctrl+,")


def _author(dialog: QDialog) -> str:
    field = dialog.findChild(QLineEdit, "settingsAuthor")
    name = field.text() if field is not None else ""
    dialog.reject()
    return name
