"""Notices about the safety of the project: rows below the top bar that stay until they are answered."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.projects.safety import CHOICE_TEXTS, Choice, Notice, Notices
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SPACE


class NoticeBar(QWidget):
    """One row for each notice that is not hidden: its text and a button for each answer.

    Signals:
        chosen(Notice, Choice): an answer was clicked.
    """

    chosen = Signal(object, object)

    def __init__(self, notices: Notices) -> None:
        super().__init__()
        self.setObjectName("noticeBar")
        self.setAccessibleName(tr("Notices about the project"))
        self._notices = notices
        self._shown: tuple[Notice, ...] = ()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        notices.changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        shown = tuple(notice for notice in self._notices.all if not notice.is_hidden)
        if shown != self._shown:
            self._shown = shown
            while (item := self._layout.takeAt(0)) is not None:
                row = item.widget()
                if row is not None:
                    row.hide()
                    row.deleteLater()
            for notice in shown:
                self._layout.addWidget(self._row(notice))
        self.setVisible(bool(shown))

    def _row(self, notice: Notice) -> QFrame:
        row = QFrame()
        row.setObjectName(f"notice.{notice.key.partition(':')[0]}")
        row.setProperty("role", "notice")
        layout = QHBoxLayout(row)
        layout.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        layout.setSpacing(SPACE["s"])
        text = QLabel(notice.text)
        text.setFont(font("body"))
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(text, 1)
        for choice in notice.choices:
            layout.addWidget(self._button(notice, choice))
        return row

    def _button(self, notice: Notice, choice: Choice) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"notice.{choice.value}")
        button.setText(CHOICE_TEXTS[choice])
        button.setProperty("outlined", choice is not Choice.HIDE)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.chosen.emit(notice, choice))
        return button


def stacked(*widgets: QWidget) -> QWidget:
    """The widgets one below the other."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget)
    return column
