"""The analysis of a variant: AP by quartiles of box area."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest, evaluate


def size_quartiles(folder: Path, sizes: list[int]) -> Any:
    """Quartiles of a video with one box of each size, all predicted exactly."""
    rows = "".join(f"{frame},10,10,{10 + size},{10 + size}\n" for frame, size in enumerate(sizes))
    gt, pred = folder / "gt.csv", folder / "pred.csv"
    gt.write_text("frameID,x1,y1,x2,y2\n" + rows)
    pred.write_text("frameID,x1,y1,x2,y2,score\n" + rows.replace("\n", ",0.9\n"))
    read = ReadOptions(size=(400, 400), frame_count=len(sizes))
    request = EvalRequest(video=None, gt=gt, preds=(("a", pred),), read=read, analysis=True)
    return evaluate(request).values["variants"]["a"]["size_quartiles"]


def test_each_box_is_in_one_quartile(tmp_path: Path) -> None:
    found = size_quartiles(tmp_path, [10, 10, 10, 20, 20, 30, 40, 40])
    assert [one["boxes"] for one in found] == [3, 2, 1, 2]
    assert [one["ap"] for one in found] == [pytest.approx(1.0)] * 4
    assert (found[0]["from"], found[-1]["to"]) == (100, 1600)


def test_boxes_of_one_size_make_one_quartile(tmp_path: Path) -> None:
    assert [one["boxes"] for one in size_quartiles(tmp_path, [10] * 5)] == [5]


def test_errors_are_counted_at_the_confidence_threshold_and_cost_what_all_predictions_cost(tmp_path: Path) -> None:
    gt, pred = tmp_path / "gt.csv", tmp_path / "pred.csv"
    gt.write_text("frameID,x1,y1,x2,y2\n" + "".join(f"{frame},10,10,50,50\n" for frame in range(4)))
    rows = [f"{frame},10,10,50,50,{0.9 if frame else 0.1}\n" for frame in range(4)]
    rows += [f"{frame},60,60,90,90,0.05\n" for frame in range(4)]
    pred.write_text("frameID,x1,y1,x2,y2,score\n" + "".join(rows))
    read = ReadOptions(size=(100, 100), frame_count=4)
    for confidence, missed, background in ((0.25, 1, 0), (0.0, 0, 4)):
        request = EvalRequest(video=None, gt=gt, preds=(("a", pred),), read=read, analysis=True, confidence=confidence)
        found = evaluate(request).values["variants"]["a"]
        assert found["errors"]["confidence"] == confidence
        assert found["errors"]["counts"] == {
            "Cls": 0,
            "Loc": 0,
            "Both": 0,
            "Dupe": 0,
            "Bkg": background,
            "Miss": missed,
        }
        assert (found["fn"], found["fp"]) == (missed, background)
        assert found["errors"]["ap50_gain"]["Miss"] == 0
