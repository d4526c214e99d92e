"""The public Python interface: what the command line and the window do, as functions on NumPy arrays (docs/api.md).

    from iouviewer import api

    source = api.open_source("clip.mp4")
    truth = api.read_ground_truth("gt.csv", source)
    predictions = {name: api.read_predictions(f"{name}.json", source, truth=truth) for name in ("base", "int8")}
    joined = api.join(source, truth, predictions)
    result = api.evaluate(joined)
    print(result.text())
    print(api.verdict(joined).judgements[0].sentence)
    api.report(result, "report.html")

Frames count from 0, boxes are x1, y1, x2, y2 in pixels, scores are 0 to 1. Whatever cannot be used raises
``UserError``: what happened, where, and what to do. Every function may be called in any thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from iouviewer.atomic import write_file
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import FrameImage
from iouviewer.document.sources import Source as _SourceFacts
from iouviewer.errors import UserError
from iouviewer.formats.arrays import boxes_from_arrays
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr
from iouviewer.jobs.data_set import is_data_yaml, listed_images, open_data_set, open_reader, read_data_set_truth
from iouviewer.jobs.eval_inputs import (
    EvalInputs,
    ReadOptions,
    VariantInput,
    check_alignment,
    read_file,
    read_source,
    source_frame_count,
    with_images,
    without_calibrated,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, find_warnings, join_inputs, refuse_left_out, score_inputs
from iouviewer.jobs.filtered_inputs import filter_inputs
from iouviewer.jobs.frame_selection import describe_frames
from iouviewer.jobs.gate import GateResult, GateStatus, GateVideo, gate_project, judge
from iouviewer.jobs.operating_points import parse_point
from iouviewer.jobs.requests import Cancelled, CancelledError, ProgressCallback, RunOptions, no_progress, watched
from iouviewer.metrics.table import BoxTable, Convention, Int
from iouviewer.metrics.verdict import Outcome
from iouviewer.path_texts import existing_path
from iouviewer.reports.gate_reports import Judgement
from iouviewer.reports.series import FrameSeries
from iouviewer.resource_files import resource_path

if TYPE_CHECKING:
    from iouviewer.video.image_reader import ImageReader
    from iouviewer.video.reader import VideoReader

__all__ = [
    "BoxTable",
    "CancelledError",
    "Convention",
    "EvalResult",
    "FrameSeries",
    "GateResult",
    "GateStatus",
    "ImportedBoxes",
    "Joined",
    "Judgement",
    "Outcome",
    "ReadOptions",
    "RunOptions",
    "Source",
    "UserError",
    "compare",
    "evaluate",
    "ground_truth_from_arrays",
    "join",
    "open_project",
    "open_source",
    "predictions_from_arrays",
    "read_ground_truth",
    "read_predictions",
    "report",
    "report_schema",
    "run_model",
    "verdict",
    "with_filter",
]


class Source:
    """A video, a folder of images, or only the size and number of frames.

    Attributes:
        name: for display, usually the file name.
        path: None without a file.
        size: (width, height) in pixels; (0, 0) if unknown. Images of a folder may have other sizes: ``size_of``.
        frame_count: number of frames; 0 if only the ground truth will tell.
        fps: frames per second; 0.0 without a time base.
        split: which images of a ``data.yaml``.
        context: what the readers of box files know.
    """

    def __init__(self, facts: _SourceFacts, context: ReadContext, path: Path | None, split: str = "val") -> None:
        self.facts, self.context, self.path, self.split = facts, context, path, split
        self.name = facts.name
        self.size = (facts.width, facts.height)
        self.frame_count = facts.frame_count
        self.fps = facts.fps
        self._reader: VideoReader | ImageReader | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    @property
    def has_single_images(self) -> bool:
        """Whether the frames are images without a time base."""
        return self.facts.is_image_set

    def size_of(self, frame: int) -> tuple[int, int]:
        """(width, height) of one frame in pixels."""
        return self.facts.size_of(frame)

    def read(self, frame: int) -> FrameImage:
        """The image of a frame: (height, width, 3) uint8, B, G, R.

        Raises:
            UserError: there is no video, or the frame cannot be decoded.
            IndexError: there is no such frame.
        """
        if self.path is None:
            raise UserError(tr("there is no video"), remedy=tr("Open the source with its path."))
        if self._reader is None:
            self._reader = open_reader(self.path, listed_images(self.path, self.split))
        return self._reader.read(frame)

    def close(self) -> None:
        """Close the file; boxes and results stay."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def open_source(
    path: Path | str | None = None,
    *,
    size: tuple[int, int] | None = None,
    frame_count: int | None = None,
    split: str = "val",
) -> Source:
    """Open a video, an image, a folder or a split of a ``data.yaml``; without a path only size and count are known.

    Raises:
        UserError: the file is missing or nothing in it can be decoded.
    """
    video = None if path is None else existing_path(path, tr("the video does not exist"))
    facts, context = read_source(video, ReadOptions(size=size, frame_count=frame_count, split=split))
    return Source(facts, context, video, split)


