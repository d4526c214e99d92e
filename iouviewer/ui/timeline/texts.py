"""What the timeline says in tooltips and to assistive technology."""

from __future__ import annotations

import math
from collections.abc import Iterable

from iouviewer.i18n import tr, tr_n
from iouviewer.ui.timeline.series import Series


def describe_frames(series: Iterable[Series], first: int, last: int, problems: int) -> str:
    """The frames under a pixel, the IoU of each variant, or its worst frame among several, and the open problems."""
    is_single = first == last
    lines = [tr("Frame {frame:,}", frame=first)]
    if not is_single:
        lines = [tr("Frames {first:,}–{last:,}", first=first, last=last)]
    for one in series:
        worst = one.pyramid.worst(first, last + 1)
        if worst is None:
            continue
        iou = float(one.pyramid.values[worst])
        if is_single:
            lines.append(tr("{name}: IoU {iou:.3f}", name=one.name, iou=iou))
        else:
            lines.append(tr("{name}: worst frame here {frame:,}, IoU {iou:.2f}", name=one.name, frame=worst, iou=iou))
    if problems:
        lines.append(tr_n("{count:,} problem", "{count:,} problems", problems))
    return "\n".join(lines)


def describe_series(series: Iterable[Series]) -> str:
    """``frcnn: mean 0.578, lowest 0.120 on frame 345`` for each variant."""
    texts = []
    for one in series:
        worst = one.pyramid.worst(0, len(one.pyramid))
        if worst is None or math.isnan(one.mean):
            continue
        iou = float(one.pyramid.values[worst])
        texts.append(
            tr(
                "{name}: mean {mean:.3f}, lowest {iou:.3f} on frame {frame:,}",
                name=one.name,
                mean=one.mean,
                iou=iou,
                frame=worst,
            )
        )
    return "; ".join(texts)
