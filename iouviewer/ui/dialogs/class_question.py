"""The line below the table of classes: into which class, what will happen, and the button that does it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton

from iouviewer.document.class_commands import assign_text, consequence_text
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.tables.classes_model import ClassRow
from iouviewer.ui.tokens import SPACE


class Deed(Enum):
    """What needs another class."""

    MERGE = "merge"
    DELETE = "delete"
    ASSIGN = "assign"


_BUTTONS = {Deed.MERGE: tr("Merge"), Deed.DELETE: tr("Delete class"), Deed.ASSIGN: tr("Assign")}


class ClassQuestion(QFrame):
    """``Merge cyclist into [person] moves 174 boxes on 2 tracks; frees key 2 [Merge]``; Esc closes it.

    Signals:
        answered(Deed, int, int): what to do, with the class and the other one.
        cancelled(): it was closed without an answer.
    """

    answered = Signal(object, int, int)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("classQuestion")
        self._deed, self.class_id = Deed.MERGE, -1
        self.heading, self.target, self.consequence = QLabel(), QComboBox(), QLabel()
        self.heading.setFont(font("strong"))
        self.target.setObjectName("classQuestionTarget")
        self.consequence.setObjectName("classQuestionText")
        self.consequence.setWordWrap(True)
        self.button = QPushButton()
        self.button.setObjectName("classQuestionButton")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._answer)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, SPACE["s"], 0, SPACE["s"])
        layout.addWidget(self.heading)
        layout.addWidget(self.target)
        layout.addWidget(self.consequence, 1)
        layout.addWidget(self.button)
        self.target.installEventFilter(self)
        self.hide()

    def ask(self, deed: Deed, row: ClassRow, others: Sequence[tuple[str, int]]) -> None:
        """Show the question for a class.

        Args:
            others: names and ids of the classes to choose from.
        """
        self._deed, self.class_id = deed, row.class_id
        headings = {
            Deed.MERGE: tr("Merge {name} into", name=row.name),
            Deed.DELETE: tr("Delete {name}; its boxes become", name=row.name),
            Deed.ASSIGN: tr("Class for all boxes without one"),
        }
        self.heading.setText(headings[deed])
        self.target.clear()
        for name, number in others:
            self.target.addItem(name, number)
        self.target.setAccessibleName(headings[deed])
        text = assign_text(row.use) if deed is Deed.ASSIGN else consequence_text(row.use, row.digit)
        self.consequence.setText(text)
        self.button.setText(_BUTTONS[deed])
        self.show()
        self.target.setFocus()

    def close_question(self) -> None:
        """Leave the question unanswered."""
        self.hide()
        self.cancelled.emit()

    def _answer(self) -> None:
        target = int(self.target.currentData())
        self.hide()
        self.answered.emit(self._deed, self.class_id, target)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.target and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._answer()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.close_question()
                return True
        return False
