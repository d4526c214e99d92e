"""A part that stretches and a panel of its own size, which the user can move, restore by a double click, or fold."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QToolButton, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.tokens import SIZE


class _Handle(QSplitterHandle):
    """Restores the size by a double click."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        splitter = self.splitter()
        if isinstance(splitter, PanelSplitter):
            splitter.choose(None)
        event.accept()


class PanelSplitter(QSplitter):
    """A stretching part, then a panel.

    Signals:
        chosen(): the user moved the handle or restored the size.

    Attributes:
        chosen_size: the size that the user gave the panel, in logical pixels; None for that of the layout plan.
        wanted_size: the size that the panel needs for now, whatever was chosen; None for no such need.
    """

    chosen = Signal()

    def __init__(self, orientation: Qt.Orientation, name: str, main: QWidget, panel: QWidget, size: int) -> None:
        super().__init__(orientation)
        self.setObjectName(name)
        self.setChildrenCollapsible(False)
        self.chosen_size: int | None = None
        self.wanted_size: int | None = None
        self._planned, self._panel = size, panel
        self.addWidget(main)
        self.addWidget(panel)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.splitterMoved.connect(self._on_splitter_moved)

    def createHandle(self) -> QSplitterHandle:
        handle = _Handle(self.orientation(), self)
        handle.setToolTip(tr("Drag to resize, double-click to restore"))
        return handle

    def plan(self, size: int) -> None:
        """Use this size while the user has not chosen another."""
        if size != self._planned:
            self._planned = size
            self._apply()

    def choose(self, size: int | None) -> None:
        """Use the size that the user chose; None: that of the layout plan."""
        self.chosen_size = size
        self._apply()
        self.chosen.emit()

    def want(self, size: int | None) -> None:
        """Use this size for now; None: return to the chosen or planned one."""
        if size != self.wanted_size:
            self.wanted_size = size
            self._apply()

    def _on_splitter_moved(self, _position: int, _index: int) -> None:
        if self.wanted_size is not None:
            self.wanted_size = self.sizes()[1]
            return
        self.chosen_size = self.sizes()[1]
        self.chosen.emit()

    def _apply(self) -> None:
        total = sum(self.sizes())
        if total <= 0 or self._panel.isHidden():
            return
        size = self._planned if self.chosen_size is None else self.chosen_size
        size = size if self.wanted_size is None else self.wanted_size
        self.setSizes([max(0, total - size), min(size, total)])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._apply()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._apply()

    def set_folded(self, is_folded: bool) -> None:
        """Hide the panel, or show it at its size."""
        self._panel.setVisible(not is_folded)
        self._apply()


def edge_strip(name: str, text: str, arrow: Qt.ArrowType) -> QToolButton:
    """The strip at the edge of the window that opens a folded panel; hidden while the panel is open."""
    strip = QToolButton()
    strip.setObjectName(f"edgeStrip.{name}")
    strip.setProperty("edge", True)
    strip.setAccessibleName(text)
    strip.setToolTip(text)
    strip.setArrowType(arrow)
    strip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if arrow in (Qt.ArrowType.LeftArrow, Qt.ArrowType.RightArrow):
        strip.setFixedWidth(SIZE["edge_strip"])
        strip.setSizePolicy(strip.sizePolicy().horizontalPolicy(), strip.sizePolicy().Policy.Expanding)
    else:
        strip.setFixedHeight(SIZE["edge_strip"])
        strip.setSizePolicy(strip.sizePolicy().Policy.Expanding, strip.sizePolicy().verticalPolicy())
    strip.hide()
    return strip
