"""Captions and zoom at the right end of the layer bar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox

from iouviewer.i18n import tr
from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.shell.menu_button import MenuButton

_TEXTS = {
    "problems": (tr("Captions: problems"), tr("Problems")),
    "automatic": (tr("Captions: where they fit"), tr("Where they fit")),
    "selected": (tr("Captions: selected"), tr("Selected")),
    "all": (tr("Captions: all"), tr("All")),
    "none": (tr("Captions: none"), tr("None")),
}
"""Texts of the modes, and those for a narrow window."""


_ARROW_WIDTH = 34
"""Arrow and padding of a list of choices, logical pixels."""


class CaptionChoice(QComboBox):
    """Which boxes have captions.

    Signals:
        chosen(str): the value of the chosen ``CaptionMode``.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("captionsComboBox")
        self.setAccessibleName(tr("Captions"))
        self.setProperty("quiet", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for value, (text, _short) in _TEXTS.items():
            if value in {mode.value for mode in CaptionMode}:
                self.addItem(text, value)
        self._is_narrow = False
        self._fit()
        self.currentIndexChanged.connect(self._show_tooltip)
        self._show_tooltip()
        self.activated.connect(lambda row: self.chosen.emit(self.itemData(row)))

    def set_narrow(self, is_narrow: bool) -> None:
        """Say only which boxes, or what the choice is about too."""
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            for row in range(self.count()):
                self.setItemText(row, _TEXTS[self.itemData(row)][is_narrow])
            self._fit()

    def _fit(self) -> None:
        # A fixed width: another choice does not move what stands beside it.
        self.setFixedWidth(text_width("body", _TEXTS["problems"][self._is_narrow]) + _ARROW_WIDTH)

    def _show_tooltip(self, _row: int = 0) -> None:
        """The text is cut where it is longer than the usual one."""
        choice = _TEXTS[self.currentData()][0]
        self.setToolTip(tr("{choice}. Which boxes have captions; hold L for all", choice=choice))

    def show_mode(self, value: str) -> None:
        """Show a mode without choosing it."""
        self.setCurrentIndex(max(0, self.findData(value)))


class ZoomButton(MenuButton):
    """``Fit · 87 %``, with the zoom commands in its menu."""

    def __init__(self, actions: Sequence[QAction]) -> None:
        super().__init__("statusZoom")
        self.setProperty("outlined", True)
        self.setFont(font("body"))
        self.setMinimumWidth(text_width("body", tr("Fit · {percent} %", percent=100)) + 16)
        self.fill(actions)
        self.show_zoom(1.0, is_fitted=False)

    def show_zoom(self, zoom: float, *, is_fitted: bool) -> None:
        """Show the zoom, given in device pixels per image pixel."""
        percent = f"{100 * zoom:.0f}"
        text = tr("Fit · {percent} %", percent=percent) if is_fitted else tr("{percent} %", percent=percent)
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(tr("Zoom {percent} %", percent=percent))
