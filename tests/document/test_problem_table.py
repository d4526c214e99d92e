"""Searching a whole video finds the same problems as searching frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import Box
from iouviewer.document.problem_table import ProblemInputs, ProblemTable, find_all_problems
from iouviewer.document.problems import Problem, ProblemKind, VariantMatches, find_frame_problems
from iouviewer.metrics.review import ReviewSettings, review_frame
from iouviewer.metrics.table import Bool, BoxTable, Convention

FRAMES = 5


def random_table(rng: np.random.Generator, count: int, *, classes: int, ignored: bool = False) -> BoxTable:
    """Boxes on a coarse grid, so that equal overlaps and equal scores occur."""
    corner = rng.integers(0, 6, (2, count)) * 20.0
    size = rng.integers(2, 5, (2, count)) * 20.0
    return BoxTable.from_rows(
        rng.integers(0, FRAMES, count),
        np.concatenate((corner, corner + size)),
        frame_count=FRAMES,
        class_ids=rng.integers(-1 if classes > 1 else 0, classes, count),
        scores=None if ignored else rng.integers(1, 10, count) / 10,
        ignored=rng.random(count) < 0.15 if ignored else None,
        ids=rng.permutation(count) + 1,
    )


def find_by_frame(inputs: ProblemInputs) -> list[Problem]:
    truth = inputs.truth
    found = []
    for frame in np.flatnonzero(inputs.labelled & inputs.predictions[0][1]).tolist():
        gt = truth.frame(frame)
        tracks = inputs.tracks[np.searchsorted(inputs.track_ids, gt.ids)].tolist()
        boxes = [
            Box(i, frame, tuple(rect), c, track)
            for i, rect, c, track in zip(
                gt.ids.tolist(), gt.boxes.T.tolist(), gt.class_ids.tolist(), tracks, strict=True
            )
        ]
        variants = [
            VariantMatches(table.frame(frame), review_frame(gt, table.frame(frame), inputs.review))
            for table, covered in inputs.predictions
            if covered[frame]
        ]
        found += find_frame_problems(frame, boxes, variants, inputs.review.convention)
    return found


def by_key(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.key, problem.severity, problem.rect))


def find_at_once(inputs: ProblemInputs) -> list[Problem]:
    table = find_all_problems(inputs)
    return [table.problem(row) for row in range(len(table))]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    boxes=st.integers(0, 30),
    counts=st.lists(st.integers(0, 40), max_size=3),
    classes=st.integers(1, 3),
    agnostic=st.booleans(),
    convention=st.sampled_from(list(Convention)),
    conf=st.sampled_from((0.0, 0.3, 0.5)),
)
def test_the_search_of_all_frames_equals_the_search_of_each_frame(
    seed: int, boxes: int, counts: list[int], classes: int, agnostic: bool, convention: Convention, conf: float
) -> None:
    rng = np.random.default_rng(seed)
    truth = random_table(rng, boxes, classes=classes, ignored=True)

    def covered() -> Bool:
        return rng.random(FRAMES) < 0.8

    predictions = tuple((random_table(rng, count, classes=classes), covered()) for count in counts)
    ids = np.sort(truth.ids)
    inputs = ProblemInputs(
        truth,
        rng.random(FRAMES) < 0.9,
        ids,
        rng.integers(-1, 4, len(ids)),
        predictions,
        ReviewSettings(conf=conf, convention=convention, class_agnostic=agnostic),
    )
    expected = by_key(find_by_frame(inputs)) if predictions else []
    assert by_key(find_at_once(inputs)) == expected


def test_a_crowded_case_has_problems_of_every_kind() -> None:
    rng = np.random.default_rng(3)
    truth = random_table(rng, 60, classes=3, ignored=True)
    whole = np.ones(FRAMES, np.bool_)
    one = random_table(rng, 80, classes=3)
    two = replace(one, scores=np.full(80, 0.8))
    inputs = ProblemInputs(truth, whole, np.sort(truth.ids), np.zeros(60, np.int64), ((one, whole),), ReviewSettings())
    found = find_at_once(inputs)
    agreed = find_at_once(replace(inputs, predictions=((one, whole), (two, whole))))
    assert {problem.kind for problem in [*found, *agreed]} == set(ProblemKind)
    assert by_key(found) == by_key(find_by_frame(inputs))


def test_without_variants_there_are_no_problems() -> None:
    truth = random_table(np.random.default_rng(0), 9, classes=1)
    none = np.zeros(0, np.int64)
    table = find_all_problems(ProblemInputs(truth, np.ones(FRAMES, np.bool_), none, none, (), ReviewSettings()))
    assert len(table) == 0
    assert table.offsets.tolist() == [0] * (FRAMES + 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_problem_table_returns_the_problems_it_was_built_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = random_table(rng, 20, classes=2, ignored=True)
    ids = np.sort(truth.ids)
    whole = np.ones(FRAMES, np.bool_)
    predictions = ((random_table(rng, 30, classes=2), whole),)
    problems = find_by_frame(ProblemInputs(truth, whole, ids, np.arange(len(ids)), predictions, ReviewSettings()))
    table = ProblemTable.of(problems, FRAMES)
    assert by_key([table.problem(row) for row in range(len(table))]) == by_key(problems)
    assert [len(table.frames[a:b]) for a, b in zip(table.offsets, table.offsets[1:], strict=False)] == [
        sum(problem.frame == frame for problem in problems) for frame in range(FRAMES)
    ]
