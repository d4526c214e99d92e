"""Edits of variants: one step each, undone to the same values, refused where the variant is gone."""

from __future__ import annotations

import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import recolour_variant, remove_variant, rename_variant, set_baseline
from iouviewer.document.edits import SetVariants, decode_edit, encode_edit
from iouviewer.errors import UserError
from tests.app.builders import session_with

BOX = (10.0, 10.0, 50.0, 50.0)


@pytest.fixture
def session() -> Session:
    found = {0: [BOX], 1: [BOX]}
    return session_with(found, frames=2, predictions={"a": found, "b": found, "c": {0: [BOX]}})


def state(session: Session) -> list[tuple[str, str, str, int, bool]]:
    baseline = session.variants.baseline
    return [(one.key, one.name, one.colour, len(one.predictions.table), one is baseline) for one in session.variants]


def test_each_change_is_one_named_step_and_undo_restores_everything(session: Session) -> None:
    states, labels = [state(session)], []
    for change in (
        lambda: rename_variant(session, "b", "int8"),
        lambda: recolour_variant(session, "b", "#999999"),
        lambda: set_baseline(session, "b"),
        lambda: remove_variant(session, "b"),
        lambda: remove_variant(session, "a"),
    ):
        change()
        states.append(state(session))
        step = session.history.undo_step()
        assert step is not None
        labels.append(step.label)
    assert labels == [
        "Rename variant b to int8",
        "Change colour and dash of int8",
        "Set int8 as baseline",
        "Remove variant int8",
        "Remove variant a",
    ]
    assert [name for _, name, *_ in states[-1]] == ["c"]
    for expected in reversed(states[:-1]):
        session.undo()
        assert state(session) == expected
    for expected in states[1:]:
        session.redo()
        assert state(session) == expected


def test_a_change_to_the_same_value_is_no_step(session: Session) -> None:
    rename_variant(session, "b", "b")
    rename_variant(session, "b", "  ")
    recolour_variant(session, "b", session.variants["b"].colour)
    set_baseline(session, "a")
    assert session.history.undo_step() is None


def test_a_removed_variant_has_its_scores_again_after_undo(session: Session) -> None:
    before = session.scores.summary("c").avg_iou
    remove_variant(session, "c")
    session.undo()
    assert session.scores.summary("c").avg_iou == before == 0.5


def test_a_step_of_a_variant_that_is_gone_is_refused_and_changes_nothing(session: Session) -> None:
    before = state(session)
    for edit in (
        SetVariants(restored=("gone",)),
        SetVariants(looks=(("gone", "x", "#999999"),)),
        SetVariants(removed=("a", "gone")),
        SetVariants(baseline="gone"),
    ):
        with pytest.raises(UserError, match="was removed"):
            session.execute(edit, "Change")
        assert state(session) == before


def test_the_edit_is_written_and_read_back() -> None:
    edit = SetVariants((("a", "int8", "#999999"),), ("b",), ("c",), "a", 3)
    assert decode_edit(encode_edit(edit)) == edit
