"""Views of a frame that follow one another are what a view made anew would be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.ui.canvas.frame_view import DrawnBox, FrameView, Role
from iouviewer.ui.canvas.hit import truth_ref
from iouviewer.ui.canvas.labels import Label

LABEL = Label(())

boxes_of = st.lists(
    st.builds(
        DrawnBox,
        st.integers(1, 6).map(truth_ref),
        st.tuples(*[st.integers(0, 5).map(float)] * 4),
        st.sampled_from((Role.PLAIN, Role.MISS)),
        st.just("#000000"),
        label=st.sampled_from((None, LABEL)),
        quiet=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda box: box.ref,
)


@settings(max_examples=200, deadline=None)
@given(boxes_of, boxes_of, st.data())
def test_a_view_that_follows_another_equals_one_made_anew(first, second, data) -> None:
    moved = [replace(box, rect=(9.0, *box.rect[1:]), label=None) if data.draw(st.booleans()) else box for box in first]
    before = FrameView.of(3, first)
    for frame, boxes in ((3, moved), (3, second), (3, first), (4, moved), (3, [])):
        followed, anew = before.followed_by(frame, list(boxes)), FrameView.of(frame, list(boxes))
        assert (followed.frame, followed.boxes, followed.places) == (anew.frame, anew.boxes, anew.places)
        assert np.array_equal(followed.rects, anew.rects) and followed.labelled == anew.labelled
        if frame == before.frame:
            # A box that differs is told as it was and as it is.
            expected = [box for box in before.boxes if anew.find(box.ref) != box]
            expected += [box for box in anew.boxes if before.find(box.ref) != box]
            assert sorted(before.differing(followed), key=repr) == sorted(expected, key=repr)
        before = followed


def test_views_before_keep_their_rectangles() -> None:
    box = DrawnBox(truth_ref(1), (0.0, 0.0, 1.0, 1.0), Role.PLAIN, "#000000")
    before = FrameView.of(0, [box])
    after = before.followed_by(0, [replace(box, rect=(2.0, 2.0, 3.0, 3.0))])
    assert before.rects[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0] and after.rects[:, 0].tolist() == [2.0, 2.0, 3.0, 3.0]
