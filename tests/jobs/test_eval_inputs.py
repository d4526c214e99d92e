"""Ground truth of an evaluation."""

from pathlib import Path

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind
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
