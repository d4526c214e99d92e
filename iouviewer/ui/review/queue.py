"""Which problem of the list is the current one, and which comes next."""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.document.problems import Problem
from iouviewer.ui.tables.problems_model import ProblemsModel


class ReviewQueue:
    """The current problem of a filtered list, which stays the same one while the list changes.

    Attributes:
        key, position: of the problem last gone to; empty and -1 before the first one. After it was solved, the next one
            is at the position.
        is_left: the review was left; the next step returns to this problem.
        whole_objects: steps and decisions go by object: all frames of one lasting error.
    """

    def __init__(self, model: ProblemsModel) -> None:
        self._model = model
        self.key, self.position = "", -1
        self.is_left = False
        self.whole_objects = True

    @property
    def current(self) -> Problem | None:
        """The problem at the position; None before the first step and when all are solved."""
        return self._model.problem_at(self.position) if 0 <= self.position < self._model.count else None

    def reviewed_on(self, frame: int) -> Problem | None:
        """The problem last gone to, while it is open and this is its frame."""
        problem = None if self.is_left else self.current
        return problem if problem is not None and (problem.key, problem.frame) == (self.key, frame) else None

    def move_to(self, position: int) -> Problem:
        """Make the problem at a position the current one."""
        problem = self._model.problem_at(position)
        self.key, self.position, self.is_left = problem.key, position, False
        return problem

    def follow(self) -> int:
        """Follow the problem after the list has changed; its position, -1 if it is not listed."""
        position = self._model.position_of(self.key) if self.key else -1
        self.position = min(position if position >= 0 else self.position, self._model.count - 1)
        return position

    def objects(self, problems: Sequence[Problem]) -> list[list[Problem]]:
        """Problems in groups of one object each, in their order."""
        wanted = {problem.key: problem for problem in problems}
        found: list[list[Problem]] = []
        while wanted:
            first = next(iter(wanted.values()))
            alike = [one for one in self._model.object_of(first) if one.key in wanted] or [first]
            found.append(alike)
            for one in alike:
                wanted.pop(one.key, None)
        return found

    def object_of(self, problem: Problem) -> list[Problem]:
        """The problems that a decision about this one is about: all of its object, or itself."""
        return (self._model.object_of(problem) if self.whole_objects else []) or [problem]

    def fronts(self) -> list[Problem]:
        """The listed problems; of each object only the worst one where steps go by object."""
        if self.whole_objects:
            return self._model.fronts()
        return [self._model.problem_at(position) for position in range(self._model.count)]

    def front(self, problem: Problem) -> Problem:
        """The problem that is shown for all of an object: the worst one that is listed."""
        if not self.whole_objects:
            return problem
        alike = [one for one in self._model.object_of(problem) if self._model.position_of(one.key) >= 0]
        return max(alike, key=lambda one: one.score, default=problem)

    def next_key(self, decided: Sequence[Problem]) -> str:
        """The key of the problem to go to after these were decided: the rest of the object, else the next object."""
        keys, count = {problem.key for problem in decided}, self._model.count
        alike = self._model.object_of(decided[0]) if self.whole_objects else []
        rest = [one for one in alike if one.key not in keys and self._model.position_of(one.key) >= 0]
        if rest:
            return max(rest, key=lambda one: one.score).key
        start = max(self.position, 0)
        order = (self._model.problem_at((start + by) % count) for by in range(min(count, len(keys) + 1)))
        found = next((problem for problem in order if problem.key not in keys), None)
        return "" if found is None else self.front(found).key

    def is_last(self, by: int) -> bool:
        """Whether the list ends behind the current problem's object (1), or before it (-1)."""
        current = self.current
        if current is None or self.is_left or current.key != self.key:
            return False
        alike = {problem.key for problem in self.object_of(current)}
        rest = range(self.position + by, self._model.count if by > 0 else -1, by)
        return all(self._model.problem_at(position).key in alike for position in rest)

    def position_after(self, by: int) -> int:
        """The position one step on (1) or back (-1), -1 in an empty list."""
        count = self._model.count
        if not count:
            return -1
        solved = bool(self.key) and self._model.position_of(self.key) < 0
        if (solved or self.is_left) and by > 0:
            position = self.position % count
            return position if self.is_left else self._front_position(position)
        if self.position < 0:
            return self._front_position(0 if by > 0 else count - 1)
        return self._front_position(self._beyond_object((self.position + by) % count, by))

    def _front_position(self, position: int) -> int:
        return self._model.position_of(self.front(self._model.problem_at(position)).key)

    def _beyond_object(self, position: int, by: int) -> int:
        """The first position from ``position`` on that is not of the current problem's object."""
        current, count = self.current, self._model.count
        alike = {problem.key for problem in self.object_of(current)} if current is not None else set()
        for steps in range(min(count, len(alike) + 1)):
            at = (position + by * steps) % count
            if self._model.problem_at(at).key not in alike:
                return at
        return position
