"""Requests from the UI thread to the decode thread, and its answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from iouviewer.video.index import VideoIndex
from iouviewer.video.proxy import Proxy

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """A frame for the screen.

    Attributes:
        frame: number of the frame; -1 if unknown (it has no boxes).
        request: the number returned by ``FrameLoader.request``.
        image: QImage.Format_RGB32 that owns its pixels.
        exact: it is the frame that was requested.
        scale: width of the image / width of the video.
        is_preview: the requested frame follows.
        reduced: it has fewer pixels than the screen could show; the full frame follows, at the latest after playback.
        damaged: the file is damaged here.
        interlaced: it combines two fields.
    """

    frame: int
    request: int
    image: QImage
    exact: bool
    scale: float
    is_preview: bool = False
    reduced: bool = False
    damaged: bool = False
    interlaced: bool = False


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """A frame of the video with number ``opening``: by frame number, or by time if ``seconds`` is given."""

    number: int
    opening: int
    frame: int
    scrubbing: bool = False
    playing: bool = False
    seconds: float | None = None
    target: Size | None = None


@dataclass(frozen=True, slots=True)
class CropRequest:
    """A part of a frame for a list.

    Attributes:
        area: x, y, width, height in pixels of the video; it may reach outside.
        size: (width, height) of the image, device pixels.
        urgency: crops with a lower number come first.
    """

    frame: int
    area: tuple[int, int, int, int]
    size: Size
    urgency: int = field(default=0, compare=False)


@dataclass
class Mailbox:
    """Work for the decode thread. Each kind has one slot, so nothing queues: the latest entry wins.

    Index, proxy and requests carry the number of the video that they belong to. ``read_ahead`` only
    permits work: frames may be decoded before they are requested. ``crops`` are cut while nothing else is pending.
    """

    condition: threading.Condition = field(default_factory=threading.Condition)
    opening: tuple[int, Path] | None = None
    request: FrameRequest | None = None
    index: tuple[int, VideoIndex] | None = None
    proxy: tuple[int, Proxy] | None = None
    memory: int | None = None
    read_ahead: bool = True
    crops: tuple[CropRequest, ...] = ()
    closing: bool = False

    def has_work(self) -> bool:
        """Whether any entry is pending. Read without the lock: at worst the answer is one packet late."""
        waiting = (self.opening, self.request, self.index, self.proxy, self.memory)
        return self.closing or any(item is not None for item in waiting)

    def is_superseded(self) -> bool:
        """Whether the frame in progress is no longer needed."""
        return self.closing or self.opening is not None or self.request is not None

    def put(self, **items: object) -> None:
        """Replace the named entries and wake the thread."""
        with self.condition:
            for name, item in items.items():
                setattr(self, name, item)
            self.condition.notify()


class DecodeSignals(QObject):
    """Signals of the decode thread; slots of UI objects receive them in the UI thread.

    Signals:
        opened(int, VideoInfo, VideoIndex | None): number of the video, its properties, its index.
        openFailed(int, UserError, int): number of the video, and of the one that stays open.
        frameDecoded(LoadedFrame), frameFailed(FrameRequest, UserError): answers to a request.
        cropsCut(int, list[tuple[CropRequest, QImage]]): number of the video, and crops of one of its frames.
        memoryUsed(int): bytes of decoded frames.
        scrubbed(int): the user scrubs at this frame.
        numbersUncertain(int, VideoIndex): frame numbers became uncertain, because damage was found.
        damageFound(int, tuple[Damage, ...]): all damage known so far.
        indexMismatched(int): the file has other packets than its index.
        failed(UserError): an unexpected error; the thread continues.
    """

    opened = Signal(object, object, object)
    openFailed = Signal(object, object, object)
    frameDecoded = Signal(object)
    frameFailed = Signal(object, object)
    cropsCut = Signal(object, object)
    memoryUsed = Signal(object)
    scrubbed = Signal(object)
    numbersUncertain = Signal(object, object)
    damageFound = Signal(object, object)
    indexMismatched = Signal(object)
    failed = Signal(object)
