"""The result of reading a file, before the import: boxes in columns and all other information in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.metrics.table import Float, Int


class ImportKind(StrEnum):
    """Whether the boxes of a file are ground truth or predictions; UNKNOWN where the user must choose."""

    GROUND_TRUTH = "ground_truth"
    PREDICTIONS = "predictions"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not read: its location and the reason."""

    path: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else str(self.path)
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportedBoxes:
    """Boxes of one file (or folder) in file order, frames 0-based, pixels as docs/formats.md specifies.

    Attributes:
        format: key of the format in the registry, for example ``mot``.
        frames: (N,) int64.
        boxes: (4, N) float64, rows x1, y1, x2, y2.
        class_ids: (N,) int64, index into ``class_names``; -1 where the file has no class.
        scores: (N,) float64, or None where the file has none.
        track_ids: (N,) int64, -1 for none.
        flags: (N,) int64 of document.boxes.BoxFlag.
        labelled: frames (int64) that are labelled according to the file; None: every frame of the video.
        frame_count: number of frames according to the file (MOT seqLength), or None.
        size: (width, height) of the frames where the file states it, else None.
        score_floor: the lowest score that the run could keep where the file states it, else None.
        max_detections: most boxes per frame that the run could keep where the file states it, else None.
        covered: frames (int64) that the run processed, None: all.
        protocol: other facts of the run in the file (model, hash, image size ...).
        refused: rows that were not read. The importer asks before it imports the others.
        notes: assumptions, one sentence each, for the import dialog.
    """

    path: Path
    format: str
    kind: ImportKind
    frames: Int
    boxes: Float
    class_ids: Int
    class_names: tuple[str, ...]
    scores: Float | None
    track_ids: Int
    flags: Int
    labelled: Int | None = None
    frame_count: int | None = None
    size: tuple[int, int] | None = None
    score_floor: float | None = None
    max_detections: int | None = None
    covered: Int | None = None
    protocol: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    def shifted(self, by: int) -> ImportedBoxes:
        """A copy with ``by`` added to every frame number."""
        labelled = None if self.labelled is None else self.labelled + by
        covered = None if self.covered is None else self.covered + by
        return replace(self, frames=self.frames + np.int64(by), labelled=labelled, covered=covered)
