"""The numbers of ``yolo val`` on a data set, beside COCO's, and the steps between them.

A model runs twice: as ``predict`` does, for all numbers of the program, and as ``yolo val`` does, for its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.sources import Source
from iouviewer.formats.yolo import ValRules
from iouviewer.jobs.data_set import VAL_BATCH, DataSet, val_shapes
from iouviewer.jobs.eval_inputs import EvalInputs, ValInputs, frame_mask
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions
from iouviewer.jobs.scoring import VariantScore
from iouviewer.metrics.reconcile import VAL_FLOOR, VAL_MAX_DETECTIONS, ValTables, limit_detections, reconcile
from iouviewer.metrics.table import BoxTable, Int
from iouviewer.metrics.ultralytics_protocol import PROTOCOL


def run_as_val(
    models: Sequence[NamedPath],
    data: DataSet,
    source: Source,
    truth: ImportedBoxes,
    rules: ValRules,
    frames: Int,
    unreadable: Collection[int],
    options: RunOptions,
    progress: ProgressCallback,
) -> list[tuple[str, ImportedBoxes]]:
    """Predictions of each model as ``yolo val`` makes them.

    Unreadable images are in no batch. As in val, the maximum of detections rises to the number of boxes of an image
    unless the user set another.

    Raises:
        UserError: a run failed.
    """
    from iouviewer.jobs.predict import run_model

    if options.max_det == VAL_MAX_DETECTIONS and len(truth):
        options = replace(options, max_det=max(VAL_MAX_DETECTIONS, int(np.bincount(truth.frames).max())))
    shapes = val_shapes(source.images.sizes, {*rules.left_out, *unreadable})
    found = []
    for name, weights in models:
        run = run_model(data.path, name, weights, options, frames, progress, files=data.images, val_shapes=shapes)
        if run.failure is not None:
            raise run.failure
        found.append((name, run.boxes))
    return found


def with_val_numbers(inputs: EvalInputs, score: VariantScore) -> VariantScore:
    """The score with ``ultralytics`` as metric: None without scores, and no such metric where there is no data set."""
    if inputs.val is None:
        return score
    return replace(score, metrics={**score.metrics, "ultralytics": _val_values(inputs, inputs.val, score)})


def _val_values(inputs: EvalInputs, val: ValInputs, score: VariantScore) -> dict[str, Any] | None:
    if not score.input.predictions.has_scores:
        return None
    tables = _tables(inputs, val, score)
    found = tables.score()
    counting = tables.frames[tables.truth.frame_of_row()] & ~tables.truth.ignored
    own = val.runs.get(score.name)
    means = {"precision": found.precision, "recall": found.recall} if len(found.classes) else {}
    steps = reconcile(
        *score.ap_tables(inputs.truth),
        inputs.labelled,
        score.counted,
        score.review.settings.max_detections,
        tables,
    )
    return {
        "protocol": PROTOCOL,
        "own_run": own is not None,
        "precision": float(means["precision"].mean()) if means else None,
        "recall": float(means["recall"].mean()) if means else None,
        "map50": _number(found.map50),
        "map50_95": _number(found.map50_95),
        "confidence": found.confidence,
        "images": int(tables.frames.sum()),
        "boxes": int(counting.sum()),
        "run": None if own is None else _run_values(own.protocol),
        "steps": [{"step": one.name, "ap": _number(one.ap), "change": _number(one.change)} for one in steps],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _run_values(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the run, by the names of ``yolo val``."""
    return {
        "conf": protocol.get("floor"),
        "iou": protocol.get("nms_iou"),
        "max_det": protocol.get("max_det"),
        "imgsz": protocol.get("imgsz"),
        "batch": VAL_BATCH,
        "inputs": protocol.get("inputs"),
    }


def _tables(inputs: EvalInputs, val: ValInputs, score: VariantScore) -> ValTables:
    """What ``yolo val`` would compute with, on the selected frames."""
    truth, variant = inputs.truth.table, score.input.predictions
    own = val.runs.get(score.name)
    labelled = inputs.labelled & (variant if own is None else own).covered
    used = labelled & ~frame_mask(np.array(val.rules.left_out, np.int64), truth.frame_count)
    kept = ~val.rules.repeated[truth.ids - 1] if len(val.rules.repeated) else np.ones(len(truth), np.bool_)
    if own is not None and own.classes is not None:  # labels of classes beyond the model's are left out there
        numbers = inputs.truth.class_table.numbers
        if numbers is not None:
            known = np.array([number < len(own.classes) for number in numbers], np.bool_)
            kept &= known[truth.class_ids] | (truth.class_ids < 0)
    if own is None:
        stored = variant.table.select(variant.table.scores >= VAL_FLOOR)
        predictions, cut = limit_detections(stored, VAL_MAX_DETECTIONS), None
    else:
        predictions = own.table
        cut = _cut_at_edges(predictions, inputs.source)
    return ValTables(truth.select(kept), used, truth, labelled, predictions, cut, variant.table)


def _cut_at_edges(table: BoxTable, source: Source) -> BoxTable:
    sizes = np.array([source.size_of(frame) for frame in range(table.frame_count)], np.float64)[table.frame_of_row()]
    limits = np.tile(sizes, 2).T
    return replace(table, boxes=np.clip(table.boxes, 0.0, limits.reshape(4, -1)))
