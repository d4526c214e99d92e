"""The list of problems that somebody works through: what is open, what is done, filtered and in order.

The bulk is columns that a thread has made (``Arranged``); frames edited since are laid over it. So an edit costs what
its frame holds and one pass over the columns, not a new search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.problem_groups import Arranged, arrange
from iouviewer.document.problem_table import NO_BOX, ProblemTable
from iouviewer.document.problems import KIND_NAMES, Kind, Problem
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

GroupKey = tuple[int, int, str]
"""Kind, track, and the first problem's key where there is no track: the same after the groups were found anew."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which problems are shown.

    Attributes:
        kinds: empty for all.
        least: least gravity within a kind, 0..1 (``Problem.severity`` without the kind).
        text: words that must all fit: a class or kind by part of its name, a number as frame, box or track, ``#n`` as
            box only, ``a-b`` as frames.
    """

    kinds: frozenset[Kind] = frozenset()
    least: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A problem as the filter sees it; nan where the gravity is not known."""

    frame: int
    kind: Kind
    gravity: float
    box_id: int
    track: int
    class_id: int


@dataclass(frozen=True, eq=False)
class Shown:
    """What passes the filter, in order.

    Attributes:
        rows: (M,) int64, numbers for ``ProblemList.problem``; by severity, or by group and frame.
        groups: (G,) int64, the groups in order, with ``starts`` (G + 1,) int64, their places in ``rows``; none where
            nothing is grouped.
    """

    rows: Int
    groups: Int
    starts: Int


