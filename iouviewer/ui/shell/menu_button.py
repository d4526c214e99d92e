"""A button that opens a menu below itself without an event loop of its own, unlike ``QToolButton.setMenu``."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton

from iouviewer.ui.theme import popup_menu


class MenuButton(QToolButton):
    """A button with a menu; the menu closes by a click elsewhere or Esc, as every menu does.

    Attributes:
        menu_below: the menu, to fill.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menu_below = popup_menu(parent=self)
        self.clicked.connect(self._open)

    def fill(self, *groups: Sequence[QAction]) -> None:
        """Add actions; a separator stands between two groups."""
        for place, group in enumerate(groups):
            if place:
                self.menu_below.addSeparator()
            self.menu_below.addActions(group)

    def _open(self) -> None:
        """Open the menu below the button, or further left where the window ends."""
        window = self.window()
        width = self.menu_below.sizeHint().width()
        right = window.mapToGlobal(QPoint(window.width(), 0)).x()
        place = self.mapToGlobal(QPoint(0, self.height()))
        self.menu_below.popup(QPoint(max(0, min(place.x(), right - width)), place.y()))
