"""Writes results as data files: IoU by frame (CSV), pairs (CSV) and metrics (JSON)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iouviewer.i18n import legible
from iouviewer.metrics.table import Int
from iouviewer.reports.series import FrameSeries

DIGITS = 9
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_PAIRS_HEADER = ("frameID", "variant", "gt", "pred", "class", "score", "iou", "giou", "diou", "ciou", "state")


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """Indented UTF-8 JSON with sorted keys and a final newline; NaN and None are null.

    The same values give the same bytes.
    """
    import orjson

    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(values, option=options)
    except orjson.JSONEncodeError:  # a name that is not UTF-8; checking all texts first would cost time
        return orjson.dumps(_legible_values(values), option=options)


def _legible_values(value: Any) -> Any:
    if isinstance(value, str):
        return legible(str(value))
    if isinstance(value, Mapping):
        return {_legible_values(key): _legible_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_legible_values(inner) for inner in value]
    return value


def text_bytes(text: str) -> bytes:
    """The text in UTF-8, legible."""
    return legible(text).encode()


# Cells


def number_cell(value: float | None) -> str:
    """The shortest text of a number within 1e-9; blank for None and NaN (undefined)."""
    if value is None or math.isnan(value):
        return ""
    return repr(round(float(value), DIGITS) + 0.0)


def name_cell(text: str) -> str:
    """A name as a cell; an apostrophe precedes names that a spreadsheet would evaluate as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An RFC 4180 file in UTF-8: CRLF line ends, quotes only where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text_bytes(text.getvalue())


# IoU by frame


def score_csv(
    frames: Int, states: Sequence[str], gt_counts: Int, series: Sequence[FrameSeries], *, filter_line: str = ""
) -> bytes:
    """The file with one row per frame; it begins with the columns of the source article, ``frameID,iou``.

    Columns: ``frameID``, ``iou`` (the first series, which is the baseline), ``iou:NAME`` for every variant, ``state``
    (labelled, unlabelled, excluded), ``gt`` (ground-truth boxes that count; blank where a frame is not labelled), then
    ``pred:NAME``, ``tp:NAME``, ``fp:NAME``, ``fn:NAME`` for every variant. Undefined is blank. With a filter its line
    is the heading of a last, empty column, so that no copy of the file loses it.

    Args:
        frames: (n,) 0-based frame numbers.
        states: n states.
        gt_counts: (n,) int64.
        series: at least one, the baseline first.
    """
    counts = ("pred", "tp", "fp", "fn")
    header = [
        "frameID",
        "iou",
        *(f"iou:{entry.name}" for entry in series),
        "state",
        "gt",
        *(f"{count}:{entry.name}" for entry in series for count in counts),
        *_filter_heading(filter_line),
    ]

    def rows() -> Iterator[list[str]]:
        for i, frame in enumerate(frames.tolist()):
            ious = [number_cell(float(entry.frame_iou[i])) for entry in series]
            row = [
                str(frame),
                ious[0],
                *ious,
                name_cell(states[i]),
                str(int(gt_counts[i])) if states[i] == "labelled" else "",
            ]
            for entry in series:
                values = (entry.predictions[i], entry.true_positives[i], entry.false_positives[i], entry.misses[i])
                row += [str(int(value)) for value in values] if entry.counted[i] else [""] * len(values)
            yield row + [""] * (len(header) - len(row))

    return csv_bytes(header, rows())


# Pairs


@dataclass(frozen=True, slots=True)
class PairRow:
    """One line of the pairs file.

    Attributes:
        gt: id of the ground-truth box, None for a prediction without a partner.
        pred: row of the prediction in its file or run, None for a missed box.
        class_name: of the ground truth, else of the prediction; empty where unspecified.
        score: of the prediction, None where there is none.
        iou, giou, diou, ciou: of the pair, None where there is no pair.
        state: ``tp``, ``loose``, ``fp``, ``miss`` or ``ignored``.
    """

    frame: int
    variant: str
    gt: int | None
    pred: int | None
    class_name: str
    score: float | None
    iou: float | None
    giou: float | None
    diou: float | None
    ciou: float | None
    state: str


def _filter_heading(filter_line: str) -> list[str]:
    return [f"filter:{filter_line}"] if filter_line else []


def pairs_csv(rows: Iterable[PairRow], *, filter_line: str = "") -> bytes:
    """The file ``frameID,variant,gt,pred,class,score,iou,giou,diou,ciou,state``; undefined is blank.

    With a filter its line is the heading of a last, empty column.
    """
    last = _filter_heading(filter_line)
    return csv_bytes(
        [*_PAIRS_HEADER, *last],
        (
            (
                str(row.frame),
                name_cell(row.variant),
                "" if row.gt is None else str(row.gt),
                "" if row.pred is None else str(row.pred),
                name_cell(row.class_name),
                *(number_cell(value) for value in (row.score, row.iou, row.giou, row.diou, row.ciou)),
                row.state,
                *("" for _ in last),
            )
            for row in rows
        ),
    )
