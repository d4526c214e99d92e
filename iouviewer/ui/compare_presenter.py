"""Connects verdicts and differences between variants with the views of the Compare workspace."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.verdict_job import VerdictJob
from iouviewer.jobs.differences import ChangedObject
from iouviewer.jobs.judge import Judged
from iouviewer.ui.compare.differences import DifferencesJob
from iouviewer.ui.workspaces import Workspace, Workspaces


class ComparePresenter(QObject):
    """Shows the compared pair on the canvases, the verdicts, and the objects that differ."""

    def __init__(
        self, session: Session, workspaces: Workspaces, verdicts: VerdictJob, differences: DifferencesJob
    ) -> None:
        super().__init__(session)
        self._session, self._workspaces, self._views = session, workspaces, workspaces.views
        self._verdicts, self._differences = verdicts, differences
        panel = self._views.side_panel
        panel.objectActivated.connect(self._on_side_panel_object_activated)
        panel.variantChosen.connect(self._show_compared_pair)
        for changed in (session.variants.listChanged, session.variants.variantChanged):
            changed.connect(self._show_failed_runs)
            changed.connect(self._show_compared_pair)
        verdicts.outdated.connect(self._on_verdicts_outdated)
        verdicts.ready.connect(self._on_verdicts_ready)
        differences.ready.connect(panel.set_differences)

    def update_workspace(self) -> None:
        """Adapt to the current workspace: differences are computed only while they are visible."""
        self._differences.set_active(self._workspaces.current is Workspace.COMPARE)
        self._show_compared_pair()

    def _show_compared_pair(self, _key: str = "") -> None:
        """Show all variants in Correct; the baseline and the compared one in Compare."""
        variants, views = self._session.variants, self._views
        if self._workspaces.current is Workspace.CORRECT:
            views.canvas.set_shown_variants(None)
        else:
            compared = views.side_panel.compared
            views.compare_view.show_pair(variants.baseline, variants.find(compared) if compared else None)

    def _on_side_panel_object_activated(self, changed: ChangedObject) -> None:
        self._session.go_to(changed.frame)
        self._session.select([changed.box_id])
        x1, y1, x2, y2 = changed.rect
        self._views.canvas.zoom_to(QRectF(x1, y1, x2 - x1, y2 - y1))

    def _show_failed_runs(self, _key: str = "") -> None:
        self._views.verdicts.show_failed_runs(self._session.variants)

    def _on_verdicts_outdated(self) -> None:
        self._views.verdicts.set_outdated(True, several=len(self._session.variants) > 1)

    def _on_verdicts_ready(self, verdicts: list[Judged]) -> None:
        self._views.verdicts.set_verdicts(verdicts, complete=self._verdicts.complete)
        if not self._verdicts.complete:
            return
        points = {
            verdict.key: difference.points
            for verdict in verdicts
            if verdict.compared is not None
            for difference in verdict.compared.verdict.differences
            if difference.metric == "ap"
        }
        self._views.variants.model.set_ap_differences(points)
