"""Asks under which name a person works: once, where the name is first kept for others to read, and in packages."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.safety import Notice
from iouviewer.app.projects.safety_notices import AUTHOR, PACKAGE, author_notice, package_notice
from iouviewer.app.settings import Settings
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.jobs.work_packages import PACKAGE as PACKAGE_FACTS
from iouviewer.ui.dialogs.input_dialogs import ask_name

_SIGNED = "package_signed"


class Signature(QObject):
    """Posts the notices about the name, and takes their answers; a name in the settings ends the question.

    The first verified frame, note or decision asks: from then on the window, exports and packages say who it was.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        controller: ProjectController,
        settings: Settings,
        save_settings: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._controller = window, session, controller
        self._settings, self._save_settings = settings, save_settings
        session.changed.connect(self._on_session_changed)

    @property
    def _is_chosen(self) -> bool:
        return bool(self._settings.author.strip())

    def _on_session_changed(self, change: Change) -> None:
        if self._is_chosen or change.phase is not Phase.COMMITTED or change.origin in ("history", "import"):
            return
        truth = self._session.ground_truth
        is_verified = bool(change.aspects & Aspect.FRAME_STATE) and any(map(truth.is_verified, change.frames))
        if is_verified or change.aspects & (Aspect.NOTES | Aspect.DECISIONS):
            notices = self._controller.safety.notices
            if notices.find(PACKAGE) is None:
                notices.post(author_notice(self._settings.author_name))

    def show_package(self) -> None:
        """In a package, say whose it is and how its edits are signed; once."""
        values = self._controller.autosave.values
        facts = values.get(PACKAGE_FACTS)
        if isinstance(facts, dict) and not values.get(_SIGNED) and not self._session.read_only:
            notice = package_notice(str(facts.get("name", "")), self._settings.author_name)
            self._controller.safety.notices.post(notice)

    def change_name(self) -> None:
        """Ask for the name."""
        name = ask_name(self._window, self._settings.author_name)
        if name:
            self._keep(name)
            self._controller.safety.notices.withdraw(AUTHOR)
            self.show_package()

    def confirm(self, notice: Notice) -> bool:
        """Take the name as it is; False for a notice about something else."""
        if notice.key not in (AUTHOR, PACKAGE):
            return False
        if notice.key == PACKAGE:
            self._controller.autosave.save_values({_SIGNED: True})
        self._keep(self._settings.author_name)
        self._controller.safety.notices.withdraw(notice.key)
        return True

    def _keep(self, name: str) -> None:
        self._settings.author = name
        self._session.author = self._settings.author_name
        self._save_settings()
