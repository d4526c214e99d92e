"""Label Studio's video rectangles."""

from __future__ import annotations

import json

import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes
from tests.formats.helpers import rects

CONTEXT = ReadContext(size=(200, 100), frame_count=10)


def key(frame, x=10, enabled=True, **more):
    return {
        "frame": frame,
        "x": x,
        "y": 20,
        "width": 10,
        "height": 20,
        "rotation": 0,
        "time": 0,
        "enabled": enabled,
        **more,
    }


def export(*sequence, video="8a7b6c5d-clip.mp4", frames_count=10):
    value = {"framesCount": frames_count, "duration": 1, "sequence": list(sequence), "labels": ["car"]}
    region = {"id": "r", "type": "videorectangle", "from_name": "box", "to_name": "video", "value": value}
    return {"id": 1, "data": {"video": f"/data/upload/1/{video}"}, "annotations": [{"id": 1, "result": [region]}]}


def written(folder, content):
    path = folder / "export.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_key_frames_are_joined_by_straight_lines_and_frames_count_from_one(tmp_path):
    path = written(tmp_path, [export(key(1), key(3, x=20), key(5, x=20, enabled=False))])
    assert detect(path).format == "labelstudio"
    read = read_boxes(path, CONTEXT)
    assert read.frames.tolist() == [0, 1, 2, 3, 4]
    assert rects(read)[:3] == [(20.0, 20.0, 40.0, 40.0), (30.0, 20.0, 50.0, 40.0), (40.0, 20.0, 60.0, 40.0)]
    assert read.flags.tolist() == [BoxFlag.KEY_FRAME, BoxFlag.INTERPOLATED] * 2 + [BoxFlag.KEY_FRAME]
    assert read.class_names == ("car",)
    assert read.track_ids.tolist() == [0] * 5
    assert read.frame_count == 10


def test_an_enabled_last_key_frame_stays_to_the_end_of_the_video(tmp_path):
    assert read_boxes(written(tmp_path, [export(key(8))]), CONTEXT).frames.tolist() == [7, 8, 9]


def test_a_bad_key_frame_is_refused_by_its_place(tmp_path):
    read = read_boxes(written(tmp_path, [export(key(1, enabled=False), key(2, x="left"), key(3, rotation=5))]), CONTEXT)
    assert read.frames.tolist() == [0]
    assert [r.reason for r in read.refused] == [
        "[0].annotations[0].result[0].value.sequence[1]: frame, x, y, width and height must be numbers",
        "[0].annotations[0].result[0].value.sequence[2]: a rotated box, which iouviewer cannot hold",
    ]


def test_of_several_tasks_the_open_videos_is_read(tmp_path):
    path = written(tmp_path, [export(key(1)), export(key(5), video="11223344-other.mp4")])
    assert read_boxes(path, ReadContext(size=(200, 100), video_stem="other")).frames.tolist()[0] == 4
    with pytest.raises(UserError, match="holds 2 tasks"):
        read_boxes(path, CONTEXT)


def test_without_size_or_rectangles_there_is_one_clear_error(tmp_path):
    with pytest.raises(UserError, match="whose size is not known"):
        read_boxes(written(tmp_path, [export(key(1))]))
    with pytest.raises(UserError, match="holds no video rectangles"):
        read_boxes(written(tmp_path, [{"annotations": []}]), CONTEXT, format="labelstudio")
