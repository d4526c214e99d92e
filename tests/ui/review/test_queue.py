"""Where the list of problems ends: a review over several sources skips no problem and does not go in circles."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from iouviewer.ui.review.queue import ReviewQueue


@dataclass
class Listed:
    """A list of problems; equal letters are one object."""

    keys: list[str]
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.keys)

    def problem_at(self, position: int) -> Any:
        key = self.keys[position]
        return self.made.setdefault(key, SimpleNamespace(key=key, frame=0, score=float(-len(self.made))))

    def position_of(self, key: str) -> int:
        return self.keys.index(key) if key in self.keys else -1

    def object_of(self, problem: Any) -> list[Any]:
        return [self.problem_at(place) for place, key in enumerate(self.keys) if key[0] == problem.key[0]]


def queue_at(keys: str, position: int) -> ReviewQueue:
    queue = ReviewQueue(Listed(keys.split()))  # type: ignore[arg-type]
    if position >= 0:
        queue.move_to(position)
    return queue


@pytest.mark.parametrize(
    ("keys", "position", "is_last", "is_first"),
    [
        ("a1 b1 c1", 0, False, True),
        ("a1 b1 c1", 1, False, False),
        ("a1 b1 c1", 2, True, False),
        ("a1", 0, True, True),
        ("a1 a2 b1 b2", 2, True, False),  # the rest is of the same object
        ("a1 b1 a2", 0, False, True),
        ("a1 b1 a2", 2, True, False),
        ("a1 b1", -1, False, False),  # the review has not begun
    ],
)
def test_the_list_ends_behind_the_last_object(keys: str, position: int, is_last: bool, is_first: bool) -> None:
    queue = queue_at(keys, position)
    assert queue.is_last(1) is is_last
    assert queue.is_last(-1) is is_first


def test_problems_are_counted_singly_where_steps_go_by_problem() -> None:
    queue = queue_at("a1 a2", 0)
    assert queue.is_last(1)
    queue.whole_objects = False
    assert not queue.is_last(1)


def test_a_review_that_was_left_has_no_end() -> None:
    queue = queue_at("a1", 0)
    queue.is_left = True
    assert not queue.is_last(1)
