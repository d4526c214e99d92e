"""Undo, redo, and commands on boxes that need a dialog or the canvas. ``canvas.box_commands`` has the others."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.input_dialogs import NumberDialog
from iouviewer.ui.dialogs.search_dialog import Choice, SearchDialog

DEFAULT_PROPAGATION = 10
"""Default number of frames to which boxes are propagated."""


class EditCommands:
    """Group ``edit``."""

    def __init__(self, window: QWidget, session: Session, canvas: CanvasView) -> None:
        self._window, self._session, self._canvas = window, session, canvas
        self._propagation = DEFAULT_PROPAGATION

    def undo(self) -> None:
        """Undo the last step."""
        self._session.undo()

    def redo(self) -> None:
        """Redo the next step."""
        self._session.redo()

    def cancel(self) -> None:
        """Cancel a gesture; without one, clear the selection."""
        self._canvas.cancel()
        self._canvas.setFocus()

    def use_select_tool(self) -> None:
        """Leave the draw tool; the selection stays."""
        if self._canvas.tools.is_drawing:
            self._canvas.cancel()
        self._canvas.setFocus()

    def draw(self) -> None:
        """Start to draw a box."""
        self._canvas.start_drawing()

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes, or the crosshair while drawing, by pixels."""
        self._canvas.nudge(dx, dy)

    def propagate(self) -> None:
        """Ask for a number of frames and copy the selected boxes to the next frames."""
        remaining = self._session.frame_count - 1 - self._session.current_frame
        if not self._session.selection.boxes or remaining < 1:
            self._canvas.commands.propagate(1)
            return
        dialog = NumberDialog(
            self._window,
            title=tr("Propagate boxes"),
            label=tr("Frames (1–{count:,})", count=remaining),
            value=min(self._propagation, remaining),
            low=1,
            high=remaining,
            button=tr("Propagate"),
        )
        if dialog.exec():
            self._propagation = dialog.value()
            self._canvas.commands.propagate(self._propagation)

    def pick_class(self) -> None:
        """Ask for a class, which may be new, for the selected boxes."""
        names = self._session.document.class_names
        choices = [Choice(str(i), name, str(i + 1) if i < 9 else "") for i, name in enumerate(names)]
        dialog = SearchDialog(
            self._window,
            title=tr("Change class"),
            hint=tr("Type a class or a new name"),
            choices=choices,
            create_text=lambda name: tr("Create “{name}”", name=name),
        )
        if not dialog.exec() or dialog.chosen is None:
            return
        if dialog.is_new:
            self._canvas.commands.add_class(dialog.chosen.text)
        else:
            self._canvas.commands.set_class(int(dialog.chosen.key))
