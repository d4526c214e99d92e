"""The tab of notes: the list, and an editor at its foot that writes a note on what is selected."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
)

from iouviewer.app.editing import note_edits
from iouviewer.app.editing.note_edits import NoteTarget
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.edits import Change, Phase
from iouviewer.document.notes import Note, NotePin
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.panels.list_panel import DenseTable, EmptyHint, ListPanel
from iouviewer.ui.tables.note_delegate import NoteDelegate, icon_rect
from iouviewer.ui.tables.notes_model import NotesModel, Shown
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.tokens import SPACE

_EDITOR_LINES = 2
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_CONTROL = Qt.KeyboardModifier.ControlModifier


class NoteEditor(QPlainTextEdit):
    """A field for the text of a note.

    Signals:
        submitted(): Ctrl+Enter.
        cancelled(): Esc.
    """

    submitted = Signal()
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("noteEditor")
        self.setAccessibleName(tr("Text of the note"))
        self.setPlaceholderText(tr("Write a note"))
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        height = _EDITOR_LINES * self.fontMetrics().lineSpacing() + 4 * SPACE["s"]
        self.setFixedHeight(height)

    def event(self, event: QEvent) -> bool:
        # Esc and Ctrl+Enter are shortcuts of the window, which must not get them while a note is written.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_own(event):
            event.accept()
            return True
        return super().event(event)

    @staticmethod
    def _is_own(event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape or event.key() in _ENTER

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif event.key() in _ENTER and event.modifiers() & _CONTROL:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)


class _NotesView(DenseTable):
    """The list; Space or a click on the icon marks a note as done, Del deletes it.

    Signals:
        doneToggled(int), deleteRequested(int): a row.

    Attributes:
        own_keys: keys that are no commands of the window here: they would play the video and delete the selected box.
    """

    own_keys = (Qt.Key.Key_Space, Qt.Key.Key_Delete)

    doneToggled = Signal(int)
    deleteRequested = Signal(int)

    def __init__(self) -> None:
        super().__init__("notesTable", tr("Notes"))
        self.setSelectionMode(DenseTable.SelectionMode.SingleSelection)
        self.setItemDelegate(NoteDelegate(self))
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in self.own_keys
            and self.currentIndex().isValid()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        if event.key() == Qt.Key.Key_Space and row >= 0:
            self.doneToggled.emit(row)
        elif event.key() == Qt.Key.Key_Delete and row >= 0:
            self.deleteRequested.emit(row)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            around = icon_rect(self.visualRect(index)).adjusted(-SPACE["s"], -SPACE["xs"], SPACE["xs"], SPACE["xs"])
            if around.contains(event.position().toPoint()):
                self.doneToggled.emit(index.row())
                return
        super().mouseReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resizeRowsToContents()


class NotesPanel(ListPanel):
    """The notes of the source and the editor.

    Signals:
        leaveRequested(): the keyboard goes back to the canvas.
    """

    leaveRequested = Signal()

    def __init__(self, session: Session) -> None:
        self.model = NotesModel(session)
        view = _NotesView()
        hint = EmptyHint("note")
        super().__init__(view, hint, filter_name="notesFilter", placeholder=tr("Filter notes"))
        self._session = session
        self._view = view
        self._target: NoteTarget | None = None
        self._edited: Note | None = None
        self.shown = QComboBox()
        self.shown.setObjectName("notesShown")
        self.shown.setAccessibleName(tr("Notes to show"))
        for value in Shown:
            self.shown.addItem("", value)
        self.filter_row.addWidget(self.shown)
        view.setModel(self.model)
        self._add_editor()
        view.clicked.connect(self._on_view_clicked)
        view.rowEntered.connect(self._on_row_entered)
        view.doneToggled.connect(self._on_done_toggled)
        view.deleteRequested.connect(self._on_delete_requested)
        view.menuWanted.connect(self._on_menu_wanted)
        self.filter_field.textChanged.connect(self._on_filter_changed)
        self.shown.currentIndexChanged.connect(self._on_filter_changed)
        self.model.modelReset.connect(self._show_rows)
        session.notesChanged.connect(self._show_rows)
        session.sourceChanged.connect(self._on_source_changed)
        for signal in (session.selectionChanged, session.frameChanged):
            signal.connect(self._show_target)
        session.changed.connect(self._on_session_changed)
        self._show_rows()
        self._show_target()

    def _add_editor(self) -> None:
        self.editor = NoteEditor()
        self.target_button = QToolButton()
        self.target_button.setObjectName("noteTarget")
        self.target_button.setToolTip(tr("What the note is on"))
        self.target_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.target_button.setProperty("role", "muted")
        menu = popup_menu(parent=self.target_button)
        menu.aboutToShow.connect(self._fill_target_menu)
        self.target_button.setMenu(menu)
        self.add_button = QPushButton(tr("Add note"))
        self.add_button.setObjectName("noteAdd")
        key = QKeySequence("Ctrl+Return").toString(QKeySequence.SequenceFormat.NativeText)
        self.add_button.setToolTip(tr("Add note ({key})", key=key))
        foot = QFrame()
        foot.setObjectName("noteFoot")
        row = QHBoxLayout()
        row.setSpacing(SPACE["s"])
        keys = QLabel(key)
        keys.setProperty("role", "key")
        row.addWidget(self.target_button)
        row.addStretch(1)
        row.addWidget(keys)
        row.addWidget(self.add_button)
        layout = QVBoxLayout(foot)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self.editor)
        layout.addLayout(row)
        self.column.addWidget(foot)
        self.editor.submitted.connect(self.submit)
        self.editor.cancelled.connect(self._on_editor_cancelled)
        self.editor.textChanged.connect(self._on_text_changed)
        self.add_button.clicked.connect(self.submit)

    # The list

    @property
    def current(self) -> Note | None:
        """The note of the current row."""
        row = self._view.currentIndex().row()
        return self.model.row_at(row).note if 0 <= row < self.model.rowCount() else None

    def _show_rows(self) -> None:
        notes = self._session.notes
        done = sum(note.done for note in notes)
        texts = (
            tr("All {count:,}", count=len(notes)),
            tr("Open {count:,}", count=len(notes) - done),
            tr("Done {count:,}", count=done),
        )
        for place, text in enumerate(texts):
            self.shown.setItemText(place, text)
        self.set_count(len(notes) - done)
        rows = self.model.rowCount()
        self.show_parts(table=bool(rows), hint=not rows)
        if not notes:
            self.hint.show_hint(tr("No notes."), self._how_to_add())
        else:
            self.hint.show_hint(tr("No note matches the filter."))
        self._view.resizeRowsToContents()

    def _how_to_add(self) -> str:
        key = self.hint.key_of("addNote")
        if key:
            return tr("{key} adds a note to the selected box or this frame.", key=key)
        return tr("Write a note on the selected box or this frame below.")

    def _on_filter_changed(self) -> None:
        self.model.set_filter(self.filter_field.text(), Shown(self.shown.currentData()))
        self._show_rows()

    def _on_view_clicked(self, index: QModelIndex) -> None:
        note_edits.go_to_note(self._session, self.model.row_at(index.row()).note)

    def _on_row_entered(self) -> None:
        if self.current is not None:
            note_edits.go_to_note(self._session, self.current)

    def _on_done_toggled(self, row: int) -> None:
        note = self.model.row_at(row).note
        self._do(partial(note_edits.set_done, self._session, note, not note.done))
        self._select(note.id)

    def _on_delete_requested(self, row: int) -> None:
        note = self.model.row_at(row).note
        note_edits.delete_note(self._session, note)
        if self.model.rowCount():
            self._view.select_rows([min(row, self.model.rowCount() - 1)])

    def _on_menu_wanted(self, index: QModelIndex, position: QPoint) -> None:
        self.menuRequested.emit("note", self.model.row_at(index.row()).note, position)

    def _select(self, note_id: int) -> None:
        row = self.model.row_of(note_id)
        if row >= 0:
            self._view.select_rows([row])

    # Commands

    def toggle_done(self) -> None:
        """Mark the note of the current row as done, or open it again."""
        row = self._view.currentIndex().row()
        if row >= 0:
            self._on_done_toggled(row)

    def delete_current(self) -> None:
        """Delete the note of the current row."""
        row = self._view.currentIndex().row()
        if row >= 0:
            self._on_delete_requested(row)

    def edit_current(self) -> None:
        """Change the text of the note of the current row in the editor."""
        note = self.current
        if note is not None:
            self._edited = note
            self.editor.setPlainText(note.text)
            self._show_target()
            self.focus_editor()

    # The editor

    def focus_editor(self) -> None:
        """Type a note."""
        self.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.editor.moveCursor(self.editor.textCursor().MoveOperation.End)

    def begin(self) -> None:
        """Type a note on the selected box, or on this frame."""
        if not self.editor.toPlainText().strip():
            self._edited = self._target = None
            self._show_target()
        self.focus_editor()

    def begin_return(self) -> None:
        """Type why this frame is returned."""
        self._edited = None
        self._target = NoteTarget(self._session.current_frame, returns=True)
        self._show_target()
        self.focus_editor()

    def submit(self) -> None:
        """Add the note, or save the changed one."""
        text, edited = self.editor.toPlainText(), self._edited
        if not text.strip():
            self._session.statusMessage.emit(tr("Type the text of the note first"))
            self.editor.setFocus()
            return
        target = self._target or note_edits.find_target(self._session)
        if not self._do(partial(self._write, edited, target, text)):
            return
        self._clear()
        self.leaveRequested.emit()

    def _write(self, edited: Note | None, target: NoteTarget, text: str) -> None:
        if edited is not None:
            note_edits.change_note(self._session, edited, text)
            self._select(edited.id)
        else:
            self._select(note_edits.add_note(self._session, target, text).id)

    def _do(self, action: partial[None]) -> bool:
        """Run an action; its error is shown in the status bar, and the text stays in the editor."""
        try:
            action()
        except UserError as error:
            self._session.statusMessage.emit(str(error))
            return False
        return True

    def _clear(self) -> None:
        self._edited = self._target = None
        self.editor.clear()
        self._show_target()

    def _on_editor_cancelled(self) -> None:
        if self._edited is not None or not self.editor.toPlainText().strip():
            self._clear()
        self.leaveRequested.emit()

    def _on_text_changed(self) -> None:
        # From the first letter on, the note stays on what was selected then.
        empty = not self.editor.toPlainText().strip()
        if empty:
            self._target = None
        elif self._target is None:
            self._target = note_edits.find_target(self._session)
        self._show_target()

    def _on_source_changed(self) -> None:
        self._clear()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.COMMITTED:
            self._show_target()

    def _show_target(self) -> None:
        session, has_source = self._session, bool(self._session.frame_count)
        for part in (self.editor, self.add_button, self.target_button):
            part.setEnabled(has_source)
        returned = self._target if self._target is not None and self._target.returns else None
        note = self._edited or (self._target or note_edits.find_target(session)).with_text("")
        if returned is not None:
            self.target_button.setText(tr("returns frame {frame:,}", frame=returned.frame))
            self.add_button.setText(tr("Return frame"))
        else:
            self.target_button.setText(self._target_text(note) if has_source else "")
            self.add_button.setText(tr("Save note") if self._edited is not None else tr("Add note"))
        self.target_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _target_text(self, note: Note) -> str:
        name = note_edits.object_of(self._session.document, note, self._session.source.id)
        if note.pin is NotePin.FRAME:
            return tr("on frame {frame:,}", frame=note.frame)
        if note.pin is NotePin.SOURCE:
            return tr("on {object}", object=name)
        if note.pin is NotePin.TRACK:
            return tr("on the track of {object}", object=name)
        return tr("on {object}, frame {frame:,}", object=name, frame=note.frame)

    def _fill_target_menu(self) -> None:
        menu = self.target_button.menu()
        menu.clear()
        for target in self._targets():
            action = QAction(self._target_text(target.with_text("")), menu)
            action.triggered.connect(partial(self._on_target_chosen, target))
            menu.addAction(action)

    def _targets(self) -> list[NoteTarget]:
        session = self._session
        found = note_edits.find_target(session)
        targets = [found]
        box = session.ground_truth.find(found.box_id)
        if box is not None and box.track != NO_TRACK:
            targets.append(NoteTarget(session.current_frame, track=box.track))
        if found != NoteTarget(session.current_frame):
            targets.append(NoteTarget(session.current_frame))
        return [*targets, NoteTarget()]

    def _on_target_chosen(self, target: NoteTarget, _checked: bool = False) -> None:
        self._target = target
        self._show_target()
        # The menu gives the focus back to its button first.
        QTimer.singleShot(0, self.focus_editor)
