"""The popup that chooses the colour of a class: twelve swatches, or any colour that is legible on a picture."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.palette import contrast
from iouviewer.ui.theme import make_popup
from iouviewer.ui.tokens import CANVAS, CLASS_COLOURS, RADIUS, SPACE

LEAST_CONTRAST = 4.5
"""Least contrast of a line to its halo (WCAG 2.2); that of the twelve colours is above 7."""
_SIDE, _COLUMNS = 26, 6


class ClassColourPopup(QDialog):
    """A click on a swatch chooses it; a typed or picked colour is chosen by Enter if it is legible.

    Attributes:
        chosen: the colour ``#rrggbb``, empty without an answer.
        wants_picker: any colour is to be picked.
    """

    def __init__(self, parent: QWidget | None, name: str, current: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("classColour")
        self.setWindowTitle(tr("Colour of {name}", name=name))
        make_popup(self)
        self.chosen, self.wants_picker = "", False
        grid = QGridLayout()
        grid.setSpacing(SPACE["xs"])
        for place, colour in enumerate(CLASS_COLOURS):
            grid.addWidget(self._swatch(colour, is_current=colour == current), place // _COLUMNS, place % _COLUMNS)
        self.line = QLineEdit(current)
        self.line.setObjectName("classColourLine")
        self.line.setAccessibleName(tr("Colour as #rrggbb"))
        self.line.textChanged.connect(self._check)
        self.line.returnPressed.connect(self._take_line)
        more = QPushButton(tr("More…"))
        more.setAutoDefault(False)
        more.clicked.connect(self._pick)
        self.message = QLabel()
        self.message.setObjectName("classColourMessage")
        self.message.setProperty("role", "caption")
        self.message.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], SPACE["s"], SPACE["s"], SPACE["s"])
        layout.addLayout(grid)
        layout.addLayout(row)
        layout.addWidget(self.message)
        self._check(current)

    def _swatch(self, colour: str, *, is_current: bool) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"classColour.{colour}")
        button.setAccessibleName(colour)
        button.setToolTip(colour)
        button.setFixedSize(QSize(_SIDE, _SIDE))
        edge = CANVAS.selected if is_current else "transparent"
        button.setStyleSheet(
            f"QToolButton {{ background: {colour}; border: 2px solid {edge}; border-radius: {RADIUS['control']}px; }}"
        )
        button.clicked.connect(lambda: self._take(colour))
        return button

    def _check(self, text: str) -> str:
        """The typed colour as ``#rrggbb`` if it can be used, else empty, with the reason below the field."""
        colour = QColor(text.strip())
        if not colour.isValid():
            self.message.setText(tr("Type a colour as #rrggbb"))
            return ""
        value = contrast(colour.name(), CANVAS.halo[:7])
        if value < LEAST_CONTRAST:
            least = LEAST_CONTRAST
            text = tr("Too dark on a picture: contrast {value:.1f}, at least {least}", value=value, least=least)
            self.message.setText(text)
            return ""
        self.message.setText(tr("Contrast {value:.1f}", value=value))
        return colour.name()

    def _take_line(self) -> None:
        colour = self._check(self.line.text())
        if colour:
            self._take(colour)

    def _take(self, colour: str) -> None:
        self.chosen = colour
        self.accept()

    def _pick(self) -> None:
        # A popup closes when another window opens, so the caller opens it.
        self.wants_picker = True
        self.reject()


def choose_colour(parent: QWidget, name: str, current: str, place: QPoint) -> str:
    """Show the popup at a point of the screen; the chosen colour, empty without an answer."""
    while True:
        popup = ClassColourPopup(parent, name, current)
        popup.adjustSize()
        popup.move(place)
        popup.exec()
        popup.deleteLater()
        if not popup.wants_picker:
            return popup.chosen
        picked = QColorDialog.getColor(QColor(current), parent, popup.windowTitle())
        if picked.isValid():
            if contrast(picked.name(), CANVAS.halo[:7]) >= LEAST_CONTRAST:
                return picked.name()
            current = picked.name()  # shown again, with the reason
