"""The match of the inspected box: variant, IoU and its change in a drag, the IoU family, and why it (mis)matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.overlaps import IouFamilyPair, family_pair, iou_matrix
from iouviewer.ui.canvas.explain import explain_box
from iouviewer.ui.canvas.frame_view_builder import KnownReviews, VariantReview
from iouviewer.ui.canvas.hit import BoxRef
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE, TYPE
from iouviewer.ui.variant_look import dash_icon, panel_colour

_FAMILY = ("IoU", "GIoU", "DIoU", "CIoU")
_EDGES = (tr("left"), tr("top"), tr("right"), tr("bottom"))
_WHY_LINES = 2
_DASH_SIZE = QSize(22, 12)


@dataclass(frozen=True, slots=True)
class Pair:
    """A box against one variant: the rectangles of ground truth and prediction, either may be missing."""

    variant: Variant
    review: VariantReview
    truth: Rect | None
    prediction: Rect | None
    score: float | None

    @property
    def edge_errors(self) -> tuple[float, ...]:
        """Prediction minus ground truth at the left, top, right and bottom edge, pixels; empty without a pair."""
        if self.truth is None or self.prediction is None:
            return ()
        return tuple(p - t for p, t in zip(self.prediction, self.truth, strict=True))


def find_pair(session: Session, ref: BoxRef, review: VariantReview) -> Pair:
    """The box of the current frame and its prediction: its pair, else the one that overlaps it most.

    Args:
        review: the variant's pairs on the current frame.
    """
    frame, variant = session.current_frame, review.variant
    table = variant.predictions.table
    row: int | None
    if ref.is_ground_truth:
        box = session.ground_truth.find(ref.row)
        truth = None if box is None else box.rect
        row = review.partner_of.get(ref.row)
        if row is None and truth is not None:
            row = _best_overlap(variant, truth, frame)
    else:
        row = ref.row
        owner = review.owner_of.get(row)
        box = None if owner is None else session.ground_truth.find(owner)
        truth = None if box is None else box.rect
    if row is None:
        return Pair(variant, review, truth, None, None)
    x1, y1, x2, y2 = table.boxes[:, row].tolist()
    score = float(table.scores[row]) if variant.predictions.has_scores else None
    return Pair(variant, review, truth, (x1, y1, x2, y2), score)


def _best_overlap(variant: Variant, rect: Rect, frame: int) -> int | None:
    rows = variant.predictions.table.rows(frame)
    boxes = variant.predictions.table.boxes[:, rows]
    if not boxes.shape[1]:
        return None
    ious = iou_matrix(np.array([rect]).T, boxes)[0]
    best = int(ious.argmax())
    return rows.start + best if ious[best] > 0 else None


def signed(value: float, decimals: int = 3) -> str:
    """A number with its sign; a minus sign, not a hyphen."""
    return f"{value:+.{decimals}f}".replace("-", "−")


_NARROW, _NARROWEST = 300, 250
"""Logical pixels of width below which the first word of the row is left out, and below which the second one is."""
_ANY_WIDTH = 16_777_215


class MatchSection(QWidget):
    """One row, a sentence below it, and the numbers of all variants on request.

    Signals:
        unfolded(): these numbers are shown and should be scrolled to.
    """

    unfolded = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reviews, self._family_reviews = KnownReviews(session), KnownReviews(session)
        self._ref: BoxRef | None = None
        self._at_drag_start: float | None = None
        self._iou_colour = ""
        self._dash, self._name = QLabel(), QLabel()
        self._dash.setFixedSize(_DASH_SIZE)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # Fixed sizes: these numbers change during a drag, which must not lay out the panel again.
        self._iou = _fixed_label("strong", "0.000", "inspectorIoU", tr("IoU"))
        self._delta = _fixed_label("body", "−0.000", "inspectorDelta", tr("Change of IoU since the press"))
        self._iou_word = QLabel(tr("IoU"))
        self._iou_word.setProperty("role", "muted")
        self.caret = QToolButton()
        self.caret.setObjectName("inspector.family")
        self.caret.setCheckable(True)
        self.caret.setAccessibleName(tr("IoU family and edge errors of all variants"))
        self.caret.setToolTip(self.caret.accessibleName())
        self.caret.setFixedSize(ICON_SIZE + SPACE["xs"], ICON_SIZE + SPACE["xs"])
        self.caret.toggled.connect(self._on_caret_toggled)
        self._head = head = QLabel(tr("Match"))
        head.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE["xs"] + 2)
        row.addWidget(head)
        row.addWidget(self._dash)
        row.addWidget(self._name, 1)
        for widget in (self._iou_word, self._iou, self._delta, self.caret):
            row.addWidget(widget)
        # Without a layout around it: its text changes during a drag.
        self._why = QWidget()
        self._why.setFixedHeight(TYPE["body"].line * _WHY_LINES)
        self.text = QLabel(self._why)
        self.text.setObjectName("inspectorText")
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, SPACE["xs"], 0, 0)
        self._grid.setHorizontalSpacing(SPACE["s"])
        self._grid.setVerticalSpacing(0)
        self._cells: list[list[QLabel]] = []
        self._table.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self._why)
        layout.addWidget(self._table)
        self._show_caret()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # The words give way to the name of the variant.
        for word, least in ((self._head, _NARROW), (self._iou_word, _NARROWEST)):
            word.setMaximumWidth(0 if self.width() < least else _ANY_WIDTH)
        self.text.setGeometry(0, 0, self.width(), self._why.height())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            # Not at once: the palette also reaches widgets that are still built, or are deleted with their window.
            QTimer.singleShot(0, self, self._use_palette)

    def _use_palette(self) -> None:
        self._show_caret()
        self.refresh(live=False)

    def _show_caret(self) -> None:
        name = "chevron" if self.caret.isChecked() else "caret-right"
        self.caret.setIcon(coloured_icon(name, scheme_theme().colours.text2))

    def _on_caret_toggled(self, is_open: bool) -> None:
        self._table.setVisible(is_open)
        self._show_caret()
        self.refresh(live=False)
        if is_open:
            self.unfolded.emit()

    # Content

    def show_box(self, ref: BoxRef | None) -> None:
        """Show the match of a box or prediction of the current frame."""
        self._ref = ref
        self.refresh(live=False)

    def _shown_variant(self) -> Variant | None:
        """The variant of the prediction, else the baseline, if it covers the frame."""
        session, ref = self._session, self._ref
        if ref is None or not session.frame_count or session.view_state.is_blind:
            return None
        variant = session.variants.baseline if ref.is_ground_truth else session.variants.find(ref.variant)
        covers = variant is not None and variant.predictions.covered[session.current_frame]
        return variant if covers else None

    def refresh(self, *, live: bool) -> None:
        """Show the present numbers.

        Args:
            live: during a drag: show the difference from its start as well.
        """
        variant, ref = self._shown_variant(), self._ref
        self.setVisible(variant is not None)
        if variant is None or ref is None:
            self._at_drag_start = None
            return
        (review,) = self._reviews.of((variant,), self._session.current_frame)
        pair = find_pair(self._session, ref, review)
        family = self._family(pair)
        iou = None if family is None else family[0]
        colours = scheme_theme().colours
        if not live:
            self._at_drag_start = iou
            drawn = panel_colour(variant.colour, colours)
            self._dash.setPixmap(dash_icon(variant.colour, drawn, size=_DASH_SIZE).pixmap(_DASH_SIZE))
            score = "" if pair.score is None else f" {pair.score:.2f}"
            self._name.setText(f"{variant.name}{score}")
            self._name.setToolTip(self._name.text())
        # A text that can be selected is a document, which takes four times as long to lay out and to paint.
        can_select = Qt.TextInteractionFlag.NoTextInteraction if live else Qt.TextInteractionFlag.TextSelectableByMouse
        if can_select != self.text.textInteractionFlags():
            self.text.setTextInteractionFlags(can_select)
            self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        threshold = self._session.scores.settings.review.iou
        self._iou.setText(UNDEFINED if iou is None else f"{iou:.3f}")
        self._set_iou_colour(colours.text if iou is None or iou >= threshold else colours.warn)
        started = self._at_drag_start
        self._delta.setText(signed(iou - started) if live and iou is not None and started is not None else "")
        self.text.setText(explain_box(self._session, ref, self._session.current_frame, pair.review))
        if self.caret.isChecked():
            self._show_family(ref)

    def _set_iou_colour(self, colour: str) -> None:
        # A style sheet is parsed again each time, which is too slow for every move of a drag.
        if colour != self._iou_colour:
            self._iou_colour = colour
            self._iou.setStyleSheet(f"color: {colour}")

    def _family(self, pair: Pair) -> IouFamilyPair | None:
        if pair.truth is None or pair.prediction is None:
            return None
        return family_pair(pair.truth, pair.prediction, self._session.scores.settings.review.convention)

    def _show_family(self, ref: BoxRef) -> None:
        """A row per variant that covers the frame: the family, and below it the errors of the edges in pixels."""
        session = self._session
        variants = [v for v in session.variants.visible() if v.predictions.covered[session.current_frame]]
        if not ref.is_ground_truth:
            variants = [v for v in variants if v.key == ref.variant]
        self._make_cells(len(variants))
        reviews = self._family_reviews.of(variants, session.current_frame)
        for place, (variant, review) in enumerate(zip(variants, reviews, strict=True)):
            pair = find_pair(session, ref, review)
            family, errors = self._family(pair), pair.edge_errors
            numbers = [UNDEFINED] * 4 if family is None else [f"{value:.3f}".replace("-", "−") for value in family[:4]]
            edges = [UNDEFINED] * 4 if not errors else [signed(value, 1) for value in errors]
            for line, texts in (
                (2 * place, [variant.name, *numbers]),
                (2 * place + 1, [tr("Edge errors, px"), *edges]),
            ):
                for cell, text in zip(self._cells[line + 1], texts, strict=True):
                    cell.setText(text)
            # The name of a variant may be longer than its column.
            self._cells[2 * place + 1][0].setToolTip(self._cells[2 * place + 1][0].text())

    def _make_cells(self, count: int) -> None:
        lines = 1 + 2 * count
        if len(self._cells) == lines:
            return
        for cell in (cell for row in self._cells for cell in row):
            cell.deleteLater()
        self._cells = []
        for line in range(lines):
            row = []
            for column in range(5):
                cell = QLabel()
                cell.setFont(font("caption"))
                if column:
                    cell.setFixedWidth(text_width("caption", "−00.00") + 2)
                    cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                else:
                    cell.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
                if not line or line % 2 == 0:
                    cell.setProperty("role", "caption")
                cell.setFixedHeight(TYPE["caption"].line)
                self._grid.addWidget(cell, line, column)
                row.append(cell)
            self._cells.append(row)
        self._grid.setColumnStretch(0, 1)
        for cell, text in zip(self._cells[0][1:], _FAMILY, strict=True):
            cell.setText(text)
        for line in range(2, lines, 2):
            for cell, edge in zip(self._cells[line][1:], _EDGES, strict=True):
                cell.setToolTip(edge)


def _fixed_label(role: str, widest: str, name: str, accessible_name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setAccessibleName(accessible_name)
    label.setFont(font(role))
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    label.setFixedSize(text_width(role, widest) + 2, TYPE[role].line)
    return label
