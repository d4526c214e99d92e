"""Misses, flickers, runs and jitter of each track, and the frames behind them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.differences import ComparisonInput
from iouviewer.jobs.track_times import ALL_TRACKS, find_track_times
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable

FRAMES = 10


def boxes(shift: np.ndarray, left: float) -> np.ndarray:
    x = left + shift
    return np.stack([x, np.zeros(FRAMES), x + 20.0, np.full(FRAMES, 20.0)])


def comparison(found: np.ndarray, shift: np.ndarray) -> ComparisonInput:
    """Two tracks over ten frames; the variant finds track 7 on the frames of ``found`` with these offsets."""
    frames = np.arange(FRAMES)
    still = np.zeros(FRAMES)
    truth = BoxTable.from_rows(
        np.concatenate([frames, frames]),
        np.concatenate([boxes(still, 0.0), boxes(still, 100.0)], axis=1),
        frame_count=FRAMES,
    )
    tracks = np.where(truth.boxes[0] < 50.0, 7, 9)
    rows = np.concatenate([frames[found], frames])
    own = np.concatenate([boxes(shift, 0.0)[:, found], boxes(still, 100.0)], axis=1)
    variants = {
        "base": PredictionSet(BoxTable.from_rows(truth.frame_of_row(), truth.boxes, frame_count=FRAMES), covered()),
        "other": PredictionSet(BoxTable.from_rows(rows, own, frame_count=FRAMES), covered()),
    }
    return ComparisonInput(1, truth, covered(), ReviewSettings(), variants, "base", tracks)


def covered() -> np.ndarray:
    return np.ones(FRAMES, np.bool_)


def test_a_flicker_and_a_run_lead_to_their_frames() -> None:
    found = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1, 1], np.bool_)
    rows = find_track_times(comparison(found, np.zeros(FRAMES)))["other"]
    assert [row.track for row in rows] == [ALL_TRACKS, 7, 9]
    everything, worst, fine = rows
    assert (worst.baseline.missed, worst.variant.missed) == (0, 4)
    assert (worst.variant.flickers, worst.variant.longest) == (1, 3)
    assert worst.places.frames.tolist() == [4, 5, 6, 1]  # the longest run first
    assert fine.variant.missed == 0 and len(fine.places) == 0
    assert (everything.frames, everything.variant.missed, everything.variant.longest) == (20, 4, 3)


def test_a_constant_offset_does_not_shake_and_a_changing_one_does() -> None:
    all_found = covered()
    constant = find_track_times(comparison(all_found, np.full(FRAMES, 3.0)))["other"][1]
    assert constant.variant.jitter == pytest.approx(0.0)
    shaking = {row.track: row for row in find_track_times(comparison(all_found, np.arange(FRAMES) % 2 * 2.0))["other"]}
    assert shaking[7].variant.jitter == pytest.approx(10.0)  # 2 px of 20 px, each frame
    assert shaking[9].variant.jitter == pytest.approx(0.0)
    assert shaking[ALL_TRACKS].variant.jitter == pytest.approx(5.0)


def test_without_neighbouring_frames_there_is_no_jitter() -> None:
    rows = find_track_times(comparison(np.arange(FRAMES) % 2 == 0, np.zeros(FRAMES)))["other"]
    assert {row.track: math.isnan(row.variant.jitter) for row in rows} == {ALL_TRACKS: False, 7: True, 9: False}


def test_without_tracks_there_is_nothing() -> None:
    data = comparison(covered(), np.zeros(FRAMES))
    assert find_track_times(ComparisonInput(1, data.truth, covered(), data.review, data.variants, "base")) == {}
