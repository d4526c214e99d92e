"""The table of sources with a row for each, and the row of all together below it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QItemSelectionModel, QLineF, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Difference, Outcome
from iouviewer.ui.compare.intervals import (
    IntervalAxis,
    axis_of,
    draw_ground,
    draw_interval,
    draw_ticks,
    outcome_colour,
    spoken_interval,
)
from iouviewer.ui.compare.outcome_chip import chip_width, draw_chip
from iouviewer.ui.dataset.sources_model import (
    ABSENT_ROLE,
    FACTS_ROLE,
    INTERVAL_ROLE,
    NUMBERS,
    OUTCOME_ROLE,
    PATH_ROLE,
    SHARE_ROLE,
    Column,
    Index,
    SourcesModel,
)
from iouviewer.ui.first_run import thumbnail_of
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.sections import apply_dense_style
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE

ROW_HEIGHT, POOLED_HEIGHT, HEADER_HEIGHT = 46, 54, 28
_PICTURE = QSize(48, 34)
_WIDTHS = {
    Column.INCLUDE: 34,
    Column.FRAMES: 62,
    Column.LABELLED: 126,
    Column.VERIFIED: 126,
    Column.PROBLEMS: 68,
    Column.BOXES: 66,
    Column.AP: 56,
    Column.INTERVAL: 236,
    Column.VERDICT: 128,
    Column.EDITED: 96,
}
_NARROW, _NARROWEST = 1100, 880
"""Below these widths of the table, columns give way."""
_NARROW_WIDTHS = {Column.LABELLED: 62, Column.VERIFIED: 62, Column.INTERVAL: 190, Column.EDITED: 0}
_NARROWEST_WIDTHS = {**_NARROW_WIDTHS, Column.LABELLED: 0, Column.BOXES: 0, Column.INTERVAL: 170}
_BAR = 62
_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class _Delegate(QStyledItemDelegate):
    """Paints pictures, bars, intervals and chips.

    Attributes:
        axis: of the intervals, the same in all rows and in the row of all together.
        margin: allowed drop in points.
        is_stale: the numbers are being computed again.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.axis: IntervalAxis = axis_of((), 1.0)
        self.margin = 1.0
        self.is_stale = False

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        column, theme = Column(index.column()), scheme_theme()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(theme.colours.selected))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(theme.colours.hover))
        painter.setPen(QPen(QColor(theme.colours.line), 1.0))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if column is Column.INCLUDE:
            self._paint_check(painter, option, index)
        elif column is Column.SOURCE:
            self._paint_source(painter, option.rect, index)
        elif column in (Column.LABELLED, Column.VERIFIED):
            self._paint_bar(painter, option.rect, index, column)
        elif column is Column.INTERVAL:
            self._paint_interval(painter, option, index)
        elif column is Column.VERDICT:
            self._paint_verdict(painter, option.rect, index)
        else:
            self._paint_number(painter, option.rect, index, column)
        painter.restore()

    @staticmethod
    def _paint_check(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        check = QStyleOptionButton()
        style = option.widget.style()
        side = style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth)
        check.rect = QRect(0, 0, side, side)
        check.rect.moveCenter(option.rect.center())
        is_on = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) is Qt.CheckState.Checked
        check.state = QStyle.StateFlag.State_Enabled | (
            QStyle.StateFlag.State_On if is_on else QStyle.StateFlag.State_Off
        )
        style.drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorItemViewItemCheck, check, painter, option.widget)

    @staticmethod
    def _paint_source(painter: QPainter, rect: QRect, index: Index) -> None:
        colours, is_absent = scheme_theme().colours, bool(index.data(ABSENT_ROLE))
        place = QRect(rect.left() + SPACE["xs"], 0, _PICTURE.width(), _PICTURE.height())
        place.moveTop(rect.center().y() - _PICTURE.height() // 2)
        picture = _picture(str(index.data(PATH_ROLE)))
        if is_absent:
            painter.setOpacity(0.5)
        if picture.isNull():
            painter.fillRect(place, QColor(colours.raised))
            icon = coloured_icon("film-strip", colours.text3)
            icon.paint(
                painter, QRect(place.center() - QPoint(ICON_SIZE // 2, ICON_SIZE // 2), QSize(ICON_SIZE, ICON_SIZE))
            )
        else:
            painter.drawPixmap(place, picture)
        painter.setOpacity(1.0)
        left = place.right() + SPACE["s"] + 2
        width = rect.right() - left - SPACE["s"]
        for text, role, colour, top in (
            (str(index.data() or ""), "strong", colours.text, rect.top() + 5),
            (
                str(index.data(FACTS_ROLE) or ""),
                "caption",
                colours.warn if is_absent else colours.text2,
                rect.top() + 23,
            ),
        ):
            painter.setFont(font(role))
            painter.setPen(QColor(colour))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(QRect(left, top, width, 18), _MIDDLE, shown)

    @staticmethod
    def _paint_bar(painter: QPainter, rect: QRect, index: Index, column: Column) -> None:
        colours, share = scheme_theme().colours, index.data(SHARE_ROLE)
        left = rect.left() + SPACE["s"]
        if rect.width() >= _WIDTHS[column]:
            bar = QRectF(left, rect.center().y() - 2, _BAR, 5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.line))
            painter.drawRoundedRect(bar, 2.5, 2.5)
            if share:
                bar.setWidth(max(3.0, _BAR * share))
                painter.setBrush(QColor(colours.accent if column is Column.LABELLED else colours.good))
                painter.drawRoundedRect(bar, 2.5, 2.5)
            left += _BAR + SPACE["s"]
        painter.setFont(font("body"))
        painter.setPen(QColor(colours.text2))
        painter.drawText(QRect(left, rect.top(), rect.right() - left, rect.height()), _MIDDLE, str(index.data() or ""))

    def _paint_interval(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        difference = index.data(INTERVAL_ROLE)
        if difference is None:
            return
        theme = scheme_theme()
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        surface = theme.colours.selected if is_selected else theme.colours.base
        if self.is_stale:
            painter.setOpacity(0.5)
        paint_forest(painter, forest_rect(option.rect), self.axis, self.margin, difference, surface)

    def _paint_verdict(self, painter: QPainter, rect: QRect, index: Index) -> None:
        stored = index.data(OUTCOME_ROLE)
        outcome = Outcome(stored) if stored else None  # models hand over a text
        if self.is_stale:
            painter.setOpacity(0.5)
        paint_verdict(painter, rect, outcome, str(index.data() or ""))

    @staticmethod
    def _paint_number(painter: QPainter, rect: QRect, index: Index, column: Column) -> None:
        colours, text = scheme_theme().colours, str(index.data() or "")
        strong = column in (Column.FRAMES, Column.AP)
        colour = colours.text if strong else colours.text2
        if column is Column.PROBLEMS and text.strip("0–"):
            colour = colours.warn
        painter.setFont(font("strong" if strong else "body"))
        painter.setPen(QColor(colour))
        painter.drawText(rect.adjusted(0, 0, -SPACE["s"], 0), _RIGHT, text)


def forest_rect(cell: QRect) -> QRectF:
    """Where an interval is drawn in its cell."""
    return QRectF(cell).adjusted(SPACE["s"], 8, -SPACE["s"], -8)


def paint_forest(
    painter: QPainter, rect: QRectF, axis: IntervalAxis, margin: float, difference: Difference, surface: str
) -> None:
    """Draw one interval against the margin."""
    theme = scheme_theme()
    draw_ground(painter, rect, axis, margin, theme)
    draw_interval(painter, rect, axis, difference, outcome_colour(difference.outcome, theme), surface)


def paint_verdict(painter: QPainter, rect: QRect, outcome: Outcome | None, text: str) -> None:
    """Draw the chip of an outcome, or a muted text where nothing was judged."""
    theme = scheme_theme()
    left = rect.left() + SPACE["s"]
    if outcome is None:
        painter.setFont(font("body"))
        painter.setPen(QColor(theme.colours.text2))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.right() - left)
        painter.drawText(QRect(left, rect.top(), rect.right() - left, rect.height()), _MIDDLE, shown)
        return
    chip = QRectF(left, rect.center().y() - 10, chip_width(outcome), 21)
    draw_chip(painter, chip, outcome, theme)


def _picture(path: str) -> QPixmap:
    """The small picture of a video that was shown once; null without one."""
    picture = thumbnail_of(path)
    if picture.isNull():
        return picture
    scaled = picture.scaled(
        _PICTURE, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    cut = QRect(QPoint(0, 0), _PICTURE)
    cut.moveCenter(scaled.rect().center())
    return scaled.copy(cut)


class SourcesTable(QTableView):
    """The table; keys act on the selected sources.

    Signals:
        opened(): Enter or a double click: open the current source in Correct.
        includePressed(): Space: count the selected sources, or leave them out.
        tagsPressed(): T.
        removePressed(): Del.
        movePressed(int): Alt+Up or Alt+Down.
        menuWanted(QPoint): context menu of the selected sources; global position.
        widthsChanged(): columns have other widths.
    """

    opened = Signal()
    includePressed = Signal()
    tagsPressed = Signal()
    removePressed = Signal()
    movePressed = Signal(int)
    menuWanted = Signal(QPoint)
    widthsChanged = Signal()

    own_keys = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_T, Qt.Key.Key_Delete})
    """Keys that are not for commands of the window while the table has the focus."""

    def __init__(self, model: SourcesModel) -> None:
        super().__init__()
        apply_dense_style(self, "sourcesTable", tr("Sources"))
        self.setModel(model)
        self.delegate = _Delegate(self)
        self.setItemDelegate(self.delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setMouseTracking(True)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setFixedHeight(HEADER_HEIGHT)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)
        header.setSectionResizeMode(Column.SOURCE, QHeaderView.ResizeMode.Stretch)
        header.sectionClicked.connect(self._on_section_clicked)
        header.sectionResized.connect(lambda *_: self.widthsChanged.emit())
        self.doubleClicked.connect(self._on_double_clicked)
        self._kept: list[int] = []
        model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        model.modelReset.connect(self._on_model_reset)

    def _on_model_about_to_be_reset(self) -> None:
        self._kept = self.selected_ids()

    def _on_model_reset(self) -> None:
        """Select the same sources again wherever they are now."""
        model, flags = self.model(), QItemSelectionModel.SelectionFlag
        assert isinstance(model, SourcesModel)
        rows = [row for id in self._kept if (row := model.row_of(id)) >= 0]
        for number, row in enumerate(rows):
            index = model.index(row, Column.SOURCE)
            if not number:
                self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            else:
                self.selectionModel().select(index, flags.Select | flags.Rows)

    def _on_section_clicked(self, column: int) -> None:
        """Sort by a column: first the end that asks for work, then the other, then the dataset's own order."""
        header, model = self.horizontalHeader(), self.model()
        first = Qt.SortOrder.DescendingOrder if column in (Column.PROBLEMS, Column.FRAMES, Column.BOXES) else None
        first = first or (Qt.SortOrder.DescendingOrder if column == Column.EDITED else Qt.SortOrder.AscendingOrder)
        is_same = header.isSortIndicatorShown() and header.sortIndicatorSection() == column
        if is_same and header.sortIndicatorOrder() is not first:
            header.setSortIndicatorShown(False)
            model.sort(-1)
            return
        down, up = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
        order = (up if first is down else down) if is_same else first
        header.setSortIndicator(column, order)
        header.setSortIndicatorShown(True)
        model.sort(column, order)

    def _on_double_clicked(self, index: Index) -> None:
        if index.column() != Column.INCLUDE:
            self.opened.emit()

    def fit_columns(self, width: int) -> None:
        """Give the columns the widths for a table of this width."""
        widths = _WIDTHS | (_NARROW_WIDTHS if width < _NARROW else {})
        widths |= _NARROWEST_WIDTHS if width < _NARROWEST else {}
        for column, pixels in widths.items():
            self.setColumnHidden(column, pixels == 0)
            if pixels:
                self.setColumnWidth(column, pixels)

    def resizeEvent(self, event: object) -> None:
        self.fit_columns(self.width())
        super().resizeEvent(event)  # type: ignore[arg-type]

    def selected_ids(self) -> list[int]:
        """Numbers of the selected sources, else of the current one."""
        model = self.model()
        assert isinstance(model, SourcesModel)
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        rows = rows or ([self.currentIndex().row()] if self.currentIndex().isValid() else [])
        return [one.id for row in rows if (one := model.source_at(row)) is not None]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, alt = Qt.Key(event.key()), event.modifiers() == Qt.KeyboardModifier.AltModifier
        if alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.movePressed.emit(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif key == Qt.Key.Key_Space:
            self.includePressed.emit()
        elif key == Qt.Key.Key_T:
            self.tagsPressed.emit()
        elif key == Qt.Key.Key_Delete:
            self.removePressed.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_own = Qt.Key(event.key()) in self.own_keys and event.modifiers() == Qt.KeyboardModifier.NoModifier
            if is_own:
                event.accept()
                return True
        return super().event(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters are commands of the window, not a search."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a check mark turns it."""
        index = self.indexAt(event.position().toPoint())
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton and index.column() == Column.INCLUDE:
            is_on = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) is Qt.CheckState.Checked
            state = Qt.CheckState.Unchecked if is_on else Qt.CheckState.Checked
            self.model().setData(index, state, Qt.ItemDataRole.CheckStateRole)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            if not self.selectionModel().isSelected(index):
                self.selectRow(index.row())
            place = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()) if by_key else event.globalPos()
            self.menuWanted.emit(place)


@dataclass(frozen=True, slots=True)
class PooledContent:
    """What the row of all sources together shows.

    Attributes:
        sources: number of sources that count; the numbers are sums over them.
        problems: None while some were not searched.
        ap: of the chosen variant; None where it is undefined or not computed.
        difference, outcome: None where nothing was judged.
        note: a short sentence beside the verdict; ``sentence`` is the whole of it.
    """

    sources: int = 0
    frames: int = 0
    boxes: int = 0
    problems: int | None = None
    ap: float | None = None
    difference: Difference | None = None
    outcome: Outcome | None = None
    note: str = ""
    sentence: str = ""
    is_stale: bool = False


class PooledRow(QWidget):
    """The row of all sources together, below the table and in its columns, with the axis of the intervals."""

    def __init__(self, table: SourcesTable) -> None:
        super().__init__()
        self.setObjectName("pooledRow")
        self.setFixedHeight(POOLED_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._table = table
        self.content = PooledContent()
        table.widthsChanged.connect(self.update)

    def show_content(self, content: PooledContent) -> None:
        """Show these numbers."""
        self.content = content
        said = [self._title(), content.sentence or content.note]
        if content.difference is not None:
            said.insert(1, spoken_interval(content.difference))
        self.setAccessibleName(self._title())
        self.setAccessibleDescription("; ".join(filter(None, said[1:])))
        self.update()

    def _title(self) -> str:
        return tr_n("{count} source together", "{count:,} sources together", self.content.sources)

    def text(self, column: Column) -> str:
        """The text of a column, as the table's cells have it."""
        content = self.content
        values = {
            Column.SOURCE: self._title(),
            Column.FRAMES: f"{content.frames:,}",
            Column.PROBLEMS: "–" if content.problems is None else f"{content.problems:,}",
            Column.BOXES: f"{content.boxes:,}",
            Column.AP: "–" if content.ap is None else f"{content.ap:.3f}",
        }
        return values.get(column, "")

    def cell(self, column: Column) -> QRect:
        """Where a column is in this row."""
        table = self._table
        return QRect(table.columnViewportPosition(column), 0, table.columnWidth(column), self.height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and self.content.sentence:
            QToolTip.showText(event.globalPos(), self.content.sentence, self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, colours = QPainter(self), scheme_theme().colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colours.window))
        painter.setPen(QPen(QColor(colours.outline), 1.0))
        painter.drawLine(QLineF(0, 0.5, self.width(), 0.5))
        for column in (Column.SOURCE, *NUMBERS):
            rect = self.cell(column)
            strong = column in (Column.SOURCE, Column.AP)
            painter.setFont(font("strong") if strong else font("body"))
            painter.setPen(QColor(colours.text if strong else colours.text2))
            if column is Column.SOURCE:
                painter.drawText(rect.adjusted(SPACE["s"], 0, 0, 0), _MIDDLE, self.text(column))
            elif not self._table.isColumnHidden(column):
                painter.drawText(rect.adjusted(0, 0, -SPACE["s"], 0), _RIGHT, self.text(column))
        if self.content.is_stale:
            painter.setOpacity(0.5)
        self._paint_verdict(painter)

    def _paint_verdict(self, painter: QPainter) -> None:
        content, delegate, theme = self.content, self._table.delegate, scheme_theme()
        cell = self.cell(Column.INTERVAL)
        rect = QRectF(cell).adjusted(SPACE["s"], 6, -SPACE["s"], -20)
        if content.difference is not None:
            paint_forest(painter, rect, delegate.axis, delegate.margin, content.difference, theme.colours.window)
        if not math.isnan(delegate.margin):
            painter.setPen(QPen(QColor(theme.colours.line), 1.0))
            painter.drawLine(QLineF(rect.bottomLeft(), rect.bottomRight()))
            small = QFont(font("caption"))
            painter.setFont(small)
            ticks = QRectF(rect.left(), rect.bottom() + 2, rect.width(), 14)
            draw_ticks(painter, ticks, delegate.axis, delegate.margin, theme)
        verdict = self.cell(Column.VERDICT)
        last = self.cell(Column.EDITED) if not self._table.isColumnHidden(Column.EDITED) else verdict
        whole = QRect(verdict.left(), 0, last.right() - verdict.left(), self.height())
        if content.outcome is None:
            self._paint_note(painter, whole.adjusted(SPACE["s"], 0, 0, 0))
            return
        paint_verdict(painter, QRect(verdict.left(), 0, verdict.width(), 34), content.outcome, "")
        self._paint_note(painter, QRect(verdict.left() + SPACE["s"], 32, whole.width() - SPACE["s"], 20))

    def _paint_note(self, painter: QPainter, rect: QRect) -> None:
        painter.setFont(font("caption"))
        painter.setPen(QColor(scheme_theme().colours.text2))
        note, metrics = self.content.note, painter.fontMetrics()
        if rect.height() < 2 * metrics.height():
            note = metrics.elidedText(note, Qt.TextElideMode.ElideRight, rect.width())
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
        painter.drawText(rect, flags, note)
