"""Numbers as text, and the best frame offset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.formats.frame_offset import describe_offsets, propose_offset
from iouviewer.formats.number_text import corner_texts, exact_text, extent_texts, round_values, short_text
from iouviewer.formats.registry import read_boxes


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.0, "12"), (0.5, "0.5"), (-0.0, "0"), (-1e-9, "0"), (0.00001, "0.00001"), (31.029999999999973, "31.03")],
)
def test_numbers_are_short(value, text):
    assert short_text(float(round_values(np.array([value]))[0])) == text


@given(st.floats(-1e7, 1e7))
def test_a_rounded_number_is_close_stable_and_reads_back_exactly(value):
    once = round_values(np.array([value]))
    assert abs(once[0] - value) <= 5.1e-7
    assert np.array_equal(round_values(once), once)
    assert float(short_text(float(once[0]))) == once[0]
    assert len(short_text(float(once[0])).partition(".")[2]) <= 6


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_exact_number_reads_back_exactly(value):
    assert float(exact_text(value)) == value


def test_a_box_thinner_than_the_rounding_keeps_its_extent():
    boxes = np.array([[0.3], [0.3], [0.3 + 2e-7], [0.4]])
    x1, _, x2, _ = map(float, corner_texts(boxes)[0])
    assert (x1, x2) == (0.3, 0.3 + 2e-7)
    assert float(extent_texts(boxes)[0][2]) > 0


def moving_boxes(count, speed):
    frames = np.arange(count)
    boxes = np.stack([speed * frames, np.zeros(count), speed * frames + 20.0, np.full(count, 20.0)])
    return frames, boxes


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_the_applied_offset_is_proposed_first(offset):
    frames, boxes = moving_boxes(60, 4.0)
    proposals = propose_offset(frames, boxes, frames - offset, boxes)
    assert proposals[0] == (offset, 1.0)
    assert [o for o, _ in sorted(proposals)] == list(range(-3, 4))


def test_among_equal_offsets_the_nearest_to_zero_comes_first():
    frames, boxes = moving_boxes(60, 0.0)
    assert propose_offset(frames, boxes, frames, boxes)[0][0] == 0


def test_without_boxes_no_offset_is_proposed():
    frames, boxes = moving_boxes(5, 1.0)
    none = np.zeros(0, np.int64), np.zeros((4, 0))
    assert propose_offset(*none, frames, boxes) == []
    assert propose_offset(frames, boxes, *none) == []
    assert describe_offsets([]) == ""


def test_the_mean_equals_that_of_a_plain_loop():
    rng = np.random.default_rng(5)
    frames_a, frames_b = np.sort(rng.integers(0, 30, 80)), rng.integers(0, 30, 90)
    boxes_a, boxes_b = (
        np.concatenate([c := rng.uniform(0, 50, (2, n)), c + rng.uniform(5, 40, (2, n))]) for n in (80, 90)
    )
    inner = [i for i in range(80) if frames_b.min() + 1 <= frames_a[i] <= frames_b.max() - 1]

    def iou(a, b):
        w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        inter = max(w, 0) * max(h, 0)
        return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)

    for offset, mean in propose_offset(frames_a, boxes_a, frames_b, boxes_b, range(-1, 2)):
        best = [
            max(
                (iou(boxes_a[:, i], boxes_b[:, j]) for j in range(90) if frames_b[j] + offset == frames_a[i]),
                default=0.0,
            )
            for i in inner
        ]
        assert mean == pytest.approx(np.mean(best), abs=1e-12)


@pytest.mark.parametrize(
    ("proposals", "text"),
    [
        ([(0, 0.81), (1, 0.43)], "offset 0 gives 0.81, offset 1 gives 0.43"),
        ([(-1, 0.81), (1, 0.5), (0, 0.43)], "offset -1 gives 0.81, offset 0 gives 0.43"),
    ],
)
def test_the_description_has_the_best_and_the_current_offset(proposals, text):
    assert describe_offsets(proposals) == text


def test_real_detections_that_are_one_frame_late_are_found(shared_data):
    truth = read_boxes(shared_data / "pets09" / "gt.txt")
    found = read_boxes(shared_data / "pets09" / "det_frcnn.txt")
    assert propose_offset(truth.frames, truth.boxes, found.frames + 1, found.boxes)[0][0] == -1
    assert propose_offset(truth.frames, truth.boxes, found.frames, found.boxes)[0][0] == 0
