"""Status bar widgets for the open video: notes on its decoding, and the scrub cache."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPaintEvent
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
from iouviewer.i18n import tr
from iouviewer.ui.theme import tabular_font

_MARGIN = 5
"""Logical pixels on both sides of the notes."""

_MAX_NOTES_WIDTH = 380
"""Logical pixels; notes that do not fit are in the tooltip and in the dialog."""


class _NotesButton(QToolButton):
    """A button with left-aligned text: words appended to the text do not move the rest."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionToolButton()
        self.initStyleOption(option)
        text, option.text = option.text, ""
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        role, alignment = self.foregroundRole(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        inner = self.rect().adjusted(_MARGIN, 0, -_MARGIN, 0)
        self.style().drawItemText(painter, inner, int(alignment), option.palette, self.isEnabled(), text, role)


class VideoStatus(QWidget):
    """``Scrub cache 38 %``, ``⚠ damaged: 4 frames · turned 90°``.

    Signals:
        requested(): the video properties should be shown.
    """

    requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("videoState")
        font = tabular_font(self.font())
        self.notes = _NotesButton()
        self.notes.setObjectName("videoNotes")
        self.notes.setFont(font)
        self.notes.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.notes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.notes.clicked.connect(self.requested)
        self.scrub_cache = _label("statusCopies", tr("Scrub cache"), font)
        longest = tr("Scrub cache {percent} %", percent=100)
        self.scrub_cache.setMinimumWidth(self.scrub_cache.fontMetrics().horizontalAdvance(longest))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        # Leftmost: the scrub cache appears during scrubbing and must not move the others.
        for widget in (self.scrub_cache, self.notes):
            layout.addWidget(widget)
        self.show_notes(())
        self.show_scrub_cache(None)

    def show_notes(self, notes: Sequence[Note]) -> None:
        """Show the short texts of these notes; hide the button if there are none."""
        is_serious = any(note.serious for note in notes)
        line = " · ".join(note.short for note in notes)
        sign = "⚠ " if is_serious else ""
        metrics = self.notes.fontMetrics()
        self.notes.setText(metrics.elidedText(sign + line, Qt.TextElideMode.ElideRight, _MAX_NOTES_WIDTH))
        # Wide enough for the longest form of each note, so that changing texts do not move the neighbours.
        longest = metrics.horizontalAdvance(sign + " · ".join(note.longest_short or note.short for note in notes))
        self.notes.setMinimumWidth(min(longest, _MAX_NOTES_WIDTH) + 2 * _MARGIN)
        text = "\n".join(note.text for note in notes)
        self.notes.setToolTip(text)
        name = tr("Video properties: {notes}", notes=line) if line else tr("Video properties")
        self.notes.setAccessibleName(name)
        self.notes.setAccessibleDescription(text)
        role = "warning" if is_serious else "muted"
        if self.notes.property("role") != role:
            self.notes.setProperty("role", role)
            self.notes.style().unpolish(self.notes)
            self.notes.style().polish(self.notes)
        self.notes.setVisible(bool(notes))

    def show_scrub_cache(self, state: ProxyState | None) -> None:
        """Show the progress of the scrub cache; None hides it."""
        self.scrub_cache.setVisible(state is not None and state.target > 0)
        if state is None or not state.target:
            return
        if state.is_full:
            text = tr("Scrub cache full")
        elif state.is_building:
            text = tr("Scrub cache {percent} %", percent=min(100, 100 * state.frames // state.target))
        else:
            text = tr("Scrubbing ready")
        self.scrub_cache.setText(text)
        values = {"count": state.frames, "size": state.size >> 20, "limit": state.limit >> 20}
        self.scrub_cache.setToolTip(
            tr(
                "{count:,} small frames make scrubbing fast here. The scrub cache of all videos uses {size:,} of "
                "{limit:,} MB on disk. The limit is reached: raise it or delete the cache in Settings > Video.",
                **values,
            )
            if state.is_full
            else tr(
                "{count:,} small frames make scrubbing fast here. The scrub cache of all videos uses {size:,} of "
                "{limit:,} MB on disk. Change the limit or delete the cache in Settings > Video.",
                **values,
            )
        )


def _label(name: str, accessible_name: str, font: QFont) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setAccessibleName(accessible_name)
    label.setProperty("role", "muted")
    label.setFont(font)
    return label
