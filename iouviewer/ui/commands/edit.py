"""Commands on boxes, classes and tracks; the canvas does them, undo and redo are the session's."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import BoxFlag
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.ask_number import AskNumber
from iouviewer.ui.dialogs.finder import Choice, Finder

PROPAGATE = 10
"""Frames that are proposed when boxes are propagated."""


class EditCommands:
    """Group ``edit``."""

    def __init__(self, window: QWidget, session: Session, canvas: CanvasView) -> None:
        self._window, self._session, self._canvas = window, session, canvas
        self._frames = PROPAGATE

    def undo(self) -> None:
        """Take back the last step."""
        self._session.undo()

    def redo(self) -> None:
        """Do the next step again."""
        self._session.redo()

    def cancel(self) -> None:
        """End a gesture, else let the selection go."""
        self._canvas.cancel()
        self._canvas.setFocus()

    def copy(self) -> None:
        self._canvas.copy()

    def paste(self) -> None:
        self._canvas.paste()

    def duplicate(self) -> None:
        self._canvas.duplicate()

    def select_all(self) -> None:
        self._canvas.select_all()

    def delete(self) -> None:
        self._canvas.delete_selected()

    def draw(self) -> None:
        self._canvas.start_drawing()

    def accept(self) -> None:
        self._canvas.accept_prediction()

    def accept_all(self) -> None:
        self._canvas.accept_all_predictions()

    def snap_edge(self) -> None:
        self._canvas.snap_edge()

    def take_previous(self) -> None:
        self._canvas.paste_previous_frame()

    def next_box(self) -> None:
        self._canvas.next_box()

    def previous_box(self) -> None:
        self._canvas.previous_box()

    def toggle_outside(self) -> None:
        self._canvas.toggle_flag(BoxFlag.OUTSIDE)

    def toggle_occluded(self) -> None:
        self._canvas.toggle_flag(BoxFlag.OCCLUDED)

    def toggle_ignored(self) -> None:
        self._canvas.toggle_flag(BoxFlag.IGNORED)

    def toggle_key_frame(self) -> None:
        self._canvas.toggle_flag(BoxFlag.KEY_FRAME)

    def previous_key_frame(self) -> None:
        self._canvas.previous_key_frame()

    def next_key_frame(self) -> None:
        self._canvas.next_key_frame()

    def merge_tracks(self) -> None:
        self._canvas.merge_tracks()

    def split_track(self) -> None:
        self._canvas.split_track()

    def swap_tracks(self) -> None:
        self._canvas.swap_tracks()

    def set_class_by_digit(self, digit: int) -> None:
        self._canvas.set_class_by_digit(digit)

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes, or the cross while drawing, by pixels."""
        self._canvas.nudge(dx, dy)

    def resize_edge(self, dx: float, dy: float) -> None:
        """Move the nearest edge of the selected box by pixels."""
        self._canvas.resize_nearest_edge(dx, dy)

    def propagate(self) -> None:
        """Ask for a number of frames and copy the selected boxes there."""
        left = self._session.frame_count - 1 - self._session.current_frame
        if not self._session.selection.boxes or left < 1:
            self._canvas.propagate(1)
            return
        dialog = AskNumber(
            self._window,
            title="Propagate",
            label=f"Frames (1 to {left})",
            value=min(self._frames, left),
            low=1,
            high=left,
            verb="Propagate",
        )
        if dialog.exec():
            self._frames = dialog.value()
            self._canvas.propagate(self._frames)

    def pick_class(self) -> None:
        """Type to find a class, or to make a new one."""
        names = self._session.document.class_names
        choices = [Choice(str(i), name, str(i + 1) if i < 9 else "") for i, name in enumerate(names)]
        dialog = Finder(
            self._window,
            title="Class",
            hint="Type to find a class, or a new name",
            choices=choices,
            new="New class “{}”",
        )
        if not dialog.exec() or dialog.chosen is None:
            return
        if dialog.is_new:
            self._canvas.add_class(dialog.chosen.text)
        else:
            self._canvas.set_class(int(dialog.chosen.key))
