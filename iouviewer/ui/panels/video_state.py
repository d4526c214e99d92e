"""In the status bar: what the open video is not, how much memory its pictures take, and its small copies."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from iouviewer.app.video.frame_loader import ProxyState
from iouviewer.app.video.video_notes import Note
from iouviewer.ui.theme import tabular_font

_MARGIN = 5
"""Logical pixels on both sides of the notes."""

_WIDEST = 380
"""Logical pixels of the notes; what does not fit stands in the tooltip and in the dialog."""


class _Notes(QToolButton):
    """Its text begins at the left, so that words that come and go at its end move nothing."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt's signature
        painter, option = QStylePainter(self), QStyleOptionToolButton()
        self.initStyleOption(option)
        text, option.text = option.text, ""
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        role, where = self.foregroundRole(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        inside = self.rect().adjusted(_MARGIN, 0, -_MARGIN, 0)
        self.style().drawItemText(painter, inside, int(where), option.palette, self.isEnabled(), text, role)


class VideoState(QWidget):
    """``copies 38 %``, ``⚠ damaged: 4 frames · turned 90°``, ``214 / 512 MB``.

    Signals:
        asked(): the user wants to know more.
    """

    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("videoState")
        font = tabular_font(self.font())
        self.notes = _Notes()
        self.notes.setObjectName("videoNotes")
        self.notes.setFont(font)
        self.notes.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.notes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.notes.clicked.connect(self.asked)
        self.copies = self._label("statusCopies", "Small copies for scrubbing", font)
        self.copies.setMinimumWidth(self.copies.fontMetrics().horizontalAdvance("copies 100 %"))
        self.memory = self._label("statusMemory", "Memory taken by pictures", font)
        self.memory.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 16, 0)
        layout.setSpacing(12)
        # The copies appear when somebody scrubs; what stands to their right stays where it is.
        for widget in (self.copies, self.notes, self.memory):
            layout.addWidget(widget)
        self.show_notes(())
        self.show_copies(None)
        self.memory.hide()

    def _label(self, name: str, accessible: str, font: object) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(accessible)
        label.setProperty("role", "muted")
        label.setFont(font)  # type: ignore[arg-type]
        return label

    def show_notes(self, notes: Sequence[Note]) -> None:
        """What stays to be seen of this video; nothing takes no room."""
        serious = any(note.serious for note in notes)
        line = " · ".join(note.short for note in notes)
        sign = "⚠ " if serious else ""
        metrics = self.notes.fontMetrics()
        self.notes.setText(metrics.elidedText(sign + line, Qt.TextElideMode.ElideRight, _WIDEST))
        # Words that come and go find their room there: nothing beside them moves.
        room = metrics.horizontalAdvance(sign + " · ".join(note.room or note.short for note in notes))
        self.notes.setMinimumWidth(min(room, _WIDEST) + 2 * _MARGIN)
        text = "\n".join(note.text for note in notes)
        self.notes.setToolTip(text)
        self.notes.setAccessibleName(f"About this video: {line}" if line else "About this video")
        self.notes.setAccessibleDescription(text)
        if self.notes.property("role") != ("warning" if serious else "muted"):
            self.notes.setProperty("role", "warning" if serious else "muted")
            self.notes.style().unpolish(self.notes)
            self.notes.style().polish(self.notes)
        self.notes.setVisible(bool(notes))

    def show_memory(self, used: int, budget: int) -> None:
        """Bytes that decoded pictures take, and may take."""
        most = f"{max(used, budget) >> 20:,} / {budget >> 20:,} MB"
        self.memory.setMinimumWidth(self.memory.fontMetrics().horizontalAdvance(most))
        self.memory.setText(f"{used >> 20:,} / {budget >> 20:,} MB")
        self.memory.setToolTip(
            f"Decoded pictures take {used >> 20:,} of {budget >> 20:,} MB of memory; Settings, Video changes that."
        )

    def show_copies(self, state: ProxyState | None) -> None:
        """How far the small copies have come; None where there are none."""
        self.copies.setVisible(state is not None and state.wanted > 0)
        if state is None or not state.wanted:
            return
        share = min(100, 100 * state.pictures // state.wanted)
        self.copies.setText("copies full" if state.full else f"copies {share} %" if state.at_work else "copies ready")
        full = " The limit is reached; no more are made." if state.full else ""
        self.copies.setToolTip(
            f"{state.pictures:,} small pictures make scrubbing quick here; those of all videos take "
            f"{state.size >> 20:,} of {state.limit >> 20:,} MB on disk.{full} Settings, Video changes or deletes them."
        )
