"""The grid of problems: one crop each, selected by keys or mouse and decided together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QVariantAnimation,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.document.problem_texts import describe_problem
from iouviewer.document.problems import Problem
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font, tabular_font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_grid import CropGrid, grid_size, paint_cell_frame
from iouviewer.ui.review.crop_painter import CropLine, joined
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.tables.problems_model import PROBLEM_ROLE, value_of
from iouviewer.ui.theme import duration
from iouviewer.ui.tokens import CANVAS, SPACE
from iouviewer.ui.variant_look import image_colour

CROP_WIDTHS = (64, 95, 192)
"""Smallest, usual and largest width of a crop, logical pixels."""
_SHAPE = 119 / 95
"""Height of a crop by its width."""
_OBJECT_SHARE = 0.62
_CAPTION = 16
_OWNER = "problemGrid"
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
        paint_cell_frame(painter, cell, selected=selected, focused=focused)
        colours = scheme_theme().colours
        below = QRect(cell.left(), cell.bottom() + 1, cell.width(), _CAPTION)
        painter.setFont(tabular_font(font("caption")))
        painter.setPen(QColor(colours.text3))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{problem.frame:,}")
        value = value_of(problem)
        painter.setPen(QColor(colours.text))
        text = "–" if value is None else f"{value:.2f}"
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


class ProblemGrid(CropGrid):
    """The crops of problems; ``opened`` carries the problem to review."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, _OWNER)
        self.setAccessibleName(tr("Grid of problems"))
        self.problems = GridModel(session)
        self._crop_width = CROP_WIDTHS[1]
        self.setModel(self.problems)
        self.setItemDelegate(_GridDelegate(self))
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(1.0)
        self._fade.setEndValue(0.0)
        self._fade.valueChanged.connect(self._on_fade_value_changed)
        self._fade.finished.connect(self._on_fade_finished)
        self._next: list[Problem] = []
        self.selectionModel().selectionChanged.connect(self.chosenChanged)
        self.set_crop_width(self._crop_width)

    def item_at(self, row: int) -> object:
        """The problem."""
        return self.problems.problem_at(row)

    def crops_at(self, row: int) -> Sequence[CropRequest]:
        """The crop of a problem."""
        return [self._crop_of(self.problems.problem_at(row))]

    # Sizes

    @property
    def crop_size(self) -> QSize:
        """Size of a crop, logical pixels."""
        return QSize(self._crop_width, round(self._crop_width * _SHAPE))

    def set_crop_width(self, width: int) -> None:
        """Make the crops this wide."""
        self._crop_width = max(CROP_WIDTHS[0], min(width, CROP_WIDTHS[-1]))
        crop = self.crop_size
        self.setGridSize(grid_size(crop, _CAPTION, SPACE["s"]))
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
            self.select_none()
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
            self.focus_row(kept)
        self.verticalScrollBar().setValue(scroll)
        self.focusedChanged.emit()
        self.chosenChanged.emit()
        self._ask.start()

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
        return [self.problems.problem_at(row) for row in self.chosen_rows]

    def focus_on(self, key: str) -> None:
        """Move the keyboard focus to a problem."""
        row = self.problems.row_of(key)
        if row >= 0:
            self.focus_row(row)
            self.scrollTo(self.problems.index(row))

    # Crops

    def _crop_of(self, problem: Problem) -> CropRequest:
        cell = self.crop_size
        around = joined([problem.rect, *([problem.fix_rect] if problem.fix_rect else [])])
        area = self.crops.area_around(around, cell, _OBJECT_SHARE)
        return self.crops.request_of(problem.frame, area, cell, self.devicePixelRatioF(), urgency=2)

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
