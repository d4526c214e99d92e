"""Predictions of one object on many frames become one track."""

from __future__ import annotations

import numpy as np

from iouviewer.document.boxes import Rect
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.sources import Source
from iouviewer.document.track_accept import accept_along, find_predictions_along
from iouviewer.metrics.table import BoxTable, Convention

FRAMES = 8
LABELLED_FROM = 6


def rect_on(frame: int) -> Rect:
    return (10.0 + 2 * frame, 10.0, 50.0 + 2 * frame, 90.0)


def make_document() -> Document:
    """One labelled box on the last two frames, where the object is labelled already."""
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    document.class_names = ("person",)
    frames = np.arange(LABELLED_FROM, FRAMES)
    truth.load_columns(
        frames,
        np.array([rect_on(int(frame)) for frame in frames], np.float64).T,
        class_ids=np.zeros(len(frames), np.int64),
        tracks=np.full(len(frames), 4),
        flags=np.zeros(len(frames), np.int64),
    )
    truth.load_states(np.full(FRAMES, int(FrameState.LABELLED), np.int8), np.zeros(FRAMES, np.bool_))
    return document


def predictions(missing: tuple[int, ...] = ()) -> BoxTable:
    rows = [frame for frame in range(FRAMES) if frame not in missing]
    far = [(300.0, 300.0, 340.0, 340.0)] * len(rows)
    rects = [rect for frame, other in zip(rows, far, strict=True) for rect in (other, rect_on(frame))]
    return BoxTable.from_rows(
        np.repeat(np.array(rows, np.int64), 2),
        np.array(rects).T,
        frame_count=FRAMES,
        class_ids=np.zeros(2 * len(rows), np.int64),
        scores=np.full(2 * len(rows), 0.9),
        ids=np.arange(2 * len(rows)),
    )


def along(document: Document, table: BoxTable, frame: int, row: int, conf: float = 0.25) -> list[tuple[int, int]]:
    truth = document.ground_truth()
    return find_predictions_along(truth, table, frame, row, conf=conf, convention=Convention.CONTINUOUS)


def test_the_object_is_followed_both_ways_until_it_is_labelled() -> None:
    assert along(make_document(), predictions(), 3, 1) == [(frame, 1) for frame in range(LABELLED_FROM)]


def test_a_frame_without_the_object_ends_the_search() -> None:
    assert along(make_document(), predictions(missing=(1,)), 3, 1) == [(frame, 1) for frame in range(2, LABELLED_FROM)]
    assert along(make_document(), predictions(), 3, 1, conf=0.95) == [(3, 1)]


def test_the_boxes_are_one_new_track_in_one_step_that_can_be_undone() -> None:
    document, table = make_document(), predictions()
    truth = document.ground_truth()
    command = accept_along(document, table, along(document, table, 3, 1), variant="frcnn")
    assert command.label == "Accept frcnn on 6 frames as person 5"
    applied = document.apply(command.edit)
    assert applied is not None
    added = [box for frame in range(LABELLED_FROM) for box in truth.boxes(frame)]
    assert [(box.frame, box.rect, box.track) for box in added] == [(f, rect_on(f), 5) for f in range(LABELLED_FROM)]
    document.apply(applied.inverse)
    assert len(truth) == FRAMES - LABELLED_FROM
