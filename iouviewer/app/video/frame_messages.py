"""What the UI thread asks of the frame thread, and what that answers."""

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
    """A picture for the screen.

    Attributes:
        frame: number of the picture shown; -1 where it is not known yet (no boxes belong to it).
        request: number that ``FrameLoader.request`` gave back.
        image: QImage.Format_RGB32 that owns its pixels.
        exact: it is the picture that was asked for.
        scale: width of the image / width of the video.
        stand_in: the picture that was asked for follows.
        reduced: it has fewer pixels than the screen would show; the full picture follows, or comes when playing stops.
        damaged: the file is damaged here.
        interlaced: woven of two fields.
    """

    frame: int
    request: int
    image: QImage
    exact: bool
    scale: float
    stand_in: bool = False
    reduced: bool = False
    damaged: bool = False
    interlaced: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What the screen wants of the video of ``opening``: a picture by number, or by time where ``seconds`` is given."""

    number: int
    opening: int
    frame: int
    scrubbing: bool = False
    moving: bool = False
    seconds: float | None = None
    target: Size | None = None


@dataclass
class Mailbox:
    """What the frame thread is to do next. There is one place for each kind, so nothing queues: the latest wins.

    Index, proxy and requests name the opening that they belong to. ``ahead`` is no work but a leave: whether pictures
    may be fetched before anybody asks for them.
    """

    condition: threading.Condition = field(default_factory=threading.Condition)
    opening: tuple[int, Path] | None = None
    request: Request | None = None
    index: tuple[int, VideoIndex] | None = None
    proxy: tuple[int, Proxy] | None = None
    memory: int | None = None
    ahead: bool = True
    closing: bool = False

    def has_work(self) -> bool:
        """Whether something newer waits. Read without the lock: at worst the answer comes one packet late."""
        waiting = (self.opening, self.request, self.index, self.proxy, self.memory)
        return self.closing or any(item is not None for item in waiting)

    def is_superseded(self) -> bool:
        """Whether what is being decoded is no longer wanted."""
        return self.closing or self.opening is not None or self.request is not None

    def put(self, **items: object) -> None:
        """Replace what waits in the named places and wake the thread."""
        with self.condition:
            for name, item in items.items():
                setattr(self, name, item)
            self.condition.notify()


class Answers(QObject):
    """Signals from the frame thread; they reach methods of objects of the UI thread in that thread."""

    opened = Signal(object, object, object)
    openFailed = Signal(object, object, object)
    frame = Signal(object)
    frameFailed = Signal(object, object)
    memoryUsed = Signal(object)
    visited = Signal(object)
    doubted = Signal(object, object)
    damaged = Signal(object, object)
    mismatched = Signal(object)
    failed = Signal(object)
