"""Commands on problems; each decision goes on to the next problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iouviewer.app.editing.session import Session
from iouviewer.document.commands import uses_no_classes
from iouviewer.document.edits import Batch, SetDecisions
from iouviewer.document.problem_fixes import fix_command
from iouviewer.document.problems import FIXED, RIGHT, UNCLEAR, Problem
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_commands import ACCEPTED_WITHOUT_CLASS
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.panels.problems import ProblemsPanel


class ProblemCommands:
    """Group ``problems``.

    Attributes:
        next_key: returns the key of the next problem, for messages.
        step_elsewhere: goes to the next (1) or previous (-1) thing of a workspace without problems; False in others.
    """

    def __init__(self, session: Session, panel: ProblemsPanel, canvas: CanvasView) -> None:
        self._session, self._panel, self._canvas = session, panel, canvas
        self.next_key: Callable[[], str] = lambda: ""
        self.step_elsewhere: Callable[[int], bool] = lambda _by: False
        panel.activated.connect(self._on_panel_activated)

    def next(self) -> None:
        """Go to the next problem."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous problem."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self.step_elsewhere(by):
            return
        if self._panel.step(by) is None:
            is_done = self._panel.model.complete
            self._session.statusMessage.emit(tr("All problems decided") if is_done else tr("Finding problems…"))

    def _on_panel_activated(self, problem: Problem) -> None:
        self._session.go_to(problem.frame)
        if problem.box_id is not None:
            self._session.select([problem.box_id])
        else:
            self._session.select(prediction=self._prediction(problem))

    def _prediction(self, problem: Problem) -> tuple[str, int] | None:
        """The baseline's prediction that the problem is about."""
        baseline = self._session.variants.baseline
        if baseline is None:
            return None
        table = baseline.predictions.table
        rows = table.rows(problem.frame)
        for row in range(rows.start, rows.stop):
            if tuple(table.boxes[:, row].tolist()) == problem.rect:
                return baseline.key, row
        return None

    def _current(self) -> Problem | None:
        """The problem under review; otherwise None, with a hint in the status bar."""
        problem = self._panel.reviewed
        if problem is not None:
            return problem
        key = self.next_key()
        text = tr("Press {key} for the next problem", key=key) if key else tr("Go to the next problem first")
        self._session.statusMessage.emit(text)
        return None

    def apply_fix(self) -> None:
        """Apply the proposed fix, as one step together with the decision; while drawing, set a corner instead."""
        if self._canvas.confirm():
            return
        problem = self._current()
        if problem is None:
            return
        source = self._session.source.id
        try:
            rect = self._canvas.proposed_fix.rect
            command = fix_command(self._session.document, problem, rect=rect, source=source)
        except UserError as error:
            # This kind of problem has no fix; the status bar says so without interrupting work with the keyboard.
            self._session.statusMessage.emit(str(error))
            return
        lacks_classes = uses_no_classes(self._session.ground_truth, problem.frame)
        decision = SetDecisions(((problem.key, FIXED),), source)
        self._session.execute(Batch((command.edit, decision), source), command.label, origin="problems")
        self.next()
        if problem.box_id is None and lacks_classes and problem.class_id != UNSPECIFIED_CLASS:
            self._session.statusMessage.emit(ACCEPTED_WITHOUT_CLASS)

    def keep_ground_truth(self) -> None:
        """Decide that the ground truth is right."""
        self._decide(RIGHT)

    def mark_unclear(self) -> None:
        """Decide that the problem cannot be judged."""
        self._decide(UNCLEAR)

    def _decide(self, decision: str) -> None:
        problems = self._panel.targets
        if len(problems) < 2:
            problem = self._current()
            problems = [] if problem is None else [problem]
        if not problems:
            return
        edit = SetDecisions(tuple((problem.key, decision) for problem in problems), self._session.source.id)
        self._session.execute(edit, _decision_label(decision, problems), origin="problems")
        self.next()


def _decision_label(decision: str, problems: Sequence[Problem]) -> str:
    """Label of the step in the history."""
    count, frame = len(problems), problems[0].frame
    if decision == RIGHT:
        if count == 1:
            return tr("Keep ground truth on frame {frame:,}", frame=frame)
        return tr("Keep ground truth for {count:,} problems", count=count)
    if count == 1:
        return tr("Mark problem on frame {frame:,} as unclear", frame=frame)
    return tr("Mark {count:,} problems as unclear", count=count)
