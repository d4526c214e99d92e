"""The command that opens the manager of classes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.ui.dialogs.classes_dialog import ClassesDialog
from iouviewer.ui.tables.problems_model import ProblemsModel


class ClassCommands:
    """Group ``classes``.

    Args:
        problems: knows the open problems of each class.
        choose_map: opens the map of a variant's classes, by its key.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        problems: ProblemsModel,
        choose_map: Callable[[str], None],
    ) -> None:
        self._window, self._session = window, session
        self._problems, self._choose_map = problems, choose_map

    def show(self) -> None:
        """Show all classes: rename, colour, arrange, merge, delete, import names, map the classes of models."""
        dialog = ClassesDialog(self._window, self._session, self._problems.class_counts, self._choose_map)
        dialog.exec()
        dialog.deleteLater()
