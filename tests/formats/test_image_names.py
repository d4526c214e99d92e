"""Names of images and label files as tools write them."""

from __future__ import annotations

import pytest

from iouviewer.formats.frame_numbers import assign_frames
from iouviewer.formats.image_names import NameIndex, core_name, find_numbers
from iouviewer.formats.interface import ReadContext, UncertainReadingError

HASH = "33e75ff09dd601bbe69f351039152189"
UUID = "0b9f2c7e-5d3a-4f6b-8a1d-2f1e0c9b7a65"


@pytest.mark.parametrize(
    ("name", "core"),
    [
        (f"clip_0028_jpg.rf.{HASH}.txt", "clip_0028"),
        (f"train/images/clip_0028_jpg.rf.{HASH}.jpg", "clip_0028"),
        (f"clip_0028_jpg.rf.{HASH}", "clip_0028"),
        ("clip_mp4-0028_jpg.rf.Qm3xYz12.txt", "clip_mp4-0028"),
        ("img.v2_png.rf.0a.txt", "img.v2"),
        ("1a2b3c4d-clip_28.jpg", "clip_28"),
        (f"{UUID}-clip_28.png", "clip_28"),
        ("1a2b3c4d__folder%5Cclip_28.txt", "clip_28"),
        ("20260131-000028.jpg", "20260131-000028"),
        ("frame_000028.PNG", "frame_000028"),
        ("a.jpg.json", "a"),
        ("C:\\images\\a.jpg", "a"),
        ("no_ending", "no_ending"),
    ],
)
def test_what_tools_add_to_a_name_is_removed(name, core):
    assert core_name(name) == core


@pytest.mark.parametrize(
    ("names", "video", "numbers"),
    [
        ([f"clip_0028_jpg.rf.{HASH}.txt", "clip_0032_jpg.rf.00ff.txt"], "", [28, 32]),
        (["clip_mp4-28_jpg.rf.1.txt"], "", [28]),
        (["frame_000001_cam2.txt", "frame_000005_cam2.txt"], "", [1, 5]),
        (["frame_000001_cam2.txt"], "", [1]),
        (["cam2_000001.jpg", "cam2_000002.jpg"], "", [1, 2]),
        (["cam2_000001.jpg"], "", [1]),
        (["000001_left.jpg"], "", [1]),
        (["1a2b3c4d-clip_1.jpg", "12345678-clip_2.jpg"], "", [1, 2]),
        (["clip_320x240_30fps_120_7.txt"], "clip_320x240_30fps_120", [7]),
        (["clip_320x240_30fps_000007.txt"], "", [7]),
        (["DJI_0042_frame_000100.jpg"], "", [100]),
        (["day3_0001.jpg", "day3_0002.jpg"], "", [1, 2]),
        (["2026-01-31_0001.jpg", "2026-01-31_0002.jpg"], "", [1, 2]),
        (["a7.txt", "clip2_frame12.txt"], "", [7, 12]),
        (["x_1_10.txt", "x_1_20.txt", "x_2_30.txt"], "", [10, 20, 30]),
        (["night_2.txt"], "", [2]),
    ],
)
def test_the_frame_number_in_names_is_found(names, video, numbers):
    assert find_numbers(names, video).values == tuple(numbers)


@pytest.mark.parametrize(
    ("names", "readings"),
    [
        (["a_12_34.txt"], ("a_12_34.txt", 12, 34)),
        (["a_12_34.txt", "a_13_35.txt"], ("a_12_34.txt", 12, 34)),
        (["0001_0002.jpg"], ("0001_0002.jpg", 1, 2)),
    ],
)
def test_a_number_that_is_not_certain_is_reported_with_both_readings(names, readings):
    assert find_numbers(names).readings == readings


