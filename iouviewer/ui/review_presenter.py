"""The review of problems: zooms to each one, shows its proposed fix on the canvas, and folds the timeline meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from PySide6.QtCore import QObject, QRectF

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import RECENT_LIMIT, Settings
from iouviewer.document.boxes import Rect
from iouviewer.document.problem_texts import apply_text
from iouviewer.document.problems import Problem, ProblemTopic
from iouviewer.i18n import tr
from iouviewer.jobs.overlaps import iou_matrix
from iouviewer.ui.canvas.proposed_fix import Proposal
from iouviewer.ui.canvas.review_camera import ReviewCamera
from iouviewer.ui.workspaces import WorkspaceViews

FILTERS = "problemFilters"
"""Key of the setting for the filters of each project, JSON by path."""


class ReviewPresenter(QObject):
    """Connects the list of problems with canvas and timeline.

    A review begins with the first problem that is gone to, and ends with Esc, another workspace or the last decision.

    Attributes:
        is_reviewing: whether a review is in progress, also while another frame is looked at.
    """

    def __init__(self, session: Session, views: WorkspaceViews, settings: Settings, fix_key: Callable[[], str]) -> None:
        """``fix_key`` returns the key that applies the fix, for the caption."""
        super().__init__(session)
        panel, canvas = views.problems, views.canvas
        self._session, self._panel, self._canvas, self._timeline = session, panel, canvas, views.timeline
        self._settings, self._fix_key = settings, fix_key
        self._camera = ReviewCamera(canvas)
        self._filters_of = ""
        self.is_reviewing = False
        canvas.leave_review = self.leave
        panel.activated.connect(self._on_problem_activated)
        panel.reviewedChanged.connect(self._show_fix)
        panel.undoRequested.connect(self._undo)
        panel.model.countsChanged.connect(self._leave_if_done)
        panel.filters.stateChanged.connect(self._store_filters)
        session.sourceChanged.connect(self._on_source_changed)
        self._on_source_changed()

    # Beginning and end

    def _on_problem_activated(self, problem: Problem) -> None:
        if not self.is_reviewing:
            self.is_reviewing = True
            self._timeline.set_reviewing(True)
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

    def leave(self) -> bool:
        """End the review and return to the view before it; False if there is none."""
        if not self.is_reviewing:
            return False
        self.is_reviewing = False
        self._timeline.set_reviewing(False)
        self._panel.leave()
        self._camera.restore()
        return True

    def _leave_if_done(self) -> None:
        model = self._panel.model
        if self.is_reviewing and model.complete and not model.count:
            self.leave()

    def _on_source_changed(self) -> None:
        self._camera.forget()
        self.leave()
        path = self._session.source.path
        if path != self._filters_of:
            self._filters_of = path
            self._panel.filters.restore_state(self._stored_filters().get(path, {}))

    def _undo(self, key: str) -> None:
        """Undo the decision that the foot names, and return to its problem."""
        step = self._session.history.undo_step()
        self._session.undo()
        if step is not None and self._session.history.undo_step() is step:
            # The first call only went to the frame and named the step, which the foot had named already.
            self._session.undo()
        self._panel.go_to_key(key)

    # The proposed fix

    def _show_fix(self) -> None:
        problem = self._panel.reviewed
        fix = self._canvas.proposed_fix
        if problem is None or not problem.has_fix:
            fix.propose(None)
            return
        fix.describe = self._captions_of(problem)
        fix.propose(
            Proposal(
                frame=problem.frame,
                rect=problem.fix_rect or problem.rect,
                before=None if problem.box_id is None or problem.fix_rect is None else problem.rect,
                deletes=problem.deletes_box,
                is_adjustable=problem.fix_rect is not None,
            )
        )

    def _captions_of(self, problem: Problem) -> Callable[[Rect], str]:
        """The caption at the proposed box: what its key does, and the IoU with the prediction as it would be."""
        names, key = self._session.document.class_names, self._fix_key()
        deed = apply_text(problem, names)
        seen = self._prediction(problem) if problem.topic is ProblemTopic.LOOSE else None
        if seen is None:
            text = tr("{key}  {text}", key=key, text=deed) if key else deed
            return lambda _rect: text
        convention = self._session.scores.settings.review.convention
        before = problem.iou or 0.0

        def describe(rect: Rect) -> str:
            after = float(iou_matrix(np.array([rect]).T, np.array([seen]).T, convention)[0, 0])
            return tr("{key}  IoU {before:.2f} → {after:.2f}", key=key, before=before, after=after).strip()

        return describe

    def _prediction(self, problem: Problem) -> Rect | None:
        """The baseline's prediction that a loose box was compared with."""
        baseline = self._session.variants.baseline
        if baseline is None:
            return None
        table = baseline.predictions.table.frame(problem.frame)
        if not len(table):
            return None
        convention = self._session.scores.settings.review.convention
        ious = iou_matrix(np.array([problem.rect]).T, table.boxes, convention)[0]
        off = np.abs(ious - (problem.iou or 0.0)) + np.abs(table.scores - (problem.confidence or 0.0))
        x1, y1, x2, y2 = table.boxes[:, int(off.argmin())].tolist()
        return x1, y1, x2, y2

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
