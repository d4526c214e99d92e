"""The sheet that shows what was found among dropped files, before anything is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSpinBox,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.ui.importing import BoxReader, Context, Found, Order, Read, Role, proposed_shift, with_class

_HEADS = ("File", "Is", "Name", "Class", "Frames +", "What was found")
_ROLES = {
    Role.GROUND_TRUTH: (Role.GROUND_TRUTH, Role.PREDICTIONS, Role.SKIP),
    Role.PREDICTIONS: (Role.PREDICTIONS, Role.GROUND_TRUTH, Role.SKIP),
}
_KINDS = {Role.GROUND_TRUTH: Kind.GROUND_TRUTH, Role.PREDICTIONS: Kind.PREDICTIONS}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the sheet as the user left it; ``boxes`` are shifted and classed already."""

    found: Found
    role: Role
    name: str
    boxes: ImportedBoxes | None = None


class _Row:
    """The widgets of one line."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.read: Read | None = None
        self.role = QComboBox()
        for role in _ROLES.get(found.role, (found.role, Role.SKIP)):
            if self.role.findData(role) < 0:
                self.role.addItem(role.value, role)
        self.name = QLineEdit(found.name)
        self.class_name = QLineEdit()
        self.class_name.setPlaceholderText("unspecified")
        self.shift = QSpinBox()
        self.shift.setRange(-1_000_000, 1_000_000)
        self.what = QLabel(found.why)
        self.what.setWordWrap(True)
        self.what.setContentsMargins(6, 2, 6, 2)
        self.proposed = False

    @property
    def chosen(self) -> Role:
        """The role that stands in the box."""
        return Role(self.role.currentData())

    @property
    def holds_boxes(self) -> bool:
        return self.chosen in _KINDS


class OpenSheet(QDialog):
    """Everything that was found, with one button that takes it over.

    Args:
        context: of the open video, None without one; where a video is among the files, that one counts.

    Signals:
        ready(): everything is read.
    """

    ready = Signal()

    def __init__(
        self, parent: QWidget | None, found: Sequence[Found], reader: BoxReader, context: Context | None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("openSheet")
        self.setWindowTitle("Open")
        self._reader, self._context = reader, context
        self._numbers = 0
        self._orders: dict[int, _Row] = {}
        self.rows = [_Row(one) for one in found]
        self.table = QTableWidget(len(self.rows), len(_HEADS))
        self.table.setObjectName("openSheetTable")
        self._fill()
        self.note = QLabel()
        self.note.setProperty("role", "warning")
        self.note.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setObjectName("openSheetButton")
        self.open_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)
        self.resize(860, min(520, 160 + 44 * len(self.rows)))
        reader.read.connect(self._on_reader_read)
        self._read_all()

    def _fill(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(list(_HEADS))
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((150, 116, 110, 96, 76)):
            table.setColumnWidth(column, width)
        header.setSectionResizeMode(len(_HEADS) - 1, QHeaderView.ResizeMode.Stretch)
        for place, row in enumerate(self.rows):
            name = QLabel(row.found.path.name)
            name.setToolTip(str(row.found.path))
            name.setContentsMargins(6, 0, 6, 0)
            for column, widget in enumerate((name, row.role, row.name, row.class_name, row.shift, row.what)):
                table.setCellWidget(place, column, widget)
            table.setRowHeight(place, 36)
            row.role.activated.connect(self._on_role_activated)
            row.shift.valueChanged.connect(self._show)
        self._enable()

    def _enable(self) -> None:
        for row in self.rows:
            row.name.setEnabled(row.chosen in (Role.PREDICTIONS, Role.MODEL))
            row.shift.setEnabled(row.holds_boxes)
            known = row.read is not None and row.read.boxes is not None and bool(row.read.boxes.class_names)
            row.class_name.setEnabled(row.holds_boxes and not known)
            row.class_name.setPlaceholderText("unspecified" if row.class_name.isEnabled() else "")

    def _read_all(self) -> None:
        for row in self.rows:
            self._ask(row)
        self._show()

    def _ask(self, row: _Row) -> None:
        if row.holds_boxes:
            self._numbers += 1
            self._orders = {n: other for n, other in self._orders.items() if other is not row}
            self._orders[self._numbers] = row
            row.read = None
            video = self.video
            context = self._context if video is None else None
            self._reader.ask(Order(self._numbers, row.found.path, _KINDS[row.chosen], context, video))

    def _on_role_activated(self) -> None:
        sender = self.sender()
        for row in self.rows:
            if row.role is sender:
                self._ask(row)
        self._enable()
        self._show()

    def _on_reader_read(self, answer: Read) -> None:
        row = self._orders.pop(answer.number, None)
        if row is None:
            return
        row.read = answer
        self._context = answer.context or self._context
        if answer.boxes is not None and self._context is not None and not row.proposed:
            row.proposed = True
            row.shift.setValue(proposed_shift(answer.boxes, self._context.frame_count))
        self._enable()
        self._show()
        if not self._orders:
            self.ready.emit()

    # What it says

    def _show(self) -> None:
        for row in self.rows:
            row.what.setText(self._what(row))
            row.what.setToolTip(self._details(row))
        busy = bool(self._orders)
        failed = any(row.holds_boxes and row.read is not None and row.read.error is not None for row in self.rows)
        self.note.setText(self._warning())
        self.open_button.setEnabled(not busy and not failed and any(row.chosen is not Role.SKIP for row in self.rows))

    def _what(self, row: _Row) -> str:
        if not row.holds_boxes:
            return row.found.why
        if row.read is None:
            return "reading …"
        if row.read.error is not None:
            return row.read.error.message
        boxes = row.read.boxes
        if boxes is None or not len(boxes):
            return "no boxes"
        shift = row.shift.value()
        first, last = int(boxes.frames.min()) + shift, int(boxes.frames.max()) + shift
        parts = [f"{len(boxes):,} boxes on frames {first} to {last}"]
        if boxes.refused:
            parts.append(f"{len(boxes.refused)} row{'s' if len(boxes.refused) > 1 else ''} refused")
        beyond = self._beyond(boxes, shift)
        if beyond:
            parts.append(f"{beyond:,} outside the video")
        elif shift and shift == proposed_shift(boxes, self._context.frame_count if self._context else 0):
            parts.append(f"offset {shift:+d} proposed")
        return ", ".join(parts)

    def _beyond(self, boxes: ImportedBoxes, shift: int) -> int:
        if self._context is None:
            return 0
        frames = boxes.frames + shift
        return int(((frames < 0) | (frames >= self._context.frame_count)).sum())

    @staticmethod
    def _details(row: _Row) -> str:
        if row.read is None or row.read.boxes is None:
            return "" if row.read is None or row.read.error is None else str(row.read.error)
        boxes = row.read.boxes
        lines = [*boxes.notes, *(str(refused) for refused in boxes.refused[:10])]
        if len(boxes.refused) > 10:
            lines.append(f"… and {len(boxes.refused) - 10} more")
        return "\n".join(lines)

    def _warning(self) -> str:
        lines = []
        for row in self.rows:
            boxes = row.read.boxes if row.holds_boxes and row.read is not None else None
            if boxes is not None and boxes.refused:
                lines.append(f"{boxes.refused[0]}")
                many = f"{len(boxes.refused)} such rows" if len(boxes.refused) > 1 else "This row"
                lines.append(f"{many} of {row.found.path.name} will be left out.")
            beyond = 0 if boxes is None else self._beyond(boxes, row.shift.value())
            if beyond:
                what = f"{beyond:,} boxes of {row.found.path.name} lie" if beyond > 1 else "One box lies"
                lines.append(f"{what} on frames that the video does not have, and will be left out.")
        return "\n".join(lines[:6])

    def items(self) -> list[Item]:
        """What is to be taken over."""
        result = []
        for row in self.rows:
            boxes = row.read.boxes if row.holds_boxes and row.read is not None else None
            if boxes is not None:
                boxes = with_class(boxes, row.class_name.text().strip())
                boxes = boxes.shifted(row.shift.value()) if row.shift.value() else boxes
            name = row.name.text().strip() or row.found.path.stem
            if row.chosen is not Role.SKIP:
                result.append(Item(replace(row.found, role=row.chosen), row.chosen, name, boxes))
        return result

    @property
    def video(self) -> Path | None:
        """The video among them, if there is one."""
        return next((row.found.path for row in self.rows if row.chosen is Role.VIDEO), None)

    @property
    def busy(self) -> bool:
        """Whether files are still being read."""
        return bool(self._orders)

    def needs_a_look(self) -> bool:
        """Whether anything must be decided or read by a person before the button is pressed."""
        if self._orders or not self.open_button.isEnabled():
            return True
        return any(
            row.read is not None
            and row.read.boxes is not None
            and (bool(row.read.boxes.refused) or self._beyond(row.read.boxes, 0) > 0)
            for row in self.rows
        )
