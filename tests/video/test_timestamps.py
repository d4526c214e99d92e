"""Timestamps that restart or jump: the order of the frames, their times, and the reports."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.video.video_info import info_of, info_with
from iouviewer.app.video.video_notes import collect_notes
from iouviewer.jobs.check import check_text
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import Packets, build_index
from iouviewer.video.reasons import TIMESTAMPS_RESTART
from iouviewer.video.timestamps import NO_PTS, TimestampJump, build_timeline, find_segments
from tests.video.clip_builder import ClipSpec, decode_sequentially, make_video, read_barcode


def segments_of(dts: list[int], key: tuple[int, ...] = (0,)) -> list[int]:
    keys = np.zeros(len(dts), np.bool_)
    keys[list(key)] = True
    return find_segments(np.array(dts, np.int64), keys).tolist()


def timeline(stamps: list[int], parts: list[int] | None = None) -> tuple[list[float], tuple[TimestampJump, ...]]:
    column = np.array(stamps, np.int64)
    times, jumps = build_timeline(column, np.array(parts or [0] * len(stamps), np.int64), unit=0.04)
    return (times / 0.04).round(6).tolist(), jumps


def test_increasing_dts_are_one_segment_even_if_some_are_missing():
    assert segments_of([], key=()) == [] and segments_of([NO_PTS] * 3) == [0, 0, 0]
    assert segments_of([NO_PTS, 0, 0, 5, NO_PTS, 90000, 90001]) == [0] * 7


def test_jitter_between_keyframes_is_not_a_restart():
    assert segments_of([0, 1, 2, 10, 4, 5]) == [0] * 6
    assert segments_of([*range(40), 3, 4]) == [0] * 40 + [1, 1]
    assert segments_of([0, 1, 2, 0, 1], key=(0, 3)) == [0, 0, 0, 1, 1], "concatenated short clips"


def test_time_continues_where_timestamps_restart():
    assert timeline([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1]) == ([0, 1, 2, 3, 4, 5], (TimestampJump(3, -0.08),))


def test_interleaved_frames_at_a_restart_do_not_shift_later_frames():
    times, jumps = timeline([100, 101, 0, 102, 1, 2, 3], [0, 0, 1, 0, 1, 1, 1])
    assert times == [0, 1, 3, 3, 4, 5, 6] and [jump.frame for jump in jumps] == [2]


def test_jumps_by_hours_are_closed_and_pauses_stay():
    assert timeline([0, 1, 2, 900_000, 900_001])[0] == [0, 1, 2, 3, 4]
    assert timeline([0, 1, 2, 900_000, 900_001])[1] == (TimestampJump(3, 35999.92),)
    assert timeline([0, 1, 2, 502, 503]) == ([0, 1, 2, 502, 503], ()), "a pause of 20 s"
    assert timeline([0, 1, 900_000, 3, 4])[0] == [0, 1, 2, 3, 4], "one wrong timestamp"
    assert timeline([n * 900 * 25 for n in range(4)])[1] == (), "one frame every quarter of an hour"


def test_small_steps_back_never_make_time_decrease():
    assert timeline([0, 1, 3, 2, 4]) == ([0, 1, 3, 3, 4], ())


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two concatenated MPEG-TS recordings: 50 frames each, with the same timestamps."""
    folder = tmp_path_factory.mktemp("joined")
    part = make_video(folder / "part.ts", ClipSpec(bframes=2, frames=50)).read_bytes()
    path = folder / "joined.ts"
    path.write_bytes(part * 2)
    return path


def test_concatenated_recordings_are_in_order_before_and_after_the_decode_check(joined):
    reader = open_video(joined)
    assert not reader.numbers_final and TIMESTAMPS_RESTART in reader.index.uncertainties
    before = reader.index
    assert [read_barcode(reader.read(frame)) for frame in (0, 1, 2, 49, 50, 51)] == [0, 1, 2, 49, 0, 1]
    after = run_decode_check(joined, before)
    reader.use_index(after)
    assert before.has_same_numbers(after) and after.frame_count == 100
    truth = decode_sequentially(joined)[0]
    assert all(np.array_equal(reader.read(frame), truth[frame]) for frame in (0, 1, 48, 49, 50, 51, 99))
    assert after.frame_pts.tolist() == before.frame_pts[:50].tolist() * 2, "frames keep the timestamps of the file"
    assert reader.fps == 25.0 and after.times[-1] == pytest.approx(99 / 25)
    assert [reader.frame_at(reader.time_of(frame)) for frame in range(100)] == list(range(100))


def test_an_incomplete_index_keeps_its_numbers_where_timestamps_restart(joined):
    whole, count = open_video(joined).index, 0
    for end in range(1, len(whole.packets) + 1):
        part = Packets(**{name: getattr(whole.packets, name)[:end] for name in Packets.__dataclass_fields__})
        known = build_index(part, whole.time_base, complete=False)
        assert known.frame_count >= count and whole.extends(known)
        count = known.frame_count
    assert count >= 97


def test_the_window_shows_the_true_rate_and_reports_the_restart(joined):
    reader = open_video(joined)
    info = info_with(info_of(reader), run_decode_check(joined, reader.index))
    assert info.fps == 25.0
    note = next(note for note in collect_notes(info) if note.key == "times")
    assert "restart at frame 50" in note.text


def test_check_reports_where_timestamps_restart(joined):
    report = check_video(joined, sample=5)
    assert report["jumps"] == [{"frame": 50, "seconds": pytest.approx(-1.96)}]
    assert (report["fps"], report["vfr"], report["gaps"], report["duration"]) == (25.0, False, [], pytest.approx(4.0))
    assert any("restart at frame 50" in sentence for sentence in report["remedy"])
    assert "timestamps restart at frame 50 (1.960 s back)" in check_text(report)


def test_check_reports_a_jump_by_hours_and_no_truncation(tmp_path):
    hours = ClipSpec(
        time_base=Fraction(1, 1000), stamps=lambda number: number * 40 + (36_000_000 if number > 39 else 0)
    )
    path = make_video(tmp_path / "leap.mkv", hours)
    report = check_video(path, sample=5)
    assert report["jumps"] == [{"frame": 40, "seconds": pytest.approx(36000.04)}] and not report["ends_early"]
    assert report["duration"] == pytest.approx(3.2) and report["fps"] == pytest.approx(25.0)
    assert "timestamps jump by 36000.040 s after frame 39" in check_text(report)
    assert not [note for note in collect_notes(info_of(open_video(path))) if note.serious]
