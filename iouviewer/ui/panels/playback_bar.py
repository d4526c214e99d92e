"""The bar below the canvas: playback buttons, the frame number, and scores that update with every edit."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.theme import tabular_font


class PlaybackBar(QWidget):
    """``Frame 0.71 · Avg 0.621 · PQ 0.605 · +0.004 in this session`` beside playback buttons and frame number.

    Signals:
        frameEntered(int): a frame number was entered.
        frameOutOfRange(object): the entry was a number without a frame (int) or not a number (str).
        editCancelled(): Esc was pressed; the frame does not change.
    """

    frameEntered = Signal(int)
    frameOutOfRange = Signal(object)
    editCancelled = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("numberLine")
        self._session = session
        self._initial_avg_iou: dict[str, float] = {}
        self._frame_count = -1
        self.play_button = QToolButton()
        self.play_button.setObjectName("playButton")
        self.play_button.setAccessibleName(tr("Play / Pause"))
        self.play_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.frame_box = self._make_frame_box()
        self.count = QLabel("/ 0")
        self.count.setProperty("role", "muted")
        self.text = QLabel()
        self.text.setObjectName("numbers")
        self.text.setAccessibleName(tr("Scores of this frame and of the video"))
        self.text.setFont(tabular_font(self.font()))
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.text.setToolTip(
            tr(
                "IoU of this frame; Avg IoU and PQ over all labelled frames, for the baseline; and the change of "
                "Avg IoU by the edits of this session."
            )
        )
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.setSpacing(6)
        layout.addLayout(self._buttons)
        layout.addWidget(self.frame_box)
        layout.addWidget(self.count)
        layout.addWidget(self.text, 1)
        self.setFixedHeight(32)
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(0)
        self._refresh_timer.timeout.connect(self.refresh)
        self.frame_box.valueChanged.connect(self._on_frame_box_value_changed)
        self.frame_box.editingFinished.connect(self._on_frame_box_editing_finished)
        self.frame_box.editCancelled.connect(self.editCancelled)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._on_scores_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_source_changed()

    def _make_frame_box(self) -> FrameBox:
        box = FrameBox()
        box.setObjectName("frameSpinBox")
        box.setAccessibleName(tr("Frame"))
        box.setKeyboardTracking(False)
        box.setButtonSymbols(FrameBox.ButtonSymbols.NoButtons)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFixedWidth(64)
        box.setFont(tabular_font(self.font()))
        return box

    def add_step_actions(self, before: list[QAction], play: QAction, after: list[QAction]) -> None:
        """Add buttons on both sides of the play button."""
        for action in [*before, play, *after]:
            button = self.play_button if action is play else QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(18, 18))
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._buttons.addWidget(button)

    def add_widget(self, widget: QWidget) -> None:
        """Add a widget to the right of the frame number."""
        layout = self.layout()
        if isinstance(layout, QHBoxLayout):
            layout.insertWidget(layout.indexOf(self.text), widget)

    def _on_frame_box_value_changed(self, frame: int) -> None:
        if frame != self._session.current_frame:
            self.frameEntered.emit(frame)

    def _on_frame_box_editing_finished(self) -> None:
        entry, self.frame_box.rejected_entry = self.frame_box.rejected_entry, None
        if entry is not None:
            self.frameOutOfRange.emit(entry)
        if self.frame_box.hasFocus():
            # Return was pressed, possibly on the current frame: move the focus back to the canvas in any case.
            self.frameEntered.emit(self.frame_box.value())
        else:
            self.frame_box.show_frame(self._session.current_frame)

    def _on_source_changed(self) -> None:
        self._initial_avg_iou = {}
        last = max(0, self._session.frame_count - 1)
        self._frame_count = self._session.frame_count
        self.frame_box.setRange(0, last)
        self.frame_box.setEnabled(self._session.frame_count > 0)
        self.count.setText(f"/ {last}" if self._session.frame_count else "")
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.frame_box.show_frame(frame)
        self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if change.frames:
            self.refresh()

    def _on_scores_changed(self) -> None:
        # Thresholds, new variants and run results are not edits: reset the reference value.
        self._initial_avg_iou = {}
        self._refresh_timer.start()

    def _on_predictions_changed(self, key: str, _frames: object) -> None:
        baseline = self._session.variants.baseline
        if baseline is not None and baseline.key == key:
            self._on_scores_changed()

    def refresh(self) -> None:
        """Show the current scores."""
        session = self._session
        baseline = session.variants.baseline
        if session.frame_count != self._frame_count:
            self._on_source_changed()
            return
        if baseline is None or not session.frame_count:
            self.text.setText("" if not session.frame_count else tr("No predictions"))
            return
        summary = session.scores.summary(baseline.key)
        frame_iou = session.scores.frame_iou(baseline.key, session.current_frame)
        avg_iou = math.nan if summary.avg_iou is None else summary.avg_iou
        initial = self._initial_avg_iou.setdefault(baseline.key, avg_iou)
        self.text.setText(
            tr(
                "Frame {frame}  ·  Avg {average}  ·  PQ {pq}  ·  {change} in this session",
                frame=_number_text(frame_iou, 2),
                average=_number_text(avg_iou, 3),
                pq=_number_text(summary.pq, 3),
                change=_change_text(avg_iou - initial),
            )
        )

    def minimumSizeHint(self) -> QSize:
        return QSize(QFontMetrics(self.font()).averageCharWidth() * 60, 32)


def _number_text(value: float | None, digits: int) -> str:
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _change_text(change: float) -> str:
    if math.isnan(change):
        return UNDEFINED
    # Moving one edge of one box among thousands changes the mean by less than 0.001, which must still be visible.
    digits = 3 if abs(change) >= 0.0005 else 5
    text = f"{change:+.{digits}f}"
    return "±0.000" if float(text) == 0.0 else text.replace("-", "−")
