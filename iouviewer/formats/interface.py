"""Types that all formats share: format description, read context, detection result, and the boxes given to a writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from iouviewer.document.attributes import AttributeSet, attributes_of
from iouviewer.document.classes import NumberKind
from iouviewer.document.imported import ImportKind, Location
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Float, Int
from iouviewer.path_texts import change_texts, path_text, text_path

__all__ = [
    "OPTIONS_FOR_FILES",
    "UNSPECIFIED_NAME",
    "BoxesToWrite",
    "Choice",
    "DetectedFormat",
    "Location",
    "ReadContext",
    "UncertainReadingError",
    "choose_remedy",
    "command_option",
]

UNSPECIFIED_NAME = "unspecified"
"""Class name written for boxes without a class in formats that require one; read back as no class."""


OPTIONS_FOR_FILES = ("--frame-base", "--stride", "--file-fps", "--file-size", "--shift", "--columns")
"""Options of the command line that may name the file they are for."""


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What the reader knows besides the file: the open video, and choices of the user.

    Attributes:
        size: (width, height) of the frames in pixels; required by YOLO and Label Studio.
        frame_count: number of frames of the video.
        video_stem: file name of the video without its ending; selects one video in files that hold several.
        video_path: of the video, to recognise sequences of benchmarks; empty if unknown.
        fingerprint: of the video's content; empty if unknown.
        image_names: file names of an image folder in frame order.
        frame_base: number that the file gives to the first frame; None: the format's default.
        kind: what the user says the boxes are; None or UNKNOWN: as the file says.
        missing: state of a frame without a file or entry; None: the format's default (docs/formats.md).
        stride: frame step of the run that made the file (ultralytics ``vid_stride``).
        class_name: class of all boxes of a file without classes.
        image_sizes: (width, height) of each image of an image folder; None where all have ``size``.
        listed_images: images that the ground truth lists; results are joined through their ids and names.
        fps: frame rate of the video, None if unknown.
        task: name of the video or task to read, for files that hold several.
        name_number: which number in a file name is the frame: from 1, or from the end from -1; None: it is found.
        scale_boxes: scale boxes from the frame size that the file states to that of the video.
        file_size: frame size that the boxes of the file refer to, where it states none; they are scaled.
        use_times: place boxes by the times in the file instead of its frame numbers.
        file_fps: frame rate in which the file counts frames; None: that of the video.
        images_by: ``id`` or ``name``, where ids and file names of a results list mean different images.
        is_complete: the whole video is indexed, so ``frame_count`` is final.
        accept_differences: read the file as it is although it states other facts than the video.
        trust_columns: read columns as the format defines them, even where that is not plausible.
        voc_one_based: pixels of Pascal VOC files start at 1 and include the last one.
        shapes: what to do with polygons, masks, rotated boxes and points: read their envelopes, leave them out, or ask.
        columns: what the columns of a table are (``formats.columns``); empty: as remembered, else as its header says.
        remembered_columns: the same by header (``columns.header_key``), as chosen for earlier tables.
        keep_texts: keep the files as they are read (``ImportedBoxes.texts``).
        with_places: say where each row is in the files (``ImportedBoxes.places``).
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    video_stem: str | None = None
    video_path: str = ""
    fingerprint: str = ""
    image_names: Sequence[str] | None = None
    frame_base: int | None = None
    kind: ImportKind | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    stride: int | None = None
    class_name: str | None = None
    image_sizes: Sequence[tuple[int, int]] | None = None
    listed_images: ImageTable | None = None
    fps: float | None = None
    task: str | None = None
    name_number: int | None = None
    scale_boxes: bool = False
    file_size: tuple[int, int] | None = None
    use_times: bool = False
    file_fps: float | None = None
    images_by: Literal["id", "name"] | None = None
    is_complete: bool = True
    accept_differences: bool = False
    trust_columns: bool = False
    voc_one_based: bool = False
    shapes: Literal["envelope", "skip"] | None = None
    columns: str = ""
    remembered_columns: Mapping[str, str] = field(default_factory=dict)
    keep_texts: bool = False
    with_places: bool = False

    def size_of(self, frame: int) -> tuple[int, int] | None:
        """(width, height) of a frame; None if unknown."""
        if self.image_sizes is not None and 0 <= frame < len(self.image_sizes) and self.image_sizes[frame][0]:
            return self.image_sizes[frame]
        return self.size

    def kind_or(self, found: ImportKind) -> ImportKind:
        """The kind given by the user, otherwise the one found in the file."""
        return found if self.kind in (None, ImportKind.UNKNOWN) else self.kind or found


def encode_context(context: ReadContext) -> bytes:
    """A context as JSON, from which ``decode_context`` makes it again; paths may have bytes that are not UTF-8."""
    return msgspec.json.encode(change_texts(msgspec.to_builtins(context), path_text))


def decode_context(data: bytes) -> ReadContext:
    """The context that was encoded."""
    return msgspec.convert(change_texts(msgspec.json.decode(data), text_path), ReadContext)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways to read a file.

    Attributes:
        text: for the Open dialog.
        option: the same choice on the command line.
        changes: fields of ``ReadContext`` that make it.
    """

    text: str
    option: str
    changes: Mapping[str, Any]

    def for_file(self, name: str) -> Choice:
        """The same choice with an option that holds for the file of this name alone, where it can."""
        option, space, value = self.option.partition(" ")
        return replace(self, option=f"{option} {name}={value}") if space and option in OPTIONS_FOR_FILES else self


