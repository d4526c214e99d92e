"""The canvases of Compare: two side by side, two split by a divider, or one with both variants overlaid."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import CAPTION_MUTED, scheme_theme
from iouviewer.ui.theme import colour
from iouviewer.ui.tokens import CANVAS, RADIUS, SIZE, SPACE
from iouviewer.ui.variant_look import draw_dash, image_colour

_GRIP_WIDTH = 11
"""Width of the area where the mouse grabs the divider, logical pixels; its line is 2 wide."""
_MIN_SHARE = 0.02
"""Minimum distance of the divider from the edge, as a share of the width."""
_STEP, _LONG_STEP = 0.01, 0.1
_INSET = 10
_BADGE_DASH = 22
_HIDDEN = "  " + tr("hidden")


class CompareMode(StrEnum):
    """How baseline and variant are shown. The values are stored in the settings."""

    SIDE_BY_SIDE = "sideBySide"
    SPLIT = "split"
    OVERLAY = "overlay"


class Divider(QWidget):
    """The line between the two halves of the split view; moved by the mouse or the arrow keys.

    Signals:
        dragged(int): the mouse moved it to this x of the parent.
        stepped(float): a key moved it by this share of the width.
    """

    dragged = Signal(int)
    stepped = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("compareDivider")
        self.setAccessibleName(tr("Divider between baseline and variant; Left and Right move it"))
        self.setToolTip(tr("Drag, or focus (F6) and press Left or Right"))
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._grip_offset = 0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grip_offset = round(event.position().x()) - self.width() // 2

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapToParent(event.position().toPoint()).x() - self._grip_offset)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if direction is None:
            event.ignore()
            return
        is_long = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.stepped.emit(direction * (_LONG_STEP if is_long else _STEP))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle, height = self.width() // 2, self.height()
        line = QColor(scheme_theme().colours.accent) if self.hasFocus() else QColor("#ffffff")
        painter.fillRect(middle - 2, 0, 4, height, QColor(0, 0, 0, 120))
        painter.fillRect(middle - 1, 0, 2, height, line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 160))
        painter.setBrush(line)
        painter.drawRoundedRect(QRect(middle - 4, height // 2 - 16, 8, 32), 4, 4)


class VariantBadge(QWidget):
    """Name and dash of a variant on the image; it takes no mouse events."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._variant: Variant | None = None
        self.hide()

    @property
    def text(self) -> str:
        """The text; empty while hidden."""
        if self._variant is None:
            return ""
        return self._variant.name if self._variant.visible else self._variant.name + _HIDDEN

    def show_variant(self, variant: Variant | None) -> None:
        """Show this variant; None hides the badge."""
        self._variant = variant
        if variant is not None:
            width = QFontMetrics(font("canvas_label")).horizontalAdvance(self.text)
            self.resize(width + _BADGE_DASH + 3 * SPACE["s"], SIZE["row_dense"])
            self.setAccessibleName(self.text)
            self.update()
        self.setVisible(variant is not None)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._variant is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(CANVAS.label_bg))
        painter.drawRoundedRect(self.rect(), RADIUS["canvas_label"], RADIUS["canvas_label"])
        middle = QPointF(SPACE["s"], self.height() / 2)
        draw_dash(painter, middle, _BADGE_DASH, self._variant.colour, image_colour(self._variant.colour))
        painter.setFont(font("canvas_label"))
        painter.setPen(QColor(CANVAS.label_text if self._variant.visible else CAPTION_MUTED))
        place = self.rect().adjusted(2 * SPACE["s"] + _BADGE_DASH, 0, 0, 0)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text)


