"""A bubble at the mouse: what an edit of tracks would do, and the keys and buttons that answer."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.tokens import SIZE, SPACE

_OFFSET = 18
"""Distance from the mouse, logical pixels."""
_MAX_WIDTH = 420


class TrackQuestion(QFrame):
    """Says what would happen; either the mouse is busy with a drag (``show_text``), or an answer is wanted (``ask``).

    While it asks it has the keyboard: Enter does it, Tab takes the other way, Esc cancels.

    Signals:
        accepted(): do it.
        toggled(): the other way: another winner, another range.
        cancelled(): do nothing.

    Attributes:
        own_keys: keys that do not reach the commands of the window.
    """

    accepted = Signal()
    toggled = Signal()
    cancelled = Signal()
    own_keys = frozenset({Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape})

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("trackQuestion")
        self.setProperty("popup", "rounded")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoFillBackground(True)
        self._text = QLabel()
        self._text.setObjectName("trackQuestion.text")
        self._text.setWordWrap(True)
        self._accept, self._toggle, self._cancel = QToolButton(), QToolButton(), QToolButton()
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE["xs"])
        for button, name, signal in (
            (self._accept, "accept", self.accepted),
            (self._toggle, "toggle", self.toggled),
            (self._cancel, "cancel", self.cancelled),
        ):
            button.setObjectName(f"trackQuestion.{name}")
            button.setProperty("flag", True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setMinimumHeight(SIZE["row_dense"])
            button.clicked.connect(signal)
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._cancel.setText(tr("Cancel  Esc"))
        layout = self._content = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return self._text.text() if not self.isHidden() else ""

    def show_text(self, text: str, place: QPoint) -> None:
        """Show a text near a point of the screen, without taking the keyboard."""
        self._show(text, place, has_buttons=False)

    def ask(self, text: str, place: QPoint, *, accept: str, toggle: str = "") -> None:
        """Ask near a point of the screen; ``accept`` and ``toggle`` are the words of the buttons."""
        self._accept.setText(tr("{answer}  Enter", answer=accept))
        self._toggle.setText(tr("{answer}  Tab", answer=toggle) if toggle else "")
        self._toggle.setVisible(bool(toggle))
        self._show(text, place, has_buttons=True)
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show(self, text: str, place: QPoint, *, has_buttons: bool) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not has_buttons)
        for button in (self._accept, self._cancel):
            button.setVisible(has_buttons)
        if not has_buttons:
            self._toggle.hide()
        self._text.setText(text)
        self.setAccessibleName(text)
        width = min(_MAX_WIDTH, self._text.fontMetrics().horizontalAdvance(text) + 2 * SPACE["m"] + 4)
        self._text.setMinimumWidth(width - 2 * SPACE["m"])
        # Shown first: the sizes of what is hidden do not count.
        self.show()
        self._content.invalidate()
        self._content.activate()
        width = max(width, self._content.totalMinimumSize().width())
        self.resize(width, max(self._content.totalSizeHint().height(), self._content.totalHeightForWidth(width)))
        self.move(self._place_beside(place))
        self.raise_()

    def _place_beside(self, place: QPoint) -> QPoint:
        """Below and right of a point of the screen, inside the window."""
        window = self._window
        inside = window.rect().adjusted(SPACE["s"], SPACE["s"], -SPACE["s"], -SPACE["s"])
        point = window.mapFromGlobal(place)
        corner = point + QPoint(_OFFSET, _OFFSET)
        if corner.y() + self.height() > inside.bottom():
            corner.setY(point.y() - _OFFSET - self.height())
        x = max(inside.left(), min(corner.x(), inside.right() - self.width()))
        y = max(inside.top(), min(corner.y(), inside.bottom() - self.height()))
        return QPoint(x, y)

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in self.own_keys:
            self._answer(event.key())
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, _is_next: bool) -> bool:
        """Tab is an answer here."""
        return False

    def _answer(self, key: int) -> None:
        if key == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif key != Qt.Key.Key_Tab:
            self.accepted.emit()
        elif self._toggle.isVisible():
            self.toggled.emit()
