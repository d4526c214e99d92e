"""Flickers, runs of misses, precision and recall, and the confusion matrix, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.curves import confusion_matrix, precision_recall_curve
from iouviewer.metrics.temporal import summarise_tracks


def _summarise(*tracks: tuple[int, str, int]):
    """Tracks as (id, '1' found, '0' missed, '.' no box, first frame)."""
    ids, frames, found = [], [], []
    for track, states, first in tracks:
        for offset, state in enumerate(states):
            if state != ".":
                ids.append(track)
                frames.append(first + offset)
                found.append(state == "1")
    return summarise_tracks(np.array(ids, int), np.array(frames, int), np.array(found, bool))


@pytest.mark.parametrize(
    ("states", "flickers", "runs", "longest", "at"),
    [
        ("1111", 0, 0, 0, -1),
        ("1011", 1, 0, 1, 6),
        ("0111", 0, 0, 1, 5),
        ("1110", 0, 0, 1, 8),
        ("100101", 1, 1, 2, 6),
        ("10.01", 0, 0, 1, 6),
        ("0000", 0, 1, 4, 5),
        ("1.0.1", 0, 0, 1, 7),
    ],
)
def test_flickers_and_runs_of_a_track(states, flickers, runs, longest, at):
    track = _summarise((7, states, 5)).tracks[0]

    assert (track.flickers, track.runs, track.longest_run, track.longest_run_at) == (flickers, runs, longest, at)
    assert track.frames == len(states.replace(".", ""))
    assert track.found == states.count("1")


def test_the_worst_track_comes_first_and_boxes_without_a_track_are_left_out():
    found = _summarise((1, "1011", 0), (2, "10001", 0), (-1, "0000000", 0))

    assert [track.track for track in found.tracks] == [2, 1]
    assert (found.flickers, found.runs, found.longest_run) == (1, 1, 3)
    assert found.flicker_rate == pytest.approx(1000 / 9)


def test_without_tracks_there_are_no_flickers():
    assert _summarise().tracks == ()
    assert _summarise().flicker_rate == 0


def test_the_curve_counts_equal_scores_together():
    found = precision_recall_curve(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]), positives=4)

    assert found.scores.tolist() == [0.9, 0.5, 0.1]
    assert found.precision == pytest.approx([1, 2 / 3, 2 / 4])
    assert found.recall == pytest.approx([1 / 4, 2 / 4, 2 / 4])
    assert found.f1 == pytest.approx([2 / 5, 4 / 7, 4 / 8])
    assert found.best == 1


def test_ignored_predictions_are_left_out_and_an_empty_curve_has_no_best_point():
    found = precision_recall_curve(np.array([0.9, 0.5]), np.array([False, True]), 1, ignored=np.array([True, False]))

    assert found.precision.tolist() == [1]
    assert precision_recall_curve(np.zeros(0), np.zeros(0, bool), 3).best == -1


def test_the_largest_cells_of_the_confusion_matrix_are_described():
    true = np.array([0, 0, 0, 1, 1, -2])
    predicted = np.array([0, 1, 1, 1, -2, 0])  # -2: nothing

    found = confusion_matrix(true, predicted)

    assert found.counts.tolist() == [[1, 2, 0], [0, 1, 1], [1, 0, 0]]
    assert found.largest(["car", "truck"]) == [
        "2 of 3 car boxes predicted as truck (67%).",
        "1 of 2 truck boxes missed (50%).",
        "1 prediction of car matches no ground-truth box.",
    ]


def test_boxes_without_a_class_are_missed_or_extra_but_never_confused():
    true = np.array([-1, -1, -1, 0, 0, -2, -2])
    predicted = np.array([0, -2, -2, -1, -1, -1, -1])

    assert confusion_matrix(true, predicted).largest(["car"]) == [
        "2 of 3 boxes missed (67%).",
        "2 predictions match no ground-truth box.",
    ]
