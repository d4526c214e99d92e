"""The grid of problems: one crop each, selected by keys or mouse and decided together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    QVariantAnimation,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.document.problem_texts import describe_problem
from iouviewer.document.problems import Problem
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font, tabular_font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_painter import CropLine, CropPainter, joined
from iouviewer.ui.tables.cells import Glyph, paint_glyph
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.tables.problems_model import PROBLEM_ROLE, value_of
from iouviewer.ui.theme import duration
from iouviewer.ui.tokens import CANVAS, ICON_SIZE, SPACE
from iouviewer.ui.variant_look import image_colour

CROP_WIDTHS = (64, 95, 192)
"""Smallest, usual and largest width of a crop, logical pixels."""
_SHAPE = 119 / 95
"""Height of a crop by its width."""
_OBJECT_SHARE = 0.62
_CAPTION = 16
_OWNER = "problemGrid"
_Key = Qt.Key
_ARROWS = frozenset(
    {_Key.Key_Left, _Key.Key_Right, _Key.Key_Up, _Key.Key_Down, _Key.Key_PageUp, _Key.Key_PageDown}
    | {_Key.Key_Home, _Key.Key_End}
)
_Flag = QItemSelectionModel.SelectionFlag


class GridModel(QAbstractListModel):
    """The problems of the grid. Those that were decided fade before they leave.

    Attributes:
        opacity: of the problems that leave.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._problems: list[Problem] = []
        self._leaving: frozenset[str] = frozenset()
        self.opacity = 1.0

    def replace_all(self, problems: Sequence[Problem]) -> None:
        """Show these problems."""
        self.beginResetModel()
        self._problems, self._leaving, self.opacity = list(problems), frozenset(), 1.0
        self.endResetModel()

    def leaving_after(self, problems: Sequence[Problem]) -> frozenset[str]:
        """Keys of those shown that are not among ``problems``; none if other ones came or moved."""
        keys = {problem.key for problem in problems}
        kept = [problem.key for problem in self._problems if problem.key in keys]
        if kept != [problem.key for problem in problems]:
            return frozenset()
        return frozenset(problem.key for problem in self._problems if problem.key not in keys)

    def set_leaving(self, keys: frozenset[str]) -> None:
        """Fade these problems."""
        self._leaving = keys

    def is_leaving(self, problem: Problem) -> bool:
        """Whether a problem was decided."""
        return problem.key in self._leaving

    def problem_at(self, row: int) -> Problem:
        """The problem of a row."""
        return self._problems[row]

    def row_of(self, key: str) -> int:
        """The row of a problem, -1 if it is not shown."""
        return next((row for row, problem in enumerate(self._problems) if problem.key == key), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._problems)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        problem = self._problems[index.row()]
        if role == PROBLEM_ROLE:
            return problem
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = describe_problem(problem, self._session.document.class_names)
            return tr("Frame {frame:,}: {problem}", frame=problem.frame, problem=text)
        return None


class _GridDelegate(QStyledItemDelegate):
    """Paints a crop with its box, and the frame and the value below."""

    def __init__(self, view: ProblemGrid) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._view.gridSize()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view, problem = self._view, index.data(PROBLEM_ROLE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = view.currentIndex().row() == index.row() and view.hasFocus()
        painter.save()
        if view.problems.is_leaving(problem):
            painter.setOpacity(view.problems.opacity)
        cell = QRect(option.rect.topLeft(), view.crop_size).translated(SPACE["xs"], SPACE["xs"])
        view.paint_crop(painter, QRectF(cell), problem, selected=selected)
        colours = scheme_theme().colours
        if selected or focused:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent if selected else colours.focus), 2))
            painter.drawRect(QRectF(cell).adjusted(-1, -1, 1, 1))
            if focused and selected:
                painter.setPen(QPen(QColor(colours.text), 1))
                painter.drawRect(QRectF(cell).adjusted(-3, -3, 3, 3))
        if selected:
            corner = QRect(0, 0, ICON_SIZE, ICON_SIZE)
            corner.moveTopRight(cell.topRight() - QRect(0, 0, 3, -1).bottomRight())
            painter.fillRect(corner, QColor(colours.accent_fill))
            paint_glyph(painter, corner, Glyph("accept", "on_accent_fill"))
        below = QRect(cell.left(), cell.bottom() + 1, cell.width(), _CAPTION)
        painter.setFont(tabular_font(font("caption")))
        painter.setPen(QColor(colours.text3))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{problem.frame:,}")
        value = value_of(problem)
        painter.setPen(QColor(colours.text))
        text = "–" if value is None else f"{value:.2f}"
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


