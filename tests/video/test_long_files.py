"""Files too long to wait for their index: shown by time at first, exact once the numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.index_builder import build_complete_index
from tools.make_long_video import RATE, make_long_video

GROUP, GROUPS, TIMES = 20, 2, 30


@pytest.fixture(scope="module", params=["mp4", "mkv"])
def long_file(request, tmp_path_factory):
    """1,200 frames: forty different ones, repeated thirty times."""
    path = tmp_path_factory.mktemp("long") / f"long.{request.param}"
    made = make_long_video(path, frames=GROUP * GROUPS * TIMES - 5, size=(320, 240), gop=GROUP, groups=GROUPS)
    assert made == GROUP * GROUPS * TIMES
    return path


def test_the_builder_writes_whole_repetitions_with_regular_keyframes(long_file):
    reader = open_video(long_file)
    assert reader.frame_count == GROUP * GROUPS * TIMES and reader.numbers_final
    assert np.array_equal(reader.index.keyframes, np.arange(0, reader.frame_count, GROUP))
    assert reader.time_of(reader.frame_count - 1) == pytest.approx((reader.frame_count - 1) / RATE, abs=0.002)
    reader.close()


def test_repeated_packets_decode_to_the_same_frames(long_file):
    reader = open_video(long_file)
    for frame in (GROUP * GROUPS * 17 + 13, reader.frame_count - 1):
        again, first = reader.read(frame), reader.read(frame % (GROUP * GROUPS))
        assert np.array_equal(again, first)
        assert not np.array_equal(again, reader.read((frame + 7) % (GROUP * GROUPS)))
    reader.close()


def test_an_incomplete_index_is_neither_final_nor_uncertain(long_file):
    reader = open_video(long_file, index=False)
    assert not reader.index.complete and not reader.numbers_final
    assert 0 < reader.frame_count < GROUP * GROUPS * TIMES
    assert reader.index.uncertainties == (), "more packets to come are not an uncertainty"
    first = reader.read_display(0)
    assert first.frame == 0 and first.exact
    shown = reader.read_at(35.0)
    assert shown.frame == -1 and not shown.exact, "its number is not known yet"
    for seconds in (1e30, -1e30):
        assert reader.read_at(seconds).frame == -1, "beyond the range of timestamps: an end of the file"
    reader.close()


def test_an_index_built_in_the_background_equals_that_of_opening(long_file):
    reader = open_video(long_file, index=False)
    progress = []
    index = build_complete_index(
        long_file,
        "",
        stream_info=reader.stream_info,
        on_progress=lambda *so_far: progress.append(so_far),
        rotation=reader.rotation,
    )
    whole = open_video(long_file)
    assert index.has_same_numbers(whole.index) and index.stream_info == whole.stream_info and index.numbers_final
    reader.use_index(index)
    assert np.array_equal(reader.read(1111), whole.read(1111))
    for one in (reader, whole):
        one.close()
