"""The dialog that shows how the chosen or dropped files were identified, before they are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.document.class_join import UNKNOWN, ClassJoin, join_classes
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.formats.interface import Choice, ReadContext, UncertainReadingError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import Alignment
from iouviewer.jobs.eval_inputs import with_alignment_note
from iouviewer.metrics.table import Float, Int
from iouviewer.ui.dialogs.class_map import ClassMapDialog, class_map_text
from iouviewer.ui.importing import (
    FILE_ROLE_TEXTS,
    BoxReader,
    FileCandidate,
    FileRole,
    ReadRequest,
    ReadResult,
    propose_frame_offset,
)

_COLUMNS = (tr("File"), tr("Use as"), tr("Name"), tr("Class"), tr("Frame offset"), tr("Read as"), tr("Contents"))
_READING_COLUMN = 5
_ROLES = {
    FileRole.GROUND_TRUTH: (FileRole.GROUND_TRUTH, FileRole.PREDICTIONS, FileRole.SKIP),
    FileRole.PREDICTIONS: (FileRole.PREDICTIONS, FileRole.GROUND_TRUTH, FileRole.SKIP),
}
_KINDS = {FileRole.GROUND_TRUTH: ImportKind.GROUND_TRUTH, FileRole.PREDICTIONS: ImportKind.PREDICTIONS}
_MAX_OFFSET = 1_000_000
_MAX_DETAILS = 10
_MAX_WARNINGS = 6


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One file with the user's choices; frame offset and class have been applied to ``boxes``.

    Attributes:
        class_map: class of the predictions -> class of the ground truth, where the user chose it.
    """

    candidate: FileCandidate
    role: FileRole
    name: str
    boxes: ImportedBoxes | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)


class _Row:
    """The widgets of one file, and the result of reading it."""

    def __init__(self, candidate: FileCandidate) -> None:
        self.candidate = candidate
        self.result: ReadResult | None = None
        self.offset_was_proposed = False
        self.role_box = QComboBox()
        for role in _ROLES.get(candidate.role, (candidate.role, FileRole.SKIP)):
            if self.role_box.findData(role) < 0:
                self.role_box.addItem(FILE_ROLE_TEXTS[role], role)
        self.name = QLineEdit(candidate.name)
        self.class_name = QLineEdit()
        self.classes = QPushButton()
        self.classes.setAutoDefault(False)  # Enter opens the files
        self.classes.setObjectName("openSheetClasses")
        self.class_map: dict[str, str] = {}
        self.class_cell = QStackedWidget()
        self.class_cell.addWidget(self.class_name)
        self.class_cell.addWidget(self.classes)
        self.offset = QSpinBox()
        self.offset.setRange(-_MAX_OFFSET, _MAX_OFFSET)
        self.changes: dict[str, Any] = {}
        self.reading = QComboBox()
        self.reading.setAccessibleName(tr("Read as"))
        self.reading.setEnabled(False)
        self.contents = QLabel(candidate.reason)
        self.contents.setWordWrap(True)
        self.contents.setContentsMargins(6, 2, 6, 2)

    @property
    def role(self) -> FileRole:
        """The selected role."""
        return FileRole(self.role_box.currentData())

    @property
    def is_box_file(self) -> bool:
        return self.role in _KINDS

    @property
    def boxes(self) -> ImportedBoxes | None:
        """The boxes of the file; None if it has none, is not read yet or failed."""
        return self.result.boxes if self.is_box_file and self.result is not None else None

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
        """Enable only the fields that apply to the role."""
        self.name.setEnabled(self.role in (FileRole.PREDICTIONS, FileRole.MODEL))
        self.offset.setEnabled(self.is_box_file)
        boxes = self.result.boxes if self.result is not None else None
        self.class_name.setEnabled(self.is_box_file and not (boxes is not None and bool(boxes.class_names)))
        has_map = self.role is FileRole.PREDICTIONS and boxes is not None and bool(boxes.class_names)
        self.class_cell.setCurrentWidget(self.classes if has_map else self.class_name)
        self.class_name.setPlaceholderText(tr("No class") if self.class_name.isEnabled() else "")


