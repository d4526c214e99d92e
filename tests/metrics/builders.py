"""Boxes for the tests of metrics, and the scores that pycocotools computes from them."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.table import COCO_AREAS, BoxTable

FRAME_COUNTS = {"pets09": 795, "tud-campus": 71}
"""Frames by sequence of the shared data."""


def load_mot(folder, sequence, name, is_truth):
    """A MOTChallenge file of a sequence in the shared data."""
    rows = np.loadtxt(folder / sequence / name, delimiter=",")
    boxes = np.stack((rows[:, 2], rows[:, 3], rows[:, 2] + rows[:, 4], rows[:, 3] + rows[:, 5]))
    return BoxTable.from_rows(
        rows[:, 0].astype(np.int64) - 1,
        boxes,
        frame_count=FRAME_COUNTS[sequence],
        ignored=rows[:, 6] == 0 if is_truth else None,
        scores=None if is_truth else rows[:, 6],
    )


def random_case(seed: int) -> tuple[BoxTable, BoxTable]:
    """Ground truth and predictions of 30 frames and 3 classes: moved copies of the boxes, and stray boxes."""
    random = np.random.default_rng(seed)
    frames, classes = 30, 3
    per_frame = random.integers(0, 6, frames)
    truth_frames = np.repeat(np.arange(frames), per_frame)
    corners = random.integers(0, 150, (2, len(truth_frames))).astype(float)
    sizes = random.integers(15, 60, (2, len(truth_frames))).astype(float)
    truth_classes = random.integers(0, classes, len(truth_frames))
    copies = np.repeat(np.arange(len(truth_frames)), random.integers(0, 4, len(truth_frames)))
    moved = corners[:, copies] + random.integers(-14, 15, (2, len(copies)))
    resized = sizes[:, copies] + random.integers(-8, 9, (2, len(copies)))
    flipped = np.where(
        random.random(len(copies)) < 0.3, random.integers(0, classes, len(copies)), truth_classes[copies]
    )
    stray = 40
    pred_frames = np.concatenate([truth_frames[copies], random.integers(0, frames, stray)])
    pred_corners = np.concatenate([moved, random.integers(0, 400, (2, stray)).astype(float)], axis=1)
    pred_sizes = np.concatenate([resized, np.full((2, stray), 25.0)], axis=1)
    pred_classes = np.concatenate([flipped, random.integers(0, classes, stray)])
    truth = BoxTable.from_rows(
        truth_frames, np.concatenate([corners, corners + sizes]), frame_count=frames, class_ids=truth_classes
    )
    predictions = BoxTable.from_rows(
        pred_frames,
        np.concatenate([pred_corners, pred_corners + pred_sizes]),
        frame_count=frames,
        class_ids=pred_classes,
        scores=random.permutation(len(pred_frames)) / len(pred_frames),
    )
    return truth, predictions


def _annotations(table, scored):
    widths = np.stack((table.boxes[0], table.boxes[1], *(table.boxes[2:] - table.boxes[:2])))
    rows = []
    areas = table.stated_areas()
    for number, (frame, box) in enumerate(zip(table.frame_of_row().tolist(), widths.T.tolist(), strict=True), 1):
        row = {"id": number, "image_id": frame + 1, "bbox": box, "area": float(areas[number - 1])}
        row |= {"category_id": int(table.class_ids[number - 1]) + 1, "iscrowd": int(table.ignored[number - 1])}
        rows.append(row | ({"score": float(table.scores[number - 1])} if scored else {}))
    return rows


def pycocotools_stats(gt, pred, max_detections=100, area_ranges=COCO_AREAS):
    """The twelve numbers that pycocotools prints, all at one limit of detections; -1 where undefined."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        classes = sorted(set(gt.class_ids.tolist()) | set(pred.class_ids.tolist()))
        truth.dataset = {
            "info": {},
            "images": [{"id": frame + 1} for frame in range(gt.frame_count)],
            "categories": [{"id": class_id + 1} for class_id in classes],
            "annotations": _annotations(gt, False),
        }
        truth.createIndex()
        found = truth.loadRes(_annotations(pred, True)) if len(pred) else COCO()
        if not len(pred):
            found.dataset = truth.dataset | {"annotations": []}
            found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        # summarize() prints AP at 100 detections only, so the means are taken here.
        evaluation.params.maxDets = [max_detections] * 3
        evaluation.params.areaRng = [[0.0, 1e10], *([low, high] for _, low, high in area_ranges)]
        evaluation.evaluate()
        evaluation.accumulate()
        precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    return [
        *(_mean(precision[part, :, :, 0, -1]) for part in (slice(None), 0, 5)),
        *(_mean(precision[:, :, :, 1 + n, -1]) for n in range(3)),
        *(_mean(recall[:, :, 0, n]) for n in range(3)),
        *(_mean(recall[:, :, 1 + n, -1]) for n in range(3)),
    ]


def _mean(values):
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0


def assert_equals_pycocotools(gt, pred, max_detections=100, area_ranges=COCO_AREAS):
    result = evaluate_coco(gt, pred, None, max_detections, area_ranges=area_ranges)
    sizes = [result.sizes[name] for name, *_ in area_ranges]
    ours = [result.ap, result.ap50, result.ap75, *(size.ap for size in sizes), result.ar100]
    ours += [size.ar for size in sizes]
    theirs = pycocotools_stats(gt, pred, max_detections, area_ranges)
    expected = [None if value < 0 else value for value in np.array(theirs)[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]]]
    for ours_value, value in zip(ours, expected, strict=True):
        assert (ours_value is None) == (value is None)
        if value is not None:
            assert ours_value == pytest.approx(value, abs=1e-9)
