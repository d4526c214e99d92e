"""Scores variants against ground truth, for the command line and the window's export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer import __version__
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.eval_inputs import (
    EvalInputs,
    ReadOptions,
    Truth,
    VariantInput,
    check_class_map,
    read_file,
    read_source,
    source_frame_count,
    truth_from,
    variant_from,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.protocols import AP_PROTOCOL, REVIEW_ANY_CLASS, REVIEW_WITHIN_CLASS
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions, no_progress
from iouviewer.jobs.scoring import VariantScore, compute_delta, score_variant
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention, Int


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """The inputs and settings of an evaluation.

    Attributes:
        video: None if ``read`` or the ground truth gives the number of frames.
        gt: None only if the boxes do not come from files (``score_inputs``).
        preds, models: variants from files, and weights to run; together at least one, names unique.
        baseline: name of the variant that differences refer to; None: the first.
        frames: text of the frame selection (``jobs.frame_selection``); None: all frames.
        target: target IoU drawn in plots.
        analysis: also compute error types, curves, verdicts and the rest of ``jobs.analysis``; takes seconds.
        margins: allowed drop of each metric in points, for the verdicts.
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
    frames: str | None = None
    target: float = 0.75
    analysis: bool = False
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    read: ReadOptions = field(default_factory=ReadOptions)
    run: RunOptions = field(default_factory=RunOptions)

    @property
    def settings(self) -> ReviewSettings:
        """Thresholds and rules of the association."""
        return ReviewSettings(self.confidence, self.iou_threshold, self.convention, self.class_agnostic)


def _read_predictions(
    request: EvalRequest, context: ReadContext, frames: Int, progress: ProgressCallback
) -> list[tuple[str, ImportedBoxes]]:
    named = [(name, read_file(path, context, request.read, ImportKind.PREDICTIONS)) for name, path in request.preds]
    if request.models and request.video is not None:
        from iouviewer.jobs.predict import run_model

        for name, weights in request.models:
            named.append((name, run_model(request.video, name, weights, request.run, frames, progress).boxes))
    return named


def find_warnings(request: EvalRequest, truth: Truth, variants: list[VariantInput]) -> list[str]:
    """Limitations of the metrics: a hand-picked frame list, skipped rows, unknown classes, missing scores."""
    found = []
    if request.frames is not None and request.frames.startswith("@"):
        found.append(
            tr(
                "frames come from a list: if it was chosen by looking at predictions, the metrics describe hard "
                "frames and do not estimate the whole video"
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
        for name, number in variant.dropped_classes.items():
            found.append(
                tr_n(
                    "{variant}: {count} prediction of class {name!r} was dropped; the ground truth has no such class",
                    "{variant}: {count:,} predictions of class {name!r} were dropped; the ground truth has no such "
                    "class",
                    number,
                    variant=variant.name,
                    name=name,
                )
            )
        if not variant.predictions.has_scores:
            found.append(tr("{variant}: without scores, so AP is undefined", variant=variant.name))
    return found


def evaluate(request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalResult:
    """Read everything, score every variant, compare with the baseline.

    Raises:
        UserError: for anything in the files or the options that cannot be used.
    """
    return score_inputs(request, read_inputs(request, progress), progress)


def read_inputs(request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalInputs:
    """Read ground truth and variants of one video; runs the models among them.

    Raises:
        UserError: for anything in the files or the options that cannot be used.
    """
    if request.gt is None:
        raise UserError(tr("there is no ground truth"), remedy=tr("Give --gt FILE."))
    source, context = read_source(request.video, request.read)
    truth_boxes = read_file(request.gt, context, request.read, ImportKind.GROUND_TRUTH)
    count = source_frame_count(context, truth_boxes)
    context = replace(context, frame_count=count, size=context.size or truth_boxes.size)
    truth = truth_from(truth_boxes, count, request.read)
    frames = np.arange(count) if request.frames is None else parse_frames(request.frames, count)
    imported = _read_predictions(request, context, frames, progress)
    class_names = {name for _, boxes in imported for name in boxes.class_names}
    if request.read.class_name is not None and any(not boxes.class_names for _, boxes in imported):
        class_names.add(request.read.class_name)
    check_class_map(request.read, truth, class_names)
    variants = [variant_from(name, boxes, truth, request.read) for name, boxes in imported]
    return EvalInputs(
        replace(source, frame_count=count), truth, frames, variants, single_images=context.image_names is not None
    )


def score_inputs(request: EvalRequest, inputs: EvalInputs, progress: ProgressCallback = no_progress) -> EvalResult:
    """Score inputs from files or a project; the result keeps the order of ``inputs.variants``."""
    truth, frames, variants = inputs.truth, inputs.frames, inputs.variants
    baseline = request.baseline or variants[0].name
    baseline_first = sorted(variants, key=lambda variant: variant.name != baseline)  # stable
    scores = []
    for number, variant in enumerate(baseline_first):
        progress(number, len(variants), tr("scoring {variant}", variant=variant.name))
        scores.append(score_variant(truth, variant, frames, request.settings))
    deltas = [compute_delta(truth, score, scores[0], frames, request.settings) for score in scores]
    if request.analysis:
        scores = _with_analysis(inputs, scores, request, progress)
    return EvalResult(
        title=inputs.source.name,
        truth=truth,
        frames=frames,
        scores=tuple(scores),
        deltas=tuple(deltas),
        order=tuple(variant.name for variant in variants),
        target=request.target,
        protocol=_protocol(request, inputs, baseline) | {"warnings": find_warnings(request, truth, variants)},
    )


def _with_analysis(
    inputs: EvalInputs, scores: list[VariantScore], request: EvalRequest, progress: ProgressCallback
) -> list[VariantScore]:
    """The scores with the analysis and the verdict (``bootstrap``, null for the baseline) added to their metrics."""
    from iouviewer.jobs.analysis import analyse, bootstrap

    analysed = []
    for number, score in enumerate(scores):
        progress(number, len(scores), tr("analysing {variant}", variant=score.name))
        analysed.append(analyse(inputs.truth, score, inputs.labelled))
    verdicts = bootstrap(inputs, scores, request.margins)
    return [
        replace(score, metrics={**score.metrics, **values, "bootstrap": verdicts.get(score.name)})
        for score, values in zip(scores, analysed, strict=True)
    ]


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
        "chosen_frames": len(inputs.frames),
        "labelled_frames": int(truth.labelled[inputs.frames].sum()),
        "baseline": baseline,
        "confidence": request.confidence,
        "iou_threshold": request.iou_threshold,
        "convention": str(request.convention),
        "classes": list(truth.class_names),
        "class_name": read.class_name,
        "class_map": dict(read.class_map),
        "frame_base": read.frame_base,
        "missing": read.missing,
        "margins": dict(request.margins),
    }
