"""The page of the grid: what it shows, the size of its crops, and the crops."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.document.problems import Problem
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.fonts import font
from iouviewer.ui.review.grid import CROP_WIDTHS, ProblemGrid
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.tokens import SIZE, SPACE

CROP_WIDTH = "gridCropWidth"
"""Key of the setting for the width of the crops."""
_SLIDER_WIDTH = 120


class GridPage(QWidget):
    """The grid of the problems that pass the filter, in the order of the list."""

    def __init__(self, session: Session, model: ProblemsModel, shown: Callable[[], list[Problem]]) -> None:
        """``shown`` returns the problems to show, of a lasting error one for all of its frames."""
        super().__init__()
        self.setObjectName("gridPage")
        self._shown = shown
        self._settings: Settings | None = None
        self.view = ProblemGrid(session)
        self.title, self.chosen = QLabel(tr("Grid of problems")), QLabel()
        self.title.setFont(font("title"))
        self.chosen.setObjectName("gridCounts")
        self.chosen.setProperty("role", "muted")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("gridCropSize")
        self.slider.setAccessibleName(tr("Size of the crops"))
        self.slider.setRange(CROP_WIDTHS[0], CROP_WIDTHS[-1])
        self.slider.setValue(CROP_WIDTHS[1])
        self.slider.setFixedWidth(_SLIDER_WIDTH)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        header = QHBoxLayout()
        header.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["xs"])
        header.setSpacing(SPACE["m"])
        for widget in (self.title, self.chosen):
            header.addWidget(widget)
        header.addStretch(1)
        size = QLabel(tr("Size"))
        size.setProperty("role", "muted")
        header.addWidget(size)
        header.addWidget(self.slider)
        bar = QWidget()
        bar.setFixedHeight(SIZE["view_bar"])
        bar.setLayout(header)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.view, 1)
        # A decision emits several resets of the model; the grid follows once.
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self.refresh)
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.view.chosenChanged.connect(self._show_counts)
        model.modelReset.connect(self._on_model_reset)

    def use_settings(self, settings: Settings) -> None:
        """Remember the size of the crops in these settings."""
        self._settings = settings
        stored = settings.extra.get(CROP_WIDTH, "")
        if stored.isdecimal():
            self.slider.setValue(int(stored))

    def _on_slider_value_changed(self, width: int) -> None:
        self.view.set_crop_width(width)
        if self._settings is not None:
            self._settings.extra[CROP_WIDTH] = str(width)

    def _on_model_reset(self) -> None:
        if self.isVisible():
            self._refresh.start()

    def refresh(self) -> None:
        """Show the problems of the list."""
        self.view.show_problems(self._shown())
        self._show_counts()

    def _show_counts(self) -> None:
        count, chosen = self.view.problems.rowCount(), len(self.view.chosen)
        text = tr_n("{count} crop", "{count:,} crops", count)
        if chosen:
            text = tr("{crops} · {chosen:,} selected", crops=text, chosen=chosen)
        self.chosen.setText(text)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.view.release_crops()