def command_option(name: str, value: object) -> str:
    """An option of the command line with its value."""
    return " ".join((name, str(value)))


class UncertainReadingError(UserError):
    """A file that can be read in several ways; the user must choose one.

    Attributes:
        choices: the ways, best first; empty where the files themselves must be changed.
    """

    def __init__(
        self, message: str, *, choices: Sequence[Choice] = (), path: Path | str | None = None, remedy: str = ""
    ) -> None:
        if choices and not remedy:
            remedy = choose_remedy(choices)
        super().__init__(message, path=path, remedy=remedy)
        self.choices = tuple(choices)

    def for_file(self, name: str) -> UncertainReadingError:
        """The same error with options that hold for the file of this name alone; empty: for all files."""
        if not name or not self.choices:
            return self
        choices = [choice.for_file(name) for choice in self.choices]
        is_listed = self.remedy == choose_remedy(self.choices)
        return UncertainReadingError(
            self.message, choices=choices, path=self.path, remedy="" if is_listed else self.remedy
        )


def choose_remedy(choices: Sequence[Choice]) -> str:
    """The options of all choices, each with what it does."""
    options = ", ".join(
        tr("{option} ({text})", option=choice.option, text=choice.text) if choice.text else choice.option
        for choice in choices
    )
    return tr("Choose with: {options}", options=options)


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
        image_sizes: (width, height) of each image in frame order; None where all have ``size``.
        areas: (N,) float64, areas that the ground truth states (COCO), square pixels, NaN or None: width x height.
        attribute_sets: the sets of free attributes to which ``flags`` refer.
        image_ids: what annotation files call the image of each frame, None where unknown.
        class_numbers: the number of each class in the file that it came from, below 0 for none; None: no numbers.
        class_kind: what these numbers are.
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
    image_sizes: Sequence[tuple[int, int]] | None = None
    areas: Float | None = None
    attribute_sets: tuple[AttributeSet, ...] = ()
    image_ids: Sequence[int | str | None] | None = None
    class_numbers: tuple[int, ...] | None = None
    class_kind: NumberKind = NumberKind.NONE

    def numbers_of_classes(self, kind: NumberKind) -> list[int]:
        """A number from 1 for each class: its own where it has one of this kind, else the next free one."""
        own = self.class_numbers if self.class_kind is kind else None
        known = [number if number >= 1 else 0 for number in own or ()]
        if len(known) != len(self.class_names) or len(set(known) - {0}) < sum(map(bool, known)):
            known = [0] * len(self.class_names)
        following = max(known, default=0)
        result = []
        for number in known:
            following += not number
            result.append(number or following)
        return result

    def ids_of_images(self, frames: Iterable[int]) -> dict[int, int | str]:
        """What an annotation file calls the image of each frame: the ids of the source where all are known."""
        listed, ids = list(frames), self.image_ids or ()
        known = {frame: ids[frame] for frame in listed if frame < len(ids)}
        own = {frame: found for frame, found in known.items() if found is not None}
        return own if len(own) == len(listed) else {frame: frame + 1 for frame in listed}

    def attributes_of(self, row: int) -> AttributeSet:
        """The free attributes of a row, sorted by name."""
        return attributes_of(int(self.flags[row]), self.attribute_sets)

    def of_frames(self, frames: Int) -> BoxesToWrite:
        """The boxes of some frames only; the other frames become unlabelled.

        Args:
            frames: (n,) int64, ascending, each once.
        """
        rows = np.isin(self.frames, frames)
        labelled = frames if self.labelled is None else np.intersect1d(self.labelled, frames)
        return replace(
            self,
            frames=self.frames[rows],
            boxes=np.ascontiguousarray(self.boxes[:, rows]),
            class_ids=self.class_ids[rows],
            scores=None if self.scores is None else self.scores[rows],
            track_ids=self.track_ids[rows],
            flags=self.flags[rows],
            labelled=labelled,
            areas=None if self.areas is None else self.areas[rows],
        )

    def size_of(self, frame: int) -> tuple[int, int]:
        """(width, height) of a frame."""
        if self.image_sizes is not None and frame < len(self.image_sizes) and self.image_sizes[frame][0]:
            return self.image_sizes[frame]
        return self.size

    def sizes_of_rows(self) -> Float:
        """(2, N) float64, width and height of the frame of each row."""
        if self.image_sizes is None:
            return np.repeat(np.array(self.size, np.float64)[:, None], len(self.frames), axis=1)
        sizes = [self.size_of(frame) for frame in np.asarray(self.frames).tolist()]
        return np.array(sizes, np.float64).reshape(-1, 2).T

    def class_of(self, row: int) -> str:
        """Class name of a row, ``UNSPECIFIED_NAME`` for none."""
        index = int(self.class_ids[row])
        return self.class_names[index] if index >= 0 else UNSPECIFIED_NAME

    def image_name(self, frame: int, default: str) -> str:
        """File name of the image of a frame, ``default`` where the source is not an image folder."""
        if self.image_names is None or frame >= len(self.image_names):
            return default
        return self.image_names[frame] or default
