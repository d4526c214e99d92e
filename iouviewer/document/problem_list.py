"""The list of problems under review: open and done problems, filtered and sorted.

Most problems come in columns from a background search (``GroupedProblems``); frames edited since then override them. An
edit therefore costs one frame and one pass over the columns, not a new search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from iouviewer.document.boxes import NO_BOX, NO_TRACK, Box
from iouviewer.document.problem_groups import GroupedProblems, group_problems
from iouviewer.document.problem_table import ProblemTable
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import Problem, ProblemKind, ProblemTopic, topic_of
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

GroupKey = tuple[int, int, str]
"""Kind, track, and, without a track, the first problem's key; stays valid when problems are grouped again."""


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Criteria for the problems to show.

    Attributes:
        topics, class_ids: empty for all.
        min_severity: lowest severity within a kind, 0..1 (``Problem.severity`` without the kind).
        text: words that must all match: part of the name of a class or topic, a number as frame, box or track,
            ``#n`` as box only, ``a-b`` as a range of frames.
    """

    topics: frozenset[ProblemTopic] = frozenset()
    min_severity: float = 0.0
    text: str = ""
    class_ids: frozenset[int] = frozenset()


class ProblemOrder(StrEnum):
    """Order of the list."""

    WORST = "worst"
    FRAME = "frame"


@dataclass(frozen=True, slots=True)
class FilterRow:
    """The values of a problem that the filter reads; the severity within the kind is NaN where unknown."""

    frame: int
    kind: ProblemKind
    severity: float
    box_id: int
    track: int
    class_id: int


@dataclass(frozen=True, eq=False)
class VisibleProblems:
    """The problems that pass the filter, sorted.

    Attributes:
        rows: (M,) int64, numbers for ``ProblemList.problem``; by severity, by frame, or by group and frame.
        groups: (G,) int64, the groups in order; empty without grouping.
        starts: (G + 1,) int64, the range of each group in ``rows``.
    """

    rows: Int
    groups: Int
    starts: Int


class ProblemList:
    """Open and done problems of one source."""

    def __init__(self, find_box: Callable[[int], Box | None]) -> None:
        """``find_box`` returns the ground-truth box with an id, for decisions whose problem no longer exists."""
        self._find_box = find_box
        self.filter = ProblemFilter()
        self.grouped = True
        self.order = ProblemOrder.WORST
        self.class_names: tuple[str, ...] = ()
        self._decisions: dict[str, str] = {}
        self._done: dict[str, FilterRow] = {}
        self._fixed: dict[str, Problem] = {}
        self._made: set[str] = set()
        self.set_problems(group_problems(ProblemTable.of((), 0)))

    # Filling

    def set_problems(self, grouped: GroupedProblems) -> None:
        """Replace all problems after a new search."""
        self._base = grouped
        table = grouped.table
        self._current = np.ones(len(table), np.bool_)
        self._decided = np.zeros(len(table), np.bool_)
        self._edited: dict[int, list[Problem]] = {}
        self._overlay: list[Problem] = []
        self._groups = dict(grouped.tracked)
        self._untracked_groups: dict[str, int] = {}
        self._new_groups: list[GroupKey] = []
        for key in self._decisions:
            rows = self._rows_of(key)
            self._decided[rows] = True
            if len(rows):
                self._done[key] = self._row_of_key(key, rows)
        self._fixed = {key: one for key, one in self._fixed.items() if not len(self._rows_of(key))}

    def clear_fixed(self) -> None:
        """Forget which problems edits fixed or made (another document was opened)."""
        self._fixed, self._made = {}, set()

    @property
    def edited_frame_count(self) -> int:
        """Number of edited frames that override the columns."""
        return len(self._edited)

    def set_decisions(self, decisions: Mapping[str, str]) -> bool:
        """Replace the decisions; False if nothing changed."""
        now = {key: value for key, value in decisions.items() if value and _parse(key) is not None}
        if now == self._decisions:
            return False
        changed = now.keys() ^ self._decisions.keys()
        self._decisions = now
        for key in changed:
            rows = self._rows_of(key)
            self._decided[rows] = key in now
            if key in now:
                self._done[key] = self._row_of_key(key, rows)
            else:
                self._done.pop(key, None)
        return True

    def set_frame(self, frame: int, found: Sequence[Problem], *, by_user: bool = False) -> bool:
        """Replace a frame's problems; False if nothing changed.

        With ``by_user``, those that disappear count as fixed, but not those that such an edit made before: a box that
        was moved away and back decides nothing.
        """
        before = {problem.key: problem for problem in self._of_frame(frame)}
        now = {problem.key: problem for problem in found}
        if before == now:
            return False
        for key, number in self._group_of_frame(frame).items():
            self._untracked_groups.setdefault(key, number)
        if by_user:
            boxes = {problem.box_id for problem in found} - {None}
            missing = {k: p for k, p in before.items() if k not in now and p.box_id not in boxes}
            self._fixed.update({k: p for k, p in missing.items() if k not in self._decisions and k not in self._made})
            self._made |= now.keys() - before.keys() - self._fixed.keys()
        for key in now:
            self._fixed.pop(key, None)
        table = self._base.table
        if frame + 1 < len(table.offsets):
            self._current[table.offsets[frame] : table.offsets[frame + 1]] = False
        self._edited[frame] = list(found)
        return True

    def _of_frame(self, frame: int) -> list[Problem]:
        if frame in self._edited:
            return self._edited[frame]
        offsets = self._base.table.offsets
        if frame + 1 >= len(offsets):
            return []
        return [self._base.table.problem(row) for row in range(int(offsets[frame]), int(offsets[frame + 1]))]

    def _group_of_frame(self, frame: int) -> dict[str, int]:
        """The groups of a frame's problems by key, so that a problem that reappears returns to its group."""
        offsets = self._base.table.offsets
        if frame in self._edited or frame + 1 >= len(offsets):
            return {}
        rows = range(int(offsets[frame]), int(offsets[frame + 1]))
        return {self._base.table.problem(row).key: int(self._base.group[row]) for row in rows}

    def _group_of(self, problem: Problem) -> int:
        kind_and_track = (int(problem.kind), problem.track)
        tracked = problem.track != NO_TRACK
        known = self._groups.get(kind_and_track) if tracked else self._untracked_groups.get(problem.key)
        if known is not None:
            return known
        number = self._base.group_count + len(self._new_groups)
        self._new_groups.append((*kind_and_track, "" if tracked else problem.key))
        if tracked:
            self._groups[kind_and_track] = number
        else:
            self._untracked_groups[problem.key] = number
        return number

    def group_key(self, group: int) -> GroupKey:
        """The key of a group, which stays valid when problems are grouped again."""
        if group >= self._base.group_count:
            return self._new_groups[group - self._base.group_count]
        problem = self._base.table.problem(int(self._base.by_group[self._base.starts[group]]))
        return int(problem.kind), problem.track, "" if problem.track != NO_TRACK else problem.key

    def group_number(self, key: GroupKey) -> int:
        """The group with this key, -1 if there is none."""
        kind, track, first = key
        if track != NO_TRACK:
            return self._groups.get((kind, track), -1)
        rows = self._rows_of(first)
        return int(self._base.group[rows[0]]) if len(rows) else self._untracked_groups.get(first, -1)

    # Keys

    def _rows_of(self, key: str) -> Int:
        """Rows of the columns with this key."""
        parts = _parse(key)
        table = self._base.table
        if parts is None or parts[1] + 1 >= len(table.offsets):
            return np.zeros(0, np.int64)
        kind, frame, box_id = parts
        rows: Int = np.arange(table.offsets[frame], table.offsets[frame + 1])
        rows = rows[(table.kinds[rows] == kind) & (table.box_ids[rows] == box_id)]
        if box_id == NO_BOX:
            rows = rows[[table.problem(int(row)).key == key for row in rows]]
        return rows

    def _row_of_key(self, key: str, rows: Int) -> FilterRow:
        """The filter's values of a decided problem; those in its key and box if the problem no longer exists."""
        # Edited frames take precedence over the columns, even where the key is the same.
        known = next((p for p in self._edited.get(_frame_of(key), ()) if p.key == key), None)
        if known is None and len(rows):
            known = self._base.table.problem(int(rows[0]))
        if known is not None:
            return _row(known)
        kind, frame, box_id = _parse(key) or (ProblemKind.LOOSE, -1, NO_BOX)
        box = self._find_box(box_id) if box_id != NO_BOX else None
        track, class_id = (NO_TRACK, UNSPECIFIED_CLASS) if box is None else (box.track, box.class_id)
        return FilterRow(frame, kind, np.nan, box_id, track, class_id)

    # Reading

    def open_rows(self, key: str) -> list[int]:
        """Rows of the open problems with this key, as the last ``list_visible`` numbered them."""
        base = len(self._base.table)
        overlaid = [base + index for index, problem in enumerate(self._overlay) if problem.key == key]
        return overlaid or [int(row) for row in self._rows_of(key) if self._current[row] and not self._decided[row]]

    def problem(self, row: int) -> Problem:
        """The problem in this row, as the last ``list_visible`` numbered it."""
        base = len(self._base.table)
        return self._base.table.problem(row) if row < base else self._overlay[row - base]

    def most_severe(self, rows: Int) -> Problem:
        """The most severe of these problems, the earliest of equals."""
        base = len(self._base.table)
        inside = rows[rows < base]
        found = [self._overlay[row - base] for row in rows[rows >= base].tolist()]
        if len(inside):
            found.append(self._base.table.problem(int(inside[self._base.table.severities[inside].argmax()])))
        worst: Problem = min(found, key=lambda problem: (-problem.severity, problem.frame))
        return worst

    def list_visible(self) -> VisibleProblems:
        """The open problems that pass the filter."""
        base, table = self._base, self._base.table
        passing = self._current & ~self._decided & self._passes(_columns(table))
        self._overlay = [p for f in sorted(self._edited) for p in self._edited[f] if p.key not in self._decisions]
        overlay = _columns(ProblemTable.of((), 0)) if not self._overlay else _rows([_row(p) for p in self._overlay])
        more = np.flatnonzero(self._passes(overlay)) if self._overlay else np.zeros(0, np.int64)
        if self.order is ProblemOrder.FRAME:
            frames = np.concatenate((table.frames[passing], overlay.frames[more]))
            severity = np.concatenate((table.severities[passing], self._overlay_severities(more)))
            rows = np.concatenate((np.flatnonzero(passing), more + len(table)))
            rows = rows[np.lexsort((-severity, frames))]
            return VisibleProblems(rows, np.zeros(0, np.int64), np.zeros(1, np.int64))
        if not self.grouped:
            rows = base.by_severity[passing[base.by_severity]]
            severity = self._overlay_severities(more)
            by = np.argsort(-severity, kind="stable")
            place = np.searchsorted(-table.severities[rows], -severity[by], side="right")
            rows = np.insert(rows, place, more[by] + len(table))
            return VisibleProblems(rows, np.zeros(0, np.int64), np.zeros(1, np.int64))
        rows = base.by_group[passing[base.by_group]]
        group, frames = base.group[rows], table.frames[rows]
        if len(more):
            extra = np.array([self._group_of(self._overlay[i]) for i in more.tolist()], np.int64)
            rows, group = np.append(rows, more + len(table)), np.append(group, extra)
            frames = np.append(frames, overlay.frames[more])
            order = np.lexsort((frames, group))
            rows, group = rows[order], group[order]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        return VisibleProblems(rows, group[first], np.append(first, len(rows)))

    def _overlay_severities(self, rows: Int) -> Float:
        return np.array([self._overlay[row].severity for row in rows.tolist()], np.float64)

    def count_done(self) -> int:
        """How many of the problems that pass the filter were decided or fixed."""
        done = [*self._done.values(), *(_row(problem) for problem in self._fixed.values())]
        return int(np.count_nonzero(self._passes(_rows(done)))) if done else 0

    def count_decisions(self) -> int:
        """How many problems were decided or fixed, without the filter."""
        return len(self._done) + len(self._fixed)

    def count_open(self) -> dict[ProblemTopic, int]:
        """Open problems by topic, without the filter."""
        table, is_open = self._base.table, self._current & ~self._decided
        counted = np.bincount(_topics(table.kinds[is_open], table.box_ids[is_open]), minlength=len(ProblemTopic))
        found = {topic: int(counted[topic]) for topic in ProblemTopic}
        for problems in self._edited.values():
            for problem in problems:
                found[problem.topic] += problem.key not in self._decisions
        return found

    def count_open_by_track(self) -> dict[int, int]:
        """Open problems of boxes with a track, without the filter."""
        tracks = self._base.table.tracks[self._current & ~self._decided]
        numbers, counts = np.unique(tracks, return_counts=True)
        found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        for problems in self._edited.values():
            for problem in problems:
                found[problem.track] = found.get(problem.track, 0) + (problem.key not in self._decisions)
        found.pop(NO_TRACK, None)
        return found

    def open_columns(self) -> tuple[Int, Int, Int]:
        """Frame, kind and track of each open problem, without the filter; (P,) each, in no order."""
        table, keep = self._base.table, self._current & ~self._decided
        edited = [p for problems in self._edited.values() for p in problems if p.key not in self._decisions]
        new = np.array([(p.frame, int(p.kind), p.track) for p in edited], np.int64).reshape(-1, 3).T
        columns = (table.frames[keep], table.kinds[keep], table.tracks[keep])
        frames, kinds, tracks = (np.concatenate(pair) for pair in zip(columns, new, strict=True))
        return frames, kinds, tracks

    def _passes(self, columns: _Columns) -> Bool:
        chosen = self.filter
        keep = np.ones(len(columns.frames), np.bool_)
        if chosen.topics:
            keep &= np.isin(_topics(columns.kinds, columns.box_ids), [int(topic) for topic in chosen.topics])
        if chosen.class_ids:
            keep &= np.isin(columns.class_ids, list(chosen.class_ids))
        if chosen.min_severity > 0:
            # Unknown severities pass, so that a decided problem stays counted.
            keep &= ~(columns.severity < chosen.min_severity)
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
        return np.isin(columns.class_ids, classes) | np.isin(_topics(columns.kinds, columns.box_ids), topics)


