"""Properties of the open video: format, timing, notes on problems and the list of damaged frames."""

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
from iouviewer.app.video.video_info import DecodeCheckPause, VideoInfo
from iouviewer.app.video.video_notes import collect_notes
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.status_bar import format_time
from iouviewer.ui.theme import tabular_font
from iouviewer.video.check import find_gaps, is_variable_rate

_BIT_DEPTHS = ("16", "14", "12", "10", "9")


class VideoPropertiesDialog(QDialog):
    """Shows the properties of the open video; not modal. Choosing a damaged frame goes to it.

    Signals:
        frameChosen(int): go to this frame.
    """

    frameChosen = Signal(int)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("videoFacts")
        self.setWindowTitle(tr("Video properties"))
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        self._form.setHorizontalSpacing(16)
        self.notes = QLabel()
        self.notes.setObjectName("videoFactsNotes")
        self.notes.setWordWrap(True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.damage = QListWidget()
        self.damage.setObjectName("damageList")
        self.damage.setAccessibleName(tr("Damaged frames; Enter goes to the frame"))
        self.damage.setMaximumHeight(160)
        self.damage.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.damage.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.damage.itemActivated.connect(self._on_damage_chosen)
        self.damage.itemClicked.connect(self._on_damage_chosen)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.notes)
        layout.addWidget(self.damage)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self._rows: list[tuple[str, str]] = []
        self._listed_damage: tuple[object, ...] = ()
        self.resize(520, 360)

    @property
    def rows(self) -> dict[str, str]:
        """The properties by name."""
        return dict(self._rows)

    def show_info(
        self,
        info: VideoInfo | None,
        progress: IndexProgress | None = None,
        pause: DecodeCheckPause = DecodeCheckPause.NOT_PAUSED,
    ) -> None:
        """Show these properties; None: no video is open."""
        rows = video_properties(info) if info is not None else [(tr("Video"), tr("No video is open"))]
        if rows != self._rows:
            self._rows = rows
            while self._form.rowCount():
                self._form.removeRow(0)
            for name, value in rows:
                label = QLabel(value)
                label.setFont(tabular_font(self.font()))
                label.setWordWrap(True)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                name_label = QLabel(name)
                name_label.setProperty("role", "muted")
                self._form.addRow(name_label, label)
        all_notes = collect_notes(info, progress, pause) if info is not None else ()
        # The properties already state that frame accuracy was checked.
        notes = [note for note in all_notes if note.key != "exact" or (info is not None and not info.checked_by_decode)]
        self.notes.setText("\n".join(("⚠ " if note.serious else "") + note.text for note in notes))
        self.notes.setVisible(bool(notes))
        self._show_damage(info)

    def _show_damage(self, info: VideoInfo | None) -> None:
        damage = info.damage if info is not None else ()
        self.damage.setVisible(bool(damage))
        if damage == self._listed_damage:
            return
        self._listed_damage = damage
        self.damage.clear()
        for entry in damage:
            if entry.frame is None:
                text = tr("Unknown frame: {reason}", reason=entry.description)
            else:
                text = tr("Frame {frame:,}: {reason}", frame=entry.frame, reason=entry.description)
            item = QListWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, entry.frame)
            item.setToolTip(entry.description)
            self.damage.addItem(item)

    def _on_damage_chosen(self, item: QListWidgetItem) -> None:
        frame = item.data(Qt.ItemDataRole.UserRole)
        if frame is not None:
            self.frameChosen.emit(int(frame))


def video_properties(info: VideoInfo) -> list[tuple[str, str]]:
    """The properties of a video as (name, value), both translated."""
    rows = [(tr("File"), str(info.path)), (tr("Frames"), _frames_text(info))]
    if info.is_image_source:
        return [*rows, (tr("Frame rate"), tr("None (images); played at 10 frames/s"))]
    depth = next((bits for bits in _BIT_DEPTHS if re.search(rf"(p|gray){bits}(le|be)", info.pixel_format)), "8")
    codec = tr("{codec}, {pixel_format}, {depth} bits", codec=info.codec, pixel_format=info.pixel_format, depth=depth)
    rows.append((tr("Codec"), codec))
    rows.append((tr("Frame rate"), _frame_rate_text(info)))
    if len(info.times):
        length = format_time(float(info.times[-1]) + (1 / info.fps if info.fps else 0.0))
        rows.append((tr("Duration"), length if info.complete else tr("{length} so far", length=length)))
    if len(info.keyframes):
        rows.append((tr("Keyframes"), _keyframes_text(info)))
    if info.rotation:
        rows.append((tr("Rotation"), tr("{degrees}° clockwise", degrees=info.rotation)))
    if info.sample_aspect_ratio != 1.0:
        ratio = Fraction(info.sample_aspect_ratio).limit_denominator(200)
        text = tr("{width}:{height}, shown as stored", width=ratio.numerator, height=ratio.denominator)
        rows.append((tr("Pixel aspect ratio"), text))
    rows.append((tr("Frame numbers"), _numbers_text(info)))
    if info.complete:
        rows.append((tr("Frame accuracy"), _accuracy_text(info)))
    return rows


def _frames_text(info: VideoInfo) -> str:
    width, height = info.size
    if info.complete:
        return tr("{count:,}, {width} × {height} pixels", count=info.frame_count, width=width, height=height)
    return tr("{count:,} so far, {width} × {height} pixels", count=info.frame_count, width=width, height=height)


def _keyframes_text(info: VideoInfo) -> str:
    longest = int(np.diff(np.append(info.keyframes, info.frame_count)).max(initial=0))
    return tr("{count:,}, at most {longest:,} frames apart", count=len(info.keyframes), longest=longest)


def _numbers_text(info: VideoInfo) -> str:
    if info.numbers_final:
        return tr("Final")
    return tr("Provisional") if info.complete else tr("Indexing the file")


def _accuracy_text(info: VideoInfo) -> str:
    if info.checked_by_decode:
        return tr("Checked: every frame shown is compared with a decode of the whole file")
    return tr("Not checked: the whole file has not been decoded yet")


def _frame_rate_text(info: VideoInfo) -> str:
    if not info.fps:
        return tr("No time base")
    if not len(info.times) or not is_variable_rate(info.times):
        return tr("{fps:.3f} frames/s", fps=info.fps)
    gaps = len(find_gaps(info.times))
    if not gaps:
        return tr("Variable, {fps:.3f} frames/s on average", fps=info.fps)
    return tr_n(
        "Variable, {fps:.3f} frames/s on average, {count} gap",
        "Variable, {fps:.3f} frames/s on average, {count:,} gaps",
        gaps,
        fps=info.fps,
    )
