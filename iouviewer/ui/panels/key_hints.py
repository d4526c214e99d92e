"""Key hints in the status bar: each a key-cap and its words, painted in one widget that never changes the layout."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tokens import RADIUS, SIZE, SPACE

Hint = tuple[str, str]
"""A key as it is shown, and what it does."""
_CAP_HEIGHT = 17


def cap_text(key: str) -> str:
    """A key as a key-cap shows it: ``Ctrl K`` for ``Ctrl+K``."""
    return key[:-1].replace("+", " ") + key[-1:]


class KeyHints(QWidget):
    """Paints as many hints as fit; those at the end give way first."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("keyHints")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self._hints: tuple[Hint, ...] = ()
        self._key_font, self._text_font = font("key"), font("body")
        self.set_hints(())

    @property
    def hints(self) -> tuple[Hint, ...]:
        """The hints, also those that do not fit."""
        return self._hints

    def set_hints(self, hints: Sequence[Hint]) -> None:
        """Show these hints."""
        self._hints = tuple(hints)
        self.setAccessibleName(tr("Keys"))
        self.setAccessibleDescription(", ".join(f"{key} {text}" for key, text in self._hints))
        self.setToolTip("\n".join(f"{key}  {text}" for key, text in self._hints))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(0, SIZE["status_bar"])

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = scheme_theme().colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        keys, words = QFontMetrics(self._key_font), QFontMetrics(self._text_font)
        x, height = 0.0, self.height()
        flags = int(Qt.AlignmentFlag.AlignCenter)
        for name, text in self._hints:
            key = cap_text(name)
            cap = keys.horizontalAdvance(key) + 2 * SPACE["xs"] + 2
            width = words.horizontalAdvance(text)
            if x + cap + SPACE["xs"] + 2 + width > self.width():
                break
            box = QRectF(x + 0.5, (height - _CAP_HEIGHT) // 2 + 0.5, cap, _CAP_HEIGHT)
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(box, RADIUS["canvas_label"], RADIUS["canvas_label"])
            painter.setFont(self._key_font)
            painter.setPen(QColor(colours.text2))
            painter.drawText(box, flags, key)
            x += cap + SPACE["xs"] + 2
            painter.setFont(self._text_font)
            painter.drawText(QRectF(x, 0, width + 1, height), flags, text)
            x += width + SPACE["l"]
        painter.end()
