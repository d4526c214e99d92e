"""The UI thread's interface to the video: requests return at once, frames arrive by signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from iouviewer.app.video.crops import CropLoader
from iouviewer.app.video.decode_thread import DecodeThread
from iouviewer.app.video.frame_messages import CropRequest, DecodeSignals, FrameRequest, LoadedFrame, Mailbox, Size
from iouviewer.app.video.index_thread import IndexProgress, IndexSignals, IndexThread
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.app.video.video_info import DecodeCheckPause, NumbersConfirmed, VideoInfo, info_with
from iouviewer.errors import UserError
from iouviewer.video.container import FileChangedError
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.index_builder import has_packets_of
from iouviewer.video.proxy import DEFAULT_LIMIT, Proxy, clear_proxies, proxies_size

__all__ = ["FrameLoader", "IndexProgress", "LoadedFrame", "NumbersConfirmed", "ProxyState", "VideoInfo"]

DEFAULT_MEMORY = 512 << 20


class FrameLoader(QObject):
    """Lives in the UI thread. The decode thread owns the decoder; the index thread completes and checks the index.

    Every request replaces the previous one; answers to replaced requests are dropped here, by their number.

    Attributes:
        info: the open video, None without one.
        progress: progress of its index, None before the first report.
        decode_check_pause: why the decode check of the video is paused; changes emit ``decodeCheckPaused``.
        decode_signals, index_signals: signals of the two threads.
        crops: small parts of frames for lists.

    Signals:
        opened(VideoInfo), openFailed(UserError): answers to ``open``.
        frameReady(LoadedFrame), frameFailed(int, UserError): answers to the latest request.
        indexProgress(IndexProgress): progress of the index or of its decode check.
        numbersConfirmed(NumbersConfirmed): the frame numbers are final, or the file was indexed again.
        infoChanged(VideoInfo): properties of the open video changed.
        proxyState(ProxyState): state of the proxy.
        cacheUsed(int): bytes of decoded frames.
        backgroundFailed(UserError): background work stopped.
        reindexed(VideoInfo): the file did not match its index and was indexed again.
        decodeCheckPaused(DecodeCheckPause): the decode check was paused or continues.
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
    reindexed = Signal(object)
    decodeCheckPaused = Signal(object)

    def __init__(self, parent: QObject | None = None, *, memory: int = DEFAULT_MEMORY) -> None:
        super().__init__(parent)
        self.info: VideoInfo | None = None
        self.progress: IndexProgress | None = None
        self._index: VideoIndex | None = None
        self._number = 0
        self._opening = self._pending = 0
        self._pending_path: Path | None = None
        self._target: Size | None = None
        self._proxy_limit = DEFAULT_LIMIT
        self._check_on, self._model_running, self._building_proxy = True, False, False
        self.decode_check_pause = DecodeCheckPause.NOT_PAUSED
        self._index_thread: IndexThread | None = None
        self._retired: list[IndexThread] = []
        self._mailbox = Mailbox()
        self.crops = CropLoader(self._mailbox, self)
        self.decode_signals = DecodeSignals()
        self.index_signals = IndexSignals()
        self._connect()
        self._decode_thread = DecodeThread(self._mailbox, self.decode_signals, memory)
        self._decode_thread.start()

    def _connect(self) -> None:
        decode, index = self.decode_signals, self.index_signals
        decode.opened.connect(self._on_decode_opened)
        decode.openFailed.connect(self._on_decode_open_failed)
        decode.frameDecoded.connect(self._on_decode_frame)
        decode.frameFailed.connect(self._on_decode_frame_failed)
        decode.cropsCut.connect(self._on_decode_crops_cut)
        decode.memoryUsed.connect(self.cacheUsed)
        decode.numbersUncertain.connect(self._on_decode_numbers_uncertain)
        decode.damageFound.connect(self._on_decode_damage_found)
        decode.failed.connect(self.backgroundFailed)
        decode.indexMismatched.connect(self._on_decode_index_mismatched)
        decode.scrubbed.connect(self._on_decode_scrubbed)
        index.progressed.connect(self._on_index_progressed)
        index.checked.connect(self._on_index_checked)
        index.reindexed.connect(self._on_index_reindexed)
        index.proxyOpened.connect(self._on_index_proxy_opened)
        index.proxyState.connect(self._on_index_proxy_state)
        index.failed.connect(self._on_index_failed)

    @property
    def opening(self) -> int:
        """Number of the open video; messages of the decode thread carry it."""
        return self._opening

    @property
    def has_waiting_request(self) -> bool:
        """Whether the latest request has not been started yet."""
        return self._mailbox.request is not None

    @property
    def decode_thread(self) -> DecodeThread:
        """The thread that owns the decoder."""
        return self._decode_thread

    @property
    def index_thread(self) -> IndexThread | None:
        """The thread that works on the open video's index, None for images."""
        return self._index_thread

    @property
    def threads(self) -> tuple[QThread, ...]:
        """All threads that were started and may still run."""
        current = [self._index_thread] if self._index_thread is not None else []
        return (self._decode_thread, *self._retired, *current)

    # -- requests ------------------------------------------------------------------------------------------------

    def open(self, path: Path | str) -> None:
        """Open a video, an image folder or an image; ``opened`` or ``openFailed`` follows.

        The open video stays open until then, and if opening fails. Repeating the path before the answer has no effect.
        """
        if self._pending_path == Path(path):
            return
        self._pending_path = Path(path)
        self._number += 1
        self._pending = self._number
        self._mailbox.put(opening=(self._pending, self._pending_path), request=None)

    def request(self, frame: int, *, scrubbing: bool = False, playing: bool = False) -> int:
        """Request a frame by its number; returns the number of the request.

        Args:
            scrubbing: first show the nearest keyframe (``exact`` False) or the frame from the proxy at once.
            playing: accept a frame that the frame cache holds in reduced size.
        """
        return self._request(frame, scrubbing=scrubbing, playing=playing)

    def request_time(self, seconds: float) -> int:
        """Request a frame near a time, in a file whose index is incomplete; its number is unknown (-1)."""
        return self._request(-1, seconds=seconds)

    def _request(
        self, frame: int, *, scrubbing: bool = False, playing: bool = False, seconds: float | None = None
    ) -> int:
        self._number += 1
        opening = self._pending if self.info is None else self._opening
        request = FrameRequest(self._number, opening, frame, scrubbing, playing, seconds, self._target)
        self._mailbox.put(request=request)
        return self._number

    def set_target_size(self, size: Size | None) -> None:
        """(width, height) in device pixels to which further frames are scaled down; None: full size."""
        self._target = size

    def set_memory_budget(self, budget: int) -> None:
        """Bytes that decoded frames may take."""
        self._mailbox.put(memory=budget)

    def set_read_ahead(self, *, on: bool) -> None:
        """Whether frames may be decoded before they are requested; off while the program starts."""
        self._mailbox.put(read_ahead=on)

    def set_proxy_limit(self, limit: int) -> None:
        """Bytes that proxies may take on disk; 0 switches them off."""
        self._proxy_limit = limit
        if self._index_thread is not None:
            self._index_thread.set_proxy_limit(limit)

    def set_decode_check(self, *, on: bool) -> None:
        """Whether videos are decoded once in the background to check their frame accuracy."""
        self._check_on = on
        self._allow_check()

    def pause_decode_check(self, paused: bool) -> None:
        """Pause the decode check while a model runs, because its speed is measured."""
        self._model_running = paused
        self._allow_check()

    def _allow_check(self) -> None:
        if self._index_thread is not None:
            self._index_thread.allow_check(on=self._check_on and not self._model_running)
        self._update_check_pause()

    def _update_check_pause(self) -> None:
        pause = DecodeCheckPause.NOT_PAUSED
        if self._index_thread is not None and self._check_on:
            if self._model_running:
                pause = DecodeCheckPause.FOR_MODEL
            elif self._building_proxy:
                pause = DecodeCheckPause.FOR_PROXY
        if pause is not self.decode_check_pause:
            self.decode_check_pause = pause
            self.decodeCheckPaused.emit(pause)

    def use_proxy(self, proxy: Proxy) -> None:
        """Show frames of this proxy while scrubbing."""
        self._mailbox.put(proxy=(self._opening, proxy))

    def delete_proxies(self) -> None:
        """Delete the proxies of all videos; that of the open video is built again where the user scrubs."""
        clear_proxies()
        self.proxyState.emit(ProxyState(0, 0, proxies_size(), self._proxy_limit, is_building=False, is_full=False))
        if self._index_thread is not None:
            # A file that is being written exists until its writer closes it.
            self._index_thread.delete_proxies()

    def close(self) -> None:
        """End the threads and wait for them; they stop as soon as the current frame is decoded."""
        self._stop_index_thread()
        self._number += 1
        self._opening = self._pending = -1
        self._mailbox.put(closing=True)
        self._decode_thread.wait()
        for thread in self._retired:
            thread.wait()

    # -- answers, in the UI thread -------------------------------------------------------------------------------

    def _on_decode_opened(self, number: int, info: VideoInfo, index: VideoIndex | None) -> None:
        if number != self._pending:
            return
        self._pending_path = None
        self._opening, self.info, self.progress, self._index = number, info, None, index
        self.crops.clear()
        self._stop_index_thread()
        if index is not None:
            self._start_index_thread(info, index)
        self.opened.emit(info)

    def _start_index_thread(self, info: VideoInfo, index: VideoIndex) -> None:
        self._stop_index_thread()
        thread = IndexThread(info, index, self.index_signals, self._decode_thread.idle)
        thread.set_proxy_limit(self._proxy_limit)
        self._index_thread = thread
        self._allow_check()
        thread.start(QThread.Priority.LowPriority)

    def _on_decode_open_failed(self, number: int, error: UserError, still_open: int) -> None:
        if number != self._pending:
            return
        self._pending_path = None
        if still_open != self._opening:
            # The decode thread holds another file, which was opened in between and never shown.
            self._stop_index_thread()
            self.info = self.progress = self._index = None
        self.openFailed.emit(error)

    def _on_decode_frame(self, loaded: LoadedFrame) -> None:
        if loaded.request != self._number:
            return
        if loaded.interlaced and self.info is not None and not self.info.interlaced:
            self._update_info(replace(self.info, interlaced=True))
        self.frameReady.emit(loaded)

    def _on_decode_crops_cut(self, number: int, done: list[tuple[CropRequest, QImage]]) -> None:
        if number == self._opening:
            self.crops.take(done)

    def _on_index_failed(self, error: UserError) -> None:
        self._check_file_changed(error)
        self.backgroundFailed.emit(error)

    def _check_file_changed(self, error: UserError) -> None:
        """Record that the open file has changed, which adds a permanent note."""
        if isinstance(error, FileChangedError) and self.info is not None and error.path == self.info.path:
            self._update_info(replace(self.info, changed=True))

    def _on_decode_frame_failed(self, request: FrameRequest, error: UserError) -> None:
        self._check_file_changed(error)
        if request.number == self._number:
            self.frameFailed.emit(request.frame, error)

    def _on_decode_numbers_uncertain(self, number: int, index: VideoIndex) -> None:
        if number != self._opening or self.info is None or self._index_thread is None:
            return
        if self._index is not None and not has_packets_of(self._index, index):
            return  # the file has been indexed again; the decode thread receives that index next
        self._index = index
        self._update_info(info_with(self.info, index))
        self._index_thread.add_uncertain_index(index)

    def _on_decode_index_mismatched(self, number: int) -> None:
        if number != self._opening or self.info is None or self._index is None:
            return
        if self._index_thread is None or self._index_thread.isFinished():
            self._start_index_thread(self.info, self._index)
        if self._index_thread is not None:
            self._index_thread.request_reindex()

    def _on_decode_damage_found(self, number: int, damage: tuple[Damage, ...]) -> None:
        if number == self._opening and self.info is not None and damage != self.info.damage:
            self._update_info(replace(self.info, damage=damage))

    def _update_info(self, info: VideoInfo) -> None:
        self.info = info
        self.infoChanged.emit(info)

    def _on_decode_scrubbed(self, frame: int) -> None:
        if self._index_thread is not None:
            self._index_thread.add_scrubbed_frame(frame)

    def _on_index_progressed(self, sender: object, index: VideoIndex | None, progress: IndexProgress) -> None:
        if sender is not self._index_thread or self.info is None:
            return
        self.progress = progress
        if index is not None:
            self._index = index
            self._update_info(info_with(self.info, index))
            self._mailbox.put(index=(self._opening, index))
        self.indexProgress.emit(progress)

    def _on_index_checked(self, sender: object, index: VideoIndex) -> None:
        if sender is self._index_thread:
            self._use_index(index)

    def _on_index_reindexed(self, sender: object, index: VideoIndex) -> None:
        if sender is not self._index_thread or self.info is None or self._index is None:
            return
        if not index.packets.equals(self._index.packets):
            self.progress = None
            self.reindexed.emit(self.info)
        self._use_index(index)

    def _use_index(self, index: VideoIndex) -> None:
        """Use an index in which frames may have other numbers; boxes move with them."""
        if self.info is None or self._index is None:
            return
        renumbering = self._index.renumbering(index)
        changed = not self._index.has_same_numbers(index)
        self._index = index
        self._update_info(info_with(self.info, index))
        self._mailbox.put(index=(self._opening, index))
        if changed:
            self.crops.clear()
        self.numbersConfirmed.emit(NumbersConfirmed(self.info, changed, renumbering))

    def _on_index_proxy_opened(self, sender: object, proxy: Proxy) -> None:
        if sender is self._index_thread:
            self.use_proxy(proxy)

    def _on_index_proxy_state(self, sender: object, state: ProxyState) -> None:
        if sender is self._index_thread:
            self._building_proxy = state.is_building
            self._update_check_pause()
            self.proxyState.emit(state)

    def _stop_index_thread(self) -> None:
        """Ask the index thread to end, without waiting for it."""
        self._retired = [thread for thread in self._retired if not thread.isFinished()]
        if self._index_thread is not None:
            self._index_thread.stop()
            self._retired.append(self._index_thread)
        self._index_thread = None
        self._building_proxy = False
        self._update_check_pause()
