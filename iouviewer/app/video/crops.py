"""Small parts of frames for lists: the decode thread cuts them while nobody waits for a frame."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from iouviewer.app.video.frame_messages import CropRequest, Mailbox
from iouviewer.video.conversion import DisplayFrame

CROP_MEMORY = 64 << 20
"""Bytes that finished crops may take."""


def cut(shown: DisplayFrame, crop: CropRequest) -> QImage:
    """The part of a frame, scaled; pixels outside the frame are black."""
    import cv2

    x, y, width, height = (round(value * shown.scale) for value in crop.area)
    frame_height, frame_width = shown.pixels.shape[:2]
    part = np.zeros((max(height, 1), max(width, 1), 4), np.uint8)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, frame_width), min(y + height, frame_height)
    if left < right and top < bottom:
        part[top - y : bottom - y, left - x : right - x] = shown.pixels[top:bottom, left:right]
    shrinks = part.shape[1] > crop.size[0]
    scaled = cv2.resize(part, crop.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    image = QImage(crop.size[0], crop.size[1], QImage.Format.Format_RGB32)
    lines = np.frombuffer(image.bits(), np.uint8).reshape(crop.size[1], image.bytesPerLine())
    lines[:, : crop.size[0] * 4] = scaled.reshape(crop.size[1], crop.size[0] * 4)
    return image


def next_frame(crops: Sequence[CropRequest], position: int) -> int:
    """The frame to cut next: of the most urgent crops the first after ``position``, so that decoding goes forwards."""
    urgency = min(crop.urgency for crop in crops)
    frames = [crop.frame for crop in crops if crop.urgency == urgency]
    return min(frames, key=lambda frame: (frame < position, frame))


class CropLoader(QObject):
    """Lives in the UI thread: asks the decode thread for crops and keeps those that came.

    Signals:
        cropsReady(): more crops are there.
    """

    cropsReady = Signal()

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = mailbox
        self._wanted: dict[str, tuple[CropRequest, ...]] = {}
        self._images: OrderedDict[CropRequest, QImage] = OrderedDict()
        self._bytes = 0

    def request(self, owner: str, crops: Iterable[CropRequest]) -> None:
        """Replace what a view wants; ``cropsReady`` follows for those that are not there yet."""
        wanted = tuple(dict.fromkeys(crops))
        if wanted != self._wanted.get(owner, ()):
            self._wanted[owner] = wanted
            self._ask()

    def image(self, crop: CropRequest) -> QImage | None:
        """A crop that has come; a null image where the frame cannot be decoded, None while it is awaited."""
        found = self._images.get(crop)
        if found is not None:
            self._images.move_to_end(crop)
        return found

    def _ask(self) -> None:
        missing = tuple(crop for crops in self._wanted.values() for crop in crops if crop not in self._images)
        if missing or self._mailbox.crops:
            self._mailbox.put(crops=missing)

    def take(self, done: Sequence[tuple[CropRequest, QImage]]) -> None:
        """Keep crops that the decode thread has cut."""
        for crop, image in done:
            old = self._images.pop(crop, None)
            self._bytes += image.sizeInBytes() - (0 if old is None else old.sizeInBytes())
            self._images[crop] = image
        while self._bytes > CROP_MEMORY and len(self._images) > 1:
            _, old = self._images.popitem(last=False)
            self._bytes -= old.sizeInBytes()
        self.cropsReady.emit()

    def clear(self) -> None:
        """Forget all crops: another video was opened, or its frames were numbered again."""
        self._images.clear()
        self._bytes = 0
        self._ask()


class CropCutter:
    """The decode thread's side: cuts the crops of one frame at a time."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._position = 0

    def has_work(self) -> bool:
        """Whether crops are wanted."""
        return bool(self._mailbox.crops)

    def cut_next(self, read: Callable[[int], DisplayFrame | None]) -> list[tuple[CropRequest, QImage]]:
        """Cut all crops of the next frame; null images where ``read`` has none.

        Whatever ``read`` raises, for example because a frame is wanted now, leaves the crops wanted.
        """
        crops = self._mailbox.crops
        if not crops:
            return []
        frame = next_frame(crops, self._position)
        shown = read(frame)
        self._position = frame
        with self._mailbox.condition:
            self._mailbox.crops = tuple(crop for crop in self._mailbox.crops if crop.frame != frame)
        here = [crop for crop in crops if crop.frame == frame]
        return [(crop, QImage() if shown is None else cut(shown, crop)) for crop in here]
