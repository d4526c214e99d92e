"""The thread that completes and proves indexes and builds the proxy, giving way to what the user waits for."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QThread, Signal

from iouviewer.app.video.proxy_builder import ProxyState, SmallCopies
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.errors import UserError
from iouviewer.video.container import IndexMismatchError, refuse_another_file
from iouviewer.video.decode_check import Confirmation
from iouviewer.video.index import VideoIndex
from iouviewer.video.index_builder import complete_index, goes_on_from
from iouviewer.video.index_cache import save_index
from iouviewer.video.proxy import Proxy, proxy_folder

_log = logging.getLogger(__name__)

_CONFIRM_LIMIT = 200_000 * 1920 * 1080
"""Pixels of a whole video up to which it is decoded once in the background, ten to twenty minutes of one core."""

_NICENESS = 10
"""Steps by which this thread stands back behind others of the machine (Linux; Qt's priorities do nothing there)."""

_LOOK_EVERY = 64
"""Packets after which the proof looks whether the file is still the one that was opened."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far the index, or its confirmation (``confirming``), has come; ``share`` from 0 to 1."""

    frames: int
    share: float
    complete: bool
    confirming: bool = False


class BackgroundAnswers(QObject):
    """Signals from the background thread."""

    grown = Signal(object, object, object)
    confirmed = Signal(object, object)
    readAnew = Signal(object, object)
    proxyOpened = Signal(object, object)
    proxyState = Signal(object, object)
    failed = Signal(object)


class BackgroundThread(QThread):
    """Works on one video and ends. ``idle`` is the frame thread's: no work is begun while it is not set."""

    def __init__(self, info: VideoInfo, index: VideoIndex, answers: BackgroundAnswers, idle: threading.Event) -> None:
        super().__init__()
        self.setObjectName("video background")
        self._info = info
        self._index = index
        self._answers = answers
        self._idle = idle
        self._wake = threading.Condition()
        self._stopped = False
        self._visited: int | None = None
        self._proxy_limit = 0
        self._doubtful: VideoIndex | None = None
        self._last_share = -1.0
        self._deleting = False
        self._mismatched = False
        self._read_anew = False
        self._proof_allowed = False
        self._refused = False
        self._confirmation: Confirmation | None = None
        self._copies = SmallCopies(info, opened=self._tell_proxy, told=self._tell_proxy_state)

    # -- called from the UI thread -------------------------------------------------------------------------------

    def visit(self, frame: int) -> None:
        """The user scrubbed here: cover it with the proxy."""
        with self._wake:
            self._visited = frame
            self._wake.notify()

    def allow_proxy(self, limit: int) -> None:
        """Bytes that proxies may take; 0 switches them off."""
        with self._wake:
            self._proxy_limit = limit
            self._wake.notify()

    def allow_proof(self, *, on: bool) -> None:
        """Whether the whole video may be decoded while nothing else is to do."""
        with self._wake:
            self._proof_allowed = on
            self._wake.notify()

    def delete_proxies(self) -> None:
        """Delete the small copies of all videos."""
        with self._wake:
            self._deleting = True
            self._wake.notify()

    def doubt(self, index: VideoIndex) -> None:
        """Damage was found while reading: confirm the numbers after all."""
        with self._wake:
            self._doubtful = index
            self._wake.notify()

    def read_anew(self) -> None:
        """The file gives other packets than its index says: read them once more."""
        with self._wake:
            self._mismatched = True
            self._wake.notify()

    def stop(self) -> None:
        """Ask the thread to end; it does within a few packets."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    # -- the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Index; confirmation where numbers are in doubt; then small copies, and the proof in between."""
        _step_back()
        try:
            if self._complete() and self._confirm():
                self._work()
        except UserError as error:
            self._answers.failed.emit(error)
        except OSError as error:
            self._answers.failed.emit(
                UserError("the video can no longer be read", path=self._info.path, remedy=str(error))
            )
        except Exception as error:  # noqa: BLE001 - the thread must go on; logged with its traceback
            _log.exception("work on %s in the background was given up", self._info.path)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            told = f"its index and small copies are not made any further ({reason})"
            self._answers.failed.emit(UserError(told, path=self._info.path, remedy="The log has the details."))
        finally:
            if self._confirmation is not None:
                self._confirmation.close()

    def _give_way(self) -> bool:
        """Wait while the user waits for a picture; whether to stop."""
        while not self._stopped and not self._idle.wait(0.05):
            pass
        return self._stopped

    def _complete(self) -> bool:
        if self._index.complete:
            return True
        index = complete_index(
            self._info.path,
            self._info.fingerprint,
            rotation=self._index.rotation,
            stamp=self._info.stamp,
            grown=self._grown,
            cancelled=self._give_way,
        )
        if index is None:
            return False
        self._index = index
        self._grown(index, 1.0)
        return True

    def _grown(self, index: VideoIndex, share: float) -> None:
        self._answers.grown.emit(self, index, IndexProgress(index.frame_count, share, index.complete))

    def _confirm(self) -> bool:
        """Settle numbers that are in doubt; False where the thread is to end."""
        while not self._index.confirmed and not self._is_too_long() and not self._refused:
            if self._give_way() or (self._mismatched and not self._read_again()):
                return False
            self._decode_on()
        return True

    def _read_again(self) -> bool:
        """Make the index anew, once; False where the thread is to end."""
        self._mismatched = False
        if self._read_anew:
            # Whoever met the next mismatch waits for an index, and tells what it means where it meets one by this.
            self._answers.readAnew.emit(self, self._index)
            return True
        self._read_anew = True
        if self._confirmation is not None:
            self._confirmation.close()
            self._confirmation = None
        self._copies.rest()
        info, rotation = self._info, self._index.rotation
        index = complete_index(
            info.path, info.fingerprint, rotation=rotation, stamp=info.stamp, cancelled=self._give_way
        )
        if index is None:
            return False
        if index.packets.same_as(self._index.packets):
            save_index(self._index, info.fingerprint, info.path, info.stamp)  # what it has been proven to be is true
        else:
            index.prepare()
            self._index = index
            with self._wake:
                self._doubtful = None  # told by the index that was not the file's
        self._answers.readAnew.emit(self, self._index)
        return True

    def _is_too_long(self) -> bool:
        width, height = self._info.size
        return len(self._index.packets) * width * height > _CONFIRM_LIMIT

    def _decode_on(self) -> None:
        """Decode one picture more of the whole file; at its end the index is proven, kept and told."""
        if self._confirmation is None:
            refuse_another_file(self._info.path, self._info.stamp)
            self._confirmation = Confirmation(self._info.path, self._index)
        confirmation = self._confirmation
        confirmation.index = self._index
        if confirmation.packets % _LOOK_EVERY == 0:
            refuse_another_file(self._info.path, self._info.stamp)
        if confirmation.advance():
            self._confirming(confirmation.packets, len(self._index.packets))
            return
        try:
            refuse_another_file(self._info.path, self._info.stamp)
            self._index = confirmation.result()
        except UserError as error:
            self._mismatched = isinstance(error, IndexMismatchError) and not self._read_anew
            if not self._mismatched:
                self._refused = True
                self._answers.failed.emit(error)
            return
        finally:
            confirmation.close()
            self._confirmation = None
        self._index.prepare()  # the window's thread is to find it ready
        save_index(self._index, self._info.fingerprint, self._info.path, self._info.stamp)
        self._answers.confirmed.emit(self, self._index)

    def _confirming(self, done: int, total: int) -> None:
        share = round(done / max(1, total), 2)
        if share != self._last_share:
            self._last_share = share
            progress = IndexProgress(self._index.frame_count, share, True, confirming=True)
            self._answers.grown.emit(self, None, progress)

    # -- while nothing else is to do -----------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._next_task():
                pass
        finally:
            self._copies.close()

    def _next_task(self) -> bool:
        """Wait for something to do and do it; False where the thread is to end."""
        with self._wake:
            while not self._stopped and not self._has_task() and not self._may_prove():
                self._copies.rest()
                self._wake.wait()
            if self._stopped:
                return False
            mismatched = self._mismatched
            limit, place = self._proxy_limit, self._visited
            if not mismatched:
                doubtful, self._doubtful = self._doubtful, None
                deleting, self._deleting = self._deleting, False
        if mismatched:
            return self._read_again() and self._confirm()
        if deleting:
            self._copies.delete_all(limit)
        if doubtful is not None:
            return self._settle(doubtful)
        if place is not None and limit:
            self._copy_around(place, limit)
            with self._wake:
                if self._visited == place:
                    self._visited = None
            return True
        return self._prove()

    def _copy_around(self, place: int, limit: int) -> None:
        def elsewhere() -> bool:
            return self._visited != place

        def interrupted() -> bool:
            other = self._doubtful is not None or self._deleting or self._mismatched or not self._proxy_limit
            return self._give_way() or other or elsewhere()

        try:
            self._copies.build(self._index, place, limit, interrupted=interrupted, elsewhere=elsewhere)
        except IndexMismatchError:
            # After the second reading it is told when the picture itself is asked for.
            self._mismatched = self._mismatched or not self._read_anew
        except OSError as error:
            # The video may be as good as ever: the cache folder is full, or cannot be written.
            self._proxy_limit = 0
            reason = UserError("small copies for scrubbing cannot be kept", path=proxy_folder(), remedy=str(error))
            self._answers.failed.emit(reason)

    def _tell_proxy(self, proxy: Proxy) -> None:
        self._answers.proxyOpened.emit(self, proxy)

    def _tell_proxy_state(self, state: ProxyState) -> None:
        self._answers.proxyState.emit(self, state)

    def _has_task(self) -> bool:
        visited = self._visited is not None and self._proxy_limit > 0
        return self._deleting or self._mismatched or self._doubtful is not None or visited

    def _may_prove(self) -> bool:
        return self._proof_allowed and not self._refused and not self._index.proven and not self._is_too_long()

    def _prove(self) -> bool:
        """Decode on until something else is to be done; False where the thread is to end."""
        self._copies.rest()
        while self._may_prove() and not self._has_task():
            if self._give_way():
                return False
            self._decode_on()
        return True

    def _settle(self, doubtful: VideoIndex) -> bool:
        """Reading has found damage; False where the thread is to end."""
        if self._index.proven:
            # The reader had not taken the proven index yet when it doubted.
            self._answers.confirmed.emit(self, self._index)
            return True
        if not goes_on_from(self._index, doubtful):
            return True  # the reader had not taken the index that was read anew when it doubted
        if doubtful.complete:
            self._index = doubtful
        else:
            # The reader had not taken the whole index yet.
            doubts = (*self._index.doubts, *(doubt for doubt in doubtful.doubts if doubt not in self._index.doubts))
            self._index = replace(self._index, confirmed=False, doubts=doubts)
        return self._confirm()


def _step_back() -> None:
    """Let other threads of the machine go first, where the system can be asked for that."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
