"""Which boxes of a frame the filter line lists: what canvases dim and tables leave out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.filtering import FilterRules
from iouviewer.document.variants import Variant
from iouviewer.metrics.review import MatchRows, PairState
from iouviewer.metrics.table import Bool, Int


class Listed(NamedTuple):
    """What of one frame passes the filter.

    Attributes:
        boxes: ids of ground-truth boxes.
        rows: rows of a variant's whole table, by its key.
    """

    boxes: frozenset[int]
    rows: dict[str, frozenset[int]]

    def has(self, box_id: int | None, variant: str, row: int) -> bool:
        """Whether a ground-truth box is listed; None: a prediction."""
        return row in self.rows.get(variant, ()) if box_id is None else box_id in self.boxes


def listed_on(session: Session, variants: tuple[Variant, ...], frame: int) -> Listed | None:
    """What is listed on a frame; None without a filter.

    Args:
        variants: those that cover the frame and are shown. A ground-truth box is listed if it is for one of them.
    """
    rules = session.scores.settings.filter
    if rules is None:
        return None
    boxes: set[int] = set()
    rows: dict[str, frozenset[int]] = {}
    for variant in variants:
        found, predictions = _of_variant(session, rules, variant, frame)
        boxes |= found
        rows[variant.key] = predictions
    if not variants:
        boxes = _of_truth(session, rules, frame)
    return Listed(frozenset(boxes), rows)


def _of_truth(session: Session, rules: FilterRules, frame: int) -> set[int]:
    """Without predictions there is nothing to match: what needs no match decides."""
    table = session.scores.ground_truth.frame_table(frame)
    frames = np.full(len(table), frame, np.int64)
    keep = rules.lists_boxes(frames, table.class_ids, table.stated_areas(), _tracks(session, table.ids, frame))
    keep &= ~table.is_outside()
    return set(table.ids[keep].tolist())


def _of_variant(session: Session, rules: FilterRules, variant: Variant, frame: int) -> tuple[set[int], frozenset[int]]:
    scores = session.scores
    review = scores.frame_review(variant.key, frame)
    table = scores.predictions(variant.key).table
    truth, predicted = scores.ground_truth.frame_table(frame), table.frame(frame)
    frames = np.full(len(review.state), frame, np.int64)
    rows = MatchRows(frames, review.gt_rows, review.pred_rows, review.iou, review.state)
    keep = rules.lists(
        rows,
        truth,
        predicted,
        variant=variant.name,
        tracks=_tracks(session, truth.ids, frame),
        is_found=_found_by_baseline(session, variant, frame, len(truth)),
    )
    ids, first = review.gt_ids[keep], table.rows(frame).start
    predictions = review.pred_rows[keep]
    return set(ids[ids >= 0].tolist()), frozenset((predictions[predictions >= 0] + first).tolist())


def _found_by_baseline(session: Session, variant: Variant, frame: int, count: int) -> Bool | None:
    """(M,) bool; None for the baseline itself, and where it does not cover the frame."""
    baseline = session.variants.baseline
    if baseline is None or baseline.key == variant.key or not baseline.predictions.covered[frame]:
        return None
    review = session.scores.frame_review(baseline.key, frame)
    found = np.zeros(count, np.bool_)
    found[review.gt_rows[review.state == int(PairState.TRUE_POSITIVE)]] = True
    return found


def _tracks(session: Session, ids: Int, frame: int) -> Int:
    of_box = {box.id: box.track for box in session.ground_truth.boxes(frame)}
    return np.array([of_box.get(box_id, NO_TRACK) for box_id in ids.tolist()], np.int64)
