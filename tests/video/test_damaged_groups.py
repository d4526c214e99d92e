"""Once a file is proven one thread decodes around its damage, and several decode the rest; every picture is exact."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from tests.video.awkward import VideoMaker, damage, make_video

LONG = VideoMaker(bframes=2, frames=200, container={"movflags": "faststart"}, finish=damage(0.5))


@pytest.fixture
def proven(tmp_path):
    """A reader of ten groups, one or two of them damaged, with little memory, and the pictures of a clean decode."""
    path = make_video(tmp_path / "clip.mp4", LONG)
    reader = open_video(path, memory=200_000, decode_order=False)
    reader.use_index(confirm_index(path, reader.index))
    yield reader
    reader.close()


def damaged_groups(reader):
    return {reader.index.group_of(frame)[0] for frame in reader.index.damaged_frames}


@pytest.mark.parametrize("order", ["forward", "backward", "random"])
def test_groups_without_damage_are_decoded_by_several_threads_and_all_is_exact(proven, order):
    assert 1 <= len(damaged_groups(proven)) <= 2 and len(proven.index.key_frames) == 10
    frames = list(range(proven.frame_count))
    frames = {"forward": frames, "backward": frames[::-1], "random": random.Random(3).sample(frames, len(frames))}[
        order
    ]
    decoded_by = {}
    for frame in frames:
        held = proven._pictures.ring.get(frame)
        assert proven.read_display(frame).exact
        if held is None:
            decoded_by.setdefault(proven.index.group_of(frame)[0], set()).add(proven._pictures._single)
    assert {first for first, single in decoded_by.items() if single == {True}} == damaged_groups(proven)
    assert all(single == {False} for first, single in decoded_by.items() if first not in damaged_groups(proven))


def test_a_picture_that_threads_get_wrong_elsewhere_ends_the_trust_in_them(proven):
    checks = proven.index.checks.copy()
    checks[33] ^= 1  # as if damage that nobody tells of had reached it
    proven.use_index(replace(proven.index, checks=checks))
    assert not proven.read_display(33).exact
    assert proven.read_display(190).exact and proven._pictures._single


def test_before_the_proof_one_thread_reads_a_damaged_file(tmp_path):
    path = make_video(tmp_path / "clip.mp4", LONG)
    reader = open_video(path, memory=200_000)
    expected = confirm_index(path, reader.index)
    for frame in range(reader.frame_count):
        reader.read_display(frame)
    assert reader._pictures._single and not reader.index.proven
    reader.use_index(expected)
    assert np.array_equal(reader.index.checks, expected.checks) and reader.read_display(20).exact
    assert not reader._pictures._single, "there is no damage in this group"
    reader.close()
