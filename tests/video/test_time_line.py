"""Time stamps that start anew or leap: the order of the pictures, the times they are given, and what is told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.video.video_info import info_of, info_with
from iouviewer.app.video.video_notes import notes_on
from iouviewer.jobs.check import check_text
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.index import NO_TIME, RESTARTS, Packets, index_of_packets
from iouviewer.video.time_line import TimeJump, segments, time_line
from tests.video.awkward import VideoMaker, code_in, make_video, sequential


def parts_of(dts: list[int], key: tuple[int, ...] = (0,)) -> list[int]:
    keys = np.zeros(len(dts), np.bool_)
    keys[list(key)] = True
    return segments(np.array(dts, np.int64), keys).tolist()


def line(stamps: list[int], parts: list[int] | None = None) -> tuple[list[float], tuple[TimeJump, ...]]:
    column = np.array(stamps, np.int64)
    times, jumps = time_line(column, np.array(parts or [0] * len(stamps), np.int64), unit=0.04)
    return (times / 0.04).round(6).tolist(), jumps


def test_decoding_times_that_count_up_are_one_segment_whatever_is_missing():
    assert parts_of([], key=()) == [] and parts_of([NO_TIME] * 3) == [0, 0, 0]
    assert parts_of([NO_TIME, 0, 0, 5, NO_TIME, 90000, 90001]) == [0] * 7


def test_jitter_between_key_frames_is_no_segment_and_a_real_restart_is():
    assert parts_of([0, 1, 2, 10, 4, 5]) == [0] * 6
    assert parts_of([*range(40), 3, 4]) == [0] * 40 + [1, 1]
    assert parts_of([0, 1, 2, 0, 1], key=(0, 3)) == [0, 0, 0, 1, 1], "short clips that were joined"


def test_time_goes_on_where_stamps_start_anew():
    assert line([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1]) == ([0, 1, 2, 3, 4, 5], (TimeJump(3, -0.08),))


def test_pictures_given_in_turns_at_a_joint_shift_nothing_that_follows():
    times, jumps = line([100, 101, 0, 102, 1, 2, 3], [0, 0, 1, 0, 1, 1, 1])
    assert times == [0, 1, 3, 3, 4, 5, 6] and [jump.frame for jump in jumps] == [2]


def test_absurd_leaps_are_closed_and_pauses_stay():
    assert line([0, 1, 2, 900_000, 900_001])[0] == [0, 1, 2, 3, 4]
    assert line([0, 1, 2, 900_000, 900_001])[1] == (TimeJump(3, 35999.92),)
    assert line([0, 1, 2, 502, 503]) == ([0, 1, 2, 502, 503], ()), "a pause of 20 s"
    assert line([0, 1, 900_000, 3, 4])[0] == [0, 1, 2, 3, 4], "one stamp that is wrong"
    assert line([n * 900 * 25 for n in range(4)])[1] == (), "a picture every quarter of an hour"


def test_stamps_that_go_back_a_little_never_make_time_go_back():
    assert line([0, 1, 3, 2, 4]) == ([0, 1, 3, 3, 4], ())


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings in MPEG-TS, end to end: 50 pictures each, with the same time stamps."""
    folder = tmp_path_factory.mktemp("joined")
    part = make_video(folder / "part.ts", VideoMaker(bframes=2, frames=50)).read_bytes()
    path = folder / "joined.ts"
    path.write_bytes(part * 2)
    return path


def test_joined_recordings_are_in_order_before_and_after_a_decode_proves_it(joined):
    reader = open_video(joined)
    assert not reader.numbers_confirmed and RESTARTS in reader.index.doubts
    before = reader.index
    assert [code_in(reader.read(frame)) for frame in (0, 1, 2, 49, 50, 51)] == [0, 1, 2, 49, 0, 1]
    after = confirm_index(joined, before)
    reader.use_index(after)
    assert before.same_numbers(after) and after.frame_count == 100
    truth = sequential(joined)[0]
    assert all(np.array_equal(reader.read(frame), truth[frame]) for frame in (0, 1, 48, 49, 50, 51, 99))
    assert after.picture_pts.tolist() == before.picture_pts[:50].tolist() * 2, (
        "what pictures are known by is the file's"
    )
    assert reader.fps == 25.0 and after.times[-1] == pytest.approx(99 / 25)
    assert [reader.frame_at(reader.time_of(frame)) for frame in range(100)] == list(range(100))


def test_a_growing_index_takes_no_number_back_where_stamps_start_anew(joined):
    whole, count = open_video(joined).index, 0
    for end in range(1, len(whole.packets) + 1):
        part = Packets(**{name: getattr(whole.packets, name)[:end] for name in Packets.__dataclass_fields__})
        known = index_of_packets(part, whole.time_base, complete=False)
        assert known.frame_count >= count and whole.starts_like(known)
        count = known.frame_count
    assert count >= 97


def test_what_is_known_in_the_window_has_the_true_rate_and_tells_the_break(joined):
    reader = open_video(joined)
    info = info_with(info_of(reader), confirm_index(joined, reader.index))
    assert info.fps == 25.0
    note = next(note for note in notes_on(info) if note.key == "times")
    assert "start anew at frame 50" in note.text


def test_check_tells_where_time_stamps_start_anew(joined):
    report = check_video(joined, sample=5)
    assert report["jumps"] == [{"frame": 50, "seconds": pytest.approx(-1.96)}]
    assert (report["fps"], report["vfr"], report["gaps"], report["duration"]) == (25.0, False, [], pytest.approx(4.0))
    assert any("start anew at frame 50" in sentence for sentence in report["remedy"])
    assert "time stamps start anew at frame 50 (1.960 s back)" in check_text(report)


def test_check_tells_a_leap_by_hours_and_no_cut(tmp_path):
    hours = VideoMaker(
        time_base=Fraction(1, 1000), stamps=lambda number: number * 40 + (36_000_000 if number > 39 else 0)
    )
    path = make_video(tmp_path / "leap.mkv", hours)
    report = check_video(path, sample=5)
    assert report["jumps"] == [{"frame": 40, "seconds": pytest.approx(36000.04)}] and not report["ends_early"]
    assert report["duration"] == pytest.approx(3.2) and report["fps"] == pytest.approx(25.0)
    assert "time stamps jump by 36000.040 s after frame 39" in check_text(report)
    assert not [note for note in notes_on(info_of(open_video(path))) if note.serious]
