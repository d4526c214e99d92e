"""Intervals of differences drawn against the allowed drop, on one axis for all cards and rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from iouviewer.i18n import tr
from iouviewer.jobs.judge import Difference, Outcome
from iouviewer.ui.theme import Theme

_TITLES = {"ap": tr("AP"), "pq": tr("PQ"), "avg_iou": tr("Avg IoU")}
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Distances between two numbers of an axis, in points."""
_MOST_STEPS = 8
_FARTHEST = 6.0
"""An axis ends at so many allowed drops (or points, if that is more): a bad variant must not squeeze the others."""
_PADDING = 0.07
"""Empty part of the axis at each end."""
_GROUND_ALPHA = 0.6
_BAR, _CAP, _DOT = 5.0, 11.0, 4.0
"""Height of the bar, of its ends, and radius of the estimate, logical pixels."""
_ARROW = 10.0
"""Length of the arrow that stands for an estimate beyond the axis, logical pixels."""


@dataclass(frozen=True, slots=True)
class IntervalAxis:
    """The part of the axis that is shown, in points; ``low`` < 0 < ``high``."""

    low: float
    high: float

    def x(self, points: float, rect: QRectF) -> float:
        """Where a difference lies within the rectangle; values beyond an end lie at the end."""
        share = (min(max(points, self.low), self.high) - self.low) / (self.high - self.low)
        return rect.left() + share * rect.width()

    def side_of(self, points: float) -> int:
        """-1 for a difference beyond the low end, 1 beyond the high end, 0 on the axis."""
        return int(points > self.high) - int(points < self.low)

    def ticks(self) -> list[float]:
        """Numbers to write, at most nine, 0 among them."""
        span = self.high - self.low
        step = next((step for step in _STEPS if span / step <= _MOST_STEPS), _STEPS[-1])
        return [number * step for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def axis_of(differences: Iterable[Difference], margin: float) -> IntervalAxis:
    """The axis that shows these differences, zero and the margin (points that may be lost)."""
    values = [value for one in differences for value in (one.points, one.low, one.high) if not math.isnan(value)]
    farthest = _FARTHEST * max(margin, 1.0)
    low = max(min([*values, -1.5 * margin, -0.5]), -farthest)
    high = min(max([*values, 0.5 * margin, 0.5]), farthest)
    padding = _PADDING * (high - low)
    return IntervalAxis(low - padding, high + padding)


def outcome_colour(outcome: Outcome | None, theme: Theme) -> str:
    """The colour of an outcome; muted where nothing can be judged."""
    colours = theme.colours
    return {Outcome.PASS: colours.good, Outcome.FAIL: colours.bad, Outcome.UNDECIDED: colours.warn}.get(
        outcome or Outcome.CANNOT_JUDGE, colours.text2
    )


def draw_ground(painter: QPainter, rect: QRectF, axis: IntervalAxis, margin: float, theme: Theme) -> None:
    """The forbidden side, the dashed margin and the zero line."""
    colours = theme.colours
    x = axis.x(-margin, rect)
    forbidden = QColor(colours.bad_bg)
    forbidden.setAlphaF(_GROUND_ALPHA)
    painter.fillRect(QRectF(rect.left(), rect.top(), x - rect.left(), rect.height()), forbidden)
    pen = QPen(QColor(colours.bad), 1.2)
    pen.setDashPattern([3.0, 2.0])
    painter.setPen(pen)
    painter.drawLine(QLineF(x, rect.top(), x, rect.bottom()))
    painter.setPen(QPen(QColor(colours.outline), 1.0))
    zero = axis.x(0.0, rect)
    painter.drawLine(QLineF(zero, rect.top(), zero, rect.bottom()))


def draw_interval(
    painter: QPainter, rect: QRectF, axis: IntervalAxis, one: Difference, colour: str, surface: str
) -> None:
    """One interval with its estimate, in the middle of the rectangle; arrows where they go beyond the axis.

    Args:
        surface: colour around the estimate, ``#rrggbb``.
    """
    if math.isnan(one.points):
        return
    y, drawn = rect.center().y(), QColor(colour)
    if not math.isnan(one.low):
        left, right = axis.x(one.low, rect), axis.x(one.high, rect)
        body = QColor(drawn)
        body.setAlphaF(0.5)
        painter.fillRect(QRectF(left, y - _BAR / 2, right - left, _BAR), body)
        painter.setPen(QPen(drawn, 1.8))
        for x, end, is_cut, direction in (
            (left, one.low, one.low < axis.low, -1),
            (right, one.high, one.high > axis.high, 1),
        ):
            if axis.side_of(end) == -direction:
                continue  # the whole interval is beyond the other end, where the arrow is
            if is_cut:
                tip, back = QPointF(x, y), x - direction * _CAP / 2
                painter.drawPolyline([QPointF(back, y - _CAP / 2), tip, QPointF(back, y + _CAP / 2)])
            else:
                painter.drawLine(QLineF(x, y - _CAP / 2, x, y + _CAP / 2))
    painter.setPen(QPen(QColor(surface), 1.5))
    painter.setBrush(drawn)
    at, side = QPointF(axis.x(one.points, rect), y), axis.side_of(one.points)
    if side:
        base, half = at - QPointF(side * _ARROW, 0), QPointF(0, _ARROW / 2 + 1)
        painter.drawPolygon([at, base - half, base + half])
    else:
        painter.drawEllipse(at, _DOT, _DOT)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_ticks(painter: QPainter, rect: QRectF, axis: IntervalAxis, margin: float, theme: Theme) -> None:
    """The numbers of the axis; the margin stands out and takes the place of a number beside it."""
    metrics = painter.fontMetrics()
    places = [(-margin, theme.colours.bad)]
    for tick in axis.ticks():
        width = metrics.horizontalAdvance(tick_text(tick)) + 6
        if all(abs(axis.x(tick, rect) - axis.x(other, rect)) >= width for other, _ in places):
            places.append((tick, theme.colours.text3))
    for value, colour in places:
        painter.setPen(QColor(colour))
        text = tick_text(value)
        width = metrics.horizontalAdvance(text) + 2
        place = QRectF(axis.x(value, rect) - width / 2, rect.top(), width, rect.height())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)


