"""Makes all parts of the window and joins them; imported, with all that is heavy, after the first paint."""

from __future__ import annotations

from functools import partial

import pyqtgraph as pg
from PySide6.QtCore import QObject, QRectF, Qt, QTimer
from PySide6.QtWidgets import QMenuBar, QToolBar, QToolButton

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.deferred_scores import ApJob
from iouviewer.app.jobs.inference_job import InferenceQueue
from iouviewer.app.jobs.verdict_job import VariantVerdict, VerdictJob
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import SettingsStore
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import Playback
from iouviewer.errors import UserError
from iouviewer.jobs.open_request import OpenRequest
from iouviewer.ui.actions import ActionSet, KeyGuard
from iouviewer.ui.canvas.frame_view import LabelMode
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.edit import EditCommands
from iouviewer.ui.commands.exports import ExportCommands
from iouviewer.ui.commands.files import FileCommands
from iouviewer.ui.commands.frames import FrameCommands
from iouviewer.ui.commands.problems import ProblemCommands
from iouviewer.ui.commands.runs import RunCommands
from iouviewer.ui.commands.view import ViewCommands
from iouviewer.ui.compare.compare_view import CompareMode, CompareStage
from iouviewer.ui.compare.differences import DifferencesJob, Spot
from iouviewer.ui.compare.side_panel import CompareSide
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.dialogs.settings_dialog import SettingsDialog
from iouviewer.ui.first_steps import FirstSteps
from iouviewer.ui.frame_presenter import PictureFeed
from iouviewer.ui.key_presets import keys_of
from iouviewer.ui.main_window import MainWindow, spacer
from iouviewer.ui.notifications import Notices
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.lists import BoxesPanel, ProblemsPanel, VariantsPanel
from iouviewer.ui.panels.number_line import NumberLine
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.panels.status import StatusBar
from iouviewer.ui.recent_menu import RecentMenu
from iouviewer.ui.status_messages import Tellers
from iouviewer.ui.theme import Theme, ThemeKeeper
from iouviewer.ui.timeline.view import TimelineView
from iouviewer.ui.video_presenter import VideoDesk
from iouviewer.ui.workspaces import Parts, Workspace, Workspaces

COMPARE_MODE = "compareMode"
"""Name of the setting that keeps how Compare shows two variants."""


