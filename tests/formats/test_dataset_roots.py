"""Folders and archives of data sets: their parts, with labels, images and counts, and how they are read."""

from __future__ import annotations

import json
import zipfile

import pytest

from iouviewer.errors import UserError
from iouviewer.formats import archives
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.formats.registry import detect, find_dataset_parts, read_boxes
from tests.formats.helpers import rects

VGA = ReadContext(size=(640, 480))
YOLO = "0 0.5 0.5 0.5 0.5\n"
YAML = "train: ../train/images\nval: ../valid/images\nnames: ['cat']\n"
VOC = (
    "<annotation><filename>{name}.jpg</filename><size><width>640</width><height>480</height></size><object><name>cat</name>"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>"
)
DATUMARO = {
    "categories": {"label": {"labels": [{"name": "cat"}]}},
    "items": [
        {
            "id": "a1",
            "annotations": [{"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4]}],
            "image": {"path": "a1.png"},
        }
    ],
}


def coco(name):
    return {
        "images": [{"id": 1, "file_name": f"{name}_1.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }


ROOTS = {
    "Roboflow YOLO": {
        "data.yaml": YAML,
        **{f"{split}/labels/{split}_{i}.txt": YOLO for split in ("train", "valid", "test") for i in (1, 2)},
        **{f"{split}/images/{split}_{i}.jpg": "" for split in ("train", "valid", "test") for i in (1, 2, 3)},
    },
    "ultralytics YOLO": {
        "data.yaml": "path: .\ntrain: images/train\nval: images/val\nnames: {0: cat}\n",
        **{f"labels/{split}/{split}_{i}.txt": YOLO for split in ("train", "val") for i in (1, 2)},
        **{f"images/{split}/{split}_{i}.jpg": "" for split in ("train", "val") for i in (1, 2, 3)},
    },
    "YOLO 1.1 of CVAT": {
        "obj.data": "classes = 1\nnames = data/obj.names\n",
        "obj.names": "cat\n",
        "train.txt": "data/obj_train_data/frame_000000.png\n",
        "obj_train_data/frame_000000.txt": YOLO,
    },
    "Ultralytics YOLO Detection of CVAT": {
        "data.yaml": "path: .\ntrain: train.txt\nnames:\n  0: cat\n",
        "train.txt": "data/images/train/frame_000000.png\n",
        "labels/train/frame_000000.txt": YOLO,
    },
    "COCO": {
        "annotations/instances_train2017.json": coco("a"),
        "annotations/instances_val2017.json": coco("b"),
        "train2017/a_1.jpg": "",
        "val2017/b_1.jpg": "",
    },
    "Roboflow COCO": {
        "train/_annotations.coco.json": coco("a"),
        "train/a_1.jpg": "",
        "valid/_annotations.coco.json": coco("b"),
        "valid/b_1.jpg": "",
    },
    "Pascal VOC": {
        "Annotations/a_1.xml": VOC.format(name="a_1"),
        "JPEGImages/a_1.jpg": "",
        "ImageSets/Main/default.txt": "a_1\n",
    },
    "Roboflow VOC": {
        "train/a_1.xml": VOC.format(name="a_1"),
        "train/a_1.jpg": "",
        "valid/b_1.xml": VOC.format(name="b_1"),
    },
    "MOTChallenge": {
        "MOT17-02/gt/gt.txt": "1,1,1,2,3,4,1,1,1\n",
        "MOT17-02/img1/000001.jpg": "",
        "MOT17-04/gt/gt.txt": "1,1,5,6,3,4,1,1,1\n",
    },
    "labels beside images": {"labels/a_1.txt": YOLO, "images/a_1.jpg": "", "images/a_2.jpg": ""},
    "one sequence": {"gt/gt.txt": "1,1,1,2,3,4,1,1,1\n", "img1/000001.jpg": ""},
    "Datumaro": {"annotations/default.json": DATUMARO, "images/default/a1.png": ""},
}
PARTS = {
    "Roboflow YOLO": [("train", "yolo", 2, 3), ("valid", "yolo", 2, 3), ("test", "yolo", 2, 3)],
    "ultralytics YOLO": [("train", "yolo", 2, 3), ("val", "yolo", 2, 3)],
    "YOLO 1.1 of CVAT": [("train", "yolo", 1, 0)],
    "Ultralytics YOLO Detection of CVAT": [("train", "yolo", 1, 0)],
    "COCO": [("train2017", "coco", 1, 1), ("val2017", "coco", 1, 1)],
    "Roboflow COCO": [("train", "coco", 1, 1), ("valid", "coco", 1, 1)],
    "Pascal VOC": [("root", "voc", 1, 1)],
    "Roboflow VOC": [("train", "voc", 1, 1), ("valid", "voc", 1, 0)],
    "MOTChallenge": [("MOT17-02", "mot", 1, 1), ("MOT17-04", "mot", 1, 0)],
    "labels beside images": [("root", "yolo", 1, 2)],
    "one sequence": [("root", "mot", 1, 1)],
    "Datumaro": [("default", "datumaro", 1, 1)],
}


def build(folder, files):
    root = folder / "root"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def zipped(folder, files, inside=""):
    path = folder / "root.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(inside + name, content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("layout", ROOTS)
def test_the_parts_of_a_root_with_their_counts(tmp_path, layout):
    root = build(tmp_path, ROOTS[layout])
    parts = find_dataset_parts(root)
    assert [(one.name, one.format, one.label_count, one.image_count) for one in parts] == PARTS[layout]
    assert detect(root).format == parts[0].format
    for part in parts:
        assert len(read_boxes(part.labels, VGA)) >= 1


@pytest.mark.parametrize("inside", ["", "export/"])
@pytest.mark.parametrize("layout", ROOTS)
def test_an_archive_reads_as_its_folder(tmp_path, layout, inside):
    path = zipped(tmp_path, ROOTS[layout], inside)
    expected = PARTS[layout]
    assert detect(path).format == expected[0][1]
    context = ReadContext(size=(640, 480), task=None if len(expected) == 1 else expected[-1][0])
    folder = read_boxes(build(tmp_path, ROOTS[layout]), context)
    found = read_boxes(path, context)
    assert rects(found) == rects(folder)
    assert found.class_names == folder.class_names
    assert found.path == path


@pytest.mark.parametrize("layout", ["COCO", "Roboflow COCO", "MOTChallenge"])
def test_one_of_several_parts_is_asked_for_and_chosen(tmp_path, layout):
    root = build(tmp_path, ROOTS[layout])
    with pytest.raises(UncertainReadingError, match="the data set has 2 parts") as caught:
        read_boxes(root, VGA)
    names = [name for name, *_ in PARTS[layout]]
    assert [choice.text for choice in caught.value.choices] == names
    for name in names:
        assert len(read_boxes(root, ReadContext(size=(640, 480), task=name))) == 1


def test_classes_of_cvats_yolo_archives(tmp_path):
    assert read_boxes(zipped(tmp_path, ROOTS["YOLO 1.1 of CVAT"]), VGA).class_names == ("cat",)
    assert read_boxes(zipped(tmp_path, ROOTS["Ultralytics YOLO Detection of CVAT"]), VGA).class_names == ("cat",)


def test_a_bad_row_in_an_archive_names_archive_and_file(tmp_path):
    files = {**ROOTS["YOLO 1.1 of CVAT"], "obj_train_data/frame_000001.txt": "0 0.5 wide 0.5 0.5\n"}
    path = zipped(tmp_path, files)
    [refused] = read_boxes(path, VGA).refused
    assert refused.path == path / "obj_train_data" / "frame_000001.txt"
    assert refused.line == 1


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "C:/evil.txt"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    path = zipped(tmp_path, {"labels/a1.txt": YOLO, name: YOLO})
    with pytest.raises(UserError, match="leads out of it"):
        read_boxes(path, VGA)
    assert not list(tmp_path.rglob("evil.txt"))


def test_archives_that_unpack_too_far_are_refused(tmp_path, monkeypatch):
    path = zipped(tmp_path, {"labels/a1.txt": YOLO * 1000})
    monkeypatch.setattr(archives, "MAX_LABEL_BYTES", 1000)
    with pytest.raises(UserError, match="unpack to more than"):
        read_boxes(path, VGA)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 0)
    with pytest.raises(UserError, match="more than 0 files"):
        read_boxes(path, VGA)


def test_an_archive_of_something_else_has_no_format(tmp_path):
    path = zipped(tmp_path, {"readme.txt": "hello there", "a.jpg": "x"})
    assert detect(path) is None
    with pytest.raises(UserError, match="cannot read this format"):
        read_boxes(path)
