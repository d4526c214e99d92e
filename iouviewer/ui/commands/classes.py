"""The command that opens the manager of classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.ui.dialogs.classes_dialog import ClassesDialog


class ClassCommands:
    """Group ``classes``.

    Args:
        problem_counts: returns the open problems by class id.
        choose_map: opens the map of a variant's classes, by its key.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        problem_counts: Callable[[], Mapping[int, int]],
        choose_map: Callable[[str], None],
    ) -> None:
        self._window, self._session = window, session
        self._problem_counts, self._choose_map = problem_counts, choose_map

    def show(self) -> None:
        """Show all classes: rename, colour, arrange, merge, delete, import names, map the classes of models."""
        dialog = ClassesDialog(self._window, self._session, self._problem_counts, self._choose_map)
        dialog.exec()
        dialog.deleteLater()
