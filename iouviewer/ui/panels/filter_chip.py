"""The chip of the filter line above the canvas: shown while there is one; a click changes it, the cross removes it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.filtered_inputs import filter_text
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SIZE

_WIDTH = 230
"""Most pixels of the line; a longer one is cut, and the tooltip has all of it."""
_SHORT_WIDTH = 90


class FilterChip(QFrame):
    """``class:person size:<16 ×``.

    Signals:
        pressed(): the line was pressed.
        removed(): the cross was pressed.
    """

    pressed = Signal()
    removed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filterChip")
        self.setProperty("chip", True)
        self._session = session
        self._is_short = False
        self.line = _button("filterChipLine")
        self.line.clicked.connect(self.pressed)
        self.cross = _button("filterChipRemove")
        self.cross.setText("×")
        self.cross.setAccessibleName(tr("Remove filter"))
        self.cross.setToolTip(tr("Remove filter"))
        self.cross.clicked.connect(self.removed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(1)
        layout.addWidget(self.line)
        layout.addWidget(self.cross)
        self.setFixedHeight(SIZE["row_dense"])
        self.refresh()

    def set_short(self, is_short: bool) -> None:
        """Cut the line earlier, where the bar has little space."""
        if is_short != self._is_short:
            self._is_short = is_short
            self.refresh()

    def refresh(self) -> None:
        """Show the filter, or nothing."""
        rules = self._session.scores.settings.filter
        if rules is not None:
            text = rules.filter.text
            width = _SHORT_WIDTH if self._is_short else _WIDTH
            cut = self.line.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
            self.line.setText(cut.replace("&", "&&"))
            self.line.setAccessibleName(tr("Filter: {filter}. Change", filter=text))
            self.line.setToolTip(filter_text(rules.filter))
        self.setVisible(rules is not None)


def _button(name: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setProperty("bare", True)
    button.setFont(font("body"))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
