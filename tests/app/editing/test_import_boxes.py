"""Imported ground truth in a document."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing.import_boxes import prepare_ground_truth
from iouviewer.document.edits import FrameState
from iouviewer.errors import UserError
from tests.app.builders import imported_boxes, session_with

NO, YES = int(FrameState.UNLABELLED), int(FrameState.LABELLED)


def test_frames_that_the_file_names_and_those_with_boxes_are_labelled_as_far_as_the_video_goes() -> None:
    document = session_with({}, frames=5).document
    found = prepare_ground_truth(imported_boxes(Path("gt"), labelled=np.array([-2, 1, 99])), document, {}, 0)
    assert found.states.tolist() == [YES, YES, YES, NO, NO]
    assert found.default_state is FrameState.UNLABELLED
    every = prepare_ground_truth(imported_boxes(Path("gt")), document, {}, 0)
    assert every.states.tolist() == [YES] * 5
    assert every.default_state is FrameState.LABELLED


def test_boxes_past_the_end_are_refused() -> None:
    document = session_with({}, frames=5).document
    with pytest.raises(UserError, match="1 box lies outside the video, which has frames 0–4"):
        prepare_ground_truth(imported_boxes(Path("gt"), frames=(0, 5)), document, {}, 0)
