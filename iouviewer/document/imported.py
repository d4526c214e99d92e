"""The result of reading a file, before the import: boxes in columns and all other information in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from iouviewer.document.attributes import AttributeSet
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.kept_source import SourceTexts
from iouviewer.document.sources import ImageTable
from iouviewer.metrics.table import Float, Int


class ImportKind(StrEnum):
    """Whether the boxes of a file are ground truth or predictions; UNKNOWN where the user must choose."""

    GROUND_TRUTH = "ground_truth"
    PREDICTIONS = "predictions"
    UNKNOWN = "unknown"


class StatedFact(str):
    """A note on what the file says, its format defines or the user chose; ``--strict`` does not refuse it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not read: its location and the reason."""

    path: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else str(self.path)
        return f"{place}: {self.reason}"


def digest_of(boxes: ImportedBoxes) -> str:
    """SHA-256 of the columns and classes that a reader gave, to recognise that it reads the file as before."""
    digest = hashlib.sha256("\0".join(boxes.class_names).encode("utf-8", "surrogatepass"))
    for column in (boxes.frames, boxes.boxes, boxes.class_ids, boxes.track_ids, boxes.flags):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


class Location(NamedTuple):
    """Where a row is: file, line (from 1; None where the format has no lines), and element (``shapes[3]``)."""

    path: Path
    line: int | None = None
    element: str = ""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a file says about the video that its boxes belong to; None or empty where it says nothing.

    Attributes:
        fps: frame rate in which the file counts frames.
        video_name: file name of the video.
        last_frame: last 0-based frame that the file says was labelled.
        has_times: whether the file gives a time for each of its frames, so that ``use_times`` can place them.
    """

    fps: float | None = None
    video_name: str = ""
    last_frame: int | None = None
    has_times: bool = False


@dataclass(frozen=True, slots=True)
class ImportedBoxes:
    """Boxes of one file (or folder) in file order, frames 0-based, pixels as docs/formats.md specifies.

    Attributes:
        format: key of the format in the registry, for example ``mot``.
        frames: (N,) int64.
        boxes: (4, N) float64, rows x1, y1, x2, y2.
        class_ids: (N,) int64, index into ``class_names``; -1 where the file has no class.
        class_names: all classes of the file's table, those without boxes included.
        class_numbers: the file's own number of each class, None where it numbers none.
        class_kind: what these numbers are.
        classes_are_named: False where the names are only numbers.
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
        images: the images that the file lists, with its names, ids and sizes; empty where it lists none.
        facts: what else the file says about its video.
        stride_applied, rate_applied: the reader itself took the frame step or frame rate of the options into account.
        assumed_images: SHA-256 of the file where it has only image ids, whose frames were assumed because no ground
            truth lists these images; empty: nothing was assumed.
        areas: (N,) float64, areas of ground truth that the file states, square pixels, NaN where it states none; None:
            it states none at all.
        refused: rows that were not read. The importer asks before it imports the others.
        frame_base: number that the file gives to the first frame; None where it does not number frames.
        notes: what the reader assumed, one sentence each; ``StatedFact`` where it assumed nothing.
        attribute_sets: the sets of free attributes to which ``flags`` refer (``document.attributes``).
        refused_shapes: how many of the refused rows are shapes, whose envelopes can be read on request.
        columns: what the columns of a table were read as (``formats.columns``); empty for other files.
        texts: the files as they were read, where the context asks for them.
        places: (N,) where each row is in the files, where the context asks for it.
        rows: (N,) int64, row of the reader of each box; None: all, in order.
        read_count: number of rows that the reader gave, where the texts are kept.
        texts_classes: whether the file itself has classes; else its one class was given when it was read.
        shift: added to the frames since the reader gave them.
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
    images: ImageTable = field(default_factory=ImageTable)
    facts: VideoFacts = field(default_factory=VideoFacts)
    stride_applied: bool = False
    rate_applied: bool = False
    assumed_images: str = ""
    areas: Float | None = None
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()
    class_numbers: tuple[int, ...] | None = None
    class_kind: NumberKind = NumberKind.NONE
    classes_are_named: bool = True
    attribute_sets: tuple[AttributeSet, ...] = ()
    frame_base: int | None = None
    columns: str = ""
    refused_shapes: int = 0
    texts: SourceTexts | None = None
    places: tuple[Location, ...] | None = None
    rows: Int | None = None
    read_count: int | None = None
    texts_classes: bool = True
    shift: int = 0

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def classes(self) -> ClassTable:
        """The file's class table."""
        return ClassTable.of(self.class_names, self.class_numbers, self.class_kind, named=self.classes_are_named)

    def with_class(self, name: str | None) -> ImportedBoxes:
        """The boxes with this class if the file has no classes; None and the empty name change nothing."""
        if not name or self.class_names:
            return self
        return replace(self, class_names=(name,), class_ids=np.zeros(len(self), np.int64), texts_classes=False)

    def shifted(self, by: int) -> ImportedBoxes:
        """A copy with ``by`` added to every frame number."""
        labelled = None if self.labelled is None else self.labelled + by
        covered = None if self.covered is None else self.covered + by
        images = replace(self.images, frames=tuple(frame + by for frame in self.images.frames))
        return replace(
            self,
            frames=self.frames + np.int64(by),
            labelled=labelled,
            covered=covered,
            images=images,
            shift=self.shift + by,
        )
