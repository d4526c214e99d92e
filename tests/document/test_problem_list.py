"""The list of problems: groups, filters, done problems, and frames edited since the search."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import Box
from iouviewer.document.problem_groups import group_problems
from iouviewer.document.problem_list import ProblemFilter, ProblemList, ProblemOrder, relative_severity
from iouviewer.document.problem_table import ProblemTable
from iouviewer.document.problems import Problem, ProblemKind, ProblemTopic, problem_key

FRAMES = 12
NAMES = ("person", "car")


def problem(
    frame: int,
    kind: ProblemKind = ProblemKind.LOOSE,
    *,
    severity: float = 0.5,
    box: int | None = 1,
    track: int = -1,
    class_id: int = 0,
    x: float = 0.0,
) -> Problem:
    rect = (x, 0.0, x + 40.0, 80.0)
    iou = 1.0 - severity if kind is ProblemKind.LOOSE else None
    key = problem_key(kind, frame, box, rect)
    return Problem(key, frame, kind, kind + severity * 0.99, box, rect, class_id, iou, track=track)


def filled(problems: list[Problem], *, boxes: dict[int, Box] | None = None) -> ProblemList:
    found = ProblemList((boxes or {}).get)
    found.class_names = NAMES
    found.set_problems(group_problems(ProblemTable.of(problems, FRAMES)))
    return found


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
    assert found.count_open() == dict.fromkeys(ProblemTopic, 0)


def test_problems_of_a_track_and_kind_form_a_group_and_the_most_severe_group_comes_first() -> None:
    tracked = [problem(frame, severity=0.1 * frame, box=frame, track=7) for frame in (5, 1, 3)]
    other = [problem(2, ProblemKind.MISS, severity=0.1, box=9, track=7), problem(4, severity=0.9, box=8, track=8)]
    found = filled([*tracked, *other])
    assert groups(found) == [[2], [4], [1, 3, 5]]
    assert [found.group_key(g)[:2] for g in found.list_visible().groups.tolist()] == [(1, 7), (0, 8), (0, 7)]


def test_problems_without_a_track_are_grouped_where_they_overlap_from_frame_to_frame() -> None:
    ghost = [problem(frame, ProblemKind.FALSE_POSITIVE, box=None, x=2.0 * frame) for frame in (0, 1, 2, 4)]
    far = problem(1, ProblemKind.FALSE_POSITIVE, box=None, x=300.0)
    late = problem(11, ProblemKind.FALSE_POSITIVE, box=None, x=4.0)
    car = problem(3, ProblemKind.FALSE_POSITIVE, box=None, x=6.0, class_id=1)
    assert sorted(groups(filled([*ghost, far, late, car]))) == [[0, 1, 2, 4], [1], [3], [11]]


def test_a_box_is_linked_to_its_best_overlapping_successor_only() -> None:
    first, near, further = (
        problem(f, ProblemKind.MISS, box=b, x=x) for f, b, x in ((0, 1, 0.0), (1, 2, 1.0), (1, 3, 8.0))
    )
    found = filled([first, near, further])
    assert sorted(groups(found)) == [[0, 1], [1]]
    [pair] = [group for group in range(2) if len(groups(found)[group]) == 2]
    start = found.list_visible().starts[pair]
    assert found.problem(int(found.list_visible().rows[start + 1])).key == near.key


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_filter_agrees_with_checking_each_problem(data: st.DataObject) -> None:
    one = st.builds(
        problem,
        st.integers(0, FRAMES - 1),
        st.sampled_from(list(ProblemKind)),
        severity=st.sampled_from((0.0, 0.3, 0.6, 1.0)),
        box=st.integers(1, 15),
        track=st.sampled_from((-1, 1, 2, 12)),
        class_id=st.sampled_from((-1, 0, 1)),
    )
    problems = list({p.key: p for p in data.draw(st.lists(one, max_size=40))}.values())
    edited = data.draw(st.lists(one, max_size=6))
    found = filled(problems)
    now = {p.key: p for p in problems}
    for frame in {p.frame for p in edited}:
        replaced = list({p.key: p for p in edited if p.frame == frame}.values())
        found.set_frame(frame, replaced)
        now = {key: p for key, p in now.items() if p.frame != frame} | {p.key: p for p in replaced}
    decided = data.draw(st.sets(st.sampled_from(sorted(now)), max_size=5)) if now else set()
    found.set_decisions(dict.fromkeys(decided, "right"))
    found.grouped = data.draw(st.booleans())
    known = ("person", "CAR", "loose", "3", "12", "#4", "2-6", "missing")
    words = data.draw(st.lists(st.sampled_from(known), max_size=2))
    topics = data.draw(st.frozensets(st.sampled_from(list(ProblemTopic)), max_size=2))
    class_ids = data.draw(st.sampled_from((frozenset(), frozenset({0}), frozenset({-1, 1}))))
    min_severity = data.draw(st.sampled_from((0.0, 0.3, 0.5)))
    found.filter = ProblemFilter(topics, min_severity, " ".join(words), class_ids)
    found.order = data.draw(st.sampled_from(ProblemOrder))

    def fits(p: Problem, word: str) -> bool:
        if word in ("3", "12"):
            return int(word) in (p.frame, p.box_id, p.track)
        plain = {
            "#4": p.box_id == 4,
            "2-6": 2 <= p.frame <= 6,
            "loose": p.topic is ProblemTopic.LOOSE,
            "missing": p.topic is ProblemTopic.MISSING,
        }
        return plain[word] if word in plain else p.class_id == NAMES.index(word.casefold())

    def passes(p: Problem) -> bool:
        inside = (not topics or p.topic in topics) and (not class_ids or p.class_id in class_ids)
        return inside and relative_severity(p) >= min_severity and all(fits(p, word) for word in words)

    expected = {key for key, p in now.items() if passes(p) and key not in decided}
    listed = visible(found)
    assert {p.key for p in listed} == expected and len(listed) == len(expected)
    assert found.count_done() == sum(passes(now[key]) for key in decided)
    if found.order is ProblemOrder.FRAME:
        assert [(p.frame, -p.severity) for p in listed] == sorted((p.frame, -p.severity) for p in listed)
    elif not found.grouped:
        assert [p.severity for p in listed] == sorted((p.severity for p in listed), reverse=True)
    for group, frames in enumerate(groups(found)):
        assert frames == sorted(frames), group
    for p in listed:
        assert [found.problem(row).key for row in found.open_rows(p.key)] == [p.key]
    counts = found.count_open()
    assert sum(counts.values()) == len(now) - len(decided)


def test_decided_problems_are_done_and_open_again_without_the_decision() -> None:
    first, second = problem(1, box=1), problem(2, ProblemKind.MISS, box=2)
    found = filled([first, second])
    assert found.set_decisions({first.key: "right"})
    assert not found.set_decisions({first.key: "right"})
    assert [p.key for p in visible(found)] == [second.key] and found.count_done() == 1
    found.filter = ProblemFilter(topics=frozenset({ProblemTopic.EXTRA}))
    assert found.count_done() == 0
    found.filter = ProblemFilter()
    assert found.set_decisions({})
    assert len(visible(found)) == 2 and found.count_done() == 0


def test_earlier_decisions_count_as_done_even_if_their_problem_no_longer_exists() -> None:
    box = Box(5, 3, (0.0, 0.0, 9.0, 9.0), class_id=1, track=4)
    found = filled([problem(1, box=1)], boxes={5: box})
    found.set_decisions({"LOOSE:3:5": "fixed", "FALSE_POSITIVE:2:10,10,20,20": "right", "unknown format": "right"})
    assert found.count_done() == 2
    for text, expected in (("car", 1), ("4", 1), ("loose", 1), ("2-3", 2)):
        found.filter = ProblemFilter(text=text)
        assert found.count_done() == expected, text
    found.filter = ProblemFilter(min_severity=0.75)
    assert found.count_done() == 2


def test_a_problem_fixed_by_an_edit_counts_as_done_until_it_reappears() -> None:
    first, second = problem(1, box=1), problem(1, ProblemKind.MISS, box=2)
    found = filled([first, second])
    assert found.set_frame(1, [second], by_user=True)
    assert not found.set_frame(1, [second], by_user=True)
    assert [p.key for p in visible(found)] == [second.key] and found.count_done() == 1
    found.set_problems(group_problems(ProblemTable.of([second], FRAMES)))
    assert found.count_done() == 1
    found.set_frame(1, [first, second])
    assert len(visible(found)) == 2 and found.count_done() == 0
    found.set_frame(1, [], by_user=False)
    assert found.count_done() == 0


def test_a_problem_that_an_edit_made_and_another_took_back_is_not_done() -> None:
    first, made = problem(1, box=1), problem(1, ProblemKind.FALSE_POSITIVE, box=None)
    found = filled([first])
    found.set_frame(1, [first, made], by_user=True)
    found.set_frame(1, [first], by_user=True)
    assert found.count_done() == 0 and len(visible(found)) == 1
    # The first problem turns into another one and back, as where a box is taken out of the scores and back.
    found.set_frame(1, [made], by_user=True)
    found.set_frame(1, [first], by_user=True)
    assert found.count_done() == 0 and len(visible(found)) == 1
    found.set_frame(1, [], by_user=True)
    assert found.count_done() == 1


def test_topics_ask_about_the_box() -> None:
    asked = {
        ProblemTopic.MISSING: [problem(1, kind, box=None) for kind in (ProblemKind.FALSE_POSITIVE, ProblemKind.AGREE)],
        ProblemTopic.EXTRA: [problem(1, ProblemKind.MISS)],
        ProblemTopic.LOOSE: [problem(1), problem(1, ProblemKind.AGREE)],
        ProblemTopic.WRONG_CLASS: [problem(1, ProblemKind.WRONG_CLASS)],
    }
    for topic, problems in asked.items():
        for one in problems:
            assert one.topic is topic
            assert filled([one]).count_open() == dict.fromkeys(ProblemTopic, 0) | {topic: 1}


def test_a_problem_that_turns_into_another_one_of_the_same_box_is_not_done() -> None:
    first = problem(1, ProblemKind.MISS, box=1)
    found = filled([first])
    found.set_frame(1, [problem(1, ProblemKind.LOOSE, box=1)], by_user=True)
    assert found.count_done() == 0 and len(visible(found)) == 1


def test_a_decided_problem_counts_with_the_severity_that_an_edit_gave_it() -> None:
    first = problem(1, box=1, severity=0.0)
    found = filled([first])
    found.set_frame(1, [problem(1, box=1, severity=0.5)])
    found.set_decisions({first.key: "right"})
    found.filter = ProblemFilter(min_severity=0.3)
    assert found.count_done() == 1


@pytest.mark.parametrize("box", [None, 3])
def test_a_problem_that_reappears_returns_to_its_group(box: int | None) -> None:
    chain = [problem(f, ProblemKind.FALSE_POSITIVE, box=None if box is None else box + f) for f in range(4)]
    found = filled([*chain, problem(9, ProblemKind.AGREE, box=99)])
    before = groups(found)
    found.set_frame(2, [])
    assert groups(found) == [[9], [0, 1, 3]]
    found.set_frame(2, [chain[2]])
    assert groups(found) == before == [[9], [0, 1, 2, 3]]
    moved = replace(chain[2], severity=ProblemKind.FALSE_POSITIVE + 0.9)
    found.set_frame(2, [moved])
    assert groups(found) == before
    view = found.list_visible()
    assert found.most_severe(view.rows[view.starts[1] : view.starts[2]]) == moved
    found.set_frame(5, [problem(5, ProblemKind.MISS, box=77)])
    assert groups(found) == [*before, [5]]


def test_group_keys_stay_valid_when_problems_are_grouped_again() -> None:
    chain = [problem(f, ProblemKind.FALSE_POSITIVE, box=None) for f in range(4)]
    track = [problem(f, box=10 + f, track=2, severity=0.2) for f in range(3)]
    found = filled([*chain, *track])
    before = [found.group_key(g) for g in found.list_visible().groups.tolist()]
    found.set_problems(group_problems(ProblemTable.of([*chain, *track, problem(8, ProblemKind.AGREE, box=50)], FRAMES)))
    assert [found.group_key(g) for g in found.list_visible().groups.tolist()][1:] == before
    assert [found.group_number(key) for key in before] == found.list_visible().groups.tolist()[1:]
    assert found.group_number((int(ProblemKind.LOOSE), 77, "")) == -1
    assert found.group_number((int(ProblemKind.LOOSE), -1, "LOOSE:3:77")) == -1
