"""Thresholds and convention in the tool bar; they change the session's score settings."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.ui.theme import tabular_font

STEPS = 100
"""The confidence slider runs from 0 to this, in hundredths."""


class ScoreControls(QWidget):
    """Confidence slider, IoU threshold and convention."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("confidenceSlider")
        self.slider.setAccessibleName("Confidence threshold in hundredths")
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(5)
        self.slider.setFixedWidth(112)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setToolTip("Confidence threshold: predictions below it take no part in the review ([ and ])")
        self.value = QLabel()
        self.value.setFont(tabular_font(self.font()))
        self.value.setFixedWidth(self.value.fontMetrics().horizontalAdvance("0.000"))
        self.iou_box = QDoubleSpinBox()
        self.iou_box.setObjectName("iouThresholdSpinBox")
        self.iou_box.setAccessibleName("IoU threshold")
        self.iou_box.setRange(0.05, 1.0)
        self.iou_box.setSingleStep(0.05)
        self.iou_box.setDecimals(2)
        self.iou_box.setFixedWidth(60)
        self.iou_box.setKeyboardTracking(False)
        self.iou_box.setToolTip("IoU from which a pair is a true positive")
        self.convention = QComboBox()
        self.convention.setObjectName("conventionComboBox")
        self.convention.setAccessibleName("Pixel convention")
        for convention in Convention:
            self.convention.addItem(convention.value, convention)
        self.convention.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.convention.setToolTip("Width of a box: continuous x2 − x1 (COCO), inclusive x2 − x1 + 1 (PASCAL VOC)")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(6)
        for text, widgets in (("conf", (self.slider, self.value)), ("IoU", (self.iou_box,)), ("", (self.convention,))):
            if text:
                label = QLabel(text)
                label.setProperty("role", "muted")
                layout.addWidget(label)
            for widget in widgets:
                layout.addWidget(widget)
        self.slider.valueChanged.connect(self._on_slider_changed)
        self.iou_box.valueChanged.connect(self._on_iou_changed)
        self.convention.activated.connect(self._on_convention_activated)
        session.scoresChanged.connect(self.show_settings)
        self.show_settings()

    @property
    def _review(self) -> ReviewSettings:
        return self._session.scores.settings.review

    def _set(self, review: ReviewSettings) -> None:
        if review != self._review:
            settings: ScoreSettings = self._session.scores.settings
            self._session.set_score_settings(replace(settings, review=review))

    def change_confidence(self, by: float) -> None:
        """Move the confidence threshold."""
        self._set(replace(self._review, conf=min(1.0, max(0.0, round(self._review.conf + by, 3)))))

    def _on_slider_changed(self, value: int) -> None:
        # A threshold between two steps of the slider (from a project) stays until the slider is moved.
        if value != round(self._review.conf * STEPS):
            self._set(replace(self._review, conf=value / STEPS))

    def _on_iou_changed(self, value: float) -> None:
        if round(value, 2) != round(self._review.iou, 2):
            self._set(replace(self._review, iou=round(value, 2)))

    def _on_convention_activated(self, row: int) -> None:
        self._set(replace(self._review, convention=Convention(self.convention.itemData(row))))

    def show_settings(self) -> None:
        """Show what the session's settings are."""
        review = self._review
        self.slider.setValue(round(review.conf * STEPS))
        self.value.setText(f"{review.conf:.2f}")
        self.iou_box.setValue(review.iou)
        self.convention.setCurrentIndex(self.convention.findData(review.convention))