# Boxes


def read_ground_truth(path: Path | str, source: Source, *, options: ReadOptions | None = None) -> ImportedBoxes:
    """Ground truth of a file or folder in any format, or of the source's split of a ``data.yaml``.

    Returns:
        Boxes in columns: ``frames`` (N,) int64, ``boxes`` (4, N) float64, ``class_ids`` (N,) int64 into
        ``class_names``, ``track_ids``, ``flags``, ``labelled``; and ``notes``, what the reader assumed.

    Raises:
        UserError: the file cannot be read, rows are wrong, or it states other facts than the video.
    """
    options = options or ReadOptions()
    context = options.context_of_source(source.context)
    file = existing_path(path, tr("the ground truth does not exist"))
    if is_data_yaml(file):
        return read_data_set_truth(open_data_set(file, source.split), context)[0]
    return read_file(file, context, options, ImportKind.GROUND_TRUTH, "gt")


def read_predictions(
    path: Path | str,
    source: Source,
    *,
    truth: ImportedBoxes | None = None,
    options: ReadOptions | None = None,
    name: str = "",
) -> ImportedBoxes:
    """Predictions of a file or folder in any format that iouviewer reads.

    Args:
        truth: the ground truth: results are joined with the images that it lists, and refused if they clearly fit it
            better with other frame numbers or another frame size.
        name: of the variant, for options that are meant for it alone.

    Returns:
        As ``read_ground_truth``, with ``scores`` (N,) float64, or None where the file has none.

    Raises:
        UserError: as for ``read_ground_truth``.
    """
    options = options or ReadOptions()
    context = options.context_of_source(source.context)
    if truth is not None:
        context = with_images(context, truth, source_frame_count(context, truth))
    file = existing_path(path, tr("the predictions do not exist"))
    boxes = read_file(file, context, options, ImportKind.PREDICTIONS, name)
    return boxes if truth is None else check_alignment(name, boxes, truth, context, options)


def ground_truth_from_arrays(
    frames: ArrayLike,
    boxes: ArrayLike,
    *,
    classes: Sequence[str] | ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    tracks: ArrayLike | None = None,
    ignored: ArrayLike | None = None,
    labelled: ArrayLike | None = None,
) -> ImportedBoxes:
    """Ground truth from arrays.

    Args:
        frames: (N,) from 0.
        boxes: (N, 4) x1, y1, x2, y2 in pixels.
        classes: (N,) names, or indices into ``class_names``; None: one class.
        class_names: names of all classes, also of those without boxes.
        tracks: (N,) ids of objects, -1 for none; None: no box has one.
        ignored: (N,) bool; such a box neither counts nor makes a prediction false.
        labelled: frames that are labelled, also those without boxes; None: all frames.

    Raises:
        UserError: columns of different lengths, a box that is not valid.
    """
    return boxes_from_arrays(
        ImportKind.GROUND_TRUTH,
        frames,
        boxes,
        classes=classes,
        class_names=class_names,
        tracks=tracks,
        ignored=ignored,
        labelled=None if labelled is None else np.asarray(labelled, np.int64),
    )


