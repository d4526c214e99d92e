"""What the worker needs of a detector, whatever library runs it."""

from __future__ import annotations

from typing import Protocol

from iouviewer.document.sources import Picture
from iouviewer.errors import UserError
from iouviewer.inference.protocol import Detections, Failed, FailureKind, LoadModel, ModelLoaded


class DetectorError(UserError):
    """A detector cannot be loaded or run; ``kind`` says why, ``sha256`` names the content that is not trusted."""

    def __init__(
        self, kind: FailureKind, message: str, *, path: str = "", remedy: str = "", sha256: str = "", detail: str = ""
    ) -> None:
        super().__init__(message, path=path or None, remedy=remedy)
        self.kind = kind
        self.sha256 = sha256
        self.detail = detail

    def as_message(self) -> Failed:
        """The same for the other side."""
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

    def detect(self, picture: Picture, frame: int) -> Detections:
        """Boxes on one picture; DetectorError where the runtime gives up, for example for want of memory."""
        ...

    def close(self) -> None:
        """Give back what was borrowed from the disk."""
        ...


class LoadDetector(Protocol):
    """Makes a detector; DetectorError where it cannot."""

    def __call__(self, request: LoadModel) -> Detector: ...
