"""The canvas for screen readers: its boxes are children with a name, a state and a place on the screen.

A child stands for a place in the list of drawn boxes, not for one box, so that Qt's references to children stay valid
from frame to frame. Qt asks for interfaces only while a screen reader or a test is at work.
Methods that may return None are typed Any: PySide6 declares them without None.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget

from iouviewer.ui.canvas.explain import accessible_name
from iouviewer.ui.canvas.frame_canvas import FrameCanvas
from iouviewer.ui.canvas.frame_view import CanvasBox

_installed: list[bool] = []
_canvases: dict[int, CanvasInterface] = {}
"""Interfaces by the id of their canvas: Qt does not keep Python objects alive."""


class BoxInterface(QAccessibleInterface):
    """The box at one place of the list of drawn boxes."""

    def __init__(self, canvas: CanvasInterface, place: int) -> None:
        super().__init__()
        self._canvas, self._place = canvas, place

    def _box(self) -> CanvasBox | None:
        boxes = self._canvas.boxes()
        return boxes[self._place] if self._place < len(boxes) else None

    def isValid(self) -> bool:
        return self._box() is not None

    def object(self) -> Any:
        return None

    def window(self) -> Any:
        return self._canvas.window()

    def parent(self) -> QAccessibleInterface:
        return self._canvas

    def childCount(self) -> int:
        return 0

    def child(self, _index: int) -> Any:
        return None

    def childAt(self, _x: int, _y: int) -> Any:
        return None

    def indexOfChild(self, _child: QAccessibleInterface) -> int:
        return -1

    def text(self, kind: QAccessible.Text) -> str:
        box = self._box()
        return self._canvas.name_of(box) if kind == QAccessible.Text.Name and box is not None else ""

    def setText(self, _kind: QAccessible.Text, _text: str) -> None:
        """Names come from the document."""

    def rect(self) -> QRect:
        box = self._box()
        return QRect() if box is None else self._canvas.rect_of(box)

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.Graphic

    def state(self) -> QAccessible.State:
        state, box = QAccessible.State(), self._box()
        state.selectable = state.focusable = box is not None
        state.invalid = box is None
        state.selected = state.focused = box is not None and self._canvas.is_selected(box)
        return state


class CanvasInterface(QAccessibleWidget):
    """A canvas with its boxes as children."""

    def __init__(self, canvas: FrameCanvas) -> None:
        super().__init__(canvas, QAccessible.Role.Canvas, canvas.accessibleName())
        self._view = canvas
        self._children: list[BoxInterface] = []

    def boxes(self) -> tuple[CanvasBox, ...]:
        """The drawn boxes, in drawing order."""
        return self._view.frame_view.boxes

    def name_of(self, box: CanvasBox) -> str:
        """What is read aloud: ``person 17, loose, IoU 0.49, 35 by 88``."""
        return accessible_name(self._view.session, box, self._view.boxes.builder.last_reviews)

    def rect_of(self, box: CanvasBox) -> QRect:
        """Where a box is on the screen."""
        x1, y1, x2, y2 = box.rect
        corners = QRect(self._view.from_image(x1, y1), self._view.from_image(x2, y2))
        return corners.translated(self._view.viewport().mapToGlobal(corners.topLeft()) - corners.topLeft())

    def is_selected(self, box: CanvasBox) -> bool:
        """Whether a box is selected."""
        return box.ref in self._view.selection.refs()

    def childCount(self) -> int:
        return len(self.boxes())

    def child(self, index: int) -> Any:
        if not 0 <= index < self.childCount():
            return None
        while len(self._children) <= index:
            child = BoxInterface(self, len(self._children))
            QAccessible.registerAccessibleInterface(child)
            self._children.append(child)
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return next((place for place, one in enumerate(self._children) if one is child), -1)

    def childAt(self, x: int, y: int) -> Any:
        # Ground truth is drawn last, so it comes first here.
        for place in reversed(range(self.childCount())):
            if self.rect_of(self.boxes()[place]).contains(x, y):
                return self.child(place)
        return None


def _create(_class_name: str, found: QObject | None) -> QAccessibleInterface | None:
    if not isinstance(found, FrameCanvas):
        return None
    key = id(found)
    if key not in _canvases:
        _canvases[key] = CanvasInterface(found)
        found.destroyed.connect(lambda: _canvases.pop(key, None))
    return _canvases[key]


def install() -> None:
    """Let Qt ask for the boxes of canvases; further calls do nothing."""
    if not _installed:
        _installed.append(True)
        QAccessible.installFactory(_create)


def announce_selection(canvas: FrameCanvas) -> None:
    """Tell a screen reader, if there is one, which box has become selected."""
    if not QAccessible.isActive():
        return
    selected = canvas.selection.refs()
    place = next((i for i, box in enumerate(canvas.frame_view.boxes) if box.ref in selected), None)
    if place is not None:
        event = QAccessibleEvent(canvas, QAccessible.Event.Focus)
        event.setChild(place)
        QAccessible.updateAccessibility(event)
