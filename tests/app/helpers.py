"""Builders and recorders shared by the tests of the app layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.importer import ReplaceQuestion
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.frame_messages import LoadedFrame
from iouviewer.app.video.video_info import NumbersConfirmed, VideoInfo
from iouviewer.document.edits import SetRects
from iouviewer.errors import UserError

INTACT_VIDEO = VideoInfo(
    path=Path("clip.mp4"),
    size=(160, 96),
    frame_count=50,
    fps=25.0,
    fingerprint="f",
    index_digest="d",
    rotation=0,
    numbers_final=True,
    complete=True,
    sample_aspect_ratio=1.0,
    uncertainties=(),
    damage=(),
    keyframes=np.array([0, 25]),
    times=np.arange(50) / 25,
    codec="h264",
    pixel_format="yuv420p",
    header_frame_count=50,
    header_duration=2.0,
    header_video_duration=2.0,
    packets=50,
    coded_size=(160, 96),
    checked_by_decode=True,
)


def video_info(path: Path, **changes: Any) -> VideoInfo:
    """Properties of a video with 8 frames that was never opened."""
    fields: dict[str, Any] = {"size": (640, 480), "frame_count": 8, "fingerprint": "fingerprint-1"}
    return replace(INTACT_VIDEO, path=path, index_digest="digest-1", **{**fields, **changes})


class ProjectWindow:
    """A session with its controller, and everything that the controller emitted."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.session = Session()
        self.controller = ProjectController(self.session, settings or Settings())
        self.messages: list[str] = []
        self.errors: list[UserError] = []
        self.questions: list[ReplaceQuestion] = []
        self.missing_videos: list[object] = []
        self.requested_videos: list[str] = []
        self.controller.notificationPosted.connect(self.messages.append)
        self.controller.warningPosted.connect(self.messages.append)
        self.controller.errorOccurred.connect(self.errors.append)
        self.controller.replaceConfirmationRequested.connect(self.questions.append)
        self.controller.videoLocationRequested.connect(self.missing_videos.append)
        self.controller.videoRequested.connect(self.requested_videos.append)

    def move(self, by: float = 1.0) -> None:
        """Move the first box of frame 0 to the right."""
        box = self.session.ground_truth.boxes(0)[0]
        x1, y1, x2, y2 = box.rect
        self.session.execute(SetRects(((box.id, (x1 + by, y1, x2 + by, y2)),)), "Move box")


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
