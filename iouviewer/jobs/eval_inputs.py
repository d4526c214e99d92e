"""Reads the inputs of an evaluation: source, ground truth and predictions, matched by frame number and class name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    Attributes:
        size: (width, height) in pixels, if there is no video.
        frame_count: number of frames, if there is no video.
        class_name: class of the boxes in files without classes.
        class_map: class of the predictions -> class of the ground truth.
        frame_base: number of the first frame in the files; None: the format's default.
        missing: state of frames that the ground-truth file does not mention; None: the format's default.
        skip_bad_rows: skip rows that cannot be read instead of refusing the file.
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    class_name: str | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    frame_base: int | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    skip_bad_rows: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth on the frames of the source.

    Attributes:
        labelled: (F,) bool.
        class_names: index = class id; empty if neither the file nor the options give a class.
        tracks: (M,) int64, track of each row of the table, -1 for none.
        skipped: number of rows skipped on request.
        excluded: (F,) bool, frames excluded by the user; None: no frame.
    """

    table: BoxTable
    labelled: Bool
    class_names: tuple[str, ...]
    tracks: Int
    skipped: int = 0
    excluded: Bool | None = None

    def states(self, frames: Int) -> list[str]:
        """``labelled``, ``unlabelled`` or ``excluded`` for each of ``frames``."""
        excluded = np.zeros(len(self.labelled), np.bool_) if self.excluded is None else self.excluded
        names = np.where(excluded, "excluded", np.where(self.labelled, "labelled", "unlabelled"))
        states: list[str] = names[frames].tolist()
        return states

    def counted_boxes(self) -> Int:
        """(F,) int64, number of boxes in each frame that are not ignored."""
        return np.bincount(self.table.frame_of_row()[~self.table.ignored], minlength=self.table.frame_count)

    def class_text(self, class_id: int) -> str:
        """Name of a class; empty for an unspecified class."""
        return self.class_names[class_id] if class_id != UNSPECIFIED_CLASS else ""


@dataclass(frozen=True, slots=True)
class VariantInput:
    """Predictions of one variant on the frames and classes of the ground truth.

    Attributes:
        dropped_classes: class name -> number of predictions dropped because the ground truth lacks the class.
        skipped: number of rows skipped on request.
    """

    name: str
    predictions: PredictionSet
    dropped_classes: Mapping[str, int]
    skipped: int = 0


@dataclass(frozen=True)
class EvalInputs:
    """All inputs of one video, ready to be scored.

    Attributes:
        frames: (n,) int64, selected frames.
        variants: in the order in which they were given.
        single_images: the frames are images without a time base, not a sequence.
    """

    source: Source
    truth: Truth
    frames: Int
    variants: list[VariantInput]
    single_images: bool = False

    @property
    def labelled(self) -> Bool:
        """(F,) bool, selected labelled frames."""
        return self.truth.labelled & frame_mask(self.frames, self.truth.table.frame_count)


def frame_mask(frames: Int | None, frame_count: int) -> Bool:
    """(F,) bool from frame numbers; numbers outside the source are ignored, None selects all frames."""
    if frames is None:
        return np.ones(frame_count, np.bool_)
    mask = np.zeros(frame_count, np.bool_)
    mask[frames[(frames >= 0) & (frames < frame_count)]] = True
    return mask


def has_single_images(source: Source) -> bool:
    """Whether a document's source is a folder of images without a time base."""
    return source.fps == 0 and bool(source.path) and Path(source.path).is_dir()


def read_source(video: Path | None, options: ReadOptions) -> tuple[Source, ReadContext]:
    """Open the video and return its properties and the context for reading box files.

    Without a video, size and frame count come from the options. Unknown values are 0 in the source and None in the
    context. ``image_names`` of the context is None unless the video is an image or a folder of images.
    """
    if video is None:
        width, height = options.size or (0, 0)
        source = Source(0, tr("(no video)"), "", width, height, options.frame_count or 0)
        context = ReadContext(size=options.size, frame_count=options.frame_count)
    else:
        from iouviewer.video import open_video
        from iouviewer.video.image_files import list_images
        from iouviewer.video.image_reader import ImageReader

        reader = open_video(video)
        try:
            names = tuple(path.name for path in list_images(video)) if isinstance(reader, ImageReader) else None
            source = Source(0, video.name, str(video), *reader.size, reader.frame_count, reader.fps)
            context = ReadContext(reader.size, reader.frame_count, video.stem, names)
        finally:
            reader.close()
    return source, replace(context, frame_base=options.frame_base, class_name=options.class_name)


def read_file(path: Path, context: ReadContext, options: ReadOptions, kind: ImportKind) -> ImportedBoxes:
    """Boxes of one file; UserError with the first bad row unless bad rows are skipped."""
    from iouviewer.formats.registry import read_boxes

    missing = options.missing if kind is ImportKind.GROUND_TRUTH else None
    boxes = read_boxes(path, replace(context, kind=kind, missing=missing))
    refuse_bad_rows(boxes, options)
    return boxes


