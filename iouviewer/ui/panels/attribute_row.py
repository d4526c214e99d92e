"""The row of the inspector for what some projects have: the truncated mark and free attributes of boxes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.attributes import attributes_of, attributes_text
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.panels.inspector_fields import FlagButton, is_undo
from iouviewer.ui.tokens import SPACE


class _Field(QLineEdit):
    """The attributes as text; undo is of the document unless something is being typed."""

    def event(self, event: QEvent) -> bool:
        if is_undo(event) and not self.isModified():
            event.ignore()
            return False
        return super().event(event)


class AttributeRow(QWidget):
    """Shown where a box of the project has attributes, a selected one is truncated, or the command asked for it."""

    def __init__(self, session: Session, commands: BoxCommands) -> None:
        super().__init__()
        self._session, self._commands = session, commands
        self._is_wanted = False
        self._shown = ""
        self.truncated = FlagButton("inspector.truncated", tr("Truncated"), tr("The picture cuts the object off"))
        self.truncated.clicked.connect(lambda: commands.toggle_flag(BoxFlag.TRUNCATED))
        self.line = _Field()
        self.line.setObjectName("inspector.attributes")
        self.line.setAccessibleName(tr("Attributes"))
        self.line.setPlaceholderText(tr("name = value; …"))
        self.line.setProperty("quiet", True)
        self.line.editingFinished.connect(self._on_editing_finished)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self.truncated, 1)
        layout.addWidget(self.line, 3)
        session.sourceChanged.connect(self._forget)

    def _forget(self) -> None:
        self._is_wanted = False

    def show_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the values of these boxes; a dash where they differ."""
        sets = self._session.document.classes.attribute_sets
        is_truncated = any(box.flags & BoxFlag.TRUNCATED for box in boxes)
        self.setVisible(bool(boxes) and (bool(sets) or is_truncated or self._is_wanted))
        self.truncated.show_state({bool(box.flags & BoxFlag.TRUNCATED) for box in boxes} or {False})
        if self.line.hasFocus() and self.line.isModified():
            return
        found = {attributes_of(box.flags, sets) for box in boxes}
        self._shown = attributes_text(found.pop()) if len(found) == 1 else UNDEFINED if found else ""
        self._restore()

    def _restore(self) -> None:
        self.line.setText(self._shown)
        self.line.setToolTip(self._shown)
        self.line.setCursorPosition(0)
        self.line.setModified(False)

    def edit(self) -> None:
        """Type attributes; the row stays for this project."""
        self._is_wanted = True
        self.setVisible(True)
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.line.selectAll()

    def _on_editing_finished(self) -> None:
        if not self.line.isModified():
            return
        self.line.setModified(False)
        if self._commands.set_attributes(self.line.text()):
            return
        # What was typed stays, so that it can be corrected.
        self.line.setModified(True)
