"""A small case with empty, unlabelled and ignored frames; every expected value is computed by hand.

====== ============================ ============================ ==============================================
frame  ground truth                 predictions (score)          review at confidence 0.25, IoU 0.5
====== ============================ ============================ ==============================================
0      10,10,30,30                  the same (0.9)               true positive, IoU 1
1      10,10,30,30                  20,10,40,30 (0.8)            IoU 200/600: loose, a false positive and a miss
2      none                         0,0,10,10 (0.6)              a false positive, if the frame is labelled
3      unlabelled                   70,70,90,90 (0.95)           nothing, if the frame is unlabelled
4      10,10,30,30; ignored         55,55,65,65 (0.7)            a miss; inside the ignored box: nothing
       50,50,90,90
5      10,10,30,30; 40,40,60,60     10,10,30,20 (0.9);           IoU 200/400: true positive; a miss (0.2 is below
                                    40,40,60,60 (0.2)            the threshold, but counts for AP)
====== ============================ ============================ ==============================================
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from iouviewer.cli import main

# MOT counts frames from 1; the seventh number 0 means ignored.
GT = ["1,1,10,10,20,20,1", "2,1,10,10,20,20,1", "5,1,10,10,20,20,1", "5,2,50,50,40,40,0"]
GT += ["6,1,10,10,20,20,1", "6,3,40,40,20,20,1"]
DET = ["1,-1,10,10,20,20,0.9", "2,-1,20,10,20,20,0.8", "3,-1,0,0,10,10,0.6", "4,-1,70,70,20,20,0.95"]
DET += ["5,-1,55,55,10,10,0.7", "6,-1,10,10,20,10,0.9", "6,-1,40,40,20,20,0.2"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "gt.txt").write_text("".join(f"{row},-1,-1,-1\n" for row in GT))
    (tmp_path / "det.txt").write_text("".join(f"{row},-1,-1,-1\n" for row in DET))
    return ["--gt", str(tmp_path / "gt.txt"), "--pred", f"a={tmp_path / 'det.txt'}"]


@pytest.fixture
def coco_files(tmp_path: Path) -> list[str]:
    """The same boxes as COCO with frame 3 missing from the images: COCO distinguishes empty from unlabelled frames."""
    annotations = []
    for number, row in enumerate(GT, start=1):
        frame, _, x, y, w, h, flag = map(int, row.split(","))
        annotations.append(
            {"id": number, "image_id": frame, "category_id": 1, "bbox": [x, y, w, h], "area": w * h}
            | {"iscrowd": int(flag == 0)}
        )
    images = [
        {"id": f + 1, "file_name": f"{f:06d}.jpg", "width": 100, "height": 100, "video_id": 1, "frame_id": f + 1}
        for f in (0, 1, 2, 4, 5)
    ]
    values = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    values["videos"] = [{"id": 1, "name": "clip"}]
    (tmp_path / "gt.json").write_text(json.dumps(values))
    (tmp_path / "det.txt").write_text("".join(f"{row},-1,-1,-1\n" for row in DET))
    return ["--gt", str(tmp_path / "gt.json"), "--pred", f"a={tmp_path / 'det.txt'}"]


def evaluate(files: list[str], tmp_path: Path, *more: str) -> dict[str, Any]:
    out = tmp_path / "o.json"
    assert main(["eval", "--size", "100x100", "--count", "6", *files, "--json", str(out), *more]) == 0
    values: dict[str, Any] = json.loads(out.read_text())["variants"]["a"]
    return values


@pytest.mark.parametrize(
    ("missing", "false_positives", "frames"),
    [((), 3, 6), (("--missing", "empty"), 3, 6), (("--missing", "unlabelled"), 1, 4)],
)
def test_the_state_of_missing_frames_decides_about_false_positives(
    files: list[str], tmp_path: Path, missing: tuple[str, ...], false_positives: int, frames: int
) -> None:
    a = evaluate(files, tmp_path, *missing)
    assert (a["tp"], a["fp"], a["fn"], a["frames"]) == (2, false_positives, 3, frames)
    assert a["avg_iou"] == pytest.approx((1 + 1 / 3 + 0 + 0.25) / 4)
    assert a["uncounted_predictions"] == (2 if frames == 4 else 0)


def test_every_metric_equals_the_value_computed_by_hand(coco_files: list[str], tmp_path: Path) -> None:
    scores, pairs = tmp_path / "o.csv", tmp_path / "p.csv"
    a = evaluate(coco_files, tmp_path, "--frame-base", "1", "--csv", str(scores), "--pairs", str(pairs))
    expected = {
        "avg_iou": (1 + 1 / 3 + 0 + 0.25) / 4,
        "box_iou": (1 + 1 / 3 + 0.5) / 5,
        "tp_iou": 0.75,
        "pq": 1.5 / (2 + 2 / 2 + 3 / 2),
        "tp": 2,
        "fp": 2,
        "fn": 3,
        "precision": 2 / 4,
        "recall": 2 / 5,
        "f1": 4 / 9,
        # By score: true, true, false, (in the ignored box), false, true; 5 boxes; 101 recall points.
        "ap50": (41 * 1.0 + 20 * 0.6) / 101,
        "ap75": (21 * 1.0 + 20 * 0.4) / 101,
        "ap": ((41 + 20 * 0.6) + 9 * (21 + 20 * 0.4)) / 1010,
        "ar100": (0.6 + 9 * 0.4) / 10,
        "frames": 5,
        "uncounted_predictions": 1,
    }
    assert {key: a[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    with scores.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["iou"] for row in rows] == ["1.0", "0.333333333", "", "", "0.0", "0.25"]
    assert [row["state"] for row in rows] == ["labelled"] * 3 + ["unlabelled"] + ["labelled"] * 2
    assert [row["gt"] for row in rows] == ["1", "1", "0", "", "1", "2"]
    assert [row["fp:a"] for row in rows] == ["0", "1", "1", "", "0", "0"]
    with pairs.open(newline="") as file:
        states = [(row["frameID"], row["state"]) for row in csv.DictReader(file)]
    assert sorted(states) == [
        ("0", "tp"),
        ("1", "loose"),
        ("2", "fp"),
        ("4", "ignored"),
        ("4", "miss"),
        ("5", "miss"),
        ("5", "tp"),
    ]


def test_frames_that_are_not_selected_do_not_count(coco_files: list[str], tmp_path: Path) -> None:
    a = evaluate(coco_files, tmp_path, "--frame-base", "1", "--frames", "2:4")
    assert (a["tp"], a["fp"], a["fn"], a["frames"]) == (0, 1, 0, 1)
    # No ground truth: no average, no recall, no AP.
    keys = ("avg_iou", "box_iou", "tp_iou", "recall", "ap", "ar100")
    assert [a[key] for key in keys] == [None] * len(keys)
    assert (a["precision"], a["f1"], a["pq"]) == (0.0, 0.0, 0.0)
