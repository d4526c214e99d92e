"""Parallel decoders: the caller determines the order, and nothing keeps running after a seek."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from iouviewer.video import open_video, parallel_decoder
from iouviewer.video.parallel_decoder import ParallelDecoder
from tests.video.clip_builder import ClipSpec, corrupt, decode_sequentially, make_video


def test_packets_are_decoded_in_parallel_each_in_its_own_context():
    both = threading.Barrier(2, timeout=10)
    used = []

    def decode(context, packet):
        used.append(context)
        both.wait()
        return packet * 10

    decoders = ParallelDecoder(["a", "b"], decode)
    futures = [decoders.submit(packet) for packet in range(4)]
    assert [future.result() for future in futures] == [0, 10, 20, 30]
    assert set(used[:2]) == {"a", "b"}
    decoders.close()


def test_wait_includes_packets_whose_decoding_has_not_started():
    release, done = threading.Event(), []

    def decode(_context, packet):
        release.wait(10)
        done.append(packet)

    decoders = ParallelDecoder(["a"], decode)
    for packet in range(3):
        decoders.submit(packet)
    threading.Timer(0.05, release.set).start()
    decoders.wait()
    assert done == [0, 1, 2]
    decoders.close()


def test_an_exception_of_a_decoder_reaches_the_caller():
    def decode(_context, _packet):
        raise ValueError("no frame")

    decoders = ParallelDecoder(["a"], decode)
    with pytest.raises(ValueError, match="no frame"):
        decoders.submit(1).result()
    decoders.wait()
    decoders.close()


@pytest.mark.parametrize("name", ["mjpeg.avi", "mjpeg.mov"])
def test_intra_only_frames_are_in_order_across_seeks(name, clip, truth, monkeypatch):
    monkeypatch.setattr(parallel_decoder.os, "cpu_count", lambda: 4)
    reader = open_video(clip(name), memory=200_000)
    for frame in [*range(20), 60, *range(30, 50), 3, 4, 5, 6, 7, 79, 0]:
        assert np.array_equal(reader.read(frame), truth(name)[frame]), frame
    assert reader.frame_decoder.decoder.is_parallel
    reader.close()


def test_a_moved_file_stays_readable_by_the_open_decoder(clip, truth, tmp_path):
    path = tmp_path / "clip.avi"
    path.write_bytes(clip("mjpeg.avi").read_bytes())
    reader = open_video(path, memory=200_000)
    reader.read(0)
    path.rename(tmp_path / "elsewhere.avi")
    for frame in range(1, 30):
        assert np.array_equal(reader.read(frame), truth("mjpeg.avi")[frame])
    reader.close()


def test_other_codecs_use_their_own_threads(clip):
    reader = open_video(clip("plain.mp4"), memory=200_000)
    for frame in range(12):
        reader.read(frame)
    assert not reader.frame_decoder.decoder.is_parallel
    reader.close()


def test_damage_in_intra_only_frames_is_handled_as_by_one_decoder(tmp_path):
    spec = ClipSpec(codec="mjpeg", pix_fmt="yuvj420p", frames=60, postprocess=corrupt(0.3, 0.6, length=300))
    path = make_video(tmp_path / "clip.avi", spec)
    truth, _ = decode_sequentially(path)
    reader = open_video(path, memory=200_000)
    exact = 0
    for frame in range(reader.frame_count):
        shown = reader.read_display(frame)
        if shown.exact:
            exact += 1
            assert np.array_equal(reader.read(frame), truth[frame]), frame
    assert exact > 30
    reader.close()