def tick_text(points: float) -> str:
    """A number of the axis: with its sign, and decimals only where it has them."""
    text = f"{points:+.1f}".removesuffix(".0").replace("-", "−")
    return text if text.strip("+−") not in ("0", "0.0") else "0"


def points_text(points: float) -> str:
    """A difference in points with its sign; a dash where it is undefined."""
    if math.isnan(points):
        return "–"
    text = f"{points:+.1f}".replace("-", "−")
    return text if text[1:] != "0.0" else "0.0"


def spoken_interval(one: Difference) -> str:
    """A difference for a screen reader: "AP minus 1.0, 95 % from minus 2.1 to plus 0.1, margin minus 1.0"."""
    title = _TITLES[one.metric]
    if math.isnan(one.points):
        return tr("{metric} undefined", metric=title)
    values = {"metric": title, "points": _spoken(one.points), "margin": _spoken(-one.margin)}
    if math.isnan(one.low):
        return tr("{metric} {points}, no interval, margin {margin}", **values)
    return tr(
        "{metric} {points}, 95 % from {low} to {high}, margin {margin}",
        low=_spoken(one.low),
        high=_spoken(one.high),
        **values,
    )


def metric_name(metric: str) -> str:
    """The name of a judged metric."""
    return _TITLES[metric]


def _spoken(points: float) -> str:
    size = f"{abs(points):.1f}"
    if size == "0.0":
        return size
    return tr("minus {size}", size=size) if points < 0 else tr("plus {size}", size=size)
