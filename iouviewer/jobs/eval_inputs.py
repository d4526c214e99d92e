"""From files to what the metrics take: frames, classes by name, covered frames, score floors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are to be read.

    Attributes:
        size: (width, height) where there is no video.
        frame_count: number of frames where there is no video.
        class_name: class of files that carry none.
        class_map: class of the predictions -> class of the ground truth.
        frame_base: number that the files give the first frame; None: as each format says.
        missing: what frames are of which the ground truth says nothing; None: as the format says.
        skip_bad_rows: leave out rows that cannot be read instead of refusing the file.
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    class_name: str | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    frame_base: int | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    skip_bad_rows: bool = False


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of the pictures.

    Attributes:
        size: (width, height) in pixels, None where nothing says.
        fps: frames a second, 0.0 without a time base.
        stem: file name without its ending, by which some formats tell one video's rows from another's.
        image_names: file names of a folder of pictures in frame order (none where files are not read by them), None for
            a video.
    """

    name: str
    frame_count: int | None
    size: tuple[int, int] | None
    fps: float = 0.0
    stem: str | None = None
    image_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth on the frames of the source.

    Attributes:
        labelled: (F,) bool.
        class_names: index = class id; empty where the file has no classes and none was named.
        tracks: (M,) int64, track of each row of the table, -1 for none.
        skipped: rows that were left out on request.
        excluded: (F,) bool, frames left out on purpose; None: none.
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
        found: list[str] = names[frames].tolist()
        return found

    def counted_boxes(self) -> Int:
        """(F,) int64: boxes of each frame that are not ignored."""
        return np.bincount(self.table.frame_of_row()[~self.table.ignored], minlength=self.table.frame_count)

    def class_text(self, class_id: int) -> str:
        """Name of a class, empty where it is unspecified."""
        return self.class_names[class_id] if class_id != UNSPECIFIED_CLASS else ""


@dataclass(frozen=True, slots=True)
class VariantInput:
    """Predictions of one variant on the frames and classes of the ground truth.

    Attributes:
        left_out: class name -> number of predictions whose class the ground truth does not know.
        skipped: rows that were left out on request.
    """

    name: str
    predictions: PredictionSet
    left_out: Mapping[str, int]
    skipped: int = 0


def facts_of(source: Source) -> SourceFacts:
    """What a document knows of a source; a folder of pictures without a time base holds single images."""
    images = source.fps == 0 and bool(source.path) and Path(source.path).is_dir()
    size = (source.width, source.height)
    return SourceFacts(source.name, source.frame_count, size, source.fps, image_names=() if images else None)


def source_facts(video: Path | None, options: ReadOptions) -> SourceFacts:
    """Facts of the video, or what the options say where there is none."""
    if video is None:
        return SourceFacts("(no video)", options.frame_count, options.size)
    from iouviewer.video import open_video
    from iouviewer.video.images import ImageReader
    from iouviewer.video.picture_files import pictures_of

    reader = open_video(video)
    try:
        names = tuple(path.name for path in pictures_of(video)) if isinstance(reader, ImageReader) else None
        return SourceFacts(video.name, reader.frame_count, reader.size, reader.fps, video.stem, names)
    finally:
        reader.close()


def read_file(path: Path, facts: SourceFacts, options: ReadOptions, kind: Kind) -> ImportedBoxes:
    """Boxes of one file; UserError naming the first bad row unless bad rows are to be skipped."""
    from iouviewer.formats.registry import ReadContext, read_boxes

    context = ReadContext(
        size=facts.size,
        frame_count=facts.frame_count,
        video_stem=facts.stem,
        image_names=facts.image_names,
        frame_base=options.frame_base,
        kind=kind,
        class_name=options.class_name,
        missing=options.missing if kind is Kind.GROUND_TRUTH else None,
    )
    boxes = read_boxes(path, context)
    refuse_bad_rows(boxes, options)
    return boxes


def refuse_bad_rows(boxes: ImportedBoxes, options: ReadOptions) -> None:
    """UserError with the first refused row and their number, unless they are to be skipped."""
    if boxes.refused and not options.skip_bad_rows:
        first, others = boxes.refused[0], len(boxes.refused) - 1
        more = f" ({others} more such rows)" if others else ""
        raise UserError(
            f"{first.reason}{more}",
            path=first.path,
            line=first.line,
            remedy="Mend the file, or leave such rows out with --skip-bad-rows",
        )


