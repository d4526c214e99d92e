"""Round trips: within 1e-6 always, exact where decimals allow, and unchanged the second time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import BoxFlag
from iouviewer.formats.registry import ReadContext, read_boxes, write_boxes
from tests.formats.helpers import WRITABLE, boxes_from_import, boxes_to_write, file_name, sort_order

SIZE = (640, 480)
CLASSES = ("person", "big car", "=1+1", "d<&'\">", "ünï 字")
FLAGS_KEPT = {
    "mot": BoxFlag.IGNORED | BoxFlag.OCCLUDED,
    "coco": BoxFlag.IGNORED | BoxFlag.OCCLUDED | BoxFlag.TRUNCATED | BoxFlag.KEY_FRAME,
    "cvat": BoxFlag.IGNORED | BoxFlag.OCCLUDED | BoxFlag.TRUNCATED,
    "yolo": BoxFlag.NONE,
    "voc": BoxFlag.IGNORED | BoxFlag.OCCLUDED | BoxFlag.TRUNCATED,
    "labelme": BoxFlag.IGNORED | BoxFlag.OCCLUDED | BoxFlag.TRUNCATED,
    "boxcsv": BoxFlag.IGNORED | BoxFlag.OCCLUDED | BoxFlag.TRUNCATED | BoxFlag.KEY_FRAME,
}
COORDINATE = st.one_of(
    st.integers(-500, 2000).map(float),
    st.integers(-2000, 8000).map(lambda n: n / 4),
    st.floats(-1e3, 1e4, allow_nan=False),
    st.sampled_from([0.4999985, 1e-7, 123.0000005, 9_999_000.123456789, -1e-9]),
)
EXTENT = st.one_of(st.integers(1, 500).map(float), st.floats(1e-8, 900), st.sampled_from([1e-7, 4e-7, 1e-6, 0.5]))
ROW = st.tuples(
    st.integers(0, 19),
    COORDINATE,
    COORDINATE,
    EXTENT,
    EXTENT,
    st.integers(-1, len(CLASSES) - 1),
    st.integers(-1, 4),
    st.sampled_from([0, BoxFlag.IGNORED, BoxFlag.OCCLUDED | BoxFlag.TRUNCATED, BoxFlag.KEY_FRAME]),
)


def as_boxes(rows):
    """(frame, x1, y1, w, h, ...) as corners, without boxes that are empty in float64."""
    corners = [(f, x, y, x + w, y + h, c, t, int(g)) for f, x, y, w, h, c, t, g in rows]
    return [row for row in corners if row[3] > row[1] and row[4] > row[2]]


def round_trip(data, format_key, folder, name):
    path = folder / name / file_name(format_key, predictions=data.scores is not None)
    path.parent.mkdir()
    write_boxes(path, data, format=format_key)
    return read_boxes(path, ReadContext(size=SIZE, trust_columns=True), format=format_key)


def class_names_in_order(data):
    return [data.class_names[i] if i >= 0 else None for i in np.asarray(data.class_ids)[sort_order(data)]]


@pytest.mark.parametrize("format_key", WRITABLE)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, max_size=12))
def test_boxes_classes_and_flags_survive_a_round_trip(format_key, rows):
    rows = as_boxes(rows)
    if format_key == "yolo":
        rows = [row for row in rows if not row[7] & BoxFlag.IGNORED and max(map(abs, row[1:5])) < 900]
    data = boxes_to_write(rows, class_names=CLASSES, size=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        first = round_trip(data, format_key, Path(folder), "first")
        second = round_trip(boxes_from_import(first), format_key, Path(folder), "second")
    assert first.refused == ()
    assert len(first) == len(rows)
    for before, after in ((data, first), (first, second)):
        left, right = sort_order(before), sort_order(after)
        assert np.array_equal(np.asarray(before.frames)[left], after.frames[right])
        # Sorting by rounded boxes may swap two nearly equal boxes, so compare with the nearest box in the frame.
        assert largest_distance(before, after) <= 1e-6
        assert largest_distance(after, before) <= 1e-6
    assert sorted(class_names_in_order(first), key=str) == sorted(class_names_in_order(data), key=str)
    kept = int(FLAGS_KEPT[format_key])
    assert sorted((first.flags & kept).tolist()) == sorted((data.flags & kept).tolist())


def largest_distance(a, b):
    """Largest distance of any edge of a box of ``a`` to the nearest box of ``b`` in its frame."""
    worst = 0.0
    for frame, box in zip(np.asarray(a.frames).tolist(), np.asarray(a.boxes).T, strict=True):
        others = np.asarray(b.boxes)[:, np.asarray(b.frames) == frame].T
        worst = max(worst, float(np.abs(others - box).max(axis=1).min()))
    return worst


@pytest.mark.parametrize("format_key", ["mot", "coco", "cvat", "voc", "labelme", "boxcsv"])
@settings(max_examples=40, deadline=None)
@given(quarters=st.lists(st.tuples(*[st.integers(0, 40_000)] * 2, *[st.integers(1, 4000)] * 2), min_size=1, max_size=8))
def test_quarter_pixels_survive_a_round_trip_exactly(format_key, quarters):
    rows = [(i, x / 4, y / 4, (x + w) / 4, (y + h) / 4, 0, 1) for i, (x, y, w, h) in enumerate(quarters)]
    data = boxes_to_write(rows, class_names=("a",), size=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        read = round_trip(data, format_key, Path(folder), "first")
    assert np.array_equal(read.boxes, data.boxes)
    assert np.array_equal(read.frames, data.frames)


@pytest.mark.parametrize("format_key", ["mot", "coco", "boxcsv", "yolo"])
@settings(max_examples=40, deadline=None)
@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_scores_survive_a_round_trip_exactly(format_key, scores):
    rows = [(i, 1, 2, 30, 40, 0) for i in range(len(scores))]
    data = boxes_to_write(rows, class_names=("a",), scores=scores, size=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        read = round_trip(data, format_key, Path(folder), "first")
    order = np.argsort(read.frames)
    assert read.scores[order].tolist() == scores


@pytest.mark.parametrize("format_key", WRITABLE)
def test_a_file_without_boxes_can_be_written_and_read(format_key, tmp_path):
    data = boxes_to_write([], class_names=("a",), size=SIZE)
    assert len(round_trip(data, format_key, tmp_path, "first")) == 0


@pytest.mark.parametrize("format_key", ["coco", "yolo", "voc", "labelme", "cvat"])
def test_labelled_frames_survive_a_round_trip_without_the_first_frame(format_key, tmp_path):
    labelled = np.array([2, 5, 8])
    data = boxes_to_write([(5, 1, 2, 3, 4, 0, 1)], class_names=("a",), size=SIZE, labelled=labelled)
    read = round_trip(data, format_key, tmp_path, "first")
    assert read.labelled.tolist() == [2, 5, 8]
    assert read.frames.tolist() == [5]


@pytest.mark.parametrize("format_key", WRITABLE)
def test_real_ground_truth_survives_two_round_trips(format_key, shared_data, tmp_path):
    truth = read_boxes(shared_data / "tud-campus" / "gt.txt", ReadContext(class_name="person"))
    first = round_trip(boxes_from_import(truth, frame_count=71), format_key, tmp_path, "first")
    second = round_trip(boxes_from_import(first, frame_count=71), format_key, tmp_path, "second")
    context_free = np.abs(first.boxes[:, sort_order(first)] - truth.boxes[:, sort_order(truth)]).max()
    assert context_free <= 1e-6
    assert np.array_equal(first.frames[sort_order(first)], truth.frames[sort_order(truth)])
    assert np.array_equal(second.boxes, first.boxes)
    assert np.array_equal(second.frames, first.frames)
    assert first.class_names == ("person",)
