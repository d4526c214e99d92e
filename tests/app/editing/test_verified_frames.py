"""Scores of verified frames only follow the frames that a person verifies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.verified_frames import VerifiedFrames
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.document.edits import FrameMark, FrameState, SetFrames
from iouviewer.document.scores_types import ScoreSettings
from tests.app.builders import session_with

BOX = (10.0, 10.0, 50.0, 50.0)
MARGINS = {"ap": 1.0}


@pytest.fixture
def session() -> Session:
    boxes = {frame: [BOX] for frame in range(4)}
    return session_with(boxes, {"base": boxes})


def verify(session: Session, frame: int, state: FrameState = FrameState.LABELLED) -> None:
    session.execute(SetFrames((FrameMark(frame, state, True),)), "Verify")


def test_while_active_only_verified_frames_count(session: Session) -> None:
    verified = VerifiedFrames(session)
    every = session.scores.summary("base").frames
    verify(session, 1)
    assert verified.count == 1 and session.scores.summary("base").frames == every
    verified.set_active(True)
    assert session.scores.summary("base").frames == 1
    verify(session, 3)
    assert session.scores.summary("base").frames == 2
    session.go_to(3)
    session.undo()
    assert session.scores.summary("base").frames == 1
    verified.set_active(False)
    assert session.scores.summary("base").frames == every


def test_reports_name_the_selection(session: Session) -> None:
    verified = VerifiedFrames(session)
    verify(session, 1)
    verified.set_active(True)
    request, inputs = read_session(session, MARGINS)
    assert request.frames == "verified" and inputs.frames.tolist() == [1]
    verified.set_active(False)
    request, inputs = read_session(session, MARGINS)
    assert request.frames is None and len(inputs.frames) == session.frame_count


def test_other_settings_keep_the_selection(session: Session) -> None:
    verified = VerifiedFrames(session)
    verify(session, 2)
    verified.set_active(True)
    session.set_score_settings(ScoreSettings())
    assert session.scores.summary("base").frames == 1
    settings = session.scores.settings
    session.set_score_settings(replace(settings, review=replace(settings.review, iou=0.7)))
    assert session.scores.summary("base").frames == 1 and session.scores.settings.review.iou == 0.7
