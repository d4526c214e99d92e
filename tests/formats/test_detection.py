"""Detection of formats by their content, and the registry."""

from __future__ import annotations

import json

import pytest

from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import (
    ReadContext,
    detect,
    formats,
    read_boxes,
    refuse_frames_outside,
    unsupported_fields,
    write_boxes,
)
from tests.formats.helpers import WRITABLE, boxes_to_write, file_name

CONTEXT = ReadContext(size=(640, 480))


def test_keys_are_unique_and_the_expected_formats_are_writable():
    keys = [info.key for info in formats()]
    assert len(set(keys)) == len(keys)
    assert {info.key for info in formats() if info.can_write} == set(WRITABLE)
    only_named = [one for one in formats() if not one.can_read]
    assert {"score_csv", "darwin", "tfrecord"} <= {one.key for one in only_named}
    assert not any(one.can_write for one in only_named)
    assert all(one.advice for one in only_named)


@pytest.mark.parametrize("format_key", WRITABLE)
def test_every_written_file_is_recognised_under_any_name(tmp_path, format_key):
    data = boxes_to_write([(0, 10, 20, 30, 40, 0, 1), (1, 10, 20, 30, 40, 0, 1)], class_names=("person",))
    path = tmp_path / "thing.dat"
    write_boxes(path, data, format=format_key)
    found = detect(path)
    assert found.format == format_key
    assert 0 < found.certainty <= 1
    assert found.reason


@pytest.mark.parametrize("format_key", ["mot", "coco", "yolo", "boxcsv"])
def test_predictions_are_recognised_as_such(tmp_path, format_key):
    path = tmp_path / "thing.dat"
    write_boxes(path, boxes_to_write([(0, 10, 20, 30, 40)], scores=[0.5]), format=format_key)
    assert detect(path).kind is ImportKind.PREDICTIONS
    assert read_boxes(path, CONTEXT).kind is ImportKind.PREDICTIONS


@pytest.mark.parametrize(
    "content", [b"", b"hello world\n", b"\x00\x00\x00\x18ftypmp42", b"<svg></svg>", b'{"a": 1}', b"1,2,3\n", b"PK junk"]
)
def test_other_files_have_no_format(tmp_path, content):
    path = tmp_path / "thing.dat"
    path.write_bytes(content)
    assert detect(path) is None
    with pytest.raises(UserError, match="iouviewer cannot read this format"):
        read_boxes(path)


def test_videos_and_image_folders_have_no_format(tmp_path, shared_data):
    (tmp_path / "img1").mkdir()
    (tmp_path / "img1" / "000001.jpg").write_bytes(b"\xff\xd8\xff")
    assert detect(tmp_path / "img1") is None
    assert detect(shared_data / "pets09" / "vtest.avi") is None
    assert detect(shared_data / "tud-campus" / "TUD-Campus.mp4") is None


def test_keys_after_a_long_list_are_found(tmp_path):
    images = [{"id": i, "file_name": f"{i:08d}.jpg"} for i in range(1, 4000)]
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"info": {"x": "y" * 70_000}, "images": images, "annotations": []}))
    assert detect(path).format == "coco"


def test_a_damaged_first_row_does_not_hide_the_format(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("oops,1,2\n1,1,5,6,7,8,1,1,1\n2,1,5,6,7,8,1,1,1\n")
    read = read_boxes(path)
    assert (read.format, len(read), read.refused[0].line) == ("mot", 2, 1)


@pytest.mark.parametrize("format_key", [None, "mot", "coco", "cvat", "yolo", "voc", "labelme", "labelstudio", "boxcsv"])
def test_a_missing_file_is_an_error(tmp_path, format_key):
    with pytest.raises(UserError, match=r"gone.txt: does not exist"):
        read_boxes(tmp_path / "gone.txt", CONTEXT, format=format_key)


@pytest.mark.parametrize("format_key", ["mot", "coco", "cvat", "boxcsv"])
def test_a_folder_instead_of_a_file_is_an_error(tmp_path, format_key):
    with pytest.raises(UserError) as caught:
        read_boxes(tmp_path, CONTEXT, format=format_key)
    assert caught.value.path is not None


def test_the_error_for_an_unknown_key_lists_the_known_ones(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match=r"no format 'elan' to read. Available formats: mot"):
        read_boxes(tmp_path / "a", format="elan")
    with pytest.raises(UserError, match="no format 'labelstudio' to write"):
        write_boxes(tmp_path / "a", boxes_to_write([]), format="labelstudio")


def test_boxes_outside_the_video_are_refused(tmp_path):
    write_boxes(tmp_path / "a.csv", boxes_to_write([(0, 1, 1, 2, 2), (7, 1, 1, 2, 2)]), format="boxcsv")
    read = read_boxes(tmp_path / "a.csv")
    assert refuse_frames_outside(read, 8) is read
    kept = refuse_frames_outside(read.shifted(-1), 6)
    assert len(kept) == 0
    assert [r.reason for r in kept.refused] == [
        "frame -1 is outside the video, whose frames are 0–5",
        "frame 6 is outside the video, whose frames are 0–5",
    ]


@pytest.mark.parametrize("format_key", WRITABLE)
def test_unsupported_fields_of_plain_boxes_are_only_tracks(tmp_path, format_key):
    plain = boxes_to_write([(0, 1, 1, 2, 2, 0, 4)], class_names=("a",))
    expected = {"yolo": 1, "voc": 1}.get(format_key, 0)
    assert len(unsupported_fields(plain, format_key)) == expected


@pytest.mark.parametrize("format_key", WRITABLE)
def test_a_failed_write_leaves_the_old_file(tmp_path, format_key, monkeypatch):
    path = tmp_path / file_name(format_key)
    if format_key in {"yolo", "voc", "labelme"}:
        path = tmp_path / "missing" / format_key
        old = None
    else:
        path.write_text("old")
        old = "old"

        def full(_descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError) as caught:
        write_boxes(path, boxes_to_write([(0, 1, 1, 2, 2)]), format=format_key)
    assert caught.value.path == path
    assert old is None or path.read_text() == old
    assert len(list(tmp_path.iterdir())) == (0 if old is None else 1)
