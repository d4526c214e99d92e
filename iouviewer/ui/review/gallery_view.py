"""The crops of a gallery: sixty a page, all at one scale, an object of two variants side by side."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isnan

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.document.boxes import Rect, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.i18n import tr
from iouviewer.jobs.gallery import NO_BOX, GalleryObjects, common_area
from iouviewer.metrics.review import PairState
from iouviewer.ui.fonts import font, tabular_font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_grid import CropGrid, grid_size, paint_cell_frame
from iouviewer.ui.review.crop_painter import CropLine
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.tokens import CANVAS, SPACE
from iouviewer.ui.variant_look import image_colour

PAGE = 60
"""Objects of a page."""
_FEWEST = 12
"""Crops are not larger than for so many objects."""
_OBJECT_SHARE = 0.62
_CAPTION = 14
_HALF_SHAPE = 1.25
"""Height of one crop by its width."""
_NOTHING = GalleryObjects(
    *(np.zeros(0, np.int64),) * 2, np.zeros((4, 0)), np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros((0, 4, 0)),
    np.zeros((0, 0), np.int64),
)  # fmt: skip


class GalleryModel(QAbstractListModel):
    """The objects of one page.

    Attributes:
        objects: of all pages.
        page: number of the page, from 0.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.objects = _NOTHING
        self.page = 0

    def show_objects(self, objects: GalleryObjects, page: int) -> None:
        """Show a page of these objects."""
        self.beginResetModel()
        self.objects, self.page = objects, min(max(page, 0), self._last_page(objects))
        self.endResetModel()

    @staticmethod
    def _last_page(objects: GalleryObjects) -> int:
        return max(0, ceil(len(objects) / PAGE) - 1)

    @property
    def pages(self) -> int:
        """Number of pages; 1 for none."""
        return self._last_page(self.objects) + 1

    def place(self, row: int) -> int:
        """The object of a row."""
        return self.page * PAGE + row

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else max(0, min(PAGE, len(self.objects) - self.page * PAGE))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        place, objects = self.place(index.row()), self.objects
        name = class_name_of(int(objects.class_ids[place]), self._session.document.class_names)
        box = self._session.ground_truth.find(int(objects.ids[place]))
        what = name if box is None else object_name(name, box.track)
        values = " · ".join(self.value(place, number) for number in range(len(objects.ious)))
        return tr("Frame {frame:,}: {object} {values}", frame=int(objects.frames[place]), object=what, values=values)

    def value(self, place: int, number: int) -> str:
        """The IoU of an object with a variant, or what became of it."""
        state, iou = int(self.objects.states[number, place]), float(self.objects.ious[number, place])
        if state == int(PairState.MISS):
            return tr("missed")
        if state == int(PairState.FALSE_POSITIVE):
            return tr("extra")
        if state == int(PairState.IGNORED):
            return tr("ignored")
        return "–" if isnan(iou) else f"{iou:.2f}"


