"""What has been done with frames: verified, empty, changed, excluded."""

from __future__ import annotations

import pytest

from iouviewer.document import frame_states
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.frame_states import FrameProgress, FrameWork, VerifiedBy, describe_work, frames_with, work_of
from iouviewer.errors import UserError
from iouviewer.jobs.frame_states_file import frame_states_csv
from tests.document.builders import state_of
from tests.document.test_commands import RECT, document_with, run


def verified_document() -> Document:
    """Frames 0 and 1 have a box; 0 is verified, 4 is verified as empty."""
    document = document_with(Box(1, 0, RECT), Box(2, 1, RECT), state=FrameState.UNLABELLED)
    run(document, frame_states.verify(document, 0))
    run(document, frame_states.verify(document, 4, empty=True))
    return document


def test_verifying_labels_the_frame_and_verifying_as_empty_needs_an_empty_frame() -> None:
    document = verified_document()
    truth = document.ground_truth()
    assert work_of(truth, 4) is FrameWork.VERIFIED_EMPTY and truth.state(4) is FrameState.LABELLED
    with pytest.raises(UserError, match="frame 1: the frame has 1 box"):
        frame_states.verify(document, 1, empty=True)


def test_an_excluded_frame_keeps_what_was_verified_and_gets_it_back() -> None:
    document = verified_document()
    truth, before = document.ground_truth(), state_of(document)
    undo = document.apply(frame_states.exclude(document, [0, 2, 4]).edit)
    assert undo is not None
    assert [work_of(truth, f) for f in (0, 2, 4)] == [FrameWork.EXCLUDED] * 3
    assert not truth.verified().any(), "an excluded frame is not counted as verified"
    with pytest.raises(UserError, match="excluded"):
        frame_states.verify(document, 0)
    run(document, frame_states.include(document, [0, 2, 4]))
    assert [truth.state(f) for f in (0, 2, 4)] == [FrameState.LABELLED, FrameState.UNLABELLED, FrameState.LABELLED]
    assert state_of(document) == before
    document.apply(frame_states.exclude(document, [0, 2, 4]).edit)
    document.apply(undo.inverse)
    assert state_of(document) == before


def test_the_lists_of_frames_and_the_rule_for_one_frame_agree() -> None:
    document = verified_document()
    truth = document.ground_truth()
    run(document, frame_states.exclude(document, [5]))
    for work in FrameWork:
        assert frames_with(truth, work).tolist() == [work_of(truth, f) is work for f in range(truth.frame_count)]
    assert FrameProgress.of(truth) == FrameProgress(2, 0, 1, truth.frame_count - 1)
    assert describe_work(truth) == {
        "verified": {"count": 1, "frames": "0:1"},
        "verified_empty": {"count": 1, "frames": "4:5"},
        "excluded": {"count": 1, "frames": "5:6"},
    }


def test_the_file_has_a_row_for_each_frame_with_who_verified_it() -> None:
    document = verified_document()
    run(document, frame_states.exclude(document, [1]))
    lines = frame_states_csv(document.ground_truth(), {0: VerifiedBy("mb", 0.0)}).decode().splitlines()
    assert lines[:3] == [
        "frameID,state,boxes,verified_by,verified_at",
        "0,verified,1,mb,1970-01-01T00:00:00+00:00",
        "1,excluded,1,,",
    ]
    assert lines[5] == "4,verified_empty,0,,"
