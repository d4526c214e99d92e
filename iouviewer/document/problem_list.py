"""The list of problems under review: open and done problems, filtered and sorted.

All problems come in columns from a background search (``GroupedProblems``), also those around an edit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from iouviewer.document.boxes import NO_BOX, NO_TRACK, Rect
from iouviewer.document.decisions import Decision, Verdict
from iouviewer.document.filtering import NO_FILTER
from iouviewer.document.problem_groups import GroupedProblems, group_problems
from iouviewer.document.problem_table import ProblemTable
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import ADDING, Problem, ProblemKind, parse_key
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import COCO_AREAS, Bool, Float, Int

SAME_PLACE = 0.5
"""IoU from which two missing boxes on a frame are one object: a decision holds where other variants see it, too."""
_ADDING = [int(kind) for kind in ADDING]


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Criteria for the problems to show.

    Attributes:
        topics, class_ids: empty for all.
        min_score: lowest probability of a label error, 0..1.
        text: words that must all match: part of the name of a class or topic, a number as frame, box or track,
            ``#n`` as box only, ``a-b`` as a range of frames.
        verdicts: list decided problems with these verdicts that are still found; empty: the open ones.
        tracks: empty for all. variants: places of variants of which one must agree, empty for all.
        min_confidence: lowest mean confidence of the variants that see it; problems without one pass only at 0.
        sizes: names of COCO's ranges of areas ("small", "medium", "large"), empty for all.
    """

    topics: frozenset[ProblemKind] = frozenset()
    min_score: float = 0.0
    text: str = ""
    class_ids: frozenset[int] = frozenset()
    verdicts: frozenset[Verdict] = frozenset()
    tracks: frozenset[int] = frozenset()
    variants: frozenset[int] = frozenset()
    min_confidence: float = 0.0
    sizes: frozenset[str] = frozenset()


class ProblemOrder(StrEnum):
    """Order of the list."""

    WORST = "worst"
    FRAME = "frame"
    TRACK = "track"
    ALIKE = "alike"
    """Look-alikes: by kind, class and track, then by size."""


