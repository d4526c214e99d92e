"""Score variants against ground truth: files in, numbers out. The command line and the window's export call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer import __version__
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.eval_inputs import (
    ReadOptions,
    SourceFacts,
    Truth,
    VariantInput,
    check_class_map,
    frame_count_of,
    read_file,
    source_facts,
    truth_from,
    variant_from,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.frame_choice import parse_frames
from iouviewer.jobs.open_request import NamedPath
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.jobs.run_options import RunOptions
from iouviewer.jobs.scoring import ScoreSettings, VariantScore, difference, mask_of, score
from iouviewer.metrics.table import Bool, Convention, Int


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """What to score and how.

    Attributes:
        gt: None only where boxes do not come from files (``score_variants``).
        video: None where ``read`` (or the ground truth) gives the number of frames.
        preds, models: variants from files, and weights to run; together at least one, names unique.
        baseline: name of the variant that differences refer to; None: the first.
        frames: text of the choice (``jobs.frame_choice``); None: all.
        target: IoU drawn as the target in plots.
        analysis: also what explains the numbers (errors, curves, verdicts ...); costs seconds.
        margins: points that a variant may lose, by metric, for the verdicts.
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
    def settings(self) -> ScoreSettings:
        """What the numbers depend on besides the boxes."""
        return ScoreSettings(self.confidence, self.iou_threshold, self.convention, self.class_agnostic)


@dataclass(frozen=True)
class ReadVideo:
    """Everything that was read of one video, ready to be scored.

    Attributes:
        chosen: (n,) int64, frames that were chosen.
        variants: in the order in which they were given.
    """

    facts: SourceFacts
    truth: Truth
    chosen: Int
    variants: list[VariantInput]

    @property
    def labelled(self) -> Bool:
        """(F,) bool, chosen labelled frames."""
        return self.truth.labelled & mask_of(self.chosen, self.truth.table.frame_count)


def _predictions(
    request: EvalRequest, facts: SourceFacts, chosen: Int, progress: ProgressCallback
) -> list[tuple[str, ImportedBoxes]]:
    found = [(name, read_file(path, facts, request.read, Kind.PREDICTIONS)) for name, path in request.preds]
    if request.models and request.video is not None:
        from iouviewer.jobs.predict import run_model

        for name, weights in request.models:
            found.append((name, run_model(request.video, name, weights, request.run, chosen, progress).boxes))
    return found


def warnings(request: EvalRequest, truth: Truth, variants: list[VariantInput]) -> list[str]:
    """What has to be known of the numbers: lists of frames, what was left out, what has no scores."""
    found = []
    if request.frames is not None and request.frames.startswith("@"):
        found.append("frames of a list: where it was made by looking at predictions, hard frames, not an estimate")
    if truth.skipped:
        found.append(f"ground truth: {truth.skipped} rows were left out")
    for variant in variants:
        if variant.skipped:
            found.append(f"{variant.name}: {variant.skipped} rows were left out")
        for name, number in variant.left_out.items():
            found.append(
                f"{variant.name}: {number} predictions of class {name!r}, unknown to the ground truth; left out"
            )
        if not variant.predictions.has_scores:
            found.append(f"{variant.name}: without scores, so AP is undefined")
    return found


def evaluate(request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalResult:
    """Read everything, score every variant, compare with the baseline.

    Raises:
        UserError: for anything in the files or the options that cannot be used.
    """
    return score_variants(request, read_video(request, progress), progress)


def read_video(request: EvalRequest, progress: ProgressCallback = no_progress) -> ReadVideo:
    """Read ground truth and variants of one video, running the models among them.

    Raises:
        UserError: for anything in the files or the options that cannot be used.
    """
    if request.gt is None:
        raise UserError("there is no ground truth", remedy="Give --gt FILE")
    facts = source_facts(request.video, request.read)
    truth_boxes = read_file(request.gt, facts, request.read, Kind.GROUND_TRUTH)
    count = frame_count_of(facts, truth_boxes)
    facts = replace(facts, frame_count=count, size=facts.size or truth_boxes.size)
    truth = truth_from(truth_boxes, count, request.read)
    chosen = np.arange(count) if request.frames is None else parse_frames(request.frames, count)
    imported = _predictions(request, facts, chosen, progress)
    names = {name for _, boxes in imported for name in boxes.class_names}
    if request.read.class_name is not None and any(not boxes.class_names for _, boxes in imported):
        names.add(request.read.class_name)
    check_class_map(request.read, truth, names)
    variants = [variant_from(name, boxes, truth, request.read) for name, boxes in imported]
    return ReadVideo(facts, truth, chosen, variants)


def score_variants(request: EvalRequest, read: ReadVideo, progress: ProgressCallback = no_progress) -> EvalResult:
    """Score what was read from files or from a project; the result keeps the order of ``read.variants``."""
    facts, truth, chosen, variants = read.facts, read.truth, read.chosen, read.variants
    baseline = request.baseline or variants[0].name
    baseline_first = sorted(variants, key=lambda variant: variant.name != baseline)  # stable
    scores = []
    for number, variant in enumerate(baseline_first):
        progress(number, len(variants), f"scoring {variant.name}")
        scores.append(score(truth, variant, chosen, request.settings))
    deltas = [difference(truth, one, scores[0], chosen, request.settings) for one in scores]
    if request.analysis:
        scores = _with_analysis(read, scores, request, progress)
    return EvalResult(
        title=facts.name,
        truth=truth,
        chosen=chosen,
        scores=tuple(scores),
        deltas=tuple(deltas),
        order=tuple(variant.name for variant in variants),
        target=request.target,
        protocol=_protocol(request, facts, truth, chosen, baseline) | {"warnings": warnings(request, truth, variants)},
    )


def _with_analysis(
    read: ReadVideo, scores: list[VariantScore], request: EvalRequest, progress: ProgressCallback
) -> list[VariantScore]:
    """The scores with ``analyse``'s values and the verdict (``bootstrap``, null for the baseline) among the metrics."""
    from iouviewer.jobs.analysis import analyse, bootstrap

    facts, truth, labelled = read.facts, read.truth, read.labelled
    analysed = []
    for number, one in enumerate(scores):
        progress(number, len(scores), f"analysing {one.name}")
        analysed.append(analyse(truth, truth.tracks, one, labelled))
    single = facts.image_names is not None
    verdicts = bootstrap(truth, labelled, scores, fps=facts.fps, margins=request.margins, single_images=single)
    return [
        replace(one, metrics={**one.metrics, **values, "bootstrap": verdicts.get(one.name)})
        for one, values in zip(scores, analysed, strict=True)
    ]


def _protocol(request: EvalRequest, facts: SourceFacts, truth: Truth, chosen: Int, baseline: str) -> dict[str, Any]:
    read = request.read
    return {
        "iouviewer": __version__,
        "ap_protocol": "COCO (pycocotools 2.0): continuous, 101 recall points, 100 detections a frame and class",
        "review_protocol": "assignment of the greatest sum of IoU, one to one, within one class"
        if not request.class_agnostic
        else "assignment of the greatest sum of IoU, one to one, whatever the class",
        "video": facts.name if request.video is not None else None,
        "ground_truth": request.gt.name if request.gt is not None else None,
        "files": {name: path.name for name, path in (*request.preds, *request.models)},
        "frame_count": facts.frame_count,
        "fps": facts.fps,
        "frames": "all" if request.frames is None else request.frames,
        "chosen_frames": len(chosen),
        "labelled_frames": int(truth.labelled[chosen].sum()),
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
