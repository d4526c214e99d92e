"""Commands on problems; each decision goes on to the next problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iouviewer.app.editing.reviewing import ReviewDecisions
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.commands import uses_no_classes
from iouviewer.document.decisions import Verdict
from iouviewer.document.problems import Problem
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_commands import ACCEPTED_WITHOUT_CLASS
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.panels.problems import ProblemsPanel


class ProblemCommands:
    """Group ``problems``.

    Attributes:
        next_key: returns the key of the next problem, for messages.
        step_elsewhere: goes to the next (1) or previous (-1) thing of a workspace without problems; False in others.
        cross_source: goes on with the next (1) or previous (-1) source of a dataset that has problems; False without.
        toggle_grid, toggle_ledger: show or hide them.
        leave_grid: hides the grid.
    """

    def __init__(self, session: Session, panel: ProblemsPanel, canvas: CanvasView) -> None:
        self._session, self._panel, self._canvas = session, panel, canvas
        self._decisions = ReviewDecisions(session)
        self.next_key: Callable[[], str] = lambda: ""
        self.step_elsewhere: Callable[[int], bool] = lambda _by: False
        self.cross_source: Callable[[int], bool] = lambda _by: False
        self.toggle_grid: Callable[[], object] = lambda: None
        self.toggle_ledger: Callable[[], object] = lambda: None
        self.leave_grid: Callable[[], object] = lambda: None
        panel.activated.connect(self._on_panel_activated)
        panel.ledger.activated.connect(self._on_ledger_activated)
        panel.ledger.reopenRequested.connect(self._decisions.reopen)
        panel.model.solvedByHand.connect(self._decisions.add_corrected)

    # Going through the list

    def next(self) -> None:
        """Go to the next problem."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous problem."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self.step_elsewhere(by):
            return
        if self._panel.is_blind:
            self._session.statusMessage.emit(tr("Problems are hidden in blind mode"))
            return
        self.leave_grid()
        self._panel.show_ledger(shown=False)
        if self._panel.queue.is_last(by) and self._panel.model.complete and self.cross_source(by):
            return
        if self._panel.step(by) is None:
            self._report_end(by)

    def _report_end(self, by: int = 1) -> None:
        is_done = self._panel.model.complete
        if is_done and self.cross_source(by):
            return
        self._session.statusMessage.emit(tr("All problems decided") if is_done else tr("Finding problems…"))

    def show_grid(self) -> None:
        """Show the grid, or leave it."""
        self.toggle_grid()

    def show_ledger(self) -> None:
        """Show the ledger, or the list again."""
        self.toggle_ledger()

    def _on_panel_activated(self, problem: Problem) -> None:
        self._session.go_to(problem.frame)
        if problem.box_id is not None:
            self._session.select(i for i in (problem.box_id, problem.other_id) if i is not None)
        else:
            self._session.select(prediction=self._prediction(problem))

    def _on_ledger_activated(self, _key: str, frame: int, box_ids: Sequence[int]) -> None:
        self._session.go_to(frame)
        self._session.select(i for i in box_ids if self._session.ground_truth.find(i) is not None)

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

    # Deciding

    def _targets(self, *, only_here: bool) -> list[Problem]:
        """The problems to decide; none, with a hint in the status bar, without a problem under review."""
        targets = [] if self._panel.is_blind else self._panel.targets(only_here=only_here)
        if not targets:
            key = self.next_key()
            text = tr("Press {key} for the next problem", key=key) if key else tr("Go to the next problem first")
            self._session.statusMessage.emit(text)
        return targets

    def apply_fix(self) -> None:
        """Apply the proposed fixes, as one step together with the decision; while drawing, set a corner instead."""
        if not self._canvas.confirm():
            self._apply(only_here=False)

    def apply_fix_here(self) -> None:
        """Apply the proposed fix on this frame only."""
        self._apply(only_here=True)

    def _apply(self, *, only_here: bool) -> None:
        targets = self._targets(only_here=only_here)
        fixable = [problem for problem in targets if problem.has_fix]
        if targets and not fixable:
            text = tr("No fix is proposed for this problem. Correct the box, or decide that it is right.")
            self._session.statusMessage.emit(text)
        if not fixable:
            return
        next_key = self._panel.queue.next_key(fixable)
        first = fixable[0]
        lacks_classes = uses_no_classes(self._session.ground_truth, first.frame)
        try:
            left_out = self._decisions.apply_fixes(self._panel.queue.objects(fixable), self._moved_rects(fixable))
        except UserError as error:
            # The status bar says so without interrupting work with the keyboard.
            self._session.statusMessage.emit(str(error))
            return
        self._go_on(next_key)
        if left_out:
            text = tr_n("{count} fix is not possible", "{count:,} fixes are not possible", left_out)
            self._session.statusMessage.emit(text)
        if first.box_id is None and lacks_classes and first.class_id != UNSPECIFIED_CLASS:
            self._session.statusMessage.emit(ACCEPTED_WITHOUT_CLASS)

    def _moved_rects(self, problems: Sequence[Problem]) -> dict[str, Rect]:
        """The rectangles as keys and mouse have left the proposal; all of an object are moved alike."""
        reviewed, moved = self._panel.reviewed, self._canvas.proposed_fix.rect
        if self._panel.grid is not None or reviewed is None or reviewed.fix_rect is None or moved is None:
            return {}
        by = [new - old for new, old in zip(moved, reviewed.fix_rect, strict=True)]
        if not any(by):
            return {}
        found: dict[str, Rect] = {}
        for problem in problems:
            if problem.fix_rect is not None:
                x1, y1, x2, y2 = (value + change for value, change in zip(problem.fix_rect, by, strict=True))
                found[problem.key] = (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))
        return found

    def keep_ground_truth(self) -> None:
        """Decide that the ground truth is right."""
        self._decide(Verdict.RIGHT, only_here=False)

    def keep_ground_truth_here(self) -> None:
        """Decide that the ground truth is right on this frame."""
        self._decide(Verdict.RIGHT, only_here=True)

    def mark_unclear(self) -> None:
        """Decide that the problem cannot be judged."""
        self._decide(Verdict.UNCLEAR, only_here=False)

    def mark_unclear_here(self) -> None:
        """Decide that the problem cannot be judged on this frame."""
        self._decide(Verdict.UNCLEAR, only_here=True)

    def unclear_here_in_review(self) -> bool:
        """The key of unclear with Shift, which copies boxes outside a review; False there."""
        if self._panel.grid is None and self._panel.reviewed is None:
            return False
        self.mark_unclear_here()
        return True

    def _decide(self, verdict: Verdict, *, only_here: bool) -> None:
        targets = self._targets(only_here=only_here)
        if targets:
            next_key = self._panel.queue.next_key(targets)
            self._decisions.decide(targets, verdict)
            self._go_on(next_key)

    def _go_on(self, next_key: str) -> None:
        if self._panel.grid is not None:
            return
        if not (next_key and self._panel.go_to_key(next_key)) and self._panel.step(1) is None:
            self._report_end()
