"""What every format shares: the reading context, what is found in a file, and the boxes handed to a writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from iouviewer.document.imported import Kind
from iouviewer.metrics.table import Float, Int

UNSPECIFIED_NAME = "unspecified"
"""Class name that formats which demand one give to boxes without a class; it is read back as no class."""


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A format as menus show it.

    Attributes:
        key: short name for scripts, for example ``mot``.
        name: for people.
        extensions: endings with their dot; empty for folders.
        can_read: False for score CSV, which is only recognised so that it can be refused well.
        is_folder: written as a folder of files.
    """

    key: str
    name: str
    extensions: tuple[str, ...]
    can_write: bool
    is_folder: bool
    can_read: bool = True


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What is known besides the file.

    Attributes:
        size: (width, height) of the pictures, needed by YOLO and Label Studio.
        frame_count: pictures of the video.
        video_stem: the video's file name without its ending; tells one video's rows from another's.
        image_names: file names of an image folder in frame order.
        frame_base: number that the file gives the first picture; None: as the format says.
        kind: what the user says the boxes are; None or UNKNOWN: as the file says.
        class_names: known classes, for files whose classes are numbers.
        missing: what a frame without a file or entry is; None: as metrics.md says for the format.
        stride: every how many pictures the run looked (ultralytics ``vid_stride``).
        class_name: name for the boxes of a file without classes.
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    video_stem: str | None = None
    image_names: Sequence[str] | None = None
    frame_base: int | None = None
    kind: Kind | None = None
    class_names: Sequence[str] | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    stride: int | None = None
    class_name: str | None = None

    def kind_or(self, found: Kind) -> Kind:
        """The kind that the user gave, else the one found in the file."""
        return found if self.kind in (None, Kind.UNKNOWN) else self.kind or found


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file seems to be.

    Attributes:
        format: key of the format; ``score_csv`` for a file that holds scores and no boxes.
        certainty: 0..1.
        reason: what it was recognised by, for people.
    """

    format: str
    kind: Kind
    certainty: float
    reason: str


@dataclass(frozen=True, slots=True)
class BoxesToWrite:
    """Boxes of one source for a writer; frames 0-based, in the order in which they are to stand.

    Attributes:
        frames: (N,) int64.
        boxes: (4, N) float64, rows x1, y1, x2, y2, pixels.
        class_ids: (N,) int64, index into ``class_names``, -1 for none.
        scores: (N,) float64 for predictions, None for ground truth.
        track_ids: (N,) int64, -1 for none.
        flags: (N,) int64 of document.boxes.BoxFlag.
        size: (width, height) of the pictures.
        labelled: frames (int64) that are labelled, or that a run covered; None: all.
        video_name: file name of the video, for formats that name it.
        protocol: settings of the run that made the predictions (COCO only).
        image_names: file names of an image folder in frame order, for formats of one file an image.
    """

    frames: Int
    boxes: Float
    class_ids: Int
    class_names: Sequence[str]
    scores: Float | None
    track_ids: Int
    flags: Int
    size: tuple[int, int]
    frame_count: int
    labelled: Int | None = None
    video_name: str = ""
    protocol: Mapping[str, Any] = field(default_factory=dict)
    image_names: Sequence[str] | None = None

    def class_of(self, row: int) -> str:
        """Class name of a row, ``UNSPECIFIED_NAME`` for none."""
        index = int(self.class_ids[row])
        return self.class_names[index] if index >= 0 else UNSPECIFIED_NAME


class Place(NamedTuple):
    """Where a row stands: file, line (from 1) if there are lines, and a path within the file (``shapes[3]``)."""

    path: Path
    line: int | None = None
    within: str = ""
