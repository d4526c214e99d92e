"""The list of problems of the whole video, filled while nothing else is to be done and kept current by changes."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QElapsedTimer, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal

from iouviewer.app.session import Session
from iouviewer.document.edits import Aspect, Change, FrameState, Phase
from iouviewer.document.problems import Problem, Witness, frame_problems, sentence

Index = QModelIndex | QPersistentModelIndex
FIGURE_SPACE = "\u2007"
SHOW_MILLISECONDS = 700
"""How often the list is shown while it is being filled."""
SLICE_MILLISECONDS = 6
"""Longest stretch of work between two looks at the event loop."""
PROBLEM_ROLE = Qt.ItemDataRole.UserRole


class ProblemsModel(QAbstractListModel):
    """Open problems, the gravest first; what was decided is left out.

    Signals:
        counted(int, bool): number of open problems, and whether all frames were looked at.
    """

    counted = Signal(int, bool)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._by_frame: dict[int, list[Problem]] = {}
        self._pending: list[int] = []
        self._shown: list[Problem] = []
        self._differs = False
        self._since_shown = QElapsedTimer()
        self._since_shown.start()
        self._work = QTimer(self)
        self._work.setInterval(0)
        self._work.timeout.connect(self._on_work_timeout)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(60)
        self._rest.timeout.connect(self._work.start)
        session.sourceChanged.connect(self._start_anew)
        session.scoresChanged.connect(self._start_anew)
        session.variants.listChanged.connect(self._start_anew)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.changed.connect(self._on_session_changed)
        self._start_anew()

    # Filling

    def _start_anew(self) -> None:
        self._pending = list(range(self._session.frame_count - 1, -1, -1)) if len(self._session.variants) else []
        if not self._pending:
            self._by_frame = {}
            self._show()
            self._work.stop()
            self._rest.stop()
            return
        self.counted.emit(len(self._shown), False)
        # Thresholds move with a slider: begin when it rests for a moment.
        self._work.stop()
        self._rest.start()

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        # A run goes on: only what it brought is looked at.
        if frames is not None and len(self._session.variants):
            self._pending += frames.difference(self._pending)
            if not self._work.isActive() and not self._rest.isActive():
                self._rest.start()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.LIVE:
            return
        if not change.frames and change.aspects & ~(Aspect.DECISIONS | Aspect.CLASS_NAMES):
            self._start_anew()
            return
        for frame in change.frames:
            self._look_at(frame)
        self._show()

    def _on_work_timeout(self) -> None:
        clock = QElapsedTimer()
        clock.start()
        while self._pending and clock.elapsed() < SLICE_MILLISECONDS:
            self._look_at(self._pending.pop())
        if self._pending:
            if self._since_shown.elapsed() > SHOW_MILLISECONDS:
                self._show_if_different()
        else:
            self._work.stop()
            gone = [frame for frame in self._by_frame if frame >= self._session.frame_count]
            for frame in gone:
                self._put(frame, [])
            self._show_if_different()

    def finish(self) -> None:
        """Look at all frames now (tests, exports)."""
        self._rest.stop()
        while self._pending:
            self._look_at(self._pending.pop())
        self._work.stop()
        self._show()

    def _look_at(self, frame: int) -> None:
        session = self._session
        baseline = session.variants.baseline
        counts = session.ground_truth.state(frame) == FrameState.LABELLED
        if baseline is None or not counts or not baseline.predictions.covered[frame]:
            self._put(frame, [])
            return
        rest = [variant for variant in session.variants if variant.key != baseline.key]
        witnesses = [
            Witness(variant.predictions.table.frame(frame), session.scores.frame_review(variant.key, frame))
            for variant in (baseline, *rest)
            if variant.predictions.covered[frame]
        ]
        convention = session.scores.settings.review.convention
        found = frame_problems(frame, session.ground_truth.boxes(frame), witnesses, convention)
        self._put(frame, found)

    def _put(self, frame: int, found: list[Problem]) -> None:
        self._differs = self._differs or found != self._by_frame.get(frame, [])
        if found:
            self._by_frame[frame] = found
        else:
            self._by_frame.pop(frame, None)

    def _show_if_different(self) -> None:
        # Sorting and comparing a long list is felt; a run or a change of thresholds often leaves it as it was.
        if self._differs:
            self._show()
        else:
            self._since_shown.restart()
            self.counted.emit(len(self._shown), not self._pending)

    def _show(self) -> None:
        self._differs = False
        decided = self._session.document.decisions(self._session.source.id)
        problems = [p for found in self._by_frame.values() for p in found if not decided.get(p.key)]
        problems.sort(key=lambda problem: (-problem.severity, problem.frame, problem.key))
        if problems != self._shown:
            self.beginResetModel()
            self._shown = problems
            self.endResetModel()
        self._since_shown.restart()
        self.counted.emit(len(problems), not self._pending)

    # Reading

    @property
    def complete(self) -> bool:
        """Whether all frames were looked at."""
        return not self._pending

    def problem_at(self, row: int) -> Problem:
        """The problem in a row."""
        return self._shown[row]

    def row_of(self, key: str) -> int:
        """Row of a problem, -1 if it is not open."""
        return next((row for row, problem in enumerate(self._shown) if problem.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        problem = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            # Figure spaces keep the texts in one column.
            width = len(str(max(0, self._session.frame_count - 1)))
            frame = str(problem.frame).rjust(width, FIGURE_SPACE)
            return f"{frame}  {sentence(problem, self._session.document.class_names)}"
        if role == PROBLEM_ROLE:
            return problem
        if role == Qt.ItemDataRole.ToolTipRole:
            fix = "Enter takes the proposed fix. " if problem.has_fix else ""
            return f"Frame {problem.frame}. {fix}X: the ground truth is right. U: unclear."
        return None
