"""What the inspector shows while nothing is selected: the numbers of the current frame."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameState
from iouviewer.document.frame_states import FrameWork, work_of
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.metrics.review import PairState
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SPACE, TYPE


class FrameSummary(QWidget):
    """Boxes, predictions, missed, extra, frame IoU and state of the frame, with the button that verifies it.

    Signals:
        verifyRequested(): the button was clicked.
    """

    verifyRequested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("frameSummary")
        self._session = session
        self._title = QLabel()
        self._title.setFont(font("strong"))
        self._names: list[QLabel] = []
        self._values: list[QLabel] = []
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        for row in range(6):
            name, value = QLabel(), QLabel()
            name.setProperty("role", "muted")
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            for column, label in enumerate((name, value)):
                label.setFixedHeight(TYPE["body"].line)
                grid.addWidget(label, row, column)
            self._names.append(name)
            self._values.append(value)
        self._verify = QPushButton(tr("Verify"))
        self._verify.setObjectName("inspector.verify")
        self._verify.clicked.connect(self.verifyRequested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self._title)
        layout.addLayout(grid)
        layout.addWidget(self._verify, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        self._verify_key = ""

    def set_key(self, key: str) -> None:
        """Show the key of “Verify and go to next” on the button."""
        self._verify.setText(tr("Verify {key}", key=key) if key else tr("Verify"))

    def refresh(self) -> None:
        """Show the numbers of the current frame."""
        session = self._session
        has_video = session.frame_count > 0
        for widget in (self._title, self._verify, *self._names, *self._values):
            widget.setVisible(has_video)
        if not has_video:
            return
        frame, truth = session.current_frame, session.ground_truth
        self._title.setText(tr("Frame {frame:,}", frame=frame))
        rows = [
            (tr("Boxes"), f"{len(truth.boxes(frame)):,}"),
            *self._score_rows(frame),
            (tr("State"), self._state(frame)),
        ]
        for place, (name, value) in enumerate(zip(self._names, self._values, strict=True)):
            is_used = place < len(rows)
            name.setVisible(is_used)
            value.setVisible(is_used)
            if is_used:
                name.setText(rows[place][0])
                value.setText(rows[place][1])
        self._verify.setEnabled(work_of(truth, frame) in (FrameWork.NOT_VERIFIED, FrameWork.CHANGED))

    def _score_rows(self, frame: int) -> list[tuple[str, str]]:
        session, baseline = self._session, self._session.variants.baseline
        if baseline is None or session.view_state.is_blind:
            return []
        name = tr(
            "Predictions, {variant} ≥ {confidence:.2f}",
            variant=baseline.name,
            confidence=session.scores.settings.review.conf,
        )
        if not baseline.predictions.covered[frame]:
            return [(name, tr("not covered"))]
        review = session.scores.frame_review(baseline.key, frame)
        used = int(np.count_nonzero((review.pred_rows >= 0) & (review.state != PairState.BELOW_CONFIDENCE)))
        if session.ground_truth.state(frame) is not FrameState.LABELLED:
            return [(name, f"{used:,}")]
        missed, extra = (int(np.count_nonzero(review.state == s)) for s in (PairState.MISS, PairState.FALSE_POSITIVE))
        iou = session.scores.frame_iou(baseline.key, frame)
        return [
            (name, f"{used:,}"),
            (tr("Missed"), f"{missed:,}"),
            (tr("Extra"), f"{extra:,}"),
            (tr("Frame IoU"), UNDEFINED if math.isnan(iou) else f"{iou:.3f}"),
        ]

    def _state(self, frame: int) -> str:
        truth = self._session.ground_truth
        match work_of(truth, frame):
            case FrameWork.EXCLUDED:
                return tr("Excluded from scores")
            case FrameWork.VERIFIED:
                return tr("Verified")
            case FrameWork.VERIFIED_EMPTY:
                return tr("Verified empty")
            case FrameWork.CHANGED:
                return tr("Changed since verified")
            case FrameWork.NOT_VERIFIED:
                return tr("Not verified") if truth.state(frame) is FrameState.LABELLED else tr("Not labelled")
