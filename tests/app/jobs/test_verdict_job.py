"""Verdicts follow the document in the background."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.verdict_job import VerdictJob
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState, SetFrames, SetRects
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.metrics.table import BoxTable
from iouviewer.metrics.verdict import Outcome

FRAMES = 240


def _boxes(shift: float) -> np.ndarray:
    return np.tile(np.array([[10.0], [10.0], [50.0], [50.0]]), (1, FRAMES)) + np.array([[shift], [0], [shift], [0]])


def _predictions(shift: float) -> PredictionSet:
    scores = np.linspace(0.9, 0.5, FRAMES)
    table = BoxTable.from_rows(np.arange(FRAMES), _boxes(shift), frame_count=FRAMES, scores=scores)
    return PredictionSet(table, np.ones(FRAMES, bool), score_floor=0.001)


@pytest.fixture
def session(qtbot):
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 100, 100, FRAMES, 10.0))
    document.class_names = ("car",)
    nothing = np.zeros(FRAMES, np.int64)
    truth.load_columns(np.arange(FRAMES), _boxes(0), class_ids=nothing, tracks=nothing, flags=nothing)
    truth.load_states(np.full(FRAMES, FrameState.LABELLED, np.int8), np.zeros(FRAMES, bool))
    session = Session()
    session.open_document(document)
    return session


@pytest.fixture
def job(session):
    job = VerdictJob(session)
    yield job
    job.close()


def test_a_worse_variant_fails_and_an_equal_one_passes(qtbot, session, job):
    session.variants.add("base", _predictions(2))
    session.variants.add("same", _predictions(2))
    with qtbot.waitSignal(job.ready, timeout=30_000, check_params_cb=lambda found: len(found) == 2) as answer:
        session.variants.add("worse", _predictions(15))

    verdicts = {verdict.name: verdict for verdict in answer.args[0]}
    assert list(verdicts) == ["same", "worse"]
    assert verdicts["same"].outcome is Outcome.PASS
    assert verdicts["worse"].outcome is Outcome.FAIL
    assert "on this video" in verdicts["worse"].sentence


def test_an_edit_makes_the_verdicts_outdated_and_then_current_again(qtbot, session, job):
    session.variants.add("base", _predictions(2))
    with qtbot.waitSignal(job.ready, timeout=30_000):
        session.variants.add("other", _predictions(3))

    with qtbot.waitSignals([job.outdated, job.ready], timeout=30_000):
        session.execute(SetRects(((1, (12.0, 10.0, 52.0, 50.0)),)), "Move box 1")


def test_a_drag_does_not_start_a_computation_but_its_end_does(qtbot, session, job):
    session.variants.add("base", _predictions(2))
    with qtbot.waitSignal(job.ready, timeout=30_000):
        session.variants.add("other", _predictions(3))

    with qtbot.assertNotEmitted(job.ready, wait=1200):
        session.preview(SetRects(((1, (12.0, 10.0, 52.0, 50.0)),)))
    with qtbot.waitSignal(job.ready, timeout=30_000):
        session.cancel_preview()


def test_without_a_common_labelled_frame_it_cannot_be_judged(qtbot, session, job):
    marks = tuple(FrameMark(frame, FrameState.UNLABELLED, False) for frame in range(FRAMES))
    session.execute(SetFrames(marks), "Unlabel")
    session.variants.add("base", _predictions(2))
    with qtbot.waitSignal(job.ready, timeout=30_000) as answer:
        session.variants.add("other", _predictions(3))

    assert answer.args[0][0].outcome is Outcome.CANNOT_JUDGE
    assert "no labelled frame" in answer.args[0][0].sentence


def test_verdicts_are_emitted_one_by_one(qtbot, session, job):
    emitted = []
    job.ready.connect(lambda found: emitted.append(([verdict.name for verdict in found], job.complete)))
    session.variants.add("base", _predictions(2))
    session.variants.add("same", _predictions(2))
    session.variants.add("worse", _predictions(15))
    qtbot.waitUntil(lambda: job.complete and len(emitted) >= 2, timeout=30_000)
    assert emitted[-2:] == [(["same"], False), (["same", "worse"], True)]


def test_a_class_under_another_name_is_not_judged_in_the_window(qtbot, session, job):
    table = _predictions(2).table
    others = PredictionSet(
        BoxTable.from_rows(np.arange(FRAMES), table.boxes, frame_count=FRAMES, class_ids=np.zeros(FRAMES, np.int64)),
        np.ones(FRAMES, bool),
        score_floor=0.001,
        classes=ClassTable.of(("wagon",)),
    )
    session.variants.add("base", _predictions(2))
    with qtbot.waitSignal(job.ready, timeout=30_000) as answer:
        session.variants.add("other", others)

    [judged] = answer.args[0]
    assert judged.outcome is Outcome.CANNOT_JUDGE
    assert "all 240 predictions of other were left out" in judged.sentence
    assert "--class-map wagon=car" in judged.sentence
