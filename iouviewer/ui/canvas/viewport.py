"""A graphics view that zooms at the cursor, pans and fits, in units of image pixels."""

from __future__ import annotations

import sys
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QNativeGestureEvent, QPainter, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

_STEP = 1.25
_MAX_ZOOM, _MIN_ZOOM = 64.0, 0.02
_PAN_MARGIN = 0.25
"""Limit of panning beyond the edges of the image, as a share of the view."""


class ZoomView(QGraphicsView):
    """A scene whose units are image pixels; zoom is device pixels per image pixel (1.0 is "100 %").

    Signals:
        zoomChanged(float): the zoom has changed.
        viewMoved(): another part of the image is shown.
    """

    zoomChanged = Signal(float)
    viewMoved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        # Dropped files are the window's; a graphics view would keep and refuse them.
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._image_rect = QRectF()
        self._is_fitted = True
        self._is_following = False
        self._zoom_anchor: tuple[QPointF, QPointF] | None = None

    def set_single_update_region(self, is_single: bool) -> None:
        """Repaint changes as one rectangle, which is faster if they are close together, as during a drag.

        Changes far apart (many boxes, details) are better repainted one by one, which is the default.
        """
        modes = QGraphicsView.ViewportUpdateMode
        mode = modes.BoundingRectViewportUpdate if is_single else modes.MinimalViewportUpdate
        if mode != self.viewportUpdateMode():
            self.setViewportUpdateMode(mode)

    # State

    @property
    def image_rect(self) -> QRectF:
        """The image in scene units; null without one."""
        return QRectF(self._image_rect)

    @property
    def px(self) -> float:
        """Image pixels per logical pixel of the screen."""
        return 1 / self.transform().m11()

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self.transform().m11() * self.devicePixelRatioF()

    @property
    def is_fitted(self) -> bool:
        """Whether the whole image stays visible when the window is resized."""
        return self._is_fitted

    def display_size(self) -> QSize:
        """Device pixels that the whole image takes at this zoom; the decoder may reduce it to this size."""
        return QSize(round(self._image_rect.width() * self.zoom), round(self._image_rect.height() * self.zoom))

    def to_image(self, position: QPointF) -> QPointF:
        """Image coordinates of a point of the viewport, without rounding."""
        inverted, _ = self.viewportTransform().inverted()
        return inverted.map(position)

    def from_image(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the image's point (x, y)."""
        return self.viewportTransform().map(QPointF(x, y)).toPoint()

    def visible_centre(self) -> QPointF:
        """Image coordinates of the middle of the viewport."""
        return self.to_image(QPointF(self.viewport().rect().center()))

    # Zooming and panning

    def set_image_size(self, width: float, height: float) -> None:
        """Set the size of the image in image pixels; if it differs from the previous one, the view is fitted."""
        rect = QRectF(0, 0, width, height)
        if rect == self._image_rect:
            return
        self._image_rect = rect
        margin = 8 * max(width, height)
        self.setSceneRect(rect.adjusted(-margin, -margin, margin, margin))
        self.fit()

    def fit(self) -> None:
        """Show the whole image."""
        self._is_fitted = True
        size = self.viewport().size()
        if self._image_rect.isEmpty() or size.isEmpty():
            return
        self._set_scale(max(self._fit_scale(), 1e-3), self._image_rect.center())

    def actual_size(self) -> None:
        """Zoom to 100 %: one device pixel per image pixel."""
        self._is_fitted = False
        self._set_scale(1 / self.devicePixelRatioF(), self.visible_centre())

    def zoom_in(self) -> None:
        """Zoom in by one step."""
        self.zoom_at(_STEP, QPointF(self.viewport().rect().center()))

    def zoom_out(self) -> None:
        """Zoom out by one step."""
        self.zoom_at(1 / _STEP, QPointF(self.viewport().rect().center()))

    def zoom_to(self, rect: QRectF) -> None:
        """Show this part of the image (image pixels) with space around it."""
        size = self.viewport().size()
        scale = min(size.width() / max(rect.width() * 3, 1), size.height() / max(rect.height() * 3, 1))
        self._is_fitted = False
        self._set_scale(min(max(scale, self._fit_scale()), 8.0), rect.center())

    @property
    def scale_factor(self) -> float:
        """Logical pixels of the screen per image pixel."""
        return self.transform().m11()

    def scale_for(self, rect: QRectF, share: float) -> float:
        """The scale at which this part of the image takes a share of the view's height, and not all of its width."""
        size = self.viewport().size()
        scale = min(share * size.height() / max(rect.height(), 1), 0.8 * size.width() / max(rect.width(), 1))
        return min(max(scale, self._fit_scale()), _MAX_ZOOM / self.devicePixelRatioF())

    def show_part(self, scale: float, centre: QPointF) -> None:
        """Show the image at this scale with this point of it in the middle, as far as its edges allow."""
        self._is_fitted = False
        self._set_scale(scale, centre)

    def _fit_scale(self) -> float:
        size = self.viewport().size()
        if self._image_rect.isEmpty():
            return 1.0
        return min(size.width() / self._image_rect.width(), size.height() / self._image_rect.height())

    def zoom_at(self, factor: float, position: QPointF) -> None:
        """Zoom by a factor; the image point at this position of the viewport stays there."""
        if self._image_rect.isEmpty():
            return
        ratio = self.devicePixelRatioF()
        min_scale = min(_MIN_ZOOM / ratio, self._fit_scale() / 2)
        scale = max(min_scale, min(_MAX_ZOOM / ratio, self.transform().m11() * factor))
        # The anchor is kept for consecutive steps at one position, otherwise the rounding to pixels would add up.
        if self._zoom_anchor is None or self._zoom_anchor[0] != position:
            self._zoom_anchor = (position, self.to_image(position))
        anchor = self._zoom_anchor
        self._is_fitted = False
        changed = self._scale_by(scale)
        self._scroll((position - self.viewportTransform().map(anchor[1])).toPoint())
        self._clamp_scroll(0.0)
        self._zoom_anchor = anchor
        self._emit_moved(changed)

    def _set_scale(self, scale: float, centre: QPointF, margin: float = 0.0) -> None:
        self._zoom_anchor = None
        changed = self._scale_by(scale)
        self.centerOn(centre)
        self._clamp_scroll(margin)
        self._emit_moved(changed)

    def _scale_by(self, scale: float) -> bool:
        changed = scale != self.transform().m11()
        self.setTransform(QTransform.fromScale(scale, scale))
        return changed

    def _emit_moved(self, zoomed: bool) -> None:
        if zoomed:
            self.zoomChanged.emit(self.zoom)
        self.viewMoved.emit()

    def _clamp_scroll(self, margin: float) -> None:
        """Scroll until the image fills the view as far as possible; a smaller image is centred.

        ``margin`` is the allowed deviation, as a share of the view.
        """
        if self._image_rect.isEmpty():
            return
        size = self.viewport().size()
        shown = self.viewportTransform().mapRect(self._image_rect)
        self._scroll(
            QPoint(
                _clamp_offset(shown.left(), shown.width(), size.width(), margin),
                _clamp_offset(shown.top(), shown.height(), size.height(), margin),
            )
        )

    def _scroll(self, by: QPoint) -> None:
        for bar, step in ((self.horizontalScrollBar(), by.x()), (self.verticalScrollBar(), by.y())):
            if step:
                bar.setValue(bar.value() - step)

    def pan(self, by: QPoint) -> None:
        """Move the image by logical pixels, at most a quarter of the view beyond its edge."""
        self._zoom_anchor = None
        self._scroll(by)
        self._clamp_scroll(_PAN_MARGIN)
        if not by.isNull():
            self._is_fitted = False
            self.viewMoved.emit()

    def centre_on(self, point: QPointF) -> None:
        """Move a point of the image to the middle of the view, also near the image's edge; the zoom stays."""
        self._is_fitted = False
        self._set_scale(self.transform().m11(), point, 0.5)

    def ensure_rect_visible(self, rect: QRectF) -> None:
        """Scroll until this part of the image is visible."""
        self.ensureVisible(rect, 40, 40)
        self._clamp_scroll(0.0)
        self.viewMoved.emit()

    def follow(self, *others: ZoomView) -> None:
        """Show the same part of the image as any of these views that is moved. Views may follow each other.

        Of several, each must follow all others: a view that follows passes nothing on.
        """
        for other in others:
            other.viewMoved.connect(partial(self._on_followed_moved, other))
        if others:
            self._on_followed_moved(others[0])

    def _on_followed_moved(self, other: ZoomView) -> None:
        if other._is_following:
            return
        self._is_following = True
        try:
            self._show_same_part(other)
        finally:
            self._is_following = False

    def _show_same_part(self, other: ZoomView) -> None:
        if other.is_fitted:
            if not self._is_fitted:
                self.fit()
            return
        scale, centre = other.transform().m11(), other.visible_centre()
        own_centre = self.visible_centre()
        is_near = abs(own_centre.x() - centre.x()) + abs(own_centre.y() - centre.y()) <= 2 / scale
        if scale == self.transform().m11() and is_near:
            return
        self._is_fitted = False
        self._set_scale(scale, centre, _PAN_MARGIN)

    # Events of Qt

    def event(self, event: QEvent) -> bool:
        try:
            return super().event(event)
        except Exception:  # noqa: BLE001 - see viewportEvent
            sys.excepthook(*sys.exc_info())
            return True

    def viewportEvent(self, event: QEvent) -> bool:
        """Handle events of the viewport; an error in a handler is logged and shown and does not end the process."""
        try:
            if isinstance(event, QNativeGestureEvent):
                return self._on_native_gesture(event)
            return super().viewportEvent(event)
        except Exception:  # noqa: BLE001 - an exception that reached Qt would end the process
            sys.excepthook(*sys.exc_info())
            return True

    def _on_native_gesture(self, event: QNativeGestureEvent) -> bool:
        """Zoom by a pinch on a trackpad; a double tap with two fingers fits the image, or shows its actual size."""
        kind = event.gestureType()
        if kind == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_at(max(0.1, 1 + event.value()), event.position())
        elif kind == Qt.NativeGestureType.SmartZoomNativeGesture:
            if self._is_fitted:
                self.actual_size()
            else:
                self.fit()
        else:
            return False
        event.accept()
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor by a wheel, pan by its horizontal turns and by two fingers on a trackpad; with Ctrl, zoom.

        Only trackpads report both pixels and phases of a scroll.
        """
        turned, pixels = event.angleDelta(), event.pixelDelta()
        is_trackpad = not pixels.isNull() and event.phase() != Qt.ScrollPhase.NoScrollPhase
        if is_trackpad and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.pan(pixels)
        elif turned.y():
            self.zoom_at(_STEP ** (turned.y() / 120), event.position())
        elif turned.x():
            self.pan(QPoint(turned.x() // 2, 0))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()
        else:
            self._clamp_scroll(0.0)
            self.viewMoved.emit()


def _clamp_offset(start: float, length: float, available: int, margin: float) -> int:
    """Pixels to move a range so that it covers 0..``available``, or is centred there if it is shorter."""
    spare = available - length
    low, high = (spare, 0.0) if spare < 0 else (spare / 2, spare / 2)
    low, high = low - margin * available, high + margin * available
    return 0 if low <= start <= high else round(min(max(start, low), high) - start)
