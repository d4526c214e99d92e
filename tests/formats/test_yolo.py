"""YOLO labels: datasets, and the files that ultralytics' save_txt writes for a video."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.class_names import find_class_names, read_yaml_names, yaml_quoted
from iouviewer.formats.registry import ReadContext, detect, read_boxes, unsupported_fields, write_boxes
from tests.formats.helpers import boxes_to_write, rects

SIZE = ReadContext(size=(640, 480))
ROW = "0 0.5 0.5 0.25 0.5"


def write_labels(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_an_unknown_frame_size_is_an_error(tmp_path):
    with pytest.raises(UserError, match="frame size, which is not known"):
        read_boxes(write_labels(tmp_path, {"labels/a_1.txt": ROW}))


def test_an_empty_file_is_a_labelled_frame_without_objects(tmp_path):
    read = read_boxes(write_labels(tmp_path, {"labels/000001.txt": "", "labels/000003.txt": ""}), SIZE)
    assert len(read) == 0
    assert read.labelled.tolist() == [0, 2]


def test_a_dataset_has_the_names_of_data_yaml_in_their_order(tmp_path):
    files = {"train/labels/000007.txt": f"1 0.5 0.5 0.25 0.5\n{ROW}\n", "data.yaml": "names: ['zebra', \"ant\"]\n"}
    read = read_boxes(write_labels(tmp_path, files) / "train" / "labels", SIZE)
    assert read.kind is ImportKind.UNKNOWN
    assert read.class_names == ("zebra", "ant")
    assert read.class_ids.tolist() == [1, 0]
    assert rects(read) == [(240.0, 120.0, 400.0, 360.0)] * 2
    assert read.frames.tolist() == [6, 6]
    assert read.labelled.tolist() == [6]
    assert read.scores is None


def test_save_txt_of_a_video_starts_at_one_and_leaves_out_empty_frames(tmp_path):
    files = {
        "labels/clip_1.txt": f"{ROW} 0.9\n",
        "labels/clip_10.txt": f"{ROW} 0.25\n",
        "labels/clip_9.txt": f"{ROW} 1",
    }
    read = read_boxes(write_labels(tmp_path, files), SIZE)
    assert read.kind is ImportKind.PREDICTIONS
    assert dict(zip(read.frames.tolist(), read.scores.tolist(), strict=True)) == {0: 0.9, 9: 0.25, 8: 1.0}
    assert read.labelled is None
    assert read.covered is None
    assert read.class_ids.tolist() == [0, 0, 0]


def test_a_stride_maps_file_n_to_frame_n_times_k_minus_one(tmp_path):
    files = {"labels/clip_1.txt": f"{ROW} 0.9\n", "labels/clip_2.txt": f"{ROW} 0.9\n"}
    read = read_boxes(write_labels(tmp_path, files), ReadContext(size=(640, 480), stride=5))
    assert read.frames.tolist() == [4, 9]


def test_only_the_open_video_of_several_is_read(tmp_path):
    files = {"labels/day_1.txt": f"{ROW} 0.9\n", "labels/night_2.txt": f"{ROW} 0.9\n"}
    read = read_boxes(write_labels(tmp_path, files), ReadContext(size=(640, 480), video_stem="night"))
    assert read.frames.tolist() == [1]
    assert any("1 file of another video" in note for note in read.notes)


def test_a_sixth_column_of_integers_has_track_ids_and_seven_columns_have_both(tmp_path):
    six = read_boxes(write_labels(tmp_path / "six", {"labels/a_1.txt": f"{ROW} 1\n{ROW} 12\n"}), SIZE)
    assert (six.scores, six.track_ids.tolist()) == (None, [1, 12])
    seven = read_boxes(write_labels(tmp_path / "seven", {"labels/a_1.txt": f"{ROW} 0.5 3\n{ROW} 0.75\n"}), SIZE)
    assert (seven.scores.tolist(), seven.track_ids.tolist()) == ([0.5, 0.75], [3, -1])


def test_duplicate_rows_are_kept_and_reported(tmp_path):
    read = read_boxes(write_labels(tmp_path, {"labels/a_1.txt": f"{ROW} 0.5\n{ROW} 0.5\n"}), SIZE)
    assert len(read) == 2
    assert any("second run" in note for note in read.notes)


def test_frames_follow_the_names_of_an_image_folder_and_others_are_refused(tmp_path):
    folder = write_labels(tmp_path, {"labels/b.txt": ROW, "labels/zz.txt": ROW})
    read = read_boxes(folder, ReadContext(size=(640, 480), image_names=["a.jpg", "b.jpg"]))
    assert read.frames.tolist() == [1]
    assert [str(r) for r in read.refused] == [f"{folder / 'labels' / 'zz.txt'}: has no image in the image folder"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0 0.5 0.5 0.2", "4 columns instead of at least 5"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4", "9 columns: polygons and keypoints are not supported"),
        ("0 0.5 half 0.2 0.2", "not a number: 'half'"),
        ("0.5 0.5 0.5 0.2 0.2", "0.5 is not a class number"),
        ("-1 0.5 0.5 0.2 0.2", "-1 is not a class number"),
        ("0 nan 0.5 0.2 0.2", "not a finite number"),
        ("0 0.5 0.5 0 0.2", "must be greater than x1"),
        ("0 0.5 0.5 inf 0.2", "not a finite number"),
    ],
)
def test_an_invalid_row_is_refused_with_file_and_line(tmp_path, row, reason):
    read = read_boxes(write_labels(tmp_path, {"labels/a_4.txt": f"{ROW}\n{row}\n{ROW}\n"}), SIZE)
    assert len(read) == 2
    assert (read.refused[0].path.name, read.refused[0].line) == ("a_4.txt", 2)
    assert reason in read.refused[0].reason


def test_pixels_instead_of_fractions_are_an_error(tmp_path):
    with pytest.raises(UserError, match="not like normalised fractions"):
        read_boxes(
            write_labels(tmp_path, {"labels/a_1.txt": "0 320 240 64 48\n0 300 200 64 48\n"}), SIZE, format="yolo"
        )


def test_a_folder_without_labels_is_an_error_except_for_predictions(tmp_path):
    (tmp_path / "labels").mkdir()
    with pytest.raises(UserError, match="contains no label files"):
        read_boxes(tmp_path, SIZE, format="yolo")
    nothing = read_boxes(tmp_path, ReadContext(size=(640, 480), kind=ImportKind.PREDICTIONS), format="yolo")
    assert len(nothing) == 0


@pytest.mark.parametrize(
    "text",
    [
        "names: [a b, 'c: d', \"e\"]  # three\n",
        "nc: 3\nnames:\n  0: a b\n  1: 'c: d'\n\n  2: e # last\nother: 1\n",
        "names:\n- a b\n- 'c: d'\n- e\n",
        "names: {0: a b, 1: 'c: d', 2: e}\n",
        "names: [a b,\n  'c: d',\n  e]\n",
    ],
)
def test_every_form_of_names_in_data_yaml_is_parsed(tmp_path, text):
    path = write_labels(tmp_path, {"data.yaml": text}) / "data.yaml"
    assert read_yaml_names(path) == {0: "a b", 1: "c: d", 2: "e"}


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nnames: person\n", 2), ("names:\n  0: a\n  what\n", 3), ("names: [a", 1)]
)
def test_names_in_another_form_are_an_error_with_the_line(tmp_path, text, line):
    path = write_labels(tmp_path, {"data.yaml": text}) / "data.yaml"
    with pytest.raises(UserError) as caught:
        read_yaml_names(path)
    assert caught.value.line == line


def test_names_come_from_classes_txt_if_it_exists(tmp_path):
    write_labels(tmp_path, {"labels/classes.txt": "b\na\n\n"})
    assert find_class_names(tmp_path / "labels")[0] == {0: "b", 1: "a"}
    assert find_class_names(tmp_path) == (None, None)


@pytest.mark.parametrize("name", ["plain", "it's", 'say "x"', "a: b", "a # b", "", "- a"])
def test_every_name_survives_the_written_yaml(tmp_path, name):
    path = write_labels(tmp_path, {"data.yaml": f"names:\n  0: {yaml_quoted(name)}\n"}) / "data.yaml"
    assert read_yaml_names(path) == {0: name}


def test_a_written_dataset_has_a_file_for_every_labelled_frame(tmp_path):
    rows = [(2, 10, 20, 30, 40, 1, 5), (2, 10, 20, 30, 40, -1), (3, 1, 1, 2, 2, 0, -1, BoxFlag.IGNORED)]
    data = boxes_to_write(rows, class_names=("b", "a"), labelled=np.array([2, 4]))
    write_boxes(tmp_path / "out", data, format="yolo")
    assert sorted(p.name for p in (tmp_path / "out" / "labels").iterdir()) == ["clip_3.txt", "clip_4.txt", "clip_5.txt"]
    assert (tmp_path / "out" / "labels" / "clip_5.txt").read_text() == ""
    assert (tmp_path / "out" / "labels" / "clip_3.txt").read_text().splitlines()[
        0
    ] == "1 0.03125 0.0625 0.03125 0.0416666667"
    read = read_boxes(tmp_path / "out", SIZE)
    assert read.class_names == ("b", "a")
    assert (read.frames.tolist(), read.class_ids.tolist()) == ([2, 2], [1, -1])
    assert len(unsupported_fields(data, "yolo")) == 2


def test_a_folder_with_files_is_never_overwritten(tmp_path):
    write_labels(tmp_path / "out", {"mine.txt": "keep"})
    with pytest.raises(UserError, match="the destination already exists"):
        write_boxes(tmp_path / "out", boxes_to_write([(0, 1, 1, 2, 2)]), format="yolo")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_written_predictions_have_scores_and_tracks(tmp_path):
    data = boxes_to_write([(0, 1, 1, 2, 2, 0, 7), (1, 1, 1, 2, 2, 0, -1)], class_names=("a",), scores=[0.25, 0.5])
    write_boxes(tmp_path / "out", data, format="yolo")
    read = read_boxes(tmp_path / "out", SIZE)
    assert read.kind is ImportKind.PREDICTIONS
    assert (read.scores.tolist(), read.track_ids.tolist()) == ([0.25, 0.5], [7, -1])


def test_a_folder_of_empty_label_files_is_recognised(tmp_path):
    assert detect(write_labels(tmp_path, {"labels/a_1.txt": ""})).format == "yolo"
