"""A canvas on screen, and mouse and keys in image coordinates."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges, Rect
from iouviewer.document.steps import Step
from iouviewer.ui.canvas.hit import handles
from iouviewer.ui.canvas.view import CanvasView

LEFT = Qt.MouseButton.LeftButton
NO_KEY = Qt.KeyboardModifier.NoModifier

_EDGES = {
    "left": Edges.LEFT,
    "top": Edges.TOP,
    "right": Edges.RIGHT,
    "bottom": Edges.BOTTOM,
    "top left": Edges.TOP | Edges.LEFT,
    "top right": Edges.TOP | Edges.RIGHT,
    "bottom left": Edges.BOTTOM | Edges.LEFT,
    "bottom right": Edges.BOTTOM | Edges.RIGHT,
}


def plain_image(width: int = 640, height: int = 480, colour: str = "#606060") -> QImage:
    """An image of one colour."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


def canvas_for(session: Session, *, size: tuple[int, int] = (640, 480), frame: int = 0) -> CanvasView:
    """A canvas on screen that shows a plain image of the frame, fitted; the caller keeps and closes it."""
    view = CanvasView(session)
    view.resize(*size)
    view.show()
    session.go_to(frame)
    view.show_image(plain_image(session.source.width, session.source.height), frame)
    view.setFocus()
    QApplication.processEvents()
    return view


# Mouse, in image coordinates


def at(view: CanvasView, x: float, y: float) -> QPoint:
    """The pixel of the viewport that shows the image's point (x, y)."""
    return view.from_image(x, y)


def move_to(
    view: CanvasView, x: float, y: float, *, button: Qt.MouseButton | None = None, keys: Qt.KeyboardModifier = NO_KEY
) -> None:
    """Move the mouse to a point of the image, with a button down if one is given."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    point = QPointF(at(view, x, y))
    buttons = button if button is not None else Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, point, view.viewport().mapToGlobal(point), Qt.MouseButton.NoButton, buttons, keys
    )
    QApplication.sendEvent(view.viewport(), event)


def press_at(
    view: CanvasView, x: float, y: float, *, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NO_KEY
) -> None:
    """Press a button at a point of the image."""
    QTest.mousePress(view.viewport(), button, keys, at(view, x, y))


def release_at(
    view: CanvasView, x: float, y: float, *, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NO_KEY
) -> None:
    """Release a button at a point of the image."""
    QTest.mouseRelease(view.viewport(), button, keys, at(view, x, y))


def click_at(view: CanvasView, x: float, y: float, *, keys: Qt.KeyboardModifier = NO_KEY) -> None:
    """Click at a point of the image."""
    press_at(view, x, y, keys=keys)
    release_at(view, x, y, keys=keys)


def double_click_at(view: CanvasView, x: float, y: float) -> None:
    """Double-click at a point of the image."""
    QTest.mouseDClick(view.viewport(), LEFT, NO_KEY, at(view, x, y))


def drag(
    view: CanvasView,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    steps: int = 4,
    keys: Qt.KeyboardModifier = NO_KEY,
    button: Qt.MouseButton = LEFT,
    release: bool = True,
) -> None:
    """Drag from one point of the image to another."""
    press_at(view, *start, button=button, keys=keys)
    for step in range(1, steps + 1):
        share = step / steps
        move_to(
            view,
            start[0] + (end[0] - start[0]) * share,
            start[1] + (end[1] - start[1]) * share,
            button=button,
            keys=keys,
        )
    if release:
        release_at(view, *end, button=button, keys=keys)


def handle_position(view: CanvasView, box_id: int, edge: str) -> tuple[float, float]:
    """Where a press grabs an edge or corner (``left``, ``bottom right``) of a box."""
    box = view.session.ground_truth.find(box_id)
    assert box is not None, f"there is no box {box_id}"
    for edges, x, y in handles(box.rect, view.px):
        if edges == _EDGES[edge]:
            return x, y
    x1, y1, x2, y2 = box.rect
    return {
        "left": (x1, (y1 + y2) / 2),
        "right": (x2, (y1 + y2) / 2),
        "top": ((x1 + x2) / 2, y1),
        "bottom": ((x1 + x2) / 2, y2),
    }[edge]


def drag_box_edge(
    view: CanvasView, box_id: int, edge: str, *, by: float | tuple[float, float], release: bool = True, steps: int = 4
) -> None:
    """Select a box and drag one of its edges or corners by image pixels (right and down are positive)."""
    view.session.select([box_id])
    x, y = handle_position(view, box_id, edge)
    if isinstance(by, tuple):
        dx, dy = by
    else:
        dx, dy = (by, 0.0) if edge in ("left", "right") else (0.0, by)
    drag(view, (x, y), (x + dx, y + dy), release=release, steps=steps)


def press_keys(view: CanvasView, *keys: Qt.Key) -> None:
    """Type keys into the canvas."""
    for key in keys:
        QTest.keyClick(view, key)


def captions_of(view: CanvasView) -> list[str]:
    """The captions of the boxes of the shown frame as text, in drawing order."""
    return [box.caption.text for box in view.frame_view.boxes if box.caption is not None]


def rect_of(view: CanvasView, box_id: int = 1) -> Rect:
    """The rectangle of a ground-truth box."""
    box = view.session.ground_truth.find(box_id)
    assert box is not None, f"there is no box {box_id}"
    return box.rect


def undo_step(view: CanvasView) -> Step | None:
    """The step that undo would revert."""
    return view.session.history.undo_step()
