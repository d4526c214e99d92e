"""Connects question, verdicts, table, canvases and changed objects of the Compare workspace."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRectF, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.verified_frames import VerifiedFrames
from iouviewer.app.jobs.verdict_job import VerdictJob
from iouviewer.app.settings import Settings
from iouviewer.document.boxes import NO_BOX
from iouviewer.document.edits import Change, Phase
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.differences import ChangedObject
from iouviewer.jobs.frame_selection import VERIFIED
from iouviewer.jobs.judge import Judged
from iouviewer.jobs.operating_points import COMMON, SETTING, OperatingPoint, stored_point
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.commands.variants import VariantCommands
from iouviewer.ui.compare.change_captions import ChangeCaptions
from iouviewer.ui.compare.differences import DifferencesJob
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.workspaces import Workspace, Workspaces

_HIDDEN_COLUMNS, _FRAMES = "compareHiddenColumns", "compareFrames"
"""Keys of the settings: ids of hidden columns separated by spaces, and which frames count."""


class ComparePresenter(QObject):
    """Shows one state everywhere in Compare: the pair, the question, the verdicts, and the objects that differ.

    Signals:
        settingsChanged(): the user changed a setting that has to be saved.
    """

    settingsChanged = Signal()

    def __init__(
        self,
        session: Session,
        workspaces: Workspaces,
        verdicts: VerdictJob,
        differences: DifferencesJob,
        settings: Settings,
    ) -> None:
        super().__init__(session)
        self._session, self._workspaces, self._views = session, workspaces, workspaces.views
        self._verdicts, self._differences = verdicts, differences
        self._settings = settings
        self._actions: ActionSet | None = None
        views = self._views
        self._verified = VerifiedFrames(session)
        self._wants_verified = settings.extra.get(_FRAMES, "") == VERIFIED
        self.captions = ChangeCaptions(session, (views.canvas, views.other_canvas))
        views.variants.set_hidden_columns(settings.extra.get(_HIDDEN_COLUMNS, "").split())
        self._connect()
        self.apply_settings()
        self._show_compared_pair()

    def _connect(self) -> None:
        session, views = self._session, self._views
        views.side_panel.objectActivated.connect(self.show_object)
        views.side_panel.variantChosen.connect(self._show_compared_pair)
        views.side_panel.confidenceChosen.connect(views.controls.set_confidence)
        for chosen in (views.verdicts.pairChosen, views.variants.pairChosen):
            chosen.connect(views.side_panel.choose)
        views.variants.columnsChanged.connect(self._on_columns_changed)
        views.verdicts.question.marginChosen.connect(self._on_margin_chosen)
        views.verdicts.question.verifiedOnlyChosen.connect(self._on_verified_only_chosen)
        views.verdicts.question.point.pointChosen.connect(self._on_point_chosen)
        self._verdicts.refused.connect(self._on_point_refused)
        for changed in (session.variants.listChanged, session.variants.variantChanged):
            changed.connect(self._show_compared_pair)
        session.changed.connect(self._on_session_changed)
        self._verdicts.outdated.connect(self._on_verdicts_outdated)
        self._verdicts.ready.connect(self._on_verdicts_ready)
        self._differences.ready.connect(views.side_panel.set_differences)
        self._differences.breakdownReady.connect(views.side_panel.set_breakdowns)
        self._differences.tracksReady.connect(views.side_panel.set_tracks)
        views.side_panel.analysisShown.connect(self._differences.set_shown)

    def set_actions(self, actions: ActionSet, variants: VariantCommands) -> None:
        """Connect the buttons and menus of Compare with the commands."""
        self._actions, self._variant_commands = actions, variants
        views = self._views
        views.verdicts.question.reportRequested.connect(actions["exportHtml"].trigger)
        views.verdicts.addRequested.connect(actions["addPredictions"].trigger)
        views.verdicts.runRequested.connect(actions["runModel"].trigger)
        views.verdicts.resumeRequested.connect(self._for_variant(variants.resume))
        views.verdicts.removeRequested.connect(self._for_variant(variants.remove))
        for source in (views.verdicts.menuRequested, views.variants.menuRequested):
            source.connect(self._on_menu_requested)

    def _for_variant(self, command: Callable[[], None]) -> Callable[[str], None]:
        """The command, on the variant with the given key instead of the selected one."""

        def run(key: str) -> None:
            self._views.variants.select(key)
            command()

        return run

    # Workspace and pair

    def update_workspace(self) -> None:
        """Adapt to the current workspace: differences are computed, and verified frames selected, only in Compare."""
        is_shown = self._workspaces.current is Workspace.COMPARE
        self._differences.set_active(is_shown)
        self._verified.set_active(is_shown and self._wants_verified)
        if not is_shown:
            self.captions.show_object(None)
        self._show_frames()
        self._show_compared_pair()

    def _show_compared_pair(self, _key: str = "") -> None:
        """Show all variants in Correct; the baseline and the compared one in Compare."""
        variants, views = self._session.variants, self._views
        compared = views.side_panel.compared
        views.verdicts.set_compared(compared)
        views.timeline.set_compared(compared)
        if self._workspaces.current is Workspace.CORRECT:
            views.canvas.set_shown_variants(None)
            return
        shown = variants.find(compared) if compared else None
        others = [one for one in variants.visible() if one is not variants.baseline and one is not shown]
        views.compare_view.show_pair(variants.baseline, shown, others)
        selected = views.variants.current_key()
        if not selected or (variants.baseline is not None and selected != variants.baseline.key):
            views.variants.select(compared)

    def _on_menu_requested(self, _kind: str, key: str, place: QPoint) -> None:
        if self._actions is None:
            return
        self._views.variants.select(key)
        menu = popup_menu("", self._views.variants)
        for id in self._variant_commands.ids_for(key):
            if id:
                menu.addAction(self._actions[id])
            else:
                menu.addSeparator()
        menu.exec(place)
        menu.deleteLater()

    def _on_columns_changed(self) -> None:
        self._settings.extra[_HIDDEN_COLUMNS] = " ".join(sorted(self._views.variants.hidden_columns))
        self.settingsChanged.emit()

    # The question

    def apply_settings(self) -> None:
        """Use the allowed drop of the settings."""
        self._verdicts.set_margins(self._settings.margins())
        self._show_point(stored_point(self._settings.extra))
        self._views.verdicts.set_margin(self._settings.margin_points)

    def _on_margin_chosen(self, margin: float) -> None:
        self._settings.margin_points = margin
        self.apply_settings()
        self.settingsChanged.emit()

    def _on_point_chosen(self, point: OperatingPoint) -> None:
        self._settings.extra[SETTING] = point.stored
        self._show_point(point)
        self.settingsChanged.emit()

    def _show_point(self, point: OperatingPoint) -> None:
        self._views.verdicts.question.point.set_point(point)
        self._verdicts.set_point(point)

    def _on_point_refused(self, error: UserError) -> None:
        """A variant does not reach the point: say so, and judge at the common confidence."""
        self._on_point_chosen(COMMON)
        self._session.statusMessage.emit(tr("{reason}. Judged at the common confidence.", reason=error.message))

    def _on_verified_only_chosen(self, verified_only: bool) -> None:
        self._wants_verified = verified_only
        self._settings.extra[_FRAMES] = VERIFIED if verified_only else ""
        self._verified.set_active(verified_only)
        self._show_frames()
        self.settingsChanged.emit()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.COMMITTED and self._workspaces.current is Workspace.COMPARE:
            self._show_frames()

    def _show_frames(self) -> None:
        self._views.verdicts.question.set_verified_only(self._wants_verified, self._verified.count)

    # Verdicts

    def _on_verdicts_outdated(self) -> None:
        self._views.verdicts.set_outdated()
        self._views.variants.set_outdated()

    def _on_verdicts_ready(self, verdicts: list[Judged]) -> None:
        views = self._views
        views.verdicts.set_verdicts(verdicts, complete=self._verdicts.complete)
        if not self._verdicts.complete:
            return
        intervals = {
            verdict.key: difference
            for verdict in verdicts
            if verdict.compared is not None
            for difference in verdict.compared.verdict.differences
            if difference.metric == "ap"
        }
        views.variants.set_intervals(intervals, views.verdicts.axis, self._settings.margin_points)

    # Changed objects

    def show_object(self, changed: ChangedObject) -> None:
        """Go to a changed object, select its box and say what both variants make of it."""
        is_box = changed.box_id != NO_BOX
        self._session.go_to(changed.frame)
        self._session.select([changed.box_id] if is_box else ())
        x1, y1, x2, y2 = changed.rect
        self._views.canvas.zoom_to(QRectF(x1, y1, x2 - x1, y2 - y1))
        self.captions.show_object(changed if is_box and changed.is_compared else None)

    def step(self, by: int) -> bool:
        """In Compare, go to the next (1) or previous (-1) changed object; False in another workspace."""
        if self._workspaces.current is not Workspace.COMPARE:
            return False
        changes = self._views.side_panel.changes()
        if not changes:
            alone = not self._views.side_panel.compared
            text = tr("Add a second variant to compare") if alone else tr("Both variants find the same boxes")
            self._session.statusMessage.emit(text)
            return True
        places = [(one.frame, one.box_id) for one in changes]
        shown = self.captions.changed
        frame = self._session.current_frame
        here = (shown.frame, shown.box_id) if shown is not None and shown.frame == frame else None
        if by > 0:
            after = here if here is not None else (frame, -1)
            found = next((i for i, place in enumerate(places) if place > after), 0)
        else:
            before = here if here is not None else (frame, -1)
            found = next((i for i in reversed(range(len(places))) if places[i] < before), len(places) - 1)
        self._views.side_panel.reveal(changes[found])
        self.show_object(changes[found])
        return True
