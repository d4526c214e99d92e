"""What variants see together: doubles, clusters, and their pairs with boxes; checked against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review_evidence import (
    ReviewInputs,
    Rows,
    associate,
    find_clusters,
    suppress,
)
from iouviewer.metrics.table import BoxTable, Convention

FRAMES = 4


def boxes_of(rng: np.random.Generator, count: int) -> BoxTable:
    corner = rng.integers(0, 6, (2, count)) * 12.0
    size = rng.integers(2, 4, (2, count)) * 20.0
    return BoxTable.from_rows(
        rng.integers(0, FRAMES, count),
        np.concatenate((corner, corner + size)),
        frame_count=FRAMES,
        class_ids=rng.integers(0, 2, count),
        scores=rng.permutation(count) / max(count, 1) * 0.9 + 0.1,
    )


def rows(table: BoxTable) -> Rows:
    return Rows(table.offsets, table.boxes, table.class_ids)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60), least=st.sampled_from((0.3, 0.5, 0.7)))
def test_suppression_is_the_greedy_one(seed: int, count: int, least: float) -> None:
    table = boxes_of(np.random.default_rng(seed), count)
    stays, by = suppress(rows(table), table.scores, least, Convention.CONTINUOUS)
    frames = table.frame_of_row()
    kept: list[int] = []
    for row in np.argsort(-table.scores, kind="stable").tolist():
        rivals = [k for k in kept if frames[k] == frames[row] and table.class_ids[k] == table.class_ids[row]]
        overlap = iou_matrix(table.boxes[:, rivals], table.boxes[:, [row]])[:, 0] if rivals else np.zeros(0)
        if overlap.max(initial=0.0) >= least:
            assert overlap[rivals.index(by[row])] == overlap.max()
        else:
            kept.append(row)
            assert by[row] == row
    assert np.flatnonzero(stays).tolist() == sorted(kept)


def inputs_of(truth: list[tuple[float, ...]], variants: list[list[tuple[float, ...]]]) -> ReviewInputs:
    """Boxes (x1, y1, x2, y2) and predictions (x1, y1, x2, y2, score[, class]) of one frame."""
    every = np.ones(1, np.bool_)

    def table(found: list[tuple[float, ...]]) -> BoxTable:
        full = np.array([(*row, 0.0)[:6] for row in found], np.float64).reshape(-1, 6)
        return BoxTable.from_rows(
            np.zeros(len(full), np.int64),
            full[:, :4].T.copy(),
            frame_count=1,
            class_ids=full[:, 5].astype(np.int64),
            scores=full[:, 4].copy(),
        )

    boxes = table([(*rect, 1.0) for rect in truth])
    tracks = np.full(len(boxes), -1, np.int64)
    return ReviewInputs(boxes, tracks, every, tuple((table(one), every) for one in variants))


A, NEAR_A, FAR = (10.0, 10.0, 50.0, 90.0), (14.0, 10.0, 54.0, 90.0), (200.0, 10.0, 240.0, 90.0)


def test_variants_that_see_one_object_form_a_cluster_with_their_mean() -> None:
    clusters = find_clusters(inputs_of([], [[(*A, 0.9)], [(*NEAR_A, 0.3)], []]))
    assert len(clusters) == 1
    assert clusters.scores.tolist() == [[0.9, 0.3, 0.0]]
    assert clusters.mean_score[0] == pytest.approx(0.4) and clusters.share[0] == pytest.approx(2 / 3)
    assert clusters.consensus[0, 0] == pytest.approx((10 * 0.9 + 14 * 0.3) / 1.2)
    assert (clusters.agreeing[0], clusters.voters[0], clusters.bits[0]) == (2, 3, 0b011)
    assert clusters.confidence[0] == pytest.approx(0.6)


def test_a_variants_own_double_does_not_vote_twice() -> None:
    clusters = find_clusters(inputs_of([], [[(*A, 0.9), (*NEAR_A, 0.8)]]))
    assert clusters.scores.tolist() == [[0.9]] and clusters.consensus[0, 0] == 10.0


def test_other_classes_and_places_are_other_clusters() -> None:
    clusters = find_clusters(inputs_of([], [[(*A, 0.9, 0.0), (*FAR, 0.5, 0.0)], [(*A, 0.6, 1.0)]]))
    assert sorted(map(tuple, clusters.scores.tolist())) == [(0.0, 0.6), (0.5, 0.0), (0.9, 0.0)]


def test_a_weak_sight_that_overlaps_more_does_not_take_the_place_of_a_confident_one() -> None:
    exact, sure = A, (24.0, 10.0, 64.0, 90.0)
    inputs = inputs_of([A], [[(*exact, 0.12), (*sure, 0.9)]])
    clusters = find_clusters(inputs)
    pairs = associate(inputs, clusters)
    [box] = np.flatnonzero(pairs.box >= 0)
    assert clusters.mean_score[box] == 0.9 and pairs.cluster[0] == box


def test_noise_is_about_no_box() -> None:
    inputs = inputs_of([A], [[(*A, 0.05)]])
    pairs = associate(inputs, find_clusters(inputs))
    assert pairs.cluster.tolist() == [-1] and pairs.nearest.tolist() == [0] and pairs.overlap[0] == 1.0


def test_predictions_in_ignored_boxes_are_left_out() -> None:
    inputs = inputs_of([A], [[(*A, 0.9)]])
    truth = inputs.truth
    ignored = BoxTable(truth.offsets, truth.boxes, truth.class_ids, truth.scores, np.ones(1, np.bool_), truth.ids)
    found = find_clusters(ReviewInputs(ignored, inputs.tracks, inputs.labelled, inputs.predictions))
    assert len(found) == 0


def test_frames_that_a_variant_does_not_cover_do_not_count_against_it() -> None:
    inputs = inputs_of([], [[(*A, 0.8)], []])
    (one, covered), (other, _) = inputs.predictions
    none = np.zeros(1, np.bool_)
    found = find_clusters(ReviewInputs(inputs.truth, inputs.tracks, covered, ((one, covered), (other, none))))
    assert found.voters.tolist() == [1] and found.mean_score[0] == 0.8