@dataclass(frozen=True, eq=False)
class VisibleProblems:
    """The problems that pass the filter, sorted.

    Attributes:
        rows: (M,) int64, numbers for ``ProblemList.problem``; by score, by frame, or by group and frame.
        groups: (G,) int64, the groups in order; empty without grouping.
        starts: (G + 1,) int64, the range of each group in ``rows``.
    """

    rows: Int
    groups: Int
    starts: Int


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The values that the filter reads, (N,) each; real numbers are NaN where unknown, ``variants`` are bits."""

    frames: Int
    kinds: Int
    scores: Float
    box_ids: Int
    tracks: Int
    class_ids: Int
    variants: Int
    confidences: Float
    areas: Float

    @classmethod
    def of(cls, table: ProblemTable) -> _Columns:
        columns = (table.frames, table.kinds, table.scores, table.box_ids, table.tracks, table.class_ids)
        return cls(*columns, table.variants, table.confidences, _areas(table))


def _areas(table: ProblemTable) -> Float:
    width, height = table.rects[2:] - table.rects[:2]
    area: Float = width * height
    return area


class _Row(NamedTuple):
    """The values of one problem as ``_Columns`` has them."""

    frame: int
    kind: int
    score: float
    box_id: int
    track: int
    class_id: int
    variants: int = -1
    confidence: float = np.nan
    area: float = np.nan


class ProblemList:
    """Open and done problems of one source.

    Attributes:
        filter, rules: the filter of the list, and the filter line of the window; problems pass both.
        new_count: number of open problems that edits made since the last complete search; they end the list.
    """

    def __init__(self) -> None:
        self.filter = ProblemFilter()
        self.rules = NO_FILTER
        self.grouped = True
        self.order = ProblemOrder.WORST
        self.class_names: tuple[str, ...] = ()
        self.new_count = 0
        self._decisions: dict[str, Decision] = {}
        self._done: dict[str, _Row] = {}
        self._fixed: dict[str, Problem] = {}
        self._made: set[str] = set()
        self._taken: list[Problem] = []
        self.set_problems(group_problems(ProblemTable.of((), 0)))

    # Filling

    def set_problems(self, grouped: GroupedProblems) -> None:
        """Replace all problems after a complete search."""
        self._base = grouped
        self._made = {key for key in self._made if len(self._rows_of(key))}
        self._number()

    def set_problems_around(self, grouped: GroupedProblems, by_user: Collection[int]) -> None:
        """Replace all problems after an edit.

        Those that disappear from the frames ``by_user``, which a person edited, count as fixed, but not those that such
        an edit made before: a box that was moved away and back decides nothing.
        """
        before = self._by_key(by_user)
        self._base = grouped
        now = self._by_key(by_user)
        boxes = {problem.box_id for problem in now.values()} - {None}
        for key, problem in before.items():
            gone = key not in now and problem.box_id not in boxes and not len(self._rows_of(key))
            if gone and key not in self._decisions and key not in self._made and key not in self._fixed:
                self._fixed[key] = problem
                self._taken.append(problem)
        self._made |= now.keys() - before.keys() - self._fixed.keys()
        self._number()

    def _number(self) -> None:
        """Apply the decisions to the rows as they are now."""
        table = self._base.table
        self._decided = np.zeros(len(table), np.bool_)
        self._done = {}
        for key in self._decisions:
            self._mark(key)
        self._new = np.zeros(len(table), np.bool_)
        for key in self._made:
            self._new[self._rows_of(key)] = True
        self._fixed = {key: one for key, one in self._fixed.items() if not len(self._rows_of(key))}

    def _by_key(self, frames: Iterable[int]) -> dict[str, Problem]:
        table = self._base.table
        found = (table.problem(row) for frame in sorted(set(frames)) for row in table.rows_of_frame(frame))
        return {problem.key: problem for problem in found}

    def clear_fixed(self) -> None:
        """Forget which problems edits fixed or made (another document was opened)."""
        self._fixed, self._made, self._taken = {}, set(), []

    def take_fixed(self) -> list[Problem]:
        """The problems that edits by hand solved since the last call."""
        taken, self._taken = self._taken, []
        return [problem for problem in taken if problem.key in self._fixed]

    def set_decisions(self, decisions: Mapping[str, Decision]) -> bool:
        """Replace the decisions; False if nothing changed."""
        now = {key: one for key, one in decisions.items() if parse_key(key) is not None}
        if now == self._decisions:
            return False
        changed = {key for key in now.keys() | self._decisions.keys() if now.get(key) != self._decisions.get(key)}
        self._decisions = now
        gone = changed - now.keys()
        if gone:
            # Another decision may hold for the same place.
            self._number()
            return True
        for key in changed:
            self._mark(key)
        return True

    def _mark(self, key: str) -> None:
        rows = self._rows_of(key)
        self._decided[rows] = True
        self._done[key] = self._row_of_key(key, rows)
        self._fixed.pop(key, None)

    # Keys

    @property
    def table(self) -> ProblemTable:
        """All problems, the decided ones too."""
        return self._base.table

    def _rows_of(self, key: str) -> Int:
        """Rows of the problems with this key; of a missing box also where another variant sees it."""
        parts, table = parse_key(key), self._base.table
        if parts is None:
            return np.zeros(0, np.int64)
        kind, frame, box_id, rect = parts
        of_frame = table.rows_of_frame(frame)
        rows: Int = np.arange(of_frame.start, of_frame.stop)
        if rect is None:
            same: Int = rows[(table.kinds[rows] == kind) & (table.box_ids[rows] == box_id)]
            return same
        rows = rows[np.isin(table.kinds[rows], _ADDING)]
        overlap = iou_matrix(np.array([rect]).T, table.rects[:, rows])[0]
        found: Int = rows[overlap >= SAME_PLACE]
        return found

    def _row_of_key(self, key: str, rows: Int) -> _Row:
        """The filter's values of a decided problem; those that the decision kept if the problem is no longer found."""
        if len(rows):
            return _row(self.problem(int(rows[0])))
        kind, frame, box_id, _rect = parse_key(key) or (ProblemKind.LOOSE, -1, None, None)
        decision = self._decisions[key]
        return _Row(frame, kind, np.nan, NO_BOX if box_id is None else box_id, decision.track, decision.class_id)

    # Reading

    def open_rows(self, key: str) -> list[int]:
        """Rows of the listed problems with this key."""
        return [int(row) for row in self._rows_of(key) if self._listed[row]]

    @property
    def _listed(self) -> Bool:
        """(N,) the rows that the filter's verdicts choose."""
        verdicts = self.filter.verdicts
        if not verdicts:
            return ~self._decided
        chosen = np.zeros(len(self._base.table), np.bool_)
        for key, decision in self._decisions.items():
            if decision.verdict in verdicts:
                chosen[self._rows_of(key)] = True
        return chosen

    def open_at(self, frame: int, box_id: int | None, rect: Rect) -> list[Problem]:
        """The open problems about a box; None: those of a missing box at this place."""
        table = self._base.table
        of_frame = table.rows_of_frame(frame)
        rows: Int = np.arange(of_frame.start, of_frame.stop)
        rows = rows[~self._decided[rows]]
        if box_id is not None:
            rows = rows[table.box_ids[rows] == box_id]
        else:
            rows = rows[np.isin(table.kinds[rows], _ADDING)]
            rows = rows[iou_matrix(np.array([rect]).T, table.rects[:, rows])[0] >= SAME_PLACE]
        return [self.problem(row) for row in rows.tolist()]

    def problem(self, row: int) -> Problem:
        """The problem in this row."""
        return self._base.table.problem(row)

    def object_rows(self, row: int) -> Int:
        """The open problems of the same lasting error, by frame."""
        base = self._base
        rows = base.by_group[slice(*base.starts[base.group[row] : base.group[row] + 2].tolist())]
        found: Int = rows[~self._decided[rows] | (rows == row)]
        return found

    def front_places(self, rows: Int) -> Int:
        """The places in ``rows`` of the likeliest problem of each lasting error, in the order of their first ones."""
        group = self._base.group[rows]
        order = np.lexsort((-self._base.table.scores[rows], group))
        best = order[np.diff(group[order], prepend=-1) != 0]
        _, first = np.unique(group, return_index=True)
        found: Int = best[np.argsort(first, kind="stable")]
        return found

    def objects_of(self, key: str) -> list[Problem]:
        """``object_rows`` of the problem with this key, as problems; none if it is no longer found."""
        exact = [row for row in self._rows_of(key).tolist() if self.problem(row).key == key]
        return [self.problem(row) for row in self.object_rows(exact[0]).tolist()] if exact else []

    def group_key(self, group: int) -> str:
        """The key of a group's first problem, which names the group when problems are grouped again."""
        return self.problem(int(self._base.by_group[self._base.starts[group]])).key

    def group_number(self, key: str) -> int:
        """The group of the problem with this key, -1 if there is none."""
        rows = self._rows_of(key)
        return int(self._base.group[rows[0]]) if len(rows) else -1

    def most_severe(self, rows: Int) -> Problem:
        """The likeliest of these problems, the earliest of equals."""
        return self.problem(int(rows[self._base.table.scores[rows].argmax()]))

    def list_visible(self) -> VisibleProblems:
        """The problems that pass the filter; those that edits made come last."""
        base, table = self._base, self._base.table
        passing = self._listed & self._passes(_Columns.of(table))
        self.new_count = int(np.count_nonzero(passing & self._new))
        none = VisibleProblems(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(1, np.int64))
        if self.order is ProblemOrder.FRAME:
            rows = np.flatnonzero(passing)
            order = np.lexsort((-table.scores[rows], table.frames[rows]))
            return VisibleProblems(rows[order], none.groups, none.starts)
        if self.order in (ProblemOrder.TRACK, ProblemOrder.ALIKE):
            rows = np.flatnonzero(passing)
            untracked = table.tracks[rows] == NO_TRACK
            keys: tuple[Int | Float | Bool, ...] = (table.frames[rows], table.tracks[rows], untracked)
            if self.order is ProblemOrder.ALIKE:
                size = _areas(table)[rows]
                keys = (-table.scores[rows], size, table.tracks[rows], table.class_ids[rows], table.kinds[rows])
            return VisibleProblems(rows[np.lexsort(keys)], none.groups, none.starts)
        if not self.grouped:
            rows = base.by_score[passing[base.by_score]]
            rows = rows[np.argsort(self._new[rows], kind="stable")]
            return VisibleProblems(rows, none.groups, none.starts)
        rows = base.by_group[passing[base.by_group]]
        group = base.group[rows]
        old = np.zeros(base.group_count, np.bool_)
        old[group[~self._new[rows]]] = True
        order = np.lexsort((np.arange(len(rows)), ~old[group]))
        rows, group = rows[order], group[order]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        return VisibleProblems(rows, group[first], np.append(first, len(rows)))

    def count_done(self) -> int:
        """How many of the problems that pass the filter were decided or fixed."""
        done = [*self._done.values(), *map(_row, self._fixed.values())]
        return int(np.count_nonzero(self._passes(_rows(done)))) if done else 0

    def count_left(self) -> int:
        """How many open problems pass the filter, without those that rest on one variant alone."""
        table = self._base.table
        return int(np.count_nonzero(~self._decided & ~table.evidence_only & self._passes(_Columns.of(table))))

    def count_decisions(self) -> int:
        """How many problems were decided or fixed, without the filter."""
        return len(self._done) + len(self._fixed)

    def count_open(self) -> dict[ProblemKind, int]:
        """Open problems by topic, without the filter."""
        counted = np.bincount(self._base.table.kinds[~self._decided], minlength=len(ProblemKind))
        return {topic: int(counted[topic]) for topic in ProblemKind}

    def count_open_by_track(self) -> dict[int, int]:
        """Open problems of boxes with a track, without the filter."""
        numbers, counts = np.unique(self._base.table.tracks[~self._decided], return_counts=True)
        found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        found.pop(NO_TRACK, None)
        return found

    def open_columns(self) -> tuple[Int, Int, Int]:
        """Frame, kind and track of each open problem that passes the filter line; (P,) each, in no order."""
        table = self._base.table
        keep = ~self._decided & self.rules.lists_boxes(table.frames, table.class_ids, _areas(table), table.tracks)
        return table.frames[keep], table.kinds[keep], table.tracks[keep]

    def count_classes(self) -> dict[int, int]:
        """Number of open problems by class id, without the filter."""
        ids, counts = np.unique(self._base.table.class_ids[~self._decided], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def _passes(self, columns: _Columns) -> Bool:
        chosen, rules = self.filter, self.rules
        keep = rules.lists_boxes(columns.frames, columns.class_ids, columns.areas, columns.tracks)
        if chosen.topics:
            keep &= np.isin(columns.kinds, [int(topic) for topic in chosen.topics])
        if chosen.class_ids:
            keep &= np.isin(columns.class_ids, list(chosen.class_ids))
        if chosen.min_score > 0:
            # Unknown scores pass, so that a decided problem stays counted.
            keep &= ~(columns.scores < chosen.min_score)
        if chosen.tracks:
            keep &= np.isin(columns.tracks, list(chosen.tracks))
        if chosen.variants:
            keep &= (columns.variants & sum(1 << place for place in chosen.variants)) != 0
        if chosen.min_confidence > 0:
            keep &= columns.confidences >= chosen.min_confidence
        if chosen.sizes:
            ranges = [(low, high) for name, low, high in COCO_AREAS if name in chosen.sizes]
            keep &= np.any([(columns.areas >= low) & (columns.areas < high) for low, high in ranges], axis=0)
        for word in chosen.text.casefold().split():
            keep &= self._matches(columns, word)
        return keep

    def _matches(self, columns: _Columns, word: str) -> Bool:
        span = re.fullmatch(r"(\d+)-(\d+)", word)
        if span is not None:
            first, last = (min(int(part), 2**62) for part in span.groups())
            inside: Bool = (columns.frames >= first) & (columns.frames <= last)
            return inside
        number = re.fullmatch(r"(#?)(\d{1,18})", word)
        if number is not None:
            value = int(number[2])
            box: Bool = columns.box_ids == value
            return box if number[1] else box | (columns.frames == value) | (columns.tracks == value)
        classes = [index for index, name in enumerate(self.class_names) if word in name.casefold()]
        topics = [int(topic) for topic, name in TOPIC_NAMES.items() if word in name.casefold()]
        return np.isin(columns.class_ids, classes) | np.isin(columns.kinds, topics)


def _row(problem: Problem) -> _Row:
    x1, y1, x2, y2 = problem.rect
    confidence = np.nan if problem.confidence is None else problem.confidence
    return _Row(
        problem.frame, problem.kind, problem.score, NO_BOX if problem.box_id is None else problem.box_id, problem.track,
        problem.class_id, sum(1 << place for place in problem.variants), confidence, (x2 - x1) * (y2 - y1),
    )  # fmt: skip


def _rows(rows: Iterable[_Row]) -> _Columns:
    found = list(rows)
    columns = [list(column) for column in zip(*found, strict=True)] if found else [[]] * len(_Row._fields)
    real = ("score", "confidence", "area")
    arrays: list[Any] = [
        np.array(column, np.float64 if name in real else np.int64)
        for name, column in zip(_Row._fields, columns, strict=True)
    ]
    return _Columns(*arrays)
