"""The head of Compare: question, verdict cards, axis of the intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameMark, FrameState, SetFrames
from iouviewer.document.variants import RunState
from iouviewer.jobs.compare import ComparedVariant, Conditions
from iouviewer.jobs.judge import Judged
from iouviewer.metrics.intervals import Spread
from iouviewer.metrics.verdict import Difference, Outcome, Verdict, VideoFrames
from iouviewer.reports.gate_reports import Judgement
from iouviewer.ui.compare.intervals import axis_of, spoken_interval, tick_text
from iouviewer.ui.compare.verdict_card import VerdictCard
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.theme import DARK, LIGHT
from tests.app.builders import predictions_of, session_with

TRUTH = (100.0, 100.0, 200.0, 300.0)
FRAMES = 10


@pytest.fixture
def session() -> Session:
    names = ("base", "int8", "pruned")
    return session_with({f: [TRUTH] for f in range(FRAMES)}, {name: {0: [TRUTH]} for name in names})


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> VerdictPanel:
    made = VerdictPanel(session, DARK)
    qtbot.addWidget(made)
    made.resize(1280, 140)
    made.show()
    return made


def difference(metric: str, points: float, low: float, high: float, outcome: Outcome) -> Difference:
    return Difference(metric, points, low, high, 1.0, outcome, spread=Spread(0.5, 8, 42.0, 40.0, 0.3))


def judged(session: Session, name: str, ap: Difference, pq: Difference, outcome: Outcome) -> Judged:
    verdict = Verdict(outcome, (ap, pq), (VideoFrames(FRAMES),), ({},))
    conditions = Conditions((0.001,), (None,), True, False, (False,))
    compared = ComparedVariant(verdict, conditions, FRAMES, (1, 1), (1, 1), 0.25)
    variant = session.variants.find(name)
    assert variant is not None
    return Judged(variant.key, Judgement(name, outcome, f"{name}: {outcome} against base: AP"), compared)


def better(session: Session, name: str = "int8") -> Judged:
    ap, pq = (difference(metric, 0.2, -0.2, 0.6, Outcome.PASS) for metric in ("ap", "pq"))
    return judged(session, name, ap, pq, Outcome.PASS)


def worse(session: Session, name: str = "pruned") -> Judged:
    ap = difference("ap", -1.0, -2.1, 0.1, Outcome.UNDECIDED)
    return judged(session, name, ap, difference("pq", -2.8, -3.9, -1.7, Outcome.FAIL), Outcome.FAIL)


def card(panel: VerdictPanel, name: str) -> VerdictCard:
    found = panel.findChild(VerdictCard, f"verdictCard.{name}")
    assert found is not None
    return found


# Axis and texts


def test_the_axis_shows_margin_zero_and_all_intervals() -> None:
    ap = difference("ap", -1.0, -2.1, 0.1, Outcome.UNDECIDED)
    axis = axis_of([ap, difference("pq", 0.3, -0.2, 1.2, Outcome.PASS)], 1.0)
    rect = QRectF(0, 0, 100, 10)
    places = [axis.x(points, rect) for points in (-2.1, -1.0, 0.0, 1.2)]
    assert places == sorted(places) and places[0] > 0 and places[-1] < 100
    assert 0.0 in axis.ticks() and len(axis.ticks()) <= 9


def test_a_very_bad_variant_does_not_squeeze_the_others() -> None:
    axis = axis_of([difference("ap", -40.0, -45.0, -35.0, Outcome.FAIL)], 1.0)
    assert axis.low > -8
    assert axis.x(-45.0, QRectF(0, 0, 100, 10)) == 0


def test_numbers_of_the_axis_have_a_sign() -> None:
    assert [tick_text(value) for value in (-1.0, 0.0, 1.0, -0.5)] == ["−1", "0", "+1", "−0.5"]


def test_an_interval_is_spoken_with_its_margin() -> None:
    ap = difference("ap", -1.0, -2.1, 0.1, Outcome.UNDECIDED)
    assert spoken_interval(ap) == "AP minus 1.0, 95 % from minus 2.1 to plus 0.1, margin minus 1.0"
    assert spoken_interval(replace(ap, points=math.nan)) == "AP undefined"
    assert spoken_interval(replace(ap, low=math.nan)) == "AP minus 1.0, no interval, margin minus 1.0"


# Cards


def test_each_variant_has_a_card_with_its_outcome_in_words(session: Session, panel: VerdictPanel) -> None:
    panel.set_verdicts([better(session), worse(session)])
    assert [one.objectName() for one in panel.cards] == ["verdictCard.int8", "verdictCard.pruned"]
    assert [one.accessibleName() for one in panel.cards] == ["int8: PASS", "pruned: FAIL"]
    assert card(panel, "pruned").accessibleDescription() == (
        "AP minus 1.0, 95 % from minus 2.1 to plus 0.1, margin minus 1.0; "
        "PQ minus 2.8, 95 % from minus 3.9 to minus 1.7, margin minus 1.0"
    )
    assert card(panel, "int8").toolTip() == "int8: PASS against base: AP"
    assert card(panel, "int8").content.axis == card(panel, "pruned").content.axis


def colours_in(one: VerdictCard) -> set[str]:
    image = one.grab().toImage()
    return {
        QColor(image.pixel(x, y)).name() for x in range(0, image.width(), 1) for y in range(34, image.height() - 24)
    }


def test_an_interval_has_the_colour_of_its_side_of_the_margin(session: Session, panel: VerdictPanel) -> None:
    panel.set_verdicts([better(session), worse(session)])
    for theme in (DARK, LIGHT):
        panel.set_theme(theme)
        good, bad, warn = theme.colours.good, theme.colours.bad, theme.colours.warn
        assert good in colours_in(card(panel, "int8")) and warn not in colours_in(card(panel, "int8"))
        assert {bad, warn} <= colours_in(card(panel, "pruned"))
        assert good not in colours_in(card(panel, "pruned"))


def test_until_the_next_verdicts_the_old_ones_stay_dimmed(session: Session, panel: VerdictPanel) -> None:
    panel.set_verdicts([better(session), worse(session)])
    panel.set_outdated()
    assert [one.content.is_stale for one in panel.cards] == [True, True]
    assert [one.accessibleName() for one in panel.cards] == ["int8: PASS", "pruned: FAIL"]
    panel.set_verdicts([worse(session, "int8")], complete=False)
    assert [one.content.is_stale for one in panel.cards] == [False, True]
    panel.set_verdicts([worse(session, "int8"), better(session, "pruned")])
    assert [one.accessibleName() for one in panel.cards] == ["int8: FAIL", "pruned: PASS"]
    assert not any(one.content.is_stale for one in panel.cards)


def test_a_card_is_chosen_by_mouse_and_by_keys(session: Session, panel: VerdictPanel, qtbot: QtBot) -> None:
    chosen: list[str] = []
    panel.pairChosen.connect(chosen.append)
    panel.set_verdicts([better(session), worse(session)])
    QTest.mouseClick(card(panel, "pruned"), Qt.MouseButton.LeftButton)
    card(panel, "pruned").setFocus()
    qtbot.waitUntil(card(panel, "pruned").hasFocus)
    QTest.keyClick(card(panel, "pruned"), Qt.Key.Key_Left)
    assert card(panel, "int8").hasFocus()
    QTest.keyClick(card(panel, "int8"), Qt.Key.Key_Space)
    keys = [session.variants.find(name).key for name in ("pruned", "int8")]
    assert chosen == keys
    panel.set_compared(keys[0])
    assert [one.content.is_selected for one in panel.cards] == [False, True]


def test_what_cannot_be_judged_says_why(session: Session, panel: VerdictPanel) -> None:
    key = session.variants.find("int8").key
    text = "int8: cannot be judged against base: no labelled frame that both cover."
    refused = Judged(key, Judgement("int8", Outcome.CANNOT_JUDGE, text, reason="no labelled frame that both cover"))
    panel.set_verdicts([refused])
    assert card(panel, "int8").accessibleName() == "int8: CANNOT JUDGE"
    assert card(panel, "int8").content.reason == "No labelled frame that both cover"
    assert card(panel, "int8").toolTip() == text
    assert card(panel, "pruned").content.reason == "Comparing with the baseline…"


def test_a_failed_run_has_buttons_for_what_can_be_done(session: Session, panel: VerdictPanel) -> None:
    key = session.variants.find("int8").key
    session.variants.update(key, state=RunState.FAILED, message="out of memory.", path="net.pt")
    panel.set_verdicts([])
    failed = card(panel, "int8")
    assert failed.content.reason == "The run failed after 10 frames: out of memory"
    requested: list[tuple[str, str]] = []
    panel.resumeRequested.connect(lambda key: requested.append(("resume", key)))
    panel.removeRequested.connect(lambda key: requested.append(("remove", key)))
    for text in ("Resume run", "Remove"):
        button = next(b for b in failed.children() if getattr(b, "text", lambda: "")() == text)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert requested == [("resume", key), ("remove", key)]


def test_four_cards_share_the_width_and_more_scroll(session: Session, panel: VerdictPanel) -> None:
    for name in ("c", "d"):
        session.variants.add(name, predictions_of({0: [TRUTH]}, FRAMES))
    row = panel.findChild(object, "verdicts")
    assert len(panel.cards) == 4 and not row.horizontalScrollBar().isVisible()
    assert panel.cards[-1].geometry().right() <= panel.width()
    session.variants.add("e", predictions_of({0: [TRUTH]}, FRAMES))
    assert len(panel.cards) == 5
    assert row.horizontalScrollBar().maximum() > 0


def test_with_one_variant_the_head_says_how_to_add_another(session: Session, panel: VerdictPanel) -> None:
    for name in ("int8", "pruned"):
        session.variants.remove(session.variants.find(name).key)
    assert panel.cards == () and not panel.question.isVisible()
    requested: list[str] = []
    panel.addRequested.connect(lambda: requested.append("add"))
    panel.runRequested.connect(lambda: requested.append("run"))
    for name in ("compareAddPredictions", "compareRunModel"):
        button = panel.findChild(object, name)
        assert button.isVisible()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert requested == ["add", "run"]


# Question


def menu_texts(menu: QMenu) -> list[str]:
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_the_chips_are_the_configuration(session: Session, panel: VerdictPanel) -> None:
    question = panel.question
    panel.set_margin(2.5)
    assert (question.baseline.text(), question.drop.text(), question.frames.text()) == (
        "base",
        "2.5 points",
        "10 common frames",
    )
    assert menu_texts(question.baseline.menu()) == ["base", "int8", "pruned"]
    assert "2.5 points" in menu_texts(question.drop.menu())
    question.baseline.menu().actions()[1].trigger()
    assert session.variants.baseline.name == "int8" and question.baseline.text() == "int8"
    chosen: list[float] = []
    question.marginChosen.connect(chosen.append)
    menu_texts(question.drop.menu())
    next(a for a in question.drop.menu().actions() if a.text() == "0.5 points").trigger()
    assert chosen == [0.5]


def test_verified_frames_can_be_chosen_once_there_are_some(session: Session, panel: VerdictPanel) -> None:
    question = panel.question
    panel.question.set_verified_only(False, 0)
    menu_texts(question.frames.menu())
    assert not question.frames.menu().actions()[1].isEnabled()
    session.execute(SetFrames((FrameMark(0, FrameState.LABELLED, True),)), "Verify")
    panel.question.set_verified_only(False, 1)
    expected = ["All common frames", "Verified frames only (1)", "Other frames…"]
    assert menu_texts(question.frames.menu()) == expected
    chosen: list[bool] = []
    question.verifiedOnlyChosen.connect(chosen.append)
    question.frames.menu().actions()[1].trigger()
    assert chosen == [True]


def test_the_method_is_that_of_the_verdicts(session: Session, panel: VerdictPanel) -> None:
    panel.set_verdicts([better(session)])
    assert panel.question.method.text() == "Paired, about 42 independent frames"
