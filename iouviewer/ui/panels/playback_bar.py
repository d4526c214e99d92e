"""The bar below the canvas: playback buttons, the frame number, and scores that update with every edit."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.panels.status_bar import format_time
from iouviewer.ui.panels.walk_chip import WalkChip
from iouviewer.ui.throttle import Throttle
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE, TYPE

_FRAME, _AVERAGE, _PQ, _AP = tr("Frame"), tr("Avg IoU"), tr("PQ"), tr("AP")
_EXCLUDED = tr("Frames excluded")


class ScoreLine(QLabel):
    """``Frame 0.71   Avg IoU 0.621   PQ 0.605``: words are muted, numbers strong; the last give way."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("numbers")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._parts: tuple[tuple[str, str], ...] = ()
        self._word_font, self._number_font = font("body"), font("strong")

    def show_parts(self, *parts: tuple[str, str]) -> None:
        """Show words with their numbers."""
        if parts != self._parts:
            self._parts = parts
            self.setAccessibleDescription(self.text())
            self.update()

    def text(self) -> str:
        """The words with their numbers. The label itself has no text: a new one would lay out the window again."""
        return "  ·  ".join(f"{word} {number}".strip() for word, number in self._parts)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = scheme_theme().colours
        words, numbers = QFontMetrics(self._word_font), QFontMetrics(self._number_font)
        painter = QPainter(self)
        baseline = (self.height() + words.ascent() - words.descent()) // 2
        # From the left, so that a number of another width moves as little as possible.
        x = 0
        for word, number in self._parts:
            width = words.horizontalAdvance(f"{word} ")
            end = x + width + numbers.horizontalAdvance(number)
            if end > self.width():
                break
            painter.setFont(self._word_font)
            painter.setPen(QColor(colours.text2))
            painter.drawText(x, baseline, word)
            painter.setFont(self._number_font)
            painter.setPen(QColor(colours.text))
            painter.drawText(x + width, baseline, number)
            x = end + SPACE["l"]
        painter.end()


