"""After the decode check one thread decodes damaged GOPs and several decode the rest; every frame is exact."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from tests.video.clip_builder import ClipSpec, corrupt, make_video

LONG = ClipSpec(bframes=2, frames=200, container={"movflags": "faststart"}, postprocess=corrupt(0.5))


@pytest.fixture
def checked_reader(tmp_path):
    """A reader with little memory of ten GOPs, one or two of them damaged, after the decode check."""
    path = make_video(tmp_path / "clip.mp4", LONG)
    reader = open_video(path, memory=200_000, resolve_order=False)
    reader.use_index(run_decode_check(path, reader.index))
    yield reader
    reader.close()


def damaged_gops(reader):
    return {reader.index.gop_of(frame)[0] for frame in reader.index.damaged_frames}


@pytest.mark.parametrize("order", ["forward", "backward", "random"])
def test_undamaged_gops_are_decoded_by_several_threads_and_all_frames_are_exact(checked_reader, order):
    assert 1 <= len(damaged_gops(checked_reader)) <= 2 and len(checked_reader.index.keyframes) == 10
    frames = list(range(checked_reader.frame_count))
    frames = {"forward": frames, "backward": frames[::-1], "random": random.Random(3).sample(frames, len(frames))}[
        order
    ]
    decoded_by = {}
    for frame in frames:
        cached = checked_reader.frame_decoder.cache.get(frame)
        assert checked_reader.read_display(frame).exact
        if cached is None:
            decoded_by.setdefault(checked_reader.index.gop_of(frame)[0], set()).add(
                checked_reader.frame_decoder.uses_single_thread
            )
    assert {first for first, single in decoded_by.items() if single == {True}} == damaged_gops(checked_reader)
    assert all(single == {False} for first, single in decoded_by.items() if first not in damaged_gops(checked_reader))


def test_a_wrong_frame_from_several_threads_elsewhere_switches_to_one_thread(checked_reader):
    checksums = checked_reader.index.checksums.copy()
    checksums[33] ^= 1  # simulates unreported damage
    checked_reader.use_index(replace(checked_reader.index, checksums=checksums))
    assert not checked_reader.read_display(33).exact
    assert checked_reader.read_display(190).exact and checked_reader.frame_decoder.uses_single_thread


def test_before_the_decode_check_one_thread_decodes_a_damaged_file(tmp_path):
    path = make_video(tmp_path / "clip.mp4", LONG)
    reader = open_video(path, memory=200_000)
    expected = run_decode_check(path, reader.index)
    for frame in range(reader.frame_count):
        reader.read_display(frame)
    assert reader.frame_decoder.uses_single_thread and not reader.index.checked_by_decode
    reader.use_index(expected)
    assert np.array_equal(reader.index.checksums, expected.checksums) and reader.read_display(20).exact
    assert not reader.frame_decoder.uses_single_thread, "this GOP is not damaged"
    reader.close()
