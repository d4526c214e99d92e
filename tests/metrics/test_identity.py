"""IDF1 equals TrackEval's, and repairs are what a person would count."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.identity import LinkedBoxes, Repairs, count_repairs, identity_score


def _world(seed: int) -> tuple[LinkedBoxes, LinkedBoxes]:
    """Walkers, and tracks that miss boxes and change their objects."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, ...]] = []
    found: list[tuple[float, ...]] = []
    count = int(rng.integers(2, 6))
    for number in range(count):
        first = int(rng.integers(0, 10))
        last = first + int(rng.integers(5, 30))
        place, velocity = rng.uniform(0, 100, 2), rng.normal(0, 2, 2)
        track = number + 1
        for frame in range(first, last):
            x, y = place + velocity * (frame - first)
            box = (x, y, x + 20, y + 40)
            rows.append((frame, number + 1, *box))
            if rng.random() < 0.08:
                track = int(rng.integers(1, count + 3))
            if rng.random() < 0.85 and not any(one[:2] == (frame, track) for one in found):
                found.append((frame, track, *(np.array(box) + rng.normal(0, 3, 4)).tolist()))
    return _linked(sorted(rows)), _linked(sorted(found))


def _linked(rows: list[tuple[float, ...]]) -> LinkedBoxes:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return LinkedBoxes(table[:, 0].astype(np.int64), table[:, 2:].T, table[:, 1].astype(np.int64))


@pytest.mark.parametrize(
    ("seed", "expected"),
    # IDF1, IDP, IDR of trackeval.metrics.Identity (TrackEval 1.3) on the same boxes.
    [
        (0, (0.738853503185, 0.865671641791, 0.644444444444)),
        (1, (0.446601941748, 0.522727272727, 0.389830508475)),
        (2, (0.549450549451, 0.694444444444, 0.454545454545)),
        (3, (0.658227848101, 0.712328767123, 0.611764705882)),
        (4, (0.531468531469, 0.622950819672, 0.463414634146)),
        (5, (0.586956521739, 0.658536585366, 0.529411764706)),
    ],
)
def test_idf1_equals_that_of_trackeval(seed: int, expected: tuple[float, float, float]) -> None:
    score = identity_score(*_world(seed))
    assert (score.f1, score.precision, score.recall) == pytest.approx(expected, abs=1e-11)


def _walk(track: int, x: float, frames: range) -> list[tuple[float, ...]]:
    return [(frame, track, x, 0.0, x + 10, 20.0) for frame in frames]


A, B = _walk(1, 0, range(40)), _walk(2, 50, range(40))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (A + B, Repairs(0, 0, 0, 0, 0)),
        (_walk(7, 0, range(20)) + _walk(8, 0, range(20, 40)) + B, Repairs(0, 1, 0, 0, 0)),
        (_walk(7, 0, range(20)) + _walk(7, 50, range(20, 40)), Repairs(1, 0, 0, 0, 0)),
        (
            _walk(7, 0, range(20))
            + _walk(7, 50, range(20, 40))
            + _walk(8, 50, range(20))
            + _walk(8, 0, range(20, 40)),
            Repairs(0, 0, 1, 0, 0),
        ),
        (A, Repairs(0, 0, 0, 0, 1)),
        (A + B + _walk(9, 300, range(9)), Repairs(0, 0, 0, 1, 0)),
        # Two frames on the other object: nobody cuts for those.
        (_walk(1, 0, range(20)) + _walk(1, 50, range(20, 22)) + _walk(1, 0, range(22, 40)) + B[:20] + B[22:],
         Repairs(0, 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_repairs_are_splits_merges_swaps_deletions_and_drawings(
    found: list[tuple[float, ...]], expected: Repairs
) -> None:
    assert count_repairs(_linked(sorted(A + B)), _linked(sorted(found))) == expected


def test_nothing_against_nothing_scores_zero() -> None:
    assert identity_score(_linked([]), _linked([])).f1 == 0.0
    assert count_repairs(_linked(sorted(A)), _linked([])).total == 1
