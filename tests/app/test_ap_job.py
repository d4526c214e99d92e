"""AP of large runs is computed beside the window, and is the AP of an evaluation from the start."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from iouviewer.app.ap_job import ApJob
from iouviewer.app.session import Session
from iouviewer.document.edits import SetRects
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores
from iouviewer.document.scores_types import NoAp
from iouviewer.document.variants import RunState
from tests.ui.helpers import session_with

FRAMES = 6
BOXES = {frame: [(10.0, 10.0, 50.0, 60.0), (100.0, 20.0, 140.0, 90.0)] for frame in range(FRAMES)}


@pytest.fixture
def session(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr("iouviewer.document.scores_variant._CHEAP", 1)
    session = session_with(BOXES, frames=FRAMES)
    session.variants.add("net", PredictionSet.empty(FRAMES, score_floor=0.001), key="net", state=RunState.RUNNING)
    return session


@pytest.fixture
def job(session: Session) -> Iterator[ApJob]:
    job = ApJob(session)
    yield job
    job.close()


def run_on(session: Session) -> None:
    """Every frame has one good and one shifted box."""
    frames = np.arange(FRAMES)
    boxes = np.array([[10.0, 10.0, 50.0, 60.0], [106.0, 20.0, 146.0, 90.0]] * FRAMES).T
    grown = session.variants["net"].predictions.with_frames(
        frames,
        row_frames=np.repeat(frames, 2),
        boxes=boxes,
        class_ids=np.zeros(2 * FRAMES, np.int64),
        scores=np.linspace(0.9, 0.3, 2 * FRAMES),
    )
    session.variants.extend_predictions("net", grown, frozenset(range(FRAMES)))


def from_the_start(session: Session) -> float | None:
    scores = Scores(session.ground_truth, session.scores.settings)
    scores.set_variant("net", session.variants["net"].predictions)
    return scores.summary("net").ap


def test_ap_waits_for_the_end_of_the_run_and_is_then_that_of_an_evaluation_from_the_start(
    session: Session, job: ApJob, qtbot
) -> None:
    run_on(session)
    job._ask()
    assert not job._computing
    assert session.scores.summary("net").ap_reason is NoAp.PENDING
    session.variants.update("net", state=RunState.CANCELLED)
    with qtbot.waitSignal(session.scoresChanged):
        pass
    assert session.scores.summary("net").ap == from_the_start(session)
    assert session.scores.summary("net").ap_reason is None


def test_an_edit_while_ap_is_computed_is_not_lost(session: Session, job: ApJob, qtbot) -> None:
    run_on(session)
    session.variants.update("net", state=RunState.FINISHED)
    job._ask()
    assert job._computing
    before = from_the_start(session)
    session.execute(SetRects(((2, (106.0, 20.0, 146.0, 90.0)),)), "Move box 2")
    qtbot.waitUntil(lambda: session.scores.summary("net").ap is not None)
    assert session.scores.summary("net").ap == from_the_start(session) != before
    session.undo()
    assert session.scores.summary("net").ap == from_the_start(session) == before


def test_a_variant_that_is_removed_meanwhile_is_forgotten(session: Session, job: ApJob, qtbot) -> None:
    run_on(session)
    session.variants.update("net", state=RunState.FINISHED)
    job._ask()
    session.variants.remove("net")
    qtbot.waitUntil(lambda: not job._computing)
    assert session.scores.keys() == ()
