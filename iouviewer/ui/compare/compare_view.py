"""The pictures of Compare: two canvases side by side, one over the other with a divider, or one with both variants."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from iouviewer.document.variants import Variant
from iouviewer.ui.canvas.labels import Label, LabelCache, Segment
from iouviewer.ui.canvas.overlays import Plate
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.palette import PLATE_MUTED, on_picture, scheme_theme

_GRIP = 11
"""Width of the divider that the mouse can take, logical pixels; its line is 2 wide."""
_LEAST = 0.02
"""How near to the edge the divider may come, as a share of the width."""
_STEP, _LONG_STEP = 0.01, 0.1
_INSET = 10


class CompareMode(StrEnum):
    """How baseline and variant are shown."""

    SIDE_BY_SIDE = "sideBySide"
    SPLIT = "split"
    OVERLAY = "overlay"


class Divider(QWidget):
    """The line between the two halves of the split view: dragged, or moved with the arrow keys.

    Signals:
        dragged(int): the mouse wants it at this x of the parent.
        stepped(float): a key wants it further by this share of the width.
    """

    dragged = Signal(int)
    stepped = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("compareDivider")
        self.setAccessibleName("Divider between baseline and variant; Left and Right move it")
        self.setToolTip("Drag, or focus (F6) and press Left or Right")
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._grip = 0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grip = round(event.position().x()) - self.width() // 2

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapToParent(event.position().toPoint()).x() - self._grip)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if way is None:
            event.ignore()
            return
        long = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.stepped.emit(way * (_LONG_STEP if long else _STEP))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        middle, height = self.width() // 2, self.height()
        line = QColor(scheme_theme().accent) if self.hasFocus() else QColor("#ffffff")
        painter.fillRect(middle - 2, 0, 4, height, QColor(0, 0, 0, 120))
        painter.fillRect(middle - 1, 0, 2, height, line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 160))
        painter.setBrush(line)
        painter.drawRoundedRect(QRect(middle - 4, height // 2 - 16, 8, 32), 4, 4)


class CompareStage(QWidget):
    """Places the first canvas (while it is lent to Compare) and the second one.

    In the split view the second canvas lies exactly over the first, and a clip shows what is right of the divider:
    both stay whole canvases, so each side is hovered, selected and edited like any other.

    Signals:
        modeChanged(str): another CompareMode.
    """

    modeChanged = Signal(str)

    def __init__(self, canvas: CanvasView, other: CanvasView) -> None:
        super().__init__()
        self.setObjectName("compareStage")
        self._canvas, self._other = canvas, other
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
        cache = LabelCache(self.font())
        self._captions = (Plate(self, cache, "compareCaption"), Plate(self, cache, "compareOtherCaption"))
        self.divider.dragged.connect(self._on_divider_dragged)
        self.divider.stepped.connect(self._on_divider_stepped)
        self.setMinimumSize(240, 120)

    @property
    def mode(self) -> CompareMode:
        """How the two variants are shown."""
        return self._mode

    @property
    def share(self) -> float:
        """Where the divider of the split view stands, 0..1 of the width."""
        return self._share

    @property
    def pair(self) -> tuple[Variant | None, Variant | None]:
        """Baseline and compared variant; None where there is none."""
        return self._pair

    def set_mode(self, mode: CompareMode) -> None:
        """Show the variants in another way."""
        if mode is not self._mode:
            self._mode = mode
            self._show_variants()
            self._lay_out()
            self.modeChanged.emit(str(mode))

    def next_mode(self) -> None:
        """The next of the three ways."""
        modes = list(CompareMode)
        self.set_mode(modes[(modes.index(self._mode) + 1) % len(modes)])

    def set_share(self, share: float) -> None:
        """Put the divider of the split view there, 0..1 of the width."""
        self._share = min(max(share, _LEAST), 1 - _LEAST)
        self._lay_out()

    def show_pair(self, baseline: Variant | None, compared: Variant | None) -> None:
        """Show these two; without a second one there is a single canvas with all variants."""
        alone = self._is_alone
        self._pair = (baseline, compared)
        self._show_variants()
        if alone is not self._is_alone:
            self._lay_out()
        self._place_captions()

    @property
    def _is_alone(self) -> bool:
        return None in self._pair

    @property
    def panels(self) -> list[QWidget]:
        """What the key for the next panel goes through here, after the first canvas."""
        if self._is_alone or self._mode is CompareMode.OVERLAY:
            return []
        return [self.divider] if self._mode is CompareMode.SPLIT else [self._other]

    def _show_variants(self) -> None:
        baseline, compared = self._pair
        if baseline is None or compared is None:
            self._canvas.set_shown_variants(None)
            self._other.set_shown_variants(None)
            return
        both = self._mode is CompareMode.OVERLAY
        self._canvas.set_shown_variants([baseline.key, compared.key] if both else [baseline.key])
        self._other.set_shown_variants([compared.key])

    # Places

    def _on_divider_dragged(self, x: int) -> None:
        self.set_share(x / max(1, self.width()))

    def _on_divider_stepped(self, by: float) -> None:
        self.set_share(self._share + by)

    def _lay_out(self) -> None:
        width, height = self.width(), self.height()
        single = self._is_alone or self._mode is CompareMode.OVERLAY
        split = self._mode is CompareMode.SPLIT and not single
        beside = not single and not split
        half = (width - 1) // 2
        self.slot.setGeometry(0, 0, half if beside else width, height)
        x = round(width * self._share) if split else half + 1
        self._clip.setVisible(not single)
        self._clip.setGeometry(x, 0, width - x, height)
        self._other.setGeometry(-x if split else 0, 0, width if split else width - x, height)
        self._line.setVisible(beside)
        self._line.setGeometry(half, 0, 1, height)
        self._line.setStyleSheet(f"background: {scheme_theme().line};")
        self.divider.setVisible(split)
        self.divider.setGeometry(x - _GRIP // 2, 0, _GRIP, height)
        self._place_captions()
        for widget in (self._clip, self._line, self.divider, *self._captions):
            widget.raise_()

    def _place_captions(self) -> None:
        for plate, variant in zip(self._captions, self._pair, strict=True):
            shown = variant if not self._is_alone else None
            plate.show_label(_caption(shown) if shown is not None else None)
        left, right = self._captions
        bottom = self.height() - left.height() - _INSET
        left.move(_INSET, bottom)
        right.move(self.width() - right.width() - _INSET, bottom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()


def _caption(variant: Variant) -> Label:
    colour = on_picture(variant.colour)
    hidden = () if variant.visible else (Segment("  hidden", PLATE_MUTED),)
    return Label(((Segment(variant.name, colour), *hidden),), colour)
