"""The review of problems: zooms to each one, shows its proposed fix on the canvas, and folds the timeline meanwhile."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, QRectF

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import RECENT_LIMIT, Settings
from iouviewer.app.video.crops import CropLoader
from iouviewer.document.problem_texts import apply_text
from iouviewer.document.problems import Problem
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.proposed_fix import Proposal
from iouviewer.ui.canvas.review_camera import ReviewCamera
from iouviewer.ui.commands.problems import ProblemCommands
from iouviewer.ui.review.inset import PictureInset
from iouviewer.ui.review.ledger import score_conditions, scores_now
from iouviewer.ui.workspaces import Workspace, Workspaces

FILTERS = "problemFilters"
"""Key of the setting for the filters of each project, JSON by path."""
SCORES_BEFORE = "reviewBefore"
"""Key of the project's value for the scores before the first decision."""


class ReviewPresenter(QObject):
    """Connects the list of problems with canvas, timeline, grid and ledger.

    A review begins with the first problem that is gone to, and ends with Esc, another workspace or the last decision.

    Attributes:
        is_reviewing: whether a review is in progress, also while another frame is looked at.
    """

    def __init__(
        self,
        session: Session,
        workspaces: Workspaces,
        controller: ProjectController,
        settings: Settings,
        actions: ActionSet,
    ) -> None:
        super().__init__(session)
        views = workspaces.views
        panel, canvas = views.problems, views.canvas
        self._session, self._panel, self._canvas, self._timeline = session, panel, canvas, views.timeline
        self._workspaces, self._controller, self._settings = workspaces, controller, settings
        self._actions = actions
        self._camera = ReviewCamera(canvas)
        self._inset = PictureInset(canvas)
        self._filters_of = self._awaited = ""
        self._before: dict[str, Any] = {}
        self._new_count = 0
        self.is_reviewing = False
        canvas.leave_review = self.leave
        canvas.undo_decision = self._undo_decision
        panel.grid_page.use_settings(settings)
        panel.activated.connect(self._on_problem_activated)
        panel.reviewedChanged.connect(self._show_fix)
        panel.undoRequested.connect(self._undo)
        panel.model.countsChanged.connect(self._on_counts_changed)
        panel.filters.stateChanged.connect(self._store_filters)
        panel.grid_page.view.opened.connect(self._on_grid_opened)
        panel.grid_page.view.left.connect(self.leave_grid)
        panel.ledger.before = self._scores_before
        session.sourceChanged.connect(self._on_source_changed)
        session.view_state.viewStateChanged.connect(self._on_view_state_changed)
        self._on_source_changed()

    def connect_commands(self, commands: ProblemCommands, crops: CropLoader) -> None:
        """Connect the commands on problems; crops of frames come from ``crops``."""
        self._panel.use_crops(crops)
        commands.toggle_grid, commands.leave_grid = self._toggle_grid, self.leave_grid
        commands.toggle_ledger = self._toggle_ledger
        self._canvas.mark_unclear_here = commands.unclear_here_in_review

    # Beginning and end

    def _on_problem_activated(self, problem: Problem) -> None:
        self._set_reviewing(True)
        x1, y1, x2, y2 = problem.fix_rect or problem.rect
        shown = QRectF(x1, y1, x2 - x1, y2 - y1)
        if problem.box_id is not None:
            x1, y1, x2, y2 = problem.rect
            shown |= QRectF(x1, y1, x2 - x1, y2 - y1)
        self._camera.look_at(shown)
        self._show_fix()
        if not self._panel.list.hasFocus():
            # In a field, the keys of the review would be typed.
            self._canvas.setFocus()

    def _set_reviewing(self, reviewing: bool) -> None:
        if reviewing is not self.is_reviewing:
            self.is_reviewing = reviewing
            self._timeline.set_reviewing(reviewing)
        self._workspaces.set_reviewing(reviewing or self._panel.grid is not None)

    def leave(self) -> bool:
        """Leave the grid, or end the review and return to the view before it; False if there is neither."""
        if self.leave_grid():
            return True
        if not self.is_reviewing:
            return False
        self._set_reviewing(False)
        self._panel.leave()
        self._camera.restore()
        return True

    def _on_counts_changed(self) -> None:
        self._keep_scores_before()
        self._return_to_awaited()
        self._report_new()
        model = self._panel.model
        if model.complete and not model.count and (self.is_reviewing or self._panel.grid is not None):
            self.leave_grid()
            self.leave()
            self._session.statusMessage.emit(tr("All problems decided"))

    def _report_new(self) -> None:
        """Say once how many problems edits have made, which end the list."""
        count = self._panel.model.problems.new_count
        more, self._new_count = count - self._new_count, count
        if more > 0 and self.is_reviewing:
            text = tr_n(
                "{count} new problem at the end of the list", "{count:,} new problems at the end of the list", more
            )
            self._session.statusMessage.emit(text)

    def _on_source_changed(self) -> None:
        self._camera.forget()
        self._before, self._awaited = {}, ""
        self.leave_grid()
        self.leave()
        path = self._session.source.path
        if path != self._filters_of:
            self._filters_of = path
            self._panel.filters.restore_state(self._stored_filters().get(path, {}))

    def _undo_decision(self) -> bool:
        """Undo the last decision while its foot is seen in a review."""
        is_deciding = self.is_reviewing or self._panel.grid is not None
        if not (is_deciding and self._panel.foot.key and self._panel.isVisible()):
            return False
        self._undo(self._panel.foot.key)
        return True

    def _undo(self, key: str) -> None:
        """Undo the decision that the foot names, and return to its problem."""
        step = self._session.history.undo_step()
        self._session.undo()
        if step is not None and self._session.history.undo_step() is step:
            # The first call only went to the frame and named the step, which the foot had named already.
            self._session.undo()
        if self._panel.grid is not None:
            self._panel.grid.focus_on(key)
        elif not self._panel.go_to_key(key):
            self._awaited = key  # the search around the edit finds it again

    def _return_to_awaited(self) -> None:
        key, self._awaited = self._awaited, ""
        if key and not self._panel.go_to_key(key) and not self._panel.model.complete:
            self._awaited = key

    # Grid, ledger, blind mode

    def _toggle_grid(self) -> None:
        if not self.leave_grid() and self._panel.model.count and not self._panel.is_blind:
            self._show_grid()

    def _show_grid(self) -> None:
        if self._workspaces.current is not Workspace.CORRECT:
            return
        page, reviewed = self._panel.grid_page, self._panel.reviewed
        self._workspaces.views.side_tabs.setCurrentWidget(self._panel)
        self._workspaces.show_grid(True)
        self._panel.show_grid(page.view)
        self._workspaces.set_reviewing(True)
        page.refresh()
        if reviewed is not None:
            page.view.focus_on(reviewed.key)
        page.view.setFocus()

    def leave_grid(self) -> bool:
        """Show the canvas again; False if it is shown."""
        if self._panel.grid is None:
            return False
        self._workspaces.show_grid(False)
        self._panel.show_grid(None)
        self._workspaces.set_reviewing(self.is_reviewing)
        self._canvas.setFocus()
        return True

    def _on_grid_opened(self, problem: Problem) -> None:
        self.leave_grid()
        self._panel.go_to_key(problem.key)

    def _toggle_ledger(self) -> None:
        if self._panel.is_blind:
            return
        self.leave_grid()
        shown = not self._panel.is_ledger_shown
        self._workspaces.views.side_tabs.setCurrentWidget(self._panel)
        self._panel.show_ledger(shown=shown)
        self._workspaces.set_reviewing(shown or self.is_reviewing)

    def _on_view_state_changed(self) -> None:
        is_blind = self._session.view_state.is_blind
        if is_blind is not self._panel.is_blind:
            if is_blind:
                self.leave_grid()
                self.leave()
            self._panel.show_blind(is_blind=is_blind)
            self._panel.model.countsChanged.emit()  # timeline and lanes show problems too

    # Scores before the first decision

    def _scores_before(self) -> dict[str, Any]:
        stored = self._controller.value(SCORES_BEFORE)
        return stored if isinstance(stored, dict) else {}

    def _keep_scores_before(self) -> None:
        """Take the scores while nothing is decided, and store them with the first decision."""
        model, conditions = self._panel.model, score_conditions(self._session)
        if model.decisions:
            if self._before and not self._scores_before():
                self._controller.set_value(SCORES_BEFORE, self._before)
        elif model.complete and model.count and self._before.get("conditions") != conditions:
            self._before = {"scores": scores_now(self._session), "conditions": conditions}

    # The proposed fix

    def _show_fix(self) -> None:
        problem = self._panel.reviewed
        self._inset.show_problem(None if problem is None else problem.fix_rect or problem.rect)
        fix = self._canvas.proposed_fix
        # A fix of tracks moves no box.
        is_seen = problem is not None and (problem.fix_rect is not None or problem.deletes_box)
        if problem is None or not is_seen:
            fix.propose(None)
            return
        text, key = apply_text(problem, self._session.document.class_names), self._actions.key_of("takeFix")
        caption = tr("{key}  {text}", key=key, text=text) if key else text
        fix.describe = lambda _rect: caption
        fix.propose(
            Proposal(
                frame=problem.frame,
                rect=problem.fix_rect or problem.rect,
                before=None if problem.box_id is None or problem.fix_rect is None else problem.rect,
                deletes=problem.deletes_box,
                is_adjustable=problem.fix_rect is not None,
            )
        )

    # Filters of each project

    def _stored_filters(self) -> dict[str, dict[str, object]]:
        with suppress(ValueError):
            stored = json.loads(self._settings.extra.get(FILTERS, "{}"))
            if isinstance(stored, dict):
                return {path: state for path, state in stored.items() if isinstance(state, dict)}
        return {}

    def _store_filters(self) -> None:
        path = self._session.source.path
        if not path or path != self._filters_of:
            return
        stored = self._stored_filters()
        stored.pop(path, None)
        state = self._panel.filters.state()
        if state:
            stored[path] = state
        self._settings.extra[FILTERS] = json.dumps(dict(list(stored.items())[-RECENT_LIMIT:]))
