"""The variants table of Compare: eye, name, numbers, and the interval of Δ AP in each row."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.judge import Difference
from iouviewer.ui.compare.intervals import IntervalAxis, axis_of, draw_ground, draw_interval, outcome_colour
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.sections import apply_dense_style
from iouviewer.ui.tables.variants_model import (
    BASELINE_ROLE,
    DEVICE_ROLE,
    INTERVAL_ROLE,
    NAME_COLUMN,
    SPREAD_ROLE,
    VariantsModel,
)
from iouviewer.ui.theme import Theme, coloured_icon, popup_menu
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE

DELTA_COLUMN = "delta"
_WIDTHS = {"ap": 70, "ap50": 66, "ap75": 66, "avg_iou": 64, "fps": 124, "size_mb": 62, "frames": 78}
_WIDTH = 56
_DELTA_SHARE, _DELTA_MIN, _DELTA_MAX = 0.19, 96, 300
"""Width of the intervals as a share of the table's, and its limits in logical pixels."""
_NUMBER_WIDTH = 44
"""Part of the Δ AP column that holds the number."""
_EYE_LEFT = SPACE["s"]
_ITEM_GAP = SPACE["s"]
_DASH_WIDTH = 22
_NAME_LEFT = _EYE_LEFT + ICON_SIZE + _DASH_WIDTH + 2 * _ITEM_GAP

Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """Paints names with eye, dash and flag, Δ AP with its interval, and FPS with its spread."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.axis: IntervalAxis = axis_of((), 1.0)
        self.margin = 1.0
        self.is_stale = False
        self.delta_column = -1
        self.fps_column = -1

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        column = index.column()
        interval = index.data(INTERVAL_ROLE) if column == self.delta_column else None
        spread = index.data(SPREAD_ROLE) if column == self.fps_column else ""
        if column and interval is None and not spread:
            super().paint(painter, option, index)
            self._paint_device_rule(painter, option.rect, index)
            return
        self._paint_ground(painter, option)
        painter.save()
        if not column:
            self._paint_name(painter, option.rect, index)
        elif interval is not None:
            self._paint_interval(painter, option, index, interval)
        else:
            self._paint_speed(painter, option.rect, index, spread)
        painter.restore()
        self._paint_device_rule(painter, option.rect, index)

    def _paint_device_rule(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """A line above a speed that was measured on another device than the one above it: they do not compare."""
        device = str(index.data(DEVICE_ROLE) or "") if index.column() == self.fps_column else ""
        if not device:
            return
        rows = range(index.row() - 1, -1, -1)
        above = (str(index.sibling(row, index.column()).data(DEVICE_ROLE) or "") for row in rows)
        last = next((other for other in above if other), device)
        if last != device:
            painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 1), QColor(scheme_theme().colours.text3))

    @staticmethod
    def _paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
        colours = scheme_theme().colours
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.selected))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(colours.hover))

    @staticmethod
    def eye_rect(cell: QRect) -> QRect:
        """Where the eye is in a cell of the name column."""
        return QRect(cell.left() + _EYE_LEFT, cell.center().y() - ICON_SIZE // 2, ICON_SIZE, ICON_SIZE)

    def _paint_name(self, painter: QPainter, rect: QRect, index: Index) -> None:
        colours = scheme_theme().colours
        is_shown = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) is Qt.CheckState.Checked
        eye = self.eye_rect(rect)
        coloured_icon("eye" if is_shown else "eyeOff", colours.text2 if is_shown else colours.text3).paint(painter, eye)
        left = eye.right() + _ITEM_GAP
        icon = index.data(Qt.ItemDataRole.DecorationRole)
        icon.paint(painter, QRect(left, rect.center().y() - 6, _DASH_WIDTH, 12))
        left = rect.left() + _NAME_LEFT
        painter.setFont(index.data(Qt.ItemDataRole.FontRole))
        brush = index.data(Qt.ItemDataRole.ForegroundRole)
        painter.setPen(QColor(colours.text) if brush is None else brush.color())
        is_baseline = bool(index.data(BASELINE_ROLE))
        room = rect.right() - left - (ICON_SIZE + _ITEM_GAP if is_baseline else 0)
        metrics = painter.fontMetrics()
        text = metrics.elidedText(str(index.data() or ""), Qt.TextElideMode.ElideMiddle, room)
        place = QRect(left, rect.top(), room, rect.height())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        if is_baseline:
            x = left + metrics.horizontalAdvance(text) + _ITEM_GAP
            flag = QRect(x, rect.center().y() - ICON_SIZE // 2, ICON_SIZE, ICON_SIZE)
            coloured_icon("baseline", colours.accent).paint(painter, flag)

    def _paint_interval(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index, interval: Difference
    ) -> None:
        theme = scheme_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect).adjusted(SPACE["xs"], 0, -_NUMBER_WIDTH - SPACE["xs"], 0)
        if self.is_stale:
            painter.setOpacity(0.5)
        draw_ground(painter, rect, self.axis, self.margin, theme)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        surface = theme.colours.selected if is_selected else theme.colours.window
        colour = outcome_colour(interval.outcome, theme)
        draw_interval(painter, rect, self.axis, interval, colour, surface)
        painter.setOpacity(1.0)
        painter.setFont(font("body"))
        painter.setPen(QColor(theme.colours.text))
        place = option.rect.adjusted(0, 0, -SPACE["xs"], 0)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), str(index.data()))

    @staticmethod
    def _paint_speed(painter: QPainter, rect: QRect, index: Index, spread: str) -> None:
        colours = scheme_theme().colours
        place = rect.adjusted(0, 0, -SPACE["xs"], 0)
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        painter.setFont(font("body"))
        painter.setPen(QColor(colours.text3))
        painter.drawText(place, flags, spread)
        width = painter.fontMetrics().horizontalAdvance(f"{spread} ")
        painter.setFont(index.data(Qt.ItemDataRole.FontRole))
        painter.setPen(QColor(colours.text))
        painter.drawText(place.adjusted(0, 0, -width, 0), flags, str(index.data()))

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        if index.column():
            return False
        if isinstance(event, QMouseEvent):
            if not self.eye_rect(option.rect).adjusted(-4, -4, 4, 4).contains(event.position().toPoint()):
                return False
            if event.type() is not QEvent.Type.MouseButtonRelease or event.button() is not Qt.MouseButton.LeftButton:
                return True
        elif not isinstance(event, QKeyEvent) or event.key() not in (Qt.Key.Key_Space, Qt.Key.Key_Select):
            return False
        is_shown = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) is Qt.CheckState.Checked
        state = Qt.CheckState.Unchecked if is_shown else Qt.CheckState.Checked
        return model.setData(index, state, Qt.ItemDataRole.CheckStateRole)


class _Header(QHeaderView):
    """The header; the title of the names stands above the names, beside the eye and the dash."""

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        super().paintSection(painter, rect.adjusted(0 if section else _NAME_LEFT - SPACE["xs"], 0, 0, 0), section)


class _VariantsView(QTableView):
    """The table; it keeps its width, and asks for the menu of a variant."""

    menuRequested = Signal(str, object, object)
    resized = Signal()

    def __init__(self, model: VariantsModel) -> None:
        super().__init__()
        self.setHorizontalHeader(_Header(Qt.Orientation.Horizontal, self))
        apply_dense_style(self, "variantsTable", tr("Variants and their scores"))
        # At 1280 px all columns have their place; in a narrower window the last ones are reached by scrolling.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        vertical = self.verticalHeader()
        vertical.setMinimumSectionSize(SIZE["row_dense"])
        vertical.setDefaultSectionSize(SIZE["row_dense"])
        self._variants = model

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        place = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()) if by_key else event.globalPos()
        self.menuRequested.emit("variant", self._variants.key_at(index.row()), place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class VariantsPanel(QWidget):
    """The variants table. Its columns are chosen in the menu of the header.

    Signals:
        pairChosen(str): a row was selected by mouse or keys; key of its variant.
        menuRequested(str, object, QPoint): ``variant``, its key, and a point of the screen.
        columnsChanged(): other columns are shown, see ``hidden_columns``.
    """

    pairChosen = Signal(str)
    menuRequested = Signal(str, object, object)
    columnsChanged = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.model = VariantsModel(session)
        self.table = _VariantsView(self.model)
        self._session = session
        self._hidden: frozenset[str] = frozenset()
        self.table.setModel(self.model)
        self._delegate = _Delegate(self.table)
        self._delegate.delta_column = self.model.column_index(DELTA_COLUMN)
        self._delegate.fps_column = self.model.column_index("fps")
        self.table.setItemDelegate(self._delegate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        self._prepare_header()
        self.table.menuRequested.connect(self._on_table_menu_requested)
        self.table.resized.connect(self._fit_delta)
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self._show_columns()

    def _prepare_header(self) -> None:
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)
        header.sectionClicked.connect(self._on_header_section_clicked)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._on_header_menu_requested)
        header.setToolTip(tr("Click to sort; right-click to choose columns"))

    # Columns

    @property
    def hidden_columns(self) -> frozenset[str]:
        """Ids of the columns that the user has hidden."""
        return self._hidden

    def set_hidden_columns(self, column_ids: Iterable[str]) -> None:
        """Hide these columns; ids that no longer exist are ignored."""
        self._hidden = frozenset(column_ids) & frozenset(self.model.column_ids) - {NAME_COLUMN}
        self._show_columns()

    def _show_columns(self) -> None:
        for position, column_id in enumerate(self.model.column_ids):
            self.table.setColumnHidden(position, column_id in self._hidden)
            if column_id != NAME_COLUMN:
                self.table.setColumnWidth(position, _WIDTHS.get(column_id, _WIDTH))
        self._fit_delta()

    def _fit_delta(self) -> None:
        width = min(max(round(_DELTA_SHARE * self.table.width()), _DELTA_MIN), _DELTA_MAX)
        self.table.setColumnWidth(self._delegate.delta_column, width)

    def _on_header_menu_requested(self, point: QPoint) -> None:
        menu = popup_menu("", self)
        for column_id in self.model.column_ids[1:]:
            title = self.model.headerData(self.model.column_index(column_id), Qt.Orientation.Horizontal)
            action = QAction(str(title), menu)
            action.setCheckable(True)
            action.setChecked(column_id not in self._hidden)
            action.toggled.connect(lambda shown, each=column_id: self._set_column(each, shown))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(tr("Show all columns")).triggered.connect(self._on_show_all_triggered)
        menu.exec(self.table.horizontalHeader().mapToGlobal(point))
        menu.deleteLater()

    def _set_column(self, column_id: str, shown: bool) -> None:
        self.set_hidden_columns(self._hidden - {column_id} if shown else self._hidden | {column_id})
        self.columnsChanged.emit()

    def _on_show_all_triggered(self) -> None:
        self.set_hidden_columns(())
        self.columnsChanged.emit()

    def _on_header_section_clicked(self, section: int) -> None:
        """Sort by a column: first the greatest, then the least, then the order of the list."""
        column_id = self.model.column_ids[section]
        descending, ascending = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
        steps = [ascending, descending] if column_id == NAME_COLUMN else [descending, ascending]
        now = self.model.sorted_by
        place = steps.index(now[1]) + 1 if now is not None and now[0] == column_id else 0
        order = steps[place] if place < len(steps) else None
        self.model.sort_by(column_id, order)
        header = self.table.horizontalHeader()
        header.setSortIndicatorShown(order is not None)
        if order is not None:
            header.setSortIndicator(section, order)

    # Rows

    def current_key(self) -> str:
        """Key of the selected variant, empty for none."""
        index = self.table.currentIndex()
        return self.model.key_at(index.row()) if index.isValid() else ""

    def select(self, key: str) -> None:
        """Select the row of a variant."""
        row = self.model.row_of(key)
        if row < 0 or key == self.current_key():
            return
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), flags)

    def rename_current(self) -> None:
        """Edit the name of the selected variant in its cell."""
        index = self.table.currentIndex()
        if index.isValid():
            self.table.setFocus()
            self.table.edit(self.model.index(index.row(), 0))

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and self.table.hasFocus():
            self.pairChosen.emit(self.model.key_at(current.row()))

    def _on_table_menu_requested(self, kind: str, key: str, place: QPoint) -> None:
        self.select(key)
        self.menuRequested.emit(kind, key, place)

    # Intervals

    def set_intervals(self, intervals: dict[str, Difference], axis: IntervalAxis, margin: float) -> None:
        """Draw the intervals of the current verdicts against this margin, in points."""
        self._delegate.axis, self._delegate.margin, self._delegate.is_stale = axis, margin, False
        self.model.set_intervals(intervals)
        self.table.viewport().update()

    def set_outdated(self) -> None:
        """Dim the intervals until the next verdicts are ready."""
        if not self._delegate.is_stale:
            self._delegate.is_stale = True
            self.table.viewport().update()

    def set_theme(self, theme: Theme) -> None:
        """Repaint with the colours of this theme."""
        self.model.set_theme(theme)
