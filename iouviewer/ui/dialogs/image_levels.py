"""Brightness and contrast of the image on screen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SPACE

_MAX_CONTRAST = 4.0


class ImageLevelsDialog(FramedDialog):
    """Two sliders that take effect at once; the dialog is not modal.

    Signals:
        changed(float, float): brightness -1..1 and contrast 0.25..4; 0 and 1 leave the image unchanged.
    """

    changed = Signal(float, float)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent, title=tr("Brightness and contrast"), name="pictureLevels")
        self.brightness, self._brightness_text = self._create_slider("brightnessSlider", tr("Brightness"))
        self.contrast, self._contrast_text = self._create_slider("contrastSlider", tr("Contrast"))
        grid = QGridLayout()
        rows = ((self.brightness, self._brightness_text), (self.contrast, self._contrast_text))
        for row, (slider, text) in enumerate(rows):
            grid.addWidget(field_label(slider.accessibleName(), slider), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(text, row, 2)
        grid.setHorizontalSpacing(SPACE["m"])
        grid.setVerticalSpacing(SPACE["s"])
        note = QLabel(tr("Only the display changes; models and exports use the original image."))
        note.setProperty("role", "caption")
        self.body.addLayout(grid)
        self.body.addWidget(note)
        self.add_secondary(tr("Reset")).clicked.connect(self.reset)
        self.add_primary(tr("Close")).clicked.connect(self.reject)
        self._update_values()

    def _create_slider(self, name: str, accessible: str) -> tuple[QSlider, QLabel]:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(name)
        slider.setAccessibleName(accessible)
        slider.setRange(-100, 100)
        slider.setPageStep(10)
        slider.setMinimumWidth(220)
        slider.valueChanged.connect(self._on_slider_changed)
        text = QLabel()
        text.setFont(font("body"))
        text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        text.setMinimumWidth(text.fontMetrics().horizontalAdvance("×0.25 +"))
        return slider, text

    @property
    def values(self) -> tuple[float, float]:
        """Brightness -1..1 and contrast 0.25..4."""
        return self.brightness.value() / 100, round(_MAX_CONTRAST ** (self.contrast.value() / 100), 3)

    def reset(self) -> None:
        """Reset both sliders to the original image."""
        self.brightness.setValue(0)
        self.contrast.setValue(0)

    def _on_slider_changed(self) -> None:
        self._update_values()
        self.changed.emit(*self.values)

    def _update_values(self) -> None:
        brightness, contrast = self.values
        self._brightness_text.setText(f"{100 * brightness:+.0f} %" if brightness else "0 %")
        self._contrast_text.setText(f"×{contrast:.2f}")
