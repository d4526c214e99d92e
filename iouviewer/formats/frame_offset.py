"""Finds the frame offset at which an imported file fits the boxes that are already loaded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iouviewer.i18n import tr
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Float, Int

MAX_COMPARED_FRAMES = 400
"""Number of frames to compare: enough to distinguish offsets by one frame of motion, few enough to be fast."""


def propose_offset(
    frames_a: Int, boxes_a: Float, frames_b: Int, boxes_b: Float, offsets: Iterable[int] = range(-3, 4)
) -> list[tuple[int, float]]:
    """Offsets for the frames of b with their mean IoU, best first; among equals the one nearest to 0 comes first.

    The mean is over every box of a in at most ``MAX_COMPARED_FRAMES`` evenly spaced frames, of its highest IoU with
    the boxes of b in the same frame, 0 if there are none. Classes are ignored. Frames near the ends of b, where a
    shift alone would make boxes disappear, are left out where possible.

    Args:
        frames_a, frames_b: (N,), (M,) int64.
        boxes_a, boxes_b: (4, N), (4, M) float64.

    Returns:
        (offset, mean IoU) pairs; empty if a or b has no boxes.
    """
    tested_offsets = sorted(set(offsets), key=lambda offset: (abs(offset), offset))
    if not len(frames_a) or not len(frames_b) or not tested_offsets:
        return []
    reach = max(map(abs, tested_offsets))
    candidates = np.unique(frames_a)
    inner = candidates[(candidates >= frames_b.min() + reach) & (candidates <= frames_b.max() - reach)]
    if len(inner):
        candidates = inner
    if len(candidates) > MAX_COMPARED_FRAMES:
        candidates = candidates[np.linspace(0, len(candidates) - 1, MAX_COMPARED_FRAMES).round().astype(np.int64)]
    order_a, order_b = np.argsort(frames_a, kind="stable"), np.argsort(frames_b, kind="stable")
    sorted_a, sorted_b = frames_a[order_a], frames_b[order_b]
    boxes_a, boxes_b = boxes_a[:, order_a], boxes_b[:, order_b]
    spans_a = np.searchsorted(sorted_a, [candidates, candidates + 1])
    result = []
    for offset in tested_offsets:
        spans_b = np.searchsorted(sorted_b, [candidates - offset, candidates - offset + 1])
        total, count = 0.0, 0
        for (a0, a1), (b0, b1) in zip(spans_a.T.tolist(), spans_b.T.tolist(), strict=True):
            count += a1 - a0
            if b1 > b0:
                total += float(iou_matrix(boxes_a[:, a0:a1], boxes_b[:, b0:b1]).max(axis=1).sum())
        result.append((offset, total / count))
    # The sort is stable: among equal means, the offset nearest to 0 stays first.
    return sorted(result, key=lambda item: -item[1])


def describe_offsets(proposals: list[tuple[int, float]]) -> str:
    """One sentence: "offset -1 gives 0.81, offset 0 gives 0.43"; empty without proposals."""
    if not proposals:
        return ""
    best = proposals[0]
    shown = [best] if best[0] == 0 else [best, *(p for p in proposals if p[0] == 0)]
    shown += proposals[1:2] if len(shown) == 1 else []
    return ", ".join(tr("offset {offset} gives {mean:.2f}", offset=offset, mean=mean) for offset, mean in shown)
