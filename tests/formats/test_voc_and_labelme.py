"""Formats with one file per image: Pascal VOC XML and labelme JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes, write_boxes
from tests.formats.helpers import boxes_to_write, rects

VOC = """<annotation>
  <folder>VOC2007</folder>
  <filename>{image}</filename>
  <size>
    <width>500</width>
    <height>375</height>
    <depth>3</depth>
  </size>
  <object>
    <name>chair</name>
    <pose>Rear</pose>
    <truncated>1</truncated>
    <difficult>{difficult}</difficult>
    <bndbox>
      <xmin>{xmin}</xmin>
      <ymin>211</ymin>
      <xmax>324</xmax>
      <ymax>339</ymax>
    </bndbox>
  </object>
</annotation>
"""


def voc_text(image="000005.jpg", xmin="263", difficult="0"):
    return VOC.format(image=image, xmin=xmin, difficult=difficult)


def labelme_text(points, image="a.jpg", **shape):
    first = {"label": "car", "points": points, "group_id": None, "shape_type": "rectangle", "flags": {}, **shape}
    size = {"imageWidth": 500, "imageHeight": 375}
    return json.dumps(
        {"version": "5.4.1", "flags": {}, "shapes": [first], "imagePath": image, "imageData": None, **size}
    )


def write_folder(path, files):
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("one_based", [False, True])
def test_voc_corners_stand_or_lose_one_pixel_by_option(tmp_path, one_based):
    folder = write_folder(tmp_path / "voc", {"000005.xml": voc_text(), "000007.xml": voc_text(difficult="1")})
    read = read_boxes(folder, ReadContext(voc_one_based=one_based))
    assert ("--voc-one-based" in read.notes[-1]) is not one_based
    assert "subtract" in read.notes[-1]
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.frames.tolist() == [4, 6]
    assert rects(read) == [(263.0 - one_based, 211.0 - one_based, 324.0, 339.0)] * 2
    assert read.flags.tolist() == [int(BoxFlag.TRUNCATED), int(BoxFlag.TRUNCATED | BoxFlag.IGNORED)]
    assert read.class_names == ("chair",)
    assert (read.size, read.labelled.tolist()) == ((500, 375), [4, 6])


def test_voc_without_objects_is_a_labelled_frame(tmp_path):
    text = "<annotation><filename>000001.jpg</filename></annotation>"
    read = read_boxes(write_folder(tmp_path / "voc", {"000001.xml": text}))
    assert (len(read), read.labelled.tolist(), read.size) == (0, [0], None)


def test_a_single_voc_file_can_be_opened(tmp_path):
    assert read_boxes(write_folder(tmp_path, {"000005.xml": voc_text()}) / "000005.xml").frames.tolist() == [4]


@pytest.mark.parametrize(
    ("xmin", "reason"),
    [("", "a corner is missing"), ("left", "xmin 'left'"), ("nan", "not a finite number"), ("325", "must be greater")],
)
def test_an_invalid_voc_object_is_refused_with_file_and_line(tmp_path, xmin, reason):
    read = read_boxes(write_folder(tmp_path / "voc", {"1.xml": voc_text(), "2.xml": voc_text(xmin=xmin)}))
    assert len(read) == 1
    assert (read.refused[0].path.name, read.refused[0].line) == ("2.xml", 9)
    assert reason in read.refused[0].reason


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("xml", voc_text(), "<annotation><object>"), ("json", labelme_text([[1, 2], [3, 4]]), '{"shapes": [}')],
)
def test_a_damaged_file_is_refused_with_its_line_and_the_others_are_read(tmp_path, name, good, bad):
    path = write_folder(tmp_path / "many", {f"1.{name}": good, f"2.{name}": bad, f"3.{name}": good})
    read = read_boxes(path)
    assert read.frames.tolist() == [0, 2]
    assert read.labelled.tolist() == [0, 2]
    assert (read.refused[0].path.name, read.refused[0].line) == (f"2.{name}", 1)


def test_a_folder_with_only_damaged_files_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"1.xml:1: the file is not well-formed"):
        read_boxes(write_folder(tmp_path / "voc", {"1.xml": "<annotation>"}), format="voc")


@pytest.mark.parametrize("format_key", ["voc", "labelme"])
def test_a_folder_without_files_is_an_error(tmp_path, format_key):
    with pytest.raises(UserError, match="contains no"):
        read_boxes(tmp_path, format=format_key)


def test_voc_refuses_document_types(tmp_path):
    path = write_folder(tmp_path / "voc", {"1.xml": '<!DOCTYPE a [<!ENTITY x "y">]>' + voc_text()})
    with pytest.raises(UserError, match="document type declaration"):
        read_boxes(path, format="voc")


@pytest.mark.parametrize(
    "points", [[[30, 40], [10, 20]], [[10, 40], [30, 20]], [[10, 20], [30, 20], [30, 40], [10, 40]]]
)
def test_labelme_corners_are_two_or_four_in_any_order(tmp_path, points):
    read = read_boxes(
        write_folder(tmp_path / "lm", {"a_3.json": labelme_text(points, group_id=8, flags={"occluded": True})})
    )
    assert rects(read) == [(10.0, 20.0, 30.0, 40.0)]
    assert (read.frames.tolist(), read.track_ids.tolist()) == ([2], [8])
    assert read.flags.tolist() == [int(BoxFlag.OCCLUDED)]
    assert read.size == (500, 375)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"points": [[1, 2]]}, "points must be two"),
        ({"points": None}, "points must be two"),
        ({"points": [[1, 2], [3, "x"]]}, "points must be two"),
        ({"points": [[1, 2], [1, 4]]}, "must be greater"),
        ({"points": [[1, 2], [1e8, 4]]}, "beyond"),
        ({"points": [[0, 1], [1, 0], [2, 1], [1, 2]]}, "rotated boxes are not supported"),
        ({"points": [[1, 2], [3, 4]], "shape_type": "polygon"}, "the shape is a polygon, not a rectangle"),
    ],
)
def test_an_invalid_labelme_shape_is_refused_with_its_index(tmp_path, shape, reason):
    text = labelme_text(**{"points": [[1, 2], [3, 4]], **shape})
    read = read_boxes(write_folder(tmp_path / "lm", {"1.json": text}))
    assert len(read) == 0
    assert read.refused[0].reason.startswith("shapes[0]: ")
    assert reason in read.refused[0].reason


@pytest.mark.parametrize(
    ("ending", "make"), [("xml", voc_text), ("json", lambda image: labelme_text([[1, 2], [3, 4]], image=image))]
)
def test_frames_follow_the_image_names_in_the_files(tmp_path, ending, make):
    path = write_folder(
        tmp_path / "many", {f"x.{ending}": make(image="b.jpg"), f"y.{ending}": make(image="stranger.jpg")}
    )
    read = read_boxes(path, ReadContext(image_names=["a.jpg", "b.jpg"]))
    assert read.frames.tolist() == [1]
    assert read.labelled.tolist() == [1]
    assert [(r.path.name, r.reason) for r in read.refused] == [
        (f"y.{ending}", "stranger.jpg is not in the image folder; its boxes were not read")
    ]


def test_written_voc_has_no_decimals_for_integers(tmp_path):
    data = boxes_to_write([(0, 262, 210.5, 324, 339, 0)], class_names=("a&b",), labelled=np.array([0, 1]))
    write_boxes(tmp_path / "voc", data, format="voc")
    assert sorted(p.name for p in (tmp_path / "voc").iterdir()) == ["clip_1.xml", "clip_2.xml"]
    text = (tmp_path / "voc" / "clip_1.xml").read_text()
    assert "<xmin>262</xmin>" in text
    assert "<ymin>210.5</ymin>" in text
    assert "<xmax>324</xmax>" in text
    assert read_boxes(tmp_path / "voc").class_names == ("a&b",)


def test_written_files_are_named_after_the_images(tmp_path):
    data = boxes_to_write(
        [(1, 1, 2, 3, 4, 0)], class_names=("a",), labelled=np.array([1]), image_names=["q.png", "r.png"]
    )
    for format_key, ending in (("voc", "xml"), ("labelme", "json")):
        write_boxes(tmp_path / format_key, data, format=format_key)
        assert [p.name for p in (tmp_path / format_key).iterdir()] == [f"r.{ending}"]
        context = ReadContext(image_names=["q.png", "r.png"])
        assert read_boxes(tmp_path / format_key, context).frames.tolist() == [1]


@pytest.mark.parametrize(("ending", "damaged"), [("xml", "<annotation><obj"), ("json", "{")])
def test_a_damaged_file_does_not_renumber_the_others(tmp_path, ending, damaged):
    good = voc_text() if ending == "xml" else labelme_text([[10, 20], [30, 50]])
    files = {f"f_0.{ending}": damaged, f"f_1.{ending}": good, f"f_2.{ending}": good}
    read = read_boxes(write_folder(tmp_path / "some", files))
    assert sorted(set(read.frames.tolist())) == [1, 2]
    assert [row.path.name for row in read.refused] == [f"f_0.{ending}"]
