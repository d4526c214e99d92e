"""Polygons, masks, rotated boxes and points: the boxes around them, on request and counted."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import read_boxes
from iouviewer.formats.shapes import envelope, flat_envelope, mask_envelope, rotated_envelope
from iouviewer.formats.yolo_shapes import is_pose
from tests.formats.helpers import rects

# Geometry


def test_a_rotated_box_turns_about_its_centre_or_its_corner():
    assert rotated_envelope(0, 0, 20, 10, 90, about_corner=False) == pytest.approx((5, -5, 15, 15))
    assert rotated_envelope(0, 0, 20, 10, 90, about_corner=True) == pytest.approx((-10, 0, 0, 20))
    assert rotated_envelope(3, 4, 20, 10, 0, about_corner=True) == pytest.approx((3, 4, 23, 14))


def test_points_that_are_none_have_no_envelope():
    assert envelope([[1, 2], {"x": 5, "y": 0}]) == (1, 0, 5, 2)
    assert envelope([]) is envelope([[1]]) is envelope([["a", 2]]) is flat_envelope([1, 2, 3]) is None
    assert flat_envelope([1, 2, 2, 9, 9, 0, 5, 6, 1], step=3) == (1, 2, 5, 6)


@pytest.mark.parametrize("seed", range(20))
def test_masks_have_the_box_that_pycocotools_finds(seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((23, 31), np.uint8)
    x, y = random.integers(0, 20, 2)
    mask[y : y + random.integers(1, 9), x : x + random.integers(1, 11)] = 1
    mask &= random.random(mask.shape) < 0.8
    encoded = coco_masks.encode(np.asfortranarray(mask))
    text = encoded["counts"].decode()
    flat = np.flatnonzero(np.diff(np.concatenate(([0], mask.T.ravel(), [0]))))
    edges = [0, *flat.tolist(), mask.size]
    runs = [b - a for a, b in itertools.pairwise(edges)]
    left, top, width, height = coco_masks.toBbox(encoded).tolist()
    expected = None if not mask.any() else (left, top, left + width, top + height)
    assert mask_envelope(runs, [23, 31]) == expected
    assert mask_envelope(text, [23, 31]) == expected


@pytest.mark.parametrize("counts", ["~~~", [1, -2], None, 5, ["a"]])
def test_damaged_masks_have_no_envelope(counts):
    assert mask_envelope(counts, [4, 4]) is None


# Formats of boxes, which refuse shapes one by one unless somebody says what to do with them

POLYGON = "1 0.1 0.1 0.3 0.1 0.3 0.5 0.2 0.3 0.1 0.2\n"
BOX = "0 0.5 0.5 0.2 0.2\n"
POSE = "0 0.5 0.5 0.4 0.4 0.45 0.45 2 0.55 0.55 1 0 0 0\n"
ORIENTED = "0 0.1 0.2 0.3 0.1 0.4 0.3 0.2 0.4\n"


def labels(folder, text):
    path = folder / "labels" / "a_1.txt"
    path.parent.mkdir()
    path.write_text(text)
    return path.parent


def sizes(boxes):
    return [tuple(round(one, 6) for one in rect) for rect in rects(boxes)]


def test_yolo_segments_poses_and_oriented_boxes(tmp_path):
    folder = labels(tmp_path, BOX + POLYGON + POSE + ORIENTED)
    as_before = read_boxes(folder, ReadContext(size=(100, 100)))
    assert (len(as_before), len(as_before.refused), as_before.refused_shapes) == (1, 3, 3)
    skipped = read_boxes(folder, ReadContext(size=(100, 100), shapes="skip"))
    assert (len(skipped), len(skipped.refused)) == (1, 0)
    assert "2 polygons, 1 set of points left out" in skipped.notes
    boxed = read_boxes(folder, ReadContext(size=(100, 100), shapes="envelope"))
    assert sizes(boxed) == [(40, 40, 60, 60), (10, 10, 30, 50), (30, 30, 70, 70), (10, 10, 40, 40)]
    assert "2 polygons, 1 set of points read as the boxes around them" in boxed.notes


def test_real_damage_is_refused_beside_shapes(tmp_path):
    folder = labels(tmp_path, BOX + POLYGON + "0 0.5 wide 0.2 0.2\n0 0.1 0.1 0.2 0.2 0.3 0.3 oh 0.4\n")
    found = read_boxes(folder, ReadContext(size=(100, 100), shapes="skip"))
    assert [row.line for row in found.refused] == [3, 4]


@pytest.mark.parametrize(
    ("row", "pose"),
    [
        (POSE, True),
        ("0 0.5 0.5 0.4 0.4 0.45 0.45 0.55 0.55", False),  # nine columns are an oriented box
        ("0 0.5 0.5 0.4 0.4 0.45 0.45 0.55 0.55 0.5 0.5", True),
        ("0 0.1 0.1 0.2 0.1 0.9 0.9 0.1 0.9 0.5 0.5", False),
    ],
)
def test_a_pose_is_told_from_a_polygon(row, pose):
    assert is_pose([float(one) for one in row.split()]) is pose


def test_labelme_and_x_anylabeling(tmp_path):
    shapes = [
        {"label": "a", "shape_type": "rectangle", "points": [[1, 2], [3, 4]]},
        {"label": "b", "shape_type": "polygon", "points": [[0, 0], [10, 0], [5, 8]]},
        {"label": "c", "shape_type": "circle", "points": [[10, 10], [13, 14]]},
        {"label": "d", "shape_type": "rotation", "points": [[5, 0], [10, 5], [5, 10], [0, 5]], "direction": 0.7},
        {"label": "e", "shape_type": "point", "points": [[5, 5]]},
    ]
    path = tmp_path / "1.json"
    path.write_text(json.dumps({"version": "5.5.0", "shapes": shapes, "imagePath": "1.jpg"}))
    as_before = read_boxes(path)
    assert (len(as_before), as_before.refused_shapes) == (1, 4)
    boxed = read_boxes(path, ReadContext(shapes="envelope"))
    assert rects(boxed) == [(1, 2, 3, 4), (0, 0, 10, 8), (5, 5, 15, 15), (0, 0, 10, 10)]
    assert [boxed.class_names[one] for one in boxed.class_ids] == ["a", "b", "c", "d"]
    assert len(boxed.refused) == 1  # a point has no area


def test_cvat_shapes_of_images(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        '<annotations><image id="0" name="a.jpg" width="100" height="100">'
        '<box label="car" xtl="1" ytl="2" xbr="3" ybr="4" occluded="0"/>'
        '<polygon label="car" points="10,10;20,10;15,30" occluded="1"/>'
        '<mask label="car" rle="1,2" left="5" top="6" width="7" height="8"/>'
        '<ellipse label="car" cx="50" cy="50" rx="10" ry="5"/>'
        '<box label="car" xtl="40" ytl="45" xbr="60" ybr="55" rotation="90"/>'
        '<skeleton label="man"><points label="1" points="1,1"/><points label="2" points="9,5"/></skeleton>'
        "</image></annotations>"
    )
    boxed = read_boxes(path, ReadContext(shapes="envelope"))
    expected = [(1, 2, 3, 4), (10, 10, 20, 30), (5, 6, 12, 14), (40, 45, 60, 55), (45, 40, 55, 60), (1, 1, 9, 5)]
    assert sizes(boxed) == expected
    assert not boxed.refused
    skipped = read_boxes(path, ReadContext(shapes="skip"))
    assert (rects(skipped), skipped.refused) == ([(1, 2, 3, 4)], ())
    assert "1 polygon, 1 mask, 1 other shape, 1 rotated box, 1 set of points left out" in skipped.notes


def test_boxes_around_shapes_are_not_saved_to_their_source(tmp_path):
    folder = labels(tmp_path, BOX + POLYGON)
    kept = read_boxes(folder, ReadContext(size=(100, 100), keep_texts=True))
    assert kept.texts is not None
    boxed = read_boxes(folder, ReadContext(size=(100, 100), keep_texts=True, shapes="envelope"))
    assert boxed.texts is None
