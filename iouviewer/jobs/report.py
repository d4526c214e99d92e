"""What the window (and the gate on a project) takes away from a document: scores, the frame as picture, the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.sources import Picture
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.jobs.eval_inputs import Truth, VariantInput, facts_of
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, ReadVideo, score_variants
from iouviewer.jobs.frame_choice import parse_frames
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.metrics.review import PairState, ReviewSettings, review_frame
from iouviewer.metrics.table import BoxTable
from iouviewer.reports.picture import TRUTH_COLOUR, DrawnBox, png_bytes, with_boxes

if TYPE_CHECKING:
    from iouviewer.formats.interface import BoxesToWrite


def document_truth(document: Document, source: int = 0) -> Truth:
    """Ground truth of one source as the metrics take it."""
    ground_truth = document.ground_truth(source)
    states = ground_truth.states()
    return Truth(
        table=ground_truth.table(),
        labelled=np.asarray(states == int(FrameState.LABELLED)),
        class_names=document.class_names,
        tracks=np.asarray(ground_truth.columns()[3], np.int64),
        excluded=np.asarray(states == int(FrameState.EXCLUDED)),
    )


def evaluate_document(
    document: Document,
    variants: Iterable[Variant],
    *,
    baseline: str = "",
    request: EvalRequest | None = None,
    source: int = 0,
    progress: ProgressCallback = no_progress,
) -> EvalResult:
    """Score the variants of a document; the same numbers as ``evaluate`` gives from files.

    Args:
        baseline: key (or name) of the baseline; empty: the request's, else the first.
        request: thresholds, choice of frames, analysis; its files are not used.

    Raises:
        UserError: no variants, an unknown baseline, frames outside the source.
    """
    settled, read = read_document(document, variants, baseline=baseline, request=request, source=source)
    return score_variants(settled, read, progress)


def read_document(
    document: Document,
    variants: Iterable[Variant],
    *,
    baseline: str = "",
    request: EvalRequest | None = None,
    source: int = 0,
) -> tuple[EvalRequest, ReadVideo]:
    """What ``evaluate_document`` scores, and the request with the baseline's name; its errors are the same."""
    request = request or EvalRequest(video=None, gt=None)
    listed = list(variants)
    if not listed:
        raise UserError("there are no variants to score", remedy="Open predictions, or run a model")
    wanted = request.baseline or baseline or listed[0].key
    found = next((variant for variant in listed if wanted in {variant.key, variant.name}), None)
    if found is None:
        names = ", ".join(variant.name for variant in listed)
        raise UserError(f"the baseline {wanted!r} is no variant", remedy=f"Variants are {names}")
    known = document.sources[source]
    facts = facts_of(known)
    chosen = np.arange(known.frame_count)
    if request.frames is not None:
        chosen = parse_frames(request.frames, known.frame_count)
    inputs = [VariantInput(variant.name, variant.predictions, {}) for variant in listed]
    settled = replace(request, baseline=found.name, video=Path(known.path) if known.path else None)
    return settled, ReadVideo(facts, document_truth(document, source), chosen, inputs)


def ground_truth_to_write(document: Document, source: int = 0) -> BoxesToWrite:
    """The corrected ground truth of one source, for any writer of the formats."""
    from iouviewer.formats.interface import BoxesToWrite

    known, truth = document.sources[source], document.ground_truth(source)
    frames, boxes, class_ids, tracks, flags, _ = truth.columns()
    return BoxesToWrite(
        frames=frames,
        boxes=boxes,
        class_ids=class_ids,
        class_names=document.class_names,
        scores=None,
        track_ids=tracks,
        flags=flags,
        size=(known.width, known.height),
        frame_count=known.frame_count,
        labelled=np.flatnonzero(truth.states() == int(FrameState.LABELLED)),
        video_name=known.name,
    )


@dataclass(frozen=True)
class ShownVariant:
    """One variant on one frame: its predictions as a table of one frame, and its colour (``#rrggbb``)."""

    colour: str
    predictions: BoxTable = field(repr=False)


def frame_picture(
    picture: Picture, truth: BoxTable, variants: Sequence[ShownVariant], settings: ReviewSettings
) -> bytes:
    """The frame as PNG: ground truth, predictions at or above the confidence threshold, "IoU 0.83" at each pair.

    Args:
        picture: (height, width, 3) uint8, B, G, R.
        truth: a table of this one frame.
    """
    drawn = [DrawnBox(_rect(truth, row), TRUTH_COLOUR) for row in range(len(truth))]
    for variant in variants:
        review = review_frame(truth, variant.predictions, settings)
        for pair in review.pairs:
            if pair.pred_row < 0 or pair.state == PairState.BELOW_CONFIDENCE:
                continue
            paired = pair.state in {PairState.TRUE_POSITIVE, PairState.LOOSE}
            label = f"IoU {pair.iou:.2f}" if paired else ""
            drawn.append(DrawnBox(_rect(variant.predictions, pair.pred_row), variant.colour, label))
    return png_bytes(with_boxes(picture, drawn))


def _rect(table: BoxTable, row: int) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = table.boxes[:, row].tolist()
    return x1, y1, x2, y2
