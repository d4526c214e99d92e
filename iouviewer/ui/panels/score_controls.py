"""Thresholds and pixel convention in the toolbar; they change the session's score settings."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.i18n import tr
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.ui.tables.variants_model import CONVENTION_TEXTS
from iouviewer.ui.theme import tabular_font

CONFIDENCE_STEPS = 100
"""Maximum of the confidence slider, which counts hundredths."""


class ScoreControls(QWidget):
    """Confidence slider, IoU threshold and convention."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("confidenceSlider")
        self.slider.setAccessibleName(tr("Confidence threshold in hundredths"))
        self.slider.setRange(0, CONFIDENCE_STEPS)
        self.slider.setPageStep(5)
        self.slider.setFixedWidth(112)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setToolTip(
            tr("Confidence threshold: predictions below it are not matched with the ground truth ([ and ])")
        )
        self.value = QLabel()
        self.value.setFont(tabular_font(self.font()))
        self.value.setFixedWidth(self.value.fontMetrics().horizontalAdvance("0.000"))
        self.iou_box = QDoubleSpinBox()
        self.iou_box.setObjectName("iouThresholdSpinBox")
        self.iou_box.setAccessibleName(tr("IoU threshold"))
        self.iou_box.setRange(0.05, 1.0)
        self.iou_box.setSingleStep(0.05)
        self.iou_box.setDecimals(2)
        self.iou_box.setFixedWidth(60)
        self.iou_box.setKeyboardTracking(False)
        self.iou_box.setToolTip(tr("IoU threshold: a pair at or above it is a true positive, a pair below it is loose"))
        self.convention = QComboBox()
        self.convention.setObjectName("conventionComboBox")
        self.convention.setAccessibleName(tr("Pixel edges"))
        for convention in Convention:
            self.convention.addItem(CONVENTION_TEXTS[convention], convention)
        self.convention.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.convention.setToolTip(
            tr("Pixel edges: the width of a box is x2 − x1 (continuous, COCO) or x2 − x1 + 1 (inclusive, PASCAL VOC)")
        )
        self._lay_out()
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.iou_box.valueChanged.connect(self._on_iou_box_value_changed)
        self.convention.activated.connect(self._on_convention_activated)
        session.scoresChanged.connect(self.show_settings)
        self.show_settings()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(6)
        groups = ((tr("conf"), (self.slider, self.value)), (tr("IoU"), (self.iou_box,)), ("", (self.convention,)))
        for text, widgets in groups:
            if text:
                label = QLabel(text)
                label.setProperty("role", "muted")
                layout.addWidget(label)
            for widget in widgets:
                layout.addWidget(widget)

    @property
    def _review(self) -> ReviewSettings:
        return self._session.scores.settings.review

    def _set_review(self, review: ReviewSettings) -> None:
        if review != self._review:
            settings: ScoreSettings = self._session.scores.settings
            self._session.set_score_settings(replace(settings, review=review))

    def change_confidence(self, by: float) -> None:
        """Raise or lower the confidence threshold."""
        self._set_review(replace(self._review, conf=min(1.0, max(0.0, round(self._review.conf + by, 3)))))

    def _on_slider_value_changed(self, value: int) -> None:
        # Keep a threshold between two slider steps (from a project) until the slider is moved.
        if value != round(self._review.conf * CONFIDENCE_STEPS):
            self._set_review(replace(self._review, conf=value / CONFIDENCE_STEPS))

    def _on_iou_box_value_changed(self, value: float) -> None:
        if round(value, 2) != round(self._review.iou, 2):
            self._set_review(replace(self._review, iou=round(value, 2)))

    def _on_convention_activated(self, row: int) -> None:
        self._set_review(replace(self._review, convention=Convention(self.convention.itemData(row))))

    def show_settings(self) -> None:
        """Show the session's current settings."""
        review = self._review
        self.slider.setValue(round(review.conf * CONFIDENCE_STEPS))
        self.value.setText(f"{review.conf:.2f}")
        self.iou_box.setValue(review.iou)
        self.convention.setCurrentIndex(self.convention.findData(review.convention))