def _mask(frames: Int | None, frame_count: int) -> Bool:
    """(F,) bool of a list of frames; None means all."""
    if frames is None:
        return np.ones(frame_count, np.bool_)
    mask = np.zeros(frame_count, np.bool_)
    mask[frames[(frames >= 0) & (frames < frame_count)]] = True
    return mask


def frame_count_of(facts: SourceFacts, truth: ImportedBoxes) -> int:
    """Number of frames: the video's, else what was said, else what the ground truth says."""
    count = facts.frame_count if facts.frame_count is not None else truth.frame_count
    if count is None:
        raise UserError("how many frames there are is not known", remedy="Give the video, or --count N")
    return count


def truth_from(boxes: ImportedBoxes, frame_count: int, options: ReadOptions) -> Truth:
    """Ground truth by frame; UserError where a box lies on a frame that the source does not have."""
    outside = (boxes.frames < 0) | (boxes.frames >= frame_count)
    if outside.any() and not options.skip_bad_rows:
        raise UserError(
            f"{int(outside.sum())} boxes lie outside the frames 0 to {frame_count - 1}, the first on frame "
            f"{int(boxes.frames[outside][0])}",
            path=boxes.path,
            remedy="Is it another video, or does the file count from another number (--frame-base)?",
        )
    # A track's box that is outside the picture is kept in files for the track's sake; it is nothing to be found.
    keep = ~outside & ((boxes.flags & int(BoxFlag.OUTSIDE)) == 0)
    boxes = _named(boxes, options)
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
    return Truth(table, _mask(boxes.labelled, frame_count), tuple(boxes.class_names), tracks, skipped)


def _class_numbers(
    boxes: ImportedBoxes, truth_names: tuple[str, ...], options: ReadOptions
) -> tuple[dict[int, int], dict[str, int]]:
    """The ground truth's class for each class of the file, and how many boxes are left out by class name."""
    if not truth_names:  # the ground truth says nothing of classes, so it matches all
        return dict.fromkeys(range(len(boxes.class_names)), UNSPECIFIED_CLASS), {}
    by_name = {name.casefold(): index for index, name in enumerate(truth_names)}
    mapped = {a.casefold(): b.casefold() for a, b in options.class_map.items()}
    numbers: dict[int, int] = {}
    left_out: dict[str, int] = {}
    for index, name in enumerate(boxes.class_names):
        wanted = mapped.get(name.casefold(), name.casefold())
        if wanted in by_name:
            numbers[index] = by_name[wanted]
        elif count := int(np.sum(boxes.class_ids == index)):
            left_out[name] = left_out.get(name, 0) + count
    return numbers, left_out


def _named(boxes: ImportedBoxes, options: ReadOptions) -> ImportedBoxes:
    """A file without classes gets the one that the options name."""
    if boxes.class_names or options.class_name is None:
        return boxes
    return replace(boxes, class_names=(options.class_name,), class_ids=np.zeros(len(boxes), np.int64))


def variant_from(name: str, boxes: ImportedBoxes, truth: Truth, options: ReadOptions) -> VariantInput:
    """One variant's predictions; UserError where one lies on a frame that the source does not have."""
    from iouviewer.formats.registry import refuse_outside

    frame_count = truth.table.frame_count
    boxes = _named(boxes, options)
    if options.skip_bad_rows:
        boxes = refuse_outside(boxes, frame_count)
    numbers, left_out = _class_numbers(boxes, truth.class_names, options)
    predictions = PredictionSet.from_imported(boxes, frame_count, numbers)
    return VariantInput(name, predictions, left_out, len(boxes.refused))


def check_class_map(options: ReadOptions, truth: Truth, predicted: set[str]) -> None:
    """UserError where ``--class-map A=B`` names a class that no prediction, or no ground truth, has."""
    folded = {name.casefold() for name in predicted}
    known = {name.casefold() for name in truth.class_names}
    for a, b in options.class_map.items():
        if a.casefold() not in folded:
            raise UserError(f"--class-map {a}={b}: no prediction is of class {a!r}", remedy=_known(predicted))
        if b.casefold() not in known:
            raise UserError(f"--class-map {a}={b}: the ground truth has no class {b!r}", remedy=_known(set(known)))


def _known(names: set[str]) -> str:
    return f"Known are {', '.join(sorted(names))}" if names else "There are no classes in it"