def refuse_bad_rows(boxes: ImportedBoxes, options: ReadOptions) -> None:
    """UserError with the first refused row and the number of others, unless bad rows are skipped."""
    if boxes.refused and not options.skip_bad_rows:
        first, others = boxes.refused[0], len(boxes.refused) - 1
        message = first.reason
        if others:
            message = tr_n(
                "{reason} (and {count} more row)", "{reason} (and {count:,} more rows)", others, reason=message
            )
        remedy = tr("Correct the file, or skip such rows with --skip-bad-rows.")
        raise UserError(message, path=first.path, line=first.line, remedy=remedy)


def source_frame_count(context: ReadContext, truth: ImportedBoxes) -> int:
    """Number of frames: that of the video or the options, otherwise that of the ground-truth file."""
    count = context.frame_count if context.frame_count is not None else truth.frame_count
    if count is None:
        raise UserError(tr("the number of frames is not known"), remedy=tr("Give the video, or --count N."))
    return count


def truth_from(boxes: ImportedBoxes, frame_count: int, options: ReadOptions) -> Truth:
    """Ground truth by frame; UserError if a box lies on a frame outside the source."""
    outside = (boxes.frames < 0) | (boxes.frames >= frame_count)
    if outside.any() and not options.skip_bad_rows:
        raise UserError(
            tr_n(
                "{count} box lies outside frames 0–{last:,} (on frame {first:,})",
                "{count:,} boxes lie outside frames 0–{last:,} (the first on frame {first:,})",
                int(outside.sum()),
                last=frame_count - 1,
                first=int(boxes.frames[outside][0]),
            ),
            path=boxes.path,
            remedy=tr(
                "Check that the file belongs to this video; if its first frame has another number, give --frame-base."
            ),
        )
    # Files keep a track's boxes outside the image to preserve the track; a model cannot find them.
    keep = ~outside & ((boxes.flags & int(BoxFlag.OUTSIDE)) == 0)
    boxes = _with_default_class(boxes, options)
    table = BoxTable.from_rows(
        boxes.frames[keep],
        boxes.boxes[:, keep],
        frame_count=frame_count,
        class_ids=boxes.class_ids[keep],
        ignored=(boxes.flags[keep] & int(BoxFlag.IGNORED)) != 0,
        ids=np.arange(1, len(boxes) + 1, dtype=np.int64)[keep],
    )
    skipped = int(outside.sum()) + len(boxes.refused)
    tracks = np.asarray(boxes.track_ids, np.int64)[table.ids - 1]
    return Truth(table, frame_mask(boxes.labelled, frame_count), tuple(boxes.class_names), tracks, skipped)


def _map_classes(
    boxes: ImportedBoxes, truth_names: tuple[str, ...], options: ReadOptions
) -> tuple[dict[int, int], dict[str, int]]:
    """Map from the file's class ids to the ground truth's, and the number of dropped boxes by class name."""
    if not truth_names:  # ground truth without classes matches every class
        return dict.fromkeys(range(len(boxes.class_names)), UNSPECIFIED_CLASS), {}
    by_name = {name.casefold(): index for index, name in enumerate(truth_names)}
    mapped = {a.casefold(): b.casefold() for a, b in options.class_map.items()}
    ids: dict[int, int] = {}
    dropped: dict[str, int] = {}
    for index, name in enumerate(boxes.class_names):
        target = mapped.get(name.casefold(), name.casefold())
        if target in by_name:
            ids[index] = by_name[target]
        elif count := int(np.sum(boxes.class_ids == index)):
            dropped[name] = dropped.get(name, 0) + count
    return ids, dropped


def _with_default_class(boxes: ImportedBoxes, options: ReadOptions) -> ImportedBoxes:
    """The boxes with the class from the options if the file has no classes."""
    if boxes.class_names or options.class_name is None:
        return boxes
    return replace(boxes, class_names=(options.class_name,), class_ids=np.zeros(len(boxes), np.int64))


def variant_from(name: str, boxes: ImportedBoxes, truth: Truth, options: ReadOptions) -> VariantInput:
    """Predictions of one variant; UserError if a box lies on a frame outside the source."""
    from iouviewer.formats.registry import refuse_frames_outside

    frame_count = truth.table.frame_count
    boxes = _with_default_class(boxes, options)
    if options.skip_bad_rows:
        boxes = refuse_frames_outside(boxes, frame_count)
    ids, dropped = _map_classes(boxes, truth.class_names, options)
    predictions = PredictionSet.from_imported(boxes, frame_count, ids)
    return VariantInput(name, predictions, dropped, len(boxes.refused))


def check_class_map(options: ReadOptions, truth: Truth, predicted: set[str]) -> None:
    """UserError if ``--class-map A=B`` names a class that the predictions or the ground truth lack."""
    folded = {name.casefold() for name in predicted}
    known = {name.casefold() for name in truth.class_names}
    for a, b in options.class_map.items():
        if a.casefold() not in folded:
            raise UserError(
                tr("--class-map {a}={b}: no prediction has class {a!r}", a=a, b=b), remedy=_class_list(predicted)
            )
        if b.casefold() not in known:
            raise UserError(
                tr("--class-map {a}={b}: the ground truth has no class {b!r}", a=a, b=b), remedy=_class_list(known)
            )


def _class_list(names: set[str]) -> str:
    return tr("Classes: {names}", names=", ".join(sorted(names))) if names else tr("There are no classes")
