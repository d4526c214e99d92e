"""The rows of the Open dialog: the widgets of one file, what was read from it, and what it contains in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QTableWidget,
    QWidget,
)

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.formats.interface import Choice, UncertainReadingError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import Alignment
from iouviewer.jobs.table_columns import KEY as TABLE
from iouviewer.jobs.table_columns import read_columns
from iouviewer.ui.dialogs.message_list import Message
from iouviewer.ui.fonts import font
from iouviewer.ui.importing import FILE_ROLE_TEXTS, FileCandidate, FileRole, ReadResult, propose_frame_offset
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE

KINDS = {FileRole.GROUND_TRUTH: ImportKind.GROUND_TRUTH, FileRole.PREDICTIONS: ImportKind.PREDICTIONS}
_ROLES = {
    FileRole.GROUND_TRUTH: (FileRole.GROUND_TRUTH, FileRole.PREDICTIONS, FileRole.SKIP),
    FileRole.PREDICTIONS: (FileRole.PREDICTIONS, FileRole.GROUND_TRUTH, FileRole.SKIP),
}
_ICONS = {
    FileRole.VIDEO: "film-strip",
    FileRole.PROJECT: "file-text",
    FileRole.GROUND_TRUTH: "boxes",
    FileRole.PREDICTIONS: "dataset",
    FileRole.MODEL: "runModel",
    FileRole.SKIP: "ignore",
}
ROW_HEIGHT = 40
"""Least height of a row, logical pixels."""
_MAX_OFFSET = 1_000_000
_MAX_DETAILS = 10
_FIELD_WIDTH = 160


class FileCell(QWidget):
    """Icon and name of a file; the tooltip has its whole path."""

    def __init__(self, candidate: FileCandidate) -> None:
        super().__init__()
        self._icon = QLabel()
        self._text = candidate.path.name
        self._name = QLabel(self._text)
        self._name.setFont(font("strong"))
        # A long name is shortened instead of widening the dialog; the tooltip has all of it.
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._name.setToolTip(str(candidate.path))
        self.setToolTip(str(candidate.path))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], 0, SPACE["s"], 0)
        layout.addWidget(self._icon)
        layout.addWidget(self._name, 1)
        self.show_role(candidate.role)

    def text(self) -> str:
        """The name of the file."""
        return self._text

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the middle of a long name: its beginning and its suffix tell the file."""
        super().resizeEvent(event)
        width = self._name.contentsRect().width()
        self._name.setText(self._name.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideMiddle, width))

    def show_role(self, role: FileRole) -> None:
        """Show the icon of a role."""
        size = QSize(ICON_SIZE, ICON_SIZE)
        self._icon.setPixmap(icon(_ICONS[role], scheme_theme()).pixmap(size, self.devicePixelRatioF()))


