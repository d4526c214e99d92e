"""What a reader hands over: boxes in columns, with all that the file said about them, before anything is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.metrics.table import Float, Int


class Kind(StrEnum):
    """What the boxes of a file are; UNKNOWN where the file does not say and the user is asked."""

    GROUND_TRUTH = "ground_truth"
    PREDICTIONS = "predictions"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not read: where it stands and why."""

    path: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else str(self.path)
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportedBoxes:
    """Boxes of one file (or folder) in file order, frames 0-based, pixels as formats.md says.

    Attributes:
        format: key of the format in the registry, for example ``mot``.
        frames: (N,) int64.
        boxes: (4, N) float64, rows x1, y1, x2, y2.
        class_ids: (N,) int64, index into ``class_names``; -1 where the file has no class.
        scores: (N,) float64, or None where the file has none.
        track_ids: (N,) int64, -1 for none.
        flags: (N,) int64 of document.boxes.BoxFlag.
        labelled: frames (int64) that the file says are labelled; None: every frame of the video.
        frame_count: what the file says (MOT seqLength), or None.
        size: (width, height) of the pictures where the file says, else None.
        score_floor: the lowest score that the run would have kept where the file says so, else None.
        cap: most boxes a frame that the run would have kept where the file says so, else None.
        covered: frames (int64) the run looked at, None: all.
        protocol: what else the file says of the run (model, hash, image size ...).
        refused: rows that were not read. The importer asks before it takes the rest.
        notes: what was assumed, one sentence each, for the import sheet.
    """

    path: Path
    format: str
    kind: Kind
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
    cap: int | None = None
    covered: Int | None = None
    protocol: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    def shifted(self, by: int) -> ImportedBoxes:
        """The same boxes with ``by`` added to every frame number."""
        labelled = None if self.labelled is None else self.labelled + by
        covered = None if self.covered is None else self.covered + by
        return replace(self, frames=self.frames + np.int64(by), labelled=labelled, covered=covered)
