"""The thread that completes and checks the index and builds the proxy; requests of the user have priority."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QThread, Signal

from iouviewer.app.video.proxy_builder import ProxyBuilder, ProxyState
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.container import IndexMismatchError, ensure_file_unchanged
from iouviewer.video.decode_check import DecodeCheck
from iouviewer.video.index import VideoIndex
from iouviewer.video.index_builder import build_complete_index, has_packets_of
from iouviewer.video.index_cache import save_index
from iouviewer.video.payload_check import COST
from iouviewer.video.proxy import Proxy, proxy_folder

_log = logging.getLogger(__name__)

_MAX_CHECKED_PIXELS = 200_000 * 1920 * 1080
"""Videos with more pixels in total are not decoded in the background; this takes ten to twenty minutes on one core."""

_NICENESS = 10
"""Nice value of this thread on Linux, where Qt's thread priorities have no effect."""

_CHANGE_CHECK_INTERVAL = 64
"""Packets read between two checks whether the file has changed since it was opened."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """Progress of the index, or of its decode check (``is_check``); ``share`` from 0 to 1."""

    frames: int
    share: float
    complete: bool
    is_check: bool = False


class IndexSignals(QObject):
    """Signals of the index thread; the first argument is always the thread (except for ``failed``).

    Signals:
        progressed(IndexThread, VideoIndex | None, IndexProgress): the index so far, None during the decode check.
        checked(IndexThread, VideoIndex): the decode check is complete; the index has the final frame numbers.
        reindexed(IndexThread, VideoIndex): the packets were read again, because the file did not match its index.
        proxyOpened(IndexThread, Proxy), proxyState(IndexThread, ProxyState): the proxy and its state.
        failed(UserError): the work stopped.
    """

    progressed = Signal(object, object, object)
    checked = Signal(object, object)
    reindexed = Signal(object, object)
    proxyOpened = Signal(object, object)
    proxyState = Signal(object, object)
    failed = Signal(object)


class IndexThread(QThread):
    """Works on one video and ends. It works only while the decode thread's ``idle`` is set."""

    def __init__(self, info: VideoInfo, index: VideoIndex, signals: IndexSignals, idle: threading.Event) -> None:
        super().__init__()
        self.setObjectName("index")
        self._info = info
        self._index = index
        self._signals = signals
        self._idle = idle
        self.condition = threading.Condition()
        self._stopped = False
        self._scrubbed_frame: int | None = None
        self._proxy_limit = 0
        self._uncertain_index: VideoIndex | None = None
        self._last_share = -1.0
        self._delete_requested = False
        self._mismatched = False
        self._reindexed = False
        self._check_allowed = False
        self._check_failed = False
        self._check: DecodeCheck | None = None
        self._proxy_builder = ProxyBuilder(info, on_opened=self._emit_proxy, on_state=self._emit_proxy_state)

    @property
    def index(self) -> VideoIndex:
        """The index so far."""
        return self._index

    @property
    def reindexed(self) -> bool:
        """Whether the packets were read again."""
        return self._reindexed

    @property
    def stopped(self) -> bool:
        """Whether the thread was asked to end."""
        return self._stopped

    # -- called from the UI thread -------------------------------------------------------------------------------

    def add_scrubbed_frame(self, frame: int) -> None:
        """The user scrubbed here: build the proxy around this frame."""
        with self.condition:
            self._scrubbed_frame = frame
            self.condition.notify()

    def set_proxy_limit(self, limit: int) -> None:
        """Bytes that proxies may take; 0 switches them off."""
        with self.condition:
            self._proxy_limit = limit
            self.condition.notify()

    def allow_check(self, *, on: bool) -> None:
        """Allow or forbid the decode of the whole video while there is nothing else to do."""
        with self.condition:
            self._check_allowed = on
            self.condition.notify()

    def delete_proxies(self) -> None:
        """Delete the proxies of all videos."""
        with self.condition:
            self._delete_requested = True
            self.condition.notify()

    def add_uncertain_index(self, index: VideoIndex) -> None:
        """Damage was found while reading: the frame numbers need a decode check."""
        with self.condition:
            self._uncertain_index = index
            self.condition.notify()

    def request_reindex(self) -> None:
        """The file has other packets than its index: read them again."""
        with self.condition:
            self._mismatched = True
            self.condition.notify()

    def stop(self) -> None:
        """Ask the thread to end; it does so within a few packets."""
        with self.condition:
            self._stopped = True
            self.condition.notify()

    # -- the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Complete the index and settle uncertain numbers, then build the proxy and run the decode check."""
        _lower_priority()
        try:
            if self._complete() and self._settle_numbers():
                self._work()
        except UserError as error:
            self._signals.failed.emit(error)
        except OSError as error:
            message = tr("the video can no longer be read")
            self._signals.failed.emit(UserError(message, path=self._info.path, remedy=str(error)))
        except Exception as error:  # noqa: BLE001 - the window must continue; logged with its traceback
            _log.exception("background work on %s was aborted", self._info.path)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            message = tr("indexing and the scrub cache have stopped ({reason})", reason=reason)
            self._signals.failed.emit(UserError(message, path=self._info.path, remedy=tr("See the log for details.")))
        finally:
            if self._check is not None:
                self._check.close()

    def _yield_to_user(self) -> bool:
        """Wait while the user waits for a frame; returns whether the thread was asked to end."""
        while not self._stopped and not self._idle.wait(0.05):
            pass
        return self._stopped

    def _complete(self) -> bool:
        if self._index.complete:
            return True
        index = build_complete_index(
            self._info.path,
            self._info.fingerprint,
            rotation=self._index.rotation,
            stamp=self._info.stamp,
            on_progress=self._emit_progress,
            cancelled=self._yield_to_user,
        )
        if index is None:
            return False
        self._index = index
        self._emit_progress(index, 1.0)
        return True

    def _emit_progress(self, index: VideoIndex, share: float) -> None:
        self._signals.progressed.emit(self, index, IndexProgress(index.frame_count, share, index.complete))

    def _settle_numbers(self) -> bool:
        """Decode until the frame numbers are final; False if the thread has to end."""
        while not self._index.numbers_final and not self._is_too_long() and not self._check_failed:
            if self._yield_to_user() or (self._mismatched and not self._reindex()):
                return False
            self.decode_next()
        return True

    def _reindex(self) -> bool:
        """Read the packets again, once; False if the thread has to end."""
        self._mismatched = False
        if self._reindexed:
            # The decode thread waits for an index; if this one does not match either, it reports the file.
            self._signals.reindexed.emit(self, self._index)
            return True
        self._reindexed = True
        if self._check is not None:
            self._check.close()
            self._check = None
        self._proxy_builder.release_decoder()
        info, rotation = self._info, self._index.rotation
        index = build_complete_index(
            info.path, info.fingerprint, rotation=rotation, stamp=info.stamp, cancelled=self._yield_to_user
        )
        if index is None:
            return False
        if index.packets.equals(self._index.packets):
            save_index(self._index, info.fingerprint, info.path, info.stamp)  # keeps the results of a decode check
        else:
            index.prepare()
            self._index = index
            with self.condition:
                self._uncertain_index = None  # its index is wrong
        self._signals.reindexed.emit(self, self._index)
        return True

    def _is_too_long(self) -> bool:
        width, height = self._info.size
        info = self._index.stream_info
        cost = COST.get(info.codec, 1) if info is not None else 1
        return cost * len(self._index.packets) * width * height > _MAX_CHECKED_PIXELS

    def decode_next(self) -> None:
        """Decode one more frame of the whole file; at its end the index is checked, saved and emitted."""
        if self._check is None:
            ensure_file_unchanged(self._info.path, self._info.stamp)
            self._check = DecodeCheck(self._info.path, self._index)
        check = self._check
        check.index = self._index
        if check.packets % _CHANGE_CHECK_INTERVAL == 0:
            ensure_file_unchanged(self._info.path, self._info.stamp)
        if check.advance():
            self._emit_check_progress(check.packets, len(self._index.packets))
            return
        try:
            ensure_file_unchanged(self._info.path, self._info.stamp)
            self._index = check.result()
        except UserError as error:
            self._mismatched = isinstance(error, IndexMismatchError) and not self._reindexed
            if not self._mismatched:
                self._check_failed = True
                self._signals.failed.emit(error)
            return
        finally:
            check.close()
            self._check = None
        self._index.prepare()  # done here to keep it off the UI thread
        save_index(self._index, self._info.fingerprint, self._info.path, self._info.stamp)
        self._signals.checked.emit(self, self._index)

    def _emit_check_progress(self, done: int, total: int) -> None:
        share = round(done / max(1, total), 2)
        if share != self._last_share:
            self._last_share = share
            progress = IndexProgress(self._index.frame_count, share, True, is_check=True)
            self._signals.progressed.emit(self, None, progress)

    # -- while there is nothing else to do -----------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._next_task():
                pass
        finally:
            self._proxy_builder.close()

    def _next_task(self) -> bool:
        """Wait for a task and do it; False if the thread has to end."""
        with self.condition:
            while not self._stopped and not self._has_task() and not self._may_check():
                self._proxy_builder.release_decoder()
                self.condition.wait()
            if self._stopped:
                return False
            mismatched = self._mismatched
            limit, frame = self._proxy_limit, self._scrubbed_frame
            if not mismatched:
                uncertain, self._uncertain_index = self._uncertain_index, None
                delete, self._delete_requested = self._delete_requested, False
        if mismatched:
            return self._reindex() and self._settle_numbers()
        if delete:
            self._proxy_builder.delete_all(limit)
        if uncertain is not None:
            return self.settle(uncertain)
        if frame is not None and limit:
            self._build_proxy(frame, limit)
            with self.condition:
                if self._scrubbed_frame == frame:
                    self._scrubbed_frame = None
            return True
        return self._run_check()

    def _build_proxy(self, frame: int, limit: int) -> None:
        def moved() -> bool:
            return self._scrubbed_frame != frame

        def interrupted() -> bool:
            other = (
                self._uncertain_index is not None or self._delete_requested or self._mismatched or not self._proxy_limit
            )
            return self._yield_to_user() or other or moved()

        try:
            self._proxy_builder.build(self._index, frame, limit, interrupted=interrupted, moved=moved)
        except IndexMismatchError:
            # After the second mismatch the error is reported when the frame itself is requested.
            self._mismatched = self._mismatched or not self._reindexed
        except OSError as error:
            # Not an error of the video: the cache folder is full or cannot be written.
            self._proxy_limit = 0
            message = tr("scrubbing is slow, because the scrub cache cannot be written")
            self._signals.failed.emit(UserError(message, path=proxy_folder(), remedy=str(error)))

    def _emit_proxy(self, proxy: Proxy) -> None:
        self._signals.proxyOpened.emit(self, proxy)

    def _emit_proxy_state(self, state: ProxyState) -> None:
        self._signals.proxyState.emit(self, state)

    def _has_task(self) -> bool:
        scrubbed = self._scrubbed_frame is not None and self._proxy_limit > 0
        return self._delete_requested or self._mismatched or self._uncertain_index is not None or scrubbed

    def _may_check(self) -> bool:
        if not self._check_allowed or self._check_failed:
            return False
        return not self._index.checked_by_decode and not self._is_too_long()

    def _run_check(self) -> bool:
        """Continue the decode check until there is another task; False if the thread has to end."""
        self._proxy_builder.release_decoder()
        while self._may_check() and not self._has_task():
            if self._yield_to_user():
                return False
            self.decode_next()
        return True

    def settle(self, uncertain: VideoIndex) -> bool:
        """Settle frame numbers that became uncertain while reading; False if the thread has to end."""
        if self._index.checked_by_decode:
            # The reader did not have the checked index yet.
            self._signals.checked.emit(self, self._index)
            return True
        if not has_packets_of(self._index, uncertain):
            return True  # the reader did not have the new index yet
        if uncertain.complete:
            self._index = uncertain
        else:
            # The reader did not have the complete index yet.
            known = self._index.uncertainties
            uncertainties = (*known, *(reason for reason in uncertain.uncertainties if reason not in known))
            self._index = replace(self._index, numbers_final=False, uncertainties=uncertainties)
        return self._settle_numbers()


def _lower_priority() -> None:
    """Let other threads go first, if the system supports it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
