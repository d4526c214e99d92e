"""MOT16, MOT17, MOT20 and VisDrone: what counts, what excuses predictions, and what does neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.class_lists import MOT17_CLASSES
from iouviewer.document.imported import ImportKind
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.jobs.eval_inputs import ReadOptions, truth_from, variant_from
from iouviewer.jobs.scoring import score_variant
from iouviewer.metrics.review import ReviewSettings

BOXES = {2: 0, 3: 100, 6: 200, 7: 300, 8: 400, 9: 500, 12: 600, 13: 700}
"""Class number and left edge of boxes that are 50 x 100 pixels."""
SEQUENCE = "[Sequence]\nname={name}\nseqLength=1\nimWidth=1920\nimHeight=1080\n"


def ground_truth(folder: Path, name: str | None) -> Path:
    rows = ["1,1,900,200,50,100,1,1,1", "1,2,1000,200,50,100,1,1,0.4"]
    rows += [f"1,{number + 10},{left},200,50,100,0,{number},1" for number, left in BOXES.items()]
    path = folder / "gt" / "gt.txt"
    path.parent.mkdir()
    path.write_text("\n".join(rows) + "\n")
    if name is not None:
        (folder / "seqinfo.ini").write_text(SEQUENCE.format(name=name))
    return path


def predictions(folder: Path, lefts: list[int], class_name: str) -> Path:
    """One prediction for each left edge, as MOT detections without a class or as box CSV with one."""
    if not class_name:
        path = folder / "det.txt"
        path.write_text("".join(f"1,-1,{left},200,50,100,0.9,-1,-1,-1\n" for left in lefts))
        return path
    path = folder / "pred.csv"
    rows = [f"0,{left},200,{left + 50},300,{class_name},0.9" for left in lefts]
    path.write_text("\n".join(("frameID,x1,y1,x2,y2,class,score", *rows)) + "\n")
    return path


def counts(gt: Path, pred: Path) -> dict[str, int]:
    context = ReadContext(size=(1920, 1080), frame_count=1)
    truth = truth_from(read_boxes(gt, context), 1, ReadOptions())
    boxes = read_boxes(pred, ReadContext(size=(1920, 1080), kind=ImportKind.PREDICTIONS))
    variant = variant_from("p", boxes, truth, ReadOptions())
    score = score_variant(truth, variant, truth.labelled.nonzero()[0], ReviewSettings())
    return {name: score.metrics[name] for name in ("tp", "fp", "fn")}


@pytest.mark.parametrize("class_name", ["", "pedestrian"])
@pytest.mark.parametrize(
    ("name", "excused"),
    [("MOT16-02", {2, 7, 8, 12}), ("MOT17-02-FRCNN", {2, 7, 8, 12}), ("MOT20-01", {2, 6, 7, 8, 12})],
)
def test_predictions_on_distractors_are_excused_and_on_other_classes_are_not(tmp_path, name, excused, class_name):
    gt = ground_truth(tmp_path, name)
    for number, left in BOXES.items():
        found = counts(gt, predictions(tmp_path, [900, 1000, left], class_name))
        assert found == {"tp": 2, "fp": number not in excused, "fn": 0}, number


def test_predictions_of_classes_that_the_benchmark_does_not_score_are_left_out(tmp_path, capsys):
    gt = ground_truth(tmp_path, "MOT17-02")
    (tmp_path / "gt" / "labels.txt").write_text("\n".join(MOT17_CLASSES) + "\n")
    path = predictions(tmp_path, [900, 1000], "pedestrian")
    cars = [f"0,{left},200,{left + 50},300,car,0.9" for left in (BOXES[3], 1200, 1300)]
    path.write_text(path.read_text() + "\n".join(cars) + "\n")
    assert counts(gt, path) == {"tp": 2, "fp": 0, "fn": 0}
    call = ["eval", "--size", "1920x1080", "--count", "1", "--gt", str(gt), "--pred", f"a={path}"]
    assert main([*call, "--strict"]) == 0
    assert "a: 3 predictions of class car left out, which the benchmark does not score" in capsys.readouterr().out
    assert main([*call, "--class-agnostic", "--json", str(tmp_path / "o.json")]) == 0
    assert json.loads((tmp_path / "o.json").read_text())["variants"]["a"]["fp"] == 3


def test_a_distractor_excuses_by_iou_and_a_region_by_the_share_inside(tmp_path):
    gt = ground_truth(tmp_path, "MOT17-02")
    path = predictions(tmp_path, [900, 1000], "")
    part = f"1,-1,{BOXES[7]},200,50,40,0.9,-1,-1,-1\n"  # inside, IoU 0.4
    path.write_text(path.read_text() + part)
    assert counts(gt, path) == {"tp": 2, "fp": 1, "fn": 0}


def test_classes_and_flags_alone_tell_the_benchmark(tmp_path):
    gt = ground_truth(tmp_path, None)
    assert counts(gt, predictions(tmp_path, [900, *BOXES.values()], "")) == {"tp": 1, "fp": 4, "fn": 1}
    assert any("distractors excuse" in note for note in read_boxes(gt).notes)


def test_ignored_boxes_of_other_data_keep_their_class(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_text("1,1,900,200,50,100,1,1,1\n1,2,0,200,50,100,0,2,1\n1,3,100,200,50,100,0,1,1\n")
    flags = read_boxes(path).flags.tolist()
    assert flags == [0, int(BoxFlag.IGNORED), int(BoxFlag.IGNORED)]


def test_rows_flags_and_classes_of_the_benchmark_are_all_kept(tmp_path):
    read = read_boxes(ground_truth(tmp_path, "MOT17-02-FRCNN"))
    assert len(read) == len(BOXES) + 2
    assert [bool(flag & BoxFlag.IGNORED) for flag in read.flags] == [False, False] + [True] * len(BOXES)
    assert [read.class_names[i] for i in read.class_ids][2:5] == ["person on vehicle", "car", "non motorized vehicle"]


VISDRONE = (
    "1,0,0,0,200,200,0,0,0,0\n"  # ignored region
    "1,1,900,200,50,100,1,1,0,0\n"
    "1,2,1000,200,50,100,1,4,1,2\n"
    "1,3,20,20,50,100,1,1,0,0\n"  # in the region
    "1,4,600,200,50,100,0,11,0,0\n"  # others
    "1,5,700,200,50,100,0,4,0,0\n"  # not considered
)


def test_visdrone_has_ten_columns_with_classes_and_ignored_regions(tmp_path):
    path = tmp_path / "uav0000086_00000_v.txt"
    path.write_text(VISDRONE)
    read = read_boxes(path)
    assert read.kind is ImportKind.GROUND_TRUTH
    names = ["" if i < 0 else read.class_names[i] for i in read.class_ids]
    assert names == ["", "pedestrian", "car", "pedestrian", "others", "car"]
    assert [bool(flag & BoxFlag.IGNORED) for flag in read.flags] == [True, False, False, True, True, True]
    assert read.flags[2] & BoxFlag.TRUNCATED and read.flags[2] & BoxFlag.OCCLUDED
    assert counts(path, predictions(tmp_path, [900, 20, 600, 700], "")) == {"tp": 1, "fp": 2, "fn": 1}


def test_visdrone_results_have_confidences_and_classes(tmp_path):
    path = tmp_path / "uav.txt"
    path.write_text("1,1,900,200,50,100,0.9,1,-1,-1\n1,2,1000,200,50,100,0.8,4,-1,-1\n")
    read = read_boxes(path)
    assert (read.kind, read.scores.tolist()) == (ImportKind.PREDICTIONS, [0.9, 0.8])
    assert [read.class_names[i] for i in read.class_ids] == ["pedestrian", "car"]


@pytest.mark.parametrize("tail", ["-4.1,-7.3,0", "-1,-1,-1", "0,0,0", "1,1,1", "3,250,1"])
def test_world_coordinates_are_not_taken_for_visdrone(tmp_path, tail):
    path = tmp_path / "gt.txt"
    path.write_text(f"1,1,900,200,50,100,1,{tail}\n2,1,900,200,50,100,1,{tail}\n")
    assert read_boxes(path).class_names == ()
