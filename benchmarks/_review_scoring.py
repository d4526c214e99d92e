"""Judges a ranking of problems against planted errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks._review_worlds import DOUBLED, MISCLASSED, MISSING, SHIFTED, SPURIOUS, Boxes, Damaged
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review_findings import NO_FIX_CLASS, Findings, ProblemKind
from iouviewer.metrics.table import Bool, Float, Int

SAME = 0.5
"""IoU with the right box from which a problem without a box points at an error."""
RIGHT = 0.8
"""IoU with the right box from which a fix is right."""
BOX_KINDS = (ProblemKind.SWAP, ProblemKind.JUMP)
"""Kinds that are about tracks, left out of the ranking of box errors."""


@dataclass(frozen=True)
class Score:
    """Figures of one ranking."""

    precision: dict[int, float]
    ap: float
    lasting_ap: float
    right: float
    harm: float
    restored: dict[str, float]
    restored_9: dict[str, float]
    class_recall: float
    doubles: int


def _points_at(ranked: Findings, damaged: Damaged) -> list[list[int]]:
    """For each problem the planted errors that it points at."""
    errors = damaged.errors
    of_row: dict[int, list[int]] = {}
    true_of: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    for number, error in enumerate(errors):
        if error.row >= 0:
            of_row.setdefault(error.row, []).append(number)
        if error.kind == DOUBLED:
            of_row.setdefault(error.other, []).append(number)
        if error.true is not None:
            true_of.setdefault(error.frame, []).append((number, error.true))
    found: list[list[int]] = []
    for frame, row, rect in zip(ranked.frames.tolist(), ranked.rows.tolist(), ranked.rects.T, strict=True):
        if row >= 0:
            found.append(of_row.get(row, []))
            continue
        here = true_of.get(frame, [])
        if not here:
            found.append([])
            continue
        ious = iou_matrix(rect[:, None], np.array([true for _, true in here]).T)[0]
        best = int(ious.argmax())
        found.append([here[best][0]] if ious[best] >= SAME else [])
    return found


def _average_precision(hit: Bool, total: int) -> float:
    places = np.flatnonzero(hit)
    return float(((np.arange(len(places)) + 1) / (places + 1)).sum() / total) if total else float("nan")


def judge(ranked: Findings, damaged: Damaged, original: Boxes) -> Score:
    """Judge problems in the order of a ranking, the first one first."""
    ranked = ranked.select(~np.isin(ranked.kinds, [int(kind) for kind in BOX_KINDS]))
    points = _points_at(ranked, damaged)
    seen: set[int] = set()
    hit, lasting, of_lasting = (np.zeros(len(ranked), np.bool_) for _ in range(3))
    first: dict[int, int] = {}
    for place, numbers in enumerate(points):
        fresh = [number for number in numbers if number not in seen]
        if fresh:
            seen.add(fresh[0])
            first[fresh[0]] = place
            hit[place] = True
            lasting[place] = damaged.errors[fresh[0]].lasting
            of_lasting[place] = True
    errors = damaged.errors
    keep = lasting | ~hit
    count_lasting = sum(error.lasting for error in errors)
    outcomes = [_outcome(ranked, place, damaged, original) for place in range(min(50, len(ranked)))]
    restored: dict[str, list[float]] = {MISSING: [], SHIFTED: []}
    for number, place in first.items():
        error = errors[number]
        if error.kind in restored and error.true is not None and not np.isnan(ranked.fix_rects[0, place]):
            fix = ranked.fix_rects[:, place : place + 1]
            restored[error.kind].append(float(iou_matrix(fix, np.array([error.true]).T)[0, 0]))
    wrong = [number for number, error in enumerate(errors) if error.kind == MISCLASSED]
    in_500 = sum(first.get(number, 10**9) < 500 for number in wrong)
    return Score(
        {at: float(hit[:at].mean()) if len(hit) else 0.0 for at in (20, 50, 100, 200)},
        _average_precision(hit, len(errors)),
        _average_precision(lasting[keep], count_lasting),
        outcomes.count("right") / max(len(outcomes), 1),
        outcomes.count("harm") / max(len(outcomes), 1),
        {kind: float(np.mean(np.array(ious) >= RIGHT)) for kind, ious in restored.items() if ious},
        {kind: float(np.mean(np.array(ious) >= 0.9)) for kind, ious in restored.items() if ious},
        in_500 / len(wrong) if wrong else float("nan"),
        _second_boxes(ranked, damaged.boxes),
    )


def _outcome(ranked: Findings, place: int, damaged: Damaged, original: Boxes) -> str:
    """What applying the fix of a problem does to the boxes: ``right``, ``harm`` or ``other``."""
    kind, row = ProblemKind(int(ranked.kinds[place])), int(ranked.rows[place])
    fix, fix_class = ranked.fix_rects[:, place], int(ranked.fix_classes[place])
    by_row = {error.row: error for error in damaged.errors if error.row >= 0}
    error = by_row.get(row) if row >= 0 else None
    doubled = {error.other for error in damaged.errors if error.kind == DOUBLED}
    if kind in (ProblemKind.EXTRA, ProblemKind.DUPLICATE, ProblemKind.TINY):
        if (error is not None and error.kind in (SPURIOUS, DOUBLED)) or row in doubled:
            return "right"
        return "harm" if error is None else "other"
    if kind is ProblemKind.WRONG_CLASS:
        if error is not None and error.kind == MISCLASSED:
            return "right" if fix_class == error.true_class else "other"
        return "harm"
    if np.isnan(fix[0]):
        return "other"
    if row >= 0:
        return _moved(fix, error.true if error is not None else tuple(damaged.boxes.rects[:, row]), damaged, row)
    frame = int(ranked.frames[place])
    truths = [error.true for error in damaged.errors if error.kind == MISSING and error.frame == frame and error.true]
    best = float(iou_matrix(fix[:, None], np.array(truths).T)[0].max()) if truths else 0.0
    if best >= RIGHT:
        return "right"
    here = original.rects[:, original.frames == frame]
    on_object = float(iou_matrix(fix[:, None], here)[0].max(initial=0.0))
    return "other" if best >= SAME and best >= on_object - 1e-9 else "harm"


def _moved(fix: Float, true: tuple[float, ...] | None, damaged: Damaged, row: int) -> str:
    if true is None:
        return "harm"
    both = iou_matrix(np.stack((fix, damaged.boxes.rects[:, row])).T, np.array([true]).T)[:, 0]
    if both[0] >= RIGHT and both[1] < both[0]:
        return "right"
    return "harm" if both[0] < both[1] else "other"


def _second_boxes(ranked: Findings, boxes: Boxes) -> int:
    """How many proposed boxes would be the second of their class on an object: an IoU of 0.5 with a box there is."""
    found = 0
    frame_rows: dict[int, Int] = {}
    for place in np.flatnonzero((ranked.rows < 0) & ~np.isnan(ranked.fix_rects[0])).tolist():
        frame = int(ranked.frames[place])
        rows = frame_rows.setdefault(frame, np.flatnonzero((boxes.frames == frame) & ~boxes.ignored))
        same = boxes.classes[rows] == ranked.class_ids[place]
        if int(ranked.fix_classes[place]) == NO_FIX_CLASS:
            same = np.ones(len(rows), np.bool_)
        ious = iou_matrix(ranked.fix_rects[:, place : place + 1], boxes.rects[:, rows[same]])[0]
        found += bool(ious.max(initial=0.0) >= SAME)
    return found
