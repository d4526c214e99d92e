"""Time from one edit of one frame until all metrics of all variants are current.

    python -m benchmarks scores --incremental [--frames 100000] [--predictions 12] [--edits 1000]

Five variants. Each edit moves, resizes, deletes or restores one ground-truth box of a random frame. The time runs from
the edit to the summaries (including AP), frame IoU and histograms of all five. The output has wall time and CPU time of
the thread. stderr has a yardstick, the time to add two arrays of 101 numbers: 0.3 µs on an idle machine of this kind; a
higher value means that everything takes longer.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.scores import scene
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import LABELLED, Scores, ScoreSettings
from iouviewer.metrics.table import BoxTable, Float

VARIANTS = 5
KINDS = ("move", "edge", "move", "edge", "move", "edge", "move", "edge", "delete", "restore")


class EditedTable:
    """Ground truth with replaced frames."""

    def __init__(self, table: BoxTable) -> None:
        self._table = table
        self._edited: dict[int, BoxTable] = {}
        self._states = np.full(table.frame_count, LABELLED, np.int8)

    @property
    def frame_count(self) -> int:
        return self._table.frame_count

    def table(self) -> BoxTable:
        if not self._edited:
            return self._table
        parts = [self.frame_table(frame) for frame in range(self.frame_count)]
        return BoxTable.from_rows(
            np.repeat(np.arange(self.frame_count), [len(part) for part in parts]),
            np.concatenate([part.boxes for part in parts], axis=1),
            frame_count=self.frame_count,
        )

    def frame_table(self, frame: int) -> BoxTable:
        return self._edited.get(frame) or self._table.frame(frame)

    def state(self, frame: int) -> int:
        return int(self._states[frame])

    def states(self) -> NDArray[np.int8]:
        return self._states

    def replace(self, frame: int, boxes: Float) -> None:
        """Replace the boxes of a frame."""
        rows = np.zeros(boxes.shape[1], np.int64)
        self._edited[frame] = BoxTable.from_rows(rows, boxes, frame_count=1)

    def restore(self) -> int | None:
        """Undo one replacement and return its frame; None if there is none."""
        if not self._edited:
            return None
        frame = next(iter(self._edited))
        del self._edited[frame]
        return frame


def edit(gt: EditedTable, kind: str, random: np.random.Generator) -> int:
    """Change one frame and return its number."""
    if kind == "restore":
        restored = gt.restore()
        if restored is not None:
            return restored
    frame = int(random.integers(gt.frame_count))
    boxes = gt.frame_table(frame).boxes.copy()
    row = int(random.integers(boxes.shape[1])) if boxes.shape[1] else -1
    if kind == "delete" and row >= 0:
        boxes = np.delete(boxes, row, axis=1)
    elif kind == "edge" and row >= 0:
        boxes[2, row] = max(boxes[0, row] + 1.0, boxes[2, row] + random.normal(0, 5))
    elif row >= 0:
        boxes[:, row] += np.tile(random.normal(0, 4, 2), 2)
    gt.replace(frame, boxes)
    return frame


def prepare(frames: int, predictions: int) -> tuple[EditedTable, Scores]:
    """Ground truth and five variants with slightly different boxes and scores."""
    arrays = scene(frames, 10, predictions)
    gt = EditedTable(BoxTable.from_rows(arrays["gt_frames"], arrays["gt"], frame_count=frames))
    scores = Scores(gt, ScoreSettings())
    random = np.random.default_rng(1)
    for number in range(VARIANTS):
        boxes = arrays["pred"] + random.normal(0, 2, arrays["pred"].shape)
        boxes[2:] = np.maximum(boxes[2:], boxes[:2] + 1)
        values = np.clip(arrays["scores"] + random.normal(0, 0.05, len(arrays["scores"])), 0, 1)
        table = BoxTable.from_rows(arrays["pred_frames"], boxes, frame_count=frames, scores=values)
        scores.set_variant(str(number), PredictionSet(table, np.ones(frames, np.bool_), score_floor=0.0))
    return gt, scores


def time_edits(gt: EditedTable, scores: Scores, edits: int) -> dict[str, NDArray[np.float64]]:
    """(edits,) wall and CPU time in milliseconds, and the yardstick in microseconds."""
    random = np.random.default_rng(2)
    wall, cpu, yardstick = np.empty(edits), np.empty(edits), np.empty(edits)
    numbers = random.random(101)
    keys = list(scores.keys())
    for number in range(-50, edits):  # fifty warm-up edits
        frame = edit(gt, KINDS[number % len(KINDS)], random)
        started, cpu_started = time.perf_counter(), time.thread_time()
        scores.update([frame])
        for key in keys:
            scores.summary(key), scores.frame_iou(key, frame), scores.histogram(key)
        if number >= 0:
            wall[number], cpu[number] = time.perf_counter() - started, time.thread_time() - cpu_started
        cpu_started = time.thread_time()
        for _ in range(200):
            np.add(numbers, numbers)
        yardstick[max(number, 0)] = (time.thread_time() - cpu_started) / 200
    return {"wall": wall * 1e3, "CPU": cpu * 1e3, "yardstick": yardstick * 1e6}


def time_drags(gt: EditedTable, scores: Scores, drags: int = 40, steps: int = 30) -> dict[str, Float]:
    """(drags * steps,) milliseconds of drag steps of at most 2 pixels; each drag is on another frame."""
    random = np.random.default_rng(5)
    wall, cpu = [], []
    keys = list(scores.keys())
    for _ in range(drags):
        frame = int(random.integers(gt.frame_count))
        boxes = gt.frame_table(frame).boxes
        row, step = int(random.integers(boxes.shape[1])), np.tile(random.uniform(-2, 2, 2), 2)
        for _ in range(steps):
            boxes = boxes.copy()
            boxes[:, row] += step
            gt.replace(frame, boxes)
            started, cpu_started = time.perf_counter(), time.thread_time()
            scores.update([frame])
            for key in keys:
                scores.summary(key), scores.frame_iou(key, frame), scores.histogram(key)
            wall.append(time.perf_counter() - started)
            cpu.append(time.thread_time() - cpu_started)
    return {"wall, drag of one box": np.array(wall) * 1e3, "CPU, drag of one box": np.array(cpu) * 1e3}


def show_edits(frames: int, predictions: list[int], edits: int) -> None:
    """Print a Markdown table with rows for each number of predictions per frame."""
    sys.stdout.write(f"\n{VARIANTS} variants, {frames} frames of 10 ground-truth boxes, {edits} edits\n\n")
    sys.stdout.write("| predictions per frame | time | median | p95 | p99 | maximum | equal to a recomputation |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    for count in predictions:
        gt, scores = prepare(frames, count)
        drags = time_drags(gt, scores)
        times = time_edits(gt, scores, edits)
        fresh = Scores(gt, ScoreSettings())
        fresh.set_variant("0", scores.predictions("0"))
        equal = "yes" if fresh.summary("0") == scores.summary("0") else "NO"
        sys.stderr.write(f"yardstick: median {np.median(times.pop('yardstick')):.2f} µs\n")
        for name, values in (*drags.items(), *times.items()):
            median, p95, p99 = np.percentile(values, (50, 95, 99))
            numbers = " | ".join(f"{value:.2f} ms" for value in (median, p95, p99, values.max()))
            sys.stdout.write(f"| {count} | {name} | {numbers} | {equal} |\n")
