"""Commands of the list of problems; each decision goes on to the next one."""

from __future__ import annotations

from PySide6.QtCore import QRectF

from iouviewer.app.editing.session import Session
from iouviewer.document.commands import without_classes
from iouviewer.document.edits import Batch, SetDecisions
from iouviewer.document.problems import FIXED, RIGHT, UNCLEAR, Kind, Problem, fix_command
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_commands import WITHOUT_CLASS
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.panels.lists import ProblemsPanel


class ProblemCommands:
    """Group ``problems``."""

    def __init__(self, session: Session, panel: ProblemsPanel, canvas: CanvasView) -> None:
        self._session, self._panel, self._canvas = session, panel, canvas
        panel.activated.connect(self._on_panel_activated)

    def next(self) -> None:
        """Go to the next problem."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous problem."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self._panel.step(by) is None:
            self._session.told.emit(
                "No problem is left" if self._panel.model.complete else "Still looking for problems"
            )

    def _on_panel_activated(self, problem: Problem) -> None:
        self._session.go_to(problem.frame)
        if problem.box_id is not None:
            self._session.select([problem.box_id])
        else:
            self._session.select(prediction=self._prediction(problem))
        if problem.kind is Kind.AGREE:
            x1, y1, x2, y2 = problem.rect
            self._canvas.zoom_to(QRectF(x1, y1, x2 - x1, y2 - y1))

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
        """The chosen problem, if this frame shows it; else says so in the status bar: a key too many is no error."""
        problem = self._panel.current
        if problem is not None and problem.frame == self._session.current_frame:
            return problem
        self._session.told.emit("No problem is chosen. Press N to go to the next one.")
        return None

    def take_fix(self) -> None:
        """Do what the problem proposes, as one step with the decision; while drawing, Enter puts a corner."""
        if self._canvas.confirm():
            return
        problem = self._current()
        if problem is None:
            return
        source = self._session.source.id
        names = self._session.document.class_names
        try:
            command = fix_command(self._session.ground_truth, problem, names, source=source)
        except UserError as error:
            # Nothing is proposed for this kind of problem: said in the line, so that the hands stay on the keys.
            self._session.told.emit(str(error))
            return
        bare = without_classes(self._session.ground_truth, problem.frame)
        decision = SetDecisions(((problem.key, FIXED),), source)
        self._session.execute(Batch((command.edit, decision), source), f"Fix: {command.label}", origin="problems")
        self.next()
        if problem.box_id is None and bare and problem.class_id != UNSPECIFIED_CLASS:
            self._session.told.emit(WITHOUT_CLASS)

    def ground_truth_is_right(self) -> None:
        """Remember that the ground truth is right, and go on."""
        self._decide(RIGHT, "Ground truth is right")

    def unclear(self) -> None:
        """Remember that nobody can say, and go on."""
        self._decide(UNCLEAR, "Unclear")

    def _decide(self, decision: str, label: str) -> None:
        chosen = self._panel.chosen
        if len(chosen) < 2:
            problem = self._current()
            chosen = [] if problem is None else [problem]
        if not chosen:
            return
        edit = SetDecisions(tuple((problem.key, decision) for problem in chosen), self._session.source.id)
        where = f"frame {chosen[0].frame}" if len(chosen) == 1 else f"{len(chosen)} problems"
        self._session.execute(edit, f"{label}: {where}", origin="problems")
        self.next()
