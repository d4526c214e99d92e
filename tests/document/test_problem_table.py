"""Searching around an edit equals searching the whole video; tables keep what they are built from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document import problem_table
from iouviewer.document.problem_table import (
    CONTEXT_FRAMES,
    EFFECT_FRAMES,
    MIN_SCORE,
    FoundProblems,
    ProblemInputs,
    ProblemTable,
    find_all_problems,
    find_problems_around,
    part_around,
)
from iouviewer.document.problems import Problem, ProblemKind, parse_key
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable, Float, Int

FRAMES = 640


def walkers(rng: np.random.Generator, count: int) -> tuple[Int, Float, Int, Int]:
    """Frames, rectangles, classes and tracks of things that walk, some of them wrong or missing."""
    frames, rects, classes, tracks = [], [], [], []
    for track in range(count):
        first = int(rng.integers(0, FRAMES - 60))
        length = int(rng.integers(40, FRAMES - first))
        at, speed = rng.uniform(50, 400, 2), rng.normal(0, 2, 2)
        size = rng.uniform(20, 80, 2)
        for frame in range(first, first + length):
            off = rng.normal(0, 12, 2) if rng.random() < 0.03 else 0.0
            corner = at + speed * (frame - first) + off
            if rng.random() > 0.03:
                frames.append(frame)
                rects.append((*corner, *(corner + size)))
                classes.append(track % 2 if rng.random() > 0.02 else 1 - track % 2)
                tracks.append(track + 1)
    return np.array(frames), np.array(rects).T, np.array(classes), np.array(tracks)


def world(seed: int, variants: int = 2) -> ProblemInputs:
    rng = np.random.default_rng(seed)
    frames, rects, classes, tracks = walkers(rng, 5)
    order = np.argsort(frames, kind="stable")
    ids = rng.permutation(len(frames)) + 1
    truth = BoxTable.from_rows(
        frames[order], rects[:, order], frame_count=FRAMES, class_ids=classes[order], ids=ids[order]
    )
    by_id = np.argsort(ids)
    predictions = []
    for _ in range(variants):
        keep = rng.random(len(frames)) < 0.9
        seen = rects[:, keep] + rng.normal(0, 2, (4, int(keep.sum())))
        table = BoxTable.from_rows(
            frames[keep], seen, frame_count=FRAMES, class_ids=classes[keep], scores=rng.uniform(0.1, 1, int(keep.sum()))
        )
        predictions.append((table, rng.random(FRAMES) < 0.95))
    labelled = rng.random(FRAMES) < 0.97
    return ProblemInputs(
        truth, labelled, ids[by_id], tracks[by_id], tuple(predictions), ReviewSettings(), (640.0, 480.0)
    )


def same(one: ProblemTable, other: ProblemTable) -> bool:
    pairs = zip(one.columns, other.columns, strict=True)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), changed=st.sets(st.integers(0, FRAMES - 1), min_size=1, max_size=2))
def test_a_search_around_an_edit_equals_a_new_search_of_the_whole_video(seed: int, changed: set[int]) -> None:
    after = world(seed)
    wanted = find_all_problems(after)
    rows = np.flatnonzero(np.isin(after.truth.frame_of_row(), list(changed)))
    moved = after.truth.boxes.copy()
    moved[:, rows] += 11.0
    before = find_all_problems(replace(after, truth=replace(after.truth, boxes=moved)))
    again, part = part_around(changed, FRAMES)
    known = FoundProblems(before.table, wanted.offset)
    found = find_problems_around(after.part(part), again, known)
    assert same(found.table, wanted.table)


def test_a_long_video_is_searched_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, shares = world(3), list[float]()
    whole = find_all_problems(inputs)
    monkeypatch.setattr(problem_table, "PART_FRAMES", 200)
    # The usual difference of boxes from predictions is that of one part.
    monkeypatch.setattr(problem_table, "_offset", lambda _evidence: whole.offset)
    assert same(find_all_problems(inputs, shares.append).table, whole.table)
    assert shares == [200 / FRAMES, 400 / FRAMES, 600 / FRAMES, 1.0]


def test_an_edit_is_searched_around_its_frames_only() -> None:
    again, part = part_around([250, 600], FRAMES)
    assert np.flatnonzero(again)[0] == 250 - EFFECT_FRAMES and not again[400] and again[FRAMES - 1]
    assert part == range(250 - EFFECT_FRAMES - CONTEXT_FRAMES, FRAMES)
    assert part_around([], FRAMES)[1] == range(0)


def test_problems_are_listed_with_their_probability_and_box() -> None:
    inputs = world(5)
    table = find_all_problems(inputs).table
    problems = [table.problem(row) for row in range(len(table))]
    assert len(problems) > 20
    assert {one.kind for one in problems} >= {ProblemKind.LOOSE, ProblemKind.WRONG_CLASS, ProblemKind.GAP}
    ids = dict(zip(inputs.truth.ids.tolist(), inputs.truth.boxes.T.tolist(), strict=True))
    for one in problems:
        assert MIN_SCORE <= one.score <= 1
        assert one.box_id is None or ids[one.box_id] == list(one.rect)
        parsed = parse_key(one.key)
        assert parsed is not None and parsed[:3] == (one.kind, one.frame, one.box_id)
        assert inputs.labelled[one.frame]
    assert len({one.key for one in problems}) == len(problems)


def test_a_table_returns_the_problems_it_was_built_from() -> None:
    table = find_all_problems(world(8)).table
    problems: list[Problem] = [table.problem(row) for row in range(len(table))]
    again = ProblemTable.of(problems[::-1], FRAMES)
    assert sorted(map(repr, problems)) == sorted(repr(again.problem(row)) for row in range(len(again)))
    for frame in range(FRAMES):
        assert len(again.rows_of_frame(frame)) == sum(one.frame == frame for one in problems)


def test_without_boxes_and_variants_there_are_no_problems() -> None:
    none = np.zeros(0, np.int64)
    empty = ProblemInputs(BoxTable.empty(9), np.ones(9, np.bool_), none, none, (), ReviewSettings())
    found = find_all_problems(empty)
    assert len(found.table) == 0 and found.table.offsets.tolist() == [0] * 10
