"""The state of safety of the open project: whether it is written, what must be said about it, and its other files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.projects import safety_notices
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.known_projects import KnownKind, KnownProjects
from iouviewer.app.projects.locations import ProjectRegistry
from iouviewer.app.projects.recovery import COPY, CopyState, OpenedProject, set_copy_state
from iouviewer.app.projects.safety import Notices
from iouviewer.app.projects.source_binding import SourceBinding
from iouviewer.document.commands import scale_all
from iouviewer.errors import UserError
from iouviewer.i18n import tr


class ProjectSafety(QObject):
    """Belongs to a ``ProjectController``, which opens and saves.

    Signals:
        warningPosted(str): one sentence that stays visible until the user has read it.

    Attributes:
        registry: where projects are that do not lie beside their video.
        notices: what the user must know or decide.
        known: all project files known for the video.
        unreadable: the project of the video that could not be read, None if there is none.
    """

    warningPosted = Signal(str)

    def __init__(self, session: Session, autosave: Autosave, binding: SourceBinding, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._autosave, self._binding = session, autosave, binding
        self.registry = ProjectRegistry()
        self.notices = Notices(self)
        self.known = KnownProjects(self)
        self.known.changed.connect(self._offer_copies)
        self.unreadable: Path | None = None
        self._view_of: Path | None = None
        replaced = folders.replaced()
        if "data" in replaced or "config" in replaced:
            self.notices.post(safety_notices.folders_notice(replaced, folders.data_folder().parent))

    @property
    def is_view(self) -> bool:
        """Whether the open file is a private copy of a project that is shown and not written."""
        return self._view_of is not None

    @property
    def original(self) -> Path | None:
        """The project of which the open file is a working copy, None if it is a project itself or only a view."""
        value = self._autosave.values.get(COPY)
        if self.is_view or not isinstance(value, dict) or not value.get("of"):
            return None
        return Path(str(value["of"]))

    @property
    def shown_path(self) -> Path | None:
        """The project that the user sees: the file behind a view, or the open one, or the one that cannot be read."""
        project = self._autosave.project
        return self._view_of or self.unreadable or (project.path if project is not None else None)

    # States

    def show_opened(self, opened: OpenedProject) -> None:
        """Post the notices of a project that was opened, and make a view read-only."""
        path = opened.view_of
        if path is not None and opened.hindrance is not None:
            self._view_of = path
            self._session.read_only = safety_notices.read_only_reason(path, opened.reason)
            self.notices.post(safety_notices.view_notice(path, opened.hindrance, opened.reason))
        for message in opened.messages:
            self.notices.post(safety_notices.confirmation(f"{safety_notices.SALVAGED}:{message}", message))
        original = self.original
        if original is not None:
            self.notices.post(safety_notices.working_copy_notice(opened.project.path, original))

    def show_unreadable(self, path: Path, error: UserError) -> None:
        """The project of the video cannot be read: nothing is edited until the user decides."""
        self.unreadable = path
        self._session.read_only = safety_notices.read_only_reason(path, error.message)
        self.notices.post(safety_notices.unreadable_notice(path, error))

    def show_change(self) -> None:
        """Show how the open video differs from the labelled one, until somebody decides."""
        change = self._binding.change
        if change is None:
            self.notices.withdraw(safety_notices.VIDEO)
            return
        is_read_only = bool(self._session.read_only)
        count = len(self._session.variants)
        self.notices.post(safety_notices.change_notice(change, prediction_count=count, is_read_only=is_read_only))

    def make_writable(self) -> None:
        """Edits are saved from now on."""
        self._view_of = self.unreadable = None
        self._session.read_only = ""
        self.notices.withdraw(safety_notices.OPENING)
        self.show_change()

    def clear(self) -> None:
        """The project is closed."""
        self._view_of = self.unreadable = None
        self._session.read_only = ""
        self._binding.change = None
        self.notices.clear()

    def register(self, path: Path, *, chosen: bool = False) -> None:
        """Store where the project of the video is; with ``chosen``, prefer it to one beside the video."""
        source = self._session.source
        try:
            self.registry.remember(source.path, source.fingerprint, path, chosen=chosen)
        except UserError as error:
            self.warningPosted.emit(str(error))

    # Copies and other files

    def use_view_as_copy(self) -> bool:
        """Make a view a working copy, which is offered until it is merged or dismissed; False if there is none."""
        original, project = self._view_of, self._autosave.project
        if original is None or project is None:
            return False
        self.make_writable()
        self._autosave.save_values({COPY: {"of": str(original.absolute()), "state": CopyState.OPEN.value}})
        self.notices.post(safety_notices.working_copy_notice(project.path, original))
        return True

    def look_for_files(self) -> None:
        """List the files known for the video again."""
        source = self._session.source
        if source.path:
            self.known.look(Path(source.path), source.fingerprint, self.original or self.shown_path)

    def _offer_copies(self) -> None:
        project = self._autosave.project
        for file in self.known.files:
            is_offered = file.kind is KnownKind.COPY and file.state is CopyState.OPEN
            if is_offered and file.original == self.shown_path and (project is None or file.path != project.path):
                can_merge = not self._session.read_only
                self.notices.post(safety_notices.copy_offer(file.path, file.when, can_merge=can_merge))

    def end_copy(self, copy: Path, state: CopyState) -> None:
        """Offer a copy no longer, because it was merged or dismissed; the file stays.

        Raises:
            UserError: the copy cannot be written.
        """
        set_copy_state(copy, state)
        self.notices.withdraw(safety_notices.copy_key(copy))
        self.look_for_files()

    # A video that changed

    def keep_boxes(self) -> None:
        """The boxes fit the video as it is now."""
        self._binding.decide()
        self.show_change()

    def scale_boxes(self) -> None:
        """Scale all boxes to the size of the video as it is now, as one step."""
        change = self._binding.change
        if change is not None and change.scale is not None:
            edit = scale_all(self._session.ground_truth, *change.scale, self._session.source.id)
            self._session.execute(edit, tr("Scale boxes to {name}", name=change.opened.name), origin="scale")
            self.keep_boxes()
