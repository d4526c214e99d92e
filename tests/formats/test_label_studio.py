"""Label Studio's video rectangles."""

from __future__ import annotations

import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes
from tests.formats.helpers import label_studio_export, label_studio_key_frame, rects, write_label_studio

CONTEXT = ReadContext(size=(200, 100), frame_count=10)


def test_boxes_between_key_frames_are_interpolated_and_frames_start_at_one(tmp_path):
    path = write_label_studio(
        tmp_path,
        [
            label_studio_export(
                label_studio_key_frame(1),
                label_studio_key_frame(3, x=20),
                label_studio_key_frame(5, x=20, enabled=False),
            )
        ],
    )
    assert detect(path).format == "labelstudio"
    read = read_boxes(path, CONTEXT)
    assert read.frames.tolist() == [0, 1, 2, 3, 4]
    assert rects(read)[:3] == [(20.0, 20.0, 40.0, 40.0), (30.0, 20.0, 50.0, 40.0), (40.0, 20.0, 60.0, 40.0)]
    assert read.flags.tolist() == [BoxFlag.KEY_FRAME, BoxFlag.INTERPOLATED] * 2 + [BoxFlag.KEY_FRAME]
    assert read.class_names == ("car",)
    assert read.track_ids.tolist() == [0] * 5
    assert read.frame_count == 10


def test_an_enabled_last_key_frame_lasts_until_the_end_of_the_video(tmp_path):
    assert read_boxes(
        write_label_studio(tmp_path, [label_studio_export(label_studio_key_frame(8))]), CONTEXT
    ).frames.tolist() == [7, 8, 9]


def test_an_invalid_key_frame_is_refused_with_its_path(tmp_path):
    key_frames = (
        label_studio_key_frame(1, enabled=False),
        label_studio_key_frame(2, x="left"),
        label_studio_key_frame(3, rotation=5),
    )
    read = read_boxes(write_label_studio(tmp_path, [label_studio_export(*key_frames)]), CONTEXT)
    assert read.frames.tolist() == [0]
    assert [r.reason for r in read.refused] == [
        "[0].annotations[0].result[0].value.sequence[1]: frame, x, y, width and height must be numbers",
        "[0].annotations[0].result[0].value.sequence[2]: rotated boxes are not supported",
    ]


def test_only_the_task_of_the_open_video_is_read(tmp_path):
    path = write_label_studio(
        tmp_path,
        [
            label_studio_export(label_studio_key_frame(1)),
            label_studio_export(label_studio_key_frame(5), video="11223344-other.mp4"),
        ],
    )
    assert read_boxes(path, ReadContext(size=(200, 100), video_stem="other")).frames.tolist()[0] == 4
    with pytest.raises(UserError, match="contains 2 videos"):
        read_boxes(path, CONTEXT)


def test_an_unknown_size_or_no_rectangles_is_an_error(tmp_path):
    with pytest.raises(UserError, match="frame size, which is not known"):
        read_boxes(write_label_studio(tmp_path, [label_studio_export(label_studio_key_frame(1))]))
    with pytest.raises(UserError, match="contains no video rectangles"):
        read_boxes(write_label_studio(tmp_path, [{"annotations": []}]), CONTEXT, format="labelstudio")


@pytest.mark.parametrize("fault", [{"rotation": 30}, {"x": "left"}, {"width": None}])
def test_a_refused_key_frame_still_ends_its_box(tmp_path, fault):
    key_frames = label_studio_key_frame(1), label_studio_key_frame(5, **{"enabled": False, **fault})
    read = read_boxes(write_label_studio(tmp_path, [label_studio_export(*key_frames)]), CONTEXT)
    assert read.frames.tolist() == [0, 1, 2, 3]
    assert len(read.refused) == 1


def test_what_lies_beside_a_refused_key_frame_is_left_out_and_told(tmp_path):
    keys = [label_studio_key_frame(1), label_studio_key_frame(4, x=None), label_studio_key_frame(6)]
    end = label_studio_key_frame(8, enabled=False)
    read = read_boxes(write_label_studio(tmp_path, [label_studio_export(*keys, end)]), CONTEXT)
    assert read.frames.tolist() == [0, 5, 6, 7]
    assert any("3 boxes beside refused key frames are left out" in note for note in read.notes)


def test_a_key_frame_without_a_frame_hides_its_region(tmp_path):
    keys = [label_studio_key_frame(1), label_studio_key_frame(None, enabled=False)]
    read = read_boxes(write_label_studio(tmp_path, [label_studio_export(*keys)]), CONTEXT)
    assert len(read) == 0
    assert "the boxes of its region are not read" in read.refused[0].reason
