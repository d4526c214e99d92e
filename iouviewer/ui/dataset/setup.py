"""Creates the parts of the Dataset workspace and connects them with those of the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from iouviewer.app.datasets.controller import DatasetController
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.dataset import DatasetSource
from iouviewer.ui.action_needs import ActionNeeds
from iouviewer.ui.action_table import DATASET_BUTTONS
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.commands.dataset import DatasetCommands
from iouviewer.ui.commands.files import FileCommands
from iouviewer.ui.commands.palette import PaletteCommands
from iouviewer.ui.commands.problems import ProblemCommands
from iouviewer.ui.commands.view import ViewCommands
from iouviewer.ui.dataset.dataset_view import DatasetView
from iouviewer.ui.dataset.presenter import DatasetPresenter
from iouviewer.ui.first_run import CentralPages
from iouviewer.ui.shell.shell import Shell
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.theme import ThemeManager
from iouviewer.ui.workspaces import Workspace


class DatasetParts(QObject):
    """The dataset of one window.

    Attributes:
        controller: the open dataset. view: the page. presenter: keeps the page current. commands: group ``dataset``.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        projects: ProjectController,
        problems: ProblemsModel,
        settings: Settings,
        themes: ThemeManager,
    ) -> None:
        super().__init__(window)
        self._session = session
        self.controller = DatasetController(session, projects, self)
        self.view = DatasetView(themes.theme)
        self.presenter = DatasetPresenter(session, self.controller, self.view, settings, self)
        themes.changed.connect(self.view.set_theme)
        self.presenter.reported.connect(session.statusMessage)
        self.commands = DatasetCommands(window, session, self.controller, self.presenter, self.view, problems, settings)

    def connect_commands(
        self, actions: ActionSet, files: FileCommands, view: ViewCommands, problems: ProblemCommands
    ) -> None:
        """Connect with the commands that open files, switch workspaces and step through problems."""
        commands = self.commands
        commands.actions = actions
        commands.show_correct, commands.show_compare = view.show_correct, view.show_compare
        files.offer_dataset, files.ask_dataset = commands.offer, commands.ask
        files.is_listed = lambda path: any(one.path == path for one in self.controller.dataset.sources)
        files.opened.connect(lambda _is_sample: commands.on_shown())
        commands.videoRequested.connect(files.open_alone)
        problems.cross_source = commands.cross
        self.view.add_commands({id: actions[id] for id in DATASET_BUTTONS})

    def connect_shell(
        self,
        shell: Shell,
        pages: CentralPages,
        palette: PaletteCommands,
        files: FileCommands,
        needs: ActionNeeds,
        shown_image: Callable[[], QImage],
    ) -> None:
        """Show the page, the switcher and the palette's sources, and tell which commands are available."""
        needs.has_dataset = lambda: self.controller.has_several
        self.controller.changed.connect(needs.update)
        shell.fill_switcher = self.commands.fill_switcher
        shell.workspaces.add_dataset(self.view, self.view.focus_widgets)
        palette.sources = self._palette_sources
        self.commands.openRequested.connect(partial(self._open_source, pages, files, shown_image))
        self.controller.changed.connect(partial(self._show_in_shell, shell))
        self._session.sourceChanged.connect(partial(self._show_in_shell, shell))

    def _open_source(
        self, pages: CentralPages, files: FileCommands, shown_image: Callable[[], QImage], source: DatasetSource
    ) -> None:
        pages.close_source(shown_image())
        files.open_source(source)

    def _show_in_shell(self, shell: Shell) -> None:
        """Show the workspace and the switcher once there is a second source."""
        has_several, dataset = self.controller.has_several, self.controller.dataset
        if not has_several and shell.workspaces.current is Workspace.DATASET:
            self.commands.show_correct()
        shell.show_dataset(has_several, len(dataset), dataset.position(dataset.current) + 1)

    def _palette_sources(self) -> list[tuple[str, str, Callable[[], None]]]:
        """Name, facts and command of each source."""
        names = self.controller.dataset.names()
        return [
            (names[one.id], self.commands.facts_of(one), partial(self.commands.show_source, one.id))
            for one in self.commands.sources()
        ]

    def on_workspace_shown(self, workspace: Workspace) -> None:
        """Compute the numbers while they are looked at."""
        self.presenter.set_shown(workspace is Workspace.DATASET)
