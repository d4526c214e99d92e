"""Scores of a ground truth that came from predictions: what counts for whom, and scores without such boxes."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document import commands
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import RemoveBoxes
from iouviewer.document.frame_states import verify
from iouviewer.document.origins import Origin, origin_bits
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.metrics.table import BoxTable


def _started_document():
    """Ten frames started from variant ``v``, one box each; and the predictions of ``v`` and ``w``, which are alike."""
    doc = Document()
    doc.add_source(Source(0, "a.mp4", "/v/a.mp4", 640, 480, 10))
    doc.class_names = ("person",)
    boxes = [Box(0, f, (10.0, 10.0, 50.0, 110.0), 0, 1, origin_bits(Origin.STARTED, "v")) for f in range(10)]
    doc.apply(commands.add(doc, boxes).edit)
    table = BoxTable.from_rows(
        np.arange(10), np.tile([[10.0], [10.0], [50.0], [100.0]], 10), frame_count=10, class_ids=np.zeros(10, np.int64)
    )
    return doc, PredictionSet(table, np.ones(10, np.bool_))


def test_a_variant_has_no_score_against_its_own_boxes_until_frames_are_verified():
    doc, predictions = _started_document()
    truth = doc.ground_truth()
    scores = Scores(truth, ScoreSettings())
    for key in ("v", "w"):
        scores.set_variant(key, predictions)
    own, other = scores.summary("v"), scores.summary("w")
    assert (own.frames, own.avg_iou, own.ap, own.withheld, own.labelled) == (0, None, None, 10, 10)
    assert (other.frames, other.withheld) == (10, 0) and other.avg_iou == pytest.approx(0.9)
    doc.apply(verify(doc, 3).edit)
    scores.update([3])
    own = scores.summary("v")
    assert (own.frames, own.withheld) == (1, 9) and own.avg_iou == pytest.approx(0.9)
    assert np.flatnonzero(~np.isnan(scores.timeline("v"))).tolist() == [3]
    fresh = Scores(truth, ScoreSettings())
    fresh.set_variant("v", predictions)
    assert fresh.summary("v") == own
    # Deleting the boxes (or undoing the start) makes the other frames count again.
    doc.apply(RemoveBoxes(tuple(box.id for f in range(10) for box in truth.boxes(f))))
    scores.update(range(10))
    assert (scores.summary("v").frames, scores.summary("v").withheld) == (10, 0)
    doc.apply(commands.add(doc, [Box(0, 5, (0.0, 0.0, 9.0, 9.0), 0, 1, origin_bits(Origin.STARTED, "v"))]).edit)
    scores.update([5])
    assert scores.summary("v").frames == 1


def test_boxes_that_lean_to_a_variant_can_be_left_out_of_the_scores():
    doc, predictions = _started_document()
    truth = doc.ground_truth()
    doc.apply(commands.draw(doc, 4, (200.0, 10.0, 240.0, 110.0), 0).edit)
    scores = Scores(truth, ScoreSettings())
    scores.set_variant("w", predictions)
    assert (scores.summary("w").tp, scores.summary("w").fn) == (10, 1)
    scores.set_settings(ScoreSettings(left_out=frozenset({"v"})))
    left = scores.summary("w")
    # The ten boxes of v are neither right nor missed, and predictions on them neither right nor wrong.
    assert (left.tp, left.fp, left.fn) == (0, 0, 1)
    corrected = truth.boxes(0)[0]
    doc.apply(commands.nudge(doc, [corrected.id], 4.0, 0.0).edit)
    scores.update([0])
    assert (scores.summary("w").tp, scores.summary("w").fn) == (1, 1)
    scores.set_settings(ScoreSettings())
    assert (scores.summary("w").tp, scores.summary("w").fn) == (10, 1)
