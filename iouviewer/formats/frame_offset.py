"""Tests of what a file does not say: which frame offset fits the boxes that are loaded already."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Float, Int

SAMPLE = 400
"""Frames that are compared at most: enough to tell one frame's motion apart, fast on long videos."""


def propose_offset(
    frames_a: Int, boxes_a: Float, frames_b: Int, boxes_b: Float, offsets: Iterable[int] = range(-3, 4)
) -> list[tuple[int, float]]:
    """Offsets for the frames of b with the mean IoU that each gives, best first; of equals the one nearest to 0.

    For every box of a (in at most ``SAMPLE`` evenly spread frames) the best IoU with the boxes of b in the same frame
    counts, 0 where there is none. Classes are not compared. Frames near the ends of b, where a shift alone would make
    boxes disappear, are left out as far as possible.

    Args:
        frames_a, frames_b: (N,), (M,) int64.
        boxes_a, boxes_b: (4, N), (4, M) float64.

    Returns:
        empty if a or b has no boxes.
    """
    tried = sorted(set(offsets), key=lambda offset: (abs(offset), offset))
    if not len(frames_a) or not len(frames_b) or not tried:
        return []
    reach = max(map(abs, tried))
    candidates = np.unique(frames_a)
    inner = candidates[(candidates >= frames_b.min() + reach) & (candidates <= frames_b.max() - reach)]
    if len(inner):
        candidates = inner
    if len(candidates) > SAMPLE:
        candidates = candidates[np.linspace(0, len(candidates) - 1, SAMPLE).round().astype(np.int64)]
    order_a, order_b = np.argsort(frames_a, kind="stable"), np.argsort(frames_b, kind="stable")
    sorted_a, sorted_b = frames_a[order_a], frames_b[order_b]
    boxes_a, boxes_b = boxes_a[:, order_a], boxes_b[:, order_b]
    spans_a = np.searchsorted(sorted_a, [candidates, candidates + 1])
    result = []
    for offset in tried:
        spans_b = np.searchsorted(sorted_b, [candidates - offset, candidates - offset + 1])
        total, count = 0.0, 0
        for (a0, a1), (b0, b1) in zip(spans_a.T.tolist(), spans_b.T.tolist(), strict=True):
            count += a1 - a0
            if b1 > b0:
                total += float(iou_matrix(boxes_a[:, a0:a1], boxes_b[:, b0:b1]).max(axis=1).sum())
        result.append((offset, total / count))
    # The sort is stable: of equal means the offset nearest to 0 stays first.
    return sorted(result, key=lambda item: -item[1])


def describe(proposals: list[tuple[int, float]]) -> str:
    """One sentence for people: "offset -1 gives 0.81, offset 0 gives 0.43"; empty without proposals."""
    if not proposals:
        return ""
    best = proposals[0]
    shown = [best] if best[0] == 0 else [best, *(p for p in proposals if p[0] == 0)]
    shown += proposals[1:2] if len(shown) == 1 else []
    return ", ".join(f"offset {offset} gives {mean:.2f}" for offset, mean in shown)
