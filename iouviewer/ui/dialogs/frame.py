"""The shape that dialogs share: title with a close button, content, and a footer, the primary button at the right."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QMouseEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import icon, make_popup
from iouviewer.ui.tokens import SPACE


class _TitleBar(QWidget):
    """The title; dragging it moves the dialog."""

    def __init__(self, dialog: QDialog) -> None:
        super().__init__(dialog)
        self._dialog = dialog
        self._grip: QPoint | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        handle = self._dialog.windowHandle()
        if handle is None or not handle.startSystemMove():
            self._grip = event.globalPosition().toPoint() - self._dialog.pos()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self._dialog.move(event.globalPosition().toPoint() - self._grip)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._grip = None


class FramedDialog(QDialog):
    """A frameless dialog with a visible edge; Esc closes it.

    Attributes:
        body: layout of the content.
        header: layout of the title row, between the title and the close button.
        footer: layout of the footer; ``add_primary`` and ``add_secondary`` fill it from the right.
    """

    def __init__(self, parent: QWidget | None, *, title: str, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        make_popup(self)
        bar = _TitleBar(self)
        self._title = QLabel()
        self._title.setObjectName("dialogTitle")
        self._title.setFont(font("title"))
        self._title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.close_button = QToolButton()
        self.close_button.setObjectName("dialogClose")
        self.close_button.setIcon(icon("x", scheme_theme()))
        self.close_button.setAccessibleName(tr("Close"))
        self.close_button.setToolTip(tr("Close (Esc)"))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.clicked.connect(self.reject)
        self.header = QHBoxLayout()
        row = QHBoxLayout(bar)
        row.setContentsMargins(SPACE["l"], SPACE["s"], SPACE["s"], SPACE["s"])
        row.addWidget(self._title)
        row.addStretch(1)
        row.addLayout(self.header)
        row.addWidget(self.close_button)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(SPACE["l"], SPACE["m"], SPACE["l"], SPACE["m"])
        self._footer_line, self._footer_bar = separator(), QWidget()
        self.footer = QHBoxLayout(self._footer_bar)
        self.footer.setContentsMargins(SPACE["l"], SPACE["s"], SPACE["l"], SPACE["s"])
        self.footer.setSpacing(SPACE["s"])
        self.footer.addStretch(1)
        self._secondary = 0
        layout = QVBoxLayout(self)
        # The edge of the style sheet is drawn inside the margin.
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(separator())
        layout.addLayout(self.body, 1)
        layout.addWidget(self._footer_line)
        layout.addWidget(self._footer_bar)
        self.set_title(title)

    def showEvent(self, event: QShowEvent) -> None:
        """Keep to the window, which is small at a large UI scale."""
        super().showEvent(event)
        keep_inside(self)

    def set_title(self, title: str) -> None:
        """Show another title."""
        self.setWindowTitle(title)
        self._title.setText(title)

    def hide_footer(self) -> None:
        """Leave the footer out, for dialogs whose changes hold at once."""
        self._footer_line.hide()
        self._footer_bar.hide()

    def add_primary(self, text: str) -> QPushButton:
        """The button that Enter presses, at the right end of the footer."""
        button = QPushButton(text)
        button.setObjectName("dialogPrimary")
        button.setDefault(True)
        self.footer.addWidget(button)
        return button

    def add_secondary(self, text: str) -> QPushButton:
        """A button left of the primary one."""
        button = QPushButton(text)
        button.setAutoDefault(False)
        self._secondary += 1
        self.footer.insertWidget(self._secondary, button)
        return button

    def add_cancel(self) -> QPushButton:
        """The button that closes the dialog without doing anything."""
        button = self.add_secondary(tr("Cancel"))
        button.clicked.connect(self.reject)
        return button


def keep_inside(dialog: QDialog) -> None:
    """Make a dialog as small as the window that it belongs to, as far as its contents can give way."""
    parent = dialog.parentWidget()
    if parent is not None:
        dialog.resize(dialog.size().boundedTo(parent.window().size()))


def separator() -> QFrame:
    """A horizontal line of one pixel."""
    line = QFrame()
    line.setProperty("role", "separator")
    line.setFixedHeight(1)
    return line


def field_label(text: str, buddy: QWidget) -> QLabel:
    """The label of a field; its text is the accessible name of the field."""
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setBuddy(buddy)
    buddy.setAccessibleName(text)
    return label
