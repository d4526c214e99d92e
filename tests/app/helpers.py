"""Recorders of signals, waiting, and pixels of images for the tests of the app layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.frame_messages import LoadedFrame
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.app.video.video_info import NumbersConfirmed, VideoInfo
from iouviewer.errors import UserError


class LoaderRecorder:
    """Everything that a frame loader emitted, in this order."""

    def __init__(self, loader: FrameLoader) -> None:
        self.frames: list[LoadedFrame] = []
        self.errors: list[tuple[int, UserError]] = []
        self.opened: list[VideoInfo] = []
        self.failures: list[UserError] = []
        self.used: list[int] = []
        self.confirmed: list[NumbersConfirmed] = []
        loader.frameReady.connect(self.frames.append)
        loader.frameFailed.connect(lambda frame, error: self.errors.append((frame, error)))
        loader.opened.connect(self.opened.append)
        loader.openFailed.connect(self.failures.append)
        loader.cacheUsed.connect(self.used.append)
        loader.numbersConfirmed.connect(self.confirmed.append)


def wait_until(qtbot: QtBot, condition: Callable[[], object]) -> None:
    """Run the event loop until the condition holds."""
    qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)


def open_and_wait(qtbot: QtBot, loader: FrameLoader, recorder: LoaderRecorder, path: Path) -> LoaderRecorder:
    """Open a video and wait for the answer."""
    loader.open(path)
    wait_until(qtbot, lambda: recorder.opened or recorder.failures)
    return recorder


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """(height, width, 4) uint8 BGRA."""
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : image.width() * 4].reshape(image.height(), image.width(), 4)


def wait_for_idle_index_thread(qtbot: QtBot, loader: FrameLoader) -> None:
    """Let the index thread do two tasks: between them it begins whatever it may do when it is idle."""
    for _ in range(2):
        states: list[ProxyState] = []
        loader.proxyState.connect(states.append)
        loader.delete_proxies()
        # The loader reports the deletion at once, and the thread when it has closed its own proxy.
        wait_until(qtbot, lambda states=states: len(states) >= 2)
        loader.proxyState.disconnect(states.append)
