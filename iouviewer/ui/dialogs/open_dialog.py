"""The dialog that shows how the chosen or dropped files were identified, before they are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QWidget,
)

from iouviewer.document.class_join import UNKNOWN, ClassJoin, join_classes
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import with_alignment_note
from iouviewer.metrics.table import Float, Int
from iouviewer.ui.dialogs.class_map import ClassMapDialog, class_map_text
from iouviewer.ui.dialogs.columns_dialog import open_columns_dialog
from iouviewer.ui.dialogs.frame import FramedDialog, keep_inside
from iouviewer.ui.dialogs.message_list import MessageList
from iouviewer.ui.dialogs.open_messages import Answers, messages_of
from iouviewer.ui.dialogs.open_preview import OpenPreview
from iouviewer.ui.dialogs.open_rows import (
    KINDS,
    ROW_HEIGHT,
    ClassQuestion,
    OpenRow,
    class_counts,
    fit_rows,
    numbered_row,
)
from iouviewer.ui.importing import (
    BoxReader,
    FileCandidate,
    FileRole,
    ReadRequest,
    ReadResult,
    propose_frame_offset,
)
from iouviewer.ui.tokens import SIZE, SPACE

_COLUMNS = (tr("File"), tr("Use as"), tr("Name"), tr("Classes"), tr("Frame offset"), tr("Read as"), tr("Contents"))
_CLASSES_COLUMN, _READING_COLUMN = 3, 5
_WIDTHS = (172, 124, 110, 168, 92, 150)


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


class OpenDialog(FramedDialog):
    """Lists all files with their roles; one button opens them.

    Args:
        context: context of the open video, None without one. A video among the files replaces it.
        truth, predictions: frames (N,) int64 and boxes (4, N) float64 that are loaded, None without any.
        are_frames_assumed: whether the frames of these predictions were assumed for image ids.
        classes: classes of the ground truth that is loaded.
        open_video: the video that is open in the window, for the preview.
        columns: what the columns of tables are, by header, as chosen before.

    Attributes:
        has_asked: whether a person has seen the question about files without classes.

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
        are_frames_assumed: bool = False,
        classes: ClassTable | None = None,
        open_video: Path | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        title = tr_n("Open {count} file", "Open {count:,} files", len(candidates))
        super().__init__(parent, title=title, name="openSheet")
        self._reader, self._context = reader, context
        self._classes = classes or ClassTable()
        self._open_video = open_video
        self._columns = dict(columns or {})
        self._truth, self._predictions, self._are_frames_assumed = truth, predictions, are_frames_assumed
        self.has_asked = self._was_seen = False
        self._waiting: list[OpenRow] = []
        self._last_number = 0
        self._pending: dict[int, OpenRow] = {}
        self.rows = [OpenRow(candidate) for candidate in candidates]
        self.table = QTableWidget(len(self.rows), len(_COLUMNS))
        self.table.setObjectName("openSheetTable")
        self._fill_table()
        self.question = ClassQuestion()
        self.messages = MessageList("openSheetMessages")
        self.body.setSpacing(SPACE["m"])
        self.body.addWidget(self.table, 1)
        self.preview = OpenPreview()
        self.preview.startChanged.connect(self._on_preview_start_changed)
        self.body.addWidget(self.preview)
        self.question.changed.connect(self._update_texts)
        self.body.addWidget(self.question)
        self.body.addWidget(self.messages)
        self.open_button = self.add_primary(tr("Open"))
        self.open_button.setObjectName("openSheetButton")
        self.open_button.clicked.connect(self.accept)
        self.add_cancel()
        self.resize(SIZE["dialog_l"], self.sizeHint().height())
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
        for column, width in enumerate(_WIDTHS):
            table.setColumnWidth(column, width)
        header.setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        for position, row in enumerate(self.rows):
            for column, widget in enumerate(row.widgets()):
                table.setCellWidget(position, column, widget)
            table.setRowHeight(position, ROW_HEIGHT)
            row.role_box.activated.connect(self._on_role_box_activated)
            row.offset.valueChanged.connect(self._update_texts)
            row.classes.clicked.connect(partial(self._edit_classes, row))
            row.reading.activated.connect(self._on_reading_activated)
            row.update_enabled()
        for column in (_CLASSES_COLUMN, _READING_COLUMN):
            table.setColumnHidden(column, True)
        table.setMinimumHeight(header.sizeHint().height() + min(len(self.rows), 6) * ROW_HEIGHT + 4)

    # Reading

    def _request(self, row: OpenRow) -> None:
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
                KINDS[row.role],
                context,
                video,
                listed,
                dict(row.changes),
                reference,
                is_truth and self._are_frames_assumed,
                columns=self._columns,
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
        self._choose_reading(next(row for row in self.rows if row.reading is sender))

    def _choose_reading(self, row: OpenRow) -> None:
        choice = row.reading.currentData()
        if choice is not None and "shift" in choice.changes:
            row.offset.setValue(row.offset.value() + choice.changes["shift"])
            return
        if choice is None:
            row.changes = {}
            row.offset.setValue(0)
        self._read_again(row, {} if choice is None else choice.changes)

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

    @property
    def _known_frames(self) -> int | None:
        """The same, None without a video."""
        return None if self._context is None else self._frame_count

    # Columns

    def _edit_columns(self, row: OpenRow) -> None:
        """Let a person say what the columns of a table are, and read it again."""
        dialog = open_columns_dialog(self, row)
        if dialog is not None and dialog.exec():
            self._read_again(row, {"columns": dialog.spec()})

    def _read_shapes(self, row: OpenRow) -> None:
        """Read polygons and other shapes of a file as the boxes around them."""
        self._read_again(row, {"shapes": "envelope"})

    def _read_again(self, row: OpenRow, changes: Mapping[str, Any]) -> None:
        row.changes |= changes
        self._request(row)
        if row.role is FileRole.GROUND_TRUTH:
            self._request_predictions()
        self._update_texts()

    def chosen_columns(self) -> dict[str, str]:
        """What the columns of the tables are that a person has seen in this dialog, by header."""
        return dict(header for row in self.rows if self._was_seen and (header := row.header_columns()) is not None)

    # Classes

    @property
    def truth_classes(self) -> ClassTable:
        """Classes of the ground truth among the files, else of the open one."""
        for row in self.rows:
            if row.role is FileRole.GROUND_TRUTH and row.boxes is not None:
                return row.boxes.with_class(self.question.answer).classes
        return self._classes

    def _join(self, row: OpenRow) -> ClassJoin | None:
        """How the classes of predictions become those of the ground truth; None for other files."""
        boxes = row.boxes
        if row.role is not FileRole.PREDICTIONS or boxes is None or not boxes.class_names:
            return None
        return join_classes(boxes.classes, self.truth_classes, row.class_map, used=class_counts(boxes))

    def _edit_classes(self, row: OpenRow) -> None:
        if row.boxes is None:
            return
        counts = class_counts(row.boxes)
        dialog = ClassMapDialog(
            self, row.candidate.path.name, row.boxes.classes, counts, self.truth_classes, row.class_map
        )
        if dialog.exec():
            row.class_map = dialog.class_map()
            self._update_texts()

    def _is_class_choice_open(self, row: OpenRow) -> bool:
        """Whether the user should look at the classes: they can be read in two ways, or a proposal waits."""
        join = self._join(row)
        if join is None or row.boxes is None or not len(self.truth_classes):
            return False
        counts = class_counts(row.boxes)
        nothing_left = not any(join.targets[number] != UNKNOWN for number in counts)
        return bool(join.problem) or nothing_left or any(number in join.proposals for number in counts)

    # Texts

    def _update_texts(self) -> None:
        for row in self.rows:
            join = self._join(row)
            if join is not None and row.boxes is not None:
                row.classes.setText(
                    class_map_text(join, row.boxes.classes, class_counts(row.boxes), self.truth_classes)
                )
            row.contents.setText(row.contents_text(self._known_frames))
        self._show_column(_CLASSES_COLUMN, any(row.has_classes for row in self.rows))
        self._show_column(_READING_COLUMN, any(row.reading.isEnabled() for row in self.rows))
        names = {name for row in self.rows if row.boxes is not None for name in row.boxes.class_names}
        without = [row.candidate.path.name for row in self.rows if row.lacks_classes]
        self.question.ask(without, names | set(self._classes.names))
        self.has_asked = self.has_asked or (self.isVisible() and bool(without))
        self._update_preview()
        self.messages.show_messages([message for row in self.rows for message in messages_of(row, self._answers())])
        has_failed = any(row.has_failed for row in self.rows)
        is_used = any(row.role is not FileRole.SKIP for row in self.rows)
        self.open_button.setEnabled(not self.is_reading and not has_failed and is_used)
        # A disabled button passes the default on to a button of a row, and does not get it back by itself.
        self.open_button.setDefault(self.open_button.isEnabled())
        self.resize(max(self.width(), self.sizeHint().width()), max(self.height(), self.sizeHint().height()))
        keep_inside(self)
        fit_rows(self.table, self.rows)

    # The preview

    def _update_preview(self) -> None:
        # For a dialog that nobody sees, no frames are read; in a low window the files need the space.
        parent = self.parentWidget()
        has_space = parent is None or parent.window().height() >= SIZE["dialog_m"]
        video = (self.video or self._open_video) if self.isVisible() and has_space else None
        self.preview.show_video(video, self._frame_count)
        self.preview.show_rows(self.rows)

    def _on_preview_start_changed(self, number: int) -> None:
        row = numbered_row(self.rows)
        if row is not None:
            row.offset.setValue(row.frame_base - number)

    def showEvent(self, event: QShowEvent) -> None:
        """The preview is read once it is seen."""
        super().showEvent(event)
        self._was_seen = True
        self._update_texts()

    def done(self, result: int) -> None:
        """Close; the thread of the preview ends."""
        self.preview.close_video()
        super().done(result)

    def _show_column(self, column: int, shown: bool) -> None:
        """Show or hide a column; the last one keeps the space for its texts."""
        if shown == self.table.isColumnHidden(column):
            self.table.setColumnHidden(column, not shown)
            change = self.table.columnWidth(column) if shown else -_WIDTHS[column]
            self.resize(max(self.width() + change, SIZE["dialog_l"]), self.height())

    def _answers(self) -> Answers:
        return Answers(
            known_frames=self._known_frames,
            join=self._join,
            is_class_choice_open=self._is_class_choice_open,
            edit_columns=self._edit_columns,
            edit_classes=self._edit_classes,
            map_classes=self._map,
            use_alignment=self._use_alignment,
            read_shapes=self._read_shapes,
        )

    def _map(self, row: OpenRow, proposed: Mapping[str, str]) -> None:
        row.class_map |= proposed
        self._update_texts()

    def _use_alignment(self, row: OpenRow) -> None:
        """Choose the reading that fits better."""
        row.reading.setCurrentIndex(row.reading.count() - 1)
        self._choose_reading(row)

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
                boxes = boxes.with_class(self.question.answer)
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
        is_new_table = any(row.is_new_table(self._columns) for row in self.rows)
        if is_misfit or is_new_table or any(self._is_class_choice_open(row) for row in self.rows):
            return True
        return any(
            row.boxes is not None and (bool(row.boxes.refused) or row.count_outside(self._known_frames, offset=0) > 0)
            for row in self.rows
        )
