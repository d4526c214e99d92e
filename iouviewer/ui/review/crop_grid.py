"""A view of crops that are selected by keys or mouse: what the grid of problems and the gallery have in common."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_painter import CropPainter
from iouviewer.ui.tables.cells import Glyph, paint_glyph
from iouviewer.ui.tokens import ICON_SIZE

_Key = Qt.Key
_ARROWS = frozenset(
    {_Key.Key_Left, _Key.Key_Right, _Key.Key_Up, _Key.Key_Down, _Key.Key_PageUp, _Key.Key_PageDown}
    | {_Key.Key_Home, _Key.Key_End}
)
_Flag = QItemSelectionModel.SelectionFlag


class CropGrid(QListView):
    """Crops in a grid. Arrows move the focus, Space selects, Enter opens, Esc clears the selection and then leaves.

    Signals:
        focusedChanged(): another crop has the keyboard focus, or none.
        chosenChanged(): other crops are selected.
        opened(object): Enter or a double click: the item of the crop.
        left(): Esc without a selection.
    """

    focusedChanged = Signal()
    chosenChanged = Signal()
    opened = Signal(object)
    left = Signal()

    own_keys = frozenset({_Key.Key_Space, _Key.Key_Return, _Key.Key_Enter, _Key.Key_Escape})
    """Keys that are not commands here."""

    def __init__(self, session: Session, owner: str) -> None:
        """``owner``: who asks for the crops."""
        super().__init__()
        self.setObjectName(owner)
        self._session, self._owner = session, owner
        self._painter: CropPainter | None = None
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(False)
        # Crops are asked for once the view stands still in this turn of the event loop.
        self._ask = QTimer(self, singleShot=True, interval=0)
        self._ask.timeout.connect(self._request_crops)
        self.verticalScrollBar().valueChanged.connect(self._ask.start)

    # What is shown, by the view that knows its items

    def item_at(self, row: int) -> object:
        """What ``opened`` names."""
        raise NotImplementedError

    def crops_at(self, row: int) -> Sequence[CropRequest]:
        """The crops of a row."""
        raise NotImplementedError

    def use_crops(self, crops: CropLoader) -> None:
        """Take the crops from here."""
        self._painter = CropPainter(self._session, crops)
        crops.cropsReady.connect(self.viewport().update)

    @property
    def crops(self) -> CropPainter:
        """What cuts and paints."""
        assert self._painter is not None
        return self._painter

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask.start()

    # Selection

    @property
    def chosen_rows(self) -> list[int]:
        """The selected rows, ascending."""
        return sorted(index.row() for index in self.selectionModel().selectedIndexes())

    def select_none(self) -> None:
        """Clear the selection."""
        self.selectionModel().clearSelection()

    def focus_row(self, row: int) -> None:
        """Move the keyboard focus to a row without selecting it."""
        self.selectionModel().setCurrentIndex(self.model().index(row, 0), _Flag.NoUpdate)

    # Keys and mouse

    def selectionCommand(
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        if isinstance(event, QKeyEvent) and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            # Arrows move the focus only; Space selects.
            return _Flag.Toggle if event.key() == _Key.Key_Space else _Flag.NoUpdate
        return super().selectionCommand(index, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, current = event.key(), self.currentIndex()
        if key in (_Key.Key_Return, _Key.Key_Enter) and current.isValid():
            self.opened.emit(self.item_at(current.row()))
        elif key == _Key.Key_Escape:
            if self.selectionModel().hasSelection():
                self.select_none()
            else:
                self.left.emit()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.selectAll()
        elif key in _ARROWS or key == _Key.Key_Space:
            super().keyPressEvent(event)
        else:
            # Letters are commands: a list would search for them.
            event.ignore()

    def event(self, event: QEvent) -> bool:
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.SelectAll):
            event.accept()  # selects crops here, not the boxes of the frame
            return True
        return bool(super().event(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.opened.emit(self.item_at(index.row()))

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        self.focusedChanged.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.model().rowCount():
            self.focus_row(0)

    # Crops

    def visible_rows(self) -> range:
        """The rows that the view shows."""
        count, grid = self.model().rowCount(), self.gridSize()
        columns = max(1, (self.viewport().width() - 1) // grid.width())
        height, top = grid.height(), self.verticalScrollBar().value()
        first, last = top // height, ceil((top + self.viewport().height()) / height)
        return range(min(first * columns, count), min(last * columns, count))

    def _request_crops(self) -> None:
        if self._painter is None or not self.isVisible():
            return
        shown = self.visible_rows()
        # The next screen is asked for too, after what is seen.
        ahead = range(shown.stop, min(shown.stop + len(shown), self.model().rowCount()))
        crops = [crop for row in (*shown, *ahead) for crop in self.crops_at(row)]
        self._painter.crops.request(self._owner, crops)

    def release_crops(self) -> None:
        """Ask for no crops: the grid is hidden."""
        if self._painter is not None:
            self._painter.crops.request(self._owner, ())

    @property
    def awaited(self) -> int:
        """How many crops that the view shows have not come yet."""
        if self._painter is None:
            return 0
        crops = (crop for row in self.visible_rows() for crop in self.crops_at(row))
        return sum(self._painter.crops.image(crop) is None for crop in crops)


def paint_cell_frame(painter: QPainter, cell: QRect, *, selected: bool, focused: bool) -> None:
    """The frame around a crop that is selected or has the focus, and the tick of a selected one."""
    colours = scheme_theme().colours
    if selected or focused:
        edge = cell.toRectF()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.accent if selected else colours.focus), 2))
        painter.drawRect(edge.adjusted(-1, -1, 1, 1))
        if focused and selected:
            painter.setPen(QPen(QColor(colours.text), 1))
            painter.drawRect(edge.adjusted(-3, -3, 3, 3))
    if selected:
        corner = QRect(0, 0, ICON_SIZE, ICON_SIZE)
        corner.moveTopRight(cell.topRight() - QRect(0, 0, 3, -1).bottomRight())
        painter.fillRect(corner, QColor(colours.accent_fill))
        paint_glyph(painter, corner, Glyph("accept", "on_accent_fill"))


def grid_size(cell: QSize, caption: int, gap: int) -> QSize:
    """Size of a cell with its caption and what is around it."""
    return QSize(cell.width() + gap, cell.height() + caption + gap)
