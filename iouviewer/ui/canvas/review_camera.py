"""Zooms to the object of a problem and back to the view before the review."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QVariantAnimation

from iouviewer.ui.canvas.viewport import ZoomView
from iouviewer.ui.theme import duration

OBJECT_SHARE = 0.35
"""Share of the canvas' height that the object of a problem takes."""


class ReviewCamera:
    """Moves the view of a canvas in a short animation, at once with reduced motion."""

    def __init__(self, canvas: ZoomView) -> None:
        self._canvas = canvas
        self._before: tuple[bool, float, QPointF] | None = None
        self._start = self._end = (1.0, QPointF())
        self._fits_at_end = False
        self._animation = QVariantAnimation(canvas)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._on_value_changed)
        self._animation.finished.connect(self._on_finished)

    def look_at(self, rect: QRectF) -> None:
        """Zoom to an object, image pixels; the first call remembers the view for ``restore``."""
        canvas = self._canvas
        if self._before is None:
            self._before = (canvas.is_fitted, canvas.scale_factor, canvas.visible_centre())
        self._fits_at_end = False
        self._go(canvas.scale_for(rect, OBJECT_SHARE), rect.center())

    def restore(self) -> None:
        """Return to the view before the first ``look_at``."""
        before, self._before = self._before, None
        if before is None:
            return
        self._fits_at_end, scale, centre = before
        if self._fits_at_end:
            size, image = self._canvas.viewport().size(), self._canvas.image_rect
            scale = min(size.width() / max(image.width(), 1), size.height() / max(image.height(), 1))
            centre = image.center()
        self._go(scale, centre)

    def forget(self) -> None:
        """Keep the view as it is; the next ``look_at`` remembers it again."""
        self._before = None

    def _go(self, scale: float, centre: QPointF) -> None:
        self._animation.stop()
        self._start = (self._canvas.scale_factor, self._canvas.visible_centre())
        self._end = (scale, centre)
        milliseconds = duration("zoom_to")
        if milliseconds:
            self._animation.setDuration(milliseconds)
            self._animation.start()
        else:
            self._on_value_changed(1.0)
            self._on_finished()

    def _on_value_changed(self, value: object) -> None:
        share = float(value) if isinstance(value, float) else 1.0
        (scale, centre), (end_scale, end_centre) = self._start, self._end
        # Equal steps of the zoom factor look even; the centre follows the scale.
        now = scale * (end_scale / scale) ** share
        self._canvas.show_part(now, centre + (end_centre - centre) * share)

    def _on_finished(self) -> None:
        if self._fits_at_end:
            self._canvas.fit()
