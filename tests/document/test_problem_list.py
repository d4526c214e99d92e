"""The list of problems: groups, filters, done problems, and what edits change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.decisions import Decision, Verdict
from iouviewer.document.problem_groups import GroupedProblems, group_problems
from iouviewer.document.problem_list import ProblemFilter, ProblemList, ProblemOrder
from iouviewer.document.problem_table import ProblemTable
from iouviewer.document.problems import Problem, ProblemKind, problem_key

FRAMES = 12
NAMES = ("person", "car")


def problem(
    frame: int,
    kind: ProblemKind = ProblemKind.LOOSE,
    *,
    score: float = 0.5,
    box: int | None = 1,
    track: int = -1,
    class_id: int = 0,
    x: float = 0.0,
    agreeing: int = 2,
) -> Problem:
    rect = (x, 0.0, x + 40.0, 80.0)
    iou = 0.5 if kind is ProblemKind.LOOSE else None
    key = problem_key(kind, frame, box, rect)
    return Problem(key, frame, kind, score, box, rect, class_id, track, iou, agreeing=agreeing, voters=3)


def filled(problems: list[Problem]) -> ProblemList:
    found = ProblemList()
    found.class_names = NAMES
    found.set_problems(grouped(problems))
    return found


def grouped(problems: list[Problem]) -> GroupedProblems:
    return group_problems(ProblemTable.of(problems, FRAMES))


def edit(found: ProblemList, frame: int, problems: list[Problem], *, by_user: bool = True) -> None:
    """Replace the problems of a frame, as a search after an edit does."""
    table = found.table
    others = [table.problem(row) for row in range(len(table)) if int(table.frames[row]) != frame]
    found.set_problems_around(grouped([*others, *problems]), {frame} if by_user else set())


RIGHT = Decision(Verdict.RIGHT)


def visible(found: ProblemList) -> list[Problem]:
    return [found.problem(row) for row in found.list_visible().rows.tolist()]


def groups(found: ProblemList) -> list[list[int]]:
    """Frames of the problems of each group."""
    view = found.list_visible()
    frames = [found.problem(row).frame for row in view.rows.tolist()]
    return [frames[a:b] for a, b in zip(view.starts.tolist(), view.starts.tolist()[1:], strict=False)]


def test_an_empty_list_has_no_visible_and_no_done_problems() -> None:
    found = filled([])
    assert visible(found) == [] and groups(found) == [] and found.count_done() == 0
    found.grouped = False
    assert visible(found) == []
    assert found.count_open() == dict.fromkeys(ProblemKind, 0)


def test_a_lasting_error_of_a_track_is_a_group_and_the_likeliest_group_comes_first() -> None:
    lasting = [problem(frame, score=0.3 + 0.1 * frame, box=frame, track=7) for frame in (2, 1, 3)]
    later = [problem(9, score=0.4, box=30, track=7)]
    other = [problem(2, ProblemKind.EXTRA, score=0.35, box=9, track=7), problem(4, score=0.9, box=8, track=8)]
    assert groups(filled([*lasting, *later, *other])) == [[4], [1, 2, 3], [9], [2]]


def test_a_much_likelier_frame_is_an_error_of_its_own() -> None:
    drift = [problem(frame, score=0.95 if frame == 3 else 0.3, box=frame, track=7) for frame in range(1, 6)]
    assert sorted(groups(filled(drift))) == [[1, 2], [3], [4, 5]]


def test_missing_boxes_and_gaps_of_a_track_are_one_error() -> None:
    kinds = (ProblemKind.MISSING, ProblemKind.GAP, ProblemKind.GAP, ProblemKind.MISSING)
    hole = [problem(frame, kind, box=None, track=4) for frame, kind in enumerate(kinds, 2)]
    found = filled(hole)
    assert groups(found) == [[2, 3, 4, 5]]
    assert [one.frame for one in found.objects_of(hole[1].key)] == [2, 3, 4, 5]


def test_the_front_of_each_error_is_its_likeliest_frame() -> None:
    lasting = [problem(frame, score=0.5 + 0.05 * (frame % 4), box=frame, track=7) for frame in (1, 2, 3, 4)]
    other = [problem(frame, ProblemKind.EXTRA, score=0.9, box=20 + frame, track=8) for frame in (6, 7)]
    found = filled([*lasting, *other])
    rows = found.list_visible().rows
    assert [found.problem(int(rows[place])).frame for place in found.front_places(rows)] == [6, 3]
    assert found.front_places(rows[:0]).tolist() == []


def test_each_end_of_a_swap_is_decided_for_itself() -> None:
    ends = [problem(frame, ProblemKind.SWAP, box=frame, track=4) for frame in (3, 5)]
    assert sorted(groups(filled(ends))) == [[3], [5]]


def test_problems_without_a_track_are_grouped_where_they_overlap_from_frame_to_frame() -> None:
    ghost = [problem(frame, ProblemKind.MISSING, box=None, x=2.0 * frame) for frame in (0, 1, 2, 4)]
    far = problem(1, ProblemKind.MISSING, box=None, x=300.0)
    late = problem(11, ProblemKind.MISSING, box=None, x=4.0)
    car = problem(3, ProblemKind.MISSING, box=None, x=6.0, class_id=1)
    assert sorted(groups(filled([*ghost, far, late, car]))) == [[0, 1, 2, 4], [1], [3], [11]]


def test_a_box_is_linked_to_its_best_overlapping_successor_only() -> None:
    first, near, further = (
        problem(f, ProblemKind.EXTRA, box=b, x=x) for f, b, x in ((0, 1, 0.0), (1, 2, 1.0), (1, 3, 8.0))
    )
    found = filled([first, near, further])
    assert sorted(groups(found)) == [[0, 1], [1]]
    [pair] = [group for group in range(2) if len(groups(found)[group]) == 2]
    start = found.list_visible().starts[pair]
    assert found.problem(int(found.list_visible().rows[start + 1])).key == near.key


def test_what_one_variant_says_alone_comes_last_and_is_never_left_to_do() -> None:
    alone = problem(1, ProblemKind.MISSING, box=None, score=0.9, agreeing=1, x=200.0)
    agreed = problem(2, ProblemKind.MISSING, box=None, score=0.4)
    timed = replace(problem(3, ProblemKind.MISSING, box=None, score=0.5, agreeing=1, track=4), timed=True)
    found = filled([alone, agreed, timed])
    for found.grouped in (True, False):
        assert [one.frame for one in visible(found)] == [3, 2, 1]
    assert [one.evidence_only for one in visible(found)] == [False, False, True]
    assert found.count_left() == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_filter_agrees_with_checking_each_problem(data: st.DataObject) -> None:
    one = st.builds(
        problem,
        st.integers(0, FRAMES - 1),
        st.sampled_from(list(ProblemKind)),
        score=st.sampled_from((0.0, 0.3, 0.6, 1.0)),
        box=st.integers(1, 15),
        track=st.sampled_from((-1, 1, 2, 12)),
        class_id=st.sampled_from((-1, 0, 1)),
        agreeing=st.sampled_from((1, 2)),
    )
    problems = list({p.key: p for p in data.draw(st.lists(one, max_size=40))}.values())
    edited = data.draw(st.lists(one, max_size=6))
    found = filled(problems)
    now = {p.key: p for p in problems}
    for frame in {p.frame for p in edited}:
        replaced = list({p.key: p for p in edited if p.frame == frame}.values())
        edit(found, frame, replaced, by_user=False)
        now = {key: p for key, p in now.items() if p.frame != frame} | {p.key: p for p in replaced}
    decided = data.draw(st.sets(st.sampled_from(sorted(now)), max_size=5)) if now else set()
    found.set_decisions(dict.fromkeys(decided, RIGHT))
    found.grouped = data.draw(st.booleans())
    known = ("person", "CAR", "loose", "3", "12", "#4", "2-6", "missing")
    words = data.draw(st.lists(st.sampled_from(known), max_size=2))
    topics = data.draw(st.frozensets(st.sampled_from(list(ProblemKind)), max_size=2))
    class_ids = data.draw(st.sampled_from((frozenset(), frozenset({0}), frozenset({-1, 1}))))
    tracks = data.draw(st.sampled_from((frozenset(), frozenset({1, 12}))))
    min_score = data.draw(st.sampled_from((0.0, 0.3, 0.5)))
    found.filter = ProblemFilter(topics, min_score, " ".join(words), class_ids, tracks=tracks)
    found.order = data.draw(st.sampled_from(ProblemOrder))

    def fits(p: Problem, word: str) -> bool:
        names = {
            "person": p.class_id == 0,
            "car": p.class_id == 1,
            "loose": p.kind is ProblemKind.LOOSE,
            "missing": p.kind is ProblemKind.MISSING,
        }
        numbers = {
            "3": 3 in (p.frame, p.box_id, p.track),
            "12": 12 in (p.frame, p.box_id, p.track),
            "#4": p.box_id == 4,
            "2-6": 2 <= p.frame <= 6,
        }
        return (names | numbers)[word.casefold()]

    def passes(p: Problem) -> bool:
        inside = (not topics or p.kind in topics) and (not class_ids or p.class_id in class_ids)
        inside = inside and (not tracks or p.track in tracks)
        return inside and p.score >= min_score and all(fits(p, word) for word in words)

    listed = visible(found)
    assert {p.key for p in listed} == {p.key for p in now.values() if p.key not in decided and passes(p)}
    assert found.count_done() == sum(passes(now[key]) for key in decided)
    if found.order is ProblemOrder.FRAME:
        assert [(p.frame, -p.score) for p in listed] == sorted((p.frame, -p.score) for p in listed)
    elif found.order is ProblemOrder.TRACK:
        assert [(p.track == -1, p.track) for p in listed] == sorted((p.track == -1, p.track) for p in listed)
    elif found.order is ProblemOrder.WORST and not found.grouped:
        assert [(p.evidence_only, -p.score) for p in listed] == sorted((p.evidence_only, -p.score) for p in listed)
    for group, frames in enumerate(groups(found)):
        assert frames == sorted(frames), group
    for p in listed:
        assert [found.problem(row).key for row in found.open_rows(p.key)] == [p.key]
    counts = found.count_open()
    assert sum(counts.values()) == len(now) - len(decided)


def test_filters_by_variant_confidence_size_and_decision() -> None:
    first = replace(problem(1, box=1), variants=(0, 2), confidence=0.9)
    second = replace(problem(2, box=2), variants=(1,), confidence=0.4, rect=(0.0, 0.0, 20.0, 20.0))
    third = problem(3, ProblemKind.GAP, box=None)
    found = filled([first, second, third])
    cases = (
        (ProblemFilter(variants=frozenset({1, 2})), [1, 2]),
        (ProblemFilter(variants=frozenset({0})), [1]),
        (ProblemFilter(min_confidence=0.5), [1]),
        (ProblemFilter(sizes=frozenset({"small"})), [2]),
        (ProblemFilter(sizes=frozenset({"medium", "large"})), [1, 3]),
        (ProblemFilter(verdicts=frozenset({Verdict.UNCLEAR})), [3]),
    )
    found.set_decisions({third.key: Decision(Verdict.UNCLEAR)})
    assert [one.frame for one in visible(found)] == [1, 2]
    found.set_decisions({})
    for chosen, frames in cases:
        if chosen.verdicts:
            found.set_decisions({third.key: Decision(Verdict.UNCLEAR)})
        found.filter = chosen
        assert sorted(one.frame for one in visible(found)) == frames, chosen


def test_look_alikes_stand_together() -> None:
    mixed = [
        problem(1, box=1, track=3),
        problem(2, ProblemKind.EXTRA, box=2, track=3),
        problem(3, box=3, track=3),
        problem(4, ProblemKind.EXTRA, box=4, track=3),
    ]
    found = filled(mixed)
    found.order = ProblemOrder.ALIKE
    assert [one.kind for one in visible(found)] == [ProblemKind.EXTRA] * 2 + [ProblemKind.LOOSE] * 2


def test_decided_problems_are_done_and_open_again_without_the_decision() -> None:
    first, second = problem(1, box=1), problem(2, ProblemKind.EXTRA, box=2)
    found = filled([first, second])
    assert found.set_decisions({first.key: RIGHT})
    assert not found.set_decisions({first.key: RIGHT})
    assert [p.key for p in visible(found)] == [second.key] and found.count_done() == 1
    found.filter = ProblemFilter(topics=frozenset({ProblemKind.EXTRA}))
    assert found.count_done() == 0
    found.filter = ProblemFilter()
    assert found.set_decisions({})
    assert len(visible(found)) == 2 and found.count_done() == 0


def test_a_decision_about_a_missing_box_holds_when_another_variant_sees_it() -> None:
    first = problem(1, ProblemKind.MISSING, box=None, x=0.0)
    moved, elsewhere = (problem(1, ProblemKind.MISSING, box=None, x=x) for x in (6.0, 60.0))
    found = filled([first])
    found.set_decisions({first.key: RIGHT})
    found.set_problems(grouped([moved, elsewhere]))
    assert [one.key for one in visible(found)] == [elsewhere.key]


def test_decisions_of_earlier_versions_hold_for_the_kinds_that_they_became() -> None:
    extra, loose = problem(3, ProblemKind.EXTRA, box=5), problem(4, box=6)
    missing = problem(5, ProblemKind.MISSING, box=None)
    found = filled([extra, loose, missing])
    rect = ",".join(f"{value:.0f}" for value in missing.rect)
    found.set_decisions(dict.fromkeys(("MISS:3:5", "AGREE:4:6", f"AGREE:5:{rect}"), RIGHT))
    assert visible(found) == [] and found.count_done() == 3


def test_earlier_decisions_count_as_done_even_if_their_problem_no_longer_exists() -> None:
    found = filled([problem(1, box=1)])
    kept = Decision(Verdict.FIXED, class_id=1, track=4)
    found.set_decisions({"LOOSE:3:5": kept, "MISSING:2:10,10,20,20": RIGHT, "unknown format": RIGHT})
    assert found.count_done() == 2
    for text, expected in (("car", 1), ("4", 1), ("loose", 1), ("2-3", 2)):
        found.filter = ProblemFilter(text=text)
        assert found.count_done() == expected, text
    found.filter = ProblemFilter(min_score=0.75)
    assert found.count_done() == 2


def test_a_problem_fixed_by_an_edit_counts_as_done_until_it_reappears() -> None:
    first, second = problem(1, box=1), problem(1, ProblemKind.EXTRA, box=2)
    found = filled([first, second])
    edit(found, 1, [second])
    assert [p.key for p in visible(found)] == [second.key] and found.count_done() == 1
    assert [one.key for one in found.take_fixed()] == [first.key] and found.take_fixed() == []
    found.set_problems(grouped([second]))
    assert found.count_done() == 1
    edit(found, 1, [first, second], by_user=False)
    assert len(visible(found)) == 2 and found.count_done() == 0
    edit(found, 1, [], by_user=False)
    assert found.count_done() == 0


def test_a_problem_that_vanishes_on_a_frame_that_nobody_edited_is_not_done() -> None:
    found = filled([problem(1, box=1), problem(2, box=2)])
    found.set_problems_around(grouped([]), {1})
    assert found.count_done() == 1


def test_a_problem_that_an_edit_made_and_another_took_back_is_not_done() -> None:
    first, made = problem(1, box=1), problem(1, ProblemKind.MISSING, box=None)
    found = filled([first])
    edit(found, 1, [first, made])
    edit(found, 1, [first])
    assert found.count_done() == 0 and len(visible(found)) == 1
    # The first problem turns into another one and back, as where a box is taken out of the scores and back.
    edit(found, 1, [made])
    edit(found, 1, [first])
    assert found.count_done() == 0 and len(visible(found)) == 1
    edit(found, 1, [])
    assert found.count_done() == 1


def test_problems_that_an_edit_made_join_the_end() -> None:
    first, made = problem(3, box=1, score=0.4), problem(1, ProblemKind.EXTRA, box=2, score=0.9)
    found = filled([first])
    edit(found, 1, [made])
    for found.grouped in (True, False):
        assert [one.key for one in visible(found)] == [first.key, made.key] and found.new_count == 1
    found.set_decisions({made.key: RIGHT})
    visible(found)
    assert found.new_count == 0


def test_a_problem_that_turns_into_another_one_of_the_same_box_is_not_done() -> None:
    found = filled([problem(1, ProblemKind.EXTRA, box=1)])
    edit(found, 1, [problem(1, ProblemKind.LOOSE, box=1)])
    assert found.count_done() == 0 and len(visible(found)) == 1


@pytest.mark.parametrize("box", [None, 3])
def test_a_problem_that_reappears_returns_to_its_group(box: int | None) -> None:
    chain = [problem(f, ProblemKind.EXTRA, box=None if box is None else box + f) for f in range(4)]
    found = filled([*chain, problem(9, box=99, score=0.9)])
    before = groups(found)
    edit(found, 2, [], by_user=False)
    assert groups(found) == [[9], [0, 1, 3]]
    likelier = replace(chain[2], score=0.6)
    edit(found, 2, [likelier], by_user=False)
    assert groups(found) == before == [[9], [0, 1, 2, 3]]
    view = found.list_visible()
    assert found.most_severe(view.rows[view.starts[1] : view.starts[2]]) == likelier


def test_group_keys_stay_valid_when_problems_are_grouped_again() -> None:
    chain = [problem(f, ProblemKind.MISSING, box=None) for f in range(4)]
    track = [problem(f, box=10 + f, track=2, score=0.2) for f in range(3)]
    found = filled([*chain, *track])
    before = [found.group_key(g) for g in found.list_visible().groups.tolist()]
    found.set_problems(grouped([*chain, *track, problem(8, box=50, score=0.9)]))
    assert [found.group_key(g) for g in found.list_visible().groups.tolist()][1:] == before
    assert [found.group_number(key) for key in before] == found.list_visible().groups.tolist()[1:]
    assert found.group_number("LOOSE:3:77") == -1
