"""Notes on the open video in the status bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.video.index_thread import IndexProgress
from iouviewer.app.video.video_info import DecodeCheckPause, info_of
from iouviewer.app.video.video_notes import collect_notes, damaged_frames, describe_damage
from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import Damage
from iouviewer.video.reasons import ORDER_UNKNOWN
from iouviewer.video.stream_info import FormatChange
from iouviewer.video.timestamps import TimestampJump
from tests.app.builders import INTACT_VIDEO
from tests.video.clip_builder import DAMAGED_CLIPS, ClipSpec, corrupt, has_encoder, make_video


def short_texts(progress: IndexProgress | None = None, **changes: object) -> dict[str, str]:
    """Short texts by key of the notes on a video that differs from an intact one in these properties."""
    return {note.key: note.short for note in collect_notes(replace(INTACT_VIDEO, **changes), progress)}


def test_an_intact_video_is_exact_and_has_no_other_note():
    assert short_texts() == {"exact": "exact"}


@pytest.mark.parametrize(
    ("changes", "key", "short"),
    [
        ({"damage": (Damage(3, "a"), Damage(3, "b"), Damage(9, "c"))}, "damage", "damaged: 2 frames"),
        ({"damage": (Damage(None, "somewhere"),)}, "damage", "damaged"),
        ({"damage": (Damage(80, "beyond the end"),)}, "damage", "damaged"),
        ({"header_frame_count": 1200}, "cut", "1,150 frames missing"),
        ({"header_frame_count": 0, "header_video_duration": 9.0}, "cut", "ends early"),
        ({"format_changes": (FormatChange(7, (320, 96), "yuv420p"),)}, "size", "size changes"),
        ({"format_changes": (FormatChange(7, (160, 96), "yuv422p"),)}, "size", "pixel format changes"),
        ({"jumps": (TimestampJump(7, -0.5),)}, "times", "timestamps jump"),
        ({"rotation": 270}, "rotation", "rotated 270°"),
        ({"sample_aspect_ratio": 64 / 45}, "pixels", "pixels 64:45"),
        ({"interlaced": True}, "interlaced", "interlaced"),
        ({"numbers_final": False, "uncertainties": ("why",)}, "numbers", "frame numbers provisional"),
        ({"numbers_final": False, "uncertainties": (ORDER_UNKNOWN,)}, "numbers", "frame order unknown"),
        ({"complete": False, "numbers_final": False}, "index", "indexing"),
    ],
)
def test_each_note_has_a_short_text(changes: dict[str, object], key: str, short: str):
    assert short_texts(**changes) | {"exact": "exact"} == {key: short, "exact": "exact"}
    assert ("exact" in short_texts(**changes)) == (key not in ("damage", "numbers", "index"))


def test_frames_hidden_by_an_edit_list_are_not_missing():
    assert "cut" not in short_texts(header_frame_count=62, packets=62)
    # The duration in the header includes hidden frames.
    assert "cut" not in short_texts(header_frame_count=80, packets=80, hidden_frames=30, header_video_duration=3.2)
    assert short_texts(hidden_frames=1)["hidden"] == "1 frame hidden"


def test_slightly_longer_sound_is_not_a_sign_of_a_cut():
    assert "cut" not in short_texts(header_frame_count=0, header_video_duration=2.4)


def test_a_video_that_was_not_decoded_as_a_whole_is_not_called_exact():
    assert short_texts(checked_by_decode=False)["exact"] == "not checked yet"
    assert short_texts(IndexProgress(50, 0.5, True, is_check=True), checked_by_decode=False)["exact"] == "checking 50 %"
    assert "exact" not in short_texts(codec="")


@pytest.mark.parametrize(
    ("pause", "words", "why"),
    [
        (DecodeCheckPause.FOR_PROXY, ", paused: building scrub cache", "the scrub cache is built"),
        (DecodeCheckPause.FOR_MODEL, ", paused: model running", "a model runs"),
    ],
)
def test_a_paused_decode_check_says_why_without_exceeding_the_longest_text(
    pause: DecodeCheckPause, words: str, why: str
):
    progress, unchecked = IndexProgress(50, 0.43, True, is_check=True), replace(INTACT_VIDEO, checked_by_decode=False)
    (note,) = collect_notes(unchecked, progress, pause)
    (running,) = collect_notes(unchecked, progress)
    assert note.short == f"checking 43 %{words}" and why in note.text and "continues by itself" in note.text
    assert running.short == "checking 43 %" and "Paused" not in running.text
    assert note.longest_short == running.longest_short and len(note.short) <= len(note.longest_short)
    assert [note.short for note in collect_notes(INTACT_VIDEO, progress, pause)] == ["exact"]


@pytest.mark.parametrize("name", ["damaged_hevc.mp4", "damaged_mjpeg.avi", "damaged_vp9.webm"])
def test_undetected_damage_is_not_called_exact_before_the_decode_check(name, tmp_path):
    spec = DAMAGED_CLIPS.get(name) or ClipSpec(codec="mjpeg", pix_fmt="yuvj420p", postprocess=corrupt(0.3, 0.6))
    if not has_encoder(spec.codec):
        pytest.skip(f"this build of PyAV has no encoder {spec.codec}")
    path = make_video(tmp_path / name, spec)
    reader = open_video(path)
    for frame in range(reader.frame_count):
        reader.read_display(frame)
        texts = {note.short for note in collect_notes(info_of(reader))}
        assert "exact" not in texts and texts & {"not checked yet", "frame numbers provisional"}
    reader.use_index(run_decode_check(path, reader.index))
    assert info_of(reader).checked_by_decode
    reader.close()


def test_progress_is_shown_in_per_cent():
    checking = IndexProgress(50, 0.38, True, is_check=True)
    assert short_texts(checking, numbers_final=False)["numbers"] == "frame numbers provisional 38 %"
    assert short_texts(IndexProgress(50, 0.5, False), complete=False)["index"] == "indexing 50 %"


def test_the_most_serious_note_comes_first_and_says_what_to_do():
    notes = collect_notes(replace(INTACT_VIDEO, damage=(Damage(3, "a"),), rotation=90))
    assert [note.key for note in notes] == ["damage", "rotation"]
    assert notes[0].serious and not notes[1].serious
    assert "frame 3." in notes[0].text and "Copy the file again" in notes[0].text


def test_only_the_first_of_many_damaged_frames_are_listed():
    info = replace(INTACT_VIDEO, damage=tuple(Damage(frame, "x") for frame in range(20)))
    assert "0, 1, 2, 3, 4, 5 and 14 more" in collect_notes(info)[0].text
    assert damaged_frames(info).tolist() == list(range(20))


def test_the_reasons_of_one_frame_are_joined():
    info = replace(INTACT_VIDEO, damage=(Damage(3, "a"), Damage(4, "b"), Damage(3, "c"), Damage(3, "a")))
    assert (describe_damage(info, 3), describe_damage(info, 2)) == ("a; c", "")


def test_frames_after_a_damaged_one_may_depend_on_it_up_to_the_next_keyframe():
    info = replace(INTACT_VIDEO, damage=(Damage(3, "a"), Damage(20, "b")), keyframes=np.array([0, 10, 25]))
    dependent = [frame for frame in range(50) if "may depend" in describe_damage(info, frame)]
    assert dependent == [*range(4, 10), *range(21, 25)]
    assert describe_damage(info, 24) == "it may depend on frame 20, which is damaged"


def test_a_changed_file_has_that_note_first_and_is_not_called_exact():
    assert list(short_texts(changed=True, rotation=90)) == ["changed", "rotation"]
