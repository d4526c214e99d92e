"""The source article's file ``frameID,iou``, and then more: each variant's IoU and counts by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iouviewer.metrics.table import Int
from iouviewer.reports.cells import csv_bytes, name_cell, number_cell
from iouviewer.reports.series import FrameSeries


def score_csv(frames: Int, states: Sequence[str], truths: Int, series: Sequence[FrameSeries]) -> bytes:
    """Bytes of the file.

    Columns: ``frameID``, ``iou`` (the first series, which is the baseline), ``iou:NAME`` for every variant, ``state``
    (labelled, unlabelled, excluded), ``gt`` (ground-truth boxes that count; blank where a
    frame is not labelled), then ``pred:NAME``, ``tp:NAME``,
    ``fp:NAME``, ``fn:NAME`` for every variant. Undefined is blank.

    Args:
        frames: (n,) 0-based frame numbers.
        states: n states.
        truths: (n,) int64.
        series: at least one, the baseline first.
    """
    counts = ("pred", "tp", "fp", "fn")
    header = [
        "frameID",
        "iou",
        *(f"iou:{one.name}" for one in series),
        "state",
        "gt",
        *(f"{count}:{one.name}" for one in series for count in counts),
    ]

    def rows() -> Iterator[list[str]]:
        for i, frame in enumerate(frames.tolist()):
            ious = [number_cell(float(one.frame_iou[i])) for one in series]
            row = [
                str(frame),
                ious[0],
                *ious,
                name_cell(states[i]),
                str(int(truths[i])) if states[i] == "labelled" else "",
            ]
            for one in series:
                values = (one.predictions[i], one.true_positives[i], one.false_positives[i], one.misses[i])
                row += [str(int(value)) for value in values] if one.counted[i] else [""] * len(values)
            yield row

    return csv_bytes(header, rows())