class ProblemList:
    """Open and done problems of one source."""

    def __init__(self, find_box: Callable[[int], Box | None]) -> None:
        """``find_box`` gives the ground-truth box with an id, for decisions whose problem is gone."""
        self._find_box = find_box
        self.filter = Filter()
        self.grouped = True
        self.class_names: tuple[str, ...] = ()
        self._decisions: dict[str, str] = {}
        self._done: dict[str, Row] = {}
        self._mended: dict[str, Problem] = {}
        self.take(arrange(ProblemTable.of((), 0)))

    # Filling

    def take(self, arranged: Arranged) -> None:
        """Replace all problems by what was found anew."""
        self._base = arranged
        table = arranged.table
        self._alive = np.ones(len(table), np.bool_)
        self._decided = np.zeros(len(table), np.bool_)
        self._edited: dict[int, list[Problem]] = {}
        self._over: list[Problem] = []
        self._groups = dict(arranged.tracked)
        self._joined: dict[str, int] = {}
        self._new: list[GroupKey] = []
        for key in self._decisions:
            rows = self._rows_of(key)
            self._decided[rows] = True
            if len(rows):
                self._done[key] = self._row_of_key(key, rows)
        self._mended = {key: one for key, one in self._mended.items() if not len(self._rows_of(key))}

    def forget(self) -> None:
        """Another document: nothing is mended."""
        self._mended = {}

    @property
    def edited(self) -> int:
        """Number of frames that lie over the columns."""
        return len(self._edited)

    def set_decisions(self, decisions: Mapping[str, str]) -> bool:
        """What people have decided; False where it was so."""
        now = {key: value for key, value in decisions.items() if value and _parse(key) is not None}
        if now == self._decisions:
            return False
        moved = now.keys() ^ self._decisions.keys()
        self._decisions = now
        for key in moved:
            rows = self._rows_of(key)
            self._decided[rows] = key in now
            if key in now:
                self._done[key] = self._row_of_key(key, rows)
            else:
                self._done.pop(key, None)
        return True

    def set_frame(self, frame: int, found: Sequence[Problem], *, by_hand: bool = False) -> bool:
        """What a frame's problems are now; ``by_hand``: those that are gone were mended. False where it was so."""
        before = {problem.key: problem for problem in self._of_frame(frame)}
        now = {problem.key: problem for problem in found}
        if before == now:
            return False
        for key, number in self._group_of_frame(frame).items():
            self._joined.setdefault(key, number)
        if by_hand:
            boxes = {problem.box_id for problem in found} - {None}
            gone = {k: p for k, p in before.items() if k not in now and p.box_id not in boxes}
            self._mended.update({k: p for k, p in gone.items() if k not in self._decisions})
        for key in now:
            self._mended.pop(key, None)
        table = self._base.table
        if frame + 1 < len(table.offsets):
            self._alive[table.offsets[frame] : table.offsets[frame + 1]] = False
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
        """The groups of a frame's problems that have no track: what comes back goes where it was."""
        offsets = self._base.table.offsets
        if frame in self._edited or frame + 1 >= len(offsets):
            return {}
        rows = range(int(offsets[frame]), int(offsets[frame + 1]))
        return {self._base.table.problem(row).key: int(self._base.group[row]) for row in rows}

    def _group_of(self, problem: Problem) -> int:
        place = (int(problem.kind), problem.track)
        tracked = problem.track != NO_TRACK
        known = self._groups.get(place) if tracked else self._joined.get(problem.key)
        if known is not None:
            return known
        number = self._base.group_count + len(self._new)
        self._new.append((*place, "" if tracked else problem.key))
        if tracked:
            self._groups[place] = number
        else:
            self._joined[problem.key] = number
        return number

    def group_key(self, group: int) -> GroupKey:
        """What stays the same of a group when groups are found anew."""
        if group >= self._base.group_count:
            return self._new[group - self._base.group_count]
        problem = self._base.table.problem(int(self._base.by_group[self._base.starts[group]]))
        return int(problem.kind), problem.track, "" if problem.track != NO_TRACK else problem.key

    def group_number(self, key: GroupKey) -> int:
        """The group with this key, -1 where there is none now."""
        kind, track, first = key
        if track != NO_TRACK:
            return self._groups.get((kind, track), -1)
        rows = self._rows_of(first)
        return int(self._base.group[rows[0]]) if len(rows) else self._joined.get(first, -1)

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

    def _row_of_key(self, key: str, rows: Int) -> Row:
        """What the filter needs to know of a decided problem; of one that is gone only what its key tells."""
        # What was edited since lies over the columns, also where its key is the same.
        known = next((p for p in self._edited.get(_frame_of(key), ()) if p.key == key), None)
        if known is None and len(rows):
            known = self._base.table.problem(int(rows[0]))
        if known is not None:
            return _row(known)
        kind, frame, box_id = _parse(key) or (Kind.LOOSE, -1, NO_BOX)
        box = self._find_box(box_id) if box_id != NO_BOX else None
        track, class_id = (NO_TRACK, UNSPECIFIED_CLASS) if box is None else (box.track, box.class_id)
        return Row(frame, kind, np.nan, box_id, track, class_id)

    # Reading

    def numbers_of(self, key: str) -> list[int]:
        """Numbers of the open problems with this key, as ``shown`` gave them last."""
        base = len(self._base.table)
        over = [base + place for place, problem in enumerate(self._over) if problem.key == key]
        return over or [int(row) for row in self._rows_of(key) if self._alive[row] and not self._decided[row]]

    def problem(self, row: int) -> Problem:
        """The problem with this number, as ``shown`` gives it."""
        base = len(self._base.table)
        return self._base.table.problem(row) if row < base else self._over[row - base]

    def worst(self, rows: Int) -> Problem:
        """The gravest of these problems, the earliest of equals."""
        base = len(self._base.table)
        inside = rows[rows < base]
        found = [self._over[row - base] for row in rows[rows >= base].tolist()]
        if len(inside):
            found.append(self._base.table.problem(int(inside[self._base.table.severities[inside].argmax()])))
        worst: Problem = min(found, key=lambda problem: (-problem.severity, problem.frame))
        return worst

    def shown(self) -> Shown:
        """What is open and passes the filter."""
        base, table = self._base, self._base.table
        passing = self._alive & ~self._decided & self._passes(_columns(table))
        self._over = [p for f in sorted(self._edited) for p in self._edited[f] if p.key not in self._decisions]
        over = _columns(ProblemTable.of((), 0)) if not self._over else _rows([_row(p) for p in self._over])
        more = np.flatnonzero(self._passes(over)) if self._over else np.zeros(0, np.int64)
        if not self.grouped:
            rows = base.by_severity[passing[base.by_severity]]
            severity = np.array([self._over[i].severity for i in more.tolist()], np.float64)
            by = np.argsort(-severity, kind="stable")
            place = np.searchsorted(-table.severities[rows], -severity[by], side="right")
            rows = np.insert(rows, place, more[by] + len(table))
            return Shown(rows, np.zeros(0, np.int64), np.zeros(1, np.int64))
        rows = base.by_group[passing[base.by_group]]
        group, frames = base.group[rows], table.frames[rows]
        if len(more):
            extra = np.array([self._group_of(self._over[i]) for i in more.tolist()], np.int64)
            rows, group = np.append(rows, more + len(table)), np.append(group, extra)
            frames = np.append(frames, over.frames[more])
            order = np.lexsort((frames, group))
            rows, group = rows[order], group[order]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        return Shown(rows, group[first], np.append(first, len(rows)))

    def done(self) -> int:
        """How many of the problems that pass the filter were decided or mended."""
        done = [*self._done.values(), *(_row(problem) for problem in self._mended.values())]
        return int(np.count_nonzero(self._passes(_rows(done)))) if done else 0

    def counts(self) -> dict[Kind, int]:
        """Open problems by kind, whatever the filter."""
        counted = np.bincount(self._base.table.kinds[self._alive & ~self._decided], minlength=len(Kind))
        found = {kind: int(counted[kind]) for kind in Kind}
        for problems in self._edited.values():
            for problem in problems:
                found[problem.kind] += problem.key not in self._decisions
        return found

    def _passes(self, columns: _Columns) -> Bool:
        wanted = self.filter
        keep = np.ones(len(columns.frames), np.bool_)
        if wanted.kinds:
            keep &= np.isin(columns.kinds, [int(kind) for kind in wanted.kinds])
        if wanted.least > 0:
            # What is not known passes: a decided problem stays counted.
            keep &= ~(columns.gravity < wanted.least)
        for word in wanted.text.casefold().split():
            keep &= self._fits(columns, word)
        return keep

    def _fits(self, columns: _Columns, word: str) -> Bool:
        stretch = re.fullmatch(r"(\d+)-(\d+)", word)
        if stretch is not None:
            first, last = (min(int(part), 2**62) for part in stretch.groups())
            inside: Bool = (columns.frames >= first) & (columns.frames <= last)
            return inside
        number = re.fullmatch(r"(#?)(\d{1,18})", word)
        if number is not None:
            value = int(number[2])
            box: Bool = columns.box_ids == value
            return box if number[1] else box | (columns.frames == value) | (columns.tracks == value)
        classes = [place for place, name in enumerate(self.class_names) if word in name.casefold()]
        kinds = [int(kind) for kind, name in KIND_NAMES.items() if word in name.casefold()]
        return np.isin(columns.class_ids, classes) | np.isin(columns.kinds, kinds)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """(N,) each."""

    frames: Int
    kinds: Int
    gravity: Float
    box_ids: Int
    tracks: Int
    class_ids: Int


