"""Files that are too long to wait for their index: shown by time at first, exact as soon as numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.index_builder import complete_index
from tools.make_long_video import RATE, make_long_video

GROUP, GROUPS, TIMES = 20, 2, 30


@pytest.fixture(scope="module", params=["mp4", "mkv"])
def long_file(request, tmp_path_factory):
    """1,200 pictures: forty that differ, thirty times over."""
    path = tmp_path_factory.mktemp("long") / f"long.{request.param}"
    made = make_long_video(path, frames=GROUP * GROUPS * TIMES - 5, size=(320, 240), gop=GROUP, groups=GROUPS)
    assert made == GROUP * GROUPS * TIMES
    return path


def test_the_maker_writes_whole_repetitions_with_key_frames_where_they_belong(long_file):
    reader = open_video(long_file)
    assert reader.frame_count == GROUP * GROUPS * TIMES and reader.numbers_confirmed
    assert np.array_equal(reader.index.key_frames, np.arange(0, reader.frame_count, GROUP))
    assert reader.time_of(reader.frame_count - 1) == pytest.approx((reader.frame_count - 1) / RATE, abs=0.002)
    reader.close()


def test_repeated_packets_decode_to_the_pictures_of_the_first_time(long_file):
    reader = open_video(long_file)
    for frame in (GROUP * GROUPS * 17 + 13, reader.frame_count - 1):
        again, first = reader.read(frame), reader.read(frame % (GROUP * GROUPS))
        assert np.array_equal(again, first)
        assert not np.array_equal(again, reader.read((frame + 7) % (GROUP * GROUPS)))
    reader.close()


def test_while_the_index_is_not_read_nothing_counts_as_known_and_nothing_as_doubtful(long_file):
    reader = open_video(long_file, index=False)
    assert not reader.index.complete and not reader.numbers_confirmed
    assert 0 < reader.frame_count < GROUP * GROUPS * TIMES
    assert reader.index.doubts == (), "that more packets follow is no reason for doubt"
    first = reader.read_display(0)
    assert first.frame == 0 and first.exact
    shown = reader.read_at(35.0)
    assert shown.frame == -1 and not shown.exact, "which picture it is cannot be told yet"
    for seconds in (1e30, -1e30):
        assert reader.read_at(seconds).frame == -1, "beyond what time stamps can say: an end of the file"
    reader.close()


def test_an_index_read_in_the_background_is_the_one_that_opening_reads(long_file):
    reader = open_video(long_file, index=False)
    told = []
    index = complete_index(
        long_file, "", facts=reader.facts, grown=lambda *so_far: told.append(so_far), rotation=reader.rotation
    )
    whole = open_video(long_file)
    assert index.same_numbers(whole.index) and index.facts == whole.facts and index.confirmed
    reader.use_index(index)
    assert np.array_equal(reader.read(1111), whole.read(1111))
    for one in (reader, whole):
        one.close()
