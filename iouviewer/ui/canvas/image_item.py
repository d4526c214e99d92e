"""The item that draws the image, resampled once per frame and zoom to the pixels of the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

_FORMAT = QImage.Format.Format_RGB32
_MIN_SQUARE = 4.0
"""Minimum device pixels per image pixel to show squares; smaller ones would visibly differ in size."""
_ALPHA_FORMAT = QImage.Format.Format_ARGB32_Premultiplied


class ImageItem(QGraphicsItem):
    """Draws one QImage over the rectangle (0, 0, width, height) of the scene.

    The visible part is resampled to device resolution once and cached: repaints of small regions (a box under the
    mouse) only copy pixels. The image is sharp at every device pixel ratio, because no pixmap of the logical size is
    involved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(0)
        self._image = QImage()
        self._width, self._height = 0.0, 0.0
        self._smooth = True
        self._brightness, self._contrast = 0.0, 1.0
        self._cached = QImage()
        self._cache_key: tuple[Any, ...] = ()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._width, self._height)

    @property
    def image(self) -> QImage:
        return self._image

    def set_image(self, image: QImage, width: float, height: float) -> None:
        """Show ``image``, which may be a reduced copy, over ``width`` x ``height`` image pixels."""
        if (width, height) != (self._width, self._height):
            self.prepareGeometryChange()
            self._width, self._height = width, height
        self._image = image
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Scale smoothly, or show image pixels as squares if they are at least ``_MIN_SQUARE`` device pixels."""
        self._smooth = smooth
        self.update()

    def set_levels(self, brightness: float, contrast: float) -> None:
        """Brightness (-1..1, added) and contrast (0..4, factor around middle grey); 0 and 1: unchanged."""
        self._brightness, self._contrast = brightness, contrast
        self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
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
        if key != self._cache_key:
            self._cached = self._resampled(whole, shown, ratio)
            self._cache_key = key
        painter.setWorldTransform(QTransform())
        painter.drawImage(shown.topLeft(), self._cached)
        painter.setWorldTransform(transform)

    def paint_enlarged(self, painter: QPainter, centre: QPointF, target: QRectF, factor: float) -> None:
        """Paint the surroundings of a point of the image (image pixels) into ``target``, each pixel as a square.

        Args:
            factor: logical pixels of the painter per image pixel.
        """
        if self._image.isNull():
            return
        scale = self._image.width() / self._width
        half = QPointF(target.width() / 2 / factor, target.height() / 2 / factor)
        wanted = QRectF(centre - half, centre + half)
        part = QRectF(wanted.topLeft() * scale, wanted.size() * scale).toAlignedRect() & self._image.rect()
        if part.isEmpty():
            return
        pixels_of_part = self._image.copy(part)
        if (self._brightness, self._contrast) != (0.0, 1.0):
            pixels_of_part = _with_levels(pixels_of_part, self._brightness, self._contrast)
        corner = (QPointF(part.topLeft()) / scale - wanted.topLeft()) * factor + target.topLeft()
        size = QSizeF(part.size()) / scale * factor
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(corner, size), pixels_of_part)

    def _resampled(self, whole: QRectF, shown: QRect, ratio: float) -> QImage:
        """The part ``shown`` (logical pixels) of the image, which fills ``whole``, at device resolution."""
        size = shown.size() * ratio
        scale = whole.width() * ratio / self._image.width()
        is_complete = shown.contains(whole.toAlignedRect())
        if is_complete and 0.999 < scale < 1.001:
            result = QImage(self._image)
        elif is_complete and scale < 1:
            result = _reduced(self._image, max(1, round(whole.width() * ratio)), max(1, round(whole.height() * ratio)))
        elif scale > 1.001 and (self._smooth or scale < _MIN_SQUARE):
            result = _enlarged(self._image, whole, shown, ratio, size)
        else:
            result = QImage(size, _ALPHA_FORMAT)
            result.fill(Qt.GlobalColor.transparent)
            painter = QPainter(result)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < _MIN_SQUARE)
            painter.scale(ratio, ratio)
            painter.translate(-shown.left(), -shown.top())
            painter.drawImage(whole, self._image)
            painter.end()
        if (self._brightness, self._contrast) != (0.0, 1.0):
            result = _with_levels(result, self._brightness, self._contrast)
        if result.format() not in (_FORMAT, _ALPHA_FORMAT):
            result = result.convertToFormat(_FORMAT)
        result.setDevicePixelRatio(ratio)
        return result


def pixels(image: QImage) -> NDArray[np.uint8]:
    """The memory of the image as (height, width, channels) uint8; 3 or 4 channels in memory order."""
    channels = image.depth() // 8
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * channels].reshape(image.height(), image.width(), channels)


def _as_image(array: NDArray[np.uint8], format: QImage.Format) -> QImage:
    array = np.ascontiguousarray(array)
    height, width, channels = array.shape
    return QImage(array.data, width, height, width * channels, format).copy()


def _with_byte_channels(image: QImage) -> QImage:
    if image.depth() in (24, 32) and image.format() != QImage.Format.Format_BGR30:
        return image
    return image.convertToFormat(_FORMAT)


def _reduced(image: QImage, width: int, height: int) -> QImage:
    # OpenCV is several times faster than Qt's smooth scaling; area averaging below one half avoids moiré patterns.
    import cv2

    source = _with_byte_channels(image)
    interpolation = cv2.INTER_AREA if width < source.width() / 2 else cv2.INTER_LINEAR
    return _as_image(cv2.resize(pixels(source), (width, height), interpolation=interpolation), source.format())


def _enlarged(image: QImage, whole: QRectF, shown: QRect, ratio: float, size: QSize) -> QImage:
    """The part ``shown`` of the image, which fills ``whole`` (logical pixels), bicubic, in ``size`` device pixels."""
    import cv2

    source = _with_byte_channels(image)
    scale_x, scale_y = whole.width() * ratio / source.width(), whole.height() * ratio / source.height()
    columns, left = _source_range((shown.left() - whole.left()) * ratio, size.width(), scale_x, source.width())
    rows, top = _source_range((shown.top() - whole.top()) * ratio, size.height(), scale_y, source.height())
    # Resize is an order of magnitude faster than warpAffine, which accepts any offset.
    part = cv2.resize(pixels(source)[rows, columns], None, fx=scale_x, fy=scale_y, interpolation=cv2.INTER_CUBIC)
    part = part[max(top, 0) : top + size.height(), max(left, 0) : left + size.width()]
    above, before = max(-top, 0), max(-left, 0)
    below, after = size.height() - above - part.shape[0], size.width() - before - part.shape[1]
    if any((above, below, before, after)):
        part = cv2.copyMakeBorder(part, above, below, before, after, cv2.BORDER_REPLICATE)
    return _as_image(part, source.format())


def _source_range(start: float, length: int, scale: float, available: int) -> tuple[slice, int]:
    """The source pixels to enlarge, and the rounded position of ``start`` (device pixels) in the result.

    Of the possible first pixels it takes the one with the smallest rounding error. Otherwise the image would jitter by
    half a pixel against its boxes while it is panned.
    """
    needed = min(max(int(start / scale) - 3, 0), available - 1)
    first = min(range(max(needed - 32, 0), needed + 1), key=lambda i: abs((start - i * scale + 0.5) % 1 - 0.5))
    last = min(available, int((start + length) / scale) + 4)
    return slice(first, max(last, first + 1)), round(start - first * scale)


def _with_levels(image: QImage, brightness: float, contrast: float) -> QImage:
    import cv2

    source = _with_byte_channels(image)
    values = np.arange(256)
    table = np.clip((values - 127.5) * contrast + 127.5 + 255 * brightness, 0, 255).astype(np.uint8)
    array = pixels(source)
    if array.shape[2] == 4:
        tables = np.stack([table, table, table, values.astype(np.uint8)], axis=-1).reshape(1, 256, 4)
        return _as_image(cv2.LUT(array, tables), source.format())
    return _as_image(cv2.LUT(array, table), source.format())
