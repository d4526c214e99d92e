"""Thresholds and pixel convention: they change the session's score settings."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.i18n import tr
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.theme import Theme, icon, make_popup
from iouviewer.ui.tokens import SPACE

CONFIDENCE_STEPS = 100
"""Maximum of the confidence slider, which counts hundredths."""
_SLIDER_WIDTH = 56
PIXEL_EDGES = {Convention.CONTINUOUS: tr("Continuous (COCO)"), Convention.INCLUSIVE: tr("Inclusive (VOC)")}


class ScoreControls(QWidget):
    """Confidence slider and IoU threshold; pixel edges, and in a narrow window all, in a popup."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("scoreControls")
        self._session = session
        self._is_folded, self._is_wordless = False, False
        self.slider = self._make_slider()
        self.value = QLabel()
        self.value.setFont(font("body"))
        self.value.setFixedWidth(text_width("body", "0.00") + 2)
        self.iou_box = self._make_iou_box()
        self.convention = self._make_convention()
        self._confidence_word = QLabel(tr("Confidence ≥"))
        self._confidence = _group(self._confidence_word, self.slider, self.value)
        self._iou = _group(QLabel(tr("IoU ≥")), self.iou_box)
        self.button = QToolButton()
        self.button.setObjectName("thresholdsButton")
        self.button.setAccessibleName(tr("Thresholds and pixel edges"))
        self.button.setToolTip(tr("Thresholds and pixel edges"))
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._open_popup)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(SPACE["s"])
        self.popup = self._make_popup()
        self._place_groups()
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.iou_box.valueChanged.connect(self._on_iou_box_value_changed)
        self.convention.activated.connect(self._on_convention_activated)
        session.scoresChanged.connect(self.show_settings)
        self.show_settings()

    @staticmethod
    def _make_slider() -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName("confidenceSlider")
        slider.setAccessibleName(tr("Confidence threshold in hundredths"))
        slider.setRange(0, CONFIDENCE_STEPS)
        slider.setPageStep(5)
        slider.setFixedWidth(_SLIDER_WIDTH)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider.setToolTip(
            tr("Confidence threshold: predictions below it are not matched with the ground truth ([ and ])")
        )
        return slider

    @staticmethod
    def _make_iou_box() -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setObjectName("iouThresholdSpinBox")
        box.setAccessibleName(tr("IoU threshold"))
        box.setProperty("quiet", True)
        box.setFont(font("body"))
        box.setRange(0.05, 1.0)
        box.setSingleStep(0.05)
        box.setDecimals(2)
        box.setFixedWidth(text_width("body", "0.00") + 14)
        box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        box.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        box.setKeyboardTracking(False)
        box.setToolTip(tr("IoU threshold: a pair at or above it is a true positive, a pair below it is loose"))
        return box

    @staticmethod
    def _make_convention() -> QComboBox:
        box = QComboBox()
        box.setObjectName("conventionComboBox")
        box.setAccessibleName(tr("Pixel edges"))
        for convention, text in PIXEL_EDGES.items():
            box.addItem(text, convention)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.setToolTip(
            tr("Pixel edges: the width of a box is x2 − x1 (continuous, COCO) or x2 − x1 + 1 (inclusive, PASCAL VOC)")
        )
        return box

    def _make_popup(self) -> QFrame:
        popup = QFrame(self, Qt.WindowType.Popup)
        popup.setObjectName("thresholdsPopup")
        make_popup(popup)
        self._column = QVBoxLayout(popup)
        self._column.setContentsMargins(SPACE["m"], SPACE["m"], SPACE["m"], SPACE["m"])
        self._column.setSpacing(SPACE["s"])
        self._column.addWidget(_group(QLabel(tr("Pixel edges")), self.convention))
        return popup

    def _place_groups(self) -> None:
        groups = (self._confidence, self._iou)
        if self._is_folded:
            for place, group in enumerate(groups):
                self._column.insertWidget(place, group)
        else:
            for group in groups:
                self._row.addWidget(group)
        self._row.addWidget(self.button)
        for group in groups:
            group.show()
        style = Qt.ToolButtonStyle
        is_folded = self._is_folded
        has_word = is_folded and not self._is_wordless
        self.button.setText(tr("Thresholds") if has_word else "")
        self.button.setToolButtonStyle(style.ToolButtonTextBesideIcon if has_word else style.ToolButtonIconOnly)
        self.button.setProperty("outlined", is_folded)
        self.button.setProperty("bare", not is_folded)
        self.button.style().unpolish(self.button)
        self.button.style().polish(self.button)

    def set_folded(self, is_folded: bool, *, is_wordless: bool = False, is_short: bool = False) -> None:
        """Put confidence and IoU into the popup, or show them.

        Args:
            is_wordless: the button has no word.
            is_short: confidence has a short word beside its slider.
        """
        self._confidence_word.setText(tr("Conf ≥") if is_short and not is_folded else tr("Confidence ≥"))
        if (is_folded, is_wordless) != (self._is_folded, self._is_wordless):
            self._is_folded, self._is_wordless = is_folded, is_wordless
            self._place_groups()

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icon."""
        self.button.setIcon(icon("chevron", theme))

    def _open_popup(self) -> None:
        self.popup.adjustSize()
        corner = self.button.mapToGlobal(QPoint(self.button.width(), self.button.height()))
        self.popup.move(corner - QPoint(self.popup.width(), 0))
        self.popup.show()
        (self.slider if self._is_folded else self.convention).setFocus()

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        return [self.button] if self._is_folded else [self.slider, self.iou_box, self.button]

    @property
    def _review(self) -> ReviewSettings:
        return self._session.scores.settings.review

    def _set_review(self, review: ReviewSettings) -> None:
        if review != self._review:
            settings: ScoreSettings = self._session.scores.settings
            self._session.set_score_settings(replace(settings, review=review))

    def change_confidence(self, by: float) -> None:
        """Raise or lower the confidence threshold."""
        self.set_confidence(self._review.conf + by)

    def set_confidence(self, value: float) -> None:
        """Set the confidence threshold, limited to 0..1."""
        self._set_review(replace(self._review, conf=min(1.0, max(0.0, round(value, 3)))))

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


def _group(label: QLabel, *widgets: QWidget) -> QWidget:
    """A muted word and its controls."""
    group = QWidget()
    layout = QHBoxLayout(group)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE["xs"])
    label.setProperty("role", "muted")
    layout.addWidget(label)
    for widget in widgets:
        layout.addWidget(widget)
    return group
