"""The tabs of the side panel: Boxes, Tracks, Problems, Notes, History, each with the number of its rows."""

from __future__ import annotations

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTabWidget, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font


class SideTabs(QTabWidget):
    """Tabs that fit the panel without scroll buttons; in a narrow one only the current tab shows its number.

    A panel with the signal ``countChanged(int)`` and the property ``count`` has its number in the tab.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sideTabs")
        self.setAccessibleName(tr("Lists"))
        self.setDocumentMode(True)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        bar = self.tabBar()
        bar.setObjectName("sideTabsBar")
        bar.setAccessibleName(tr("Lists"))
        bar.setExpanding(False)
        bar.setFont(font("caption"))
        bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._titles: list[str] = []
        self._counts: list[int | None] = []
        self.currentChanged.connect(self._show_texts)

    def add_panel(self, title: str, panel: QWidget) -> None:
        """Add a tab at the right end."""
        self._titles.append(title)
        self._counts.append(None)
        place = self.addTab(panel, title)
        signal, count = getattr(panel, "countChanged", None), getattr(panel, "count", None)
        if isinstance(signal, SignalInstance) and isinstance(count, int):
            signal.connect(lambda number: self._set_count(place, number))
            self._set_count(place, count)

    def _set_count(self, place: int, count: int) -> None:
        if count != self._counts[place]:
            self._counts[place] = count
            self._show_texts()

    def _texts(self, *, all_counts: bool) -> list[str]:
        texts = []
        for place, (title, count) in enumerate(zip(self._titles, self._counts, strict=True)):
            is_shown = bool(count) and (all_counts or place == self.currentIndex())
            texts.append(f"{title} {count:,}" if is_shown else title)
        return texts

    def _show_texts(self, _place: object = None) -> None:
        if len(self._titles) != self.count():
            return  # a tab is being added
        for all_counts in (True, False):
            for place, text in enumerate(self._texts(all_counts=all_counts)):
                if text != self.tabText(place):
                    self.setTabText(place, text)
            if self.tabBar().sizeHint().width() <= self.width():
                break

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_texts()
