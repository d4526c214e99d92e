"""The canvases of Compare: side by side, four in step, split by a divider, overlaid, or swapped in place."""

from __future__ import annotations

from collections.abc import Sequence
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
    FOUR = "four"
    BLINK = "blink"


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
    """Names and dashes of the variants of a canvas, on the image; it takes no mouse events."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._variants: tuple[Variant, ...] | None = None
        self.hide()

    @property
    def text(self) -> str:
        """The text; empty while hidden."""
        if self._variants is None:
            return ""
        return "   ".join(map(_name_of, self._variants)) or tr("Ground truth")

    def show_variants(self, variants: tuple[Variant, ...] | None) -> None:
        """Show these variants, none for the ground truth alone; None hides the badge."""
        self._variants = variants
        if variants is not None:
            widths = [self._width_of(one) for one in variants] or [self._width_of(None)]
            self.resize(sum(widths) + SPACE["s"], SIZE["row_dense"])
            self.setAccessibleName(self.text)
            self.update()
        self.setVisible(variants is not None)

    def _width_of(self, variant: Variant | None) -> int:
        text = self.text if variant is None else _name_of(variant)
        width = QFontMetrics(font("canvas_label")).horizontalAdvance(text)
        return width + 2 * SPACE["s"] + (0 if variant is None else _BADGE_DASH)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._variants is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(CANVAS.label_bg))
        painter.drawRoundedRect(self.rect(), RADIUS["canvas_label"], RADIUS["canvas_label"])
        painter.setFont(font("canvas_label"))
        left, align = SPACE["s"], int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for variant in self._variants:
            stored = variant.colour
            draw_dash(painter, QPointF(left, self.height() / 2), _BADGE_DASH, stored, image_colour(stored))
            painter.setPen(QColor(CANVAS.label_text if variant.visible else CAPTION_MUTED))
            painter.drawText(self.rect().adjusted(left + _BADGE_DASH + SPACE["s"], 0, 0, 0), align, _name_of(variant))
            left += self._width_of(variant)
        if not self._variants:
            painter.setPen(QColor(CANVAS.label_text))
            painter.drawText(self.rect().adjusted(left, 0, 0, 0), align, self.text)


def _name_of(variant: Variant) -> str:
    return variant.name if variant.visible else variant.name + _HIDDEN


class CompareView(QWidget):
    """Arranges the first canvas (while Compare is shown) and the others.

    In the split view the second canvas lies exactly over the first and is clipped at the divider: both remain complete
    canvases, so boxes can be hovered, selected and edited on each side. The canvases show the same part of the same
    frame and the same selection.

    Signals:
        modeChanged(str): the new CompareMode.
    """

    modeChanged = Signal(str)

    def __init__(self, canvas: CanvasView, other: CanvasView, lower: Sequence[CanvasView] = ()) -> None:
        """``lower``: the third and the fourth canvas, of ``CompareMode.FOUR``."""
        super().__init__()
        self.setObjectName("compareStage")
        self._canvas, self._other_canvas, self._lower = canvas, other, tuple(lower)
        self._mode, self._share = CompareMode.SIDE_BY_SIDE, 0.5
        self._pair: tuple[Variant | None, Variant | None] = (None, None)
        self._others: tuple[Variant, ...] = ()
        self._is_swapped = False
        self.slot = QWidget(self)
        layout = QVBoxLayout(self.slot)
        layout.setContentsMargins(0, 0, 0, 0)
        self._clip = QWidget(self)
        other.setParent(self._clip)
        for each in self._lower:
            each.setParent(self)
            each.hide()
        self.divider = Divider(self)
        self._line, self._row_line = QWidget(self), QWidget(self)
        self._line.setObjectName("compareLine")
        names = ("compareCaption", "compareOtherCaption", "compareCaption3", "compareCaption4")
        self._captions = tuple(VariantBadge(self, name) for name in names[: 2 + len(self._lower)])
        self.divider.dragged.connect(self._on_divider_dragged)
        self.divider.stepped.connect(self._on_divider_stepped)
        self.setMinimumSize(240, 120)

    @property
    def mode(self) -> CompareMode:
        """How the variants are shown."""
        return self._mode

    @property
    def canvases(self) -> tuple[CanvasView, ...]:
        """All canvases, the first and the second one first."""
        return self._canvas, self._other_canvas, *self._lower

    @property
    def caption_texts(self) -> tuple[str, ...]:
        """Captions of the canvases; empty where hidden."""
        return tuple(caption.text for caption in self._captions)

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
        """Switch to the next mode."""
        modes = list(CompareMode)
        self.set_mode(modes[(modes.index(self._mode) + 1) % len(modes)])

    def set_swapped(self, is_swapped: bool) -> None:
        """Show the variant in the place of the baseline, and the other way round."""
        if is_swapped != self._is_swapped:
            self._is_swapped = is_swapped
            self._show_variants()
            self._place_captions()

    def set_share(self, share: float) -> None:
        """Move the divider of the split view, 0..1 of the width."""
        self._share = min(max(share, _MIN_SHARE), 1 - _MIN_SHARE)
        self._lay_out()

    def show_pair(self, baseline: Variant | None, compared: Variant | None, others: Sequence[Variant] = ()) -> None:
        """Show these two variants; without a second one, show a single canvas with all variants.

        Args:
            others: for the third and the fourth canvas.
        """
        was_single = self._is_single
        self._pair, self._others = (baseline, compared), tuple(others)
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
        if self._is_single or self._mode in _ONE_CANVAS:
            return []
        if self._mode is CompareMode.FOUR:
            return [self._other_canvas, *self._lower]
        return [self.divider] if self._mode is CompareMode.SPLIT else [self._other_canvas]

    def _panes(self) -> list[tuple[Variant, ...]]:
        """The variants of each canvas, of those that this mode shows."""
        baseline, compared = self._pair
        if baseline is None or compared is None:
            return []
        pair = (compared, baseline) if self._is_swapped else (baseline, compared)
        if self._mode is CompareMode.OVERLAY:
            return [pair]
        if self._mode is CompareMode.BLINK:
            return [pair[:1]]
        panes: list[tuple[Variant, ...]] = [(one,) for one in pair]
        if self._mode is CompareMode.FOUR:
            # What is left shows all of them together, and the ground truth alone.
            rest: list[tuple[Variant, ...]] = [(*pair, *self._others[:1]), ()]
            panes = [*panes, *((one,) for one in self._others), *rest][: len(self.canvases)]
        return panes

    def _show_variants(self) -> None:
        panes = self._panes()
        if not panes:
            for canvas in self.canvases:
                canvas.set_shown_variants(None)
            return
        for canvas, variants in zip(self.canvases, panes, strict=False):
            canvas.set_shown_variants([one.key for one in variants], full_lines=len(variants) > 1)

    # Layout

    def _on_divider_dragged(self, x: int) -> None:
        self.set_share(x / max(1, self.width()))

    def _on_divider_stepped(self, by: float) -> None:
        self.set_share(self._share + by)

    def _lay_out(self) -> None:
        width, height = self.width(), self.height()
        single = self._is_single or self._mode in _ONE_CANVAS
        split = self._mode is CompareMode.SPLIT and not single
        four = self._mode is CompareMode.FOUR and not single
        halved = not single and not split
        half, top = (width - 1) // 2, (height - 1) // 2 if four else height
        self.slot.setGeometry(0, 0, half if halved else width, top)
        x = round(width * self._share) if split else half + 1
        self._clip.setVisible(not single)
        self._clip.setGeometry(x, 0, width - x, top)
        self._other_canvas.setGeometry(-x if split else 0, 0, width if split else width - x, top)
        for number, canvas in enumerate(self._lower):
            canvas.setGeometry(
                number * (half + 1), top + 1, half if number == 0 else width - half - 1, height - top - 1
            )
            canvas.setVisible(four)
        for line, is_shown in ((self._line, halved), (self._row_line, four)):
            line.setVisible(is_shown)
            line.setStyleSheet(f"background: {scheme_theme().colours.line};")
        self._line.setGeometry(half, 0, 1, height)
        self._row_line.setGeometry(0, top, width, 1)
        self.divider.setVisible(split)
        self.divider.setGeometry(x - _GRIP_WIDTH // 2, 0, _GRIP_WIDTH, height)
        self._place_captions()
        for widget in (self._clip, *self._lower, self._line, self._row_line, self.divider, *self._captions):
            widget.raise_()

    def _place_captions(self) -> None:
        """Put the names of the variants at the lower left of their canvas."""
        panes: list[tuple[Variant, ...] | None] = [*self._panes()]
        panes += [None] * (len(self._captions) - len(panes))
        is_four = self._mode is CompareMode.FOUR
        half, top = (self.width() - 1) // 2 + 1, (self.height() - 1) // 2 if is_four else self.height()
        for number, (caption, variants) in enumerate(zip(self._captions, panes, strict=False)):
            caption.show_variants(variants)
            left = 0 if number % 2 == 0 else half if is_four else self._clip.x()
            caption.move(left + _INSET, (top if number < 2 else self.height()) - caption.height() - _INSET)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()


_ONE_CANVAS = (CompareMode.OVERLAY, CompareMode.BLINK)
