"""Decoders side by side: the order is the asker's, and nothing runs on behind a seek."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from iouviewer.video import open_video, parallel_decoder
from iouviewer.video.parallel_decoder import Abreast
from tests.video.awkward import VideoMaker, damage, make_video, sequential


def test_packets_are_decoded_at_once_each_in_a_context_of_its_own():
    both = threading.Barrier(2, timeout=10)
    used = []

    def decode(context, packet):
        used.append(context)
        both.wait()
        return packet * 10

    side_by_side = Abreast(["a", "b"], decode)
    begun = [side_by_side.begin(packet) for packet in range(4)]
    assert [future.result() for future in begun] == [0, 10, 20, 30]
    assert set(used[:2]) == {"a", "b"}
    side_by_side.close()


def test_waiting_lasts_until_nothing_runs_even_what_had_not_begun():
    release, done = threading.Event(), []

    def decode(_context, packet):
        release.wait(10)
        done.append(packet)

    side_by_side = Abreast(["a"], decode)
    for packet in range(3):
        side_by_side.begin(packet)
    threading.Timer(0.05, release.set).start()
    side_by_side.wait()
    assert done == [0, 1, 2]
    side_by_side.close()


def test_what_a_decoder_raises_reaches_the_one_who_asks():
    def decode(_context, _packet):
        raise ValueError("no picture")

    side_by_side = Abreast(["a"], decode)
    with pytest.raises(ValueError, match="no picture"):
        side_by_side.begin(1).result()
    side_by_side.wait()
    side_by_side.close()


@pytest.mark.parametrize("name", ["mjpeg.avi", "mjpeg.mov"])
def test_pictures_that_stand_alone_come_in_order_with_jumps_between(name, clip, truth, monkeypatch):
    monkeypatch.setattr(parallel_decoder.os, "cpu_count", lambda: 4)
    reader = open_video(clip(name), memory=200_000)
    for frame in [*range(20), 60, *range(30, 50), 3, 4, 5, 6, 7, 79, 0]:
        assert np.array_equal(reader.read(frame), truth(name)[frame]), frame
    assert reader._pictures._decoder._abreast is not None
    reader.close()


def test_a_file_that_was_moved_away_is_read_on_by_the_decoder_that_holds_it(clip, truth, tmp_path):
    path = tmp_path / "clip.avi"
    path.write_bytes(clip("mjpeg.avi").read_bytes())
    reader = open_video(path, memory=200_000)
    reader.read(0)
    path.rename(tmp_path / "elsewhere.avi")
    for frame in range(1, 30):
        assert np.array_equal(reader.read(frame), truth("mjpeg.avi")[frame])
    reader.close()


def test_other_codecs_keep_their_own_threads(clip):
    reader = open_video(clip("plain.mp4"), memory=200_000)
    for frame in range(12):
        reader.read(frame)
    assert reader._pictures._decoder._abreast is None
    reader.close()


def test_damage_in_pictures_that_stand_alone_is_met_as_by_one_decoder(tmp_path):
    maker = VideoMaker(codec="mjpeg", pix_fmt="yuvj420p", frames=60, finish=damage(0.3, 0.6, length=300))
    path = make_video(tmp_path / "clip.avi", maker)
    truth, _ = sequential(path)
    reader = open_video(path, memory=200_000)
    exact = 0
    for frame in range(reader.frame_count):
        shown = reader.read_display(frame)
        if shown.exact:
            exact += 1
            assert np.array_equal(reader.read(frame), truth[frame]), frame
    assert exact > 30
    reader.close()