class Workbench(QObject):
    """All parts of one window.

    Attributes:
        session: what is shown and edited.
        parts, workspaces, status, actions: the visible parts.
        files: opens and imports.
    """

    def __init__(
        self, window: MainWindow, store: SettingsStore, notifier: Notifier, keeper: ThemeKeeper, loader: FrameLoader
    ) -> None:
        super().__init__(window)
        pg.setConfigOptions(antialias=False)
        self._window, self._store, self._keeper = window, store, keeper
        settings = store.settings
        keeper.choose(settings.scheme)
        self.notifier = notifier
        self.session = Session(self)
        self.session.set_score_settings(settings.score_settings())
        self.loader = loader
        self.playback = Playback(self)
        self.queue = InferenceQueue(self)
        self.verdicts = VerdictJob(self.session, self)
        self.ap = ApJob(self.session, self)
        self.differences = DifferencesJob(self.session, self)
        self.controller = ProjectController(self.session, settings, self)
        self._make_parts()
        self._make_commands()
        self._connect()
        self._apply_settings()
        self._use_theme(keeper.theme)
        self._on_source_changed()

    # Making

    def _make_parts(self) -> None:
        session, theme = self.session, self._keeper.theme
        canvas, other = CanvasView(session), CanvasView(session)
        other.setObjectName("otherCanvas")
        other.setAccessibleName("Second canvas, in step with the first")
        other.follow(canvas)
        canvas.follow(other)
        self.parts = Parts(
            canvas,
            other,
            TimelineView(session, theme),
            NumberLine(session),
            ProblemsPanel(session),
            BoxesPanel(session),
            VariantsPanel(session),
            Inspector(session),
            VerdictPanel(),
            CompareSide(session, theme),
            CompareStage(canvas, other),
        )
        self.controls = ScoreControls(session)
        self.status = StatusBar(session)
        known = self._store.settings.extra.get(COMPARE_MODE, "")
        if known in set(CompareMode):
            self.parts.stage.set_mode(CompareMode(known))
        self.workspaces = Workspaces(self.parts)
        self.feed = PictureFeed(session, self.loader, self.playback, (canvas, other))
        self.desk = VideoDesk(session, self.loader, self.playback, self.feed, self._store.settings, self.notifier)
        self.desk.place(self.status, self.parts.number_line, self.parts.timeline.plot)

    def _make_commands(self) -> None:
        window, session, settings = self._window, self.session, self._store.settings
        canvas = self.parts.canvas
        self.runs = RunCommands(window, session, self.queue, settings, self.status)
        self.files = FileCommands(window, session, self.loader, self.controller, settings, self.runs)
        self.exports = ExportCommands(window, session, settings, canvas)
        self.view = ViewCommands(
            window,
            session,
            self.workspaces,
            self.controls,
            edit_settings=self.edit_settings,
            on_workspace=self._on_workspace,
        )
        canvases = (canvas, self.parts.other_canvas)
        self.video = self.desk.make_commands(window, canvases)
        groups = {
            "files": self.files,
            "runs": self.runs,
            "exports": self.exports,
            "view": self.view,
            "edit": EditCommands(window, session, canvas),
            "frames": FrameCommands(window, session, self.playback, canvas, tell_missed=self.feed.tell_missed),
            "problems": ProblemCommands(session, self.parts.problems, canvas),
            "video": self.video,
        }
        self.actions = ActionSet(window, groups)
        for place in canvases:
            self.actions.add_to_canvas(place)
            place.class_key = partial(self.actions.key_of, "classPicker")
        self.view.add_compare_modes(self.actions)
        self.view.actions = self.actions
        self.guard = KeyGuard(window, self.actions, canvas)
        parts = self.parts
        for widget in (
            parts.problems.list,
            parts.boxes.table,
            parts.variants.table,
            parts.side.lost,
            parts.side.gained,
        ):
            self.guard.watch(widget)
        before = [self.actions[id] for id in ("firstFrame", "previousFrame")]
        after = [self.actions[id] for id in ("nextFrame", "lastFrame")]
        self.parts.number_line.add_step_actions(before, self.actions["playPause"], after)
        self.desk.set_actions(self.actions)

    def _connect(self) -> None:
        parts, session = self.parts, self.session
        parts.timeline.sought.connect(self.feed.seek)
        parts.number_line.frameEntered.connect(self._on_frame_entered)
        parts.number_line.frameMissed.connect(self.feed.tell_missed)
        parts.number_line.givenUp.connect(parts.canvas.setFocus)
        parts.canvas.zoomChanged.connect(self.status.show_zoom)
        parts.canvas.pointerMoved.connect(self.status.show_place)
        parts.other_canvas.pointerMoved.connect(self.status.show_place)
        for canvas in (parts.canvas, parts.other_canvas):
            canvas.playRequested.connect(self.playback.toggle)
        parts.variants.baselineRequested.connect(session.variants.set_baseline)
        parts.variants.removeRequested.connect(session.variants.remove)
        parts.variants.resumeRequested.connect(self.runs.resume)
        parts.verdicts.resumeRequested.connect(self.runs.resume)
        parts.verdicts.removeRequested.connect(session.variants.remove)
        parts.side.activatedSpot.connect(self._on_spot_activated)
        parts.side.variantChosen.connect(self._show_compared)
        for changed in (session.variants.listChanged, session.variants.variantChanged):
            changed.connect(self._show_failed)
            changed.connect(self._show_compared)
        session.sourceChanged.connect(self._on_source_changed)
        self.loader.opened.connect(self._on_loader_opened)
        self.queue.busyChanged.connect(self.loader.hold_proof)
        self.files.opened.connect(self._on_files_opened)
        self.guard.held.connect(self.actions.run)
        self.guard.released.connect(self.actions.run)
        self.verdicts.outdated.connect(self._on_verdicts_outdated)
        self.verdicts.ready.connect(self._on_verdicts_ready)
        self.differences.ready.connect(parts.side.set_differences)
        for teller in (self.files, self.runs, self.exports, self.actions):
            teller.failed.connect(self.notifier.show)
        self.tellers = Tellers(session, self.controller, self.actions, self.notifier, self.status)
        self.notices = Notices(self._window, self.notifier, self.status)
        self._keeper.changed.connect(self._use_theme)

    def fill_menus(self, bar: QMenuBar) -> None:
        """All menus, the recent files among them."""
        menus = self.actions.fill_menus(bar)
        self._recent = RecentMenu(menus["File"], self._store.settings, self.files)

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Tools, thresholds, and the two workspaces at the right end."""
        self.actions.fill_tool_bar(bar)
        bar.addSeparator()
        bar.addWidget(self.controls)
        bar.addWidget(spacer())
        self._tabs = {}
        for workspace, id in ((Workspace.CORRECT, "correct"), (Workspace.COMPARE, "compare")):
            button = QToolButton()
            button.setObjectName(f"workspace.{workspace.value}")
            button.setText(self.actions[id].text())
            button.setToolTip(self.actions[id].toolTip())
            button.setProperty("tab", True)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(self.actions[id].trigger)
            bar.addWidget(button)
            self._tabs[workspace] = button
        self._tabs[self.workspaces.current].setChecked(True)

    # Settings

    def _apply_settings(self) -> None:
        settings = self._store.settings
        changes = {id: tuple(text.split()) for id, text in settings.keys.items()}
        self.actions.set_keys(keys_of(settings.key_preset, changes))
        self.desk.apply_settings()
        self.verdicts.set_margins({"ap": settings.margin_points, "pq": settings.margin_points})
        for canvas in (self.parts.canvas, self.parts.other_canvas):
            canvas.set_label_mode(LabelMode(settings.show_labels))

    def edit_settings(self) -> None:
        """Show the settings; what is accepted holds at once."""
        settings = self._store.settings
        settings.take_score_settings(self.session.scores.settings)
        dialog = SettingsDialog(self._window, settings)
        dialog.proxyDeletion.connect(self.loader.delete_proxies)
        self.loader.proxyState.connect(dialog.show_proxies)
        if not dialog.exec():
            return
        dialog.write_to(settings)
        self._apply_settings()
        self.session.set_score_settings(settings.score_settings())
        self._keeper.choose(settings.scheme)
        self._save_settings()

    def _save_settings(self) -> None:
        try:
            self._store.save()
        except UserError as error:
            self.notifier.show(error, Level.WARNING)

    def _use_theme(self, theme: Theme) -> None:
        self.actions.set_theme(theme)
        self.parts.timeline.plot.set_theme(theme)
        self.desk.set_theme(theme)
        self.parts.side.set_theme(theme)
        self.parts.variants.model.set_theme(theme)

    # What happens

    def _on_source_changed(self) -> None:
        self.actions.set_has_video(self.session.frame_count > 0)
        self._window.show_title(self.session.source.name)

    def _on_loader_opened(self) -> None:
        self._on_source_changed()
        self.feed.request()
        self.parts.canvas.setFocus()

    def _on_files_opened(self, sample: bool) -> None:
        frame = self._store.settings.last_frame(self.session.source.path)
        if not sample and self.session.current_frame == 0 < frame < self.session.frame_count:
            self.session.go_to(frame)
            self.session.told.emit(f"Back at frame {frame}, where you left it")
        if sample:
            FirstSteps(self.session, self.parts.canvas).begin()

    def _on_frame_entered(self, frame: int) -> None:
        self.playback.pause()
        self.session.go_to(frame)
        self.parts.canvas.setFocus()

    def _on_workspace(self, workspace: Workspace) -> None:
        self._tabs[workspace].setChecked(True)
        self.differences.watch(workspace is Workspace.COMPARE)
        self._show_compared()
        self.feed.refresh()
        # The canvas has another shape now; once it is laid out, what was looked at is brought back into sight.
        QTimer.singleShot(0, self.parts.canvas.reveal_selection)

    def _show_compared(self, _key: str = "") -> None:
        """Which variants the canvases show: all in Correct; the baseline and the compared one in Compare."""
        variants, parts = self.session.variants, self.parts
        if self.workspaces.current is Workspace.CORRECT:
            parts.canvas.set_shown_variants(None)
        else:
            compared = parts.side.compared
            parts.stage.show_pair(variants.baseline, variants.find(compared) if compared else None)

    def _on_spot_activated(self, spot: Spot) -> None:
        self.session.go_to(spot.frame)
        self.session.select([spot.box_id])
        x1, y1, x2, y2 = spot.rect
        self.parts.canvas.zoom_to(QRectF(x1, y1, x2 - x1, y2 - y1))

    def _show_failed(self, _key: str = "") -> None:
        self.parts.verdicts.show_failed(self.session.variants)

    def _on_verdicts_outdated(self) -> None:
        self.parts.verdicts.set_outdated(True, several=len(self.session.variants) > 1)

    def _on_verdicts_ready(self, verdicts: list[VariantVerdict]) -> None:
        self.parts.verdicts.set_verdicts(verdicts, complete=self.verdicts.complete)
        if not self.verdicts.complete:
            return
        points = {
            verdict.key: difference.points
            for verdict in verdicts
            if verdict.compared is not None
            for difference in verdict.compared.verdict.differences
            if difference.metric == "ap"
        }
        self.parts.variants.model.set_compared(points)

    # Opening and closing

    def open_request(self, request: OpenRequest) -> None:
        """Open what the command line said."""
        self.files.open_request(request)

    def close(self, geometry: bytes) -> None:
        """Write what waits, end all threads and the worker process."""
        self.playback.pause()
        self._store.settings.window_geometry = geometry
        if self.session.frame_count:
            self._store.settings.remember_frame(self.session.source.path, self.session.current_frame)
        self._store.settings.extra[COMPARE_MODE] = self.parts.stage.mode.value
        self._store.settings.take_score_settings(self.session.scores.settings)
        self._save_settings()
        jobs = (self.runs, self.files, self.exports, self.verdicts, self.ap, self.differences)
        for part in (*jobs, self.controller, self.loader):
            part.close()
