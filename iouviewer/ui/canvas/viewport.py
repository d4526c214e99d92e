"""A graphics view that zooms at the cursor, pans and fits, in units of picture pixels."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

_STEP = 1.25
_MOST, _LEAST = 64.0, 0.02
_SLACK = 0.25
"""How far panning may leave the picture, as a share of the view."""


class ZoomView(QGraphicsView):
    """A scene whose units are picture pixels; zoom is device pixels a picture pixel (1.0 is "100 %").

    Signals:
        zoomChanged(float): the zoom is another one.
        viewMoved(): another part of the picture is shown.
    """

    zoomChanged = Signal(float)
    viewMoved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._picture = QRectF()
        self._fitted = True
        self._followed: ZoomView | None = None
        self._following = False
        self._zoom_anchor: tuple[QPointF, QPointF] | None = None

    def paint_in_one(self, together: bool) -> None:
        """Paint what changes as one rectangle: quicker for places side by side, as picture parts are copied whole.

        Places far apart (many boxes, details here and there) are better painted one by one, which is how it begins.
        """
        modes = QGraphicsView.ViewportUpdateMode
        mode = modes.BoundingRectViewportUpdate if together else modes.MinimalViewportUpdate
        if mode != self.viewportUpdateMode():
            self.setViewportUpdateMode(mode)

    # Reading

    @property
    def picture_rect(self) -> QRectF:
        """The picture in scene units; null without one."""
        return QRectF(self._picture)

    @property
    def px(self) -> float:
        """Picture pixels a logical pixel of the screen."""
        return 1 / self.transform().m11()

    @property
    def zoom(self) -> float:
        """Device pixels a picture pixel."""
        return self.transform().m11() * self.devicePixelRatioF()

    @property
    def is_fitted(self) -> bool:
        """Whether the whole picture is kept in sight when the window changes."""
        return self._fitted

    def wanted_size(self) -> QSize:
        """Device pixels that the whole picture takes at this zoom: what the decoder may reduce it to."""
        return QSize(round(self._picture.width() * self.zoom), round(self._picture.height() * self.zoom))

    def to_picture(self, position: QPointF) -> QPointF:
        """Picture coordinates of a point of the viewport, without rounding."""
        inverted, _ = self.viewportTransform().inverted()
        return inverted.map(position)

    def from_picture(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the picture's point (x, y)."""
        return self.viewportTransform().map(QPointF(x, y)).toPoint()

    # Moving

    def set_picture_size(self, width: float, height: float) -> None:
        """Size of the picture in picture pixels; another size is fitted anew."""
        picture = QRectF(0, 0, width, height)
        if picture == self._picture:
            return
        self._picture = picture
        room = 8 * max(width, height)
        self.setSceneRect(picture.adjusted(-room, -room, room, room))
        self.fit()

    def fit(self) -> None:
        """Show the whole picture."""
        self._fitted = True
        size = self.viewport().size()
        if self._picture.isEmpty() or size.isEmpty():
            return
        self._set_scale(max(self._fit_scale(), 1e-3), self._picture.center())

    def actual_size(self) -> None:
        """100 %: one picture pixel a device pixel."""
        self._fitted = False
        self._set_scale(1 / self.devicePixelRatioF(), self._centre())

    def zoom_in(self) -> None:
        """One step nearer."""
        self.zoom_at(_STEP, QPointF(self.viewport().rect().center()))

    def zoom_out(self) -> None:
        """One step further."""
        self.zoom_at(1 / _STEP, QPointF(self.viewport().rect().center()))

    def zoom_to(self, rect: QRectF) -> None:
        """Show this part of the picture (picture pixels) with room around it."""
        size = self.viewport().size()
        scale = min(size.width() / max(rect.width() * 3, 1), size.height() / max(rect.height() * 3, 1))
        self._fitted = False
        self._set_scale(min(max(scale, self._fit_scale()), 8.0), rect.center())

    def _fit_scale(self) -> float:
        size = self.viewport().size()
        if self._picture.isEmpty():
            return 1.0
        return min(size.width() / self._picture.width(), size.height() / self._picture.height())

    def zoom_at(self, factor: float, position: QPointF) -> None:
        """Zoom by a factor; the point of the picture at this place of the viewport stays there."""
        if self._picture.isEmpty():
            return
        ratio = self.devicePixelRatioF()
        least = min(_LEAST / ratio, self._fit_scale() / 2)
        scale = max(least, min(_MOST / ratio, self.transform().m11() * factor))
        # The same point is kept through a whole turn of the wheel, or the rounding to pixels would add up.
        if self._zoom_anchor is None or self._zoom_anchor[0] != position:
            self._zoom_anchor = (position, self.to_picture(position))
        anchor = self._zoom_anchor
        self._fitted = False
        changed = self._scale_by(scale)
        self._scroll((position - self.viewportTransform().map(anchor[1])).toPoint())
        self._keep_near(0.0)
        self._zoom_anchor = anchor
        self._tell(changed)

    def _set_scale(self, scale: float, centre: QPointF, slack: float = 0.0) -> None:
        self._zoom_anchor = None
        changed = self._scale_by(scale)
        self.centerOn(centre)
        self._keep_near(slack)
        self._tell(changed)

    def _scale_by(self, scale: float) -> bool:
        changed = scale != self.transform().m11()
        self.setTransform(QTransform.fromScale(scale, scale))
        return changed

    def _tell(self, zoomed: bool) -> None:
        if zoomed:
            self.zoomChanged.emit(self.zoom)
        self.viewMoved.emit()

    def _keep_near(self, slack: float) -> None:
        """Scroll so that the picture fills the view as far as it can.

        A picture that is smaller than the view stands in its middle. ``slack`` is how far it may be off that, as a
        share of the view.
        """
        if self._picture.isEmpty():
            return
        size = self.viewport().size()
        shown = self.viewportTransform().mapRect(self._picture)
        self._scroll(
            QPoint(
                _way_back(shown.left(), shown.width(), size.width(), slack),
                _way_back(shown.top(), shown.height(), size.height(), slack),
            )
        )

    def _scroll(self, by: QPoint) -> None:
        for bar, step in ((self.horizontalScrollBar(), by.x()), (self.verticalScrollBar(), by.y())):
            if step:
                bar.setValue(bar.value() - step)

    def _centre(self) -> QPointF:
        return self.to_picture(QPointF(self.viewport().rect().center()))

    def pan(self, by: QPoint) -> None:
        """Move the picture by logical pixels, a quarter of the view beyond its edge at most."""
        self._zoom_anchor = None
        self._scroll(by)
        self._keep_near(_SLACK)
        if not by.isNull():
            self._fitted = False
            self.viewMoved.emit()

    def show_rect(self, rect: QRectF) -> None:
        """Scroll until this part of the picture is in sight."""
        self.ensureVisible(rect, 40, 40)
        self._keep_near(0.0)
        self.viewMoved.emit()

    def follow(self, other: ZoomView | None) -> None:
        """Show the same part of the picture as another view from now on; None: go alone. Two may follow one another."""
        if self._followed is not None:
            self._followed.viewMoved.disconnect(self._on_followed_moved)
        self._followed = other
        if other is not None:
            other.viewMoved.connect(self._on_followed_moved)
            self._on_followed_moved()

    def _on_followed_moved(self) -> None:
        other = self._followed
        if other is None or other._following:
            return
        self._following = True
        try:
            self._show_like(other)
        finally:
            self._following = False

    def _show_like(self, other: ZoomView) -> None:
        if other.is_fitted:
            if not self._fitted:
                self.fit()
            return
        scale, centre = other.transform().m11(), other._centre()
        mine = self._centre()
        near = abs(mine.x() - centre.x()) + abs(mine.y() - centre.y()) <= 2 / scale
        if scale == self.transform().m11() and near:
            return
        self._fitted = False
        self._set_scale(scale, centre, _SLACK)

    # Qt's events

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; sideways wheels pan."""
        turned = event.angleDelta()
        if turned.y():
            self.zoom_at(_STEP ** (turned.y() / 120), event.position())
        elif turned.x():
            self.pan(QPoint(turned.x() // 2, 0))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
        else:
            self._keep_near(0.0)
            self.viewMoved.emit()


def _way_back(start: float, length: float, room: int, slack: float) -> int:
    """Pixels to move a stretch of this length so that it covers ``room``; in its middle where it is shorter."""
    spare = room - length
    least, most = (spare, 0.0) if spare < 0 else (spare / 2, spare / 2)
    if least - slack * room <= start <= most + slack * room:
        return 0
    wanted = min(max(start, least - slack * room), most + slack * room)
    return round(wanted - start)
