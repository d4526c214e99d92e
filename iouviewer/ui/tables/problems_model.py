"""Model of the list of problems of the whole video: collapsible groups, filter and progress."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QAbstractTableModel, Qt, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.problems_job import EMPTY, ProblemsJob, SearchResult, collect_evidence
from iouviewer.app.jobs.session_inputs import is_settled
from iouviewer.document.boxes import NO_TRACK, Box, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.decisions import Decision, HeldDecisions
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.filtering import NO_FILTER
from iouviewer.document.problem_list import ProblemFilter, ProblemList, ProblemOrder, VisibleProblems
from iouviewer.document.problem_texts import TOPIC_NAMES, describe_group, describe_problem
from iouviewer.document.problems import Problem, ProblemKind
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Int
from iouviewer.ui.tables.cells import GLYPHS_ROLE, Glyph
from iouviewer.ui.tables.common import COLUMN_ROLE, ROOT, Index, cell_alignment

SEARCH_DELAY_MS = 60
"""Delay after the last change of a threshold before the search starts."""
RUN_REFRESH_MS = 2000
"""Minimum time between two searches during a run; searching takes at most a tenth of the time."""
MAX_EDITED_FRAMES = 300
"""Number of edited frames above which the whole video is searched again."""
PROBLEM_ROLE = Qt.ItemDataRole.UserRole + 2
"""The Problem of a row; None for a group."""
OPEN_ROLE = Qt.ItemDataRole.UserRole + 3
"""Whether a group is open; None for a problem."""


class Column(StrEnum):
    """Columns of the list; the values are their stable ids."""

    ICON = "icon"
    PROBLEM = "problem"
    WHAT = "what"
    FRAME = "frame"
    VALUE = "value"


COLUMNS = tuple(Column)
_TITLES = {
    Column.ICON: "",
    Column.PROBLEM: tr("Problem"),
    Column.WHAT: tr("What"),
    Column.FRAME: tr("Frame"),
    Column.VALUE: tr("Value"),
}
_NUMBERS = (Column.FRAME, Column.VALUE)
TOPIC_GLYPHS = {
    ProblemKind.MISSING: Glyph("problem_missing", "bad"),
    ProblemKind.EXTRA: Glyph("problem_extra", "text2"),
    ProblemKind.LOOSE: Glyph("problem_loose", "warn"),
    ProblemKind.WRONG_CLASS: Glyph("problem_class", "warn"),
    ProblemKind.SWAP: Glyph("swap", "bad"),
    ProblemKind.GAP: Glyph("problem_missing", "warn"),
    ProblemKind.DUPLICATE: Glyph("problem_extra", "bad"),
    ProblemKind.JUMP: Glyph("swap", "warn"),
    ProblemKind.OVER_EDGE: Glyph("problem_loose", "text2"),
    ProblemKind.TINY: Glyph("problem_extra", "warn"),
}


def value_of(problem: Problem) -> float:
    """The number that a problem is judged by: the probability that the ground truth is wrong."""
    return problem.score


class ProblemsModel(QAbstractTableModel):
    """Open problems that pass the filter, in groups or by severity. A group of one is the problem itself.

    Signals:
        countsChanged(): the number of open or decided problems changed, or a search started or ended.
        solvedByHand(list[Problem]): the last edit by hand solved these.
    """

    countsChanged = Signal()
    solvedByHand = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.problems = ProblemList()
        self._job = ProblemsJob(self)
        self._job.ready.connect(self._on_job_ready)
        self._job.progressed.connect(self.countsChanged)
        self._edited_by_user: set[int] = set()
        self._held = HeldDecisions(self._find_box)
        self.decisions: dict[str, Decision] = {}
        self._opened: set[str] = set()
        self._auto_opened = ""
        self._set_shown(self.problems.list_visible())
        self._search_timer = QTimer(self, singleShot=True)
        self._search_timer.timeout.connect(self.start_search)
        session.sourceChanged.connect(self._on_source_changed)
        session.scoresChanged.connect(self._schedule_search)
        session.scoresChanged.connect(self._use_filter_line)
        session.variants.listChanged.connect(self._schedule_search)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.changed.connect(self._on_session_changed)
        self._on_source_changed()

    # Decisions

    def _find_box(self, box_id: int) -> Box | None:
        return self._session.ground_truth.find(box_id)

    # Search

    def _on_source_changed(self) -> None:
        self._update_decisions()
        self.problems.clear_fixed()
        self.problems.set_problems(EMPTY)
        self._schedule_search()

    def _schedule_search(self) -> None:
        if not len(self._session.variants) and not len(self._session.ground_truth):
            self._search_timer.stop()
            self._job.cancel()
            self.problems.set_problems(EMPTY)
            self._show()
            return
        self._search_timer.start(SEARCH_DELAY_MS)
        self.countsChanged.emit()

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and not self._search_timer.isActive() and not self._job.busy:
            self._search_timer.start(max(RUN_REFRESH_MS, round(10_000 * self._job.seconds)))

    def start_search(self) -> None:
        """Search all frames in the thread, without further delay."""
        self._search_timer.stop()
        if not is_settled(self._session):
            return  # the signal after the last scores starts the search
        evidence = collect_evidence(self._session)
        if evidence is None:
            return
        self._job.request(evidence)

    def _on_job_ready(self, result: SearchResult) -> None:
        self._update_decisions()
        if result.edited is None:
            self.problems.set_problems(result.grouped)
        else:
            self.problems.set_problems_around(result.grouped, result.edited & self._edited_by_user)
            self._edited_by_user -= result.edited
        self._show()
        solved = self.problems.take_fixed()
        if solved:
            self.solvedByHand.emit(solved)

    def search_now(self) -> None:
        """Search all frames and wait for the result."""
        self._search_timer.stop()
        evidence = collect_evidence(self._session)
        if evidence is not None:
            self.problems.set_problems(self._job.search_now(evidence).grouped)
        self._show()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.LIVE:
            return
        if not change.frames and change.aspects & ~(Aspect.DECISIONS | Aspect.CLASS_NAMES | Aspect.NOTES):
            self._schedule_search()
            return
        has_changed = bool(change.aspects & Aspect.CLASS_NAMES)
        if change.aspects & Aspect.DECISIONS or change.box_ids:
            has_changed = self._update_decisions(change.box_ids) or has_changed
        if has_changed:
            self._show()
        if len(change.frames) > MAX_EDITED_FRAMES:
            self._schedule_search()
        elif change.frames:
            if change.origin != "history":
                self._edited_by_user |= change.frames
            self._job.request_around(self._session, change.frames)
            self.countsChanged.emit()

    def _update_decisions(self, boxes: Collection[int] | None = None) -> bool:
        """Use the decisions that hold; ``boxes``: ids of those that may have changed, None for any."""
        stored = self._session.document.decisions(self._session.source.id)
        self.decisions = self._held.update(stored, boxes)
        return self.problems.set_decisions(self.decisions)

    # Rows

    def set_filter(self, problem_filter: ProblemFilter) -> None:
        """Show the problems that pass this filter."""
        if problem_filter != self.problems.filter:
            self.problems.filter = problem_filter
            self._show()

    def _use_filter_line(self) -> None:
        rules = self._session.scores.settings.filter or NO_FILTER
        if rules != self.problems.rules:
            self.problems.rules = rules
            self._show()
            self.countsChanged.emit()

    def set_grouped(self, grouped: bool) -> None:
        """Show groups, or single problems by severity."""
        if grouped is not self.problems.grouped:
            self.problems.grouped = grouped
            self._show()

    def set_order(self, order: ProblemOrder) -> None:
        """Show the worst problems first, or all in the order of frames."""
        if order is not self.problems.order:
            self.problems.order = order
            self._show()

    def set_open(self, row: int, opened: bool) -> None:
        """Open or close the group in a row."""
        group, inner = self._entry(row)
        if inner >= 0 or group < 0:
            return
        self._set_group_open(group, opened)

    def open_only(self, position: int) -> None:
        """Open the group of the problem at this position and close the group that the last call opened."""
        if not len(self._shown.groups):
            return
        group = int(np.searchsorted(self._shown.starts, position, side="right")) - 1
        key = self.problems.group_key(int(self._shown.groups[group]))
        if key not in self._opened:
            self._opened.discard(self._auto_opened)
            self._auto_opened = key
            self._set_group_open(group, True)

    def _set_group_open(self, group: int, opened: bool) -> None:
        key = self.problems.group_key(int(self._shown.groups[group]))
        if opened is not (key in self._opened):
            (self._opened.add if opened else self._opened.discard)(key)
            self.beginResetModel()
            self._set_shown(self._shown)
            self.endResetModel()

    def _show(self) -> None:
        self.problems.class_names = self._session.document.class_names
        self._update_decisions(())
        self.beginResetModel()
        self._set_shown(self.problems.list_visible())
        self.endResetModel()
        self.countsChanged.emit()

    def _set_shown(self, shown: VisibleProblems) -> None:
        """Compute which rows show which problems: ``_first_rows`` (G + 1,) is the first row of each group."""
        self._shown = shown
        sizes = np.diff(shown.starts)
        heights = np.ones(len(sizes), np.int64)
        self._is_open = np.zeros(len(sizes), np.bool_)
        if self._opened and len(shown.groups):
            numbers = [self.problems.group_number(key) for key in self._opened]
            self._is_open = np.isin(shown.groups, numbers) & (sizes > 1)
            heights[self._is_open] += sizes[self._is_open]
        self._first_rows: Int = np.concatenate(([0], np.cumsum(heights)))

    def _entry(self, row: int) -> tuple[int, int]:
        """Group and problem position of a row: group -1 without grouping, position -1 for a group's heading."""
        if not len(self._shown.groups):
            return -1, row
        group = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        start, size = int(self._shown.starts[group]), int(self._shown.starts[group + 1] - self._shown.starts[group])
        inner = row - int(self._first_rows[group]) - 1
        if size == 1:
            return group, start
        return group, -1 if inner < 0 else start + inner

    # Reading

    @property
    def complete(self) -> bool:
        """Whether no search is running or scheduled."""
        return not self._job.busy and not self._search_timer.isActive() and is_settled(self._session)

    @property
    def share(self) -> float:
        """How much of the running search is done, 0..1."""
        return self._job.share if self._job.busy else 0.0

    def object_of(self, problem: Problem) -> list[Problem]:
        """The open problems of the same lasting error, by frame, with the problem itself."""
        return self.problems.objects_of(problem.key) or [problem]

    def fronts(self) -> list[Problem]:
        """The likeliest listed problem of each lasting error, in the order of the list."""
        rows = self._shown.rows
        return [self.problems.problem(int(rows[place])) for place in self.problems.front_places(rows).tolist()]

    def count_left(self) -> int:
        """Number of open problems that pass the filter, without those that rest on one variant alone."""
        return self.problems.count_left()

    @property
    def count(self) -> int:
        """Number of open problems that pass the filter."""
        return len(self._shown.rows)

    def problem_at(self, position: int) -> Problem:
        """The problem at a position among those that pass the filter."""
        return self.problems.problem(int(self._shown.rows[position]))

    def class_counts(self) -> dict[int, int]:
        """Number of open problems by class id, without the filter."""
        return self.problems.count_classes()

    def shown_frames(self) -> Int:
        """Frames of the problems that pass the filter, (count,) in no order."""
        return self.problems.table.frames[self._shown.rows]

    def position_of(self, key: str) -> int:
        """Position of a problem among the open ones that pass the filter, else -1."""
        for number in self.problems.open_rows(key):
            positions = np.flatnonzero(self._shown.rows == number)
            if len(positions):
                return int(positions[0])
        return -1

    def position_at(self, row: int) -> int:
        """Position of the problem in a row, -1 for a group's heading."""
        return self._entry(row)[1]

    def row_of_position(self, position: int) -> int:
        """Row of a problem, or of its group while that is closed."""
        if not len(self._shown.groups):
            return position
        group = int(np.searchsorted(self._shown.starts, position, side="right")) - 1
        inner = position - int(self._shown.starts[group]) + 1 if self._is_open[group] else 0
        return int(self._first_rows[group]) + inner

    def group_row(self, row: int) -> int:
        """Row of the heading of a row's group; the row itself without a group."""
        group, _ = self._entry(row)
        return row if group < 0 else int(self._first_rows[group])

    def group_problems(self, row: int) -> list[Problem]:
        """All problems of the group in a row; the problem itself for a row of one."""
        group, position = self._entry(row)
        if position >= 0:
            return [self.problem_at(position)]
        return [self.problem_at(at) for at in range(*self._shown.starts[group : group + 2].tolist())]

    def rowCount(self, parent: Index = ROOT) -> int:
        if parent.isValid():
            return 0
        return int(self._first_rows[-1]) if len(self._shown.groups) else len(self._shown.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        column = COLUMNS[section]
        if role == COLUMN_ROLE:
            return column.value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column not in _NUMBERS)
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.VALUE:
            return tr("How likely it is that the ground truth is wrong here, 0 to 1")
        return _TITLES[column] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column not in _NUMBERS)
        group, position = self._entry(index.row())
        if position < 0:
            return self._group_data(group, column, role)
        inner = group >= 0 and bool(self._is_open[group])
        return self._problem_data(self.problem_at(position), column, role, inner=inner)

    def _problem_data(self, problem: Problem, column: Column, role: int, *, inner: bool) -> object:
        if role == PROBLEM_ROLE:
            return problem
        if role == GLYPHS_ROLE:
            return (TOPIC_GLYPHS[problem.kind],) if column is Column.ICON and not inner else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._problem_tooltip(problem)
        if role == Qt.ItemDataRole.UserRole:
            return {Column.FRAME: problem.frame, Column.VALUE: problem.score}.get(column)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        return self._texts(problem, self._name(problem))[column]

    def _texts(self, problem: Problem, what: str) -> dict[Column, str]:
        return {
            Column.ICON: "",
            Column.PROBLEM: TOPIC_NAMES[problem.kind],
            Column.WHAT: what,
            Column.FRAME: f"{problem.frame:,}",
            Column.VALUE: f"{problem.score:.2f}",
        }

    def _name(self, problem: Problem) -> str:
        """``person 17``; of a missing box its class. With how many variants agree."""
        class_name = class_name_of(problem.class_id, self._session.document.class_names)
        if problem.kind is ProblemKind.MISSING and not class_name and problem.track == NO_TRACK:
            name = tr("1 frame")
        else:
            name = object_name(class_name, problem.track)
        if problem.kind is ProblemKind.MISSING:
            return tr("{object} · {count} of {voters}", object=name, count=problem.agreeing, voters=problem.voters)
        return name

    def _group_data(self, group: int, column: Column, role: int) -> object:
        opened = bool(self._is_open[group])
        if role == OPEN_ROLE:
            return opened
        shown = (GLYPHS_ROLE, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.UserRole)
        if role not in (*shown, Qt.ItemDataRole.AccessibleTextRole):
            return None
        start, stop = self._shown.starts[group : group + 2].tolist()
        worst = self.problems.most_severe(self._shown.rows[start:stop])
        if role == GLYPHS_ROLE:
            return (TOPIC_GLYPHS[worst.kind],) if column is Column.ICON else None
        if role == Qt.ItemDataRole.UserRole:
            return {Column.FRAME: worst.frame, Column.VALUE: worst.score}.get(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._group_tooltip(start, stop, worst)
        return self._texts(worst, self._group_name(worst, stop - start, opened=opened))[column]

    def _group_name(self, worst: Problem, count: int, *, opened: bool) -> str:
        mark = "▾" if opened else "▸"
        if worst.track == NO_TRACK:
            return tr_n("{mark} {count} frame", "{mark} {count:,} frames", count, mark=mark)
        name = self._name(worst)
        return tr("{mark} {object} · {count:,} frames", mark=mark, object=name, count=count)

    def _group_tooltip(self, start: int, stop: int, worst: Problem) -> str:
        first, last = (self.problem_at(at).frame for at in (start, stop - 1))
        return tr(
            "Frames {first:,}–{last:,}: {problems}, worst at frame {worst:,}. "
            "Right and Left open and close the group; X and V decide all of it.",
            first=first,
            last=last,
            problems=describe_group(worst, stop - start, self._session.document.class_names),
            worst=worst.frame,
        )

    def _problem_tooltip(self, problem: Problem) -> str:
        text = describe_problem(problem, self._session.document.class_names)
        if problem.has_fix:
            return tr(
                "Frame {frame:,}: {problem}. F applies the fix. X: the ground truth is right. V: unclear.",
                frame=problem.frame,
                problem=text,
            )
        return tr(
            "Frame {frame:,}: {problem}. X: the ground truth is right. V: unclear.", frame=problem.frame, problem=text
        )
