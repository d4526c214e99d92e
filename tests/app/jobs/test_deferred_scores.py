"""AP of large runs and scores of large sets are computed in the background and equal a full evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.deferred_scores import DeferredScores
from iouviewer.document.edits import SetRects
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores
from iouviewer.document.scores_types import NoAp, VariantSummary
from iouviewer.document.variants import RunState
from tests.app.builders import predictions_of, session_with

FRAMES = 6
BOXES = {frame: [(10.0, 10.0, 50.0, 60.0), (100.0, 20.0, 140.0, 90.0)] for frame in range(FRAMES)}


@pytest.fixture
def session(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr("iouviewer.document.scores_variant.BATCH_AP_LIMIT", 1)
    session = session_with(BOXES, frames=FRAMES)
    session.variants.add("net", PredictionSet.empty(FRAMES, score_floor=0.001), key="net", state=RunState.RUNNING)
    return session


@pytest.fixture
def job(session: Session) -> Iterator[DeferredScores]:
    job = DeferredScores(session)
    yield job
    job.close()


def add_frames(session: Session) -> None:
    """Add one exact and one shifted box to every frame."""
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


def fully_computed_ap(session: Session) -> float | None:
    scores = Scores(session.ground_truth, session.scores.settings)
    scores.set_variant("net", session.variants["net"].predictions)
    return scores.summary("net").ap


def test_ap_is_computed_at_the_end_of_the_run_and_equals_a_full_evaluation(
    session: Session, job: DeferredScores, qtbot
) -> None:
    add_frames(session)
    job.compute_next()
    assert not job.busy
    assert session.scores.summary("net").ap_reason is NoAp.PENDING
    session.variants.update("net", state=RunState.CANCELLED)
    with qtbot.waitSignal(session.scoresChanged):
        pass
    assert session.scores.summary("net").ap == fully_computed_ap(session)
    assert session.scores.summary("net").ap_reason is None


def test_an_edit_while_ap_is_computed_is_not_lost(session: Session, job: DeferredScores, qtbot) -> None:
    add_frames(session)
    session.variants.update("net", state=RunState.FINISHED)
    job.compute_next()
    assert job.busy
    before = fully_computed_ap(session)
    session.execute(SetRects(((2, (106.0, 20.0, 146.0, 90.0)),)), "Move box 2")
    qtbot.waitUntil(lambda: session.scores.summary("net").ap is not None)
    assert session.scores.summary("net").ap == fully_computed_ap(session) != before
    session.undo()
    assert session.scores.summary("net").ap == fully_computed_ap(session) == before


def test_a_variant_that_is_removed_meanwhile_is_forgotten(session: Session, job: DeferredScores, qtbot) -> None:
    add_frames(session)
    session.variants.update("net", state=RunState.FINISHED)
    job.compute_next()
    session.variants.remove("net")
    qtbot.waitUntil(lambda: not job.busy)
    assert session.scores.keys() == ()


# Scores of large sets


@pytest.fixture
def defer_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iouviewer.app.editing.session.DEFERRED_SCORING_BOXES", 10)


@pytest.fixture
def large(qapp: object, defer_above: None) -> Session:
    session = session_with(BOXES, frames=FRAMES)
    session.variants.add(
        "net", predictions_of({f: [(12.0, 10.0, 52.0, 60.0)] for f in range(FRAMES)}, FRAMES), key="net"
    )
    return session


@pytest.fixture
def large_job(large: Session) -> Iterator[DeferredScores]:
    job = DeferredScores(large)
    yield job
    job.close()


def expected(session: Session) -> VariantSummary:
    scores = Scores(session.ground_truth, session.scores.settings)
    scores.set_variant("net", session.variants["net"].predictions)
    return scores.summary("net")


def test_scores_of_a_large_set_are_undefined_until_they_are_computed(
    large: Session, large_job: DeferredScores, qtbot
) -> None:
    pending = large.scores.summary("net")
    assert (pending.avg_iou, pending.pq, pending.ap, pending.tp) == (None, None, None, 0)
    assert pending.ap_reason is NoAp.PENDING and pending.frames == FRAMES
    assert np.isnan(large.scores.timeline("net")).all() and not large.scores.histogram("net").any()
    assert large.scores.frame_review("net", 0).tp == 1
    with qtbot.waitSignal(large.scoresChanged):
        large_job.compute_next()
    assert large.scores.summary("net") == expected(large)
    assert large.scores.pending_scores("net") is None and large.scores.pending_ap("net") is None


def test_an_edit_during_scoring_is_not_lost_and_shows_no_partial_score(
    large: Session, large_job: DeferredScores, qtbot
) -> None:
    large_job.compute_next()
    assert large_job.busy
    large.execute(SetRects(((1, (12.0, 10.0, 52.0, 60.0)),)), "Move box 1")
    assert large.scores.summary("net").avg_iou is None
    qtbot.waitUntil(lambda: large.scores.summary("net").avg_iou is not None)
    assert large.scores.summary("net") == expected(large)
    assert large.scores.frame_iou("net", 0) == 0.5
    large.undo()
    assert large.scores.summary("net") == expected(large)


def test_other_thresholds_keep_ap_and_are_computed_in_the_background(
    large: Session, large_job: DeferredScores, qtbot
) -> None:
    large_job.compute_next()
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


def test_a_run_that_adds_frames_while_scores_are_pending_is_scored_in_the_end(
    large: Session, large_job: DeferredScores, qtbot
) -> None:
    add_frames(large)
    assert large.scores.summary("net").avg_iou is None
    qtbot.waitUntil(lambda: large.scores.summary("net").ap is not None)
    assert large.scores.summary("net") == expected(large)


def test_a_removed_variant_and_a_replaced_ground_truth_discard_pending_results(
    large: Session, large_job: DeferredScores, qtbot
) -> None:
    large_job.compute_next()
    large.reload_ground_truth()
    qtbot.waitUntil(lambda: large.scores.summary("net").ap is not None)
    assert large.scores.summary("net") == expected(large)
    large.reload_ground_truth()
    large_job.compute_next()
    large.variants.remove("net")
    qtbot.waitUntil(lambda: not large_job.busy)
    assert large.scores.keys() == ()
