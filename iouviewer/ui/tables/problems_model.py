"""The list of problems of the whole video: groups that open and close, filters, and how much is done."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QFont

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.problems_job import ProblemsJob, gather
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.edits import Aspect, Change, FrameState, Phase
from iouviewer.document.problem_groups import Arranged, arrange
from iouviewer.document.problem_list import Filter, GroupKey, ProblemList, Shown
from iouviewer.document.problem_table import ProblemTable, all_problems
from iouviewer.document.problems import Problem, Witness, frame_problems, group_sentence, sentence
from iouviewer.metrics.table import Int

Index = QModelIndex | QPersistentModelIndex
FIGURE_SPACE = "\u2007"
REST_MILLISECONDS = 60
"""How long thresholds rest before problems are looked for."""
GROWING_MILLISECONDS = 2000
"""How often the list follows a run that goes on; seldom enough that searching takes a tenth of the time at most."""
AT_ONCE = 60
"""Frames of one edit that are looked at before it returns, a millisecond each; more are left to the thread."""
MOST_EDITED = 300
"""Edited frames from which all is searched anew, so that a pass over the list stays quick."""
PROBLEM_ROLE = Qt.ItemDataRole.UserRole
"""The Problem of a row; None for a group."""
OPEN_ROLE = Qt.ItemDataRole.UserRole + 1
"""Of a group whether it is open; None for a problem."""


class ProblemsModel(QAbstractListModel):
    """Open problems that pass the filter: in groups, or the gravest first. A group of one is the problem itself.

    Signals:
        counted(): the number of problems, of done ones, or whether the search goes on changed.
    """

    counted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.problems = ProblemList(self._find_box)
        self._job = ProblemsJob(self)
        self._job.ready.connect(self._on_job_ready)
        self._touched: set[int] = set()
        self._opened: set[GroupKey] = set()
        self._led_to: GroupKey = (-1, NO_TRACK, "")
        self._heading = QFont()
        self._heading.setWeight(QFont.Weight.DemiBold)
        self._lay_out(self.problems.shown())
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self._ask)
        session.sourceChanged.connect(self._on_source_changed)
        session.scoresChanged.connect(self._start_anew)
        session.variants.listChanged.connect(self._start_anew)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.changed.connect(self._on_session_changed)
        self._on_source_changed()

    def _find_box(self, box_id: int) -> Box | None:
        return self._session.ground_truth.find(box_id)

    # Filling

    def _on_source_changed(self) -> None:
        self.problems.forget()
        self.problems.take(arrange(ProblemTable.of((), 0)))
        self._start_anew()

    def _start_anew(self) -> None:
        if not len(self._session.variants):
            self._rest.stop()
            self._job.cancel()
            self.problems.take(arrange(ProblemTable.of((), 0)))
            self._show()
            return
        self._rest.start(REST_MILLISECONDS)
        self.counted.emit()

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and not self._rest.isActive() and not self._job.busy:
            self._rest.start(max(GROWING_MILLISECONDS, round(10_000 * self._job.seconds)))

    def _ask(self) -> None:
        evidence = gather(self._session)
        if evidence is None:
            return
        self._touched = set()
        self._job.ask(evidence)

    def _on_job_ready(self, arranged: Arranged) -> None:
        self.problems.take(arranged)
        # What was edited while the thread searched.
        for frame in self._touched:
            self.problems.set_frame(frame, self._look_at(frame))
        self._show()

    def finish(self) -> None:
        """Search all frames now (tests)."""
        self._rest.stop()
        self._job.cancel()
        evidence = gather(self._session)
        if evidence is not None:
            self.problems.take(arrange(all_problems(evidence())))
        self._show()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.LIVE:
            return
        if not change.frames and change.aspects & ~(Aspect.DECISIONS | Aspect.CLASS_NAMES):
            self._start_anew()
            return
        different = bool(change.aspects & Aspect.CLASS_NAMES)
        if change.aspects & Aspect.DECISIONS:
            different = self._take_decisions()
        if len(change.frames) > AT_ONCE or self.problems.edited > MOST_EDITED:
            self._start_anew()
        by_hand = change.origin != "history"
        for frame in change.frames if len(change.frames) <= AT_ONCE and len(self._session.variants) else ():
            self._touched.add(frame)
            different = self.problems.set_frame(frame, self._look_at(frame), by_hand=by_hand) or different
        if different:
            self._show()

    def _take_decisions(self) -> bool:
        return self.problems.set_decisions(self._session.document.decisions(self._session.source.id))

    def _look_at(self, frame: int) -> list[Problem]:
        session = self._session
        baseline = session.variants.baseline
        counts = frame < session.frame_count and session.ground_truth.state(frame) == FrameState.LABELLED
        if baseline is None or not counts or not baseline.predictions.covered[frame]:
            return []
        rest = [variant for variant in session.variants if variant.key != baseline.key]
        witnesses = [
            Witness(variant.predictions.table.frame(frame), session.scores.frame_review(variant.key, frame))
            for variant in (baseline, *rest)
            if variant.predictions.covered[frame]
        ]
        convention = session.scores.settings.review.convention
        return frame_problems(frame, session.ground_truth.boxes(frame), witnesses, convention)

    # Showing

    def set_filter(self, wanted: Filter) -> None:
        """Show what passes this."""
        if wanted != self.problems.filter:
            self.problems.filter = wanted
            self._show()

    def set_grouped(self, grouped: bool) -> None:
        """In groups, or one by one."""
        if grouped is not self.problems.grouped:
            self.problems.grouped = grouped
            self._show()

    def set_open(self, row: int, opened: bool) -> None:
        """Open or close the group in a row."""
        group, inner = self._entry(row)
        if inner >= 0 or group < 0:
            return
        self._set_group_open(group, opened)

    def open_only(self, position: int) -> None:
        """Open the group of the problem at this position, and close the one that the last call opened."""
        if not len(self._shown.groups):
            return
        group = int(np.searchsorted(self._shown.starts, position, side="right")) - 1
        key = self.problems.group_key(int(self._shown.groups[group]))
        if key not in self._opened:
            self._opened.discard(self._led_to)
            self._led_to = key
            self._set_group_open(group, True)

    def _set_group_open(self, group: int, opened: bool) -> None:
        key = self.problems.group_key(int(self._shown.groups[group]))
        if opened is not (key in self._opened):
            (self._opened.add if opened else self._opened.discard)(key)
            self.beginResetModel()
            self._lay_out(self._shown)
            self.endResetModel()

    def _show(self) -> None:
        self.problems.class_names = self._session.document.class_names
        self._take_decisions()
        self.beginResetModel()
        self._lay_out(self.problems.shown())
        self.endResetModel()
        self.counted.emit()

    def _lay_out(self, shown: Shown) -> None:
        """Where the rows of the list come from: ``_first`` (G + 1,) is the first row of each group."""
        self._shown = shown
        sizes = np.diff(shown.starts)
        heights = np.ones(len(sizes), np.int64)
        self._is_open = np.zeros(len(sizes), np.bool_)
        if self._opened and len(shown.groups):
            opened = [self.problems.group_number(key) for key in self._opened]
            self._is_open = np.isin(shown.groups, opened) & (sizes > 1)
            heights[self._is_open] += sizes[self._is_open]
        self._first: Int = np.concatenate(([0], np.cumsum(heights)))

    def _entry(self, row: int) -> tuple[int, int]:
        """The group in a row and the position of its problem; -1 for a group's own row, or where nothing is grouped."""
        if not len(self._shown.groups):
            return -1, row
        group = int(np.searchsorted(self._first, row, side="right")) - 1
        start, size = int(self._shown.starts[group]), int(self._shown.starts[group + 1] - self._shown.starts[group])
        inner = row - int(self._first[group]) - 1
        if size == 1:
            return group, start
        return group, -1 if inner < 0 else start + inner

    # Reading

    @property
    def complete(self) -> bool:
        """Whether no search goes on."""
        return not self._job.busy and not self._rest.isActive()

    @property
    def count(self) -> int:
        """Open problems that pass the filter."""
        return len(self._shown.rows)

    def problem_number(self, position: int) -> Problem:
        """The problem at a position among those that pass the filter."""
        return self.problems.problem(int(self._shown.rows[position]))

    def position_of(self, key: str) -> int:
        """Position of an open problem that passes the filter, else -1."""
        for number in self.problems.numbers_of(key):
            found = np.flatnonzero(self._shown.rows == number)
            if len(found):
                return int(found[0])
        return -1

    def position_at(self, row: int) -> int:
        """Position of the problem in a row, -1 for a group."""
        return self._entry(row)[1]

    def row_of_position(self, position: int) -> int:
        """Row of the problem, or of its group while that is closed."""
        if not len(self._shown.groups):
            return position
        group = int(np.searchsorted(self._shown.starts, position, side="right")) - 1
        inner = position - int(self._shown.starts[group]) + 1 if self._is_open[group] else 0
        return int(self._first[group]) + inner

    def group_row(self, row: int) -> int:
        """Row of the group that a row belongs to; itself where it belongs to none."""
        group, _ = self._entry(row)
        return row if group < 0 else int(self._first[group])

    def group_problems(self, row: int) -> list[Problem]:
        """All problems of the group in a row; the problem itself for a row of one."""
        group, position = self._entry(row)
        if position >= 0:
            return [self.problem_number(position)]
        return [self.problem_number(at) for at in range(*self._shown.starts[group : group + 2].tolist())]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if parent.isValid():
            return 0
        return int(self._first[-1]) if len(self._shown.groups) else len(self._shown.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        group, position = self._entry(index.row())
        if position < 0:
            return self._group_data(group, role)
        problem = self.problem_number(position)
        if role == Qt.ItemDataRole.DisplayRole:
            inner = group >= 0 and bool(self._is_open[group])
            return self._line("  ·" if inner else "", problem.frame, self._sentence(problem))
        if role == PROBLEM_ROLE:
            return problem
        if role == Qt.ItemDataRole.ToolTipRole:
            fix = "Enter takes the proposed fix. " if problem.has_fix else ""
            return f"Frame {problem.frame}: {self._sentence(problem)}. {fix}X: the ground truth is right. U: unclear."
        return None

    def _group_data(self, group: int, role: int) -> object:
        opened = bool(self._is_open[group])
        if role == OPEN_ROLE:
            return opened
        if role == Qt.ItemDataRole.FontRole:
            return self._heading
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        start, stop = self._shown.starts[group : group + 2].tolist()
        worst = self.problems.worst(self._shown.rows[start:stop])
        first, last = (self.problem_number(at).frame for at in (start, stop - 1))
        text = group_sentence(worst, stop - start, self._session.document.class_names)
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                f"Frames {first} to {last}: {text}, worst at frame {worst.frame}. Right and Left open and close it; "
                "X and U here decide all of them."
            )
        return self._line("▾" if opened else "▸", first, text)

    def _line(self, mark: str, frame: int, text: str) -> str:
        # Figure spaces keep frames and texts in columns.
        width = len(str(max(0, self._session.frame_count - 1)))
        number = str(frame).rjust(width, FIGURE_SPACE)
        return f"{mark} {number}  {text}" if mark else f"{FIGURE_SPACE} {number}  {text}"

    def _sentence(self, problem: Problem) -> str:
        text = sentence(problem, self._session.document.class_names)
        return text if problem.track == NO_TRACK else f"{text} · track {problem.track}"
