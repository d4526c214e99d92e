"""Messages below the rows of a dialog: warnings first, each with the button that resolves it, then plain facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE

_MAX_HEIGHT = 176


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence.

    Attributes:
        details: more lines, for the tooltip.
        fix: text of the button that resolves it; empty for none.
        apply: what the button does.
    """

    text: str
    is_warning: bool = False
    details: str = ""
    fix: str = ""
    apply: Callable[[], None] | None = None


class MessageList(QScrollArea):
    """Shows messages at the height that they need, up to a limit beyond which it scrolls."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._messages: tuple[Message, ...] = ()
        self.hide()

    def show_messages(self, messages: Sequence[Message]) -> None:
        """Show these messages, warnings first; none hides the list."""
        ordered = tuple(sorted(messages, key=lambda message: not message.is_warning))
        if ordered == self._messages:
            return
        self._messages = ordered
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE["s"], 0)
        layout.setSpacing(SPACE["xs"])
        for message in ordered:
            layout.addWidget(_line(message))
        layout.addStretch(1)
        self.setWidget(content)
        self.setVisible(bool(ordered))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        content, width = self.widget(), self.width()
        layout = content.layout() if content is not None else None
        if layout is None:
            return QSize(width, 0)
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else layout.sizeHint().height()
        return QSize(width, min(height, _MAX_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())


def _line(message: Message) -> QWidget:
    colours = scheme_theme().colours
    line, mark, text = QWidget(), QLabel(), QLabel(message.text)
    name, colour = ("warning", colours.warn) if message.is_warning else ("info", colours.text3)
    mark.setPixmap(coloured_icon(name, colour).pixmap(QSize(ICON_SIZE, ICON_SIZE), mark.devicePixelRatioF()))
    text.setWordWrap(True)
    text.setProperty("role", "" if message.is_warning else "muted")
    text.setToolTip(message.details)
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    layout.addWidget(text, 1)
    if message.apply is not None:
        button = QPushButton(message.fix)
        button.setAutoDefault(False)
        apply = message.apply
        # Later, because applying the fix replaces the messages, and this button with them.
        button.clicked.connect(lambda: QTimer.singleShot(0, apply))
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return line
