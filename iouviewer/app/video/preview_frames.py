"""Frames of a video that is not open in the window, for a preview: a thread of its own reads them."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtGui import QImage

from iouviewer.app.video.decode_thread import Reader, image_of
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.opening import open_video

_log = logging.getLogger(__name__)
_MEMORY = 64 << 20
"""Bytes of decoded frames that a preview may take."""


class _Worker(QObject):
    """Lives in the thread; opens the video at the first request."""

    done = Signal(int, QImage, float, str)

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        super().__init__()
        self._path, self._size = path, size
        self._reader: Reader | None = None

    @Slot(int)
    def read(self, frame: int) -> None:
        """Answer with the frame, or with a null image and the reason."""
        try:
            if self._reader is None:
                self._reader = open_video(self._path, memory=_MEMORY)
            shown = self._reader.read_display(frame, self._size)
        except (UserError, OSError, IndexError) as error:
            self.done.emit(frame, QImage(), 1.0, str(error))
        except Exception:  # noqa: BLE001 - the dialog must go on without a picture; logged with its traceback
            _log.exception("the preview of frame %d failed", frame)
            self.done.emit(frame, QImage(), 1.0, tr("this frame cannot be displayed"))
        else:
            self.done.emit(frame, image_of(shown), shown.scale, "")

    @Slot()
    def close(self) -> None:
        """Close the video."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class PreviewFrames(QObject):
    """Lives in the UI thread; of several requests only the latest is answered.

    Args:
        size: (width, height) of the images that are wanted, device pixels.

    Signals:
        ready(int, QImage, float, str): a frame, its image, and its width / that of the video; or a null image and why
            there is none.
    """

    ready = Signal(int, QImage, float, str)
    _requested = Signal(int)
    _closing = Signal()

    def __init__(self, path: Path, size: tuple[int, int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = QThread(self)
        self._thread.setObjectName("previewFrames")
        self._worker = _Worker(path, size)
        self._worker.moveToThread(self._thread)
        self._requested.connect(self._worker.read)
        self._closing.connect(self._worker.close)
        self._worker.done.connect(self._on_worker_done)
        self._reading: int | None = None
        self._wanted: int | None = None

    def request(self, frame: int) -> None:
        """Read a frame; ``ready`` follows unless another one is wanted before."""
        self._wanted = frame
        if self._reading is None:
            self._next()

    def _next(self) -> None:
        if self._wanted is None:
            return
        self._reading, self._wanted = self._wanted, None
        if not self._thread.isRunning():
            self._thread.start()
        self._requested.emit(self._reading)

    @Slot(int, QImage, float, str)
    def _on_worker_done(self, frame: int, image: QImage, scale: float, reason: str) -> None:
        self._reading = None
        if self._wanted is None or self._wanted == frame:
            self._wanted = None
            self.ready.emit(frame, image, scale, reason)
        self._next()

    def close(self) -> None:
        """End the thread after the frame that it reads."""
        self._closing.emit()
        self._thread.quit()
        self._thread.wait()
