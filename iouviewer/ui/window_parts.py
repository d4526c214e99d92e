"""Creates and connects the content of the window. Imported after the first paint, with all heavy modules."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QMainWindow, QMenuBar, QSizePolicy, QStatusBar, QToolBar, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.deferred_scores import DeferredScores
from iouviewer.app.jobs.inference_job import InferenceQueue
from iouviewer.app.jobs.verdict_job import VerdictJob
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings, SettingsStore
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import Playback
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import APP_NAME
from iouviewer.ui.action_texts import ActionTexts
from iouviewer.ui.actions import ActionSet, KeyFilter
from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.edit import EditCommands
from iouviewer.ui.commands.exports import ExportCommands
from iouviewer.ui.commands.files import FileCommands, RecentFilesMenu
from iouviewer.ui.commands.frames import FrameCommands
from iouviewer.ui.commands.problems import ProblemCommands
from iouviewer.ui.commands.runs import RunCommands
from iouviewer.ui.commands.view import ViewCommands
from iouviewer.ui.compare.compare_view import CompareMode, CompareView
from iouviewer.ui.compare.differences import DifferencesJob
from iouviewer.ui.compare.side_panel import SidePanel
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.compare_presenter import ComparePresenter
from iouviewer.ui.dialogs.settings_dialog import SettingsDialog
from iouviewer.ui.first_steps import FirstSteps
from iouviewer.ui.frame_presenter import FramePresenter
from iouviewer.ui.key_presets import keys_of
from iouviewer.ui.notifications import Notifications
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.lists import VariantsPanel
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.panels.status_bar import StatusBar
from iouviewer.ui.status_messages import StatusMessages
from iouviewer.ui.theme import Theme, ThemeManager
from iouviewer.ui.timeline.view import TimelineView
from iouviewer.ui.video_presenter import VideoPresenter
from iouviewer.ui.workspaces import Workspace, Workspaces, WorkspaceViews

COMPARE_MODE = "compareMode"
"""Key of the setting for the comparison layout."""


class WindowParts(QObject):
    """Session, jobs, views, presenters and commands of one window.

    Attributes:
        session: the open document.
        views, workspaces, status, controls: the widgets.
        frame_presenter, video_presenter: show frames, and the state of the video.
        files, runs, exports, view, video: groups of commands.
    """

    def __init__(
        self,
        window: QMainWindow,
        store: SettingsStore,
        notifier: Notifier,
        theme_manager: ThemeManager,
        loader: FrameLoader,
    ) -> None:
        super().__init__(window)
        pg.setConfigOptions(antialias=False)
        self._window, self._store, self._theme_manager = window, store, theme_manager
        settings = store.settings
        theme_manager.choose(settings.scheme)
        theme_manager.load_fonts()
        self.notifier = notifier
        self.session = Session(self)
        self.session.set_score_settings(settings.score_settings())
        self.loader = loader
        self.playback = Playback(self)
        self.queue = InferenceQueue(self)
        self.verdicts = VerdictJob(self.session, self)
        self.deferred_scores = DeferredScores(self.session, self)
        self.differences = DifferencesJob(self.session, self)
        self.controller = ProjectController(self.session, settings, self)
        self._create_views()
        self._create_commands()
        self._connect()
        self._apply_settings()
        self._apply_theme(theme_manager.theme)
        self._on_source_changed()

    # Creation

    def _create_views(self) -> None:
        session, theme = self.session, self._theme_manager.theme
        canvas, other = CanvasView(session), CanvasView(session)
        other.setObjectName("otherCanvas")
        other.setAccessibleName(tr("Second canvas, follows the first one"))
        other.follow(canvas)
        canvas.follow(other)
        self.views = WorkspaceViews(
            canvas,
            other,
            TimelineView(session, theme),
            PlaybackBar(session),
            ProblemsPanel(session),
            BoxesPanel(session),
            VariantsPanel(session),
            Inspector(session),
            VerdictPanel(),
            SidePanel(session, theme),
            CompareView(canvas, other),
        )
        self.controls = ScoreControls(session)
        self.status = StatusBar(session)
        mode = self.settings.extra.get(COMPARE_MODE, "")
        if mode in set(CompareMode):
            self.views.compare_view.set_mode(CompareMode(mode))
        self.workspaces = Workspaces(self.views)
        self.frame_presenter = FramePresenter(session, self.loader, self.playback, (canvas, other))
        self.video_presenter = VideoPresenter(
            session, self.loader, self.playback, self.frame_presenter, self._store.settings, self.notifier
        )
        self.video_presenter.attach(self.status, self.views.playback_bar, self.views.timeline.plot)

    def _create_commands(self) -> None:
        window, session, settings = self._window, self.session, self._store.settings
        canvas = self.views.canvas
        self.runs = RunCommands(window, session, self.queue, settings, self.status)
        self.files = FileCommands(window, session, self.loader, self.controller, settings, self.runs)
        self.exports = ExportCommands(window, session, settings, canvas)
        self.view = ViewCommands(
            window,
            session,
            self.workspaces,
            self.controls,
            edit_settings=self.edit_settings,
            on_workspace_shown=self._on_workspace_shown,
        )
        canvases = (canvas, self.views.other_canvas)
        self.video = self.video_presenter.create_commands(window, canvases)
        problems = ProblemCommands(session, self.views.problems, canvas)
        report_out_of_range = self.frame_presenter.report_out_of_range
        groups = {
            "files": self.files,
            "runs": self.runs,
            "exports": self.exports,
            "view": self.view,
            "boxes": canvas.commands,
            "edit": EditCommands(window, session, canvas),
            "frames": FrameCommands(window, session, self.playback, report_out_of_range=report_out_of_range),
            "problems": problems,
            "video": self.video,
        }
        self.actions = ActionSet(window, groups)
        for view in canvases:
            self.actions.add_to_canvas(view)
            view.commands.class_key = partial(self.actions.key_of, "classPicker")
        problems.next_key = partial(self.actions.key_of, "nextProblem")
        self.view.add_compare_modes(self.actions)
        self.view.actions = self.actions
        self.key_filter = KeyFilter(window, self.actions, canvas)
        views = self.views
        for widget in (
            views.problems.list,
            views.boxes.table,
            views.variants.table,
            views.side_panel.lost,
            views.side_panel.gained,
        ):
            self.key_filter.watch(widget)
        before = [self.actions[id] for id in ("firstFrame", "previousFrame")]
        after = [self.actions[id] for id in ("nextFrame", "lastFrame")]
        self.views.playback_bar.add_step_actions(before, self.actions["playPause"], after)
        self.video_presenter.set_actions(self.actions)

    def _connect(self) -> None:
        views, session = self.views, self.session
        views.timeline.seekRequested.connect(self.frame_presenter.seek)
        views.playback_bar.frameEntered.connect(self._on_frame_entered)
        views.playback_bar.frameOutOfRange.connect(self.frame_presenter.report_out_of_range)
        views.playback_bar.editCancelled.connect(views.canvas.setFocus)
        views.canvas.zoomChanged.connect(self.status.show_zoom)
        views.canvas.pointerMoved.connect(self.status.show_mouse_position)
        views.other_canvas.pointerMoved.connect(self.status.show_mouse_position)
        for canvas in (views.canvas, views.other_canvas):
            canvas.playRequested.connect(self.playback.toggle)
        views.variants.baselineRequested.connect(session.variants.set_baseline)
        views.variants.removeRequested.connect(session.variants.remove)
        views.variants.resumeRequested.connect(self.runs.resume)
        views.variants.classesRequested.connect(self.runs.choose_classes)
        views.verdicts.resumeRequested.connect(self.runs.resume)
        views.verdicts.removeRequested.connect(session.variants.remove)
        session.sourceChanged.connect(self._on_source_changed)
        self.loader.opened.connect(self._on_loader_opened)
        self.queue.busyChanged.connect(self.loader.pause_decode_check)
        self.files.opened.connect(self._on_files_opened)
        self.key_filter.held.connect(self.actions.run)
        self.key_filter.released.connect(self.actions.run)
        for group in (self.files, self.runs, self.exports, self.actions):
            group.failed.connect(self.notifier.show)
        self._compare_presenter = ComparePresenter(session, self.workspaces, self.verdicts, self.differences)
        self._status_messages = StatusMessages(session, self.controller, self.notifier, self.status)
        self._action_texts = ActionTexts(session, self.playback, self.actions)
        self.notifications = Notifications(self._window, self.notifier, self.status)
        self._theme_manager.changed.connect(self._apply_theme)

    # WindowContent

    @property
    def central_widget(self) -> QWidget:
        """The workspaces."""
        return self.workspaces

    @property
    def status_bar(self) -> QStatusBar:
        """The status bar."""
        return self.status

    @property
    def settings(self) -> Settings:
        """The settings of the program."""
        return self._store.settings

    @property
    def theme(self) -> Theme:
        """The theme on screen."""
        return self._theme_manager.theme

    def focus_canvas(self) -> None:
        """Give the keyboard focus to the canvas."""
        self.views.canvas.setFocus()

    def open_paths(self, paths: list[Path]) -> None:
        """Open dropped files and folders."""
        self.files.open_paths(paths)

    def fill_menus(self, bar: QMenuBar) -> None:
        """Create all menus, the recent files included."""
        menus = self.actions.fill_menus(bar)
        self._recent_menu = RecentFilesMenu(menus["file"], self.settings, self.files)

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Add tools, thresholds, and the two workspaces at the right end."""
        self.actions.fill_tool_bar(bar)
        bar.addSeparator()
        bar.addWidget(self.controls)
        bar.addWidget(_create_spacer())
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
        settings = self.settings
        changes = {id: tuple(text.split()) for id, text in settings.keys.items()}
        self.actions.set_keys(keys_of(settings.key_preset, changes))
        self.video_presenter.apply_settings()
        self.verdicts.set_margins(settings.margins())
        for canvas in (self.views.canvas, self.views.other_canvas):
            canvas.boxes.set_caption_mode(CaptionMode(settings.caption_mode))

    def edit_settings(self) -> None:
        """Show the settings dialog and apply the accepted changes."""
        settings = self.settings
        settings.set_score_defaults(self.session.scores.settings)
        dialog = SettingsDialog(self._window, settings)
        dialog.proxyDeletion.connect(self.loader.delete_proxies)
        self.loader.proxyState.connect(dialog.show_proxies)
        if not dialog.exec():
            return
        dialog.write_to(settings)
        self._apply_settings()
        self.session.set_score_settings(settings.score_settings())
        self._theme_manager.choose(settings.scheme)
        self._save_settings()

    def _save_settings(self) -> None:
        try:
            self._store.save()
        except UserError as error:
            self.notifier.show(error, Level.WARNING)

    def _apply_theme(self, theme: Theme) -> None:
        self.actions.set_theme(theme)
        self.views.timeline.plot.set_theme(theme)
        self.video_presenter.set_theme(theme)
        self.views.side_panel.set_theme(theme)
        self.views.variants.model.set_theme(theme)

    # Signals

    def _on_source_changed(self) -> None:
        self.actions.set_has_video(self.session.frame_count > 0)
        name = self.session.source.name
        self._window.setWindowTitle(tr("{name} – iouviewer", name=name) if name else APP_NAME)

    def _on_loader_opened(self) -> None:
        self._on_source_changed()
        self.frame_presenter.request()
        self.views.canvas.setFocus()

    def _on_files_opened(self, is_sample: bool) -> None:
        frame = self.settings.last_frame(self.session.source.path)
        if not is_sample and self.session.current_frame == 0 < frame < self.session.frame_count:
            self.session.go_to(frame)
            self.session.statusMessage.emit(tr("Continued at frame {frame:,}, where you left off", frame=frame))
        if is_sample:
            FirstSteps(self.session, self.views.canvas).begin()

    def _on_frame_entered(self, frame: int) -> None:
        self.playback.pause()
        self.session.go_to(frame)
        self.views.canvas.setFocus()

    def _on_workspace_shown(self, workspace: Workspace) -> None:
        self._tabs[workspace].setChecked(True)
        self._compare_presenter.update_workspace()
        self.frame_presenter.refresh()
        # The canvas changes its shape; scroll the selection back into view once it is laid out.
        QTimer.singleShot(0, self.views.canvas.reveal_selection)

    # Opening and closing

    def open_request(self, request: OpenRequest) -> None:
        """Open the files of the command line."""
        self.files.open_request(request)

    def close(self, geometry: bytes) -> None:
        """Write pending changes; stop all threads and the worker process."""
        self.playback.pause()
        self.settings.window_geometry = geometry
        if self.session.frame_count:
            self.settings.remember_frame(self.session.source.path, self.session.current_frame)
        self.settings.extra[COMPARE_MODE] = self.views.compare_view.mode.value
        self.settings.set_score_defaults(self.session.scores.settings)
        self._save_settings()
        jobs = (self.runs, self.files, self.exports, self.verdicts, self.deferred_scores, self.differences)
        for part in (*jobs, self.controller, self.loader):
            part.close()


def _create_spacer() -> QWidget:
    """A widget that pushes the rest of a toolbar to the right end."""
    spacer = QWidget()
    spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return spacer
