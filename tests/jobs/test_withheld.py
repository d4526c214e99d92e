"""A variant that the ground truth came from has no score, no difference and no verdict until frames are verified."""

from __future__ import annotations

import numpy as np

from iouviewer.document import commands
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.frame_states import verify
from iouviewer.document.origins import Origin, origin_bits, variant_number
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.jobs.document_results import evaluate_document
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.metrics.table import BoxTable

FRAMES = 40


def _variant(key: str, shift: float) -> Variant:
    box = np.array([[10.0 + shift], [10.0], [50.0 + shift], [110.0]])
    table = BoxTable.from_rows(
        np.arange(FRAMES),
        np.tile(box, FRAMES),
        frame_count=FRAMES,
        class_ids=np.zeros(FRAMES, np.int64),
        scores=np.full(FRAMES, 0.9),
    )
    return Variant(key, key.upper(), PredictionSet(table, np.ones(FRAMES, np.bool_), score_floor=0.01), "#2e9e5b")


def _document() -> Document:
    doc = Document()
    doc.add_source(Source(0, "a.mp4", "/v/a.mp4", 640, 480, FRAMES))
    doc.class_names = ("person",)
    boxes = [Box(0, f, (10.0, 10.0, 50.0, 110.0), 0, 1, origin_bits(Origin.STARTED, "v")) for f in range(FRAMES)]
    doc.apply(commands.add(doc, boxes).edit)
    return doc


def test_a_report_has_no_numbers_and_no_verdict_for_the_variant_that_the_ground_truth_came_from() -> None:
    doc = _document()
    request = EvalRequest(video=None, gt=None, margins={"ap": 1.0, "pq": 1.0}, verdicts=True)
    variants = [_variant("w", 2.0), _variant("v", 0.0)]
    result = evaluate_document(doc, variants, request=request).values
    own = result["variants"]["V"]
    assert (own["avg_iou"], own["ap"], own["pq"]) == (None, None, None)
    assert (own["frames"], own["withheld_frames"]) == (0, FRAMES)
    assert own["complete"] is False and own["delta"]["ap"] is None
    assert own["verdict"] == "CANNOT_JUDGE"
    assert "ground truth comes from V, and nobody verified it" in own["bootstrap"]["sentence"]
    assert result["variants"]["W"]["withheld_frames"] == 0 and result["variants"]["W"]["frames"] == FRAMES
    assert any(
        "the ground truth of 40 frames comes from it unverified" in note for note in result["protocol"]["warnings"]
    )


def test_verified_frames_count_for_it() -> None:
    doc = _document()
    for frame in range(5, 15):
        doc.apply(verify(doc, frame).edit)
    own = evaluate_document(doc, [_variant("w", 2.0), _variant("v", 0.0)]).values["variants"]["V"]
    assert (own["frames"], own["withheld_frames"], own["avg_iou"]) == (10, 30, 1.0)


def test_boxes_that_are_left_out_are_named_in_the_report() -> None:
    doc = _document()
    doc.apply(commands.draw(doc, 0, (200.0, 10.0, 240.0, 110.0), 0).edit)
    doc.ground_truth().leave_out(frozenset({variant_number("v")}))
    result = evaluate_document(doc, [_variant("w", 2.0)]).values
    assert (result["variants"]["W"]["tp"], result["variants"]["W"]["fp"], result["variants"]["W"]["fn"]) == (0, 0, 1)
    assert any("40 boxes that came from variants are left out" in note for note in result["protocol"]["warnings"])
