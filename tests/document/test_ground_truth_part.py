"""A part of the ground truth is what all columns hold of its frames, whatever was edited."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import Box
from iouviewer.document.ground_truth import GroundTruth

FRAMES = 9
EDITS = st.lists(st.tuples(st.integers(1, 14), st.integers(0, FRAMES - 1), st.booleans()), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, FRAMES - 1), max_size=12), EDITS, st.integers(0, FRAMES), st.integers(0, FRAMES))
def test_a_part_is_that_of_all_columns(frames, edits, one, other):
    truth, count = GroundTruth(FRAMES), len(frames)
    boxes, number = np.zeros((4, count)), np.arange(count)
    boxes[:2], boxes[2:] = number, number + 5.5
    truth.load_columns(np.array(frames, np.int64), boxes, class_ids=number % 3, tracks=number, flags=number * 0)
    for box_id, frame, removes in edits:
        old = truth.find(box_id)
        if removes and old is not None:
            truth.drop(old)
        else:
            truth.put(Box(box_id, frame, (1.0, 2.0, 3.0 + box_id, 4.0), box_id % 2, 40 + box_id, 0))
    part = range(min(one, other), max(one, other))
    found = truth.part(part)
    columns = truth.columns()
    rows = (columns[0] >= part.start) & (columns[0] < part.stop)
    for column, expected in zip(found, columns, strict=True):
        assert np.array_equal(column, expected[..., rows])
