"""What a data set's folder holds: splits, sequences and annotation files with their counts, one of which is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHeaderView, QLabel, QTreeWidget, QTreeWidgetItem, QWidget

from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import DatasetPart, find_format
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE, SPACE

_COLUMNS = (tr("Part"), tr("Format"), tr("Label files"), tr("Images"))
_NAME_WIDTH = 220
_ROW_HEIGHT, _MAX_ROWS = 30, 12


class PartsDialog(FramedDialog):
    """The tree of a data set; a double click, or Enter, opens the part under the mark.

    Args:
        path: of the data set.
        parts: in their order; the first one is marked.

    Attributes:
        wants_all: whether all parts with images are wanted, as sources of a dataset.
    """

    def __init__(self, parent: QWidget | None, path: Path, parts: Sequence[DatasetPart]) -> None:
        super().__init__(parent, title=tr("Open a part of {name}", name=path.name), name="partsDialog")
        self._parts = tuple(parts)
        self.tree = QTreeWidget()
        self.tree.setObjectName("partsTree")
        self.tree.setAccessibleName(tr("Parts of the data set"))
        self.tree.setHeaderLabels(list(_COLUMNS))
        self.tree.setItemsExpandable(False)
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.tree.setColumnWidth(0, _NAME_WIDTH)
        for column in (2, 3):
            self.tree.headerItem().setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._fill(path)
        self.tree.itemDoubleClicked.connect(self._on_tree_double_clicked)
        self.tree.currentItemChanged.connect(self._update)
        self.note = QLabel()
        self.note.setObjectName("partsNote")
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.body.setSpacing(SPACE["m"])
        self.body.addWidget(self.tree, 1)
        self.body.addWidget(self.note)
        self.open_button = self.add_primary(tr("Open part"))
        self.open_button.clicked.connect(self.accept)
        self.add_cancel()
        self.wants_all = False
        self.all_button = self.add_secondary(tr("Open all as dataset…"))
        self.all_button.setVisible(sum(part.images is not None for part in parts) > 1)
        self.all_button.clicked.connect(self._on_all_clicked)
        rows = min(len(self._parts) + 1, _MAX_ROWS)
        self.tree.setMinimumHeight(header.sizeHint().height() + rows * _ROW_HEIGHT + 4)
        self._update()
        self.tree.setMaximumHeight(self.tree.minimumHeight())
        self.resize(SIZE["dialog_m"], self.sizeHint().height())
        self.tree.setFocus()

    def _fill(self, path: Path) -> None:
        labels, images = (sum(one) for one in zip(*((p.label_count, p.image_count) for p in self._parts), strict=True))
        root = _item((path.name, "", f"{labels:,}", f"{images:,}"))
        root.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.tree.addTopLevelItem(root)
        items = []
        for place, part in enumerate(self._parts):
            known = find_format(part.format)
            name = part.format if known is None else known.name
            item = _item(
                (part.name, name, f"{part.label_count:,}", f"{part.image_count:,}" if part.images else tr("none"))
            )
            item.setData(0, Qt.ItemDataRole.UserRole, place)
            items.append(item)
        root.addChildren(items)
        root.setExpanded(True)
        self.tree.setCurrentItem(items[0])

    def _on_tree_double_clicked(self, item: QTreeWidgetItem, _column: int) -> None:
        if item.data(0, Qt.ItemDataRole.UserRole) is not None:
            self.accept()

    def _on_all_clicked(self) -> None:
        self.wants_all = True
        self.reject()

    def _update(self) -> None:
        part = self.part()
        self.open_button.setEnabled(part is not None)
        text = ""
        if part is not None and part.images is None:
            text = tr("{name} has no images here: its boxes are opened for the video that is open.", name=part.name)
        elif part is not None:
            text = tr_n(
                "{count} image of {name} is opened with its boxes as ground truth.",
                "{count:,} images of {name} are opened with their boxes as ground truth.",
                part.image_count,
                name=part.name,
            )
        self.note.setText(text)

    def part(self) -> DatasetPart | None:
        """The part under the mark."""
        item = self.tree.currentItem()
        place = None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
        return None if place is None else self._parts[place]


def _item(texts: Sequence[str]) -> QTreeWidgetItem:
    item = QTreeWidgetItem(list(texts))
    item.setSizeHint(0, QSize(0, _ROW_HEIGHT))
    for column in (2, 3):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item


def choose_part(
    parent: QWidget | None, path: Path, parts: Sequence[DatasetPart], open_all: Callable[[], object]
) -> DatasetPart | None:
    """The part that a person chooses, the only one without asking, or None if they cancel.

    Args:
        open_all: called if they want all parts as a dataset; then there is no part either.
    """
    if len(parts) == 1:
        return parts[0]
    dialog = PartsDialog(parent, path, parts)
    part = dialog.part() if dialog.exec() else None
    if dialog.wants_all:
        open_all()
    return part
