"""What the numbers mean: terms of the glossary, and the definitions that the tables use as tooltips.

A test compares ``TERMS`` with docs/glossary.md, so both say the same.
"""

from __future__ import annotations

from iouviewer.document.metric_columns import METRIC_COLUMNS, Output
from iouviewer.i18n import tr

TERMS: tuple[tuple[str, str, str], ...] = (
    ("frameIou", tr("frame IoU"), tr("sum of the pairs' IoU over the number of ground-truth boxes of a frame")),
    (
        "matched",
        tr("matched, loose"),
        tr(
            "a pair with IoU at or above the IoU threshold; a pair below it, which counts as one false positive and "
            "one false negative"
        ),
    ),
    (
        "missed",
        tr("missed"),
        tr("a ground-truth box without a prediction; miss in files, FN in tables"),
    ),
    (
        "extra",
        tr("extra"),
        tr("a prediction without a ground-truth box; false positive and FP in files and tables"),
    ),
    (
        "confidence",
        tr("confidence"),
        tr(
            "the model's own number for a prediction, score in files; predictions below the confidence threshold do "
            "not count"
        ),
    ),
    (
        "edges",
        tr("pixel edges"),
        tr("width = x2 - x1 (continuous, COCO) or x2 - x1 + 1 (inclusive, VOC); convention in code and files"),
    ),
    ("floor", tr("score floor"), tr("the lowest score that a prediction set can hold")),
    ("point", tr("point"), tr("0.01 of AP, PQ or Avg IoU")),
    (
        "margin",
        tr("allowed drop"),
        tr("the points that a variant may lose against the baseline and still pass; margin in code and options"),
    ),
    ("delta", "Δ", tr("variant minus baseline, in points; negative is worse")),
    (
        "verdict",
        tr("verdict"),
        tr(
            "PASS, FAIL or UNDECIDED against the allowed drop, or CANNOT_JUDGE (cannot be judged) where nothing "
            "would follow"
        ),
    ),
    ("verified", tr("verified"), tr("state of a frame: a person has checked it")),
    (
        "ignored",
        tr("ignored box"),
        tr("ground truth that neither counts nor makes a prediction false: crowd, difficult, MOT flag 0"),
    ),
)
"""Key, term and definition."""


def all_terms() -> list[tuple[str, str, str]]:
    """Key, term and definition: terms of one frame first, then the columns of the tables."""
    columns = [
        (column.key, column.title, column.definition) for column in METRIC_COLUMNS if Output.WINDOW in column.outputs
    ]
    return [*TERMS, *columns]