class PlaybackBar(QWidget):
    """Playback buttons, frame field, time, speed, and the scores ``Frame 0.71   Avg IoU 0.621   PQ 0.605   AP 0.41``.

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
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self._frame_count = -1
        self.play_button = QToolButton()
        self.play_button.setObjectName("playButton")
        self.play_button.setAccessibleName(tr("Play / Pause"))
        self.frame_box = self._make_frame_box()
        self.count = QLabel("/ 0")
        self.count.setProperty("role", "muted")
        self.count.setFont(font("body"))
        self.time = QLabel()
        self.time.setObjectName("statusTime")
        self.time.setAccessibleName(tr("Time"))
        self.time.setProperty("role", "muted")
        self.time.setFont(font("body"))
        # A fixed size: the time of another frame does not lay the window out again.
        self.time.setFixedSize(text_width("body", "0:00:00.0"), TYPE["body"].line)
        self.walk = WalkChip(session)
        self.text = ScoreLine()
        self.text.setAccessibleName(tr("Scores of this frame and of the video"))
        self.text.setToolTip(
            tr("IoU of this frame; Avg IoU, PQ and AP over all labelled frames, for the baseline of the variants.")
        )
        self.lanes_button = QToolButton()
        self.lanes_button.setObjectName("trackLanesButton")
        self.lanes_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.lanes_button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self.lanes_button.setAutoRaise(True)
        self.lanes_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["xs"], 0, SPACE["s"], 0)
        layout.setSpacing(SPACE["s"])
        layout.addLayout(self._buttons)
        layout.addWidget(self.frame_box)
        layout.addWidget(self.count)
        layout.addWidget(self.time)
        layout.addWidget(self.walk)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.lanes_button)
        self.setFixedHeight(SIZE["transport"])
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(0)
        self._refresh_timer.timeout.connect(self.refresh)
        self._throttle = Throttle(self.refresh, self, group="numbers")
        self.frame_box.valueChanged.connect(self._on_frame_box_value_changed)
        self.frame_box.editingFinished.connect(self._on_frame_box_editing_finished)
        self.frame_box.editCancelled.connect(self.editCancelled)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._refresh_timer.start)
        session.view_state.viewStateChanged.connect(self._refresh_timer.start)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_source_changed()

    def _make_frame_box(self) -> FrameBox:
        box = FrameBox()
        box.setObjectName("frameSpinBox")
        box.setAccessibleName(tr("Frame"))
        box.setProperty("quiet", True)
        box.setKeyboardTracking(False)
        box.setButtonSymbols(FrameBox.ButtonSymbols.NoButtons)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFont(font("strong"))
        box.setFixedWidth(text_width("strong", "0000000") + 16)
        return box

    def add_step_actions(self, before: list[QAction], play: QAction, after: list[QAction], lanes: QAction) -> None:
        """Add buttons on both sides of the play button, and the one that opens the lanes of all tracks at the right."""
        self.lanes_button.setDefaultAction(lanes)
        for action in [*before, play, *after]:
            button = self.play_button if action is play else QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._buttons.addWidget(button)

    def add_widget(self, widget: QWidget) -> None:
        """Add a widget to the right of the time."""
        layout = self.layout()
        if isinstance(layout, QHBoxLayout):
            layout.insertWidget(layout.indexOf(self.text), widget)

    def add_right(self, widget: QWidget) -> None:
        """Add a widget at the right end."""
        layout = self.layout()
        if isinstance(layout, QHBoxLayout):
            layout.addWidget(widget)

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        buttons = [item.widget() for i in range(self._buttons.count()) if (item := self._buttons.itemAt(i)) is not None]
        lanes = [self.lanes_button] if self.lanes_button.isVisible() else []
        return [*(button for button in buttons if button is not None), self.frame_box, *lanes]

    # Time

    def show_time(self, seconds: float | None) -> None:
        """Show the time of the frame; None without a time base."""
        self.time.setText("" if seconds is None else format_time(seconds))

    def show_unknown_frame(self, seconds: float) -> None:
        """Show that the frame at this time has no known number yet."""
        self.frame_box.show_unknown()
        self.show_time(seconds)

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
        last = max(0, self._session.frame_count - 1)
        self._frame_count = self._session.frame_count
        # A shorter video changes the number in the field, which nobody has entered.
        blocker = QSignalBlocker(self.frame_box)
        self.frame_box.setRange(0, last)
        blocker.unblock()
        self.frame_box.setEnabled(self._session.frame_count > 0)
        self.count.setText(f"/ {last:,}" if self._session.frame_count else "")
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.frame_box.show_frame(frame)
        fps = self._session.source.fps
        self.show_time(frame / fps if self._session.frame_count and fps > 0 else None)
        self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if change.frames and change.phase is Phase.LIVE:
            self._throttle.request()
        elif change.frames:
            self._throttle.cancel()
            self.refresh()

    def _on_predictions_changed(self, key: str, _frames: object) -> None:
        baseline = self._session.variants.baseline
        if baseline is not None and baseline.key == key:
            self._refresh_timer.start()

    def refresh(self) -> None:
        """Show the current scores."""
        session = self._session
        baseline = session.variants.baseline
        if session.frame_count != self._frame_count:
            self._on_source_changed()
            return
        if session.view_state.is_blind:
            self.text.show_parts((tr("Scores hidden (blind mode)"), ""))
            return
        if baseline is None or not session.frame_count:
            nothing = tr("Loading predictions…") if session.variants.is_loading else tr("No predictions")
            self.text.show_parts(*([(nothing, "")] if session.frame_count else []))
            return
        summary = session.scores.summary(baseline.key)
        if summary.withheld and not summary.frames:
            reason = tr("–, ground truth comes from {variant}", variant=baseline.name)
            self.text.show_parts((_FRAME, UNDEFINED), (_AVERAGE, reason))
            return
        sign = "" if summary.ap_floor is None else "≥ "
        self.text.show_parts(
            (_FRAME, _number_text(session.scores.frame_iou(baseline.key, session.current_frame))),
            (_AVERAGE, _number_text(summary.avg_iou)),
            (_PQ, _number_text(summary.pq)),
            (_AP, _number_text(summary.ap, sign)),
            *([(_EXCLUDED, f"{summary.excluded:,}")] if summary.excluded else []),
        )

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), SIZE["transport"])


def _number_text(value: float | None, sign: str = "") -> str:
    return UNDEFINED if value is None or math.isnan(value) else f"{sign}{value:.3f}"
