"""The inspector of a pair: the IoU family, its change during a drag, and why the pair is (not) a match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.edits import Change, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.jobs.overlaps import IouFamilyPair, family_pair, iou_matrix
from iouviewer.ui.canvas.explain import describe
from iouviewer.ui.canvas.frame_view_builder import VariantReview, review_variant
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from iouviewer.ui.palette import band_colour
from iouviewer.ui.theme import tabular_font

_NAMES = ("IoU", "GIoU", "DIoU", "CIoU")
_EMPTY_TEXT = tr("Select a box to see its match")


@dataclass(frozen=True, slots=True)
class InspectedPair:
    """A ground-truth box and a prediction; either may be missing."""

    ref: BoxRef
    ground_truth: Rect | None
    prediction: Rect | None


class Inspector(QWidget):
    """Shows the selected box against the baseline's prediction, or the selected prediction."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAccessibleName(tr("Inspector of the selected pair"))
        self._session = session
        self._at_drag_start: IouFamilyPair | None = None
        self._values: list[QLabel] = []
        self._deltas: list[QLabel] = []
        grid = QGridLayout()
        grid.setContentsMargins(8, 0, 8, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        font = tabular_font(self.font())
        for column, name in enumerate(_NAMES):
            head = QLabel(name)
            head.setProperty("role", "muted")
            value, delta = QLabel(UNDEFINED), QLabel("")
            value.setObjectName(f"inspector{name}")
            value.setAccessibleName(name)
            for row, label in enumerate((head, value, delta)):
                label.setAlignment(Qt.AlignmentFlag.AlignRight)
                label.setFont(font)
                grid.addWidget(label, row, column)
            delta.setProperty("role", "muted")
            self._values.append(value)
            self._deltas.append(delta)
        self.text = QLabel()
        self.text.setObjectName("inspectorText")
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setContentsMargins(8, 0, 8, 4)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.text)
        # High enough for most explanations; longer ones scroll, which keeps the layout stable.
        scroll.setMinimumHeight(self.fontMetrics().lineSpacing() * 4 + 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(scroll, 1)
        session.selectionChanged.connect(self._show_selection)
        session.frameChanged.connect(self._show_selection)
        session.scoresChanged.connect(self._show_selection)
        session.sourceChanged.connect(self._show_selection)
        session.changed.connect(self._on_session_changed)
        self._show_selection()

    def _show_selection(self) -> None:
        self._at_drag_start = None
        self.refresh(live=False)

    def _on_session_changed(self, change: Change) -> None:
        live = change.phase is Phase.LIVE and change.origin != "cancel"
        if not live:
            self._at_drag_start = None
        self.refresh(live=live)

    def refresh(self, *, live: bool) -> None:
        """Show the current selection.

        Args:
            live: during a drag: keep the values from its start and show the difference from them.
        """
        pair = self._inspected_pair()
        family: IouFamilyPair | None = None
        if pair is not None and pair.ground_truth is not None and pair.prediction is not None:
            convention = self._session.scores.settings.review.convention
            family = family_pair(pair.ground_truth, pair.prediction, convention)
        for place, value in enumerate(self._values):
            number = None if family is None else family[place]
            value.setText(UNDEFINED if number is None else f"{number:.3f}".replace("-", "−"))
            colour = band_colour(number) if number is not None and place == 0 else ""
            value.setStyleSheet(f"color: {colour}; font-weight: 600" if colour else "")
            delta = ""
            if live and number is not None and self._at_drag_start is not None:
                delta = f"{number - self._at_drag_start[place]:+.3f}".replace("-", "−")
            self._deltas[place].setText(delta)
        if not live:
            self._at_drag_start = family
        self.text.setText(self._explanation(pair))

    def _reviews(self) -> list[VariantReview]:
        session = self._session
        baseline = session.variants.baseline
        visible = sorted(session.variants.visible(), key=lambda v: baseline is None or v.key != baseline.key)
        return [review_variant(session, variant, session.current_frame) for variant in visible]

    def _explanation(self, pair: InspectedPair | None) -> str:
        if not self._session.frame_count:
            return ""
        if pair is None:
            return _EMPTY_TEXT
        return describe(self._session, pair.ref, self._session.current_frame, self._reviews())

    def _inspected_pair(self) -> InspectedPair | None:
        session = self._session
        if not session.frame_count:
            return None
        if session.selection.prediction is not None:
            return self._pair_of_prediction(*session.selection.prediction)
        if len(session.selection.boxes) != 1:
            return None
        box = session.ground_truth.find(next(iter(session.selection.boxes)))
        if box is None or box.frame != session.current_frame:
            return None
        baseline = session.variants.baseline
        if baseline is None:
            return InspectedPair(truth_ref(box.id), box.rect, None)
        review = review_variant(session, baseline, box.frame)
        table = baseline.predictions.table
        row = review.partner_of.get(box.id)
        if row is None:
            row = self._best_overlap(box.rect)
        rect = None if row is None else _rect(table.boxes[:, row].tolist())
        return InspectedPair(truth_ref(box.id), box.rect, rect)

    def _best_overlap(self, rect: Rect) -> int | None:
        """Row of the baseline's prediction with the largest IoU; None if no prediction overlaps."""
        baseline = self._session.variants.baseline
        if baseline is None:
            return None
        rows = baseline.predictions.table.rows(self._session.current_frame)
        boxes = baseline.predictions.table.boxes[:, rows]
        if not boxes.shape[1]:
            return None
        ious = iou_matrix(np.array([rect]).T, boxes)[0]
        best = int(ious.argmax())
        return rows.start + best if ious[best] > 0 else None

    def _pair_of_prediction(self, key: str, row: int) -> InspectedPair | None:
        variant = self._session.variants.find(key)
        if variant is None or row >= len(variant.predictions.table):
            return None
        review = review_variant(self._session, variant, self._session.current_frame)
        owner = review.owner_of.get(row)
        box = None if owner is None else self._session.ground_truth.find(owner)
        rect = _rect(variant.predictions.table.boxes[:, row].tolist())
        return InspectedPair(BoxRef(key, row), None if box is None else box.rect, rect)


def _rect(values: list[float]) -> Rect:
    x1, y1, x2, y2 = values
    return x1, y1, x2, y2
