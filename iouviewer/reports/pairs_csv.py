"""All pairs of ground truth and predictions, with what has no partner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iouviewer.reports.cells import csv_bytes, name_cell, number_cell

HEADER = ("frameID", "variant", "gt", "pred", "class", "score", "iou", "giou", "diou", "ciou", "state")


@dataclass(frozen=True, slots=True)
class PairRow:
    """One line of the pairs file.

    Attributes:
        gt: id of the ground-truth box, None for a prediction without a partner.
        pred: place of the prediction within its file (or run), None for a miss.
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


def pairs_csv(rows: Iterable[PairRow]) -> bytes:
    """Bytes of the file ``frameID,variant,gt,pred,class,score,iou,giou,diou,ciou,state``; undefined is blank."""
    return csv_bytes(
        HEADER,
        (
            (
                str(row.frame),
                name_cell(row.variant),
                "" if row.gt is None else str(row.gt),
                "" if row.pred is None else str(row.pred),
                name_cell(row.class_name),
                *(number_cell(value) for value in (row.score, row.iou, row.giou, row.diou, row.ciou)),
                row.state,
            )
            for row in rows
        ),
    )
