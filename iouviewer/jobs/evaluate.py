"""Scores variants against ground truth, for the command line and the window's export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer import __version__
from iouviewer.document.class_join import check_class_map
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.analysis import analyse, find_obstacles, find_unfit_variants, judge_scores, own_intervals
from iouviewer.jobs.class_facts import all_left_out, class_remedy, left_out_text
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.data_set import is_data_yaml, open_data_set, read_data_set_truth
from iouviewer.jobs.eval_inputs import (
    EvalInputs,
    ReadOptions,
    Truth,
    ValInputs,
    VariantInput,
    check_alignment,
    only_classes,
    read_file,
    read_source,
    refuse_bad_rows,
    source_frame_count,
    truth_from,
    variant_from,
    with_images,
    with_training,
    without_calibrated,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.filtered_inputs import filter_inputs
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.kept_runs import KeptRuns
from iouviewer.jobs.notes import (
    ap_notes,
    calibration_note,
    delta_notes,
    left_out_notes,
    reader_notes,
    refuse_notes,
    training_notes,
    withheld_note,
)
from iouviewer.jobs.operating_points import COMMON, OperatingPoint, at_point
from iouviewer.jobs.protocols import AP_PROTOCOL, REVIEW_ANY_CLASS, REVIEW_WITHIN_CLASS
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions, no_progress
from iouviewer.jobs.run_differences import RunDifference, find_run_differences
from iouviewer.jobs.scoring import VariantScore, compute_delta, score_variant
from iouviewer.jobs.speeds import Speed, gather_speeds
from iouviewer.jobs.val_numbers import run_as_val, with_val_numbers
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import COCO_AREAS, MAX_DETECTIONS, AreaRange, Convention, Int

MAX_LISTED = 5
"""Class names that a note lists at most."""


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """The inputs and settings of an evaluation.

    Attributes:
        video: None if ``read`` or the ground truth gives the number of frames.
        gt: None only if the boxes do not come from files (``score_inputs``).
        preds, models: variants from files, and weights to run; together at least one, names unique.
        baseline: name of the variant that differences refer to; None: the first.
        frames: text of the frame selection (``jobs.frame_selection``); None: all frames.
        filter: a filter line (``document.filter_line``); empty: none.
        target: target IoU drawn in plots.
        analysis: also compute error types, curves, verdicts and the rest of ``jobs.analysis``; takes seconds.
        verdicts: compute verdicts even without the rest of the analysis.
        margins: allowed drop of each metric in points, for the verdicts.
        kept: where predictions of ``models`` are kept; None: nowhere.
        speed_file: speeds measured elsewhere (``speed.json``), for variants of the same names.
        speeds: by variant name, the speeds that a project keeps (``jobs.speeds``).
        point: where variants stand; common: all at ``confidence``.
    """

    video: Path | None
    gt: Path | None
    preds: tuple[NamedPath, ...] = ()
    models: tuple[NamedPath, ...] = ()
    baseline: str | None = None
    confidence: float = 0.25
    iou_threshold: float = 0.5
    convention: Convention = Convention.CONTINUOUS
    class_agnostic: bool = False
    max_detections: int = MAX_DETECTIONS
    area_ranges: tuple[AreaRange, ...] = COCO_AREAS
    frames: str | None = None
    filter: str = ""
    target: float = 0.75
    analysis: bool = False
    verdicts: bool = False
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    read: ReadOptions = field(default_factory=ReadOptions)
    run: RunOptions = field(default_factory=RunOptions)
    kept: KeptRuns | None = None
    speed_file: Path | None = None
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    point: OperatingPoint = COMMON

    @property
    def settings(self) -> ReviewSettings:
        """Thresholds and rules of the association and of AP."""
        return ReviewSettings(
            self.confidence,
            self.iou_threshold,
            self.convention,
            self.class_agnostic,
            self.max_detections,
            self.area_ranges,
        )


def _read_predictions(
    request: EvalRequest,
    context: ReadContext,
    truth: ImportedBoxes,
    frames: Int,
    progress: ProgressCallback,
    files: Sequence[Path],
) -> list[tuple[str, ImportedBoxes]]:
    named = [
        (name, read_file(path, context, request.read, ImportKind.PREDICTIONS, name)) for name, path in request.preds
    ]
    named = [(name, check_alignment(name, boxes, truth, context, request.read)) for name, boxes in named]
    if request.models and request.video is not None:
        from iouviewer.jobs.predict import run_model

        for name, weights in request.models:
            if request.kept is not None:
                model = (name, weights)
                boxes = request.kept.predictions(request.video, model, request.run, frames, context, progress, files)
                named.append((name, boxes))
                continue
            run = run_model(request.video, name, weights, request.run, frames, progress, files=files)
            if run.failure is not None:  # a part of the frames says nothing about the model
                raise run.failure
            named.append((name, run.boxes))
    return named


def find_warnings(request: EvalRequest, truth: Truth, variants: list[VariantInput]) -> list[str]:
    """What limits the metrics: listed frames, skipped rows, unknown classes, no scores, what readers assumed."""
    found = []
    if request.frames is not None and request.frames.startswith("@"):
        found.append(
            tr(
                "frames come from the list {name}: if it was chosen by looking at predictions, the metrics describe "
                "these frames and do not estimate the whole video",
                name=request.frames[1:],
            )
        )
    if truth.skipped:
        found.append(
            tr_n("ground truth: {count} row was skipped", "ground truth: {count:,} rows were skipped", truth.skipped)
        )
    for variant in variants:
        if variant.skipped:
            found.append(
                tr_n(
                    "{variant}: {count} row was skipped",
                    "{variant}: {count:,} rows were skipped",
                    variant.skipped,
                    variant=variant.name,
                )
            )
        join = variant.predictions.join
        if join is not None and join.note:
            found.append(tr("{variant}: {note}", variant=variant.name, note=join.note))
        if join is not None and join.unknown and variant.predictions.keeps_unknown and truth.class_names:
            names = [variant.predictions.classes.names[one] for one in join.unknown if variant.predictions.classes]
            found.append(
                tr(
                    "{variant}: predictions of classes that the ground truth lacks ({names}) stay, because a box "
                    "without a class may be theirs or classes are ignored",
                    variant=variant.name,
                    names=", ".join(names[:MAX_LISTED]),
                )
            )
        found += left_out_notes(truth, variant)
        found += withheld_note(variant)
        found += calibration_note(variant)
        if not variant.predictions.has_scores:
            found.append(tr("{variant}: without scores, so AP is undefined", variant=variant.name))
    found += ap_notes(truth, variants, request.settings)
    return [*found, *reader_notes(truth, variants)]


def evaluate(request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalResult:
    """Read everything, score every variant, compare with the baseline.

    Raises:
        UserError: for anything in the files or the options that cannot be used, and where all predictions of a variant
            were left out.
    """
    inputs = read_inputs(request, progress)
    if not len(inputs.truth.table):
        raise UserError(
            tr("the ground truth has no boxes, so there is nothing to score against"),
            path=request.gt or request.video,
            remedy=tr("Check that it is the right file and complete."),
        )
    refuse_left_out(inputs)
    return score_inputs(request, inputs, progress)


def refuse_left_out(inputs: EvalInputs) -> None:
    """UserError where all predictions of a variant were left out for their classes: no number would mean anything."""
    truth = inputs.truth
    for variant in inputs.variants:
        if not all_left_out(variant.predictions, variant.class_facts):
            continue
        wanted = [truth.class_names[one] for one in np.unique(truth.table.class_ids).tolist() if one >= 0]
        facts = [variant.class_facts]
        raise UserError(left_out_text(variant.name, facts, wanted), remedy=class_remedy(facts, wanted))


def read_inputs(request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalInputs:
    """Read ground truth and variants of one video; runs the models among them.

    Raises:
        UserError: for anything in the files or the options that cannot be used.
    """
    data = None
    if request.video is not None and is_data_yaml(request.video):
        data = open_data_set(request.video, request.read.split)
    source, context = read_source(request.video, request.read, data)
    rules = None
    if request.gt is not None:
        truth_boxes = read_file(request.gt, context, request.read, ImportKind.GROUND_TRUTH, "gt")
    elif data is not None:
        own = request.read.context_for(context, "gt", ImportKind.GROUND_TRUTH)
        truth_boxes, rules = read_data_set_truth(data, own)
        refuse_bad_rows(truth_boxes, request.read)
    else:
        raise UserError(tr("there is no ground truth"), remedy=tr("Give --gt FILE."))
    count = source_frame_count(context, truth_boxes)
    context = with_images(context, truth_boxes, count)
    frames = np.arange(count) if request.frames is None else parse_frames(request.frames, count)
    files = () if data is None else data.images
    imported = _read_predictions(request, context, truth_boxes, frames, progress, files)
    inputs = join_inputs(request, source, truth_boxes, imported, single_images=context.image_names is not None)
    if data is None or rules is None or inputs.truth.rules:
        return inputs
    unreadable = {frame for _, boxes in imported for frame in boxes.protocol.get("unreadable", ())}
    runs = run_as_val(request.models, data, source, truth_boxes, rules, frames, unreadable, request.run, progress)
    joined = [variant_from(name, boxes, inputs.truth, request.read) for name, boxes in runs]
    return replace(inputs, val=ValInputs(rules, {one.name: one.predictions for one in joined}))


def join_inputs(
    request: EvalRequest,
    source: Source,
    truth_boxes: ImportedBoxes,
    imported: Sequence[tuple[str, ImportedBoxes]],
    *,
    single_images: bool,
) -> EvalInputs:
    """Boxes that were read, in the same frames and classes.

    Args:
        source: its frame count is 0 if only the ground truth gives it.

    Raises:
        UserError: boxes or selected frames outside the source, classes that cannot be joined.
    """
    count = source_frame_count(ReadContext(frame_count=source.frame_count or None), truth_boxes)
    truth = truth_from(truth_boxes, count, request.read)
    frames = np.arange(count) if request.frames is None else parse_frames(request.frames, count)
    named = [(name, boxes.with_class(request.read.class_name)) for name, boxes in imported]
    check_class_map(request.read.class_map, [boxes.classes for _, boxes in named], truth.class_table)
    variants = [
        variant_from(name, boxes, truth, request.read, class_agnostic=request.class_agnostic) for name, boxes in named
    ]
    inputs = EvalInputs(replace(source, frame_count=count), truth, frames, variants, single_images=single_images)
    inputs = without_calibrated(with_training(inputs, request.read.trained_on))
    return filter_inputs(only_classes(inputs, request.read.only_classes), request.filter, request.baseline)


def score_inputs(request: EvalRequest, inputs: EvalInputs, progress: ProgressCallback = no_progress) -> EvalResult:
    """Score inputs from files or a project; the result keeps the order of ``inputs.variants``.

    Raises:
        UserError: there is a note, and the request is strict.
    """
    inputs = at_point(inputs, request.point, request.settings)
    truth, frames, variants = inputs.truth, inputs.frames, inputs.variants
    baseline = request.baseline or variants[0].name
    baseline_first = sorted(variants, key=lambda variant: variant.name != baseline)  # stable
    scores = []
    for number, variant in enumerate(baseline_first):
        progress(number, len(variants), tr("scoring {variant}", variant=variant.name))
        scores.append(score_variant(truth, variant, frames, request.settings))
    scores = [with_val_numbers(inputs, score) for score in scores]
    deltas = [compute_delta(truth, score, scores[0], frames, request.settings) for score in scores]
    if request.analysis:
        scores = _with_analysis(inputs, scores, progress)
    if request.analysis or request.verdicts:
        scores = _with_verdicts(inputs, scores, request.margins)
        judged = [score.metrics["bootstrap"] for score in scores[1:]]
        sentences = [str(one["sentence"]) for one in judged]
        sentences += sorted({str(one["choice"]) for one in judged if one["choice"]})
    else:
        sentences = find_obstacles(inputs, scores, request.margins)
    unfit = find_unfit_variants(inputs, scores, request.margins)
    names = [variant.name for variant in variants]
    speeds, speed_notes = gather_speeds(names, baseline, request.speeds, request.speed_file)
    warnings = [
        *find_warnings(request, truth, variants),
        *delta_notes(scores, deltas),
        *training_notes(scores),
        *speed_notes,
    ]
    if len(scores) == 1:  # with several variants the verdicts say so
        warnings += [tr("{variant} cannot be judged: {reason}", variant=name, reason=unfit[name]) for name in unfit]
    if request.read.strict:
        refuse_notes(warnings)
    return EvalResult(
        title=inputs.source.name,
        notes=inputs.notes,
        source=inputs.source,
        split=request.read.split,
        truth=truth,
        frames=frames,
        scores=tuple(scores),
        deltas=tuple(deltas),
        order=tuple(names),
        speeds=speeds,
        target=request.target,
        sentences=tuple(sentences),
        unfit=unfit,
        run_differences=_run_differences(scores),
        protocol=_protocol(request, inputs, baseline) | {"warnings": warnings},
    )


def _run_differences(scores: Sequence[VariantScore]) -> dict[str, tuple[RunDifference, ...]]:
    """What each run did differently from that of the first of ``scores``, by variant name."""
    variants = {score.name: score.input.predictions for score in scores}
    names = {name: name for name in variants}
    return {name: find_run_differences(variants, name, scores[0].name, names) for name in variants}


def _with_analysis(inputs: EvalInputs, scores: list[VariantScore], progress: ProgressCallback) -> list[VariantScore]:
    """The scores with the analysis as metrics."""
    analysed = []
    for number, score in enumerate(scores):
        progress(number, len(scores), tr("analysing {variant}", variant=score.name))
        analysed.append(analyse(inputs.truth, score, inputs.labelled))
    return [replace(score, metrics={**score.metrics, **values}) for score, values in zip(scores, analysed, strict=True)]


def _with_verdicts(inputs: EvalInputs, scores: list[VariantScore], margins: Mapping[str, float]) -> list[VariantScore]:
    """The scores with ``bootstrap``, its outcome as ``verdict`` (both null for the baseline), and ``intervals``."""
    judged = {score.name: None for score in scores} | judge_scores(inputs, scores, margins)
    intervals = own_intervals(inputs, scores, margins)
    values = {
        name: {"bootstrap": one, "verdict": one and one["outcome"], "intervals": intervals[name]}
        for name, one in judged.items()
    }
    return [replace(score, metrics={**score.metrics, **values[score.name]}) for score in scores]


def _protocol(request: EvalRequest, inputs: EvalInputs, baseline: str) -> dict[str, Any]:
    """The settings with which the metrics were computed, as values for JSON."""
    read, source, truth = request.read, inputs.source, inputs.truth
    return {
        "iouviewer": __version__,
        "ap_protocol": AP_PROTOCOL,
        "review_protocol": REVIEW_ANY_CLASS if request.class_agnostic else REVIEW_WITHIN_CLASS,
        "video": source.name if request.video is not None else None,
        "ground_truth": request.gt.name if request.gt is not None else None,
        "files": {name: path.name for name, path in (*request.preds, *request.models)},
        "frame_count": source.frame_count,
        "fps": source.fps,
        "frames": "all" if request.frames is None else request.frames,
        "filter": truth.rules.filter.text,
        "chosen_frames": len(inputs.frames),
        "labelled_frames": int(truth.labelled[inputs.frames].sum()),
        "excluded_frames": truth.states(inputs.frames).count("excluded"),
        "baseline": baseline,
        "confidence": request.confidence,
        "operating_point": None if inputs.point is None else inputs.point.values,
        "iou_threshold": request.iou_threshold,
        "convention": str(request.convention),
        "max_detections": request.max_detections,
        "area_ranges": {name: [low, high] for name, low, high in request.area_ranges},
        "classes": list(truth.class_names),
        "class_name": read.class_name,
        "class_map": dict(read.class_map),
        "only_classes": list(read.only_classes),
        "class_agnostic": request.class_agnostic,
        "frame_base": read.frame_base,
        "missing": read.missing,
        "margins": dict(request.margins),
    }