class _GalleryDelegate(QStyledItemDelegate):
    """Paints the crops of an object beside each other, and below the frame and both values."""

    def __init__(self, view: GalleryView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._view.gridSize()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view, row = self._view, index.row()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = view.currentIndex().row() == row and view.hasFocus()
        painter.save()
        cell = QRect(option.rect.topLeft(), view.cell_size).translated(SPACE["xs"], SPACE["xs"])
        view.paint_object(painter, cell, row)
        paint_cell_frame(painter, cell, selected=selected, focused=focused)
        view.paint_caption(painter, QRect(cell.left(), cell.bottom() + 1, cell.width(), _CAPTION), row)
        painter.restore()


class GalleryView(CropGrid):
    """One page; ``opened`` carries the number of an object."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, "galleryView")
        self.setAccessibleName(tr("Gallery"))
        self.page = GalleryModel(session)
        self.cell_size = QSize(100, 64)
        self._halves = 1
        self._area = (64.0, 80.0)
        self._looks: list[str] = []
        self.setModel(self.page)
        self.setItemDelegate(_GalleryDelegate(self))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().selectionChanged.connect(self.chosenChanged)

    def show_objects(self, objects: GalleryObjects, page: int, colours: Sequence[str]) -> None:
        """Show a page of objects.

        Args:
            colours: stored colours of the variants, by the rows of ``objects.ious``.
        """
        focus = max(self.currentIndex().row(), 0)
        self._looks, self._halves = list(colours), max(1, len(colours))
        self.page.show_objects(objects, page)
        self._fit()
        if self.page.rowCount():
            self.focus_row(min(focus, self.page.rowCount() - 1))
        self.chosenChanged.emit()
        self._ask.start()

    def _fit(self) -> None:
        """The largest cells of which a page fits, and the area that crops of all objects show."""
        width, height = self.viewport().width(), self.viewport().height()
        best, count = QSize(24, 24), min(PAGE, max(len(self.page.objects), _FEWEST))
        for columns in range(4, count + 1):
            rows = ceil(count / columns)
            half = min(
                (width / columns - SPACE["s"] - (self._halves - 1)) / self._halves,
                (height / rows - _CAPTION - SPACE["s"]) / _HALF_SHAPE,
            )
            cell = QSize(int(half) * self._halves + self._halves - 1, int(half * _HALF_SHAPE))
            if half > 0 and cell.height() > best.height():
                best = cell
        self.cell_size = best
        self.setGridSize(grid_size(best, _CAPTION, SPACE["s"]))
        half_size = self._half_size()
        self._area = common_area(self.page.objects, (half_size.width(), half_size.height()), _OBJECT_SHARE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            event.ignore()  # turns the page
        else:
            super().keyPressEvent(event)

    def item_at(self, row: int) -> object:
        """The number of the object."""
        return self.page.place(row)

    @property
    def chosen(self) -> list[int]:
        """Numbers of the selected objects, else of the focused one."""
        rows = self.chosen_rows or ([self.currentIndex().row()] if self.currentIndex().isValid() else [])
        return [self.page.place(row) for row in rows]

    # Crops

    def _half_size(self) -> QSize:
        return QSize((self.cell_size.width() - self._halves + 1) // self._halves, self.cell_size.height())

    def crops_at(self, row: int) -> Sequence[CropRequest]:
        """The crop of an object; both halves show the same one."""
        return [self._crop(self.page.place(row))]

    def _crop(self, place: int) -> CropRequest:
        objects, (width, height) = self.page.objects, self._area
        x1, y1, x2, y2 = objects.boxes[:, place].tolist()
        area = (round((x1 + x2 - width) / 2), round((y1 + y2 - height) / 2), round(width), round(height))
        ratio = self.devicePixelRatioF()
        return self.crops.request_of(int(objects.frames[place]), area, self._half_size(), ratio, urgency=2)

    def paint_object(self, painter: QPainter, cell: QRect, row: int) -> None:
        """Paint the halves of an object."""
        place, half = self.page.place(row), self._half_size()
        if self._painter is None:
            return
        crop = self._crop(place)
        for number in range(self._halves):
            corner = QRect(cell.left() + number * (half.width() + 1), cell.top(), half.width(), half.height())
            self.crops.paint(painter, QRectF(corner), crop, self._lines(place, number))

    def _lines(self, place: int, number: int) -> list[CropLine]:
        objects = self.page.objects
        lines = []
        if objects.ids[place] != NO_BOX:
            lines.append(CropLine(_rect(objects.boxes[:, place]), CANVAS.gt))
        if number < len(self._looks):
            partner = objects.partners[number, :, place]
            if not np.isnan(partner[0]):
                stored = self._looks[number]
                lines.append(CropLine(_rect(partner), image_colour(stored), stored, width=1.6))
        return lines

    def paint_caption(self, painter: QPainter, below: QRect, row: int) -> None:
        """Frame at the left, the values of the variants under their halves."""
        colours, place, align = scheme_theme().colours, self.page.place(row), Qt.AlignmentFlag
        painter.setFont(tabular_font(font("caption")))
        painter.setPen(QColor(colours.text3))
        painter.drawText(below, align.AlignLeft | align.AlignVCenter, f"{int(self.page.objects.frames[place]):,}")
        texts = [self.page.value(place, number) for number in range(len(self._looks))]
        painter.setPen(QColor(colours.text))
        painter.drawText(below, align.AlignRight | align.AlignVCenter, " · ".join(texts))


def _rect(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Rect:
    x1, y1, x2, y2 = column.tolist()
    return x1, y1, x2, y2
