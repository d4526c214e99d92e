"""Which changes of a copy to take into the project: one row for each box that differs."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QWidget

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.document import Document
from iouviewer.document.merging import BoxDifference, DifferenceKind, Merge
from iouviewer.document.origins import FLAG_MASK
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE

Index = QModelIndex | QPersistentModelIndex

_ROOT = QModelIndex()
_COLUMNS = (tr("Take from copy"), tr("Frame"), tr("Box"), tr("In the copy"), tr("In the project"))
_KINDS: dict[DifferenceKind, str] = {
    DifferenceKind.ADDED: tr("added"),
    DifferenceKind.CHANGED: tr("changed"),
    DifferenceKind.DELETED: tr("deleted"),
}
_ROWS_SHOWN, _ROW_HEIGHT = 10, 28


class DifferencesModel(QAbstractTableModel):
    """The differences; those that conflict with the project are not chosen at first.

    Signals:
        chosenChanged(): the user chose or left out a row.
    """

    chosenChanged = Signal()

    def __init__(self, merge: Merge, project: Document) -> None:
        super().__init__()
        self._boxes, self._project = merge.boxes, project
        self._names = (*project.class_names, *merge.classes)
        self._chosen = [not one.is_conflict for one in merge.boxes]

    def chosen(self) -> tuple[BoxDifference, ...]:
        """The differences to take."""
        return tuple(one for one, chosen in zip(self._boxes, self._chosen, strict=True) if chosen)

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Rows: one for each difference."""
        return 0 if parent.isValid() else len(self._boxes)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles of the columns."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The texts, and whether a row is chosen."""
        one = self._boxes[index.row()]
        if index.column() == 0:
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if self._chosen[index.row()] else Qt.CheckState.Unchecked
            return None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if index.column() == 1:
            return f"{one.box.frame:,}"
        if index.column() == 2:
            return self._name(one)
        return self._in_copy(one) if index.column() == 3 else _in_project(one)

    def _in_copy(self, one: BoxDifference) -> str:
        """What the project's box would become."""
        copied, current = one.copied, one.current
        if copied is None or current is None:
            return _KINDS[one.kind]
        parts = []
        if copied.rect != current.rect:
            parts.append(tr("other place"))
        if copied.class_id != current.class_id:
            parts.append(tr("class {class_name}", class_name=self._class_name(copied.class_id)))
        if copied.track != current.track:
            parts.append(tr("track {track}", track=copied.track) if copied.track != NO_TRACK else tr("no track"))
        if (copied.flags ^ current.flags) & FLAG_MASK:
            parts.append(tr("other flags"))
        return ", ".join(parts)

    def _class_name(self, class_id: int) -> str:
        return self._names[class_id] if 0 <= class_id < len(self._names) else tr("no class")

    def _name(self, one: BoxDifference) -> str:
        box = one.box
        if one.current is not None:
            return self._project.object_name(one.current)
        name = self._class_name(box.class_id)
        return tr("{class_name} {track}", class_name=name, track=box.track) if box.track != NO_TRACK else name

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only the first column can be changed."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Choose or leave out a row."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self._chosen[index.row()] = Qt.CheckState(value) is Qt.CheckState.Checked
        self.dataChanged.emit(index, index)
        self.chosenChanged.emit()
        return True


def _in_project(one: BoxDifference) -> str:
    if not one.is_conflict:
        return tr("not there") if one.current is None else tr("as it was")
    return tr("deleted, too") if one.current is None else tr("changed, too")


class MergeDialog(FramedDialog):
    """Shows the differences; read ``model.chosen()`` after it was accepted."""

    def __init__(self, parent: QWidget | None, merge: Merge, project: Document, name: str) -> None:
        super().__init__(parent, title=tr("Merge copy {name}", name=name), name="mergeDialog")
        self.model = DifferencesModel(merge, project)
        text = QLabel(_summary(merge))
        text.setWordWrap(True)
        self.body.addWidget(text)
        table = QTableView()
        table.setObjectName("mergeTable")
        table.setModel(self.model)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        rows = min(_ROWS_SHOWN, max(2, len(merge.boxes)))
        table.setMinimumHeight(table.horizontalHeader().sizeHint().height() + rows * _ROW_HEIGHT)
        self.body.addWidget(table, 1)
        self._accept = self.add_primary("")
        self._accept.clicked.connect(self.accept)
        self.add_cancel()
        self.model.chosenChanged.connect(self._show_count)
        self._show_count()
        self.resize(SIZE["dialog_m"], self.sizeHint().height())

    def _show_count(self) -> None:
        count = len(self.model.chosen())
        self._accept.setText(tr_n("Merge {count} box", "Merge {count:,} boxes", count))


def _summary(merge: Merge) -> str:
    """What the table does not list."""
    conflicts = sum(one.is_conflict for one in merge.boxes)
    sentences = [
        tr_n("{count} box of the copy differs.", "{count:,} boxes of the copy differ.", len(merge.boxes)),
    ]
    if conflicts:
        sentences.append(
            tr_n(
                "{count} of them was changed in the project, too: the project's is kept unless you choose otherwise.",
                "{count:,} of them were changed in the project, too: the project's are kept unless you choose "
                "otherwise.",
                conflicts,
            )
        )
    others = [
        tr_n("the state of {count} frame", "the states of {count:,} frames", len(merge.marks)) if merge.marks else "",
        tr_n("{count} decision", "{count:,} decisions", len(merge.decisions)) if merge.decisions else "",
        tr_n("{count} note", "{count:,} notes", len(merge.notes)) if merge.notes else "",
    ]
    if any(others):
        sentences.append(tr("Merged as well: {others}.", others=", ".join(filter(None, others))))
    sentences.append(tr("Variants stay in the copy. You can undo the merge."))
    return " ".join(sentences)
