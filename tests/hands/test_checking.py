"""The first screen comes before the check of the project ends; what is edited meanwhile waits for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.project import background_check, schema
from tests.hands.cases import Case
from tests.hands.test_safe_opening import (
    at_window,
    box_count,
    draw_box,
    make_project,
    mark,
    notice_text,
    pytestmark,
    stored_boxes,
)
from tests.ui.window import FRAMES

__all__ = ["pytestmark"]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The check of a large file on a slow disk: it begins to read when the event is set."""
    may_read = threading.Event()
    verify = background_check.verify

    def verify_later(connection: sqlite3.Connection, **options: Any) -> None:
        may_read.wait(60)  # so that a failing test ends
        verify(connection, **options)

    monkeypatch.setattr(background_check, "verify", verify_later)
    yield may_read
    may_read.set()


def test_an_edit_waits_until_the_file_is_checked(qtbot: QtBot, case: Case, gate: threading.Event) -> None:
    gate.set()
    project = make_project(qtbot, case)
    gate.clear()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes, before the check has ended")
        hands.wait(lambda: "Checking" in mark(hands), "the mark")
        assert not hands.sees("noticeBar"), "nothing to decide"
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3, "the box on the screen")
        assert not hands.reads("Saved, clip.avi.iouv") and stored_boxes(project) == 2 * FRAMES
        assert "Checking" in mark(hands)
        gate.set()
        hands.wait(lambda: not mark(hands), "the mark to go")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the box to be saved")
        assert stored_boxes(project) == 2 * FRAMES + 1


def test_an_edit_made_during_a_check_that_finds_damage_is_saved_in_a_new_file(
    qtbot: QtBot, case: Case, gate: threading.Event
) -> None:
    gate.set()
    project = make_project(qtbot, case)
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        draw_box(hands)
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "a step of the history")
    gate.clear()
    with closing(schema.connect(project)) as connection:
        connection.execute("UPDATE history SET label = 'Something else'")
    damaged = project.read_bytes()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: "Checking" in mark(hands), "the mark")
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 4, "the box on the screen")
        assert project.read_bytes() == damaged, "nothing was built upon it"
        gate.set()
        assert "damaged" in notice_text(hands, "salvaged")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the box to be saved")
    assert stored_boxes(project) == 2 * FRAMES + 2
    [kept] = project.parent.glob("*.damaged-*")
    assert kept.read_bytes() == damaged
