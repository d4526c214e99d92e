"""The card of one variant: its name, the outcome in shape and word, and its intervals drawn against the margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout

from iouviewer.document.variants import RunState, Variant
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Difference, Judged, Outcome
from iouviewer.ui.compare.intervals import (
    IntervalAxis,
    draw_ground,
    draw_interval,
    draw_ticks,
    metric_name,
    outcome_colour,
    points_text,
    spoken_interval,
)
from iouviewer.ui.compare.outcome_chip import CHIP_ICON, chip_width, draw_chip, outcome_word
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import Theme
from iouviewer.ui.tokens import RADIUS, SPACE
from iouviewer.ui.variant_look import draw_dash, panel_colour

CARD_HEIGHT, CARD_MIN_WIDTH, CARD_MAX_WIDTH = 96, 236, 480
_DASH = 20.0
_ROW = 20.0
_TEXTS = 104.0
"""Width of the metric's name and estimate, logical pixels."""
_STALE_OPACITY = 0.5
_COMPARING = tr("Comparing with the baseline…")


@dataclass(frozen=True, slots=True, eq=False)
class CardContent:
    """What a card shows.

    Attributes:
        judged: None while the first verdict is computed, and for a failed run.
        axis: the same on all cards.
        margin: allowed drop in points.
        is_stale: the verdict belongs to an earlier state.
        is_selected: its variant is the compared one.
    """

    variant: Variant
    judged: Judged | None
    axis: IntervalAxis
    margin: float
    is_stale: bool = False
    is_selected: bool = False

    def same_as(self, other: CardContent) -> bool:
        """Whether a card with it looks and reads the same; the values behind a verdict never change."""
        shown = (self.axis, self.margin, self.is_stale, self.is_selected)
        others = (other.axis, other.margin, other.is_stale, other.is_selected)
        return self.variant is other.variant and self.judged is other.judged and shown == others

    @property
    def has_failed(self) -> bool:
        """Whether the run of the variant failed; it is not judged then."""
        return self.variant.state is RunState.FAILED

    @property
    def outcome(self) -> Outcome | None:
        """The outcome on the chip; None while nothing is known."""
        if self.has_failed:
            return Outcome.CANNOT_JUDGE
        return None if self.judged is None else self.judged.outcome

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The judged metrics."""
        if self.judged is None or self.judged.compared is None:
            return ()
        return tuple(one for one in self.judged.compared.verdict.differences if not math.isnan(one.margin))

    @property
    def reason(self) -> str:
        """Why nothing can be judged, or what the card waits for; empty where intervals are drawn."""
        if self.has_failed:
            return failed_run_text(self.variant)
        if self.judged is None:
            return _COMPARING
        if self.judged.outcome is not Outcome.CANNOT_JUDGE:
            return ""
        reason = self.judged.judgement.reason
        return reason[:1].upper() + reason[1:]

    @property
    def sentence(self) -> str:
        """The whole verdict in words."""
        if self.has_failed or self.judged is None:
            return self.reason
        note = self.judged.judgement.run_note
        return f"{self.judged.sentence}\n{note}" if note else self.judged.sentence

    @property
    def off_scale(self) -> str:
        """Which estimates are drawn as arrows, because they lie beyond the scale; empty for none."""
        names = [metric_name(one.metric) for one in self.differences if self.axis.side_of(one.points)]
        return tr("Beyond the scale, shown as an arrow: {metrics}", metrics=", ".join(names)) if names else ""


class VerdictCard(QAbstractButton):
    """One verdict; a click selects its variant as the compared one.

    Signals:
        chosen(str), resumeRequested(str), removeRequested(str): of the variant with this key.
        menuRequested(str, object, QPoint): ``variant``, its key, and a point of the screen.
    """

    chosen = Signal(str)
    resumeRequested = Signal(str)
    removeRequested = Signal(str)
    menuRequested = Signal(str, object, object)

    def __init__(self, content: CardContent, theme: Theme) -> None:
        super().__init__()
        self._content, self._theme, self._turn = content, theme, 0
        self.setFixedHeight(CARD_HEIGHT)
        self.setMinimumWidth(CARD_MIN_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._resume, self._remove = QPushButton(tr("Resume run")), QPushButton(tr("Remove"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self._resume, self._remove):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        layout.addStretch(1)
        layout.addLayout(buttons)
        self.clicked.connect(lambda: self.chosen.emit(self.key))
        self._resume.clicked.connect(lambda: self.resumeRequested.emit(self.key))
        self._remove.clicked.connect(lambda: self.removeRequested.emit(self.key))
        self._describe()

    @property
    def key(self) -> str:
        """Key of the variant."""
        return self._content.variant.key

    @property
    def content(self) -> CardContent:
        """What the card shows."""
        return self._content

    def show_content(self, content: CardContent) -> None:
        """Show this; nothing is repainted where it is equal."""
        if not content.same_as(self._content):
            self._content = content
            self._describe()
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.update()

    def turn(self) -> None:
        """Turn the spinner of a stale card by one step."""
        if self._content.is_stale or (self._content.judged is None and not self._content.has_failed):
            self._turn = (self._turn + 1) % 12
            self.update(self._chip_rect().toAlignedRect())

    def _describe(self) -> None:
        content = self._content
        self.setObjectName(f"verdictCard.{content.variant.name}")
        self.setText(content.variant.name)
        word = tr("comparing") if content.outcome is None else outcome_word(content.outcome)
        self.setAccessibleName(tr("{variant}: {outcome}", variant=content.variant.name, outcome=word))
        spoken = "; ".join(spoken_interval(one) for one in content.differences)
        self.setAccessibleDescription(spoken or content.reason)
        self.setToolTip("\n".join(filter(None, (content.sentence, content.off_scale))))
        self._resume.setVisible(content.has_failed and bool(content.variant.path))
        self._remove.setVisible(content.has_failed)

    # Events

    def sizeHint(self) -> QSize:
        return QSize(CARD_MIN_WIDTH, CARD_HEIGHT)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menuRequested.emit("variant", self.key, event.globalPos())

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverEnter, QEvent.Type.HoverLeave):
            self.update()
        return super().event(event)

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_frame(painter)
        if self._content.is_stale:
            painter.setOpacity(_STALE_OPACITY)
        self._paint_head(painter)
        differences = self._content.differences if not self._content.reason else ()
        if differences:
            self._paint_rows(painter, differences)
        else:
            self._paint_reason(painter)

    def _paint_frame(self, painter: QPainter) -> None:
        colours, content = self._theme.colours, self._content
        painter.setBrush(QColor(colours.raised if self.underMouse() else colours.window))
        width, colour = (2.0, colours.accent) if content.is_selected else (1.0, colours.line)
        if self.hasFocus():
            width, colour = 2.0, colours.focus
        painter.setPen(QPen(QColor(colour), width))
        inset = width / 2
        radius = RADIUS["control"] + 1
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)

    def _chip_rect(self) -> QRectF:
        outcome = self._content.outcome
        width = CHIP_ICON + 12 if outcome is None else chip_width(outcome)
        return QRectF(self.width() - SPACE["m"] - width, SPACE["s"], width, 20)

    def _paint_head(self, painter: QPainter) -> None:
        colours, variant = self._theme.colours, self._content.variant
        chip = self._chip_rect()
        left = float(SPACE["m"])
        drawn = panel_colour(variant.colour, colours)
        draw_dash(painter, QPointF(left, chip.center().y()), _DASH, variant.colour, drawn)
        painter.setFont(font("strong"))
        painter.setPen(QColor(colours.text))
        name = QRectF(left + _DASH + 8, chip.top(), chip.left() - left - _DASH - 16, chip.height())
        text = painter.fontMetrics().elidedText(variant.name, Qt.TextElideMode.ElideMiddle, int(name.width()))
        painter.drawText(name, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        self._paint_chip(painter, chip)

    def _paint_chip(self, painter: QPainter, chip: QRectF) -> None:
        colours, outcome = self._theme.colours, self._content.outcome
        if outcome is None or self._content.is_stale:
            ring = QRectF(chip.left() + 6, chip.center().y() - CHIP_ICON / 2, CHIP_ICON, CHIP_ICON)
            painter.setPen(QPen(QColor(colours.text2), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawArc(ring, -self._turn * 30 * 16, 270 * 16)
        if outcome is not None:
            draw_chip(painter, chip, outcome, self._theme, is_stale=self._content.is_stale)

    def _paint_rows(self, painter: QPainter, differences: tuple[Difference, ...]) -> None:
        content, theme = self._content, self._theme
        left, top = float(SPACE["m"]), SPACE["s"] + 26.0
        plot = QRectF(left + _TEXTS, top, self.width() - 2 * left - _TEXTS, _ROW * len(differences))
        draw_ground(painter, plot, content.axis, content.margin, theme)
        centre = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for number, one in enumerate(differences):
            row = QRectF(left, top + number * _ROW, _TEXTS, _ROW)
            colour = outcome_colour(one.outcome, theme)
            painter.setFont(font("body"))
            painter.setPen(QColor(theme.colours.text2))
            painter.drawText(row, centre, metric_name(one.metric))
            painter.setFont(font("strong"))
            painter.setPen(QColor(colour))
            painter.drawText(row.adjusted(26, 0, 0, 0), centre, points_text(one.points))
            if not number:
                painter.setFont(font("caption"))
                painter.setPen(QColor(theme.colours.text3))
                painter.drawText(row.adjusted(62, 0, 0, 0), centre, tr("points"))
            place = QRectF(plot.left(), row.top(), plot.width(), _ROW)
            draw_interval(painter, place, content.axis, one, colour, theme.colours.window)
        painter.setPen(QPen(QColor(theme.colours.line), 1.0))
        painter.drawLine(QLineF(plot.bottomLeft(), plot.bottomRight()))
        painter.setFont(font("caption"))
        ticks = QRectF(plot.left(), plot.bottom() + 2, plot.width(), 14)
        draw_ticks(painter, ticks, content.axis, content.margin, theme)

    def _paint_reason(self, painter: QPainter) -> None:
        painter.setFont(font("caption"))
        painter.setPen(QColor(self._theme.colours.text2))
        bottom = 34 if self._content.has_failed else 6
        place = QRectF(self.rect()).adjusted(SPACE["m"], SPACE["s"] + 24, -SPACE["m"], -bottom)
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, int(flags), self._content.reason)


def failed_run_text(variant: Variant) -> str:
    """The reason of a failed run, and how many frames it finished."""
    frames, reason = int(variant.predictions.covered.sum()), variant.message.rstrip(".")
    if frames and reason:
        return tr_n(
            "The run failed after {count} frame: {reason}",
            "The run failed after {count:,} frames: {reason}",
            frames,
            reason=reason,
        )
    if frames:
        return tr_n("The run failed after {count} frame", "The run failed after {count:,} frames", frames)
    return tr("The run failed: {reason}", reason=reason) if reason else tr("The run failed")
