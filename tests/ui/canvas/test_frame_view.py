"""A view updated from the previous one equals a view built from scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.ui.canvas.box_look import truth_look
from iouviewer.ui.canvas.captions import Caption
from iouviewer.ui.canvas.frame_view import BoxState, CanvasBox, FrameView
from iouviewer.ui.canvas.hit import truth_ref

CAPTION = Caption(())

boxes_of = st.lists(
    st.builds(
        CanvasBox,
        st.integers(1, 6).map(truth_ref),
        st.tuples(*[st.integers(0, 5).map(float)] * 4),
        st.sampled_from((BoxState.PLAIN, BoxState.MISSED)),
        st.just(truth_look(0)),
        caption=st.sampled_from((None, CAPTION)),
        is_secondary=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda box: box.ref,
)


@settings(max_examples=200, deadline=None)
@given(boxes_of, boxes_of, st.data())
def test_an_updated_view_equals_one_built_from_scratch(first, second, data) -> None:
    moved = [
        replace(box, rect=(9.0, *box.rect[1:]), caption=None) if data.draw(st.booleans()) else box for box in first
    ]
    before = FrameView.of(3, first)
    for frame, boxes in ((3, moved), (3, second), (3, first), (4, moved), (3, [])):
        updated, built = before.updated(frame, list(boxes)), FrameView.of(frame, list(boxes))
        assert (updated.frame, updated.boxes, updated.index_of) == (built.frame, built.boxes, built.index_of)
        assert np.array_equal(updated.rects, built.rects)
        if frame == before.frame:
            # A box that differs is listed with its old and its new values.
            expected = [box for box in before.boxes if built.find(box.ref) != box]
            expected += [box for box in built.boxes if before.find(box.ref) != box]
            assert sorted(before.changed_boxes(updated), key=repr) == sorted(expected, key=repr)
        before = updated


def test_the_previous_view_keeps_its_rectangles() -> None:
    box = CanvasBox(truth_ref(1), (0.0, 0.0, 1.0, 1.0), BoxState.PLAIN, truth_look(0))
    before = FrameView.of(0, [box])
    after = before.updated(0, [replace(box, rect=(2.0, 2.0, 3.0, 3.0))])
    assert before.rects[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0] and after.rects[:, 0].tolist() == [2.0, 2.0, 3.0, 3.0]
