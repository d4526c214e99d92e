"""Edit previews: any series leaves the same as its last preview alone, and is reverted exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.app.editing.session import Session
from iouviewer.document.document import Document
from iouviewer.document.edits import Change, Edit, Phase, RemoveBoxes, SetRects
from iouviewer.document.history import MemoryHistory
from iouviewer.errors import UserError
from tests.document.builders import make_document, state_of

pytestmark = pytest.mark.usefixtures("qapp")

_IDS = sorted(make_document().ground_truth().columns()[5].tolist())[:3]
_BEFORE = {box_id: make_document().ground_truth().find(box_id) for box_id in _IDS}
_CORNERS = st.floats(0.0, 40.0, allow_subnormal=False)


_IDS_OF_EDIT = st.lists(st.sampled_from(_IDS), min_size=1, max_size=3, unique=True)


@st.composite
def _rects(draw: st.DrawFn, ids: list[int]) -> Edit:
    """New rectangles for some boxes; some are unchanged and few are invalid."""
    rects = []
    for box_id in ids:
        box = _BEFORE[box_id]
        assert box is not None
        new = st.builds(lambda x, y: (x, y, x + 5.0, y + 7.0), _CORNERS, _CORNERS)
        rects.append((box_id, draw(st.one_of(new, new, st.just(box.rect)))))
    if not draw(st.integers(0, 9)):
        rects[-1] = (rects[-1][0], (5.0, 5.0, 4.0, 6.0))
    return SetRects(tuple(rects))


@st.composite
def _edits(draw: st.DrawFn) -> list[Edit]:
    """Edits of a gesture on the same boxes, and sometimes other edits."""
    ids = draw(_IDS_OF_EDIT)
    same = _rects(ids)
    other = st.one_of(_IDS_OF_EDIT.flatmap(_rects), st.just(RemoveBoxes((_IDS[0],))))
    return draw(st.lists(st.one_of(same, same, same, other), min_size=1, max_size=8))


_EDITS = _edits()


def _applied(edits: list[Edit]) -> tuple[Document, bool]:
    """The document after the last edit alone, and whether that edit is valid and changes anything."""
    document = make_document()
    try:
        return document, document.apply(edits[-1]) is not None
    except UserError:
        return document, False


@given(_EDITS)
def test_a_series_of_previews_has_the_effect_of_its_last_one(edits: list[Edit]):
    session = Session()
    session.open_document(make_document())
    emitted: list[Change] = []
    session.changed.connect(emitted.append)
    for edit in edits:
        before, seen = state_of(session.document), len(emitted)
        try:
            session.preview(edit)
        except UserError:
            assert state_of(session.document) == state_of(make_document())
        # Views that redraw only what the signals name stay correct.
        assert state_of(session.document) == before or len(emitted) > seen
        assert {change.phase for change in emitted} <= {Phase.LIVE}
    expected, changes = _applied(edits)
    assert state_of(session.document) == state_of(expected)
    committed = session.commit_preview("Move")
    assert (committed is not None) == changes
    assert state_of(session.document) == state_of(expected)
    history = session.history
    assert isinstance(history, MemoryHistory) and len(history.steps) == changes
    if committed is not None:
        assert committed.frames == {box.frame for i in committed.box_ids if (box := _BEFORE[i]) is not None}
        # The first press may only go to the step's frame.
        session.go_to(history.steps[0].frame)
        session.undo()
        assert state_of(session.document) == state_of(make_document())
        session.redo()
        assert state_of(session.document) == state_of(expected)


@given(_EDITS)
def test_a_series_of_previews_is_reverted_exactly(edits: list[Edit]):
    session = Session()
    session.open_document(make_document())
    for edit in edits:
        try:
            session.preview(edit)
        except UserError:
            continue
    session.cancel_preview()
    assert state_of(session.document) == state_of(make_document())
    assert session.commit_preview("nothing") is None
