"""Decisions about problems: as stored text, while they hold, and what they add up to."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.decisions import Decision, HeldDecisions, Verdict, box_state, decode_decision
from iouviewer.document.edits import RemoveBoxes, SetDecisions, SetFlags, SetRects
from iouviewer.document.history import MemoryHistory, RowChanges
from iouviewer.document.review_ledger import LedgerCounts, wilson_interval
from iouviewer.document.steps import FOLLOWS, Step
from iouviewer.jobs.decision_files import decision_file, ledger_of
from tests.document.builders import make_document, state_of

floats = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Decision,
        st.sampled_from(Verdict),
        author=st.text(max_size=5),
        at=floats,
        boxes=st.lists(st.tuples(st.integers(0, 2**50), st.text("0123456789abcdef", max_size=12))).map(tuple),
        topic=st.sampled_from(["", "LOOSE"]),
        rect=st.none() | st.tuples(floats, floats, floats, floats),
        class_id=st.integers(-1, 99),
        track=st.integers(-1, 99),
    )
)
def test_a_decision_is_read_as_it_was_written(decision: Decision) -> None:
    assert decode_decision(decision.encode()) == decision


@pytest.mark.parametrize(
    "text", ["", "other", "{", "[]", '{"v":"no"}', '{"v":"right","rect":[1]}', '{"v":"right","boxes":[1]}']
)
def test_what_is_no_decision_is_none(text: str) -> None:
    assert decode_decision(text) is None


def test_the_bare_verdicts_of_earlier_versions_are_read() -> None:
    assert decode_decision("unclear") == Decision(Verdict.UNCLEAR)


def test_a_decision_holds_until_its_box_changes_and_again_when_the_box_returns() -> None:
    document = make_document()
    truth = document.ground_truth()
    about = Decision(Verdict.RIGHT, boxes=((3, box_state(truth.find(3))),))
    deleted = Decision(Verdict.FIXED, boxes=((9, ""),))
    document.apply(SetDecisions((("LOOSE:1:3", about.encode()), ("EXTRA:1:9", deleted.encode()), ("a", "right"))))
    held = HeldDecisions(truth.find)
    assert held.update(document.decisions()) == {
        "LOOSE:1:3": about,
        "EXTRA:1:9": deleted,
        "a": Decision(Verdict.RIGHT),
    }
    document.apply(SetFlags(((3, 1),)))
    assert "LOOSE:1:3" in held.update(document.decisions(), {3})
    moved = document.apply(SetRects(((3, (5.5, 50.0, 60.0, 71.0)),)))
    assert moved is not None
    assert "LOOSE:1:3" in held.update(document.decisions(), {4}), "only changed boxes are looked at"
    assert set(held.update(document.decisions(), {3})) == {"EXTRA:1:9", "a"}
    document.apply(moved.inverse)
    assert "LOOSE:1:3" in held.update(document.decisions(), {3})
    document.apply(RemoveBoxes((3,)))
    assert "LOOSE:1:3" not in held.update(document.decisions(), None)
    document.apply(SetDecisions((("LOOSE:1:3", ""), ("a", "unclear"))))
    assert held.update(document.decisions(), ()) == {"EXTRA:1:9": deleted, "a": Decision(Verdict.UNCLEAR)}


def test_what_follows_from_a_step_is_undone_with_it_and_leaves_its_name() -> None:
    document, history = make_document(), MemoryHistory()
    before = state_of(document)
    for edit, label, key in (
        (SetRects(((3, (6.0, 50.0, 60.0, 70.0)),)), "Move person 1", ""),
        (SetDecisions((("LOOSE:1:3", "corrected"),)), "Decide", FOLLOWS),
    ):
        applied = document.apply(edit)
        assert applied is not None
        history.append(Step(label, edit, applied.inverse, 0, 1, key), RowChanges(0))
    [step] = history.steps
    assert step.label == "Move person 1" and step.merge_key == ""
    document.apply(step.inverse)
    assert state_of(document) == before
    document.apply(step.edit)
    assert document.decision("LOOSE:1:3") == "corrected"


def test_the_interval_of_wilson_is_that_of_the_literature() -> None:
    # Newcombe (1998), table I, method 3: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_the_ledger_counts_label_errors_with_their_interval() -> None:
    verdicts = [Verdict.FIXED] * 50 + [Verdict.CORRECTED] * 11 + [Verdict.RIGHT] * 139 + [Verdict.UNCLEAR] * 12
    counts = LedgerCounts.of(Decision(verdict) for verdict in verdicts)
    assert counts.text == "212 decided: 61 label errors (29 %, 95 % 23 to 35), 139 kept, 12 unclear"
    assert LedgerCounts().text == "Nothing decided yet"


def test_decisions_are_exported_with_author_and_time_also_those_that_do_not_hold() -> None:
    document = make_document()
    kept = Decision(Verdict.RIGHT, "mb", 1_700_000_000.0, (), "LOOSE", (1.0, 2.0, 3.5, 4.0), 1, 2)
    gone = Decision(Verdict.FIXED, "=ana", 0.0, ((3, "other"),), "EXTRA")
    document.apply(SetDecisions((("LOOSE:3:3", kept.encode()), ("EXTRA:1:3", gone.encode()), ("bad", "unclear"))))
    rows = list(csv.DictReader(io.StringIO(decision_file(document, 0, as_json=False).decode(), newline="")))
    assert [(row["frameID"], row["decision"], row["holds"]) for row in rows] == [
        ("1", "fixed", "0"),
        ("3", "right", "1"),
    ]
    assert rows[0]["author"] == "'=ana" and rows[0]["time"] == rows[0]["x1"] == rows[0]["track"] == ""
    last = {key: rows[1][key] for key in ("problem", "class", "track", "x2", "author", "time")}
    assert last == {
        "problem": "Loose box",
        "class": "car",
        "track": "2",
        "x2": "3.5",
        "author": "mb",
        "time": "2023-11-14T22:13:20Z",
    }
    read = json.loads(decision_file(document, 0, as_json=True))
    assert read["summary"]["decided"] == 2 and read["summary"]["kept"] == 1 and len(read["decisions"]) == 2
    assert read["decisions"][1]["rect"] == [1.0, 2.0, 3.5, 4.0]
    assert ledger_of(document).total == 2
