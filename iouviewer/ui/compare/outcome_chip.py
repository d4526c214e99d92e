"""The chip of an outcome: a shape and a word on a coloured ground, the same on verdict cards and in tables."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from iouviewer.i18n import tr
from iouviewer.jobs.judge import Outcome
from iouviewer.ui.compare.intervals import outcome_colour
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import Theme
from iouviewer.ui.tokens import RADIUS

CHIP_ICON = 11.0
"""Width of the shape, logical pixels."""
_OUTCOMES = {
    Outcome.PASS: tr("PASS"),
    Outcome.FAIL: tr("FAIL"),
    Outcome.UNDECIDED: tr("UNDECIDED"),
    Outcome.CANNOT_JUDGE: tr("CANNOT JUDGE"),
}


def outcome_word(outcome: Outcome) -> str:
    """The outcome in words."""
    return _OUTCOMES[outcome]


def chip_width(outcome: Outcome) -> float:
    """Width of the chip, logical pixels."""
    return QFontMetricsF(font("strong")).horizontalAdvance(_OUTCOMES[outcome]) + CHIP_ICON + 20


def draw_chip(painter: QPainter, chip: QRectF, outcome: Outcome, theme: Theme, *, is_stale: bool = False) -> None:
    """Paint the chip; a stale one has its word alone, beside the spinner of its owner."""
    colours, colour = theme.colours, outcome_colour(outcome, theme)
    if not is_stale:
        ground = {Outcome.PASS: colours.good_bg, Outcome.FAIL: colours.bad_bg, Outcome.UNDECIDED: colours.warn_bg}
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground.get(outcome, colours.hover)))
        painter.drawRoundedRect(chip, RADIUS["chip"], RADIUS["chip"])
        ring = QRectF(chip.left() + 6, chip.center().y() - CHIP_ICON / 2, CHIP_ICON, CHIP_ICON)
        _draw_shape(painter, ring, outcome, colour)
    painter.setPen(QColor(colour))
    painter.setFont(font("strong"))
    place = chip.adjusted(CHIP_ICON + 11, 0, -4, 0)
    painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), _OUTCOMES[outcome])


def _draw_shape(painter: QPainter, ring: QRectF, outcome: Outcome, colour: str) -> None:
    """A ring with a tick, a cross, a question mark or a bar: the outcome for those who see no colours."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1.3))
    painter.drawEllipse(ring)
    centre, r = ring.center(), ring.width() / 5
    if outcome is Outcome.PASS:
        points = [centre + QPointF(-r, 0), centre + QPointF(-r / 4, r * 0.8), centre + QPointF(r * 1.1, -r * 0.8)]
        painter.drawPolyline(points)
    elif outcome is Outcome.FAIL:
        for way in (1, -1):
            painter.drawLine(QLineF(centre + QPointF(-r, -r * way), centre + QPointF(r, r * way)))
    elif outcome is Outcome.UNDECIDED:
        painter.setFont(font("key"))
        painter.drawText(ring, int(Qt.AlignmentFlag.AlignCenter), "?")
    else:
        painter.drawLine(QLineF(centre + QPointF(-r, 0), centre + QPointF(r, 0)))