class OpenRow:
    """The widgets of one file, and the result of reading it."""

    def __init__(self, candidate: FileCandidate) -> None:
        self.candidate = candidate
        self.result: ReadResult | None = None
        self.offset_was_proposed = False
        self.file = FileCell(candidate)
        self.role_box = QComboBox()
        self.role_box.setAccessibleName(tr("Use as"))
        for role in _ROLES.get(candidate.role, (candidate.role, FileRole.SKIP)):
            if self.role_box.findData(role) < 0:
                self.role_box.addItem(FILE_ROLE_TEXTS[role], role)
        self.name = QLineEdit(candidate.name)
        self.name.setAccessibleName(tr("Name of the variant"))
        self.classes = QPushButton()
        self.classes.setAutoDefault(False)  # Enter opens the files
        self.classes.setObjectName("openSheetClasses")
        self.class_map: dict[str, str] = {}
        self.class_cell = QStackedWidget()
        self.class_cell.addWidget(QWidget())
        self.class_cell.addWidget(self.classes)
        self.offset = QSpinBox()
        self.offset.setAccessibleName(tr("Frame offset"))
        self.offset.setRange(-_MAX_OFFSET, _MAX_OFFSET)
        self.changes: dict[str, Any] = {}
        self.reading = QComboBox()
        self.reading.setAccessibleName(tr("Read as"))
        self.reading.setEnabled(False)
        self.contents = QLabel(candidate.reason)
        self.contents.setWordWrap(True)
        self.contents.setContentsMargins(SPACE["s"], 2, SPACE["s"], 2)

    def widgets(self) -> tuple[QWidget, ...]:
        """The widgets in the order of the columns."""
        return self.file, self.role_box, self.name, self.class_cell, self.offset, self.reading, self.contents

    @property
    def role(self) -> FileRole:
        """The selected role."""
        return FileRole(self.role_box.currentData())

    @property
    def is_box_file(self) -> bool:
        return self.role in KINDS

    @property
    def boxes(self) -> ImportedBoxes | None:
        """The boxes of the file; None if it has none, is not read yet or failed."""
        return self.result.boxes if self.is_box_file and self.result is not None else None

    @property
    def frame_base(self) -> int:
        """The number that the file gives to the first frame; 0 where it numbers none."""
        return 0 if self.boxes is None else self.boxes.frame_base or 0

    @property
    def lacks_classes(self) -> bool:
        """Whether the file has boxes and no class table."""
        boxes = self.boxes
        return boxes is not None and len(boxes) > 0 and not boxes.class_names

    @property
    def has_classes(self) -> bool:
        """Whether these are predictions with classes, which can be mapped."""
        return self.role is FileRole.PREDICTIONS and self.boxes is not None and bool(self.boxes.class_names)

    @property
    def has_failed(self) -> bool:
        return self.is_box_file and self.result is not None and self.result.error is not None

    @property
    def error(self) -> UncertainReadingError | None:
        """The question that the file raises, None if it was read."""
        found = self.result.error if self.is_box_file and self.result is not None else None
        return found if isinstance(found, UncertainReadingError) else None

    @property
    def alignment(self) -> Alignment | None:
        """A reading that fits the other boxes better than this file as it is read now."""
        return self.result.alignment if self.boxes is not None and self.result and not self.offset.value() else None

    @property
    def is_table(self) -> bool:
        """Whether the file is a table, whose columns can be said."""
        return self.is_box_file and self.candidate.format == TABLE

    def header_columns(self) -> tuple[str, str] | None:
        """The header of a table that was read, and what its columns are; None for others."""
        if self.boxes is None or not self.boxes.columns:
            return None
        return read_columns(self.candidate.path).key, self.boxes.columns

    def is_new_table(self, known: Mapping[str, str]) -> bool:
        """Whether this is a table whose columns nobody has seen."""
        header = self.header_columns()
        return header is not None and header[0] not in known

    def update_readings(self) -> None:
        """Offer the choices that the result leaves; keep the list where the last choice settled everything."""
        if self.error is not None:
            self._offer(tr("Choose…"), self.error.choices)
        elif self.alignment is not None:
            self._offer(tr("As it is"), (self.alignment.choice,))
        elif not self.changes and not self.offset.value():
            self._offer("", ())

    def _offer(self, first: str, choices: Sequence[Choice]) -> None:
        self.reading.clear()
        if choices:
            self.reading.addItem(first, None)
        for choice in choices:
            text = choice.text[:1].upper() + choice.text[1:]
            self.reading.addItem(text, choice)
        self.reading.setEnabled(bool(choices))

    def update_enabled(self) -> None:
        """Show and enable only the fields that apply to the role."""
        self.file.show_role(self.role)
        self.name.setEnabled(self.role in (FileRole.PREDICTIONS, FileRole.MODEL))
        self.offset.setEnabled(self.is_box_file)
        self.class_cell.setCurrentIndex(int(self.has_classes))

    # In words

    def count_outside(self, frame_count: int | None, offset: int | None = None) -> int:
        """Number of boxes on frames that the video does not have; 0 without a video.

        Args:
            offset: added to all frames; None: the one that is set.
        """
        boxes = self.boxes
        if boxes is None or frame_count is None:
            return 0
        frames = boxes.frames + (self.offset.value() if offset is None else offset)
        return int(((frames < 0) | (frames >= frame_count)).sum())

    def contents_text(self, frame_count: int | None) -> str:
        """What the file contains: ``4,650 boxes, 19 tracks, frames 0–794``."""
        if not self.is_box_file:
            return self.candidate.reason
        if self.result is None:
            return tr("Reading…")
        if self.error is not None and self.error.choices:
            return tr("Choose a reading")
        if self.result.error is not None:
            return self.result.error.message
        boxes = self.boxes
        if boxes is None or not len(boxes):
            return tr("No boxes")
        offset = self.offset.value()
        first, last = int(boxes.frames.min()) + offset, int(boxes.frames.max()) + offset
        parts = [tr_n("{count} box", "{count:,} boxes", len(boxes))]
        tracks = len(np.unique(boxes.track_ids[boxes.track_ids != NO_TRACK]))
        if tracks:
            parts.append(tr_n("{count} track", "{count:,} tracks", tracks))
        parts.append(tr("frames {first:,}–{last:,}", first=first, last=last))
        if boxes.refused:
            parts.append(tr_n("{count} invalid row", "{count:,} invalid rows", len(boxes.refused)))
        outside = self.count_outside(frame_count)
        if outside:
            parts.append(tr_n("{count} outside the video", "{count:,} outside the video", outside))
        elif offset and offset == propose_frame_offset(boxes, frame_count or 0):
            parts.append(tr("suggested offset {offset:+d}", offset=offset))
        return ", ".join(parts)


