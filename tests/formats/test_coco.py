"""COCO JSON: annotation files, CocoVID, results lists of ultralytics, own results; pycocotools as the reference."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from pycocotools.coco import COCO

from iouviewer.cli import main
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes, write_boxes
from tests.formats.helpers import boxes_from_import, boxes_to_write, rects

DATASET = {
    "images": [
        {"id": 11, "file_name": "img/frame_000002.jpg", "width": 640, "height": 480},
        {"id": 12, "file_name": "img/frame_000001.jpg", "width": 640, "height": 480},
        {"id": 13, "file_name": "img/frame_000005.jpg", "width": 640, "height": 480},
    ],
    "categories": [{"id": 3, "name": "car"}, {"id": 1, "name": "person"}],
    "annotations": [
        {"id": 1, "image_id": 11, "category_id": 3, "bbox": [10, 20, 30.5, 40], "area": 1220, "iscrowd": 0},
        {"id": 2, "image_id": 12, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 25, "iscrowd": 1},
    ],
}


def write_file(folder, content, name="instances.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def dataset_with_annotation(**changes):
    good, bad = dict(DATASET["annotations"][0]), {**DATASET["annotations"][0], "id": 2, **changes}
    return {**DATASET, "annotations": [good, {k: v for k, v in bad.items() if v != "absent"}]}


def test_a_dataset_without_annotations_labels_its_images(tmp_path):
    read = read_boxes(write_file(tmp_path, {**DATASET, "annotations": []}))
    assert len(read) == 0
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.labelled.tolist() == [0, 1, 4]


def test_a_dataset_gives_frames_by_file_name_and_classes_by_category(tmp_path):
    read = read_boxes(write_file(tmp_path, DATASET))
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.frames.tolist() == [1, 0]
    assert rects(read) == [(10.0, 20.0, 40.5, 60.0), (0.0, 0.0, 5.0, 5.0)]
    assert [read.class_names[i] for i in read.class_ids] == ["car", "person"]
    assert read.flags.tolist() == [0, BoxFlag.IGNORED]
    assert read.labelled.tolist() == [0, 1, 4]
    assert read.size == (640, 480)
    assert read.scores is None


def test_frames_follow_the_names_of_an_image_folder(tmp_path):
    names = ["a.jpg", "frame_000005.png", "frame_000001.png", "frame_000002.png"]
    assert read_boxes(write_file(tmp_path, DATASET), ReadContext(image_names=names)).frames.tolist() == [3, 2]


def test_the_user_decides_the_state_of_missing_frames(tmp_path):
    path = write_file(tmp_path, DATASET)
    assert read_boxes(path, ReadContext(missing="empty")).labelled is None
    assert read_boxes(path, ReadContext(missing="unlabelled")).labelled.tolist() == [0, 1, 4]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bbox": [1, 2, 0, 4]}, "x2 (1) must be greater than x1 (1)"),
        ({"bbox": [1, 2, 3]}, "bbox must be four numbers"),
        ({"bbox": "absent"}, "bbox must be four numbers"),
        ({"bbox": [1, 2, "wide", 4]}, "bbox must be four numbers"),
        ({"bbox": [1e9, 2, 3, 4]}, "beyond"),
        ({"bbox": [float("nan"), 2, 3, 4]}, "not a finite number"),
        ({"image_id": 99}, "image_id 99 has no frame"),
        ({"score": "high"}, "score 'high' is not a number"),
    ],
)
def test_an_invalid_annotation_is_refused_with_its_index(tmp_path, changes, reason):
    read = read_boxes(write_file(tmp_path, dataset_with_annotation(**changes)))
    assert len(read) == 1
    assert read.refused[0].reason.startswith("annotations[1]: ")
    assert reason in read.refused[0].reason


def test_an_annotation_that_is_not_an_object_is_refused(tmp_path):
    read = read_boxes(write_file(tmp_path, {**DATASET, "annotations": [*DATASET["annotations"], 7]}))
    assert (len(read), read.refused[0].reason) == (2, "annotations[2]: not an object")


def test_damaged_json_is_reported_with_its_line(tmp_path):
    with pytest.raises(UserError, match=r"instances.json:3: the file is not valid JSON"):
        read_boxes(write_file(tmp_path, '{"images": [],\n"annotations":\n[,]}'))


@pytest.mark.parametrize("content", [{"annotations": 3}, {"shape": []}, 7])
def test_json_that_is_not_coco_is_an_error(tmp_path, content):
    with pytest.raises(UserError, match="is not COCO JSON"):
        read_boxes(write_file(tmp_path, content), format="coco")


@pytest.mark.parametrize(("first", "expected"), [(0, [0, 1]), (1, [0, 1]), (5, [5, 6])])
def test_cocovid_frame_ids_start_at_zero_or_one(tmp_path, first, expected):
    content = {
        "videos": [{"id": 1, "name": "MOT17-02"}],
        "images": [
            {"id": 7, "file_name": "x/000123.jpg", "video_id": 1, "frame_id": first},
            {"id": 8, "file_name": "x/000124.jpg", "video_id": 1, "frame_id": first + 1},
        ],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "instance_id": 9},
            {"id": 2, "image_id": 8, "category_id": 1, "bbox": [1, 2, 3, 4], "track_id": 8},
        ],
    }
    read = read_boxes(write_file(tmp_path, content))
    assert read.frames.tolist() == expected
    assert read.track_ids.tolist() == [9, 8]
    assert read_boxes(write_file(tmp_path, content), ReadContext(frame_base=first)).frames.tolist() == [0, 1]


def test_only_the_open_video_of_several_is_read(tmp_path):
    content = {
        "videos": [{"id": 1, "name": "day.mp4"}, {"id": 2, "name": "night.mp4"}],
        "images": [{"id": i, "file_name": f"{i}.jpg", "video_id": i, "frame_id": 0} for i in (1, 2)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, "bbox": [i, 2, 3, 4]} for i in (1, 2)],
    }
    path = write_file(tmp_path, content)
    read = read_boxes(path, ReadContext(video_stem="night"))
    assert rects(read) == [(2.0, 2.0, 5.0, 6.0)]
    assert read.refused == ()
    with pytest.raises(UserError, match="contains 2 videos"):
        read_boxes(path, ReadContext(video_stem="dusk"))


def test_the_coco_export_of_cvat_gives_tracks_and_flags(tmp_path):
    attributes = {"occluded": True, "track_id": 4, "keyframe": False}
    read = read_boxes(write_file(tmp_path, dataset_with_annotation(attributes=attributes)))
    assert read.track_ids.tolist() == [-1, 4]
    assert read.flags.tolist() == [0, int(BoxFlag.OCCLUDED | BoxFlag.INTERPOLATED)]


def result_list(*rows):
    keys = ("image_id", "category_id", "bbox", "score")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def test_an_empty_list_of_results_has_scores_and_no_rows(tmp_path):
    read = read_boxes(write_file(tmp_path, "[]"))
    assert (len(read), read.kind) == (0, ImportKind.PREDICTIONS)
    assert read.scores.shape == (0,)


def test_ultralytics_predictions_of_image_files_with_numeric_names(tmp_path):
    rows = result_list((1, 1, [1, 2, 3, 4], 0.5), (3, 2, [1, 2, 3, 4], 0.25))
    read = read_boxes(write_file(tmp_path, rows))
    assert read.kind is ImportKind.PREDICTIONS
    assert read.frames.tolist() == [0, 2]
    assert [read.class_names[i] for i in read.class_ids] == ["1", "2"]
    assert read.classes == ClassTable(("1", "2"), (1, 2), NumberKind.CATEGORY, named=False)
    assert read.scores.tolist() == [0.5, 0.25]
    assert read.labelled is None
    assert read.covered is None


def test_ultralytics_predictions_with_names_as_ids_and_file_names(tmp_path):
    rows = result_list(("clip_12", 1, [1, 2, 3, 4], 0.5), ("clip_3", 1, [1, 2, 3, 4], 0.25))
    for row in rows:
        row["file_name"] = f"{row['image_id']}.jpg"
    read = read_boxes(write_file(tmp_path, rows))
    assert read.frames.tolist() == [11, 2]
    assert read.class_ids.tolist() == [0, 0]
    assert read.classes.numbers == (1,)


def test_a_result_without_a_score_is_refused_if_others_have_scores(tmp_path):
    rows = result_list((1, 1, [1, 2, 3, 4], 0.5), (1, 1, [1, 2, 3, 4], None))
    read = read_boxes(write_file(tmp_path, rows))
    assert len(read) == 1
    assert read.refused[0].reason == "[1]: the score is missing or not a number"


PROTOCOL = {"name": "yolo11n", "floor": 0.001, "max_det": 300, "imgsz": 448, "complete": False}


def test_own_results_store_score_floor_max_detections_covered_frames_and_protocol(tmp_path):
    data = boxes_to_write(
        [(3, 1, 2, 4, 6, 0), (5, 1, 2, 4, 6, 1)],
        class_names=("person", "car"),
        scores=[0.1, 0.123456789123],
        labelled=np.array([3, 4, 5]),
        protocol=PROTOCOL,
    )
    write_boxes(tmp_path / "base.json", data, format="coco")
    read = read_boxes(tmp_path / "base.json")
    assert read.kind is ImportKind.PREDICTIONS
    assert (read.score_floor, read.max_detections, read.frame_count) == (0.001, 300, 20)
    assert read.protocol == PROTOCOL
    assert read.covered.tolist() == [3, 4, 5]
    assert read.labelled is None
    assert read.scores.tolist() == [0.1, 0.123456789123]
    assert read.frames.tolist() == [3, 5]
    assert read.class_names == ("person", "car")


def test_own_results_without_detections_keep_their_protocol(tmp_path):
    data = boxes_to_write([], class_names=("person",), scores=[], labelled=np.arange(4), protocol=PROTOCOL)
    write_boxes(tmp_path / "base.json", data, format="coco")
    read = read_boxes(tmp_path / "base.json")
    assert (len(read), read.kind, read.max_detections) == (0, ImportKind.PREDICTIONS, 300)
    assert read.covered.tolist() == [0, 1, 2, 3]


def test_a_protocol_that_json_cannot_store_is_refused(tmp_path):
    data = boxes_to_write([], scores=[], protocol={"model": object()})
    with pytest.raises(UserError, match="protocol cannot be written"):
        write_boxes(tmp_path / "base.json", data, format="coco")


def test_pycocotools_and_read_boxes_agree_on_written_files(shared_data, tmp_path, capsys):
    truth = read_boxes(shared_data / "pets09" / "gt.txt", ReadContext(class_name="person"))
    found = read_boxes(shared_data / "pets09" / "det_frcnn.txt", ReadContext(class_name="person"))
    write_boxes(tmp_path / "gt.json", boxes_from_import(truth, frame_count=795), format="coco")
    write_boxes(tmp_path / "det.json", boxes_from_import(found, frame_count=795), format="coco")
    judge = COCO(str(tmp_path / "gt.json"))
    assert len(judge.imgs) == 795
    assert sum(a["iscrowd"] for a in judge.anns.values()) == 174
    assert min(judge.anns) == 1
    loaded = judge.loadRes(json.loads((tmp_path / "det.json").read_text())["annotations"])
    capsys.readouterr()
    rows = list(loaded.anns.values())
    left = np.array([row["bbox"] for row in rows]).T
    assert np.abs(left[:2] - found.boxes[:2]).max() <= 1e-6
    assert np.abs(left[:2] + left[2:] - found.boxes[2:]).max() <= 1e-6
    assert [row["image_id"] - 1 for row in rows] == found.frames.tolist()
    assert [row["score"] for row in rows] == found.scores.tolist()
    second = read_boxes(tmp_path / "gt.json")
    assert np.array_equal(second.flags, truth.flags)
    assert np.array_equal(second.track_ids, truth.track_ids)


def test_areas_that_the_ground_truth_states_and_names_that_are_not_utf_8_are_written(tmp_path):
    source, target = tmp_path / "gt.json", tmp_path / "out.json"
    entry = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 30], "iscrowd": 0}
    values = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{**entry, "id": 1, "area": 437.5}, {**entry, "id": 2}],
    }
    source.write_text(json.dumps(values))
    assert (
        main(
            [
                "convert",
                "--class",
                "person",
                "--size",
                "100x100",
                "--count",
                "1",
                str(source),
                str(target),
                "--to",
                "coco",
            ]
        )
        == 0
    )
    written = json.loads(target.read_text())
    assert [found["area"] for found in written["annotations"]] == [437.5, 600.0]
    data = replace(boxes_to_write([(0, 1, 2, 3, 4)]), video_name=os.fsdecode(b"caf\xe9.mp4"))
    for format in ("coco", "cvat"):
        write_boxes(target, data, format=format)
        assert "caf\ufffd.mp4" in target.read_text(encoding="utf-8")
