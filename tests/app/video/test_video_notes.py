"""What is told of a video, for as long as it is open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.video.index_thread import IndexProgress
from iouviewer.app.video.video_info import VideoInfo, Waits, info_of
from iouviewer.app.video.video_notes import damage_at, damaged_frames, notes_on
from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.facts import FormChange
from iouviewer.video.index import ORDER_UNKNOWN, Damage
from iouviewer.video.time_line import TimeJump
from tests.video.awkward import BROKEN, VideoMaker, damage, encoder_exists, make_video

WHOLE = VideoInfo(
    path=Path("clip.mp4"),
    size=(160, 96),
    frame_count=50,
    fps=25.0,
    fingerprint="f",
    index_digest="d",
    rotation=0,
    numbers_confirmed=True,
    complete=True,
    sample_aspect_ratio=1.0,
    doubts=(),
    damage=(),
    key_frames=np.array([0, 25]),
    times=np.arange(50) / 25,
    codec="h264",
    pixel_format="yuv420p",
    frames_announced=50,
    seconds_announced=2.0,
    picture_seconds_announced=2.0,
    packets=50,
    coded_size=(160, 96),
    proven=True,
)


def told(progress: IndexProgress | None = None, **changes: object) -> dict[str, str]:
    """Notes on a video that differs from a whole one in these facts: short words by key."""
    return {note.key: note.short for note in notes_on(replace(WHOLE, **changes), progress)}


def test_a_whole_video_is_exact_and_nothing_else_is_told_of_it():
    assert told() == {"exact": "exact"}


@pytest.mark.parametrize(
    ("changes", "key", "short"),
    [
        ({"damage": (Damage(3, "a"), Damage(3, "b"), Damage(9, "c"))}, "damage", "damaged: 2 frames"),
        ({"damage": (Damage(None, "somewhere"),)}, "damage", "damaged"),
        ({"damage": (Damage(80, "beyond the end"),)}, "damage", "damaged"),
        ({"frames_announced": 1200}, "cut", "1,150 frames missing"),
        ({"frames_announced": 0, "picture_seconds_announced": 9.0}, "cut", "ends early"),
        ({"form_changes": (FormChange(7, (320, 96), "yuv420p"),)}, "size", "size changes"),
        ({"form_changes": (FormChange(7, (160, 96), "yuv422p"),)}, "size", "pixel format changes"),
        ({"jumps": (TimeJump(7, -0.5),)}, "times", "time stamps break"),
        ({"rotation": 270}, "rotation", "turned 270°"),
        ({"sample_aspect_ratio": 64 / 45}, "pixels", "pixels 64:45"),
        ({"interlaced": True}, "interlaced", "interlaced"),
        ({"numbers_confirmed": False, "doubts": ("why",)}, "numbers", "numbers provisional"),
        ({"numbers_confirmed": False, "doubts": (ORDER_UNKNOWN,)}, "numbers", "frame order not known yet"),
        ({"complete": False, "numbers_confirmed": False}, "index", "reading"),
    ],
)
def test_each_peculiarity_is_told_in_two_words(changes: dict[str, object], key: str, short: str):
    assert told(**changes) | {"exact": "exact"} == {key: short, "exact": "exact"}
    assert ("exact" in told(**changes)) == (key not in ("damage", "numbers", "index"))


def test_what_an_edit_list_hides_is_not_missing():
    assert "cut" not in told(frames_announced=62, packets=62)
    # Its length counts what is hidden.
    assert "cut" not in told(frames_announced=80, packets=80, hidden=30, picture_seconds_announced=3.2)
    assert told(hidden=1)["hidden"] == "1 frame hidden"


def test_sound_that_goes_on_for_a_moment_is_no_sign_of_a_cut():
    assert "cut" not in told(frames_announced=0, picture_seconds_announced=2.4)


def test_what_was_not_decoded_as_a_whole_is_not_called_exact():
    assert told(proven=False)["exact"] == "not checked yet"
    assert told(IndexProgress(50, 0.5, True, confirming=True), proven=False)["exact"] == "checking 50 %"
    assert "exact" not in told(codec="")


@pytest.mark.parametrize(
    ("waits", "words", "why"),
    [(Waits.FOR_COPIES, ", waits for copies", "small copies are made"), (Waits.FOR_MODEL, ", waits for model", "runs")],
)
def test_a_check_that_stands_still_says_what_it_waits_for_in_the_room_it_has_anyway(waits: Waits, words: str, why: str):
    checking, unproven = IndexProgress(50, 0.43, True, confirming=True), replace(WHOLE, proven=False)
    (note,) = notes_on(unproven, checking, waits)
    (at_work,) = notes_on(unproven, checking)
    assert note.short == f"checking 43 %{words}" and why in note.text and "goes on by itself" in note.text
    assert at_work.short == "checking 43 %" and "waits" not in at_work.text
    assert note.room == at_work.room and len(note.short) <= len(note.room)
    assert [note.short for note in notes_on(WHOLE, checking, waits)] == ["exact"]


@pytest.mark.parametrize("name", ["damaged_hevc.mp4", "damaged_mjpeg.avi", "damaged_vp9.webm"])
def test_damage_that_no_decoder_tells_of_is_not_called_exact_before_the_whole_file_was_decoded(name, tmp_path):
    maker = BROKEN.get(name) or VideoMaker(codec="mjpeg", pix_fmt="yuvj420p", finish=damage(0.3, 0.6))
    if not encoder_exists(maker.codec):
        pytest.skip(f"this build of PyAV has no encoder {maker.codec}")
    path = make_video(tmp_path / name, maker)
    reader = open_video(path)
    for frame in range(reader.frame_count):
        reader.read_display(frame)
        words = {note.short for note in notes_on(info_of(reader))}
        assert "exact" not in words and words & {"not checked yet", "numbers provisional"}
    reader.use_index(confirm_index(path, reader.index))
    assert info_of(reader).proven
    reader.close()


def test_progress_is_told_as_a_share():
    confirming = IndexProgress(50, 0.38, True, confirming=True)
    assert told(confirming, numbers_confirmed=False)["numbers"] == "numbers provisional 38 %"
    assert told(IndexProgress(50, 0.5, False), complete=False)["index"] == "reading 50 %"


def test_the_gravest_comes_first_and_says_what_to_do():
    notes = notes_on(replace(WHOLE, damage=(Damage(3, "a"),), rotation=90))
    assert [note.key for note in notes] == ["damage", "rotation"]
    assert notes[0].serious and not notes[1].serious
    assert "frame 3." in notes[0].text and "Copy it again" in notes[0].text


def test_many_damaged_frames_are_named_in_part():
    info = replace(WHOLE, damage=tuple(Damage(frame, "x") for frame in range(20)))
    assert "0, 1, 2, 3, 4, 5 and 14 more" in notes_on(info)[0].text
    assert damaged_frames(info).tolist() == list(range(20))


def test_the_reasons_of_one_frame_are_joined():
    info = replace(WHOLE, damage=(Damage(3, "a"), Damage(4, "b"), Damage(3, "c"), Damage(3, "a")))
    assert (damage_at(info, 3), damage_at(info, 2)) == ("a; c", "")


def test_pictures_after_a_damaged_one_may_lean_on_it_up_to_the_next_key_frame():
    info = replace(WHOLE, damage=(Damage(3, "a"), Damage(20, "b")), key_frames=np.array([0, 10, 25]))
    leaning = [frame for frame in range(50) if "lean" in damage_at(info, frame)]
    assert leaning == [*range(4, 10), *range(21, 25)]
    assert damage_at(info, 24) == "it may lean on frame 20, which is damaged"


def test_a_file_that_has_changed_says_so_first_and_is_not_called_exact():
    assert list(told(changed=True, rotation=90)) == ["changed", "rotation"]
