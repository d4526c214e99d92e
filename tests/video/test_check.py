"""What ``check_video`` says of whole, awkward and broken files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.video.video_info import info_of
from iouviewer.app.video.video_notes import notes_on
from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.check import check_video, gaps_in, is_variable
from iouviewer.video.edit_list import hidden_pictures
from iouviewer.video.index_builder import complete_index
from tests.video.awkward import VideoMaker, cut_by_edit_list, make_video, truncate


def test_no_steps_means_no_gaps_and_no_variable_rate():
    assert gaps_in(np.empty(0)) == [] and not is_variable(np.empty(0))
    assert gaps_in(np.zeros(1)) == [] and not is_variable(np.zeros(1))


def test_rounding_of_time_stamps_is_not_a_variable_rate():
    assert not is_variable(np.round(np.arange(200) / 30, 3))
    assert is_variable(np.array([0, 0.04, 0.08, 0.2, 0.24]))


def test_a_gap_names_the_frame_before_it():
    assert gaps_in(np.array([0, 0.04, 0.08, 0.5, 0.54])) == [{"after_frame": 2, "seconds": 0.42}]


def test_a_plain_file_needs_nothing(clip):
    report = check_video(clip("plain.mp4"))
    assert report["exact"] is True and report["sampled"] == 40 and report["wrong"] == []
    assert (report["frames"], report["fps"], report["vfr"], report["rotation"]) == (80, 25.0, False, 0)
    assert report["key_frames"] == 4 and report["gop"] == {"shortest": 20, "median": 20.0, "longest": 20}
    assert report["size"] == [160, 96] and report["codec"] == "h264" and report["duration"] == pytest.approx(3.2)
    assert report["damage"] == [] and report["gaps"] == [] and report["remedy"] == []
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize(
    ("name", "key", "value", "word"),
    [
        ("variable_rate.mp4", "vfr", True, "varies"),
        ("edit_list.mp4", "hidden_by_edit_list", 12, "edit list"),
        ("edit_list_groups.mp4", "hidden_by_edit_list", 45, "hides 45 of 80 pictures"),
        ("turned_90.mp4", "rotation", 90, "turned"),
        ("wide_pixels.mp4", "sample_aspect_ratio", pytest.approx(4 / 3), "square"),
        ("b_frames.avi", "numbers_changed", True, "remux"),
        ("cut.mp4", "frames_announced", 80, "announces 80"),
    ],
)
def test_a_peculiarity_is_told_with_what_to_do(clip, name, key, value, word):
    report = check_video(clip(name), sample=10)
    assert report[key] == value
    assert any(word in sentence for sentence in report["remedy"]), report["remedy"]
    assert report["exact"] is True


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
@pytest.mark.parametrize(("first", "more_sound"), [(0, 2.0), (50, 0.0), (50, 4.0)])
def test_sound_that_lasts_longer_and_pictures_that_begin_later_are_no_cut(tmp_path, ending, first, more_sound):
    maker = VideoMaker(bframes=2, sound=True, more_sound=more_sound, stamps=lambda number: number + first)
    path = make_video(tmp_path / f"clip.{ending}", maker)
    report = check_video(path, sample=1)
    assert not report["ends_early"] and report["remedy"] == [], report["remedy"]
    assert report["duration_announced"] == pytest.approx(report["duration"], abs=0.1)
    assert not [note for note in notes_on(info_of(open_video(path))) if note.key == "cut"]


def test_pictures_that_are_missing_are_told_though_the_sound_goes_on(tmp_path):
    path = make_video(tmp_path / "clip.mkv", VideoMaker(bframes=2, sound=True, frames=200, finish=truncate(0.5)))
    assert check_video(path, sample=1)["ends_early"]
    assert [note.short for note in notes_on(info_of(open_video(path))) if note.key == "cut"] == ["ends early"]


def hide_and_cut(path):
    cut_by_edit_list(40 * 512)(path)
    truncate(0.9)(path)


def test_an_edit_list_that_hides_whole_groups_is_no_damage_and_no_cut(clip):
    path = clip("edit_list_groups.mp4")
    reader = open_video(path)
    notes = {note.key: note for note in notes_on(info_of(reader))}
    assert set(notes) == {"hidden", "exact"} and reader.numbers_confirmed and not reader.damage
    assert notes["hidden"].short == "45 frames hidden" and not notes["hidden"].serious
    assert "45 of 80 pictures" in notes["hidden"].text
    report = check_video(path)
    assert len(report["remedy"]) == 1 and report["damage"] == [] and not report["ends_early"]
    reader.close()


def test_a_file_that_is_read_in_the_background_tells_the_same_of_its_edit_list(clip):
    path = clip("edit_list_groups.mp4")
    begun = open_video(path, index=False)
    index = complete_index(path, "", facts=replace(begun.facts, left_out=0))
    assert hidden_pictures(index) == 45 and index.confirmed
    begun.close()


def test_a_file_that_was_cut_is_told_so_although_it_has_an_edit_list(tmp_path):
    maker = VideoMaker(bframes=2, container={"movflags": "faststart"}, finish=hide_and_cut)
    path = make_video(tmp_path / "clip.mp4", maker)
    reader = open_video(path)
    assert "cut" in {note.key for note in notes_on(info_of(reader))}
    reader.close()
    assert any("it was cut" in sentence for sentence in check_video(path, sample=1)["remedy"])


def test_damage_is_listed_by_frame(clip):
    report = check_video(clip("damaged.mp4"))
    assert report["damage"] and all(0 <= damage["frame"] < 80 for damage in report["damage"])
    assert any("damaged" in sentence for sentence in report["remedy"])


def test_checking_confirms_the_numbers_for_the_next_opening(clip):
    path = clip("stream.ts")
    assert not open_video(path).numbers_confirmed
    check_video(path, sample=2)
    assert open_video(path).numbers_confirmed


def test_a_cancelled_check_claims_nothing(clip):
    report = check_video(clip("plain.mp4"), cancelled=lambda: True)
    assert report["exact"] is None and report["sampled"] == 0
    assert any("stopped" in sentence for sentence in report["remedy"])


def test_progress_reaches_the_end(clip):
    seen = []
    check_video(clip("plain.mp4"), sample=1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (80, 80) and seen == sorted(seen)


def test_a_file_without_pictures_is_refused(tmp_path):
    (tmp_path / "notes.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="empty"):
        check_video(tmp_path / "notes.mp4")
