"""The interface between the worker and a detector, independent of the library that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.inference.protocol import (
    Detections,
    Exported,
    ExportModel,
    ExportProgress,
    Failed,
    FailureKind,
    LoadModel,
    ModelLoaded,
)


class DetectorError(UserError):
    """A detector cannot be loaded or run; ``kind`` says why, ``sha256`` identifies content that is not trusted."""

    def __init__(
        self, kind: FailureKind, message: str, *, path: str = "", remedy: str = "", sha256: str = "", detail: str = ""
    ) -> None:
        super().__init__(message, path=path or None, remedy=remedy)
        self.kind = kind
        self.sha256 = sha256
        self.detail = detail

    def to_message(self) -> Failed:
        """The error as a message to the program."""
        return Failed(
            kind=self.kind,
            message=self.message,
            remedy=self.remedy,
            detail=self.detail,
            path=str(self.path or ""),
            sha256=self.sha256,
        )


class Detector(Protocol):
    """A loaded model."""

    @property
    def info(self) -> ModelLoaded: ...

    @property
    def inputs(self) -> list[tuple[int, int]]:
        """Each (height, width) of the network's input since the first ``detect``, pixels; empty if unknown."""
        ...

    def detect(self, image: FrameImage, frame: int) -> Detections:
        """Boxes on one frame; DetectorError if the runtime fails, for example because memory runs out."""
        ...

    def detect_as_val(self, image: FrameImage, frame: int, shape: tuple[float, float]) -> Detections:
        """Boxes on one frame as ``yolo val`` finds them, not cut at the image edges; ``shape`` as in ``Predict``."""
        ...

    def close(self) -> None:
        """Delete temporary files."""
        ...


class LoadDetector(Protocol):
    """Loads a detector; DetectorError if that fails."""

    def __call__(self, request: LoadModel) -> Detector: ...


class WriteModel(Protocol):
    """Writes a checkpoint in another format; DetectorError if that fails."""

    def __call__(
        self,
        command: ExportModel,
        images: Iterator[tuple[int, FrameImage]],
        report: Callable[[ExportProgress], None],
        /,
    ) -> Exported:
        """Write the model into the folder of the request.

        Args:
            images: calibration frames with their numbers; frames that cannot be read are left out.
            report: takes the progress.
        """
        ...
