"""Parts that follow a drag thirty times a second take turns."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from iouviewer.ui.throttle import LIVE_INTERVAL_MS, TURN_MS, Throttle


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(Throttle, "clock", lambda: now[0])
    monkeypatch.setattr(Throttle, "_last_turn", ("", 0.0))
    return now


def test_two_groups_are_never_updated_between_two_reports_of_the_mouse(clock: list[float]) -> None:
    ran: list[tuple[int, str]] = []
    reports: list[int] = []
    parts = [
        Throttle(lambda name=name: ran.append((len(reports), name)), group=group)
        for name, group in (("inspector", "numbers"), ("list", "numbers"), ("timeline", "timeline"))
    ]
    while len(reports) < 40:
        reports.append(len(reports))
        clock[0] += TURN_MS / 1000
        for part in parts:
            part.request()
    groups = [{name == "timeline" for at, name in ran if at == report} for report in range(1, 41)]
    assert all(len(found) <= 1 for found in groups)
    names = [name for _, name in ran]
    turns = 40 * TURN_MS // LIVE_INTERVAL_MS - 2
    assert all(names.count(name) >= turns for name in ("inspector", "list", "timeline")), "each has its turns"


def test_the_last_request_is_not_lost_when_another_group_has_its_turn(clock: list[float]) -> None:
    ran: list[str] = []
    first = Throttle(lambda: ran.append("first"), group="one")
    second = Throttle(lambda: ran.append("second"), group="other")
    first.request()
    second.request()
    assert ran == ["first"]
    clock[0] += 1.0
    deadline = 200
    while ran != ["first", "second"] and deadline:
        QTest.qWait(5)
        deadline -= 1
    assert ran == ["first", "second"]
