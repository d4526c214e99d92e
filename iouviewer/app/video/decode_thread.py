"""The thread that owns the decoder: it serves the latest request, and reads ahead while there is none."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QThread
from PySide6.QtGui import QImage

from iouviewer.app.video.crops import CropCutter
from iouviewer.app.video.frame_messages import DecodeSignals, FrameRequest, LoadedFrame, Mailbox, Size
from iouviewer.app.video.video_info import info_of
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.conversion import DisplayFrame
from iouviewer.video.decoder import SupersededError
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.opening import open_video
from iouviewer.video.proxy import Proxy
from iouviewer.video.reader import VideoReader

_log = logging.getLogger(__name__)

Reader = VideoReader | ImageReader

LARGE_FILE = 256 << 20
"""Files from this size on, in bytes, are shown before their index is read."""


class DecodeThread(QThread):
    """Owns the reader. ``idle`` is set while it decodes nothing that the user waits for."""

    def __init__(self, mailbox: Mailbox, signals: DecodeSignals, memory: int) -> None:
        super().__init__()
        self.setObjectName("frames")
        self.idle = threading.Event()
        self._mailbox = mailbox
        self._signals = signals
        self._memory = memory
        self._reader: Reader | None = None
        self._proxy: Proxy | None = None
        self._cached: OrderedDict[tuple[int, Size | None], LoadedFrame] = OrderedDict()
        self._cached_bytes = 0
        self._reported_memory = -1
        self._opening = 0
        self._pending_open: tuple[int, Path] | None = None
        self._can_prefetch = True
        self._numbers_uncertain = False
        self._reported_damage: tuple[Damage, ...] = ()
        self._crops = CropCutter(mailbox)
        self._position, self._is_playing = 0, False

    @property
    def reader(self) -> Reader | None:
        """The open reader. Only for tests: it belongs to this thread."""
        return self._reader

    @property
    def proxy(self) -> Proxy | None:
        """The proxy in use."""
        return self._proxy

    @property
    def cached_frames(self) -> tuple[LoadedFrame, ...]:
        """Display images that are cached."""
        return tuple(self._cached.values())

    def run(self) -> None:
        """Serve the mailbox until it closes."""
        try:
            while self._step_safely():
                pass
        finally:
            self.release()
            self.idle.set()

    def _step_safely(self) -> bool:
        try:
            return self.step()
        except Exception as error:  # noqa: BLE001 - without this thread no frame is ever shown; logged and reported
            _log.exception("the decode thread aborted a step")
            self._report_unexpected(error)
            return True

    def _report_unexpected(self, error: Exception) -> None:
        pending, self._pending_open = self._pending_open, None
        if pending is not None:
            # Without an answer the loader would wait forever and ignore further requests for this file.
            number, path = pending
            refusal = _unexpected(tr("this file cannot be opened"), error, path)
            self._signals.openFailed.emit(number, refusal, self._opening)
            return
        path_shown = self._reader.path if self._reader is not None else None
        self._signals.failed.emit(_unexpected(tr("this video may be displayed incorrectly"), error, path_shown))

    def step(self) -> bool:
        """Wait for work and do it; False if the mailbox is closed."""
        mailbox = self._mailbox
        if not mailbox.has_work():
            self.idle.set()
            read_ahead, crops = mailbox.read_ahead, mailbox.crops
            if self._cut_crops():
                return True
            if read_ahead and self._prefetch():
                return True
            self._report_memory()
            with mailbox.condition:
                while not mailbox.has_work() and mailbox.read_ahead == read_ahead and mailbox.crops == crops:
                    mailbox.condition.wait()
        with mailbox.condition:
            if mailbox.closing:
                return False
            opening, index, memory = mailbox.opening, mailbox.index, mailbox.memory
            proxy, request = mailbox.proxy, mailbox.request
            mailbox.opening = mailbox.index = mailbox.memory = mailbox.proxy = mailbox.request = None
        if memory is not None:
            self._set_memory(memory)
        if opening is not None:
            self._open(*opening)
        if index is not None and index[0] == self._opening and isinstance(self._reader, VideoReader):
            self._use_index(self._reader, index[1])
        # After the index: a proxy that was numbered by an earlier index is dropped.
        if proxy is not None and proxy[0] == self._opening and self._reader is not None:
            self._proxy = proxy[1] if proxy[1].digest == self._reader.index_digest else self._proxy
        if request is not None:
            self.idle.clear()
            self._position, self._is_playing = request.frame, request.playing
            self._serve(request)
        return True

    def _cut_crops(self) -> bool:
        """Cut the crops of one frame; False if none is wanted, or playback needs the decoder."""
        reader = self._reader
        if reader is None or self._is_playing or not self._crops.has_work():
            return False
        try:
            done = self._crops.cut_next(lambda frame: self._read_to_cut(reader, frame))
        except SupersededError:
            return True
        if not self._crops.has_work() and 0 <= self._position < reader.frame_count:
            reader.move_to(self._position)  # what is read ahead belongs to the frame on the screen
        self._signals.cropsCut.emit(self._opening, done)
        return True

    def _read_to_cut(self, reader: Reader, frame: int) -> DisplayFrame | None:
        """A whole frame; None if it cannot be decoded, which is reported where the frame itself is requested."""
        try:
            return reader.read_display(frame, cancelled=self._mailbox.has_work)
        except SupersededError:
            raise
        except (UserError, IndexError):
            return None
        except Exception:  # noqa: BLE001 - the thread must continue; logged with its traceback
            _log.exception("frame %d cannot be cut", frame)
            return None
        finally:
            self._report_damage(reader)

    def _use_index(self, reader: VideoReader, index: VideoIndex) -> None:
        self._clear_cached()
        if index.digest != reader.index.digest:
            self._proxy = None  # its frames have other numbers; a new proxy follows
        reader.use_index(index)
        self._numbers_uncertain = not reader.numbers_final
        self._report_damage(reader)

    def _prefetch(self) -> bool:
        if self._reader is None or not self._can_prefetch:
            return False
        try:
            return self._reader.prefetch(cancelled=self._mailbox.has_work)
        except SupersededError:
            return True
        except UserError:
            return False  # reported when the frame itself is requested
        except Exception:  # noqa: BLE001 - the thread must continue; logged with its traceback
            _log.exception("reading ahead failed and is switched off")
            self._can_prefetch = False
            return False
        finally:
            # The decoder's threads report damage late, often only while reading ahead.
            self._report_damage(self._reader)

    # -- opening -------------------------------------------------------------------------------------------------

    def _open(self, number: int, path: Path) -> None:
        """Open a file; if that fails, the open file stays open."""
        self._pending_open = number, path
        self.idle.clear()
        try:
            large = path.is_file() and path.stat().st_size > LARGE_FILE
            memory = self._memory - self._cache_budget()
            reader = open_video(path, index=not large, memory=memory, resolve_order=False)
        except (UserError, OSError) as error:
            if isinstance(error, UserError):
                refusal = error
            else:
                refusal = UserError(tr("this file cannot be read"), path=path, remedy=str(error))
            self._pending_open = None
            self._signals.openFailed.emit(number, refusal, self._opening)
            return
        self.release()
        self._reader, self._opening, self._can_prefetch = reader, number, True
        index = reader.index if isinstance(reader, VideoReader) else None
        self._numbers_uncertain = index is None or not index.numbers_final
        self._reported_damage = reader.damage
        info = info_of(reader)
        self._pending_open = None
        self._signals.opened.emit(number, info, index)

    def release(self) -> None:
        """Close the reader and clear all caches."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._proxy = None
        self._clear_cached()

    def _clear_cached(self) -> None:
        self._cached.clear()
        self._cached_bytes = 0

    # -- frames --------------------------------------------------------------------------------------------------

    def _serve(self, request: FrameRequest) -> None:
        reader = self._reader
        if request.opening != self._opening and reader is not None:
            return
        if reader is None:
            self._signals.frameFailed.emit(request, UserError(tr("no video is open"), frame=request.frame))
            return
        try:
            self._show(reader, request)
        except SupersededError:
            return
        except IndexMismatchError as error:
            remedy = tr("The frame is shown as soon as the file has been indexed again.")
            reindexing = UserError(error.message, path=error.path, frame=error.frame, remedy=remedy)
            self._signals.frameFailed.emit(request, reindexing)
            self._signals.indexMismatched.emit(self._opening)
        except UserError as error:
            self._signals.frameFailed.emit(request, error)
        except IndexError as error:
            self._signals.frameFailed.emit(request, _frame_out_of_range(reader, request.frame, error))
        except Exception as error:  # noqa: BLE001 - the thread must continue; logged with its traceback
            _log.exception("frame %d cannot be displayed", request.frame)
            refusal = _unexpected(tr("this frame cannot be displayed"), error, reader.path, request.frame)
            self._signals.frameFailed.emit(request, refusal)
        self._report_damage(reader)

    def _report_damage(self, reader: Reader) -> None:
        """Report damage found while reading; from then on frame numbers and cached frames are uncertain."""
        if reader.damage != self._reported_damage:
            self._reported_damage = reader.damage
            self._clear_cached()
            self._signals.damageFound.emit(self._opening, reader.damage)
        if not self._numbers_uncertain and isinstance(reader, VideoReader) and not reader.numbers_final:
            self._numbers_uncertain = True
            self._clear_cached()
            self._signals.numbersUncertain.emit(self._opening, reader.index)

    def _show(self, reader: Reader, request: FrameRequest) -> None:
        frame = request.frame
        if isinstance(reader, VideoReader):
            not_indexed = not reader.index.complete and frame >= reader.frame_count
            if not_indexed or request.seconds is not None:
                seconds = frame / (reader.fps or 25.0) if request.seconds is None else request.seconds
                self._emit(request, reader.read_at(seconds, request.target), is_preview=True)
                return
        cached = self._cached.get((frame, request.target))
        if cached is not None:
            self._cached.move_to_end((frame, request.target))
            reader.move_to(frame)
            self._signals.frameDecoded.emit(replace(cached, request=request.number))
            return
        if request.scrubbing and not reader.is_cached(frame):
            self._show_preview(reader, request)
            if self._mailbox.is_superseded():
                return
        shown = reader.read_display(
            frame, request.target, allow_reduced=request.playing, cancelled=self._mailbox.is_superseded
        )
        self._emit(request, shown)

    def _show_preview(self, reader: Reader, request: FrameRequest) -> None:
        """Show the frame from the proxy, or else the nearest frame that is available at once."""
        self._signals.scrubbed.emit(request.frame)
        checksum = reader.known_checksum(request.frame)
        small = self._proxy.get(request.frame, reader.size[0], checksum=checksum) if self._proxy is not None else None
        for shown in [small] if small is not None else reader.previews(request.frame, request.target):
            self._emit(request, shown, is_preview=True)
            if self._mailbox.is_superseded():
                return

    def _emit(self, request: FrameRequest, shown: DisplayFrame, *, is_preview: bool = False) -> None:
        reader, image = self._reader, image_of(shown)
        scale_needed = 1.0
        if reader is not None and request.target is not None:
            width, height = reader.size
            if isinstance(reader, ImageReader) and shown.frame >= 0:
                width, height = reader.sizes[shown.frame]
            scale_needed = min(1.0, request.target[0] / width, request.target[1] / height)
        loaded = LoadedFrame(
            shown.frame,
            request.number,
            image,
            shown.exact,
            shown.scale,
            is_preview,
            image.width() + 1 < scale_needed * image.width() / shown.scale,
            shown.damaged,
            shown.interlaced,
        )
        self._signals.frameDecoded.emit(loaded)
        self._cache(loaded, request)

    def _cache(self, loaded: LoadedFrame, request: FrameRequest) -> None:
        reader = self._reader
        full_size = reader is not None and (request.target is None) and loaded.scale == 1.0
        fitted = request.target is not None and (loaded.scale == 1.0 or _fits(loaded.image, request.target))
        # Previews are not cached, even exact ones from the proxy: the full frame follows.
        if loaded.is_preview or not loaded.exact or loaded.frame != request.frame or not (full_size or fitted):
            return
        old = self._cached.pop((loaded.frame, request.target), None)
        self._cached_bytes += loaded.image.sizeInBytes() - (old.image.sizeInBytes() if old is not None else 0)
        self._cached[(loaded.frame, request.target)] = loaded
        self._trim()

    def _trim(self) -> None:
        while self._cached_bytes > self._cache_budget() and len(self._cached) > 1:
            _, old = self._cached.popitem(last=False)
            self._cached_bytes -= old.image.sizeInBytes()

    # -- memory --------------------------------------------------------------------------------------------------

    def _cache_budget(self) -> int:
        return min(96 << 20, self._memory // 4)

    def _set_memory(self, memory: int) -> None:
        self._memory = memory
        if self._reader is not None:
            self._reader.set_memory(memory - self._cache_budget())
        self._trim()

    def _report_memory(self) -> None:
        used = self._cached_bytes + (self._reader.memory_used if self._reader is not None else 0)
        if used != self._reported_memory:
            self._reported_memory = used
            self._signals.memoryUsed.emit(used)


def _frame_out_of_range(reader: Reader, frame: int, error: IndexError) -> UserError:
    """The error for a frame beyond the end; it can hold boxes if the frame turned out not to exist."""
    if frame < reader.frame_count:
        return _unexpected(tr("this frame cannot be displayed"), error, reader.path, frame)
    remedy = tr("Its boxes belong to a frame that does not exist. Move or delete them.")
    return UserError(tr("the video has no frame with this number"), path=reader.path, frame=frame, remedy=remedy)


def _unexpected(message: str, error: Exception, path: Path | None, frame: int | None = None) -> UserError:
    """A message about an unexpected exception; the thread continues, because without it no frame would be shown."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return UserError(f"{message} ({reason})", path=path, frame=frame, remedy=tr("See the log for details."))


def _fits(image: QImage, target: Size) -> bool:
    return image.width() >= target[0] - 1 or image.height() >= target[1] - 1


def image_of(shown: DisplayFrame) -> QImage:
    """A QImage with its own copy of the pixels."""
    height, width = shown.pixels.shape[:2]
    image = QImage(width, height, QImage.Format.Format_RGB32)
    lines = np.frombuffer(image.bits(), np.uint8).reshape(height, image.bytesPerLine())
    lines[:, : width * 4] = shown.pixels.reshape(height, width * 4)
    return image
