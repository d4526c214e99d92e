"""The confusion matrix of Compare: of the variant, of the baseline, or the change; a cell lists its boxes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import NO_PLACES, NOTHING, Confusion, Events, Places
from iouviewer.jobs.gallery import GallerySet
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.compare.analysis_parts import AnalysisTable, PlacesList, confusion_text, segment_button, shown_class
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.theme import mix
from iouviewer.ui.tokens import SPACE

_VARIANT, _BASELINE, _CHANGE, _LIST = range(4)
_VIEWS = (
    ("variant", tr("Variant"), tr("Boxes of each true class (row) by the class that the variant predicts (column)")),
    ("baseline", tr("Baseline"), tr("Boxes of each true class (row) by the class that the baseline predicts (column)")),
    ("change", tr("Change"), tr("The variant's boxes minus the baseline's; a cell lists the variant's")),
    ("list", tr("List"), tr("Confused classes, the most frequent first")),
)
_STRONGEST = 0.4
"""Share of colour in the cell with the most boxes of its row."""


class ConfusionModel(QAbstractTableModel):
    """True classes in rows, predicted ones in columns; the last of each is "nothing"."""

    def __init__(self) -> None:
        super().__init__()
        self._confusion: Confusion | None = None
        self._classes: list[int] = []
        self._names: Sequence[str] = ()
        self._counts: tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]] = ({}, {})
        self._view = _VARIANT

    def show_confusion(self, confusion: Confusion | None, names: Sequence[str]) -> None:
        """Replace the content."""
        self.beginResetModel()
        self._confusion, self._names = confusion, names
        known = [] if confusion is None else confusion.classes()
        self._classes = [*known, NOTHING] if known else []
        self._counts = ({}, {}) if confusion is None else (confusion.baseline.counts(), confusion.variant.counts())
        self.endResetModel()

    def show_view(self, view: int) -> None:
        """Show variant, baseline or change."""
        self._view = view
        if self._classes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._classes) - 1, len(self._classes) - 1))

    def cell(self, index: Index) -> tuple[int, int]:
        """The true and the predicted class of a cell."""
        return self._classes[index.row()], self._classes[index.column()]

    def title(self, index: Index) -> str:
        """A cell in words: "car → van"."""
        return confusion_text(*self.cell(index), self._names)

    def places(self, index: Index) -> Places:
        """The boxes of a cell."""
        if self._confusion is None:
            return NO_PLACES
        side: Events = self._confusion.baseline if self._view == _BASELINE else self._confusion.variant
        return side.places_of(*self.cell(index))

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._classes)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._classes)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        class_id = self._classes[section]
        if class_id != NOTHING:
            return shown_class(class_id, self._names)
        return tr("missed") if orientation is Qt.Orientation.Horizontal else tr("background")

    def _value(self, index: Index) -> int:
        base, variant = (counts.get(self.cell(index), 0) for counts in self._counts)
        return (variant, base, variant - base)[self._view]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        value = self._value(index)
        if role == Qt.ItemDataRole.DisplayRole:
            if self.cell(index) == (NOTHING, NOTHING):
                return ""
            return f"{value:+,}".replace("-", "−") if self._view == _CHANGE and value else f"{value:,}"
        if role == Qt.ItemDataRole.UserRole:
            return value
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._ground(index, value)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            base, variant = (counts.get(self.cell(index), 0) for counts in self._counts)
            values = {"cell": self.title(index), "base": base, "variant": variant}
            return tr("{cell}: baseline {base:,}, variant {variant:,}", **values)
        return None

    def _ground(self, index: Index, value: int) -> QBrush | None:
        """Stronger the larger the cell's part of its row: right ones good, wrong ones bad."""
        colours = scheme_theme().colours
        row = [abs(self._value(self.index(index.row(), column))) for column in range(len(self._classes))]
        if not value or not max(row):
            return None
        true, predicted = self.cell(index)
        # A box without a class is not confused with any.
        is_right = true == predicted or (UNSPECIFIED_CLASS in (true, predicted) and NOTHING not in (true, predicted))
        is_good = (value > 0) is is_right if self._view == _CHANGE else is_right
        share = _STRONGEST * abs(value) / max(row)
        return QBrush(QColor(mix(colours.good if is_good else colours.bad, colours.base, share)))


class _Cells(QStyledItemDelegate):
    """Paints the ground of the cells, which the style sheet leaves out."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        ground = index.data(Qt.ItemDataRole.BackgroundRole)
        if isinstance(ground, QBrush) and not option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, ground)
        super().paint(painter, option, index)


class ConfusionPage(QWidget):
    """The matrix above the boxes of its current cell, or the list of confused classes.

    Signals:
        placeActivated(ChangedObject): go there; its box id is -1 for a prediction.
    """

    placeActivated = Signal(object)

    def __init__(self, session: Session, confused: QWidget) -> None:
        """``confused``: the list of confused classes."""
        super().__init__()
        self._session = session
        self.model = ConfusionModel()
        self.table = AnalysisTable("confusionMatrix", tr("Confusion matrix: true classes in rows"), "")
        self.table.setModel(self.model)
        self.table.setItemDelegate(_Cells(self.table))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.table.verticalHeader().show()
        self.table.setShowGrid(True)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        hint = tr("Choose a cell to list its boxes.")
        self.list = PlacesList(session, "confusionBoxes", tr("Boxes of the cell above"), hint)
        self.list.placeActivated.connect(self.placeActivated)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.list)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        self._stack, self._buttons = QStackedWidget(), QButtonGroup(self)
        self._stack.addWidget(splitter)
        self._stack.addWidget(confused)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], 0, SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        for number, (name, text, tooltip) in enumerate(_VIEWS):
            button = segment_button(f"confusion.{name}", text, tooltip)
            self._buttons.addButton(button, number)
            row.addWidget(button)
        row.addStretch(1)
        self._buttons.button(_VARIANT).setChecked(True)
        self._buttons.idClicked.connect(self._on_view_chosen)
        self.table.selectionModel().currentChanged.connect(self._on_cell_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)

    def show_confusion(self, confusion: Confusion | None) -> None:
        """Show a matrix; the cell of the same classes stays chosen."""
        current = self.table.currentIndex()
        cell = self.model.cell(current) if current.isValid() else None
        self.model.show_confusion(confusion, self._session.document.class_names)
        self.list.places.show_places(NO_PLACES)
        for row in range(self.model.rowCount()):
            for column in range(self.model.columnCount()):
                if self.model.cell(self.model.index(row, column)) == cell:
                    self.table.setCurrentIndex(self.model.index(row, column))
        self.table.viewport().update()

    def gallery_set(self) -> GallerySet:
        """The boxes behind the chosen cell."""
        current = self.table.currentIndex()
        return self.list.set_of(self.model.title(current) if current.isValid() else "")

    def _on_view_chosen(self, view: int) -> None:
        self._stack.setCurrentIndex(int(view == _LIST))
        if view != _LIST:
            self.model.show_view(view)
            self._on_cell_changed(self.table.currentIndex())

    def _on_cell_changed(self, current: Index, _previous: QModelIndex | None = None) -> None:
        self.list.places.show_places(self.model.places(current) if current.isValid() else NO_PLACES)
