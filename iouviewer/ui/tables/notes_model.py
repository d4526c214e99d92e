"""Model of the list of notes: newest first, filtered by text and by whether they are done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from PySide6.QtCore import QAbstractListModel, Qt

from iouviewer.app.editing.note_edits import frame_of, object_of
from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.notes import Note, NotePin
from iouviewer.i18n import tr
from iouviewer.ui.tables.common import ROOT, Index

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The ``NoteRow`` of a row."""


class Shown(StrEnum):
    """Which notes the list shows."""

    ALL = "all"
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What a row shows of a note.

    Attributes:
        object: what the note is on.
        place: where that is, empty if the object says it.
        byline: who wrote it, and when.
    """

    note: Note
    object: str
    place: str
    byline: str


def day_text(when: float) -> str:
    """``today``, ``yesterday``, ``2 Nov`` or ``2 Nov 2024``, in local time; empty for an unknown time."""
    if not when:
        return ""
    day, today = datetime.fromtimestamp(when).astimezone().date(), date.today()
    if day == today:
        return tr("today")
    if (today - day).days == 1:
        return tr("yesterday")
    text = tr("{day} {month}", day=day.day, month=f"{day:%b}")
    return text if day.year == today.year else tr("{day} {year}", day=text, year=day.year)


def byline(author: str, when: float) -> str:
    """``mb, today``; either may be unknown."""
    day = day_text(when)
    return tr("{author}, {day}", author=author, day=day) if author and day else author or day


class NotesModel(QAbstractListModel):
    """The notes of the current source that pass the filter, the newest first."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._rows: list[NoteRow] = []
        self._text = ""
        self._shown = Shown.ALL
        session.notesChanged.connect(self.reload)
        session.changed.connect(self._on_session_changed)
        self.reload()

    def _on_session_changed(self, change: Change) -> None:
        # The names of classes and tracks stand in the rows.
        named = Aspect.CLASS | Aspect.CLASS_NAMES | Aspect.TRACK | Aspect.EXISTENCE
        if self._session.notes and change.phase is Phase.COMMITTED and change.aspects & named:
            self.reload()

    def set_filter(self, text: str, shown: Shown) -> None:
        """Show the notes that contain all words of the text, and are open or done."""
        if (text, shown) != (self._text, self._shown):
            self._text, self._shown = text, shown
            self.reload()

    def reload(self) -> None:
        """List the notes of the session."""
        rows = [self._row(note) for note in reversed(self._session.notes)]
        rows = [row for row in rows if self._passes(row)]
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def _row(self, note: Note) -> NoteRow:
        place, author = frame_of(note), byline(note.author, note.when)
        if note.pin is NotePin.FRAME:
            return NoteRow(note, place, "", author)
        return NoteRow(note, object_of(self._session.document, note, self._session.source.id), place, author)

    def _passes(self, row: NoteRow) -> bool:
        if self._shown is not Shown.ALL and row.note.done is not (self._shown is Shown.DONE):
            return False
        content = " ".join((row.object, row.place, row.byline, row.note.text)).casefold()
        return all(word in content for word in self._text.casefold().split())

    @property
    def is_filtered(self) -> bool:
        """Whether a filter may hide notes."""
        return bool(self._text.strip()) or self._shown is not Shown.ALL

    def row_at(self, row: int) -> NoteRow:
        """What a row shows."""
        return self._rows[row]

    def row_of(self, note_id: int) -> int:
        """The row of a note, -1 if it is not listed."""
        return next((place for place, row in enumerate(self._rows) if row.note.id == note_id), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            state = tr("done") if row.note.done else tr("open")
            parts = (row.object, row.place, row.byline, state)
            return tr("{about}: {text}", about=", ".join(part for part in parts if part), text=row.note.text)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.note.text
        return None