def predictions_from_arrays(
    frames: ArrayLike,
    boxes: ArrayLike,
    scores: ArrayLike | None,
    *,
    classes: Sequence[str] | ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    covered: ArrayLike | None = None,
    score_floor: float | None = None,
    max_detections: int | None = None,
) -> ImportedBoxes:
    """Predictions of one variant from arrays.

    Args:
        frames: (N,) from 0.
        boxes: (N, 4) x1, y1, x2, y2 in pixels.
        classes: (N,) names, or indices into ``class_names``; None: one class.
        class_names: names of all classes of the model.
        scores: (N,) 0 to 1; None if there are none, which leaves AP undefined.
        covered: frames that the model processed, also those without boxes; None: all frames.
        score_floor: least score that the run kept; None if unknown.
        max_detections: most boxes that the run kept per frame; None if unknown.

    Raises:
        UserError: columns of different lengths, a box or score that is not valid.
    """
    return boxes_from_arrays(
        ImportKind.PREDICTIONS,
        frames,
        boxes,
        scores=scores,
        classes=classes,
        class_names=class_names,
        covered=None if covered is None else np.asarray(covered, np.int64),
        score_floor=score_floor,
        max_detections=max_detections,
    )


def run_model(
    source: Source,
    weights: Path | str,
    *,
    options: RunOptions | None = None,
    frames: Sequence[int] | Int | None = None,
    progress: ProgressCallback = no_progress,
    cancelled: Cancelled | None = None,
) -> ImportedBoxes:
    """Run a model on the frames of a video (None: all), in a process of its own, and return its predictions.

    Raises:
        UserError: there is no video, the model cannot be loaded or failed. CancelledError.
    """
    from iouviewer.jobs.predict import run_model as run

    if source.path is None:
        raise UserError(tr("there is no video to run the model on"), remedy=tr("Open the source with its path."))
    file = existing_path(weights, tr("the weights do not exist"))
    chosen = None if frames is None else np.unique(np.asarray(frames, np.int64))
    report_progress = watched(progress, cancelled)
    images = listed_images(source.path, source.split)
    done = run(source.path, file.stem, file, options or RunOptions(), chosen, report_progress, files=images)
    if done.failure is not None:
        raise done.failure
    return done.boxes


# Joining