def fit_rows(table: QTableWidget, rows: Sequence[OpenRow]) -> None:
    """Give each row the height of its words, and the table no more than its rows."""
    width = table.columnWidth(table.columnCount() - 1)
    heights = [max(ROW_HEIGHT, row.contents.heightForWidth(width)) for row in rows]
    for position, height in enumerate(heights):
        table.setRowHeight(position, height)
    table.setMaximumHeight(table.horizontalHeader().sizeHint().height() + sum(heights) + 4)


def numbered_row(rows: Iterable[OpenRow]) -> OpenRow | None:
    """The file whose frame numbers the preview moves: the ground truth, else the first predictions."""
    numbered = [row for row in rows if row.boxes is not None and row.boxes.frame_base is not None]
    return min(numbered, key=lambda row: row.role is not FileRole.GROUND_TRUTH, default=None)


def class_counts(boxes: ImportedBoxes) -> dict[int, int]:
    """Number of boxes by class, without classes that have none."""
    numbers, counts = np.unique(boxes.class_ids[boxes.class_ids >= 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def refused_message(boxes: ImportedBoxes, name: str) -> Message:
    """The rows of a file that are skipped; the tooltip has the first ones."""
    lines = [str(refused) for refused in boxes.refused[:_MAX_DETAILS]]
    if len(boxes.refused) > _MAX_DETAILS:
        lines.append(tr("… and {count:,} more", count=len(boxes.refused) - _MAX_DETAILS))
    text = tr_n(
        "{count} invalid row of {name} will be skipped. {first}",
        "{count:,} invalid rows of {name} will be skipped. The first: {first}",
        len(boxes.refused),
        name=name,
        first=lines[0],
    )
    return Message(text, is_warning=True, details="\n".join(lines))


class ClassQuestion(QWidget):
    """The one question about the class of all boxes whose files have none.

    Signals:
        changed(): another answer.

    Attributes:
        field: the answer; empty where any class may match.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("openSheetQuestion")
        title = QLabel(tr("What are these boxes?"))
        title.setProperty("role", "title")
        self.field = QLineEdit()
        self.field.setObjectName("openSheetClass")
        self.field.setAccessibleName(title.text())
        self.field.setPlaceholderText(tr("object"))
        self.field.setFixedWidth(_FIELD_WIDTH)
        self.field.textChanged.connect(self.changed)
        self._text = QLabel()
        self._text.setProperty("role", "muted")
        self._text.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["m"])
        layout.addWidget(title)
        layout.addWidget(self.field)
        layout.addWidget(self._text, 1)
        self.hide()

    @property
    def answer(self) -> str:
        """The class; empty for none."""
        return self.field.text().strip()

    def ask(self, files: Sequence[str], known: Iterable[str]) -> None:
        """Ask about these files, or not at all.

        Args:
            known: class names to complete what is typed.
        """
        self.setVisible(bool(files))
        text = tr_n(
            "{names} has no classes. Leave this empty if any class may match.",
            "{names} have no classes. Leave this empty if any class may match.",
            len(files),
            names=", ".join(files),
        )
        self._text.setText(text)
        names = sorted(known)
        if names and self.field.completer() is None:
            self.field.setCompleter(QCompleter(names, self.field))
