"""The status bar: messages, current position, save state and the progress of a run."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton

from iouviewer.app.editing.session import SaveState, Session
from iouviewer.document.edits import Aspect, Change
from iouviewer.i18n import tr
from iouviewer.ui.theme import tabular_font

MESSAGE_MS = 6000


class ElidedLabel(QLabel):
    """One line that is elided if it is too long; ``text`` stays complete."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the text as fits."""
        text, width = self.text(), self.contentsRect().width()
        if self.fontMetrics().horizontalAdvance(text) <= width:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        line = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        self.style().drawItemText(
            painter,
            self.contentsRect(),
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            line,
            self.foregroundRole(),
        )
        painter.end()


class StatusBar(QStatusBar):
    """``Frame 412 / 794 · t 00:41.2 · zoom · x, y · Verified 120 · Saved, clip.mp4.iouv · int8 38 %``.

    Signals:
        cancelRequested(): the current run should be cancelled.
    """

    cancelRequested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._has_save_failed = False
        self._frame_message = ""
        self._run_width = 0
        self.setSizeGripEnabled(False)
        self._fade_timer = QTimer(self)
        self._fade_timer.setSingleShot(True)
        self._fade_timer.setInterval(MESSAGE_MS)
        self._fade_timer.timeout.connect(self._on_fade_timer_timeout)
        self.message = ElidedLabel()
        self.message.setObjectName("statusMessage")
        self.message.setAccessibleName(tr("Message"))
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self.message, 1)
        self.frame = self._add_label("statusFrame", tr("Frame"), _frame_text("0000", "0000"))
        self.time = self._add_label("statusTime", tr("Time"), "t 00:00:00.0")
        self.zoom = self._add_label("statusZoom", tr("Zoom"), "6400 %")
        self.place = self._add_label("statusPlace", tr("Image coordinates of the mouse"), "00000, 00000")
        self.verified = self._add_label("statusVerified", tr("Verified frames"), tr("Verified {count:,}", count=10**6))
        self.saved = self._add_label(
            "statusSaved", tr("Save state and project file"), tr("Saved, {name}", name="clip.mp4.iouv")
        )
        self._add_run_widgets()
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._on_source_changed)
        session.changed.connect(self._on_session_changed)
        session.saveStateChanged.connect(self.show_saved)
        session.statusMessage.connect(self.show_message)
        self._on_source_changed()

    def _add_label(self, name: str, accessible_name: str, longest: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(accessible_name)
        label.setProperty("role", "muted")
        label.setFont(tabular_font(self.font()))
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(longest) + 4)
        self.addPermanentWidget(label)
        return label

    def _add_run_widgets(self) -> None:
        self.run = QLabel()
        self.run.setObjectName("statusInference")
        self.run.setFont(tabular_font(self.font()))
        self.progress = QProgressBar()
        self.progress.setObjectName("inferenceProgressBar")
        self.progress.setAccessibleName(tr("Inference progress"))
        self.progress.setFixedWidth(88)
        self.progress.setTextVisible(False)
        self.cancel_button = QToolButton()
        self.cancel_button.setObjectName("cancelInferenceButton")
        self.cancel_button.setAccessibleName(tr("Cancel run"))
        self.cancel_button.setText(tr("Cancel"))
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for widget in (self.run, self.progress, self.cancel_button):
            self.addPermanentWidget(widget)
            widget.hide()
        self.cancel_button.clicked.connect(self.cancelRequested)

    # Messages

    def show_message(self, text: str, *, keep: bool = False) -> None:
        """Show a message until the next one; unless ``keep``, for a few seconds only."""
        self.message.setText(text)
        self.message.setToolTip(text)
        if keep:
            self._fade_timer.stop()
        else:
            self._fade_timer.start()

    def show_frame_message(self, text: str) -> None:
        """Show a message about the current frame; it disappears with the frame."""
        self.show_message(text)
        self._frame_message = text

    def _on_frame_changed(self, frame: int) -> None:
        if self._frame_message and self.message.text() == self._frame_message:
            self.show_message("")
        self._frame_message = ""
        self._show_frame(frame)

    def _on_fade_timer_timeout(self) -> None:
        self.message.clear()
        self.message.setToolTip("")

    # Position

    def _on_source_changed(self) -> None:
        self._show_frame(self._session.current_frame)
        self._show_verified()
        self.show_saved(self._session.save_state)

    def _show_frame(self, frame: int) -> None:
        count = self._session.frame_count
        width = self.frame.fontMetrics().horizontalAdvance(_frame_text(str(count), str(count))) + 4
        if width > self.frame.minimumWidth():
            self.frame.setMinimumWidth(width)
        self.frame.setText(_frame_text(str(frame), str(count - 1)) if count else "")
        fps = self._session.source.fps
        self.show_time(frame / fps if count and fps > 0 else None)

    def show_time(self, seconds: float | None) -> None:
        """Show the time of the frame; None without a time base."""
        self.time.setText("" if seconds is None else f"t {format_time(seconds)}")

    def show_unknown_frame(self, seconds: float) -> None:
        """Show that the frame at this time has no known number yet."""
        self.frame.setText(tr("Frame ?…"))
        self.show_time(seconds)

    def show_zoom(self, zoom: float) -> None:
        """Show the zoom, given in device pixels per image pixel."""
        self.zoom.setText(f"{100 * zoom:.0f} %")

    def show_mouse_position(self, position: QPointF | None) -> None:
        """Show the image coordinates of the mouse; None while it is outside the image."""
        self.place.setText("" if position is None else f"{position.x():.0f}, {position.y():.0f}")

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.FRAME_STATE:
            self._show_verified()

    def _show_verified(self) -> None:
        count = int(self._session.ground_truth.verified().sum())
        self.verified.setText(tr("Verified {count:,}", count=count) if self._session.frame_count else "")

    # Save state

    def show_saved(self, state: SaveState) -> None:
        """Show whether all edits are on disk, and the project file."""
        if not self._session.frame_count:
            self.saved.setText("")
            return
        if not state.project_path:
            self.saved.setText(tr("No changes"))
            self.saved.setToolTip(tr("The project file is created with the first edit or import."))
            return
        name = Path(state.project_path).name
        short = name if len(name) < 32 else name[:14] + "…" + name[-16:]
        texts = (
            tr("Saved, {name}", name=short),
            tr("Not saved, {name}", name=short),
            tr("Saving…, {name}", name=short),
        )
        saved, failed, saving = texts
        # Wide enough for the longest text, so that the neighbours keep their positions.
        width = max(map(self.saved.fontMetrics().horizontalAdvance, texts))
        self.saved.setMinimumWidth(max(self.saved.minimumWidth(), width + 12))
        self.saved.setText(saved if state.is_saved else failed if self._has_save_failed else saving)
        self.saved.setToolTip(state.project_path)

    def set_save_failed(self, failed: bool) -> None:
        """Show that saving fails; this stays visible after the message has been closed."""
        self._has_save_failed = failed
        self.saved.setProperty("role", "warning" if failed else "muted")
        self.saved.style().unpolish(self.saved)
        self.saved.style().polish(self.saved)
        self.show_saved(self._session.save_state)

    # Inference

    def show_run(self, text: str, done: int, total: int) -> None:
        """Show the progress of the current run."""
        if self.progress.isHidden():
            for widget in (self.run, self.progress, self.cancel_button):
                widget.show()
        # As wide as the longest text so far: a label whose text fits does not cause a new layout of the status bar.
        width = self.run.fontMetrics().horizontalAdvance(text) + 4
        if width > self._run_width:
            self._run_width = width
            self.run.setFixedWidth(width)
        self.run.setText(text)
        # A progress bar repaints itself and everything below it at once; here it waits for the next paint event.
        self.progress.setUpdatesEnabled(False)
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setUpdatesEnabled(True)

    def hide_run(self) -> None:
        """Hide the progress: no run is active."""
        self._run_width = 0
        for widget in (self.run, self.progress, self.cancel_button):
            widget.hide()


def _frame_text(frame: str, last: str) -> str:
    return tr("Frame {frame} / {last}", frame=frame, last=last)


def format_time(seconds: float) -> str:
    """``00:41.2``, with hours if needed."""
    tenths = math.floor(seconds * 10 + 0.5)
    minutes, second_tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{second_tenths // 10:02d}.{second_tenths % 10}"
    return f"{hours}:{text}" if hours else text
