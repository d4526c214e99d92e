"""The UI thread's door to the video: ask for a frame, get a picture, never wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from iouviewer.app.video.decode_thread import FrameThread
from iouviewer.app.video.frame_messages import Answers, LoadedFrame, Mailbox, Request, Size
from iouviewer.app.video.index_thread import BackgroundAnswers, BackgroundThread, IndexProgress
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.app.video.video_info import NumbersConfirmed, VideoInfo, Waits, info_with
from iouviewer.errors import UserError
from iouviewer.video.container import ChangedFileError
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.index_builder import goes_on_from
from iouviewer.video.proxy import DEFAULT_LIMIT, Proxy, clear_proxies, proxies_size

__all__ = ["FrameLoader", "IndexProgress", "LoadedFrame", "NumbersConfirmed", "ProxyState", "VideoInfo"]

DEFAULT_MEMORY = 512 << 20


class FrameLoader(QObject):
    """Lives in the UI thread; a thread of its own owns the decoder, another one completes the index.

    Every request replaces the one before. Answers to requests that were replaced are dropped here, by number.
    ``waits`` is what the decode that proves the video stands back for, told anew by ``proofWaits``.
    """

    opened = Signal(object)
    openFailed = Signal(object)
    frameReady = Signal(object)
    frameFailed = Signal(int, object)
    indexProgress = Signal(object)
    numbersConfirmed = Signal(object)
    infoChanged = Signal(object)
    proxyState = Signal(object)
    cacheUsed = Signal(object)
    backgroundFailed = Signal(object)
    indexReadAnew = Signal(object)
    proofWaits = Signal(object)

    def __init__(self, parent: QObject | None = None, *, memory: int = DEFAULT_MEMORY) -> None:
        super().__init__(parent)
        self.info: VideoInfo | None = None
        self.progress: IndexProgress | None = None
        self._index: VideoIndex | None = None
        self._number = 0
        self._opening = self._pending = 0
        self._asked: Path | None = None
        self._target: Size | None = None
        self._proxy_limit = DEFAULT_LIMIT
        self._proof_on, self._held, self._copying = True, False, False
        self.waits = Waits.FOR_NOTHING
        self._background: BackgroundThread | None = None
        self._retired: list[BackgroundThread] = []
        self._mailbox = Mailbox()
        self._answers = Answers()
        self._background_answers = BackgroundAnswers()
        self._connect()
        self._thread = FrameThread(self._mailbox, self._answers, memory)
        self._thread.start()

    def _connect(self) -> None:
        self._answers.opened.connect(self._on_thread_opened)
        self._answers.openFailed.connect(self._on_thread_open_failed)
        self._answers.frame.connect(self._on_thread_frame)
        self._answers.frameFailed.connect(self._on_thread_frame_failed)
        self._answers.memoryUsed.connect(self.cacheUsed)
        self._answers.doubted.connect(self._on_thread_doubted)
        self._answers.damaged.connect(self._on_thread_damaged)
        self._answers.failed.connect(self.backgroundFailed)
        self._answers.mismatched.connect(self._on_thread_mismatched)
        self._answers.visited.connect(self._on_thread_visited)
        self._background_answers.grown.connect(self._on_background_grown)
        self._background_answers.confirmed.connect(self._on_background_confirmed)
        self._background_answers.readAnew.connect(self._on_background_read_anew)
        self._background_answers.proxyOpened.connect(self._on_background_proxy)
        self._background_answers.proxyState.connect(self._on_background_proxy_state)
        self._background_answers.failed.connect(self._on_background_failed)

    # -- requests ------------------------------------------------------------------------------------------------

    def open(self, path: Path | str) -> None:
        """Open a video, a folder of pictures or a picture; ``opened`` or ``openFailed`` answers.

        What was open stays until then, and for good where opening fails. Asked again before the answer, it is one
        opening.
        """
        if self._asked == Path(path):
            return
        self._asked = Path(path)
        self._number += 1
        self._pending = self._number
        self._mailbox.put(opening=(self._pending, self._asked), request=None)

    def request(self, frame: int, *, scrubbing: bool = False, moving: bool = False) -> int:
        """Ask for a picture by number; returns the number of the request.

        Args:
            scrubbing: show the nearest key frame (``exact`` False) or a small copy at once, then the picture itself.
            moving: the video plays; a picture that memory kept smaller will do.
        """
        return self._ask(frame, scrubbing=scrubbing, moving=moving)

    def request_time(self, seconds: float) -> int:
        """Ask for a picture near a time, for files whose index is still being read; its number is unknown (-1)."""
        return self._ask(-1, seconds=seconds)

    def _ask(self, frame: int, *, scrubbing: bool = False, moving: bool = False, seconds: float | None = None) -> int:
        self._number += 1
        opening = self._pending if self.info is None else self._opening
        self._mailbox.put(request=Request(self._number, opening, frame, scrubbing, moving, seconds, self._target))
        return self._number

    def set_target_size(self, size: Size | None) -> None:
        """(width, height) in device pixels that later pictures are scaled down to fit; None: full size."""
        self._target = size

    def set_memory_budget(self, budget: int) -> None:
        """Bytes that decoded pictures may take."""
        self._mailbox.put(memory=budget)

    def allow_ahead(self, *, on: bool) -> None:
        """Whether pictures may be fetched before they are asked for; a start has better use for the processor."""
        self._mailbox.put(ahead=on)

    def set_proxy_limit(self, limit: int) -> None:
        """Bytes that small copies may take on disk; 0 makes no more of them."""
        self._proxy_limit = limit
        if self._background is not None:
            self._background.allow_proxy(limit)

    def set_proof(self, *, on: bool) -> None:
        """Whether videos are decoded once while nothing else is to do, to prove that every picture is right."""
        self._proof_on = on
        self._allow_proof()

    def hold_proof(self, held: bool) -> None:
        """Whether something runs whose speed is measured: the proof waits then."""
        self._held = held
        self._allow_proof()

    def _allow_proof(self) -> None:
        if self._background is not None:
            self._background.allow_proof(on=self._proof_on and not self._held)
        self._tell_waits()

    def _tell_waits(self) -> None:
        waits = Waits.FOR_NOTHING
        if self._background is not None and self._proof_on:
            waits = Waits.FOR_MODEL if self._held else Waits.FOR_COPIES if self._copying else waits
        if waits is not self.waits:
            self.waits = waits
            self.proofWaits.emit(waits)

    def delete_proxies(self) -> None:
        """Delete the small copies of all videos; those of the open one are made anew where the user scrubs."""
        clear_proxies()
        self.proxyState.emit(ProxyState(0, 0, proxies_size(), self._proxy_limit, at_work=False, full=False))
        if self._background is not None:
            # The file that is being written lives on until its writer lets it go.
            self._background.delete_proxies()

    def close(self) -> None:
        """End the threads and wait for them; they stop within a picture's decoding."""
        self._stop_background()
        self._number += 1
        self._opening = self._pending = -1
        self._mailbox.put(closing=True)
        self._thread.wait()
        for thread in self._retired:
            thread.wait()

    # -- answers, in the UI thread -------------------------------------------------------------------------------

    def _on_thread_opened(self, number: int, info: VideoInfo, index: VideoIndex | None) -> None:
        if number != self._pending:
            return
        self._asked = None
        self._opening, self.info, self.progress, self._index = number, info, None, index
        self._stop_background()
        if index is not None:
            self._begin_background(info, index)
        self.opened.emit(info)

    def _begin_background(self, info: VideoInfo, index: VideoIndex) -> None:
        self._stop_background()
        thread = BackgroundThread(info, index, self._background_answers, self._thread.idle)
        thread.allow_proxy(self._proxy_limit)
        self._background = thread
        self._allow_proof()
        thread.start(QThread.Priority.LowPriority)

    def _on_thread_open_failed(self, number: int, error: UserError, held: int) -> None:
        if number != self._pending:
            return
        self._asked = None
        if held != self._opening:
            # The thread holds a third file, which was opened on the way to this one and never shown.
            self._stop_background()
            self.info = self.progress = self._index = None
        self.openFailed.emit(error)

    def _on_thread_frame(self, answer: LoadedFrame) -> None:
        if answer.request != self._number:
            return
        if answer.interlaced and self.info is not None and not self.info.interlaced:
            self._learn(replace(self.info, interlaced=True))
        self.frameReady.emit(answer)

    def _on_background_failed(self, error: UserError) -> None:
        self._note_change(error)
        self.backgroundFailed.emit(error)

    def _note_change(self, error: UserError) -> None:
        """Keep in mind that the open file is not what was opened, so that it stays to be seen."""
        if isinstance(error, ChangedFileError) and self.info is not None and error.path == self.info.path:
            self._learn(replace(self.info, changed=True))

    def _on_thread_frame_failed(self, request: Request, error: UserError) -> None:
        self._note_change(error)
        if request.number == self._number:
            self.frameFailed.emit(request.frame, error)

    def _on_thread_doubted(self, number: int, index: VideoIndex) -> None:
        if number != self._opening or self.info is None or self._background is None:
            return
        if self._index is not None and not goes_on_from(self._index, index):
            return  # the index has been read anew meanwhile, and reaches the thread next
        self._index = index
        self._learn(info_with(self.info, index))
        self._background.doubt(index)

    def _on_thread_mismatched(self, number: int) -> None:
        if number != self._opening or self.info is None or self._index is None:
            return
        if self._background is None or self._background.isFinished():
            self._begin_background(self.info, self._index)
        if self._background is not None:
            self._background.read_anew()

    def _on_thread_damaged(self, number: int, damage: tuple[Damage, ...]) -> None:
        if number == self._opening and self.info is not None and damage != self.info.damage:
            self._learn(replace(self.info, damage=damage))

    def _learn(self, info: VideoInfo) -> None:
        self.info = info
        self.infoChanged.emit(info)

    def _on_thread_visited(self, frame: int) -> None:
        if self._background is not None:
            self._background.visit(frame)

    def _on_background_grown(self, sender: object, index: VideoIndex | None, progress: IndexProgress) -> None:
        if sender is not self._background or self.info is None:
            return
        self.progress = progress
        if index is not None:
            self._index = index
            self._learn(info_with(self.info, index))
            self._mailbox.put(index=(self._opening, index))
        self.indexProgress.emit(progress)

    def _on_background_confirmed(self, sender: object, index: VideoIndex) -> None:
        if sender is self._background:
            self._take(index)

    def _on_background_read_anew(self, sender: object, index: VideoIndex) -> None:
        if sender is not self._background or self.info is None or self._index is None:
            return
        if not index.packets.same_as(self._index.packets):
            self.progress = None
            self.indexReadAnew.emit(self.info)
        self._take(index)

    def _take(self, index: VideoIndex) -> None:
        """Frames may have other numbers in this index; boxes follow."""
        if self.info is None or self._index is None:
            return
        renumbering = self._index.renumbering(index)
        changed = not self._index.same_numbers(index)
        self._index = index
        self._learn(info_with(self.info, index))
        self._mailbox.put(index=(self._opening, index))
        self.numbersConfirmed.emit(NumbersConfirmed(self.info, changed, renumbering))

    def _on_background_proxy(self, sender: object, proxy: Proxy) -> None:
        if sender is self._background:
            self._mailbox.put(proxy=(self._opening, proxy))

    def _on_background_proxy_state(self, sender: object, state: ProxyState) -> None:
        if sender is self._background:
            self._copying = state.at_work
            self._tell_waits()
            self.proxyState.emit(state)

    def _stop_background(self) -> None:
        """Ask the background thread to end, without waiting for it."""
        self._retired = [thread for thread in self._retired if not thread.isFinished()]
        if self._background is not None:
            self._background.stop()
            self._retired.append(self._background)
        self._background = None
        self._copying = False
        self._tell_waits()
