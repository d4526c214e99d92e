"""The item that draws the picture, resampled once per frame and zoom to the pixels of the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

_FORMAT = QImage.Format.Format_RGB32
_WITH_ALPHA = QImage.Format.Format_ARGB32_Premultiplied


class PictureItem(QGraphicsItem):
    """Draws one QImage over the rectangle (0, 0, width, height) of the scene.

    The part on screen is brought to device resolution once and kept, so that repaints of small regions (a box under
    the mouse) copy pixels. Sharp at every device pixel ratio; no pixmap of the logical size stands in between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(0)
        self._image = QImage()
        self._width, self._height = 0.0, 0.0
        self._smooth = True
        self._brightness, self._contrast = 0.0, 1.0
        self._kept = QImage()
        self._kept_key: tuple[Any, ...] = ()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._width, self._height)

    @property
    def image(self) -> QImage:
        return self._image

    def set_image(self, image: QImage, width: float, height: float) -> None:
        """Show ``image`` as a picture of ``width`` x ``height`` picture pixels (it may be a reduced copy)."""
        if (width, height) != (self._width, self._height):
            self.prepareGeometryChange()
            self._width, self._height = width, height
        self._image = image
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Smooth or nearest-neighbour scaling."""
        self._smooth = smooth
        self.update()

    def set_levels(self, brightness: float, contrast: float) -> None:
        """Brightness (-1..1, added) and contrast (0..4, factor around middle grey); 0 and 1 leave the picture."""
        self._brightness, self._contrast = brightness, contrast
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:  # noqa: ARG002
        if self._image.isNull():
            return
        transform = painter.worldTransform()
        ratio = painter.device().devicePixelRatioF()
        whole = transform.mapRect(self.boundingRect())
        shown = whole.toAlignedRect()
        if widget is not None:
            shown &= widget.rect()
        if shown.isEmpty():
            return
        key = (self._image.cacheKey(), transform, shown, ratio, self._smooth, self._brightness, self._contrast)
        if key != self._kept_key:
            self._kept = self._resampled(whole, shown, ratio)
            self._kept_key = key
        painter.setWorldTransform(QTransform())
        painter.drawImage(shown.topLeft(), self._kept)
        painter.setWorldTransform(transform)

    def _resampled(self, whole: QRectF, shown: QRect, ratio: float) -> QImage:
        """The part ``shown`` (logical pixels) of the picture that fills ``whole``, at device resolution."""
        size = shown.size() * ratio
        scale = whole.width() * ratio / self._image.width()
        if self._smooth and 0.999 < scale < 1.001 and shown.contains(whole.toAlignedRect()):
            result = QImage(self._image)
        elif self._smooth and scale < 1 and shown.contains(whole.toAlignedRect()):
            result = _reduced(self._image, max(1, round(whole.width() * ratio)), max(1, round(whole.height() * ratio)))
        else:
            result = QImage(size, _WITH_ALPHA)
            result.fill(Qt.GlobalColor.transparent)
            painter = QPainter(result)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
            painter.scale(ratio, ratio)
            painter.translate(-shown.left(), -shown.top())
            painter.drawImage(whole, self._image)
            painter.end()
        if (self._brightness, self._contrast) != (0.0, 1.0):
            result = _with_levels(result, self._brightness, self._contrast)
        if result.format() not in (_FORMAT, _WITH_ALPHA):
            result = result.convertToFormat(_FORMAT)
        result.setDevicePixelRatio(ratio)
        return result


def pixels(image: QImage) -> NDArray[np.uint8]:
    """The image's own memory as (height, width, channels) uint8; 3 or 4 channels in memory order."""
    channels = image.depth() // 8
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * channels].reshape(image.height(), image.width(), channels)


def _copied(array: NDArray[np.uint8], format: QImage.Format) -> QImage:
    array = np.ascontiguousarray(array)
    height, width, channels = array.shape
    return QImage(array.data, width, height, width * channels, format).copy()


def _whole_bytes(image: QImage) -> QImage:
    if image.depth() in (24, 32) and image.format() != QImage.Format.Format_BGR30:
        return image
    return image.convertToFormat(_FORMAT)


def _reduced(image: QImage, width: int, height: int) -> QImage:
    # OpenCV's resize takes a fraction of the time of Qt's smooth scaling; area averaging below one half avoids moire.
    import cv2

    source = _whole_bytes(image)
    how = cv2.INTER_AREA if width < source.width() / 2 else cv2.INTER_LINEAR
    return _copied(cv2.resize(pixels(source), (width, height), interpolation=how), source.format())


def _with_levels(image: QImage, brightness: float, contrast: float) -> QImage:
    import cv2

    source = _whole_bytes(image)
    values = np.arange(256)
    table = np.clip((values - 127.5) * contrast + 127.5 + 255 * brightness, 0, 255).astype(np.uint8)
    array = pixels(source)
    if array.shape[2] == 4:
        tables = np.stack([table, table, table, values.astype(np.uint8)], axis=-1).reshape(1, 256, 4)
        return _copied(cv2.LUT(array, tables), source.format())
    return _copied(cv2.LUT(array, table), source.format())