@dataclass(frozen=True)
class Joined:
    """Ground truth and predictions on one source, in the same frames and classes.

    Attributes:
        request: thresholds and options; change them with ``with_settings``.
        inputs: the boxes.
    """

    request: EvalRequest = field(repr=False)
    inputs: EvalInputs = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.inputs.source.name

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants."""
        return tuple(variant.name for variant in self.inputs.variants)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the ground truth; index = class id in all tables."""
        return self.inputs.truth.class_names

    @property
    def ground_truth(self) -> BoxTable:
        """Ground truth by frame: ``boxes`` (4, N), ``class_ids``, ``ignored``, ``offsets`` (F + 1,)."""
        return self.inputs.truth.table

    @property
    def frames(self) -> Int:
        """(n,) int64, selected frames."""
        return self.inputs.frames

    def predictions(self, variant: str) -> BoxTable:
        """Predictions of a variant by frame in the classes of the ground truth, those left out not among them."""
        return self._variant(variant).predictions.table

    def left_out(self, variant: str) -> dict[str, int]:
        """Class that the ground truth lacks -> number of predictions left out for it."""
        return dict(self._variant(variant).dropped_classes)

    def proposed_classes(self, variant: str) -> dict[str, str]:
        """Class that the ground truth lacks -> class of it that is probably meant (``class_map`` in ReadOptions)."""
        return self._variant(variant).predictions.class_proposals

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the numbers and what readers assumed, one sentence each."""
        return tuple(find_warnings(self.request, self.inputs.truth, self.inputs.variants))

    def with_settings(
        self,
        *,
        confidence: float | None = None,
        iou_threshold: float | None = None,
        convention: Convention | None = None,
        baseline: str | None = None,
        margins: Mapping[str, float] | None = None,
        target: float | None = None,
        operating_point: str | None = None,
    ) -> Joined:
        """The same boxes with other settings; None keeps one.

        Args:
            confidence: threshold of all metrics except AP, 0 to 1; 0.25 by default.
            iou_threshold: of a true positive, 0 to 1; 0.5 by default.
            baseline: the variant that differences and verdicts refer to; the first by default.
            margins: allowed drop by metric (``ap``, ``pq``, ``avg_iou``) in points; 1 for AP and PQ by default.
            target: IoU of the line in plots.
            operating_point: ``common``, ``best-f1``, ``recall=0.8`` ..., as for ``--operating-point``.

        Raises:
            UserError: the baseline is not a variant, a threshold is out of range.
        """
        given = {
            "confidence": confidence,
            "iou_threshold": iou_threshold,
            "convention": convention,
            "baseline": baseline,
            "margins": margins,
            "target": target,
            "point": None if operating_point is None else parse_point(operating_point),
        }
        for name in ("confidence", "iou_threshold", "target"):
            value = given[name]
            if isinstance(value, float | int) and not 0.0 <= value <= 1.0:
                raise UserError(tr("{name} must be from 0 to 1, not {value:g}", name=name, value=value))
        if baseline is not None:
            self._variant(baseline)
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self, request=replace(self.request, **changes))

    def _variant(self, name: str) -> VariantInput:
        found = next((variant for variant in self.inputs.variants if variant.name == name), None)
        if found is None:
            names = ", ".join(self.variants)
            raise UserError(tr("{name!r} is not a variant", name=name), remedy=tr("Variants: {names}.", names=names))
        return found


def join(
    source: Source,
    truth: ImportedBoxes,
    predictions: Mapping[str, ImportedBoxes],
    *,
    frames: str | Sequence[int] | Int | None = None,
    class_agnostic: bool = False,
    options: ReadOptions | None = None,
) -> Joined:
    """Join predictions with ground truth: frames by number, classes by the ground truth's own table, then by name.

    Args:
        predictions: by name of the variant; the first is the baseline.
        frames: frames to use, as numbers or as the text of ``--frames``; None: all.
        class_agnostic: ignore classes, also in AP.
        options: ``class_map``, ``only_classes``, ``class_name`` and ``skip_bad_rows``.

    Raises:
        UserError: boxes or frames outside the source, classes that can be joined in two ways, no predictions.
    """
    if not predictions:
        raise UserError(tr("there are no predictions to score"), remedy=tr("Give at least one variant."))
    request = EvalRequest(
        video=source.path,
        gt=truth.path if truth.path.name else None,
        preds=tuple((name, boxes.path) for name, boxes in predictions.items() if boxes.path.name),
        class_agnostic=class_agnostic,
        frames=frames if isinstance(frames, str) else None,
        read=options or ReadOptions(),
    )
    named = tuple(predictions.items())
    inputs = join_inputs(request, source.facts, truth, named, single_images=source.has_single_images)
    if frames is not None and not isinstance(frames, str):
        chosen = np.unique(np.asarray(frames, np.int64))
        count = inputs.source.frame_count
        if not len(chosen) or chosen[0] < 0 or chosen[-1] >= count:
            raise UserError(tr("the frames must be in 0–{last:,}", last=count - 1))
        request = replace(request, frames=describe_frames(chosen, count))
        inputs = without_calibrated(replace(inputs, frames=chosen))
    return Joined(request, inputs)


def with_filter(joined: Joined, line: str) -> Joined:
    """The inputs seen through a filter line, as ``eval --filter`` does (docs/metrics.md); empty: unchanged.

    Raises:
        UserError: the line cannot be understood, names a class or a variant that does not exist, or leaves no frame.
    """
    if joined.request.filter:
        raise UserError(tr("there is a filter already: {filter}", filter=joined.request.filter))
    inputs = filter_inputs(joined.inputs, line, joined.request.baseline)
    return Joined(replace(joined.request, filter=line), inputs)


def open_project(path: Path | str, *, frames: str | None = None) -> Joined:
    """Ground truth and variants of a project file, which is not changed.

    Args:
        frames: frames to use, as the text of ``--frames``: also ``verified``; None: all.

    Raises:
        UserError: the file is not a project, or it has no variants.
    """
    request = EvalRequest(video=None, gt=None, frames=frames)
    video = gate_project(existing_path(path, tr("the project does not exist")), request)
    return Joined(video.request, video.inputs)


# Results


def evaluate(
    joined: Joined,
    *,
    analysis: bool = True,
    speed_file: Path | str | None = None,
    progress: ProgressCallback = no_progress,
    cancelled: Cancelled | None = None,
) -> EvalResult:
    """Score all variants: the numbers, sentences and notes of ``iouviewer eval`` and of the window.

    Args:
        analysis: also compute verdicts, error types, curves, tracks and sizes, which takes seconds.
        speed_file: speeds measured elsewhere (``speed.json``), for variants of the same names.
        progress: called with steps done, steps in all, and what is being done.

    Returns:
        ``values`` (the JSON report as a dict), ``series()`` (arrays by frame), ``text()``, ``json()``, ``html()``,
        ``score_csv()``, ``pairs_csv()``, ``plot(path)``.

    Raises:
        UserError: all predictions of a variant were left out for their classes; bad speeds. CancelledError.
    """
    refuse_left_out(joined.inputs)
    speeds = None if speed_file is None else existing_path(speed_file, tr("the file of speeds does not exist"))
    request = replace(joined.request, analysis=analysis, speed_file=speeds)
    return score_inputs(request, joined.inputs, watched(progress, cancelled))


def compare(
    joined: Joined, *, progress: ProgressCallback = no_progress, cancelled: Cancelled | None = None
) -> dict[str, Mapping[str, Any]]:
    """Differences of all variants to the baseline, each with both on their common frames, score floor and maximum.

    Returns:
        Variant -> ``ap``, ``ap50``, ``pq``, ``avg_iou`` (variant minus baseline, None where undefined), ``frames``,
        ``floor``, ``cap``, ``classes_disregarded``.

    Raises:
        UserError: as for ``evaluate``.
    """
    result = evaluate(joined, analysis=False, progress=progress, cancelled=cancelled)
    pairs = zip(result.scores, result.deltas, strict=True)
    return {score.name: delta for score, delta in pairs if delta is not None}


def verdict(
    joined: Joined | Sequence[Joined],
    *,
    progress: ProgressCallback = no_progress,
    cancelled: Cancelled | None = None,
) -> GateResult:
    """PASS, FAIL, UNDECIDED or CANNOT_JUDGE for each variant against the baseline: the judge of ``iouviewer gate``.

    Args:
        joined: one video, or several that are judged together; variants are matched by name.

    Returns:
        ``judgements`` (name, outcome, sentence, reason, remedy), ``status`` of the worst of them, ``notes``.

    Raises:
        UserError: there is no second variant, or a video lacks the baseline. CancelledError.
    """
    videos = [joined] if isinstance(joined, Joined) else list(joined)
    if not videos:
        raise UserError(tr("there is nothing to judge"), remedy=tr("Give at least one video."))
    listed = [GateVideo(video.name, video.request, video.inputs) for video in videos]
    return judge(listed, videos[0].request.margins, watched(progress, cancelled))


def report(result: EvalResult, path: Path | str) -> Path:
    """Write a result: ``.html`` and ``.json`` with everything, ``.csv`` IoU by frame, ``.png`` or ``.svg`` the plot.

    The same file as the command line and the window write. Returns the path.

    Raises:
        UserError: another ending, or the file cannot be written.
    """
    target = Path(path)
    data = result.report(target)
    try:
        write_file(target, data)
    except OSError as error:
        raise UserError(tr("cannot be written: {reason}", reason=error.strerror or error), path=target) from error
    return target


def report_schema() -> dict[str, Any]:
    """The JSON schema of ``EvalResult.values`` and of the JSON reports."""
    schema: dict[str, Any] = json.loads(resource_path("report.schema.json").read_text(encoding="utf-8"))
    return schema