def _class_counts(boxes: ImportedBoxes) -> dict[int, int]:
    """Number of boxes by class, without classes that have none."""
    numbers, counts = np.unique(boxes.class_ids[boxes.class_ids >= 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


class OpenDialog(QDialog):
    """Lists all files with their roles; one button opens them.

    Args:
        context: context of the open video, None without one. A video among the files replaces it.
        truth, predictions: frames (N,) int64 and boxes (4, N) float64 that are loaded, None without any.
        classes: classes of the ground truth that is loaded.

    Signals:
        ready(): all files are read.
    """

    ready = Signal()

    def __init__(
        self,
        parent: QWidget | None,
        candidates: Sequence[FileCandidate],
        reader: BoxReader,
        context: ReadContext | None,
        *,
        truth: tuple[Int, Float] | None = None,
        predictions: tuple[Int, Float] | None = None,
        classes: ClassTable | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("openSheet")
        self.setWindowTitle(tr_n("Open {count} file", "Open {count} files", len(candidates)))
        self._reader, self._context = reader, context
        self._classes = classes or ClassTable()
        self._truth, self._predictions = truth, predictions
        self._waiting: list[_Row] = []
        self._last_number = 0
        self._pending: dict[int, _Row] = {}
        self.rows = [_Row(candidate) for candidate in candidates]
        self.table = QTableWidget(len(self.rows), len(_COLUMNS))
        self.table.setObjectName("openSheetTable")
        self._fill_table()
        self.warning = QLabel()
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.addButton(tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setObjectName("openSheetButton")
        self.open_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.warning)
        layout.addWidget(self.buttons)
        self.resize(860, min(520, 160 + 44 * len(self.rows)))
        reader.finished.connect(self._on_reader_finished)
        # Predictions are read after the ground truth, whose images and boxes say how to read them.
        for row in sorted(self.rows, key=lambda row: row.role is not FileRole.GROUND_TRUTH):
            self._request(row)
        self._update_texts()

    def _fill_table(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(list(_COLUMNS))
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((150, 116, 110, 96, 92, 150)):
            table.setColumnWidth(column, width)
        header.setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        for position, row in enumerate(self.rows):
            name = QLabel(row.candidate.path.name)
            name.setToolTip(str(row.candidate.path))
            name.setContentsMargins(6, 0, 6, 0)
            widgets = (name, row.role_box, row.name, row.class_cell, row.offset, row.reading, row.contents)
            for column, widget in enumerate(widgets):
                table.setCellWidget(position, column, widget)
            table.setRowHeight(position, 36)
            row.role_box.activated.connect(self._on_role_box_activated)
            row.offset.valueChanged.connect(self._update_texts)
            row.class_name.editingFinished.connect(self._update_texts)
            row.classes.clicked.connect(partial(self._edit_classes, row))
            row.reading.activated.connect(self._on_reading_activated)
            row.update_enabled()
        table.setColumnHidden(_READING_COLUMN, True)

    # Reading

    def _request(self, row: _Row) -> None:
        self._pending = {number: other for number, other in self._pending.items() if other is not row}
        self._waiting = [other for other in self._waiting if other is not row]
        if not row.is_box_file:
            return
        if row.role is FileRole.PREDICTIONS and self._is_ground_truth_pending:
            row.result = None
            self._waiting.append(row)
            return
        self._last_number += 1
        self._pending[self._last_number] = row
        row.result = None
        video = self.video
        context = self._context if video is None else None
        is_truth = row.role is FileRole.GROUND_TRUTH
        truth = self._ground_truth
        listed = truth.images if truth is not None and len(truth.images) and not is_truth else None
        reference = self._predictions if is_truth else self._truth
        if truth is not None and not is_truth:
            reference = truth.frames, truth.boxes
        self._reader.request(
            ReadRequest(
                self._last_number,
                row.candidate.path,
                _KINDS[row.role],
                context,
                video,
                listed,
                dict(row.changes),
                reference,
            )
        )

    @property
    def _is_ground_truth_pending(self) -> bool:
        return any(row.role is FileRole.GROUND_TRUTH for row in self._pending.values())

    @property
    def _ground_truth(self) -> ImportedBoxes | None:
        """The ground truth among the files, with the offset that is set; None if it is not read."""
        for row in self.rows:
            if row.role is FileRole.GROUND_TRUTH and row.boxes is not None:
                return row.boxes.shifted(row.offset.value()) if row.offset.value() else row.boxes
        return None

    def _request_predictions(self) -> None:
        """Read all predictions again, because the ground truth that they belong to changed."""
        for row in self.rows:
            if row.role is FileRole.PREDICTIONS:
                self._request(row)

    def _on_role_box_activated(self) -> None:
        sender = self.sender()
        for row in self.rows:
            if row.role_box is sender:
                self._request(row)
                self._request_predictions()
            row.update_enabled()
        self._update_texts()

    def _on_reading_activated(self) -> None:
        sender = self.sender()
        row = next(row for row in self.rows if row.reading is sender)
        choice = row.reading.currentData()
        if choice is None:
            row.changes = {}
            row.offset.setValue(0)
        elif "shift" in choice.changes:
            row.offset.setValue(row.offset.value() + choice.changes["shift"])
            return
        else:
            row.changes |= choice.changes
        self._request(row)
        if row.role is FileRole.GROUND_TRUTH:
            self._request_predictions()
        self._update_texts()

    def _on_reader_finished(self, result: ReadResult) -> None:
        row = self._pending.pop(result.number, None)
        if row is None:
            return
        row.result = result
        self._context = result.context or self._context
        if result.boxes is not None and self._context is not None and not row.offset_was_proposed:
            row.offset_was_proposed = True
            row.offset.setValue(propose_frame_offset(result.boxes, self._frame_count))
        row.update_enabled()
        row.update_readings()
        has_readings = any(row.reading.isEnabled() for row in self.rows)
        if has_readings and self.table.isColumnHidden(_READING_COLUMN):
            self.table.setColumnHidden(_READING_COLUMN, False)
            self.resize(self.width() + self.table.columnWidth(_READING_COLUMN), self.height())
        if not self._is_ground_truth_pending:
            for waiting in list(self._waiting):
                self._request(waiting)
        self._update_texts()
        if not self.is_reading:
            self.ready.emit()

    @property
    def _frame_count(self) -> int:
        """Frames of the video, 0 if unknown."""
        return 0 if self._context is None else self._context.frame_count or 0

    # Classes

    @property
    def truth_classes(self) -> ClassTable:
        """Classes of the ground truth among the files, else of the open one."""
        for row in self.rows:
            if row.role is FileRole.GROUND_TRUTH and row.boxes is not None:
                return row.boxes.with_class(row.class_name.text().strip()).classes
        return self._classes

    def _join(self, row: _Row) -> ClassJoin | None:
        """How the classes of predictions become those of the ground truth; None for other files."""
        boxes = row.boxes
        if row.role is not FileRole.PREDICTIONS or boxes is None or not boxes.class_names:
            return None
        return join_classes(boxes.classes, self.truth_classes, row.class_map, used=_class_counts(boxes))

    def _edit_classes(self, row: _Row) -> None:
        if row.boxes is None:
            return
        counts = _class_counts(row.boxes)
        dialog = ClassMapDialog(
            self, row.candidate.path.name, row.boxes.classes, counts, self.truth_classes, row.class_map
        )
        if dialog.exec():
            row.class_map = dialog.class_map()
            self._update_texts()

    def _is_class_choice_open(self, row: _Row) -> bool:
        """Whether the user should look at the classes: they can be read in two ways, or a proposal waits."""
        join = self._join(row)
        if join is None or row.boxes is None or not len(self.truth_classes):
            return False
        counts = _class_counts(row.boxes)
        nothing_left = not any(join.targets[number] != UNKNOWN for number in counts)
        return bool(join.problem) or nothing_left or any(number in join.proposals for number in counts)

    # Texts

    def _update_texts(self) -> None:
        for row in self.rows:
            join = self._join(row)
            if join is not None and row.boxes is not None:
                row.classes.setText(class_map_text(join, row.boxes.classes, _class_counts(row.boxes)))
            row.contents.setText(self._contents_text(row))
            row.contents.setToolTip(self._details_text(row))
        self.warning.setText(self._warning_text())
        has_failed = any(row.has_failed for row in self.rows)
        is_used = any(row.role is not FileRole.SKIP for row in self.rows)
        self.open_button.setEnabled(not self.is_reading and not has_failed and is_used)
        # A disabled button passes the default on to a button of a row, and does not get it back by itself.
        self.open_button.setDefault(self.open_button.isEnabled())

    def _contents_text(self, row: _Row) -> str:
        if not row.is_box_file:
            return row.candidate.reason
        if row.result is None:
            return tr("Reading…")
        if row.error is not None and row.error.choices:
            return tr("Choose a reading")
        if row.result.error is not None:
            return row.result.error.message
        boxes = row.boxes
        if boxes is None or not len(boxes):
            return tr("No boxes")
        offset = row.offset.value()
        first, last = int(boxes.frames.min()) + offset, int(boxes.frames.max()) + offset
        parts = [
            tr_n(
                "{count} box, frames {first:,}–{last:,}",
                "{count:,} boxes, frames {first:,}–{last:,}",
                len(boxes),
                first=first,
                last=last,
            )
        ]
        if boxes.refused:
            parts.append(tr_n("{count} invalid row", "{count:,} invalid rows", len(boxes.refused)))
        outside = self._count_outside(boxes, offset)
        if outside:
            parts.append(tr_n("{count} outside the video", "{count:,} outside the video", outside))
        elif offset and offset == propose_frame_offset(boxes, self._frame_count):
            parts.append(tr("suggested offset {offset:+d}", offset=offset))
        return ", ".join(parts)

    def _count_outside(self, boxes: ImportedBoxes, offset: int) -> int:
        """Number of boxes on frames that the video does not have."""
        if self._context is None:
            return 0
        frames = boxes.frames + offset
        return int(((frames < 0) | (frames >= self._frame_count)).sum())

    @staticmethod
    def _details_text(row: _Row) -> str:
        if row.result is None:
            return ""
        if row.result.boxes is None:
            return "" if row.result.error is None else str(row.result.error)
        boxes = row.result.boxes
        lines = [*boxes.notes, *(str(refused) for refused in boxes.refused[:_MAX_DETAILS])]
        if len(boxes.refused) > _MAX_DETAILS:
            lines.append(tr("… and {count:,} more", count=len(boxes.refused) - _MAX_DETAILS))
        return "\n".join(lines)

    def _warning_text(self) -> str:
        lines = []
        for row in self.rows:
            boxes, name = row.boxes, row.candidate.path.name
            if row.error is not None and row.error.choices:
                lines.append(tr("{name}: {message}. Choose how to read it.", name=name, message=row.error.message))
            if boxes is None:
                continue
            if row.alignment is not None:
                lines.append(tr("{name} fits better with another reading: {text}.", name=name, text=row.alignment.text))
            if boxes.refused:
                lines.append(str(boxes.refused[0]))
                lines.append(
                    tr_n(
                        "{count} invalid row of {name} will be skipped.",
                        "{count:,} invalid rows of {name} will be skipped.",
                        len(boxes.refused),
                        name=name,
                    )
                )
            outside = self._count_outside(boxes, row.offset.value())
            if outside:
                lines.append(
                    tr_n(
                        "{count} box of {name} lies on a frame that the video does not have and will be skipped.",
                        "{count:,} boxes of {name} lie on frames that the video does not have and will be skipped.",
                        outside,
                        name=name,
                    )
                )
            if self._is_class_choice_open(row):
                join = self._join(row)
                problem = "" if join is None else join.problem
                lines.append(
                    tr("{name}: {problem}.", name=name, problem=problem)
                    if problem
                    else tr("Some classes of {name} are not in the ground truth; choose under Class.", name=name)
                )
        return "\n".join(lines[:_MAX_WARNINGS])

    # Results

    def items(self) -> list[OpenItem]:
        """The files to open, without those that are skipped."""
        items = []
        for row in self.rows:
            if row.role is FileRole.SKIP:
                continue
            boxes = row.boxes
            if boxes is not None:
                if row.alignment is not None and row.role is FileRole.PREDICTIONS:
                    boxes = with_alignment_note(boxes, row.alignment)
                boxes = boxes.with_class(row.class_name.text().strip())
                boxes = boxes.shifted(row.offset.value()) if row.offset.value() else boxes
            name = row.name.text().strip() or row.candidate.path.stem
            items.append(OpenItem(replace(row.candidate, role=row.role), row.role, name, boxes, row.class_map))
        return items

    @property
    def video(self) -> Path | None:
        """The video among the files, if there is one."""
        return next((row.candidate.path for row in self.rows if row.role is FileRole.VIDEO), None)

    @property
    def is_reading(self) -> bool:
        """Whether files are still being read."""
        return bool(self._pending or self._waiting)

    def needs_review(self) -> bool:
        """Whether the user must decide something or read a warning before the files are opened."""
        if self.is_reading or not self.open_button.isEnabled():
            return True
        is_misfit = any(row.alignment is not None and row.alignment.is_clear for row in self.rows)
        if is_misfit or any(self._is_class_choice_open(row) for row in self.rows):
            return True
        return any(
            row.result is not None
            and row.result.boxes is not None
            and (bool(row.result.boxes.refused) or self._count_outside(row.result.boxes, 0) > 0)
            for row in self.rows
        )