_TOPIC_TABLE = np.array([[int(topic_of(kind, has_box=has_box)) for kind in ProblemKind] for has_box in (False, True)])
"""Topic by whether there is a box, and kind."""


def _topics(kinds: Int, box_ids: Int) -> Int:
    """(N,) topic of each problem."""
    result: Int = _TOPIC_TABLE[(box_ids != NO_BOX).astype(np.int64), kinds]
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """(N,) each."""

    frames: Int
    kinds: Int
    severity: Float
    box_ids: Int
    tracks: Int
    class_ids: Int


def _columns(table: ProblemTable) -> _Columns:
    severity = (table.severities - table.kinds) / 0.99
    return _Columns(table.frames, table.kinds, severity, table.box_ids, table.tracks, table.class_ids)


def _rows(rows: Iterable[FilterRow]) -> _Columns:
    found = list(rows)
    return _Columns(
        np.array([row.frame for row in found], np.int64),
        np.array([row.kind for row in found], np.int64),
        np.array([row.severity for row in found], np.float64),
        np.array([row.box_id for row in found], np.int64),
        np.array([row.track for row in found], np.int64),
        np.array([row.class_id for row in found], np.int64),
    )


def relative_severity(problem: Problem) -> float:
    """The severity of a problem within its kind, 0..1."""
    return (problem.severity - problem.kind) / 0.99


def _row(problem: Problem) -> FilterRow:
    box_id = NO_BOX if problem.box_id is None else problem.box_id
    return FilterRow(problem.frame, problem.kind, relative_severity(problem), box_id, problem.track, problem.class_id)


def _frame_of(key: str) -> int:
    parts = _parse(key)
    return -1 if parts is None else parts[1]


def _parse(key: str) -> tuple[ProblemKind, int, int] | None:
    """Kind, frame and box id of a key; None for an unknown format."""
    parts = key.split(":")
    if len(parts) != 3 or parts[0] not in ProblemKind.__members__ or not parts[1].isdecimal():
        return None
    box_id = int(parts[2]) if parts[2].isdecimal() else NO_BOX
    return ProblemKind[parts[0]], int(parts[1]), box_id
