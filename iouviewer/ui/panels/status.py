"""The status bar: where we are, what is saved, how inference goes."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton

from iouviewer.app.editing.session import SaveState, Session
from iouviewer.document.edits import Aspect, Change
from iouviewer.ui.theme import tabular_font

MESSAGE_MILLISECONDS = 6000

_SAVE_WORDS = "saved", "NOT SAVED", "saving …"


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where there is no room for all of it; ``text`` stays whole."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what there is room for."""
        whole, room = self.text(), self.contentsRect().width()
        if self.fontMetrics().horizontalAdvance(whole) <= room:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        line = self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideRight, room)
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
    """``frame 412 / 794 · t 00:41.2 · zoom · x,y · verified 120 · saved, clip.mp4.iouv · inference 38 %``.

    Signals:
        cancelRequested(): the user wants the run in work to stop.
    """

    cancelRequested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._trouble = False
        self._of_here = ""
        self._run_width = 0
        self.setSizeGripEnabled(False)
        self._fading = QTimer(self)
        self._fading.setSingleShot(True)
        self._fading.setInterval(MESSAGE_MILLISECONDS)
        self._fading.timeout.connect(self._on_fading_timeout)
        font = tabular_font(self.font())
        self.message = ElidedLabel()
        self.message.setObjectName("statusMessage")
        self.message.setAccessibleName("Message")
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self.message, 1)
        self.frame = self._label("statusFrame", "Frame", "frame 0000 / 0000")
        self.time = self._label("statusTime", "Time", "t 00:00:00.0")
        self.zoom = self._label("statusZoom", "Zoom", "6400 %")
        self.place = self._label("statusPlace", "Picture coordinates of the mouse", "00000, 00000")
        self.verified = self._label("statusVerified", "Verified frames", "verified 000000")
        self.saved = self._label("statusSaved", "Saved state and project file", "saved, clip.mp4.iouv")
        self.run = QLabel()
        self.run.setObjectName("statusInference")
        self.run.setFont(font)
        self.progress = QProgressBar()
        self.progress.setObjectName("inferenceProgressBar")
        self.progress.setAccessibleName("Inference progress")
        self.progress.setFixedWidth(88)
        self.progress.setTextVisible(False)
        self.cancel_button = QToolButton()
        self.cancel_button.setObjectName("cancelInferenceButton")
        self.cancel_button.setAccessibleName("Cancel the run")
        self.cancel_button.setText("Cancel")
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for widget in (self.run, self.progress, self.cancel_button):
            self.addPermanentWidget(widget)
            widget.hide()
        self.cancel_button.clicked.connect(self.cancelRequested)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._on_source_changed)
        session.changed.connect(self._on_session_changed)
        session.saveStateChanged.connect(self.show_saved)
        session.told.connect(self.say)
        self._on_source_changed()

    def _label(self, name: str, accessible: str, longest: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(accessible)
        label.setProperty("role", "muted")
        label.setFont(tabular_font(self.font()))
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(longest) + 4)
        self.addPermanentWidget(label)
        return label

    def say(self, text: str, *, keep: bool = False) -> None:
        """One sentence, until the next one or for some seconds; ``keep``: until the next one."""
        self.message.setText(text)
        self.message.setToolTip(text)
        if keep:
            self._fading.stop()
        else:
            self._fading.start()

    def say_here(self, text: str) -> None:
        """One sentence on the frame that is shown: elsewhere it would be wrong."""
        self.say(text)
        self._of_here = text

    def _on_frame_changed(self, frame: int) -> None:
        if self._of_here and self.message.text() == self._of_here:
            self.say("")
        self._of_here = ""
        self._show_frame(frame)

    def _on_fading_timeout(self) -> None:
        self.message.clear()
        self.message.setToolTip("")

    # What is known

    def _on_source_changed(self) -> None:
        self._show_frame(self._session.current_frame)
        self._show_verified()
        self.show_saved(self._session.save_state)

    def _show_frame(self, frame: int) -> None:
        count = self._session.frame_count
        widest = self.frame.fontMetrics().horizontalAdvance(f"frame {count} / {count}") + 4
        if widest > self.frame.minimumWidth():
            self.frame.setMinimumWidth(widest)
        self.frame.setText(f"frame {frame} / {count - 1}" if count else "")
        fps = self._session.source.fps
        self.show_time(frame / fps if count and fps > 0 else None)

    def show_time(self, seconds: float | None) -> None:
        """Time of the frame; None where there is no time base."""
        self.time.setText("" if seconds is None else f"t {clock(seconds)}")

    def show_unnumbered(self, seconds: float) -> None:
        """The picture of a time whose frame number is not known yet."""
        self.frame.setText("frame ? …")
        self.show_time(seconds)

    def show_zoom(self, zoom: float) -> None:
        """Zoom as device pixels a picture pixel."""
        self.zoom.setText(f"{100 * zoom:.0f} %")

    def show_place(self, place: QPointF | None) -> None:
        """Where the mouse is in the picture."""
        self.place.setText("" if place is None else f"{place.x():.0f}, {place.y():.0f}")

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.FRAME_STATE:
            self._show_verified()

    def _show_verified(self) -> None:
        count = int(self._session.ground_truth.verified().sum())
        self.verified.setText(f"verified {count}" if self._session.frame_count else "")

    def show_saved(self, state: SaveState) -> None:
        """Whether all edits are on disk, and where."""
        if not self._session.frame_count:
            self.saved.setText("")
            return
        if not state.place:
            self.saved.setText("no changes yet")
            self.saved.setToolTip("The project file is made at the first edit or import.")
            return
        saved, trouble, saving = _SAVE_WORDS
        word = saved if state.is_saved else trouble if self._trouble else saving
        name = Path(state.place).name
        short = name if len(name) < 32 else name[:14] + "…" + name[-16:]
        # Room for the longest word, so that nothing beside it moves when an edit is being saved.
        longest = max(map(self.saved.fontMetrics().horizontalAdvance, (f"{each}, {short}" for each in _SAVE_WORDS)))
        self.saved.setMinimumWidth(max(self.saved.minimumWidth(), longest + 12))
        self.saved.setText(f"{word}, {short}")
        self.saved.setToolTip(state.place)

    def set_trouble(self, trouble: bool) -> None:
        """Whether saving fails; stays to be seen when the message about it was closed."""
        self._trouble = trouble
        self.saved.setProperty("role", "warning" if trouble else "muted")
        self.saved.style().unpolish(self.saved)
        self.saved.style().polish(self.saved)
        self.show_saved(self._session.save_state)

    # Inference

    def show_run(self, text: str, done: int, total: int) -> None:
        """A run is at work."""
        if self.progress.isHidden():
            for widget in (self.run, self.progress, self.cancel_button):
                widget.show()
        # Room for the longest line so far: a label that fits is not laid out anew, with all its neighbours.
        width = self.run.fontMetrics().horizontalAdvance(text) + 4
        if width > self._run_width:
            self._run_width = width
            self.run.setFixedWidth(width)
        self.run.setText(text)
        # A progress bar paints itself at once and whatever lies beneath it; this one waits for the next painting.
        self.progress.setUpdatesEnabled(False)
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setUpdatesEnabled(True)

    def hide_run(self) -> None:
        """No run is at work."""
        self._run_width = 0
        for widget in (self.run, self.progress, self.cancel_button):
            widget.hide()


def clock(seconds: float) -> str:
    """``00:41.2``, with hours where there are any."""
    tenths = math.floor(seconds * 10 + 0.5)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{text}" if hours else text