def test_the_choice_of_a_number_resolves_names_with_two():
    names = ["a_12_34.txt", "a_13_35.txt"]
    assert find_numbers(names, position=1).values == (12, 13)
    assert find_numbers(names, position=-1).values == (34, 35)
    with pytest.raises(UncertainReadingError, match="frame 12 or of frame 34") as caught:
        assign_frames(names, ReadContext(video_stem="clip", frame_count=50))
    assert [choice.option for choice in caught.value.choices] == ["--name-number 1", "--name-number -1"]
    assert "--name-number" in str(caught.value)
    chosen = ReadContext(video_stem="clip", frame_count=50, name_number=1)
    assert assign_frames(names, chosen).frames == {"a_12_34.txt": 11, "a_13_35.txt": 12}


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("train/img_1.txt", [0]),
        ("labels/val/img_1.txt", [1]),
        ("images/val/img_2.png", [2]),
        ("img_2", [2]),
        ("img_1.jpg", [0, 1]),
        (f"val/img_1_jpg.rf.{HASH}.txt", [1]),
        ("test/img_1.txt", []),
        ("img_3", []),
    ],
)
def test_images_of_one_name_in_two_folders_are_two(name, positions):
    assert NameIndex(["images/train/img_1.jpg", "images/val/img_1.jpg", "images/val/img_2.jpg"]).find(name) == positions


def test_signs_that_tools_replace_do_not_matter_unless_two_images_differ_in_them_only():
    index = NameIndex(["night shot (1).jpg", "a-b.jpg", "a_b.jpg"])
    assert index.find("night_shot_1_.txt") == [0]
    assert index.find("1a2b3c4d-night-shot-1-.txt") == [0]
    assert index.find("a_b.txt") == [2]
    assert index.find("a b.txt") == [1, 2]


def test_the_open_folder_may_itself_be_a_split():
    index = NameIndex(["img_1.jpg"], "val")
    assert index.find("val/img_1.txt") == [0]
    assert index.find("img_1.txt") == [0]
    assert index.find("train/img_1.txt") == []


def test_two_files_of_one_image_are_refused_with_both_names():
    context = ReadContext(image_names=["clip_1.jpg", "clip_2.jpg"])
    names = ["clip_1_jpg.rf.aa.txt", "clip_1_jpg.rf.bb.txt"]
    with pytest.raises(UncertainReadingError, match=r"rf\.aa.*rf\.bb.*both fit"):
        assign_frames(names, context)
    with pytest.raises(UncertainReadingError, match=r"rf\.aa.*rf\.bb.*number 1"):
        assign_frames(names, ReadContext(video_stem="clip", frame_count=9))


def test_a_first_number_that_is_not_certain_is_refused_with_both_readings():
    names = ["frame_0004.txt", "frame_0008.txt"]
    with pytest.raises(UncertainReadingError, match="counted from 0 or") as caught:
        assign_frames(names, ReadContext(frame_count=40))
    assert [choice.changes for choice in caught.value.choices] == [{"frame_base": 0}, {"frame_base": 1}]
    assert assign_frames(names, ReadContext(frame_count=40, frame_base=0)).frames["frame_0004.txt"] == 4
    # The last number is that of the last frame only if the first is 1.
    assert assign_frames(names, ReadContext(frame_count=8)).frames["frame_0008.txt"] == 7
    # ultralytics numbers from 1, without zeros in front, and leaves out frames without detections.
    assert assign_frames(["clip_4.txt"], ReadContext(frame_count=40, video_stem="clip")).frames["clip_4.txt"] == 3


def test_images_without_numbers_of_their_own_are_in_order_only_without_a_video():
    names = ["train/img_1.txt", "val/img_1.txt", "val/img_10.txt", "val/img_2.txt"]
    frames = assign_frames(names, ReadContext()).frames
    assert [frames[name] for name in names] == [0, 1, 3, 2]
    with pytest.raises(UncertainReadingError, match=r"train/img_1.*val/img_1.*number 1"):
        assign_frames(names, ReadContext(video_stem="clip", frame_count=4))
    with pytest.raises(UncertainReadingError):
        assign_frames(names, ReadContext(frame_count=40))
