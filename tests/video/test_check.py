"""What ``check_video`` reports about intact, edge-case and damaged files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.video.video_info import info_of
from iouviewer.app.video.video_notes import collect_notes
from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.check import check_video, find_gaps, is_variable_rate
from iouviewer.video.index_builder import build_complete_index
from tests.video.clip_builder import ClipSpec, make_video, trim_with_edit_list, truncate


def test_no_steps_means_no_gaps_and_no_variable_rate():
    assert find_gaps(np.empty(0)) == [] and not is_variable_rate(np.empty(0))
    assert find_gaps(np.zeros(1)) == [] and not is_variable_rate(np.zeros(1))


def test_rounding_of_time_stamps_is_not_a_variable_rate():
    assert not is_variable_rate(np.round(np.arange(200) / 30, 3))
    assert is_variable_rate(np.array([0, 0.04, 0.08, 0.2, 0.24]))


def test_a_gap_names_the_frame_before_it():
    assert find_gaps(np.array([0, 0.04, 0.08, 0.5, 0.54])) == [{"after_frame": 2, "seconds": 0.42}]


def test_a_plain_file_needs_no_remedy(clip):
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
        ("edit_list_groups.mp4", "hidden_by_edit_list", 45, "hides 45 of 80 frames"),
        ("rotated_90.mp4", "rotation", 90, "rotated"),
        ("wide_pixels.mp4", "sample_aspect_ratio", pytest.approx(4 / 3), "square"),
        ("b_frames.avi", "numbers_changed", True, "remux"),
        ("cut.mp4", "frames_announced", 80, "announces 80"),
    ],
)
def test_a_peculiarity_is_reported_with_a_remedy(clip, name, key, value, word):
    report = check_video(clip(name), sample=10)
    assert report[key] == value
    assert any(word in sentence for sentence in report["remedy"]), report["remedy"]
    assert report["exact"] is True


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
@pytest.mark.parametrize(("first", "extra_audio"), [(0, 2.0), (50, 0.0), (50, 4.0)])
def test_longer_audio_and_a_late_video_start_do_not_count_as_truncation(tmp_path, ending, first, extra_audio):
    spec = ClipSpec(bframes=2, audio=True, extra_audio=extra_audio, stamps=lambda number: number + first)
    path = make_video(tmp_path / f"clip.{ending}", spec)
    report = check_video(path, sample=1)
    assert not report["ends_early"] and report["remedy"] == [], report["remedy"]
    assert report["duration_announced"] == pytest.approx(report["duration"], abs=0.1)
    assert not [note for note in collect_notes(info_of(open_video(path))) if note.key == "cut"]


def test_missing_frames_are_reported_even_if_the_audio_continues(tmp_path):
    path = make_video(tmp_path / "clip.mkv", ClipSpec(bframes=2, audio=True, frames=200, postprocess=truncate(0.5)))
    assert check_video(path, sample=1)["ends_early"]
    assert [note.short for note in collect_notes(info_of(open_video(path))) if note.key == "cut"] == ["ends early"]


def hide_and_truncate(path):
    trim_with_edit_list(40 * 512)(path)
    truncate(0.9)(path)


def test_an_edit_list_that_hides_whole_gops_is_neither_damage_nor_truncation(clip):
    path = clip("edit_list_groups.mp4")
    reader = open_video(path)
    notes = {note.key: note for note in collect_notes(info_of(reader))}
    assert set(notes) == {"hidden", "exact"} and reader.numbers_final and not reader.damage
    assert notes["hidden"].short == "45 frames hidden" and not notes["hidden"].serious
    assert "45 of the 80 frames" in notes["hidden"].text
    report = check_video(path)
    assert len(report["remedy"]) == 1 and report["damage"] == [] and not report["ends_early"]
    reader.close()


def test_an_index_built_in_the_background_finds_the_same_hidden_frames(clip):
    path = clip("edit_list_groups.mp4")
    reader = open_video(path, index=False)
    index = build_complete_index(path, "", stream_info=replace(reader.stream_info, dropped_frames=0))
    assert index.hidden_frames == 45 and index.numbers_final
    reader.close()


def test_truncation_is_reported_even_with_an_edit_list(tmp_path):
    spec = ClipSpec(bframes=2, container={"movflags": "faststart"}, postprocess=hide_and_truncate)
    path = make_video(tmp_path / "clip.mp4", spec)
    reader = open_video(path)
    assert "cut" in {note.key for note in collect_notes(info_of(reader))}
    reader.close()
    assert any("it was cut" in sentence for sentence in check_video(path, sample=1)["remedy"])


def test_damage_is_listed_with_its_frames(clip):
    report = check_video(clip("damaged.mp4"))
    assert report["damage"] and all(0 <= damage["frame"] < 80 for damage in report["damage"])
    assert any("damaged" in sentence for sentence in report["remedy"])


def test_a_check_makes_the_numbers_final_for_the_next_opening(clip):
    path = clip("stream.ts")
    assert not open_video(path).numbers_final
    check_video(path, sample=2)
    assert open_video(path).numbers_final


def test_a_cancelled_check_does_not_claim_exactness(clip):
    report = check_video(clip("plain.mp4"), cancelled=lambda: True)
    assert report["exact"] is None and report["sampled"] == 0
    assert any("stopped" in sentence for sentence in report["remedy"])


def test_progress_reaches_the_end(clip):
    seen = []
    check_video(clip("plain.mp4"), sample=1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (80, 80) and seen == sorted(seen)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "notes.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="empty"):
        check_video(tmp_path / "notes.mp4")
