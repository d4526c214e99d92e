"""The status bar: key hints, messages, mouse position, verified frames, save state and the progress of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from iouviewer.app.editing.session import SaveState, Session
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.frame_states import FrameProgress
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.key_hints import Hint, KeyHints
from iouviewer.ui.throttle import Throttle
from iouviewer.ui.tokens import SIZE, SPACE

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
    """Key hints or a message at the left; mouse, verified frames, run and save state at fixed places at the right.

    Signals:
        cancelRequested(): the current run should be cancelled.
        safetyRequested(): the mark of the project's safety was clicked: show its notices again.
    """

    cancelRequested = Signal()
    safetyRequested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._has_save_failed = False
        self._frame_message = ""
        self._run_width = 0
        self.setSizeGripEnabled(False)
        self.setFixedHeight(SIZE["status_bar"])
        self.setContentsMargins(SPACE["s"], 0, SPACE["s"], 0)
        self._fade_timer = QTimer(self)
        self._fade_timer.setSingleShot(True)
        self._fade_timer.setInterval(MESSAGE_MS)
        self._fade_timer.timeout.connect(self._clear_message)
        self._add_left()
        self.place = self._add_label("statusPlace", tr("Image coordinates of the mouse"), _place_text(99999, 99999))
        self.verified = self._add_label("statusVerified", tr("Verified frames"), _verified_text(999, 999))
        self._add_run_widgets()
        self.safety = QToolButton()
        self.safety.setObjectName("statusSafety")
        self.safety.setProperty("role", "warning")
        self.safety.setFont(font("strong"))
        self.safety.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.safety.clicked.connect(self.safetyRequested)
        self.addPermanentWidget(self.safety)
        self.safety.hide()
        self.saved = self._add_label(
            "statusSaved", tr("Save state and project file"), tr("Saved, {name}", name="clip.mp4.iouv")
        )
        # A label of fixed size causes no new layout of the bar when its text changes, nor a repaint of its neighbours.
        self.place.setFixedSize(self.place.minimumWidth(), self.place.sizeHint().height())
        self._position: QPointF | None = None
        self._place_throttle = Throttle(self._show_place, self)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._on_source_changed)
        session.changed.connect(self._on_session_changed)
        session.saveStateChanged.connect(self.show_saved)
        session.statusMessage.connect(self.show_message)
        self._on_source_changed()

    def _add_left(self) -> None:
        self.hints = KeyHints()
        self.message = ElidedLabel()
        self.message.setObjectName("statusMessage")
        self.message.setAccessibleName(tr("Message"))
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.dismiss_button = QToolButton()
        self.dismiss_button.setObjectName("dismissMessage")
        self.dismiss_button.setText(tr("Dismiss"))
        self.dismiss_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.dismiss_button.clicked.connect(self._clear_message)
        left = QWidget()
        layout = QHBoxLayout(left)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self.hints, 1)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.dismiss_button)
        self.message.hide()
        self.dismiss_button.hide()
        self.addWidget(left, 1)

    def _add_label(self, name: str, accessible_name: str, longest: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(accessible_name)
        label.setProperty("role", "muted")
        label.setFont(font("body"))
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(longest) + 4)
        self.addPermanentWidget(label)
        return label

    def _add_run_widgets(self) -> None:
        self.run = QLabel()
        self.run.setObjectName("statusInference")
        self.run.setFont(font("body"))
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

    # Messages and key hints

    def set_hints(self, hints: Sequence[Hint]) -> None:
        """Show the keys of the current tool or mode; each as a key and what it does. A message hides them."""
        self.hints.set_hints(hints)

    def show_message(self, text: str, *, keep: bool = False) -> None:
        """Show a message for some seconds; with ``keep`` until it is dismissed by its button or replaced.

        An empty text removes the message.
        """
        self.message.setText(text)
        self.message.setToolTip(text)
        self.message.setVisible(bool(text))
        self.hints.setVisible(not text)
        self.dismiss_button.setVisible(keep and bool(text))
        if keep or not text:
            self._fade_timer.stop()
        else:
            self._fade_timer.start()

    def show_frame_message(self, text: str) -> None:
        """Show a message about the current frame; it disappears with the frame."""
        self.show_message(text)
        self._frame_message = text

    def _clear_message(self) -> None:
        self.show_message("")

    def _on_frame_changed(self, _frame: int) -> None:
        if self._frame_message and self.message.text() == self._frame_message:
            self.show_message("")
        self._frame_message = ""

    # State

    def _on_source_changed(self) -> None:
        self._show_verified()
        self.show_saved(self._session.save_state)

    def show_mouse_position(self, position: QPointF | None) -> None:
        """Show the image coordinates of the mouse; None while it is outside the image."""
        self._position = position
        self._place_throttle.request()

    def _show_place(self) -> None:
        at = self._position
        self.place.setText("" if at is None else _place_text(at.x(), at.y()))

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.FRAME_STATE:
            self._show_verified()

    def _show_verified(self) -> None:
        work = FrameProgress.of(self._session.ground_truth)
        text = _verified_text(work.verified, work.total, work.excluded) if self._session.frame_count else ""
        widest = _verified_text(work.total, work.total, work.excluded) if text else ""
        self.verified.setMinimumWidth(self.verified.fontMetrics().horizontalAdvance(widest) + 4)
        self.verified.setText(text)

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

    def show_safety(self, marks: Sequence[str], explanation: str) -> None:
        """Show what is unusual about the project in a few words each; it stays, with all of it in the tooltip."""
        text = " · ".join(marks)
        self.safety.setText(text)
        self.safety.setToolTip(explanation)
        self.safety.setAccessibleName(tr("State of the project: {state}", state=text))
        self.safety.setVisible(bool(text))

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


def _place_text(x: float, y: float) -> str:
    return tr("x {x:.0f}  y {y:.0f}", x=x, y=y)


def _verified_text(count: int, total: int, excluded: int = 0) -> str:
    """``137 of 792 frames verified · 3 excluded``."""
    text = tr("{count:,} of {total:,} frames verified", count=count, total=total)
    return tr("{verified} · {count:,} excluded", verified=text, count=excluded) if excluded else text


def format_time(seconds: float) -> str:
    """``00:41.2``, with hours if needed."""
    tenths = math.floor(seconds * 10 + 0.5)
    minutes, second_tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{second_tenths // 10:02d}.{second_tenths % 10}"
    return f"{hours}:{text}" if hours else text
