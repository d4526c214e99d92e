"""The words left of the IoU row: what the lines are and what they are worth now."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.series import Series
from iouviewer.ui.tokens import SIZE, SPACE

NUMBERS_WIDTH = 20
"""Part of the gutter that the numbers of the axis take, logical pixels."""
_LINE_HEIGHT, _WORD_GAP = 15, 3


class GutterLine(NamedTuple):
    """A word with its number.

    Attributes:
        centre: places it in the row; None stacks it below the line before.
        short: takes the place of the word where that is too wide.
    """

    word: str
    number: str
    colour: str
    is_strong: bool = False
    centre: float | None = None
    short: str = ""


class GutterState(NamedTuple):
    """What the lines are worth now.

    Attributes:
        frame: the current or the held frame.
        own_name, own: name and IoU of the selected track, nan without one.
    """

    mean_colour: str
    frame: int
    own_name: str
    own: float
    is_magnified: bool


def curve_lines(theme: Theme, series: Sequence[Series], state: GutterState) -> tuple[GutterLine, ...]:
    """The words beside curves: the baseline, the selected track, and the mean; while a box is held, the frame."""
    if not series:
        return (GutterLine(tr("IoU"), "", theme.colours.text2),)
    base = series[0]
    lines = []
    if not math.isnan(state.own):
        lines.append(GutterLine(state.own_name, _number(state.own), theme.colours.series_gt, is_strong=True))
    if state.is_magnified:
        values = base.pyramid.values
        value = float(values[state.frame]) if state.frame < len(values) else math.nan
        lines.append(GutterLine(tr("Frame"), _number(value), _colour(base, theme)))
    else:
        lines.insert(0, GutterLine(tr("IoU, {name}", name=base.name), "", _colour(base, theme), short=base.name))
        if not math.isnan(base.mean):
            lines.append(GutterLine(tr("Mean"), _number(base.mean), state.mean_colour))
    return tuple(lines)


def strip_lines(
    theme: Theme, series: Sequence[Series], scale: float | None, y_of: Callable[[float], float]
) -> tuple[GutterLine, ...]:
    """The names beside strips, and the scale of the difference; None for no difference.

    Args:
        y_of: logical pixels from the upper edge of the row by the plot's y.
    """
    lines = [
        GutterLine(one.name, "", _colour(one, theme), centre=y_of(len(series) - place - 0.5))
        for place, one in enumerate(series)
    ]
    if scale is not None:
        # Word and scale stand below one another: the gutter is too narrow for both on one line.
        for place, text in ((-0.5, tr("Difference")), (0.5, f"±{scale:.2f}")):
            lines.append(GutterLine(text, "", theme.colours.text2, centre=y_of(-0.5) + place * _LINE_HEIGHT))
    return tuple(lines)


def _colour(series: Series, theme: Theme) -> str:
    return series.pen(theme, is_first=True, has_dash=False).color().name()


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


class PlotGutter(QWidget):
    """Lines of text over the left axis of the plot; the mouse passes through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.lines: tuple[GutterLine, ...] = ()

    def show_lines(self, lines: tuple[GutterLine, ...]) -> None:
        """Show these lines."""
        if lines != self.lines:
            self.lines = lines
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        left = SPACE["m"]
        is_stacked = bool(self.lines) and self.lines[0].centre is None
        shown = self.lines[: max(1, self.height() // _LINE_HEIGHT)] if is_stacked else self.lines
        top = max(0.0, (self.height() - _LINE_HEIGHT * len(shown)) / 2)
        for place, line in enumerate(shown):
            is_placed = line.centre is not None
            width = SIZE["timeline_gutter"] - left - (SPACE["xs"] if is_placed else NUMBERS_WIDTH)
            y = top + place * _LINE_HEIGHT if line.centre is None else line.centre - _LINE_HEIGHT / 2
            role = "canvas_label" if line.is_strong else "caption"
            painter.setFont(font(role))
            painter.setPen(QColor(line.colour))
            metrics = QFontMetrics(font(role))
            number_width = metrics.horizontalAdvance(line.number)
            free = width - (number_width + _WORD_GAP if line.number else 0)
            whole = line.short if line.short and metrics.horizontalAdvance(line.word) > free else line.word
            # The ends of a name tell more than its middle.
            elide = Qt.TextElideMode.ElideMiddle if line.short else Qt.TextElideMode.ElideRight
            word = metrics.elidedText(whole, elide, free)
            place_of_word = QRectF(left, y, free, _LINE_HEIGHT)
            painter.drawText(place_of_word, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
            number_x = left + metrics.horizontalAdvance(word) + (_WORD_GAP if word else 0)
            place_of_number = QRectF(number_x, y, number_width + 1, _LINE_HEIGHT)
            painter.drawText(place_of_number, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line.number)
        painter.end()
