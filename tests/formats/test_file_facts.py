"""Facts that a file states about its video are compared with the video, and differences resolved by a choice."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.document.imported import ImportedBoxes, ImportKind, VideoFacts
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.file_facts import apply_choices
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.formats.registry import read_boxes

VIDEO = ReadContext(size=(320, 240), frame_count=120, fps=30.0, video_stem="clip")


def boxes(tmp_path, frames=(0, 10), **more):
    count = len(frames)
    return ImportedBoxes(
        path=tmp_path / "boxes.json",
        format="coco",
        kind=ImportKind.GROUND_TRUTH,
        frames=np.array(frames, np.int64),
        boxes=np.repeat([[10.0], [20.0], [30.0], [40.0]], count, axis=1),
        class_ids=np.full(count, -1, np.int64),
        class_names=(),
        scores=None,
        track_ids=np.full(count, -1, np.int64),
        flags=np.zeros(count, np.int64),
        **more,
    )


@pytest.mark.parametrize(
    ("stated", "words", "options"),
    [
        ({"size": (640, 480)}, ["640 × 480", "320 × 240"], ["--scale-boxes"]),
        ({"images": ImageTable.of([3], names=["x.jpg"], sizes=[(64, 48)])}, ["64 × 48", "x.jpg"], ["--scale-boxes"]),
        (
            {"frame_count": 100, "facts": VideoFacts(fps=25.0, has_times=True)},
            ["100 frames at 25 fps", "120 at 30 fps"],
            ["--use-times", "--file-fps 25"],
        ),
        ({"facts": VideoFacts(fps=25.0)}, ["25 fps", "30 fps"], ["--file-fps 25"]),
        ({"frame_count": 40}, ["40 frames", "120"], ["--stride 3"]),
        ({"frame_count": 100}, ["100 frames", "120"], []),
        ({"facts": VideoFacts(last_frame=120)}, ["120", "119"], []),
        (
            {"kind": ImportKind.PREDICTIONS, "facts": VideoFacts(video_name="other.mp4"), "protocol": {"model": "m"}},
            ["other.mp4", "clip"],
            [],
        ),
    ],
)
def test_a_different_fact_is_refused_with_both_values_and_the_options(tmp_path, stated, words, options):
    found = replace(boxes(tmp_path), **stated)
    with pytest.raises(UncertainReadingError) as caught:
        apply_choices(found, VIDEO)
    assert [choice.option for choice in caught.value.choices] == [*options, "--accept-differences"]
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in [*words, *options, "--accept-differences"])
    for choice in caught.value.choices:
        apply_choices(found, replace(VIDEO, **choice.changes))
    assert apply_choices(found, replace(VIDEO, accept_differences=True)) is found


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"size": (320, 240), "frame_count": 120, "facts": VideoFacts(fps=30.0)},
        # The number of frames is the same, so the rate says nothing about the frames (pets09: 7 and 10 fps).
        {"frame_count": 120, "facts": VideoFacts(fps=7.0)},
        {"frame_count": 119},
        {"facts": VideoFacts(fps=29.97)},
        {"facts": VideoFacts(last_frame=119)},
        {"facts": VideoFacts(video_name="other.mp4")},
        {"kind": ImportKind.PREDICTIONS, "facts": VideoFacts(video_name="1a2b3c4d-clip.mp4"), "protocol": {"a": 1}},
    ],
)
def test_equal_facts_are_not_questioned(tmp_path, stated):
    found = replace(boxes(tmp_path), **stated)
    assert apply_choices(found, VIDEO) is found
    assert apply_choices(found, ReadContext()) is found


def test_several_differences_are_one_line(tmp_path):
    found = replace(boxes(tmp_path), size=(640, 480), frame_count=40)
    with pytest.raises(UserError, match=r"640 × 480 .*; it has 40 frames.*--scale-boxes .*--stride 3 "):
        apply_choices(found, VIDEO)


def test_a_growing_index_has_no_final_number_of_frames(tmp_path):
    found = replace(boxes(tmp_path), frame_count=500, facts=VideoFacts(last_frame=499))
    assert apply_choices(found, replace(VIDEO, is_complete=False)) is found


def test_boxes_are_scaled_by_the_sizes_of_their_own_images(tmp_path):
    table = ImageTable.of([0, 10], sizes=[(640, 480), (160, 120)])
    scaled = apply_choices(replace(boxes(tmp_path), images=table), replace(VIDEO, scale_boxes=True))
    assert scaled.boxes.T.tolist() == [[5, 10, 15, 20], [20, 40, 60, 80]]
    assert scaled.images.sizes == ((320, 240), (320, 240))


def test_frames_are_placed_by_step_and_by_rate(tmp_path):
    found = replace(boxes(tmp_path), labelled=np.array([0, 10, 20]))
    stepped = apply_choices(found, replace(VIDEO, stride=3))
    assert (stepped.frames.tolist(), stepped.labelled.tolist()) == ([0, 30], [0, 30, 60])
    timed = apply_choices(found, replace(VIDEO, file_fps=25.0))
    assert (timed.frames.tolist(), timed.labelled.tolist()) == ([0, 12], [0, 12, 24])
    # Frames that the file skips are neither labelled nor covered.
    whole = apply_choices(boxes(tmp_path), replace(VIDEO, stride=3))
    assert whole.labelled.tolist() == list(range(0, 120, 3))
    found_by_model = replace(boxes(tmp_path), kind=ImportKind.PREDICTIONS)
    assert apply_choices(found_by_model, replace(VIDEO, stride=3)).covered.tolist() == list(range(0, 120, 3))
    slower = apply_choices(boxes(tmp_path), replace(VIDEO, file_fps=25.0))
    assert slower.labelled.tolist() == [round(frame * 1.2) for frame in range(100)]
    # Of several frames of the file, the nearest is kept.
    faster = apply_choices(boxes(tmp_path, frames=range(8)), replace(VIDEO, file_fps=60.0))
    assert faster.frames.tolist() == [0, 1, 2, 3]
    # Readers of label files apply the step themselves: file n of ultralytics is frame n × step − 1.
    assert apply_choices(replace(found, stride_applied=True), replace(VIDEO, stride=3)).frames.tolist() == [0, 10]


def label_studio(tmp_path, *, late=0.0, count=100):
    keys = [
        {"frame": n, "enabled": True, "x": n / 2, "y": 20, "width": 20, "height": 30, "time": (n - 1) / 25 + late}
        for n in (1, 51, 100)
    ]
    value = {"framesCount": count, "duration": count / 25, "sequence": keys, "labels": ["car"]}
    task = {
        "data": {"video": "/x/abcdef12-clip.mp4"},
        "annotations": [{"result": [{"value": value, "type": "videorectangle"}]}],
    }
    path = tmp_path / "ls.json"
    path.write_text(json.dumps([task]))
    return path


@pytest.mark.parametrize("late", [0.0, 0.04])
def test_key_frames_of_label_studio_are_placed_by_their_times(tmp_path, late):
    path = label_studio(tmp_path, late=late)
    with pytest.raises(UncertainReadingError, match="100 frames at 25 fps, the video 120 at 30 fps"):
        read_boxes(path, VIDEO)
    read = read_boxes(path, replace(VIDEO, use_times=True))
    assert read.frames.tolist() == list(range(120))
    # Frame 60 of the video is at 2 s, where the file has key frame 51; the box moves 0.5 % per frame of the file.
    assert read.boxes[0, 60] == pytest.approx(25.5 * 3.2)
    assert read.boxes[0, 63] == pytest.approx((25.5 + 0.5 * 2.5) * 3.2)
    by_rate = read_boxes(path, replace(VIDEO, file_fps=25.0))
    assert by_rate.frames.tolist() == list(range(120))
    assert np.allclose(by_rate.boxes, read.boxes)


CVAT = """<annotations><meta><project><tasks>
<task><id>1</id><name>Monday</name><size>2</size><start_frame>0</start_frame><stop_frame>1</stop_frame>
<source>monday.mp4</source></task>
<task><id>2</id><name>Tuesday</name><size>9</size><start_frame>0</start_frame><stop_frame>8</stop_frame>
<source>tuesday.mp4</source></task></tasks></project></meta>
<track id="0" label="car" task_id="1"><box frame="0" keyframe="1" outside="0" xtl="1" ytl="1" xbr="5" ybr="5"/></track>
<track id="1" label="car" task_id="2"><box frame="3" keyframe="1" outside="0" xtl="3" ytl="3" xbr="5" ybr="5"/></track>
</annotations>"""


@pytest.mark.parametrize(
    "chosen", [{"video_stem": "tuesday"}, {"task": "Tuesday"}, {"task": "tuesday.mp4"}, {"video_stem": "TUESDAY"}]
)
def test_one_task_of_a_project_is_read(tmp_path, chosen):
    path = tmp_path / "a.xml"
    path.write_text(CVAT)
    read = read_boxes(path, ReadContext(**chosen))
    assert read.boxes[0].tolist() == [3.0] * len(read)
    assert set(read.frames.tolist()) <= set(range(3, 9))
    assert any("Only Tuesday of 2 tasks" in note for note in read.notes)


@pytest.mark.parametrize("context", [ReadContext(), ReadContext(video_stem="clip"), ReadContext(task="Friday")])
def test_a_project_of_which_no_task_is_chosen_is_refused_with_their_names(tmp_path, context):
    path = tmp_path / "a.xml"
    path.write_text(CVAT)
    with pytest.raises(UncertainReadingError, match=r"monday.mp4, tuesday.mp4.*--task") as caught:
        read_boxes(path, context)
    assert [choice.changes for choice in caught.value.choices] == [{"task": "monday.mp4"}, {"task": "tuesday.mp4"}]


def test_the_real_data_is_not_questioned(shared_data):
    videos = {"pets09": ((768, 576), 795, 10.0, "vtest"), "tud-campus": ((640, 480), 71, 25.0, "TUD-Campus")}
    for name, (size, count, fps, video) in videos.items():
        context = ReadContext(size=size, frame_count=count, fps=fps, video_stem=video)
        for file in ("gt.txt", "det_frcnn.txt"):
            assert len(read_boxes(shared_data / name / file, context))


def test_the_rate_follows_from_key_frames_where_the_file_has_no_duration(tmp_path):
    path = label_studio(tmp_path)
    content = json.loads(path.read_text())
    value = content[0]["annotations"][0]["result"][0]["value"]
    del value["framesCount"], value["duration"]
    path.write_text(json.dumps(content))
    with pytest.raises(UncertainReadingError, match="25 fps, the video 30 fps"):
        read_boxes(path, VIDEO)


def test_label_files_of_two_videos_are_refused_with_their_names(tmp_path):
    for name in ("monday_1", "monday_2", "tuesday_1"):
        (tmp_path / f"{name}.txt").write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    with pytest.raises(UncertainReadingError, match=r"monday, tuesday.*--task"):
        read_boxes(tmp_path, VIDEO)
    assert read_boxes(tmp_path, replace(VIDEO, task="monday")).frames.tolist() == [0, 1]
    assert read_boxes(tmp_path, replace(VIDEO, video_stem="tuesday")).frames.tolist() == [0]
