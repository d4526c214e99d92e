"""The line under the canvas: playing, the frame's number, and the scores that follow the mouse."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.theme import tabular_font


class NumberLine(QWidget):
    """``frame 0.71 · Avg 0.621 · PQ 0.605 · +0.004 since you began`` beside play button and frame number.

    Signals:
        frameEntered(int): the user typed a frame.
        frameMissed(object): the user typed a number that no frame has, or a text that is no number.
        givenUp(): the user wants to go nowhere.
    """

    frameEntered = Signal(int)
    frameMissed = Signal(object)
    givenUp = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("numberLine")
        self._session = session
        self._began: dict[str, float] = {}
        self._frame_count = -1
        self.play_button = QToolButton()
        self.play_button.setObjectName("playButton")
        self.play_button.setAccessibleName("Play or pause")
        self.play_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.frame_box = FrameBox()
        self.frame_box.setObjectName("frameSpinBox")
        self.frame_box.setAccessibleName("Frame")
        self.frame_box.setKeyboardTracking(False)
        self.frame_box.setButtonSymbols(FrameBox.ButtonSymbols.NoButtons)
        self.frame_box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.frame_box.setFixedWidth(64)
        self.frame_box.setFont(tabular_font(self.font()))
        self.count = QLabel("/ 0")
        self.count.setProperty("role", "muted")
        self.text = QLabel()
        self.text.setObjectName("numbers")
        self.text.setAccessibleName("Scores of this frame and of the video")
        self.text.setFont(tabular_font(self.font()))
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.text.setToolTip(
            "This frame's IoU, Avg IoU and PQ over all labelled frames, all against the baseline; then how far Avg IoU "
            "has moved since you began."
        )
        self._steps = QHBoxLayout()
        self._steps.setSpacing(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.setSpacing(6)
        layout.addLayout(self._steps)
        layout.addWidget(self.frame_box)
        layout.addWidget(self.count)
        layout.addWidget(self.text, 1)
        self.setFixedHeight(32)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self.refresh)
        self.frame_box.valueChanged.connect(self._on_box_changed)
        self.frame_box.editingFinished.connect(self._on_box_finished)
        self.frame_box.givenUp.connect(self.givenUp)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._on_scores_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_source_changed()

    def add_step_actions(self, before: list[QAction], play: QAction, after: list[QAction]) -> None:
        """Buttons on both sides of the play button."""
        for action in [*before, play, *after]:
            button = self.play_button if action is play else QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(18, 18))
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._steps.addWidget(button)

    def add_part(self, part: QWidget) -> None:
        """Something more beside the frame's number."""
        layout = self.layout()
        if isinstance(layout, QHBoxLayout):
            layout.insertWidget(layout.indexOf(self.text), part)

    def _on_box_changed(self, frame: int) -> None:
        if frame != self._session.current_frame:
            self.frameEntered.emit(frame)

    def _on_box_finished(self) -> None:
        asked, self.frame_box.asked = self.frame_box.asked, None
        if asked is not None:
            self.frameMissed.emit(asked)
        if self.frame_box.hasFocus():
            # Return was pressed, perhaps on the frame that is shown: the keys belong to the canvas again.
            self.frameEntered.emit(self.frame_box.value())
        else:
            self.frame_box.show_number(self._session.current_frame)

    def _on_source_changed(self) -> None:
        self._began = {}
        last = max(0, self._session.frame_count - 1)
        self._frame_count = self._session.frame_count
        self.frame_box.setRange(0, last)
        self.frame_box.setEnabled(self._session.frame_count > 0)
        self.count.setText(f"/ {last}" if self._session.frame_count else "")
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.frame_box.show_number(frame)
        self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if change.frames:
            self.refresh()

    def _on_scores_changed(self) -> None:
        # Thresholds, a new variant, results of a run: what moved since is not the user's doing.
        self._began = {}
        self._late.start()

    def _on_predictions_changed(self, key: str, _frames: object) -> None:
        baseline = self._session.variants.baseline
        if baseline is not None and baseline.key == key:
            self._on_scores_changed()

    def refresh(self) -> None:
        """Write the numbers as they are now."""
        session = self._session
        baseline = session.variants.baseline
        if session.frame_count != self._frame_count:
            self._on_source_changed()
            return
        if baseline is None or not session.frame_count:
            self.text.setText("" if not session.frame_count else "no predictions yet")
            return
        summary = session.scores.summary(baseline.key)
        frame = session.scores.frame_iou(baseline.key, session.current_frame)
        average = math.nan if summary.avg_iou is None else summary.avg_iou
        began = self._began.setdefault(baseline.key, average)
        moved = average - began
        parts = [
            f"frame {_figures(frame, 2)}",
            f"Avg {_figures(average, 3)}",
            f"PQ {_figures(summary.pq, 3)}",
            f"{_signed(moved)} since you began",
        ]
        self.text.setText("  ·  ".join(parts))

    def minimumSizeHint(self) -> QSize:
        return QSize(QFontMetrics(self.font()).averageCharWidth() * 60, 32)


def _figures(value: float | None, digits: int) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _signed(value: float) -> str:
    if math.isnan(value):
        return "–"
    # One edge of one box among thousands moves an average by less than a thousandth: it is seen all the same.
    digits = 3 if abs(value) >= 0.0005 else 5
    text = f"{value:+.{digits}f}"
    return "±0.000" if float(text) == 0.0 else text.replace("-", "−")
