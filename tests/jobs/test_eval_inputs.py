"""Ground truth of an evaluation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.jobs.eval_inputs import ReadOptions, truth_from


def imported(flags: list[BoxFlag]) -> ImportedBoxes:
    n = len(flags)
    return ImportedBoxes(
        path=Path("gt.xml"),
        format="cvat",
        kind=ImportKind.GROUND_TRUTH,
        frames=np.arange(n),
        boxes=np.tile(np.array([[0.0], [0.0], [10.0], [10.0]]), n),
        class_ids=np.full(n, -1, np.int64),
        class_names=(),
        scores=None,
        track_ids=np.arange(n) + 7,
        flags=np.array([int(flag) for flag in flags], np.int64),
    )


def test_no_boxes_make_an_empty_table_of_all_frames() -> None:
    truth = truth_from(imported([]), 3, ReadOptions())
    assert len(truth.table) == 0 and truth.labelled.all()


def test_boxes_outside_the_image_do_not_count_and_their_frames_stay_labelled() -> None:
    flags = [BoxFlag(0), BoxFlag.OUTSIDE, BoxFlag.IGNORED, BoxFlag.OCCLUDED]
    truth = truth_from(imported(flags), 4, ReadOptions())
    assert truth.table.frame_of_row().tolist() == [0, 2, 3]
    assert truth.table.ignored.tolist() == [False, True, False]
    assert truth.tracks.tolist() == [7, 9, 10]
    assert truth.labelled.all() and truth.skipped == 0


def test_a_shift_moves_labelled_and_covered_frames_and_images_with_the_boxes() -> None:
    boxes = replace(
        imported([BoxFlag(0), BoxFlag(0)]),
        labelled=np.array([0, 1, 5]),
        covered=np.array([0, 2]),
        images=ImageTable.of([0, 1], names=["a", "b"]),
    )
    moved = boxes.shifted(3)
    assert moved.frames.tolist() == [3, 4]
    assert moved.labelled is not None and moved.labelled.tolist() == [3, 4, 8]
    assert moved.covered is not None and moved.covered.tolist() == [3, 5]
    assert moved.images.frames == (3, 4)


def test_a_shift_past_the_end_is_refused_with_the_frames_of_the_source() -> None:
    boxes = imported([BoxFlag(0)] * 3).shifted(2)
    with pytest.raises(UserError, match=r"1 box lies outside frames 0–3 \(on frame 4\)"):
        truth_from(boxes, 4, ReadOptions())
    assert truth_from(boxes, 4, ReadOptions(skip_bad_rows=True)).skipped == 1
