"""The thread that owns the decoder: it serves the latest request, and prefetches while nobody asks."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QThread
from PySide6.QtGui import QImage

from iouviewer.app.video.frame_messages import Answers, LoadedFrame, Mailbox, Request, Size
from iouviewer.app.video.video_info import info_of
from iouviewer.errors import UserError
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.decoder import Superseded
from iouviewer.video.display import DisplayFrame
from iouviewer.video.images import ImageReader
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.opening import open_video
from iouviewer.video.proxy import Proxy
from iouviewer.video.reader import VideoReader

_log = logging.getLogger(__name__)

Reader = VideoReader | ImageReader

LARGE_FILE = 256 << 20
"""Bytes from which on a file is shown before its index is read."""


class FrameThread(QThread):
    """Owns the reader. ``idle`` is set while nothing that the user waits for is being decoded."""

    def __init__(self, mailbox: Mailbox, answers: Answers, memory: int) -> None:
        super().__init__()
        self.setObjectName("frames")
        self.idle = threading.Event()
        self._mailbox = mailbox
        self._answers = answers
        self._memory = memory
        self._reader: Reader | None = None
        self._proxy: Proxy | None = None
        self._images: OrderedDict[tuple[int, Size | None], LoadedFrame] = OrderedDict()
        self._image_bytes = 0
        self._told = -1
        self._opening = 0
        self._unanswered: tuple[int, Path] | None = None
        self._prefetches = True
        self._doubted = False
        self._damage_told: tuple[Damage, ...] = ()

    def run(self) -> None:
        """Serve the mailbox until it closes."""
        try:
            while self._goes_on():
                pass
        finally:
            self._forget()
            self.idle.set()

    def _goes_on(self) -> bool:
        try:
            return self._step()
        except Exception as error:  # noqa: BLE001 - no picture would ever show without this thread; logged and told
            _log.exception("a step of the frame thread was given up")
            self._tell_unforeseen(error)
            return True

    def _tell_unforeseen(self, error: Exception) -> None:
        unanswered, self._unanswered = self._unanswered, None
        if unanswered is not None:
            # Who waits for the answer would wait for good, and not ask for this file again.
            number, path = unanswered
            self._answers.openFailed.emit(number, _unforeseen("this file cannot be opened", error, path), self._opening)
            return
        shown = self._reader.path if self._reader is not None else None
        self._answers.failed.emit(_unforeseen("this video may not be shown as it should be", error, shown))

    def _step(self) -> bool:
        box = self._mailbox
        if not box.has_work():
            self.idle.set()
            ahead = box.ahead
            if ahead and self._prefetch():
                return True
            self._tell_memory()
            with box.condition:
                while not box.has_work() and box.ahead == ahead:
                    box.condition.wait()
        with box.condition:
            if box.closing:
                return False
            opening, index, memory, proxy, request = box.opening, box.index, box.memory, box.proxy, box.request
            box.opening = box.index = box.memory = box.proxy = box.request = None
        if memory is not None:
            self._set_memory(memory)
        if opening is not None:
            self._open(*opening)
        if index is not None and index[0] == self._opening and isinstance(self._reader, VideoReader):
            self._use_index(self._reader, index[1])
        # After the index, whose numbers it may have; one that was made for the numbers before comes too late.
        if proxy is not None and proxy[0] == self._opening and self._reader is not None:
            self._proxy = proxy[1] if proxy[1].digest == self._reader.index_digest else self._proxy
        if request is not None:
            self.idle.clear()
            self._serve(request)
        return True

    def _use_index(self, reader: VideoReader, index: VideoIndex) -> None:
        self._forget_images()
        if index.digest != reader.index.digest:
            self._proxy = None  # its pictures have other numbers; one for these follows
        reader.use_index(index)
        self._doubted = not reader.numbers_confirmed
        self._tell_doubts(reader)

    def _prefetch(self) -> bool:
        if self._reader is None or not self._prefetches:
            return False
        try:
            return self._reader.prefetch(cancelled=self._mailbox.has_work)
        except Superseded:
            return True
        except UserError:
            return False  # told when the picture itself is asked for
        except Exception:  # noqa: BLE001 - the thread must go on; logged with its traceback
            _log.exception("fetching ahead was given up")
            self._prefetches = False
            return False
        finally:
            # The decoder's threads tell of damage late: often only while pictures are fetched ahead.
            self._tell_doubts(self._reader)

    # -- opening -------------------------------------------------------------------------------------------------

    def _open(self, number: int, path: Path) -> None:
        """Open a file; where that fails, the one that was open stays."""
        self._unanswered = number, path
        self.idle.clear()
        try:
            large = path.is_file() and path.stat().st_size > LARGE_FILE
            memory = self._memory - self._image_budget()
            reader = open_video(path, index=not large, memory=memory, decode_order=False)
        except (UserError, OSError) as error:
            known = isinstance(error, UserError)
            refusal = error if known else UserError("this file cannot be read", path=path, remedy=str(error))
            self._unanswered = None
            self._answers.openFailed.emit(number, refusal, self._opening)
            return
        self._forget()
        self._reader, self._opening, self._prefetches = reader, number, True
        index = reader.index if isinstance(reader, VideoReader) else None
        self._doubted = index is None or not index.confirmed
        self._damage_told = reader.damage
        info = info_of(reader)
        self._unanswered = None
        self._answers.opened.emit(number, info, index)

    def _forget(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._proxy = None
        self._forget_images()

    def _forget_images(self) -> None:
        self._images.clear()
        self._image_bytes = 0

    # -- pictures ------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        reader = self._reader
        if request.opening != self._opening and reader is not None:
            return
        if reader is None:
            self._answers.frameFailed.emit(request, UserError("no video is open", frame=request.frame))
            return
        try:
            self._show(reader, request)
        except Superseded:
            return
        except IndexMismatchError as error:
            remedy = "The index is being read anew; the picture follows."
            reading = UserError(error.message, path=error.path, frame=error.frame, remedy=remedy)
            self._answers.frameFailed.emit(request, reading)
            self._answers.mismatched.emit(self._opening)
        except UserError as error:
            self._answers.frameFailed.emit(request, error)
        except IndexError as error:
            self._answers.frameFailed.emit(request, _without_a_picture(reader, request.frame, error))
        except Exception as error:  # noqa: BLE001 - the thread must go on; logged with its traceback
            _log.exception("frame %d cannot be shown", request.frame)
            refusal = _unforeseen("this picture cannot be shown", error, reader.path, request.frame)
            self._answers.frameFailed.emit(request, refusal)
        self._tell_doubts(reader)

    def _tell_doubts(self, reader: Reader) -> None:
        """Reading found damage; the first time, numbers and kept pictures are in doubt until a clean decode."""
        if reader.damage != self._damage_told:
            self._damage_told = reader.damage
            self._forget_images()
            self._answers.damaged.emit(self._opening, reader.damage)
        if not self._doubted and isinstance(reader, VideoReader) and not reader.numbers_confirmed:
            self._doubted = True
            self._forget_images()
            self._answers.doubted.emit(self._opening, reader.index)

    def _show(self, reader: Reader, request: Request) -> None:
        frame = request.frame
        if isinstance(reader, VideoReader):
            beyond = not reader.index.complete and frame >= reader.frame_count
            if beyond or request.seconds is not None:
                seconds = frame / (reader.fps or 25.0) if request.seconds is None else request.seconds
                self._emit(request, reader.read_at(seconds, request.target), stand_in=True)
                return
        kept = self._images.get((frame, request.target))
        if kept is not None:
            self._images.move_to_end((frame, request.target))
            reader.move_to(frame)
            self._answers.frame.emit(replace(kept, request=request.number))
            return
        if request.scrubbing and not reader.holds(frame):
            self._show_at_once(reader, request)
            if self._mailbox.is_superseded():
                return
        shown = reader.read_display(
            frame, request.target, allow_reduced=request.moving, cancelled=self._mailbox.is_superseded
        )
        self._emit(request, shown)

    def _show_at_once(self, reader: Reader, request: Request) -> None:
        self._answers.visited.emit(request.frame)
        known = reader.known_check(request.frame)
        small = self._proxy.get(request.frame, reader.size[0], check=known) if self._proxy is not None else None
        for shown in [small] if small is not None else reader.previews(request.frame, request.target):
            self._emit(request, shown, stand_in=True)
            if self._mailbox.is_superseded():
                return

    def _emit(self, request: Request, shown: DisplayFrame, *, stand_in: bool = False) -> None:
        reader, image = self._reader, image_of(shown)
        wanted = 1.0
        if reader is not None and request.target is not None:
            wanted = min(1.0, request.target[0] / reader.size[0], request.target[1] / reader.size[1])
        answer = LoadedFrame(
            shown.frame,
            request.number,
            image,
            shown.exact,
            shown.scale,
            stand_in,
            image.width() + 1 < wanted * image.width() / shown.scale,
            shown.damaged,
            shown.interlaced,
        )
        self._answers.frame.emit(answer)
        self._keep(answer, request)

    def _keep(self, answer: LoadedFrame, request: Request) -> None:
        reader = self._reader
        whole = reader is not None and (request.target is None) and answer.scale == 1.0
        fitted = request.target is not None and (answer.scale == 1.0 or _fits(answer.image, request.target))
        # A stand-in may be a small copy: what comes after it is better.
        if answer.stand_in or not answer.exact or answer.frame != request.frame or not (whole or fitted):
            return
        old = self._images.pop((answer.frame, request.target), None)
        self._image_bytes += answer.image.sizeInBytes() - (old.image.sizeInBytes() if old is not None else 0)
        self._images[(answer.frame, request.target)] = answer
        self._trim()

    def _trim(self) -> None:
        while self._image_bytes > self._image_budget() and len(self._images) > 1:
            _, old = self._images.popitem(last=False)
            self._image_bytes -= old.image.sizeInBytes()

    # -- memory --------------------------------------------------------------------------------------------------

    def _image_budget(self) -> int:
        return min(96 << 20, self._memory // 4)

    def _set_memory(self, memory: int) -> None:
        self._memory = memory
        if self._reader is not None:
            self._reader.set_memory(memory - self._image_budget())
        self._trim()

    def _tell_memory(self) -> None:
        used = self._image_bytes + (self._reader.memory_used if self._reader is not None else 0)
        if used != self._told:
            self._told = used
            self._answers.memoryUsed.emit(used)


def _without_a_picture(reader: Reader, frame: int, error: IndexError) -> UserError:
    """A frame behind the last picture holds what belonged to pictures that turned out not to be there."""
    if frame < reader.frame_count:
        return _unforeseen("this picture cannot be shown", error, reader.path, frame)
    remedy = "Its boxes belonged to a picture that is not there; move or delete them."
    return UserError("the video has no picture with this number", path=reader.path, frame=frame, remedy=remedy)


def _unforeseen(message: str, error: Exception, path: Path | None, frame: int | None = None) -> UserError:
    """A failure that no code expects; the thread goes on, for without it the window would never show a picture."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return UserError(f"{message} ({reason})", path=path, frame=frame, remedy="The log has the details.")


def _fits(image: QImage, target: Size) -> bool:
    return image.width() >= target[0] - 1 or image.height() >= target[1] - 1


def image_of(shown: DisplayFrame) -> QImage:
    """A QImage with pixels of its own; the array may go afterwards."""
    height, width = shown.pixels.shape[:2]
    image = QImage(width, height, QImage.Format.Format_RGB32)
    lines = np.frombuffer(image.bits(), np.uint8).reshape(height, image.bytesPerLine())
    lines[:, : width * 4] = shown.pixels.reshape(height, width * 4)
    return image
