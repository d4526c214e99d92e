"""Types that all formats share: format description, read context, detection result, and the boxes given to a writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from iouviewer.document.imported import ImportKind
from iouviewer.metrics.table import Float, Int

UNSPECIFIED_NAME = "unspecified"
"""Class name written for boxes without a class in formats that require one; read back as no class."""


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A format as shown in menus.

    Attributes:
        key: short name for scripts, for example ``mot``.
        name: name for people.
        extensions: file name endings with their dot; empty for folders.
        can_write: False for formats that are only read.
        is_folder: whether the format is written as a folder of files.
        can_read: False for score CSV, which is recognised only to explain why it cannot be read.
    """

    key: str
    name: str
    extensions: tuple[str, ...]
    can_write: bool
    is_folder: bool
    can_read: bool = True


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What the reader knows besides the file: the open video, and choices of the user.

    Attributes:
        size: (width, height) of the frames in pixels; required by YOLO and Label Studio.
        frame_count: number of frames of the video.
        video_stem: file name of the video without its ending; selects one video in files that hold several.
        image_names: file names of an image folder in frame order.
        frame_base: number that the file gives to the first frame; None: the format's default.
        kind: what the boxes are, as chosen by the user; None or UNKNOWN: as the file says.
        class_names: known classes, for files whose classes are numbers.
        missing: state of a frame without a file or entry; None: the format's default (docs/formats.md).
        stride: frame step of the run that made the file (ultralytics ``vid_stride``).
        class_name: class of all boxes of a file without classes.
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    video_stem: str | None = None
    image_names: Sequence[str] | None = None
    frame_base: int | None = None
    kind: ImportKind | None = None
    class_names: Sequence[str] | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    stride: int | None = None
    class_name: str | None = None

    def kind_or(self, found: ImportKind) -> ImportKind:
        """The kind given by the user, otherwise the one found in the file."""
        return found if self.kind in (None, ImportKind.UNKNOWN) else self.kind or found


@dataclass(frozen=True, slots=True)
class DetectedFormat:
    """The format that a file seems to have.

    Attributes:
        format: key of the format; ``score_csv`` for a file with scores and no boxes.
        certainty: 0..1.
        reason: the evidence, as text for the user.
    """

    format: str
    kind: ImportKind
    certainty: float
    reason: str


@dataclass(frozen=True, slots=True)
class BoxesToWrite:
    """Boxes of one source for a writer; frames 0-based, rows in output order.

    Attributes:
        frames: (N,) int64.
        boxes: (4, N) float64, rows x1, y1, x2, y2, pixels.
        class_ids: (N,) int64, index into ``class_names``, -1 for none.
        scores: (N,) float64 for predictions, None for ground truth.
        track_ids: (N,) int64, -1 for none.
        flags: (N,) int64 of document.boxes.BoxFlag.
        size: (width, height) of the frames in pixels.
        labelled: frames (int64) that are labelled, or that a run covered; None: all.
        video_name: file name of the video, for formats that store it.
        protocol: settings of the run that made the predictions (COCO only).
        image_names: file names of an image folder in frame order, for formats with one file per image.
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

    def image_name(self, frame: int, default: str) -> str:
        """File name of the image of a frame, ``default`` where the source is not an image folder."""
        if self.image_names is None or frame >= len(self.image_names):
            return default
        return self.image_names[frame]


class Location(NamedTuple):
    """Where a row is: file, line (from 1; None where the format has no lines), and element (``shapes[3]``)."""

    path: Path
    line: int | None = None
    element: str = ""
