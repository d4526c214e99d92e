"""Locks, isolation, layers and what is hidden: the state of the view that is not part of the document."""

from __future__ import annotations

import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import GROUND_TRUTH
from iouviewer.document.boxes import NO_TRACK, Box
from tests.app.builders import session_with

RECT = (10.0, 20.0, 50.0, 80.0)


@pytest.fixture
def session(qapp) -> Session:
    return session_with({0: [RECT, RECT]}, {"model": {0: [RECT]}}, tracks=True)


def test_a_box_is_locked_by_its_track_or_the_ground_truth(session: Session):
    state = session.view_state
    box, other, loose = Box(1, 0, RECT, 0, 1), Box(2, 0, RECT, 1, 2), Box(3, 0, RECT, 1)
    state.lock_tracks([1, NO_TRACK])
    assert (state.is_locked(box), state.is_locked(other), state.is_locked(loose)) == (True, False, False)
    state.lock_tracks([1], is_locked=False)
    state.lock_layer(GROUND_TRUTH)
    assert state.is_locked(box) and state.is_locked(other)


def test_isolation_dims_everything_but_one_track(session: Session):
    state = session.view_state
    boxes = [Box(1, 0, RECT, 0, 1), Box(2, 0, RECT, 0, 2), None]
    assert not any(state.is_dimmed(box) for box in boxes)
    state.isolate(2)
    assert [state.is_dimmed(box) for box in boxes] == [True, False, True]
    state.isolate(None)
    assert not any(state.is_dimmed(box) for box in boxes)


def test_layers_are_the_ground_truth_and_the_variants(session: Session):
    state = session.view_state
    [variant] = session.variants
    for layer in (GROUND_TRUTH, variant.key):
        assert state.is_layer_visible(layer)
        state.set_layer_visible(layer, False)
        assert not state.is_layer_visible(layer)
    assert not session.variants.visible() and not state.is_layer_visible("nobody")
    state.bring_to_front(variant.key)
    assert state.front_layer == variant.key
    state.bring_to_front(GROUND_TRUTH)
    assert state.front_layer is None


def test_each_change_is_announced_once_and_another_document_resets_it(session: Session):
    state, signals = session.view_state, []
    state.viewStateChanged.connect(lambda: signals.append(1))
    for _ in range(2):
        state.set_blind(True)
        state.lock_tracks([1])
        state.isolate(1)
        state.set_following(True)
    assert len(signals) == 4
    session.open_document(session.document)
    assert len(signals) == 5
    assert not state.locked_tracks and state.isolated_track is None and not state.is_following
    assert state.is_blind, "blind mode is a decision of the person, whatever is open"
