"""The benchmark of the review: errors are planted as said, rankings are judged rightly, and the review stays good."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks._review_rivals import mistakenness, order_before
from benchmarks._review_scoring import judge
from benchmarks._review_worlds import DOUBLED, MISSING, RATES, SHIFTED, SPURIOUS, Damaged, World, moving_camera, plant
from benchmarks.review import review_order
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review_findings import Findings, ProblemKind, findings


@pytest.fixture(scope="module")
def world() -> World:
    return moving_camera(frame_count=160)


@pytest.fixture(scope="module")
def damaged(world: World) -> Damaged:
    return plant(world, 1)


def test_errors_are_planted_at_their_rates_and_again_with_the_same_seed(world: World, damaged: Damaged) -> None:
    again = plant(world, 1)
    assert again.errors == damaged.errors and np.array_equal(again.boxes.rects, damaged.boxes.rects)
    assert plant(world, 2).errors != damaged.errors
    counts, total = Counter(error.kind for error in damaged.errors), len(world.boxes.frames)
    for kind, rate in RATES.items():
        more = 25 if kind == MISSING else 2  # a track that is cut short is missing boxes
        assert round(rate * total) - 2 <= counts[kind] <= round(rate * total) + more, kind
    lasting = sum(error.lasting for error in damaged.errors)
    assert 0.4 < lasting / len(damaged.errors) < 0.65
    for error in damaged.errors:
        if error.kind == SHIFTED and error.true is not None:
            rect = damaged.boxes.rects[:, error.row : error.row + 1]
            assert 0.39 <= iou_matrix(rect, np.array([error.true]).T)[0, 0] <= 0.76


def perfect(damaged: Damaged) -> Findings:
    """Every planted error with the right fix."""
    parts = []
    for error in damaged.errors:
        one, class_id = np.array([error.frame]), np.array([error.true_class])
        if error.kind == MISSING:
            true = np.array([error.true]).T
            parts.append(findings(ProblemKind.MISSING, one, np.ones(1), true, class_id, fix_rects=true))
            continue
        kind = {SHIFTED: ProblemKind.LOOSE, DOUBLED: ProblemKind.DUPLICATE, SPURIOUS: ProblemKind.EXTRA}.get(
            error.kind, ProblemKind.WRONG_CLASS
        )
        rows = np.array([error.row])
        fix = np.array([error.true]).T if error.kind == SHIFTED else None
        rect = damaged.boxes.rects[:, rows]
        parts.append(findings(kind, one, np.ones(1), rect, class_id, rows=rows, fix_rects=fix, fix_classes=class_id))
    return Findings.joined(parts)


def test_a_perfect_ranking_has_full_marks_and_repeating_it_gains_nothing(world: World, damaged: Damaged) -> None:
    best = perfect(damaged)
    score = judge(best, damaged, world.boxes)
    assert (score.ap, score.lasting_ap, score.right, score.harm) == (1.0, 1.0, 1.0, 0.0)
    assert score.precision == {20: 1.0, 50: 1.0, 100: 1.0, 200: 1.0} and set(score.restored.values()) == {1.0}
    twice = best.select(np.repeat(np.arange(len(best)), 2))
    assert judge(twice, damaged, world.boxes).ap == pytest.approx(0.5, abs=0.02)


def test_the_review_finds_most_errors_first_and_no_fix_doubles_an_object(world: World, damaged: Damaged) -> None:
    inputs = world.inputs(damaged.boxes)
    ranked = review_order(inputs)
    score = judge(ranked, damaged, world.boxes)
    assert score.ap > 0.88 and score.lasting_ap > 0.8 and score.precision[100] > 0.97
    assert score.right > 0.9 and score.harm <= 0.04 and score.doubles == 0
    assert score.restored[MISSING] > 0.85 and score.restored[SHIFTED] > 0.75
    swaps = ranked.select(ranked.kinds == ProblemKind.SWAP)
    assert sorted(swaps.frames.tolist()) == sorted(frame for frame, _one, _other in damaged.swap_ends)


def test_the_rankings_that_it_is_compared_with_find_less(world: World, damaged: Damaged) -> None:
    inputs = world.inputs(damaged.boxes)
    best = judge(review_order(inputs), damaged, world.boxes).ap
    for ranking in (order_before, mistakenness):
        assert 0.3 < judge(ranking(inputs), damaged, world.boxes).ap < best - 0.1