class CompareView(QWidget):
    """Arranges the first canvas (while Compare is shown) and the second one.

    In the split view the second canvas lies exactly over the first and is clipped at the divider: both remain complete
    canvases, so boxes can be hovered, selected and edited on each side.

    Signals:
        modeChanged(str): the new CompareMode.
    """

    modeChanged = Signal(str)

    def __init__(self, canvas: CanvasView, other: CanvasView) -> None:
        super().__init__()
        self.setObjectName("compareStage")
        self._canvas, self._other_canvas = canvas, other
        self._mode, self._share = CompareMode.SIDE_BY_SIDE, 0.5
        self._pair: tuple[Variant | None, Variant | None] = (None, None)
        self.slot = QWidget(self)
        layout = QVBoxLayout(self.slot)
        layout.setContentsMargins(0, 0, 0, 0)
        self._clip = QWidget(self)
        other.setParent(self._clip)
        self.divider = Divider(self)
        self._line = QWidget(self)
        self._line.setObjectName("compareLine")
        self._captions = (VariantBadge(self, "compareCaption"), VariantBadge(self, "compareOtherCaption"))
        self.divider.dragged.connect(self._on_divider_dragged)
        self.divider.stepped.connect(self._on_divider_stepped)
        self.setMinimumSize(240, 120)

    @property
    def mode(self) -> CompareMode:
        """How the two variants are shown."""
        return self._mode

    @property
    def canvases(self) -> tuple[CanvasView, CanvasView]:
        """The first and the second canvas."""
        return self._canvas, self._other_canvas

    @property
    def caption_texts(self) -> tuple[str, str]:
        """Captions of the first and the second variant; empty where hidden."""
        left, right = self._captions
        return left.text, right.text

    @property
    def share(self) -> float:
        """Position of the divider of the split view, 0..1 of the width."""
        return self._share

    @property
    def pair(self) -> tuple[Variant | None, Variant | None]:
        """Baseline and compared variant; None for a missing one."""
        return self._pair

    def set_mode(self, mode: CompareMode) -> None:
        """Change how the variants are shown."""
        if mode is not self._mode:
            self._mode = mode
            self._show_variants()
            self._lay_out()
            self.modeChanged.emit(str(mode))

    def next_mode(self) -> None:
        """Switch to the next of the three modes."""
        modes = list(CompareMode)
        self.set_mode(modes[(modes.index(self._mode) + 1) % len(modes)])

    def set_share(self, share: float) -> None:
        """Move the divider of the split view, 0..1 of the width."""
        self._share = min(max(share, _MIN_SHARE), 1 - _MIN_SHARE)
        self._lay_out()

    def show_pair(self, baseline: Variant | None, compared: Variant | None) -> None:
        """Show these two variants; without a second one, show a single canvas with all variants."""
        was_single = self._is_single
        self._pair = (baseline, compared)
        self._show_variants()
        if was_single is not self._is_single:
            self._lay_out()
        self._place_captions()

    @property
    def _is_single(self) -> bool:
        return None in self._pair

    @property
    def panels(self) -> list[QWidget]:
        """The widgets that F6 cycles through here, after the first canvas."""
        if self._is_single or self._mode is CompareMode.OVERLAY:
            return []
        return [self.divider] if self._mode is CompareMode.SPLIT else [self._other_canvas]

    def _show_variants(self) -> None:
        baseline, compared = self._pair
        if baseline is None or compared is None:
            self._canvas.set_shown_variants(None)
            self._other_canvas.set_shown_variants(None)
            return
        both = self._mode is CompareMode.OVERLAY
        self._canvas.set_shown_variants([baseline.key, compared.key] if both else [baseline.key])
        self._other_canvas.set_shown_variants([compared.key])

    # Layout

    def _on_divider_dragged(self, x: int) -> None:
        self.set_share(x / max(1, self.width()))

    def _on_divider_stepped(self, by: float) -> None:
        self.set_share(self._share + by)

    def _lay_out(self) -> None:
        width, height = self.width(), self.height()
        single = self._is_single or self._mode is CompareMode.OVERLAY
        split = self._mode is CompareMode.SPLIT and not single
        side_by_side = not single and not split
        half = (width - 1) // 2
        self.slot.setGeometry(0, 0, half if side_by_side else width, height)
        x = round(width * self._share) if split else half + 1
        self._clip.setVisible(not single)
        self._clip.setGeometry(x, 0, width - x, height)
        self._other_canvas.setGeometry(-x if split else 0, 0, width if split else width - x, height)
        self._line.setVisible(side_by_side)
        self._line.setGeometry(half, 0, 1, height)
        self._line.setStyleSheet(f"background: {scheme_theme().colours.line};")
        self.divider.setVisible(split)
        self.divider.setGeometry(x - _GRIP_WIDTH // 2, 0, _GRIP_WIDTH, height)
        self._place_captions()
        for widget in (self._clip, self._line, self.divider, *self._captions):
            widget.raise_()

    def _place_captions(self) -> None:
        """Put the name of each variant at the lower left of its canvas; of an overlay, both side by side."""
        for caption, variant in zip(self._captions, self._pair, strict=True):
            caption.show_variant(variant if not self._is_single else None)
        left, right = self._captions
        bottom = self.height() - left.height() - _INSET
        left.move(_INSET, bottom)
        start = left.width() + _INSET if self._mode is CompareMode.OVERLAY else self._clip.x()
        right.move(start + _INSET, bottom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()
