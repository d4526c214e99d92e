"""The metric columns of all tables: the only place to add, reword or reorder a column.

The variants table of the window, the text table, the HTML report and the gate reports are built from
``METRIC_COLUMNS``. The values come from ``VariantSummary`` in the window and from the report's JSON elsewhere; both use
the same names. JSON and CSV files are complete by design and do not depend on this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any

from iouviewer.i18n import tr

UNDEFINED = "–"
"""Text of a number that is undefined."""


class Output(Flag):
    """Where a column is shown."""

    WINDOW = auto()
    """Variants table of Compare."""
    TEXT = auto()
    """Table on a terminal."""
    HTML = auto()
    """Main table of the HTML report."""
    BY_CLASS = auto()
    """Table by class of the HTML report."""
    GATE = auto()
    """Table by video of a gate's reports."""


class NumberFormat(Enum):
    """How the numbers of a column are written."""

    SCORE = auto()
    """Three decimals."""
    POINTS = auto()
    """Signed difference in points (1 point = 0.01), one decimal."""
    COUNT = auto()
    """Integer."""
    RATE = auto()
    """One decimal."""


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One column.

    Attributes:
        key: stable id of the column.
        field: name of the value in ``VariantSummary`` and in the report's JSON.
        title: heading in reports.
        definition: tooltip; one or two sentences.
        outputs: where the column is shown.
        number_format: how its numbers are written.
        window_title: shorter heading in the window; empty to use ``title``.
        is_delta: the value is the difference of ``field`` to the baseline.
        is_run_value: the value belongs to the run (``Variant``) and not to the scores.
        is_bounded: the value is a lower bound where predictions below a score were not stored.
        is_coverage: the value is the number of frames, marked where the variant does not cover all of them.
    """

    key: str
    field: str
    title: str
    definition: str
    outputs: Output
    number_format: NumberFormat = NumberFormat.SCORE
    window_title: str = ""
    is_delta: bool = False
    is_run_value: bool = False
    is_bounded: bool = False
    is_coverage: bool = False

    def number(self, metrics: Mapping[str, Any]) -> float | None:
        """The value of this column among the metrics of one variant, as in the report's JSON."""
        if not self.is_delta:
            value: float | None = metrics.get(self.field)
            return value
        delta = metrics["delta"]
        return None if delta is None else delta[self.field]


