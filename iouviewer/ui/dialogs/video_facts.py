"""What is known of the open video: facts, what is wrong with it, and where."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.video.index_thread import IndexProgress
from iouviewer.app.video.video_info import VideoInfo, Waits
from iouviewer.app.video.video_notes import notes_on
from iouviewer.ui.panels.status import clock
from iouviewer.ui.theme import tabular_font
from iouviewer.video.check import gaps_in, is_variable

_DEPTHS = ("16", "14", "12", "10", "9")


class VideoFactsDialog(QDialog):
    """Stays beside the window; a chosen damage goes to its frame.

    Signals:
        frameChosen(int): the user wants to see this frame.
    """

    frameChosen = Signal(int)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("videoFacts")
        self.setWindowTitle("About this video")
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        self._form.setHorizontalSpacing(16)
        self.notes = QLabel()
        self.notes.setObjectName("videoFactsNotes")
        self.notes.setWordWrap(True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.damage = QListWidget()
        self.damage.setObjectName("damageList")
        self.damage.setAccessibleName("Damaged places; Enter goes to the frame")
        self.damage.setMaximumHeight(160)
        self.damage.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.damage.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.damage.itemActivated.connect(self._on_item_chosen)
        self.damage.itemClicked.connect(self._on_item_chosen)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.notes)
        layout.addWidget(self.damage)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self._rows: list[tuple[str, str]] = []
        self._listed: tuple[object, ...] = ()
        self.resize(520, 360)

    @property
    def rows(self) -> dict[str, str]:
        """The facts by name."""
        return dict(self._rows)

    def show_info(
        self, info: VideoInfo | None, progress: IndexProgress | None = None, waits: Waits = Waits.FOR_NOTHING
    ) -> None:
        """Show these facts; None: no video is open."""
        rows = facts_of(info) if info is not None else [("Video", "none is open")]
        if rows != self._rows:
            self._rows = rows
            while self._form.rowCount():
                self._form.removeRow(0)
            for name, value in rows:
                label = QLabel(value)
                label.setFont(tabular_font(self.font()))
                label.setWordWrap(True)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                caption = QLabel(name)
                caption.setProperty("role", "muted")
                self._form.addRow(caption, label)
        told = notes_on(info, progress, waits) if info is not None else ()
        # That it is exact stands among the facts.
        notes = [note for note in told if note.key != "exact" or (info is not None and not info.proven)]
        self.notes.setText("\n".join(("⚠ " if note.serious else "") + note.text for note in notes))
        self.notes.setVisible(bool(notes))
        self._list_damage(info)

    def _list_damage(self, info: VideoInfo | None) -> None:
        damage = info.damage if info is not None else ()
        self.damage.setVisible(bool(damage))
        if damage == self._listed:
            return
        self._listed = damage
        self.damage.clear()
        for one in damage:
            where = "somewhere" if one.frame is None else f"frame {one.frame}"
            item = QListWidgetItem(f"{where}: {one.reason}")
            item.setData(Qt.ItemDataRole.UserRole, one.frame)
            item.setToolTip(one.reason)
            self.damage.addItem(item)

    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        frame = item.data(Qt.ItemDataRole.UserRole)
        if frame is not None:
            self.frameChosen.emit(int(frame))


def facts_of(info: VideoInfo) -> list[tuple[str, str]]:
    """Facts on a video as (name, value), for people."""
    width, height = info.size
    known = "" if info.complete else " so far"
    rows = [("File", str(info.path)), ("Pictures", f"{info.frame_count:,}{known}, {width} × {height} pixels")]
    if info.is_pictures:
        return [*rows, ("Time", "pictures have none; playing shows ten a second")]
    depth = next((bits for bits in _DEPTHS if re.search(rf"(p|gray){bits}(le|be)", info.pixel_format)), "8")
    rows.append(("Codec", f"{info.codec}, {info.pixel_format}, {depth} bits"))
    rows.append(("Rate", _rate(info)))
    if len(info.times):
        rows.append(("Length", clock(float(info.times[-1]) + (1 / info.fps if info.fps else 0.0)) + known))
    if len(info.key_frames):
        longest = int(np.diff(np.append(info.key_frames, info.frame_count)).max(initial=0))
        rows.append(("Key frames", f"{len(info.key_frames):,}, at most {longest:,} pictures apart"))
    if info.rotation:
        rows.append(("Turned", f"{info.rotation}° clockwise"))
    if info.sample_aspect_ratio != 1.0:
        ratio = Fraction(info.sample_aspect_ratio).limit_denominator(200)
        rows.append(("Pixels", f"{ratio.numerator}:{ratio.denominator}, shown as stored"))
    numbers = "final" if info.numbers_confirmed else "provisional" if info.complete else "still being read"
    rows.append(("Frame numbers", numbers))
    if info.complete:
        proof = "each picture is held against a decode of the whole file"
        rows.append(("Exact", proof if info.proven else "as far as known; the whole file has not been decoded yet"))
    return rows


def _rate(info: VideoInfo) -> str:
    if not info.fps:
        return "no time base"
    if not len(info.times) or not is_variable(info.times):
        return f"{info.fps:.3f} frames a second"
    gaps = len(gaps_in(info.times))
    more = f", {gaps:,} {'gap' if gaps == 1 else 'gaps'}" if gaps else ""
    return f"variable, {info.fps:.3f} frames a second on average{more}"
