"""Builders of sessions, of the properties of videos, and of windows' project controllers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.importer import ReplaceQuestion
from iouviewer.app.projects.locations import FoundProject
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.boxes import Rect
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState, SetRects
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.metrics.table import BoxTable

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


def session_with(
    boxes: dict[int, Sequence[Rect]],
    predictions: dict[str, dict[int, Sequence[Rect]]] | None = None,
    *,
    size: tuple[int, int] = (640, 480),
    frames: int = 10,
    classes: tuple[str, ...] = ("person",),
    labelled: bool = True,
    tracks: bool = False,
) -> Session:
    """A session with ground truth and variants by frame; ids count from 1 in the order given.

    With ``tracks`` the n-th box of each frame belongs to track n.
    """
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", *size, frames, 10.0))
    document.class_names = classes
    rows = [(frame, place, rect) for frame, rects in boxes.items() for place, rect in enumerate(rects)]
    n = len(rows)
    truth.load_columns(
        np.array([frame for frame, _, _ in rows], np.int64),
        np.array([rect for *_, rect in rows], np.float64).reshape(-1, 4).T,
        class_ids=np.zeros(n, np.int64),
        tracks=np.array([place + 1 if tracks else -1 for _, place, _ in rows], np.int64),
        flags=np.zeros(n, np.int64),
    )
    state = FrameState.LABELLED if labelled else FrameState.UNLABELLED
    truth.load_states(np.full(frames, int(state), np.int8), np.zeros(frames, np.bool_))
    session = Session()
    session.open_document(document)
    for name, found in (predictions or {}).items():
        session.variants.add(name, predictions_of(found, frames), key=name)
    return session


def predictions_of(found: dict[int, Sequence[Rect]], frames: int, scores: float = 0.9) -> PredictionSet:
    """A prediction set of class 0 that covers all frames."""
    rows = [(frame, rect) for frame, rects in found.items() for rect in rects]
    table = BoxTable.from_rows(
        np.array([frame for frame, _ in rows], np.int64),
        np.array([rect for _, rect in rows], np.float64).reshape(-1, 4).T,
        frame_count=frames,
        scores=np.full(len(rows), scores),
    )
    return PredictionSet(table, np.ones(frames, np.bool_), score_floor=scores)


def pets_session(folder: Path, *, frames: int = 795, size: tuple[int, int] = (768, 576)) -> Session:
    """The pets09 sequence of the real data: human ground truth and a detector's boxes, read with numpy alone."""
    truth_rows = np.loadtxt(folder / "gt.txt", delimiter=",")
    found = np.loadtxt(folder / "det_frcnn.txt", delimiter=",")
    document = Document()
    truth = document.add_source(Source(0, "vtest.avi", "", *size, frames, 10.0))
    document.class_names = ("person",)
    truth.load_columns(
        truth_rows[:, 0].astype(np.int64) - 1,
        _corners(truth_rows),
        class_ids=np.zeros(len(truth_rows), np.int64),
        tracks=truth_rows[:, 1].astype(np.int64),
        flags=np.where(truth_rows[:, 6] == 0, 16, 0),
    )
    truth.load_states(np.ones(frames, np.int8), np.zeros(frames, np.bool_))
    session = Session()
    session.open_document(document)
    table = BoxTable.from_rows(
        found[:, 0].astype(np.int64) - 1, _corners(found), frame_count=frames, scores=found[:, 6]
    )
    session.variants.add("frcnn", PredictionSet(table, np.ones(frames, np.bool_), score_floor=0.5), key="frcnn")
    return session


def _corners(rows: np.ndarray) -> np.ndarray:
    left, top, width, height = rows[:, 2:6].T
    return np.stack([left, top, left + width, top + height])


def imported_boxes(
    path: Path, *, shift: float = 0.0, frames: tuple[int, ...] = (0, 0, 2), **fields: Any
) -> ImportedBoxes:
    n = len(frames)
    corner = np.arange(n, dtype=np.float64) * 10 + shift
    known: dict[str, Any] = {
        "path": path,
        "format": "mot",
        "kind": ImportKind.GROUND_TRUTH,
        "frames": np.array(frames, np.int64),
        "boxes": np.array([corner, corner, corner + 30, corner + 40]).reshape(4, n),
        "class_ids": np.zeros(n, np.int64),
        "class_names": ("person",),
        "scores": None,
        "track_ids": np.arange(n),
        "flags": np.zeros(n, np.int64),
        "labelled": None,
    }
    return ImportedBoxes(**{**known, **fields})


class ProjectWindow:
    """A session with its controller, and everything that the controller emitted; ``messages`` has notices too."""

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
        self.controller.saveFailed.connect(self.errors.append)
        self.found_projects: list[FoundProject] = []
        self.controller.projectQuestionAsked.connect(self.found_projects.append)
        self.notices = self.controller.safety.notices
        self.notices.changed.connect(self._on_notices_changed)
        self.controller.replaceConfirmationRequested.connect(self.questions.append)
        self.controller.videoLocationRequested.connect(self.missing_videos.append)
        self.controller.videoRequested.connect(self.requested_videos.append)

    def _on_notices_changed(self) -> None:
        self.messages += [notice.text for notice in self.notices.all if notice.text not in self.messages]

    def move(self, by: float = 1.0) -> None:
        """Move the first box of frame 0 to the right."""
        box = self.session.ground_truth.boxes(0)[0]
        x1, y1, x2, y2 = box.rect
        self.session.execute(SetRects(((box.id, (x1 + by, y1, x2 + by, y2)),)), "Move box")
