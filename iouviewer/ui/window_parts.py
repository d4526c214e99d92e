"""Creates and connects the content of the window. Imported after the first paint, with all heavy modules."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMainWindow, QMenuBar, QStatusBar, QTableView, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.deferred_scores import DeferredScores
from iouviewer.app.jobs.inference_job import InferenceQueue
from iouviewer.app.jobs.verdict_job import VerdictJob
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.run_record import RunRecord
from iouviewer.app.settings import Settings, SettingsStore
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import Playback
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import APP_NAME
from iouviewer.ui.action_needs import ActionNeeds
from iouviewer.ui.action_texts import ActionTexts
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.agreement import AgreementCommands
from iouviewer.ui.commands.classes import ClassCommands
from iouviewer.ui.commands.edit import EditCommands
from iouviewer.ui.commands.exports import ExportCommands
from iouviewer.ui.commands.files import FileCommands, RecentFilesMenu
from iouviewer.ui.commands.filtering import FilterCommands
from iouviewer.ui.commands.frames import FrameCommands
from iouviewer.ui.commands.gallery import GalleryCommands
from iouviewer.ui.commands.go_to import GoToCommands
from iouviewer.ui.commands.help import HelpCommands
from iouviewer.ui.commands.keys import KeyCommands, keys_of_settings, remember_letters, remembered_letters
from iouviewer.ui.commands.linking import LinkCommands
from iouviewer.ui.commands.notes import NoteCommands
from iouviewer.ui.commands.palette import PaletteCommands
from iouviewer.ui.commands.problems import ProblemCommands
from iouviewer.ui.commands.project import ProjectCommands, ProjectMenu
from iouviewer.ui.commands.propagation import PropagationCommands
from iouviewer.ui.commands.runs import RunCommands
from iouviewer.ui.commands.side import SideCommands
from iouviewer.ui.commands.speed import SpeedCommands
from iouviewer.ui.commands.tracks import TrackCommands
from iouviewer.ui.commands.variants import VariantCommands
from iouviewer.ui.commands.view import ViewCommands
from iouviewer.ui.compare.compare_view import CompareMode, CompareView
from iouviewer.ui.compare.differences import DifferencesJob
from iouviewer.ui.compare.side_panel import SidePanel
from iouviewer.ui.compare.variants_table import VariantsPanel
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.compare_presenter import ComparePresenter
from iouviewer.ui.context_menus import ContextMenus
from iouviewer.ui.dataset.setup import DatasetParts
from iouviewer.ui.exports import EXPORTS
from iouviewer.ui.first_run import CentralPages, create_page
from iouviewer.ui.first_steps import FirstSteps, TourTargets
from iouviewer.ui.frame_presenter import FramePresenter
from iouviewer.ui.help.recovery_notice import RecoveryNotice
from iouviewer.ui.keyboard.key_filter import KeyFilter
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.loading_presenter import LoadingPresenter
from iouviewer.ui.notifications import Notifications
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.panels.class_prompt import ClassPrompt
from iouviewer.ui.panels.history import HistoryPanel
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.notes import NotesPanel
from iouviewer.ui.panels.notice_bar import stacked
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.panels.status_bar import StatusBar
from iouviewer.ui.panels.tracks import TracksPanel
from iouviewer.ui.review_presenter import ReviewPresenter
from iouviewer.ui.settings_presenter import SettingsPresenter
from iouviewer.ui.shell.shell import Shell, create_side_tabs
from iouviewer.ui.shell.top_bar import TopBar
from iouviewer.ui.status_messages import StatusMessages
from iouviewer.ui.theme import Theme, ThemeManager
from iouviewer.ui.timeline.view import TimelineView
from iouviewer.ui.video_presenter import VideoPresenter
from iouviewer.ui.workspaces import Workspace, WorkspaceViews

COMPARE_MODE = "compareMode"
"""Key of the setting for the comparison layout."""
LAYOUT = "layout"
"""Key of the setting for panel sizes and folded panels."""


def _lower_canvas(session: Session, number: int) -> CanvasView:
    """The third or the fourth canvas of Compare."""
    canvas = CanvasView(session)
    canvas.setObjectName(f"canvas{number}")
    canvas.setAccessibleName(tr("Canvas {number}, follows the first one", number=number))
    return canvas


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
        pg.setConfigOptions(antialias=False, mouseRateLimit=-1)  # a limit would drop the last move of a drag
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
        lower = _lower_canvas(session, 3), _lower_canvas(session, 4)
        canvases = canvas, other, *lower
        for each in canvases:
            each.follow(*(one for one in canvases if one is not each))
        problems, boxes = ProblemsPanel(session), BoxesPanel(session)
        tracks = TracksPanel(session, problems.model)
        notes, history = NotesPanel(session), HistoryPanel(session)
        history.thumbnails.source = lambda: (canvas.shown_frame, canvas.shown_image())
        self.controller.snapshotsListed.connect(history.model.set_snapshots)
        self.controls = ScoreControls(session)
        self.views = WorkspaceViews(
            canvas,
            other,
            TimelineView(session, theme),
            PlaybackBar(session),
            problems,
            boxes,
            tracks,
            notes,
            history,
            VariantsPanel(session),
            Inspector(session, canvas.commands),
            VerdictPanel(session, theme),
            SidePanel(session, theme),
            CompareView(canvas, other, lower),
            self.controls,
            create_side_tabs(boxes, tracks, problems, notes, history),
        )
        self.status = StatusBar(session)
        mode = self.settings.extra.get(COMPARE_MODE, "")
        if mode in set(CompareMode):
            self.views.compare_view.set_mode(CompareMode(mode))
        self.shell = Shell(session, self.views, self.status, theme)
        self.workspaces = self.shell.workspaces
        self.workspaces.restore_layout(self.settings.extra.get(LAYOUT, ""))
        self.compare = ComparePresenter(session, self.workspaces, self.verdicts, self.differences, self._store.settings)
        self.compare.settingsChanged.connect(self._save_settings)
        self.frame_presenter = FramePresenter(session, self.loader, self.playback, canvases)
        self.video_presenter = VideoPresenter(
            session, self.loader, self.playback, self.frame_presenter, self._store.settings, self.notifier
        )
        self.video_presenter.attach(self.status, self.views.playback_bar, self.views.timeline.marks)
        args = (self._window, session, self.controller, problems.model, self.settings)
        self.dataset = DatasetParts(*args, self._theme_manager)

    def _create_commands(self) -> None:
        window, session, settings = self._window, self.session, self._store.settings
        canvas = self.views.canvas
        self.runs = RunCommands(window, session, self.queue, settings, self.status)
        self.files = FileCommands(window, session, self.loader, self.controller, settings, self.runs)
        self.project = ProjectCommands(window, session, self.controller, self.loader, settings, self._save_settings)
        self.exports = ExportCommands(window, session, settings, canvas, self.controller)
        self.view = ViewCommands(
            window,
            session,
            self.workspaces,
            self.controls,
            on_workspace_shown=self._on_workspace_shown,
            areas=self.shell.areas,
        )
        canvases = self.views.compare_view.canvases
        self.video = self.video_presenter.create_commands(window, canvases)
        self.propagation = PropagationCommands(window, session, canvas, lambda: self.loader.info)
        problems = ProblemCommands(session, self.views.problems, canvas)
        variants = VariantCommands(window, session, self.views.variants, self.runs, self.exports)
        tracks = TrackCommands(window, session, self.views, lambda: self.playback.loop)
        self.side = SideCommands(session, self.workspaces, tracks)
        groups = {
            "files": self.files,
            "project": self.project,
            "runs": self.runs,
            "exports": self.exports,
            "view": self.view,
            "boxes": canvas.commands,
            "edit": EditCommands(window, session, canvas, (tracks.cancel, self.propagation.stop)),
            "propagation": self.propagation,
            "frames": FrameCommands(window, session, self.playback, self.views.problems.model, tracks.selected_frames),
            "problems": problems,
            "video": self.video,
            "variants": variants,
            "tracks": tracks,
            "side": self.side,
            "notes": NoteCommands(self.views.notes, self.views.side_tabs, self.side),
            **self._create_dialog_groups(),
        }
        self.actions = ActionSet(window, groups, KeyLetters(remembered_letters(settings)))
        self.palette.actions = self.key_commands.actions = self.actions
        self.palette.change_key = self.key_commands.edit
        self._connect_commands(problems, variants)
        self._settings_presenter = SettingsPresenter(
            window,
            session,
            self.loader,
            settings,
            self._theme_manager,
            self.shell.captions,
            canvases,
            apply=self._apply_settings,
            save=self._save_settings,
            show_key_sheet=self.key_commands.show_sheet,
            letters=lambda: self.actions.letters,
        )
        self.view.edit_settings = self._settings_presenter.show
        page = create_page(settings, self.files, self.key_commands, self.actions.key_of)
        self.pages = CentralPages(session, self.views.problems.model, self.workspaces, page)

    def _create_dialog_groups(self) -> dict[str, object]:
        """Groups of commands that open dialogs of their own, lead to other commands, or to places."""
        window, session, settings = self._window, self.session, self._store.settings
        self.go_to = GoToCommands(
            window,
            session,
            self.loader,
            self.playback,
            seek_time=self.frame_presenter.seek_time,
            report_out_of_range=self.frame_presenter.report_out_of_range,
            report=self.frame_presenter.outOfRange.emit,
        )
        self.key_commands = KeyCommands(window, settings, apply=self._on_keys_chosen)
        self.palette = PaletteCommands(
            window, session, self.loader, settings, self.controls, self.go_to, self.views.canvas.commands
        )
        help_commands = HelpCommands(
            window, session, open_sample=self._replay_tour, show_keys=self.key_commands.show_sheet
        )
        self.recovery = RecoveryNotice(
            window,
            session,
            self.controller,
            self.loader,
            open_paths=self.files.open_paths,
            report=help_commands.report_problem,
        )
        self.run_record = RunRecord(session, self)
        groups: dict[str, object] = {"goTo": self.go_to, "palette": self.palette, "help": help_commands}
        groups["classes"] = ClassCommands(window, session, self.views.problems.model, self.runs.choose_classes)
        groups["dataset"] = self.dataset.commands
        groups["agreement"] = AgreementCommands(window, session, self.controller)
        groups["filter"] = self.filter = FilterCommands(window, session, self.controller)
        groups["speed"] = self.speed = SpeedCommands(window, session, self.queue, self.status, self.view, self.loader)
        groups["gallery"] = self.gallery = GalleryCommands(window, session, self.views, self.loader.crops)
        groups["linking"] = LinkCommands(window, session, lambda: self.loader.info, self.exports)
        return groups

    def _connect_commands(self, problems: ProblemCommands, variants: VariantCommands) -> None:
        """Give the actions to the parts that show or run them."""
        canvas = self.views.canvas
        for view in self.views.compare_view.canvases:
            self.actions.add_to_canvas(view)
            view.commands.class_key = partial(self.actions.key_of, "classPicker")
        problems.next_key = partial(self.actions.key_of, "nextProblem")
        self.review = ReviewPresenter(self.session, self.workspaces, self.controller, self.settings, self.actions)
        self.review.connect_commands(problems, self.loader.crops)
        for chip in (self.shell.layer_bar.filter_chip, self.views.verdicts.question.filter_chip):
            chip.pressed.connect(self.actions["filter"].trigger)
            chip.removed.connect(self.actions["removeFilter"].trigger)
        self.view.add_compare_modes(self.actions)
        self.view.add_colours(self.actions)
        self.compare.set_actions(self.actions, variants)
        problems.step_elsewhere = self.compare.step
        self.dataset.connect_commands(self.actions, self.files, self.view, problems)
        self.view.actions = self.actions
        self.key_filter = KeyFilter(self._window, self.actions, canvas)
        self.key_filter.watch(*self.views.lists(), self.dataset.view.sources)
        before = [self.actions[id] for id in ("firstFrame", "back10", "previousFrame")]
        after = [self.actions[id] for id in ("nextFrame", "forward10", "lastFrame")]
        self.views.playback_bar.add_step_actions(before, self.actions["playPause"], after, self.actions["trackLanes"])
        self.video_presenter.set_actions(self.actions)
        self.shell.fill(self.actions)
        self.side.connect_views(self.actions)

    def _connect(self) -> None:
        views, session = self.views, self.session
        views.timeline.seekRequested.connect(self.frame_presenter.seek)
        for canvas in views.compare_view.canvases:
            canvas.gestureChanged.connect(views.timeline.hold)
        problems = views.problems.model
        problems.countsChanged.connect(lambda: views.timeline.set_problems(*problems.problems.open_columns()))
        views.playback_bar.frameEntered.connect(self._on_frame_entered)
        views.playback_bar.frameOutOfRange.connect(self.frame_presenter.report_out_of_range)
        views.playback_bar.editCancelled.connect(views.canvas.setFocus)
        for canvas in views.compare_view.canvases:
            canvas.pointerMoved.connect(self.status.show_mouse_position)
            canvas.playRequested.connect(self.playback.toggle)
            canvas.boxActivated.connect(lambda _box: self.actions["classPicker"].trigger())  # as its menu's first entry
        session.sourceChanged.connect(self._on_source_changed)
        self.loader.opened.connect(self._on_loader_opened)
        self.queue.busyChanged.connect(self.loader.pause_decode_check)
        self._loading = LoadingPresenter(session, self.controller, self.settings, self.frame_presenter, self.pages)
        self._class_prompt = ClassPrompt(session, self.controller, views.boxes)
        self.files.opened.connect(self._on_files_opened)
        self.files.failed.connect(self.pages.show_start)
        self.key_filter.held.connect(self.actions.run)
        self.key_filter.released.connect(self.actions.run)
        self.files.take_speeds = self.speed.take
        groups = (self.files, self.dataset.commands, self.project, self.runs, self.speed, self.exports, self.actions)
        for group in groups:
            group.failed.connect(self.notifier.show)
        self._status_messages = StatusMessages(session, self.controller, self.notifier, self.status)
        self._action_texts = ActionTexts(session, self.playback, self.actions)
        self.menus = ContextMenus(self._window, session, self.actions, views.history.go_to)
        self.menus.connect_views(views, self.shell.layer_bar)
        self.menus.add_gallery(views.side_panel.findChildren(QTableView))
        self.differences.ready.connect(self.gallery.refresh)
        self.differences.breakdownReady.connect(self.gallery.refresh)
        views.problems.model.countsChanged.connect(self.gallery.refresh)
        self.gallery.key_of, self.gallery.run = self.actions.key_of, lambda id: self.actions[id].trigger()
        self._action_needs = ActionNeeds(session, self.actions, views.canvas.commands)
        shown = views.canvas.shown_image
        self.dataset.connect_shell(self.shell, self.pages, self.palette, self.files, self._action_needs, shown)
        self.key_filter.unavailable.connect(self._action_needs.report)
        self.actions.textsChanged.connect(self.shell.update_keys)
        self.notifications = Notifications(self._window, self.notifier, self.status)
        self._theme_manager.changed.connect(self._apply_theme)

    # WindowContent

    @property
    def central_widget(self) -> QWidget:
        """The workspaces, or the first-run page."""
        return self.pages

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
        """Give the keyboard focus to the canvas; the window is complete now."""
        self.shell.update_tab_order()
        self.views.canvas.setFocus()

    def open_paths(self, paths: list[Path]) -> None:
        """Open dropped files and folders."""
        self.files.open_paths(paths)

    def create_top_bar(self, menus: QMenuBar) -> QWidget:
        """Create the row of menus, source, workspaces, undo, export and find."""
        created = self.actions.fill_menus(menus)
        self._recent_menu = RecentFilesMenu(created["file"], self.settings, self.files)
        self._project_menu = ProjectMenu(created["file/project"], self.controller, self.project)
        exports = [self.actions[export.id] for export in EXPORTS if export.in_menu]
        bar = TopBar(menus, self.actions, exports)
        self.shell.add_top_bar(bar)
        targets = TourTargets(self.workspaces, bar.export, bar.tabs["compare"], self.actions.key_of)
        self.first_steps = FirstSteps(self._window, self.session, targets, self.settings)
        self.exports.written.connect(self.first_steps.on_exported)
        return stacked(bar, self.project.bar)

    def _replay_tour(self) -> None:
        """Open the sample with all hints, also those of a tour that was closed."""
        self.first_steps.reopen()
        self.files.open_sample()

    # Settings

    def _apply_settings(self) -> None:
        settings = self.settings
        self.actions.set_keys(keys_of_settings(settings))
        self.shell.update_keys()
        self.side.update_keys(self.actions)
        self.session.scopes.restore(settings.extra)
        self.session.author = settings.author_name
        self.video_presenter.apply_settings()
        self.compare.apply_settings()
        self._settings_presenter.apply_to_canvases()

    def _on_keys_chosen(self) -> None:
        self.actions.set_keys(keys_of_settings(self.settings))
        self._save_settings()

    def _save_settings(self) -> None:
        try:
            self._store.save()
        except UserError as error:
            self.notifier.show(error, Level.WARNING)

    def _apply_theme(self, theme: Theme) -> None:
        views = self.views
        parts = (self.video_presenter, views.timeline, views.side_panel, views.variants, views.verdicts)
        for part in (self.actions, self.shell, *parts):
            part.set_theme(theme)

    # Signals

    def _on_source_changed(self) -> None:
        name = self.session.source.name
        self._window.setWindowTitle(tr("{name} – iouviewer", name=name) if name else APP_NAME)

    def _on_loader_opened(self) -> None:
        self._on_source_changed()
        self.frame_presenter.request()
        self.views.canvas.setFocus()

    def _on_files_opened(self, is_sample: bool) -> None:
        if is_sample:
            self.first_steps.begin()
        else:
            self._loading.continue_where_left()

    def _on_frame_entered(self, frame: int) -> None:
        self.playback.pause()
        self.session.go_to(frame)
        self.views.canvas.setFocus()

    def _on_workspace_shown(self, workspace: Workspace) -> None:
        if workspace is not Workspace.CORRECT:
            self.review.leave()
        self.shell.show_workspace()
        self.compare.update_workspace()
        self.dataset.on_workspace_shown(workspace)
        self.frame_presenter.refresh()
        # The canvas changes its shape; scroll the selection back into view once it is laid out.
        QTimer.singleShot(0, self.views.canvas.reveal_selection)

    # Opening and closing

    def open_request(self, request: OpenRequest) -> None:
        """Open the files of the command line; then say what was found again if the last window crashed."""
        opens = request.demo or any(one is not None for one in (request.video, request.project, request.dataset))
        if not opens:
            self.pages.show_start()
        self.recovery.show(waits_for_video=opens)
        self.files.open_request(request)

    def close(self, geometry: bytes) -> None:
        """Write pending changes; stop all threads and the worker process."""
        self.playback.pause()
        self.settings.window_geometry = geometry
        if self.session.frame_count:
            self.settings.remember_frame(self.session.source.path, self.session.current_frame)
        self.pages.close_source(self.views.canvas.shown_image())
        remember_letters(self.settings, self.actions.letters.letters)
        self.settings.extra[LAYOUT] = self.workspaces.layout_text()
        self.settings.extra |= self.session.scopes.to_settings()
        self.settings.extra[COMPARE_MODE] = self.views.compare_view.mode.value
        self.settings.set_score_defaults(self.session.scores.settings)
        self._save_settings()
        commands = (self.propagation, self.runs, self.speed, self.files, self.dataset.commands, self.exports)
        jobs = (self.verdicts, self.deferred_scores, self.differences, self.gallery)
        for part in (*commands, *jobs, self.controller, self.loader, self.run_record):
            part.close()
