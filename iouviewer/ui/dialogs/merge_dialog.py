"""Which changes of a copy to take into the project: one row for each box, note and variant that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QWidget

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.document import Document
from iouviewer.document.merging import BoxDifference, DifferenceKind, Merge
from iouviewer.document.notes import NO_FRAME, Note
from iouviewer.document.origins import FLAG_MASK
from iouviewer.document.variant_merging import VariantDifference
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE

Index = QModelIndex | QPersistentModelIndex

_ROOT = QModelIndex()
_COLUMNS = (tr("Take from copy"), tr("Frame"), tr("Object"), tr("In the copy"), tr("In the project"))
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

    def __init__(self, merge: Merge, variants: Sequence[VariantDifference], project: Document) -> None:
        super().__init__()
        self._merge, self._project = merge, project
        self._items: tuple[BoxDifference | Note | VariantDifference, ...] = (*variants, *merge.notes, *merge.boxes)
        self._names = (*project.class_names, *merge.classes)
        self._chosen = [not (isinstance(one, BoxDifference) and one.is_conflict) for one in self._items]

    def chosen(self) -> tuple[BoxDifference, ...]:
        """The boxes to take."""
        return tuple(one for one in self._chosen_items() if isinstance(one, BoxDifference))

    def chosen_notes(self) -> tuple[Note, ...]:
        """The notes to take."""
        return tuple(one for one in self._chosen_items() if isinstance(one, Note))

    def chosen_variants(self) -> tuple[Variant, ...]:
        """The variants to take."""
        return tuple(one.variant for one in self._chosen_items() if isinstance(one, VariantDifference))

    def _chosen_items(self) -> Iterator[BoxDifference | Note | VariantDifference]:
        return (one for one, chosen in zip(self._items, self._chosen, strict=True) if chosen)

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Rows: one for each difference."""
        return 0 if parent.isValid() else len(self._items)

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
        one = self._items[index.row()]
        if index.column() == 0:
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if self._chosen[index.row()] else Qt.CheckState.Unchecked
            return None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if isinstance(one, VariantDifference):
            return _variant_texts(one)[index.column()]
        if isinstance(one, Note):
            return _note_texts(one, is_new=one.id in self._merge.new_notes)[index.column()]
        return ("", f"{one.box.frame:,}", self._name(one), self._in_copy(one), _in_project(one))[index.column()]

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


def _variant_texts(one: VariantDifference) -> tuple[str, ...]:
    count = len(one.variant.predictions.stored_table)
    predictions = tr_n("{count} prediction", "{count:,} predictions", count)
    there = tr("others, which stay") if one.is_changed else tr("not there")
    return ("", tr("all"), tr("variant {variant}", variant=one.variant.name), predictions, there)


def _note_texts(note: Note, *, is_new: bool) -> tuple[str, ...]:
    frame = f"{note.frame:,}" if note.frame != NO_FRAME else ""
    text = " ".join(note.text.split())
    in_copy = _KINDS[DifferenceKind.ADDED if is_new else DifferenceKind.CHANGED]
    return ("", frame, tr("note “{text}”", text=text), in_copy, tr("not there") if is_new else tr("as it was"))


class MergeDialog(FramedDialog):
    """Shows the differences; read ``model.chosen()`` after it was accepted."""

    def __init__(
        self,
        parent: QWidget | None,
        merge: Merge,
        variants: Sequence[VariantDifference],
        project: Document,
        name: str,
    ) -> None:
        super().__init__(parent, title=tr("Merge copy {name}", name=name), name="mergeDialog")
        self.model = DifferencesModel(merge, variants, project)
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
        for column in (2, 3):
            table.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        rows = min(_ROWS_SHOWN, max(2, self.model.rowCount()))
        table.setMinimumHeight(table.horizontalHeader().sizeHint().height() + rows * _ROW_HEIGHT)
        self.body.addWidget(table, 1)
        self._accept = self.add_primary("")
        self._accept.clicked.connect(self.accept)
        self.add_cancel()
        self.model.chosenChanged.connect(self._show_count)
        self._show_count()
        self.resize(SIZE["dialog_m"], self.sizeHint().height())

    def _show_count(self) -> None:
        model = self.model
        notes, variants = len(model.chosen_notes()), len(model.chosen_variants())
        parts = [
            tr_n("{count} box", "{count:,} boxes", len(model.chosen())),
            tr_n("{count} note", "{count:,} notes", notes) if notes else "",
            tr_n("{count} variant", "{count:,} variants", variants) if variants else "",
        ]
        self._accept.setText(tr("Merge {parts}", parts=", ".join(filter(None, parts))))


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
    ]
    if any(others):
        sentences.append(tr("Merged as well: {others}.", others=", ".join(filter(None, others))))
    sentences.append(tr("You can undo the merge."))
    return " ".join(sentences)
