"""The one question about boxes that were opened without a class: ``What are these boxes? [object]``."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.document.class_commands import assign_new
from iouviewer.document.edits import Change
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.theme import icon
from iouviewer.ui.tokens import SPACE

CLASS_ASKED = "class_asked"
"""Value of a project: the question was answered, or closed."""


class ClassPrompt(QWidget):
    """Stands over the list of boxes until it is answered or closed, once for each project."""

    def __init__(self, session: Session, controller: ProjectController, boxes: BoxesPanel) -> None:
        super().__init__()
        self.setObjectName("classPrompt")
        self._session, self._controller = session, controller
        title = QLabel(tr("What are these boxes?"))
        title.setProperty("role", "title")
        self._field = QLineEdit()
        self._field.setObjectName("classPromptField")
        self._field.setAccessibleName(title.text())
        self._field.setPlaceholderText(tr("object"))
        self._field.returnPressed.connect(self._answer)
        self._field.textChanged.connect(self._update_button)
        self._use = QToolButton()
        self._use.setObjectName("classPromptUse")
        self._use.setText(tr("Use"))
        self._use.setProperty("outlined", True)
        self._use.clicked.connect(self._answer)
        close = QToolButton()
        close.setObjectName("classPromptClose")
        close.setIcon(icon("x", scheme_theme()))
        close.setAccessibleName(tr("Leave the boxes without a class"))
        close.setToolTip(close.accessibleName())
        close.clicked.connect(self._end)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(close)
        row = QHBoxLayout()
        row.setSpacing(SPACE["s"])
        row.addWidget(self._field, 1)
        row.addWidget(self._use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], 0)
        layout.setSpacing(SPACE["xs"])
        layout.addLayout(head)
        layout.addLayout(row)
        self._update_button()
        self.hide()
        boxes.column.insertWidget(0, self)
        controller.ready.connect(self._update)
        session.sourceChanged.connect(self._update)
        session.changed.connect(self._on_session_changed)

    def _on_session_changed(self, change: Change) -> None:
        if change.origin == "import" or not self.isHidden():
            self._update()

    def _update(self) -> None:
        session = self._session
        is_open = session.frame_count > 0 and not session.read_only and len(session.ground_truth) > 0
        lacks_classes = is_open and not session.document.class_names
        self.setVisible(lacks_classes and not self._controller.value(CLASS_ASKED))

    def _update_button(self) -> None:
        self._use.setEnabled(bool(self._field.text().strip()))

    def _answer(self) -> None:
        name, session = self._field.text().strip(), self._session
        if not name:
            return
        try:
            command = assign_new(session.document, name, source=session.source.id)
            session.execute(command.edit, command.label)
        except UserError as error:
            session.statusMessage.emit(str(error))
            return
        self._end()

    def _end(self) -> None:
        """Never ask again about this project."""
        self._controller.set_value(CLASS_ASKED, True)
        self._field.clear()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the question."""
        if event.key() == Qt.Key.Key_Escape:
            self._end()
        else:
            super().keyPressEvent(event)
