"""The note of the inspected box or track: one line, shared with the tab of notes."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QLineEdit

from iouviewer.app.editing.note_edits import add_note, change_note, delete_note, find_target
from iouviewer.app.editing.session import Session
from iouviewer.document.notes import Note
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.inspector_fields import is_undo
from iouviewer.ui.tokens import SPACE


class NoteField(QLineEdit):
    """Shows the last note on the selection; Enter adds a note, changes it, or deletes it if the text is empty."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("inspector.note")
        self.setAccessibleName(tr("Note"))
        self.setPlaceholderText(tr("Add a note…"))
        self.setProperty("quiet", True)
        self._session = session
        self._note: Note | None = None
        self._key = QLabel(self)
        self._key.setProperty("role", "key")
        self._key.hide()
        self.editingFinished.connect(self._on_editing_finished)
        self.textChanged.connect(self._place_key)
        session.notesChanged.connect(self.refresh)

    def refresh(self) -> None:
        """Show the note on what is selected; a text that is being typed stays."""
        if self.hasFocus() and self.isModified():
            return
        target = find_target(self._session)
        pin = (target.box_id, target.track)
        notes = [note for note in self._session.notes if (note.box_id, note.track) == pin]
        self._note = notes[-1] if notes else None
        self.restore()
        self.setToolTip(tr_n("{count} note, see Notes", "{count:,} notes, see Notes", len(notes)) if notes else "")

    def restore(self) -> None:
        """Forget what was typed."""
        self.setText("" if self._note is None else " ".join(self._note.text.split()))
        self.setCursorPosition(0)
        self.setModified(False)

    def _on_editing_finished(self) -> None:
        if not self.isModified():
            return
        self.setModified(False)
        text, note, session = self.text().strip(), self._note, self._session
        try:
            if note is not None and text:
                change_note(session, note, text)
            elif note is not None:
                delete_note(session, note)
            elif text:
                add_note(session, find_target(session), text)
        except UserError as error:
            session.statusMessage.emit(tr("{message}.", message=error.message))
        self.refresh()

    def event(self, event: QEvent) -> bool:
        # Undo and redo are of the document unless something is being typed.
        if is_undo(event) and not self.isModified():
            event.ignore()
            return False
        return super().event(event)

    def set_key(self, key: str) -> None:
        """Show the key that adds a note in the tab of notes."""
        self._key.setText(key)
        self._place_key()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_key()

    def _place_key(self) -> None:
        size = self._key.sizeHint()
        self._key.setVisible(bool(self._key.text()) and not self.text())
        left, top = self.width() - size.width() - SPACE["xs"], (self.height() - size.height()) // 2
        self._key.setGeometry(left, top, size.width(), size.height())
