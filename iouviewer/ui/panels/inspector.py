"""The inspector of a pair: the IoU family, how far the current drag moved it, and why it is (not) a match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.edits import Change, Phase
from iouviewer.metrics.iou import IouFamilyPair, family_pair, iou_matrix
from iouviewer.ui.canvas.explain import describe
from iouviewer.ui.canvas.hit import Ref, truth_ref
from iouviewer.ui.canvas.review_view import Reviewed, reviewed
from iouviewer.ui.palette import band_colour
from iouviewer.ui.theme import tabular_font

_NAMES = ("IoU", "GIoU", "DIoU", "CIoU")


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the inspector shows: a ground-truth box and a prediction, either may be missing."""

    ref: Ref
    truth: Rect | None
    prediction: Rect | None


class Inspector(QWidget):
    """Shows the selected box against the baseline's prediction, or the selected prediction."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAccessibleName("Inspector of the selected pair")
        self._session = session
        self._before: IouFamilyPair | None = None
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
            value, delta = QLabel("–"), QLabel("")
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
        # Room for most explanations, longer ones scroll: nothing jumps when they change.
        scroll.setMinimumHeight(self.fontMetrics().lineSpacing() * 4 + 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(scroll, 1)
        session.selectionChanged.connect(self._on_reference_changed)
        session.frameChanged.connect(self._on_reference_changed)
        session.scoresChanged.connect(self._on_reference_changed)
        session.sourceChanged.connect(self._on_reference_changed)
        session.changed.connect(self._on_session_changed)
        self._on_reference_changed()

    def _on_reference_changed(self) -> None:
        self._before = None
        self.refresh(live=False)

    def _on_session_changed(self, change: Change) -> None:
        live = change.phase is Phase.LIVE and change.origin != "cancel"
        if not live:
            self._before = None
        self.refresh(live=live)

    def refresh(self, *, live: bool) -> None:
        """Show the selection as it is; ``live`` keeps what the drag began with and shows the difference."""
        found = self._inspected()
        family: IouFamilyPair | None = None
        if found is not None and found.truth is not None and found.prediction is not None:
            convention = self._session.scores.settings.review.convention
            family = family_pair(found.truth, found.prediction, convention)
        for place, value in enumerate(self._values):
            number = None if family is None else family[place]
            value.setText("–" if number is None else f"{number:.3f}".replace("-", "−"))
            colour = band_colour(number) if number is not None and place == 0 else ""
            value.setStyleSheet(f"color: {colour}; font-weight: 600" if colour else "")
            delta = ""
            if live and number is not None and self._before is not None:
                delta = f"{number - self._before[place]:+.3f}".replace("-", "−")
            self._deltas[place].setText(delta)
        if not live:
            self._before = family
        self.text.setText(self._explanation(found))

    def _reviews(self) -> list[Reviewed]:
        session = self._session
        baseline = session.variants.baseline
        visible = sorted(session.variants.visible(), key=lambda v: baseline is None or v.key != baseline.key)
        return [reviewed(session, variant, session.current_frame) for variant in visible]

    def _explanation(self, found: Inspected | None) -> str:
        if not self._session.frame_count:
            return ""
        if found is None:
            return "Click a box to see how well it is matched, and why."
        return describe(self._session, found.ref, self._session.current_frame, self._reviews())

    def _inspected(self) -> Inspected | None:
        session = self._session
        if not session.frame_count:
            return None
        if session.selection.prediction is not None:
            return self._of_prediction(*session.selection.prediction)
        if len(session.selection.boxes) != 1:
            return None
        box = session.ground_truth.find(next(iter(session.selection.boxes)))
        if box is None or box.frame != session.current_frame:
            return None
        baseline = session.variants.baseline
        if baseline is None:
            return Inspected(truth_ref(box.id), box.rect, None)
        review = reviewed(session, baseline, box.frame)
        table = baseline.predictions.table
        row = review.partner_of.get(box.id)
        if row is None:
            row = self._nearest(box.rect)
        rect = None if row is None else _rect(table.boxes[:, row].tolist())
        return Inspected(truth_ref(box.id), box.rect, rect)

    def _nearest(self, rect: Rect) -> int | None:
        """Row of the baseline's prediction that overlaps a box most, None if none does."""
        baseline = self._session.variants.baseline
        if baseline is None:
            return None
        rows = baseline.predictions.table.rows(self._session.current_frame)
        boxes = baseline.predictions.table.boxes[:, rows]
        if not boxes.shape[1]:
            return None
        overlap = iou_matrix(np.array([rect]).T, boxes)[0]
        best = int(overlap.argmax())
        return rows.start + best if overlap[best] > 0 else None

    def _of_prediction(self, key: str, row: int) -> Inspected | None:
        variant = self._session.variants.find(key)
        if variant is None or row >= len(variant.predictions.table):
            return None
        review = reviewed(self._session, variant, self._session.current_frame)
        owner = review.owner_of.get(row)
        box = None if owner is None else self._session.ground_truth.find(owner)
        rect = _rect(variant.predictions.table.boxes[:, row].tolist())
        return Inspected(Ref(key, row), None if box is None else box.rect, rect)


def _rect(values: list[float]) -> Rect:
    x1, y1, x2, y2 = values
    return x1, y1, x2, y2
