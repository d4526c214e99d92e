"""AP of large runs and all numbers of large sets are computed beside the window, and are those from the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.deferred_scores import ApJob
from iouviewer.document.edits import SetRects
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores
from iouviewer.document.scores_types import NoAp, VariantSummary
from iouviewer.document.variants import RunState
from tests.ui.helpers import predictions_of, session_with

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


# All numbers of large sets


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iouviewer.app.editing.session.SCORED_LATER", 10)


@pytest.fixture
def large(qapp: object, later: None) -> Session:
    session = session_with(BOXES, frames=FRAMES)
    session.variants.add(
        "net", predictions_of({f: [(12.0, 10.0, 52.0, 60.0)] for f in range(FRAMES)}, FRAMES), key="net"
    )
    return session


@pytest.fixture
def large_job(large: Session) -> Iterator[ApJob]:
    job = ApJob(large)
    yield job
    job.close()


def expected(session: Session) -> VariantSummary:
    scores = Scores(session.ground_truth, session.scores.settings)
    scores.set_variant("net", session.variants["net"].predictions)
    return scores.summary("net")


def test_numbers_of_a_large_set_are_undefined_until_they_are_computed(large: Session, large_job: ApJob, qtbot) -> None:
    pending = large.scores.summary("net")
    assert (pending.avg_iou, pending.pq, pending.ap, pending.tp) == (None, None, None, 0)
    assert pending.ap_reason is NoAp.PENDING and pending.frames == FRAMES
    assert np.isnan(large.scores.timeline("net")).all() and not large.scores.histogram("net").any()
    assert large.scores.frame_review("net", 0).tp == 1
    with qtbot.waitSignal(large.scoresChanged):
        large_job._ask()
    assert large.scores.summary("net") == expected(large)
    assert large.scores.pending_scores("net") is None and large.scores.pending_ap("net") is None


def test_an_edit_while_all_is_computed_is_not_lost_and_shows_no_partial_number(
    large: Session, large_job: ApJob, qtbot
) -> None:
    large_job._ask()
    assert large_job._computing
    large.execute(SetRects(((1, (12.0, 10.0, 52.0, 60.0)),)), "Move box 1")
    assert large.scores.summary("net").avg_iou is None
    qtbot.waitUntil(lambda: large.scores.summary("net").avg_iou is not None)
    assert large.scores.summary("net") == expected(large)
    assert large.scores.frame_iou("net", 0) == 0.5
    large.undo()
    assert large.scores.summary("net") == expected(large)


def test_other_thresholds_keep_ap_and_are_computed_beside_the_window(large: Session, large_job: ApJob, qtbot) -> None:
    large_job._ask()
    qtbot.waitUntil(lambda: large.scores.summary("net").ap is not None)
    ap = large.scores.summary("net").ap
    settings = large.scores.settings
    large.set_score_settings(replace(settings, review=replace(settings.review, iou=0.95)))
    assert large.scores.summary("net").ap == ap and large.scores.summary("net").pq is None
    large.set_score_settings(replace(settings, review=replace(settings.review, iou=0.98)))
    qtbot.waitUntil(lambda: large.scores.summary("net").pq is not None)
    assert large.scores.summary("net") == expected(large)
    assert large.scores.summary("net").tp == 0
    box = large.ground_truth.boxes(0)[0]
    large.execute(SetRects(((box.id, (12.0, 10.0, 52.0, 60.0)),)), "Move")
    assert large.scores.summary("net") == expected(large)


def test_a_run_that_grows_while_its_numbers_are_pending_has_them_in_the_end(
    large: Session, large_job: ApJob, qtbot
) -> None:
    run_on(large)
    assert large.scores.summary("net").avg_iou is None
    qtbot.waitUntil(lambda: large.scores.summary("net").ap is not None)
    assert large.scores.summary("net") == expected(large)


def test_a_removed_variant_and_another_ground_truth_drop_what_is_computed(
    large: Session, large_job: ApJob, qtbot
) -> None:
    large_job._ask()
    large.reload_ground_truth()
    qtbot.waitUntil(lambda: large.scores.summary("net").ap is not None)
    assert large.scores.summary("net") == expected(large)
    large.reload_ground_truth()
    large_job._ask()
    large.variants.remove("net")
    qtbot.waitUntil(lambda: not large_job._computing)
    assert large.scores.keys() == ()
