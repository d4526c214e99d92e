"""Arguments of jobs: what the window opens, how models run, and how progress is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from iouviewer.errors import UserError
from iouviewer.i18n import tr

NamedPath = tuple[str, Path]
"""A variant's name and its file or folder."""


class ProgressCallback(Protocol):
    """Receives the number of finished steps, their total and a label for the step in progress."""

    def __call__(self, done: int, total: int, label: str = "") -> None: ...


def no_progress(done: int, total: int, label: str = "") -> None:
    """Ignore progress: the default of every job."""


class CancelledError(UserError):
    """The caller's ``cancelled`` returned True; nothing was kept."""


Cancelled = Callable[[], bool]
"""Asked between steps; True ends the work with ``CancelledError``."""


def watched(progress: ProgressCallback, cancelled: Cancelled | None) -> ProgressCallback:
    """``progress`` that ends the work when ``cancelled`` says so."""

    def report_progress(done: int, total: int, label: str = "") -> None:
        if cancelled is not None and cancelled():
            raise CancelledError(tr("cancelled"))
        progress(done, total, label)

    return report_progress


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Everything that the window opens at start. Paths are absolute and existed when the request was made.

    Attributes:
        video: the video; None for an empty window, or where the project names the video.
        gt: ground truth to import.
        preds: prediction files, one variant each.
        models: weights to run on the video, one variant each.
        project: project file to open, or to create if it does not exist yet.
        demo: open the bundled sample; the other fields are empty.
        dataset: dataset to open; the other fields are empty.
    """

    video: Path | None = None
    gt: Path | None = None
    preds: tuple[NamedPath, ...] = ()
    models: tuple[NamedPath, ...] = ()
    project: Path | None = None
    demo: bool = False
    dataset: Path | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Settings of a model run.

    Attributes:
        floor: lowest score that the run stores.
        nms_iou: IoU threshold of non-maximum suppression.
        max_det: maximum number of detections in a frame.
        imgsz: input size in pixels; None: the size stored in the weights.
        device: ``cpu`` or the number of a GPU.
    """

    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str = "cpu"
