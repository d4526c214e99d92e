"""Brightness and contrast of the image on screen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.theme import tabular_font

_MAX_CONTRAST = 4.0


class ImageLevelsDialog(QDialog):
    """Two sliders that take effect at once; the dialog is not modal.

    Signals:
        changed(float, float): brightness -1..1 and contrast 0.25..4; 0 and 1 leave the image unchanged.
    """

    changed = Signal(float, float)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureLevels")
        self.setWindowTitle(tr("Brightness and contrast"))
        self.brightness, self._brightness_text = self._create_slider("brightnessSlider", tr("Brightness"))
        self.contrast, self._contrast_text = self._create_slider("contrastSlider", tr("Contrast"))
        grid = QGridLayout()
        rows = ((self.brightness, self._brightness_text), (self.contrast, self._contrast_text))
        for row, (slider, text) in enumerate(rows):
            grid.addWidget(QLabel(slider.accessibleName()), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(text, row, 2)
        note = QLabel(tr("Only the display changes; models and exports use the original image."))
        note.setProperty("role", "muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Reset | QDialogButtonBox.StandardButton.Close)
        reset = buttons.button(QDialogButtonBox.StandardButton.Reset)
        reset.setAutoDefault(False)
        reset.clicked.connect(self.reset)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(note)
        layout.addWidget(buttons)
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
        text.setFont(tabular_font(self.font()))
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