class ProblemGrid(QListView):
    """The crops.

    Signals:
        focusedChanged(): another crop has the keyboard focus, or none.
        chosenChanged(): other crops are selected.
        opened(Problem): Enter or a double click: review this one.
        left(): Esc without a selection.
    """

    focusedChanged = Signal()
    chosenChanged = Signal()
    opened = Signal(object)
    left = Signal()

    own_keys = frozenset({_Key.Key_Space, _Key.Key_Return, _Key.Key_Enter, _Key.Key_Escape})
    """Keys that are not commands here."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("problemGrid")
        self.setAccessibleName(tr("Grid of problems"))
        self.problems = GridModel(session)
        self._session = session
        self._painter: CropPainter | None = None
        self._crop_width = CROP_WIDTHS[1]
        self._keys: Callable[[], Sequence[Problem]] = lambda: ()
        self.setModel(self.problems)
        self.setItemDelegate(_GridDelegate(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(False)
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(1.0)
        self._fade.setEndValue(0.0)
        self._fade.valueChanged.connect(self._on_fade_value_changed)
        self._fade.finished.connect(self._on_fade_finished)
        self._next: list[Problem] = []
        # Crops are asked for once the view stands still in this turn of the event loop.
        self._ask = QTimer(self, singleShot=True, interval=0)
        self._ask.timeout.connect(self._request_crops)
        self.verticalScrollBar().valueChanged.connect(self._ask.start)
        self.selectionModel().selectionChanged.connect(self.chosenChanged)
        self.set_crop_width(self._crop_width)

    def use_crops(self, crops: CropLoader) -> None:
        """Take the crops from here."""
        self._painter = CropPainter(self._session, crops)
        crops.cropsReady.connect(self.viewport().update)

    # Sizes

    @property
    def crop_size(self) -> QSize:
        """Size of a crop, logical pixels."""
        return QSize(self._crop_width, round(self._crop_width * _SHAPE))

    def set_crop_width(self, width: int) -> None:
        """Make the crops this wide."""
        self._crop_width = max(CROP_WIDTHS[0], min(width, CROP_WIDTHS[-1]))
        crop = self.crop_size
        self.setGridSize(QSize(crop.width() + SPACE["s"], crop.height() + _CAPTION + SPACE["s"]))
        self._ask.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask.start()

    # Problems

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems; those that are not among them fade and leave."""
        self._finish_fade()
        leaving = self.problems.leaving_after(problems)
        milliseconds = duration("normal")
        if leaving and milliseconds and self.isVisible():
            self._next = list(problems)
            self.problems.set_leaving(leaving)
            self._select_none()
            self._fade.setDuration(milliseconds)
            self._fade.start()
        else:
            self._replace(problems)

    def _replace(self, problems: Sequence[Problem]) -> None:
        row, scroll = self.currentIndex().row(), self.verticalScrollBar().value()
        focused = self.focused
        chosen = [problem.key for problem in self.chosen]
        self.problems.replace_all(problems)
        count = self.problems.rowCount()
        kept = self.problems.row_of(focused.key) if focused is not None else -1
        if kept < 0 and count:
            # The next one that is left takes the place of the one that was decided.
            kept = min(max(row, 0), count - 1)
        for key in chosen:
            at = self.problems.row_of(key)
            if at >= 0:
                self.selectionModel().select(self.problems.index(at), _Flag.Select)
        if kept >= 0:
            self.selectionModel().setCurrentIndex(self.problems.index(kept), _Flag.NoUpdate)
        self.verticalScrollBar().setValue(scroll)
        self.focusedChanged.emit()
        self.chosenChanged.emit()
        self._ask.start()

    def _select_none(self) -> None:
        self.selectionModel().clearSelection()

    def _on_fade_value_changed(self, value: object) -> None:
        self.problems.opacity = float(value) if isinstance(value, float) else 0.0
        self.viewport().update()

    def _on_fade_finished(self) -> None:
        problems, self._next = self._next, []
        self._replace(problems)

    def _finish_fade(self) -> None:
        if self._fade.state() is QVariantAnimation.State.Running:
            self._fade.stop()
            self._on_fade_finished()

    @property
    def focused(self) -> Problem | None:
        """The problem whose crop has the keyboard focus."""
        index = self.currentIndex()
        return self.problems.problem_at(index.row()) if index.isValid() else None

    @property
    def chosen(self) -> list[Problem]:
        """The selected problems in the order of the grid."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self.problems.problem_at(row) for row in rows]

    def focus_on(self, key: str) -> None:
        """Move the keyboard focus to a problem."""
        row = self.problems.row_of(key)
        if row >= 0:
            self.selectionModel().setCurrentIndex(self.problems.index(row), _Flag.NoUpdate)
            self.scrollTo(self.problems.index(row))

    # Keys and mouse

    def selectionCommand(
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        if isinstance(event, QKeyEvent) and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            # Arrows move the focus only; Space selects.
            return _Flag.Toggle if event.key() == _Key.Key_Space else _Flag.NoUpdate
        return super().selectionCommand(index, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (_Key.Key_Return, _Key.Key_Enter) and self.focused is not None:
            self.opened.emit(self.focused)
        elif key == _Key.Key_Escape:
            if self.selectionModel().hasSelection():
                self._select_none()
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
            self.opened.emit(self.problems.problem_at(index.row()))

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        self.focusedChanged.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.problems.rowCount():
            self.selectionModel().setCurrentIndex(self.problems.index(0), _Flag.NoUpdate)

    # Crops

    def _crop_of(self, problem: Problem) -> CropRequest:
        assert self._painter is not None
        cell = self.crop_size
        around = joined([problem.rect, *([problem.fix_rect] if problem.fix_rect else [])])
        area = self._painter.area_around(around, cell, _OBJECT_SHARE)
        return self._painter.request_of(problem.frame, area, cell, self.devicePixelRatioF(), urgency=2)

    def visible_rows(self) -> range:
        """The rows that the view shows."""
        columns = max(1, (self.viewport().width() - 1) // self.gridSize().width())
        height, top = self.gridSize().height(), self.verticalScrollBar().value()
        first, last = top // height, ceil((top + self.viewport().height()) / height)
        return range(min(first * columns, self.problems.rowCount()), min(last * columns, self.problems.rowCount()))

    def _request_crops(self) -> None:
        if self._painter is None or not self.isVisible():
            return
        shown = self.visible_rows()
        # The next screen is asked for too, after what is seen.
        ahead = range(shown.stop, min(shown.stop + len(shown), self.problems.rowCount()))
        crops = [self._crop_of(self.problems.problem_at(row)) for row in (*shown, *ahead)]
        self._painter.crops.request(_OWNER, crops)

    def release_crops(self) -> None:
        """Ask for no crops: the grid is hidden."""
        if self._painter is not None:
            self._painter.crops.request(_OWNER, ())

    @property
    def awaited(self) -> int:
        """How many crops that the view shows have not come yet."""
        if self._painter is None:
            return 0
        crops = (self._crop_of(self.problems.problem_at(row)) for row in self.visible_rows())
        return sum(self._painter.crops.image(crop) is None for crop in crops)

    def paint_crop(self, painter: QPainter, target: QRectF, problem: Problem, *, selected: bool) -> None:
        """Paint the crop of a problem with its box, and the proposed fix where that is another rectangle."""
        if self._painter is None:
            return
        self._painter.paint(painter, target, self._crop_of(problem), self.lines_of(problem, selected=selected))

    def lines_of(self, problem: Problem, *, selected: bool) -> list[CropLine]:
        """The box of a problem and its fix."""
        baseline = self._session.variants.baseline
        lines = []
        if problem.box_id is not None:
            lines.append(CropLine(problem.rect, CANVAS.gt))
        if problem.fix_rect is not None:
            if selected or baseline is None:
                lines.append(CropLine(problem.fix_rect, CANVAS.fix, width=1.8))
            else:
                lines.append(CropLine(problem.fix_rect, image_colour(baseline.colour), baseline.colour))
        return lines
