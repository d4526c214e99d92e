"""Properties of the open video: format, timing, notes on problems and the list of damaged frames."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
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
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.fonts import font, tabular_font
from iouviewer.ui.panels.status_bar import format_time
from iouviewer.ui.tokens import SPACE
from iouviewer.video.check import find_gaps, is_variable_rate

_DIALOG_SIZE = (760, 420)
"""Logical pixels."""
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
_FILE, _HASH = tr("File"), tr("Fingerprint")
_BIT_DEPTHS = ("16", "14", "12", "10", "9")


class VideoPropertiesDialog(FramedDialog):
    """Shows the facts of the open video at the left and what is uncertain at the right; not modal.

    Choosing a damaged frame goes to it.

    Signals:
        frameChosen(int): go to this frame.
    """

    frameChosen = Signal(int)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent, title=tr("Video properties"), name="videoFacts")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(SPACE["l"])
        self._form.setVerticalSpacing(SPACE["s"])
        self.uncertain = QLabel(tr("What is uncertain"))
        self.uncertain.setProperty("role", "title")
        self.notes = QLabel()
        self.notes.setObjectName("videoFactsNotes")
        self.notes.setWordWrap(True)
        self.notes.setTextInteractionFlags(_SELECTABLE)
        self.damage = QListWidget()
        self.damage.setObjectName("damageList")
        self.damage.setAccessibleName(tr("Damaged frames; Enter goes to the frame"))
        self.damage.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.damage.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.damage.itemActivated.connect(self._on_damage_chosen)
        self.damage.itemClicked.connect(self._on_damage_chosen)
        self._arrange()
        self._rows: list[tuple[str, str]] = []
        self._listed_damage: tuple[object, ...] = ()
        self.resize(*_DIALOG_SIZE)

    def _arrange(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addLayout(self._form)
        left.addStretch(1)
        right.setSpacing(SPACE["s"])
        right.addWidget(self.uncertain)
        right.addWidget(self.notes)
        right.addWidget(self.damage, 1)
        right.addStretch()
        columns = QHBoxLayout()
        columns.setSpacing(SPACE["xl"])
        columns.addLayout(left, 3)
        columns.addLayout(right, 2)
        self.body.addLayout(columns)
        self.copy_button = self.add_secondary(tr("Copy"))
        self.copy_button.setToolTip(tr("Copy all properties as text"))
        self.copy_button.clicked.connect(self._copy)
        close = self.add_primary(tr("Close"))
        close.clicked.connect(self.reject)

    @property
    def rows(self) -> dict[str, str]:
        """The properties by name."""
        return dict(self._rows)

    def text(self) -> str:
        """Everything that is shown, one line each."""
        lines = [tr("{name}: {value}", name=name, value=value) for name, value in self._rows]
        if self.notes.text():
            lines += ["", self.uncertain.text(), self.notes.text()]
        lines += [self.damage.item(row).text() for row in range(self.damage.count())]
        return "\n".join(lines) + "\n"

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self.copy_button.setText(tr("Copied"))

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
            self.copy_button.setText(tr("Copy"))
            while self._form.rowCount():
                self._form.removeRow(0)
            for name, value in rows:
                self._form.addRow(*_row(name, value, is_mono=name in (_FILE, _HASH)))
        all_notes = collect_notes(info, progress, pause) if info is not None else ()
        # The properties already state that frame accuracy was checked.
        notes = [note for note in all_notes if note.key != "exact" or (info is not None and not info.checked_by_decode)]
        self.notes.setText("\n\n".join(("⚠ " if note.serious else "") + note.text for note in notes))
        if not notes:
            self.notes.setText(tr("Nothing: each frame is shown under its own number."))
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


def _row(name: str, value: str, *, is_mono: bool) -> tuple[QLabel, QLabel]:
    """Name and value; paths and hashes may break anywhere."""
    label, name_label = QLabel("\u200b".join(value) if is_mono else value), QLabel(name)
    label.setFont(font("mono") if is_mono else tabular_font(font("body")))
    label.setWordWrap(True)
    label.setToolTip(value if is_mono else "")
    label.setTextInteractionFlags(_SELECTABLE)
    name_label.setProperty("role", "muted")
    name_label.setBuddy(label)
    label.setAccessibleName(name)
    return name_label, label


def video_properties(info: VideoInfo) -> list[tuple[str, str]]:
    """The properties of a video as (name, value), both translated."""
    rows = [(_FILE, str(info.path)), (tr("Frames"), _frames_text(info))]
    if info.is_image_source:
        rows.append((tr("Frame rate"), tr("None (images); played at 10 frames/s")))
        return [*rows, (_HASH, info.fingerprint)] if info.fingerprint else rows
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
    if info.fingerprint:
        rows.append((_HASH, info.fingerprint))
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
