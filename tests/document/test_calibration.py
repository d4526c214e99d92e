"""Frames that a variant was calibrated on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.calibration import calibrated_mask, calibration_frames
from iouviewer.document.frame_ranges import frames_to_ranges, ranges_to_frames
from iouviewer.document.predictions import PredictionSet


def run_on(video: str, *, calibrated_on: str, frames: list[list[int]], count: int = 20) -> PredictionSet:
    made = {"calibration": {"fingerprint": calibrated_on, "frames": frames}}
    return PredictionSet.empty(count, protocol={"fingerprint": video, "made": made})


@given(st.lists(st.integers(0, 60), unique=True))
def test_ranges_keep_frames_in_their_order(frames: list[int]) -> None:
    assert ranges_to_frames(frames_to_ranges(frames)).tolist() == frames


def test_equal_distances_are_one_range() -> None:
    assert frames_to_ranges(range(0, 480, 20)) == [[0, 480, 20]]


@pytest.mark.parametrize("wrong", [[[0, 5]], ["0:5"], [[0, 5, 0]], [[0, 5.0, 1]]])
def test_wrong_ranges_are_refused(wrong: list[object]) -> None:
    with pytest.raises(ValueError, match="range of frames"):
        ranges_to_frames(wrong)


def test_only_frames_of_the_same_video_leave_the_scores() -> None:
    same, other = (run_on(video, calibrated_on="a", frames=[[0, 6, 2], [19, 25, 1]]) for video in ("a", "b"))
    assert calibration_frames(same).tolist() == [0, 2, 4, 19]
    assert calibration_frames(other).tolist() == []
    assert calibration_frames(PredictionSet.empty(20)).tolist() == []
    assert calibration_frames(run_on("", calibrated_on="", frames=[[0, 6, 2]])).tolist() == []


def test_the_frames_of_all_variants_leave_together() -> None:
    sets = [run_on("a", calibrated_on="a", frames=[frames]) for frames in ([0, 2, 1], [1, 4, 1])]
    mask = calibrated_mask([*sets, PredictionSet.empty(20)], 20)
    assert mask is not None and np.flatnonzero(mask).tolist() == [0, 1, 2, 3]
    assert calibrated_mask([PredictionSet.empty(20)], 20) is None