def _columns(table: ProblemTable) -> _Columns:
    gravity = (table.severities - table.kinds) / 0.99
    return _Columns(table.frames, table.kinds, gravity, table.box_ids, table.tracks, table.class_ids)


def _rows(rows: Iterable[Row]) -> _Columns:
    found = list(rows)
    return _Columns(
        np.array([row.frame for row in found], np.int64),
        np.array([row.kind for row in found], np.int64),
        np.array([row.gravity for row in found], np.float64),
        np.array([row.box_id for row in found], np.int64),
        np.array([row.track for row in found], np.int64),
        np.array([row.class_id for row in found], np.int64),
    )


def gravity_of(problem: Problem) -> float:
    """How bad a problem is within its kind, 0..1."""
    return (problem.severity - problem.kind) / 0.99


def _row(problem: Problem) -> Row:
    box_id = NO_BOX if problem.box_id is None else problem.box_id
    return Row(problem.frame, problem.kind, gravity_of(problem), box_id, problem.track, problem.class_id)


def _frame_of(key: str) -> int:
    parts = _parse(key)
    return -1 if parts is None else parts[1]


def _parse(key: str) -> tuple[Kind, int, int] | None:
    """Kind, frame and box of a key; None for one of another make."""
    parts = key.split(":")
    if len(parts) != 3 or parts[0] not in Kind.__members__ or not parts[1].isdecimal():
        return None
    box_id = int(parts[2]) if parts[2].isdecimal() else NO_BOX
    return Kind[parts[0]], int(parts[1]), box_id