def number_text(value: float | None, digits: int = 3) -> str:
    """A number with fixed digits, a dash where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def points_text(difference: float | None) -> str:
    """A difference in points (1 point = 0.01) with its sign."""
    if difference is None:
        return UNDEFINED
    text = f"{difference * 100:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text


def format_number(value: float | None, number_format: NumberFormat) -> str:
    """The text of a number in a report; a dash where it is undefined."""
    if value is None:
        return UNDEFINED
    if number_format is NumberFormat.POINTS:
        return points_text(value)
    if number_format is NumberFormat.COUNT:
        return str(int(value))
    return number_text(value, 1 if number_format is NumberFormat.RATE else 3)


_TABLES = Output.WINDOW | Output.TEXT | Output.HTML
_REPORTS = Output.TEXT | Output.HTML

METRIC_COLUMNS: tuple[MetricColumn, ...] = (
    MetricColumn(
        "avg_iou",
        "avg_iou",
        tr("Avg IoU"),
        tr(
            "Mean of the frame IoU over the labelled frames with ground truth. "
            "Adding predictions never lowers it, so read it together with PQ."
        ),
        _TABLES,
    ),
    MetricColumn(
        "pq",
        "pq",
        tr("PQ"),
        tr("Panoptic quality: mean IoU of the true positives × F1 (Kirillov et al., 2019)."),
        _TABLES,
    ),
    MetricColumn(
        "precision",
        "precision",
        tr("Precision"),
        tr("True positives / predictions, at the confidence and IoU thresholds."),
        _TABLES,
        window_title=tr("Prec."),
    ),
    MetricColumn(
        "recall",
        "recall",
        tr("Recall"),
        tr("True positives / ground-truth boxes, at the confidence and IoU thresholds."),
        _TABLES,
    ),
    MetricColumn("f1", "f1", tr("F1"), tr("Harmonic mean of precision and recall."), _TABLES),
    MetricColumn(
        "ap",
        "ap",
        tr("AP"),
        tr(
            "COCO AP: mean over the IoU thresholds 0.50, 0.55, …, 0.95, from every stored prediction. "
            "Pixel edges are always continuous."
        ),
        _TABLES | Output.BY_CLASS,
        is_bounded=True,
    ),
    MetricColumn(
        "ap50",
        "ap50",
        tr("AP50"),
        tr("COCO AP at the IoU threshold 0.50, from every stored prediction."),
        _TABLES | Output.BY_CLASS,
        is_bounded=True,
    ),
    MetricColumn(
        "ap75",
        "ap75",
        tr("AP75"),
        tr("COCO AP at the IoU threshold 0.75, from every stored prediction."),
        Output.WINDOW | Output.BY_CLASS,
        is_bounded=True,
    ),
    MetricColumn(
        "ar100",
        "ar100",
        tr("AR100"),
        tr("COCO average recall with at most 100 predictions per class and frame."),
        Output.BY_CLASS,
    ),
    MetricColumn(
        "delta",
        "ap",
        tr("Δ AP"),
        tr(
            "AP minus the AP of the baseline, in points (1 point = 0.01), at their common frames, score floor and "
            "detections. Negative is worse than the baseline."
        ),
        _TABLES | Output.GATE,
        NumberFormat.POINTS,
        is_delta=True,
    ),
    MetricColumn(
        "delta_pq",
        "pq",
        tr("Δ PQ"),
        tr("PQ minus the PQ of the baseline, in points (1 point = 0.01). Negative is worse than the baseline."),
        _REPORTS | Output.GATE,
        NumberFormat.POINTS,
        is_delta=True,
    ),
    MetricColumn(
        "delta_avg_iou",
        "avg_iou",
        tr("Δ Avg IoU"),
        tr(
            "Avg IoU minus the Avg IoU of the baseline, in points (1 point = 0.01). "
            "Negative is worse than the baseline."
        ),
        _REPORTS | Output.GATE,
        NumberFormat.POINTS,
        is_delta=True,
    ),
    MetricColumn("tp", "tp", tr("TP"), tr("True positives."), _REPORTS, NumberFormat.COUNT),
    MetricColumn("fp", "fp", tr("FP"), tr("False positives: extra predictions."), _REPORTS, NumberFormat.COUNT),
    MetricColumn("fn", "fn", tr("FN"), tr("False negatives: missed boxes."), _REPORTS, NumberFormat.COUNT),
    MetricColumn(
        "fps",
        "shown_fps",
        tr("FPS"),
        tr(
            "Frames per second at batch size 1, from the median time per frame: measured side by side (Measure speed), "
            "else of the run here, else as stated in the prediction file."
        ),
        Output.WINDOW,
        NumberFormat.RATE,
        is_run_value=True,
    ),
    MetricColumn(
        "size_mb",
        "size_mb",
        tr("Size MB"),
        tr("Size of the weights in megabytes (1,000,000 bytes), for models run here or where the file states it."),
        Output.WINDOW,
        NumberFormat.RATE,
        is_run_value=True,
    ),
    MetricColumn(
        "frames",
        "frames",
        tr("Frames"),
        tr("Labelled frames that the variant covers. All its scores refer to these frames."),
        _TABLES,
        NumberFormat.COUNT,
        is_coverage=True,
    ),
)


_WINDOW_ORDER = (
    *("ap", "delta", "ap50", "ap75", "pq", "avg_iou", "precision", "recall", "f1"),
    *("fps", "size_mb", "frames"),
)
"""Columns of the window by key: first what the verdicts are about."""


def columns_for(output: Output) -> tuple[MetricColumn, ...]:
    """The columns that an output shows, in order."""
    found = tuple(column for column in METRIC_COLUMNS if column.outputs & output)
    if output is Output.WINDOW:
        places = {key: place for place, key in enumerate(_WINDOW_ORDER)}
        return tuple(sorted(found, key=lambda column: places.get(column.key, len(places))))
    return found


def metric_title(field: str) -> str:
    """The title of the metric itself, such as "PQ" for ``pq``."""
    return next(column.title for column in METRIC_COLUMNS if column.field == field and not column.is_delta)
