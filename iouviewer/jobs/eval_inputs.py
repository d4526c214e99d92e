"""Reads the inputs of an evaluation: source, ground truth and predictions, matched by frame number and class name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iouviewer.document.calibration import TRAINED_ON, calibrated_mask
from iouviewer.document.class_join import class_list, keeps_unknown_classes
from iouviewer.document.classes import ClassTable, class_name_of
from iouviewer.document.filtering import NO_FILTER, FilterRules
from iouviewer.document.frame_ranges import frames_to_ranges
from iouviewer.document.ground_truth import rows_for_metrics, unscored_classes
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_facts import ClassFacts, facts_of
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.operating_points import ChosenPoint
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int
from iouviewer.reports.notes import ReportNote

if TYPE_CHECKING:
    from iouviewer.formats.alignment import Alignment
    from iouviewer.formats.yolo import ValRules
    from iouviewer.jobs.data_set import DataSet


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    Attributes:
        size: (width, height) in pixels, if there is no video.
        frame_count: number of frames, if there is no video.
        class_name: class of the boxes in files without classes.
        class_map: class of the predictions -> class of the ground truth, names or numbers.
        only_classes: score only these classes of the ground truth; empty: all.
        frame_base: number of the first frame in the files; None: the format's default.
        missing: state of frames that the ground-truth file does not mention; None: the format's default.
        skip_bad_rows: skip rows that cannot be read instead of refusing the file.
        trust_columns, voc_one_based: as in ``ReadContext``.
        task, name_number, scale_boxes, use_times, images_by, accept_differences: as in ``ReadContext``.
        strict: refuse what there is a note about.
        split: of a data set (``data.yaml``) as source.
        for_files: numbers for single files by option (``frame_base``, ``stride``, ``file_fps`` as in ``ReadContext``,
            ``shift``: added to every frame), then by name: of the variant, ``gt``, or empty for all (``stride`` and
            ``shift``: all predictions).
        shapes: as in ``ReadContext``.
        columns: what the columns of tables are, as in ``ReadContext``, by the same names.
        trained_on: by name of the variant, the frames that its model was trained on, as ``jobs.frame_selection``.
        file_sizes: ``file_size`` as in ``ReadContext``, by the same names.
    """

    size: tuple[int, int] | None = None
    frame_count: int | None = None
    class_name: str | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    only_classes: tuple[str, ...] = ()
    frame_base: int | None = None
    missing: Literal["empty", "unlabelled"] | None = None
    skip_bad_rows: bool = False
    trust_columns: bool = False
    voc_one_based: bool = False
    task: str | None = None
    name_number: int | None = None
    scale_boxes: bool = False
    use_times: bool = False
    images_by: Literal["id", "name"] | None = None
    accept_differences: bool = False
    strict: bool = False
    split: str = "val"
    for_files: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trained_on: Mapping[str, str] = field(default_factory=dict)
    file_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    shapes: Literal["envelope", "skip"] | None = None

    def number_for(self, option: str, name: str, kind: ImportKind) -> float | None:
        """The value of one of ``for_files`` for a file; None if it was not given."""
        values = self.for_files.get(option, {})
        if name in values:
            return values[name]
        only_predictions = option in {"stride", "shift"} and kind is ImportKind.GROUND_TRUTH
        return None if only_predictions else values.get("")

    def size_for(self, name: str, kind: ImportKind) -> tuple[int, int] | None:
        """The frame size that the boxes of a file refer to, where it was given; without a name: of all predictions."""
        if name in self.file_sizes:
            return self.file_sizes[name]
        return None if kind is ImportKind.GROUND_TRUTH else self.file_sizes.get("")

    def context_of_source(self, context: ReadContext) -> ReadContext:
        """The context for reading all files of a source with these options."""
        return replace(
            context,
            frame_base=self.frame_base,
            class_name=self.class_name,
            trust_columns=self.trust_columns,
            voc_one_based=self.voc_one_based,
        )

    def context_for(self, context: ReadContext, name: str, kind: ImportKind) -> ReadContext:
        """The context for reading one file with these options."""
        base, step = self.number_for("frame_base", name, kind), self.number_for("stride", name, kind)
        return replace(
            context,
            kind=kind,
            missing=self.missing if kind is ImportKind.GROUND_TRUTH else None,
            frame_base=self.frame_base if base is None else int(base),
            stride=None if step is None else int(step),
            file_fps=self.number_for("file_fps", name, kind),
            task=self.task,
            name_number=self.name_number,
            scale_boxes=self.scale_boxes,
            file_size=self.size_for(name, kind),
            use_times=self.use_times,
            images_by=self.images_by,
            accept_differences=self.accept_differences,
            columns=self.columns.get(name, self.columns.get("", "")),
            shapes=self.shapes,
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth on the frames of the source.

    Attributes:
        labelled: (F,) bool.
        class_names: index = class id; empty if neither the file nor the options give a class.
        tracks: (M,) int64, track of each row of the table, -1 for none.
        skipped: number of rows skipped on request.
        excluded: (F,) bool, frames excluded by the user; None: no frame.
        classes: class table of the file; None: names without numbers.
        notes: what the reader assumed, one sentence each.
        unscored: class ids that the benchmark of the ground truth does not score.
        frame_work: what has been done with the frames (``describe_work``); empty for a file.
        rules: the filter that ``table`` and the predictions were marked by.
    """

    table: BoxTable
    labelled: Bool
    class_names: tuple[str, ...]
    tracks: Int
    skipped: int = 0
    excluded: Bool | None = None
    classes: ClassTable | None = None
    notes: tuple[str, ...] = ()
    unscored: frozenset[int] = frozenset()
    frame_work: Mapping[str, Any] = field(default_factory=dict)
    rules: FilterRules = NO_FILTER

    @property
    def class_table(self) -> ClassTable:
        """The classes with the ground truth's own numbers."""
        return ClassTable.of(self.class_names) if self.classes is None else self.classes

    def states(self, frames: Int) -> list[str]:
        """``labelled``, ``unlabelled`` or ``excluded`` for each of ``frames``."""
        excluded = np.zeros(len(self.labelled), np.bool_) if self.excluded is None else self.excluded
        names = np.where(excluded, "excluded", np.where(self.labelled, "labelled", "unlabelled"))
        states: list[str] = names[frames].tolist()
        return states

    def counted_boxes(self) -> Int:
        """(F,) int64, number of boxes in each frame that count."""
        return np.bincount(self.table.frame_of_row()[self.table.counted()], minlength=self.table.frame_count)

    def class_text(self, class_id: int) -> str:
        """Name of a class, also of one that the ground truth lacks; empty for an unspecified class."""
        return class_name_of(class_id, self.class_names)


@dataclass(frozen=True, slots=True)
class VariantInput:
    """Predictions of one variant on the frames and classes of the ground truth.

    Attributes:
        dropped_classes: class name -> number of predictions dropped because the ground truth lacks the class.
        skipped: number of rows skipped on request.
        own_classes: ground-truth class ids in the variant's own class table.
        failure: why its run failed, so that a part of the frames is all there is; empty for all others.
    """

    name: str
    predictions: PredictionSet
    dropped_classes: Mapping[str, int]
    skipped: int = 0
    own_classes: frozenset[int] = frozenset()
    failure: str = ""

    @property
    def class_facts(self) -> ClassFacts:
        """What the variant knows of the ground truth's classes, and what was left out."""
        return facts_of(self.predictions, self.dropped_classes, self.own_classes)


@dataclass(frozen=True, slots=True)
class ValInputs:
    """What ``yolo val`` does with the data set.

    Attributes:
        rules: what it does with the labels; rows are those of the imported boxes, ``ids`` of the truth's table - 1.
        runs: its own predictions by variant, in the classes of the ground truth; none for variants from files.
    """

    rules: ValRules
    runs: Mapping[str, PredictionSet] = field(default_factory=dict)


@dataclass(frozen=True)
class EvalInputs:
    """All inputs of one video, ready to be scored.

    Attributes:
        frames: (n,) int64, selected frames.
        variants: in the order in which they were given.
        single_images: the frames are images without a time base, not a sequence.
        val: what ``yolo val`` does with the data set and its labels; None where these are not the inputs.
        notes: what people wrote on the source, its frames and objects.
        point: the operating points of the variants; None: all stand at the common confidence.
    """

    source: Source
    truth: Truth
    frames: Int
    variants: list[VariantInput]
    single_images: bool = False
    val: ValInputs | None = None
    notes: tuple[ReportNote, ...] = ()
    point: ChosenPoint | None = None

    @property
    def labelled(self) -> Bool:
        """(F,) bool, selected labelled frames."""
        return self.truth.labelled & frame_mask(self.frames, self.truth.table.frame_count)


def with_training(inputs: EvalInputs, trained_on: Mapping[str, str]) -> EvalInputs:
    """The inputs with what somebody said about the frames that models were trained on, by name of the variant.

    Raises:
        UserError: an unknown variant, or frames outside the source.
    """
    names = [one.name for one in inputs.variants]
    for name in trained_on:
        if name not in names:
            raise UserError(
                tr("{name!r} is not a variant", name=name), remedy=tr("Variants: {names}.", names=", ".join(names))
            )
    count = inputs.truth.table.frame_count

    def marked(variant: VariantInput) -> VariantInput:
        if variant.name not in trained_on:
            return variant
        ranges = frames_to_ranges(parse_frames(trained_on[variant.name], count).tolist())
        predictions = variant.predictions
        known = replace(predictions, protocol={**predictions.protocol, TRAINED_ON: ranges})
        return replace(variant, predictions=known)

    return replace(inputs, variants=[marked(one) for one in inputs.variants]) if trained_on else inputs


def without_calibrated(inputs: EvalInputs) -> EvalInputs:
    """The inputs without the frames that any of their variants was calibrated on.

    Raises:
        UserError: no frame is left.
    """
    mask = calibrated_mask((one.predictions for one in inputs.variants), inputs.truth.table.frame_count)
    if mask is None:
        return inputs
    kept = inputs.frames[~mask[inputs.frames]]
    if not len(kept) and len(inputs.frames):
        raise UserError(
            tr("all selected frames are frames that a variant was calibrated on, which cannot be scored"),
            remedy=tr("Choose other frames, or calibrate the model on others."),
        )
    return replace(inputs, frames=kept)


def frame_mask(frames: Int | None, frame_count: int) -> Bool:
    """(F,) bool from frame numbers; numbers outside the source are ignored, None selects all frames."""
    if frames is None:
        return np.ones(frame_count, np.bool_)
    mask = np.zeros(frame_count, np.bool_)
    mask[frames[(frames >= 0) & (frames < frame_count)]] = True
    return mask


def has_single_images(source: Source) -> bool:
    """Whether a document's source is a folder of images without a time base."""
    return source.is_image_set or (source.fps == 0 and bool(source.path) and Path(source.path).is_dir())


def read_source(video: Path | None, options: ReadOptions, data: DataSet | None = None) -> tuple[Source, ReadContext]:
    """Open the video and return its properties and the context for reading box files.

    Without a video, size and frame count come from the options. Unknown values are 0 in the source and None in the
    context. ``image_names`` of the context is None unless the video is an image, a folder of images or a data set
    (``data``, where it is open already).
    """
    if video is None:
        width, height = options.size or (0, 0)
        source = Source(0, tr("(no video)"), "", width, height, options.frame_count or 0)
        context = ReadContext(size=options.size, frame_count=options.frame_count)
    else:
        from iouviewer.jobs.data_set import is_data_yaml, open_data_set
        from iouviewer.video import open_video
        from iouviewer.video.image_reader import ImageReader

        if data is None and is_data_yaml(video):
            data = open_data_set(video, options.split)
        reader = open_video(video) if data is None else data.open()
        try:
            source = Source(0, video.name, str(video), *reader.size, reader.frame_count, reader.fps, reader.fingerprint)
            if isinstance(reader, ImageReader):
                source = replace(source, images=reader.images)
            context = context_of(source)
        finally:
            reader.close()
    return source, options.context_of_source(context)


def context_of(source: Source) -> ReadContext:
    """What a source says to the readers of box files."""
    images = source.images
    is_set = source.is_image_set
    return ReadContext(
        size=(source.width, source.height),
        frame_count=source.frame_count,
        video_stem=Path(source.path).stem,
        video_path=source.path,
        fingerprint=source.fingerprint,
        image_names=images.names if is_set else None,
        image_sizes=images.sizes if is_set and images.common_size is None else None,
        listed_images=source.listed if len(source.listed) else None,
        fps=source.fps or None,
    )


def read_file(
    path: Path, context: ReadContext, options: ReadOptions, kind: ImportKind, name: str = ""
) -> ImportedBoxes:
    """Boxes of one file; UserError with the first bad row unless bad rows are skipped.

    Args:
        name: of the variant, or ``gt``: options may be given for one file.
    """
    from iouviewer.jobs.box_files import read_boxes

    try:
        boxes = read_boxes(path, options.context_for(context, name, kind))
    except UncertainReadingError as error:
        raise error.for_file(name) from error
    shift = options.number_for("shift", name, kind)
    boxes = boxes.shifted(int(shift)) if shift else boxes
    refuse_bad_rows(boxes, options)
    return boxes


def check_alignment(
    name: str, boxes: ImportedBoxes, truth: ImportedBoxes, context: ReadContext, options: ReadOptions
) -> ImportedBoxes:
    """The predictions, with a note if they fit the ground truth better with other frame numbers or another frame size.

    Raises:
        UserError: they fit clearly better, so that the file as it is can no longer be meant.
    """
    from iouviewer.formats.alignment import find_alignment
    from iouviewer.formats.file_facts import accept_choice

    own = options.context_for(context, name, ImportKind.PREDICTIONS)
    found = None if options.accept_differences else find_alignment(truth.frames, truth.boxes, boxes, own)
    if found is None:
        return boxes
    if found.is_clear:
        choices = (found.choice, accept_choice())
        raise UncertainReadingError(alignment_note(found), choices=choices, path=boxes.path).for_file(name)
    return with_alignment_note(boxes, found)


def with_alignment_note(boxes: ImportedBoxes, found: Alignment) -> ImportedBoxes:
    """Predictions that are used as they are, although another reading fits the ground truth better."""
    return replace(boxes, notes=(*boxes.notes, alignment_note(found)))


def alignment_note(found: Alignment) -> str:
    """That predictions fit the ground truth better with another reading."""
    return tr("the predictions fit the ground truth better with another reading: {text}", text=found.text)


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
        if boxes.refused_shapes:
            remedy = tr("Read the boxes around shapes with --shapes envelope, or leave them out with --shapes skip.")
        raise UserError(message, path=first.path, line=first.line, remedy=remedy)


def with_images(context: ReadContext, truth: ImportedBoxes, frame_count: int) -> ReadContext:
    """What the readers of predictions know once the ground truth was read: its images and their sizes."""
    images = truth.images
    if context.size is None and len(images) and images.common_size is None:
        context = replace(context, image_sizes=images.by_frame(frame_count).sizes)
    return replace(
        context,
        frame_count=frame_count,
        size=context.size or truth.size,
        listed_images=images if len(images) else context.listed_images,
    )


def source_frame_count(context: ReadContext, truth: ImportedBoxes) -> int:
    """Number of frames: that of the video or the options, otherwise that of the ground-truth file."""
    count = context.frame_count if context.frame_count is not None else truth.frame_count
    if count is None and len(truth.images):
        count = max(truth.images.frames) + 1
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
    boxes = boxes.with_class(options.class_name)
    keep = ~outside & rows_for_metrics(boxes.class_ids, boxes.flags)[0]
    _, class_ids, ignored, by_iou = rows_for_metrics(boxes.class_ids[keep], boxes.flags[keep])
    table = BoxTable.from_rows(
        boxes.frames[keep],
        boxes.boxes[:, keep],
        frame_count=frame_count,
        class_ids=class_ids,
        ignored=ignored,
        ids=np.arange(1, len(boxes) + 1, dtype=np.int64)[keep],
        areas=None if boxes.areas is None else boxes.areas[keep],
        by_iou=by_iou,
    )
    skipped = int(outside.sum()) + len(boxes.refused)
    tracks = np.asarray(boxes.track_ids, np.int64)[table.ids - 1]
    labelled = frame_mask(boxes.labelled, frame_count)
    return Truth(
        table,
        labelled,
        boxes.class_names,
        tracks,
        skipped,
        classes=boxes.classes,
        notes=boxes.notes,
        unscored=unscored_classes(boxes.class_ids, boxes.flags),
    )


def variant_from(
    name: str, boxes: ImportedBoxes, truth: Truth, options: ReadOptions, *, class_agnostic: bool = False
) -> VariantInput:
    """Predictions of one variant, joined with the classes of the ground truth.

    Raises:
        UserError: a box lies on a frame outside the source, or class numbers that can be read in two ways.
    """
    from iouviewer.formats.registry import refuse_frames_outside

    frame_count = truth.table.frame_count
    boxes = boxes.with_class(options.class_name)
    if options.skip_bad_rows:
        boxes = refuse_frames_outside(boxes, frame_count)
    predictions = PredictionSet.from_imported(boxes, frame_count, options.class_map)
    predictions = join_with_truth(predictions, truth, class_agnostic=class_agnostic)
    join = predictions.join
    if join is not None and join.problem and not class_agnostic:
        message = tr("{variant}: {problem}", variant=name, problem=join.problem)
        raise UserError(message, path=boxes.path, remedy=join.remedy)
    return VariantInput(name, predictions, predictions.left_out, len(boxes.refused), predictions.own_classes)


def join_with_truth(predictions: PredictionSet, truth: Truth, *, class_agnostic: bool) -> PredictionSet:
    """The predictions in the classes of the ground truth."""
    return join_all_with_truth([predictions], truth, class_agnostic=class_agnostic)[0]


def join_all_with_truth(
    predictions: Iterable[PredictionSet], truth: Truth, *, class_agnostic: bool
) -> list[PredictionSet]:
    """Several sets in the classes of the ground truth; the one place where jobs map classes."""
    keep = keeps_unknown_classes(truth.class_table.names, truth.table, truth.labelled, class_agnostic=class_agnostic)
    return [one.joined(truth.class_table, keep_unknown=keep, unscored=truth.unscored) for one in predictions]


def only_classes(inputs: EvalInputs, names: Sequence[str]) -> EvalInputs:
    """The inputs with only the boxes of these classes, and those without a class; no name keeps all.

    Raises:
        UserError: the ground truth lacks one of them.
    """
    if not names:
        return inputs
    truth = inputs.truth
    found = {name: truth.class_table.find(name) for name in names}
    unknown = [name for name, number in found.items() if number is None]
    if unknown:
        raise UserError(
            tr("--only-classes: the ground truth has no class {name!r}", name=unknown[0]),
            remedy=class_list(truth.class_names),
        )
    chosen = np.array([*found.values(), UNSPECIFIED_CLASS], np.int64)
    keep = np.isin(truth.table.class_ids, chosen)
    table = truth.table.select(keep)
    variants = [
        replace(
            variant,
            predictions=replace(
                variant.predictions,
                table=variant.predictions.table.select(np.isin(variant.predictions.table.class_ids, chosen)),
            ),
        )
        for variant in inputs.variants
    ]
    return replace(inputs, truth=replace(truth, table=table, tracks=truth.tracks[keep]), variants=variants)
