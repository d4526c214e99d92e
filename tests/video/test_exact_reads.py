"""Every frame of every edge-case file, in every order, compared with its barcode and a plain single-threaded decode."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.decoder import Decoder
from tests.video.clip_builder import DAMAGED_CLIPS, EDGE_CASES, read_barcode

SMALL_MEMORY = 200_000
"""Bytes: eight frames, so that reads seek instead of using the cache."""


def orders(count: int) -> dict[str, list[int]]:
    shuffled = list(range(count))
    random.Random(count).shuffle(shuffled)
    return {
        "random": shuffled,
        "forward": list(range(count)),
        "backward": list(range(count - 1, -1, -1)),
        "edges": [0, count - 1, 0, count // 2, count - 1, max(count - 2, 0), min(1, count - 1)],
    }


@pytest.mark.parametrize("name", EDGE_CASES)
def test_every_frame_of_an_intact_file_is_read_exactly_in_any_order(name, clip, truth):
    spec = EDGE_CASES[name]
    expected = [np.rot90(image, k=-spec.rotation // 90) for image in truth(name)]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    assert reader.frame_count == len(expected) == spec.frames - spec.first_barcode
    assert reader.rotation == spec.rotation
    assert not reader.damage
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            image = reader.read(frame)
            assert read_barcode(image, spec.rotation) == frame + spec.first_barcode, (order, frame)
            assert np.array_equal(image, expected[frame]), (order, frame)
    reader.close()


@pytest.mark.parametrize("name", EDGE_CASES)
def test_frames_shown_as_exact_have_the_right_barcode(name, clip):
    spec = EDGE_CASES[name]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    for frame in orders(reader.frame_count)["random"][:30]:
        shown = reader.read_display(frame)
        assert shown.exact and shown.frame == frame and shown.scale == 1.0
        assert read_barcode(shown.pixels[..., :3], spec.rotation) == frame + spec.first_barcode
    reader.close()


@pytest.mark.parametrize("name", EDGE_CASES)
def test_a_preview_shows_the_frame_with_the_number_it_reports(name, clip):
    spec = EDGE_CASES[name]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    for frame in orders(reader.frame_count)["random"][:12]:
        shown = reader.read_preview(frame)
        assert read_barcode(shown.pixels[..., :3], spec.rotation) == shown.frame + spec.first_barcode
        assert shown.frame <= frame
        assert shown.exact == (shown.frame == frame)
    reader.close()


def exact_image(reader, frame):
    """The frame if the reader reports it as exact, else None."""
    try:
        return reader.read(frame) if reader.read_display(frame).exact else None
    except UserError as error:
        assert error.frame == frame
        return None


@pytest.mark.parametrize("name", DAMAGED_CLIPS)
def test_before_the_decode_check_no_wrong_frame_of_a_damaged_file_is_shown_as_exact(name, clip, truth, stamps):
    expected = dict(zip(stamps(name), truth(name), strict=True))
    reader = open_video(clip(name), memory=SMALL_MEMORY, resolve_order=False)
    seen = 0
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            image = exact_image(reader, frame)
            if image is not None:
                seen += 1
                key = (int(reader.index.frame_pts[frame]), int(reader.index.occurrences[frame]))
                assert np.array_equal(image, expected[key]), (order, frame)
    assert seen > 60 or not reader.order_known
    reader.close()


@pytest.mark.parametrize("name", DAMAGED_CLIPS)
def test_after_the_decode_check_every_frame_of_a_damaged_file_equals_the_clean_decode(name, clip, truth):
    expected = truth(name)
    path = clip(name)
    reader = open_video(path, memory=SMALL_MEMORY, resolve_order=False)
    reader.use_index(run_decode_check(path, reader.index))
    assert reader.numbers_final and reader.frame_count == len(expected)
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            shown = reader.read_display(frame)
            assert shown.exact, (order, frame)
            assert np.array_equal(reader.read(frame), expected[frame]), (order, frame)
    reader.close()


@pytest.mark.parametrize("name", ["damaged.mp4", "damaged.mkv", "damaged.ts", "damaged.avi"])
def test_damaged_frames_are_marked(name, clip):
    path = clip(name)
    reader = open_video(path, resolve_order=False)
    reader.use_index(run_decode_check(path, reader.index))
    marked = [frame for frame in range(reader.frame_count) if reader.read_display(frame).damaged]
    assert 0 < len(marked) < reader.frame_count // 2
    assert {damage.frame for damage in reader.damage} >= set(marked)
    assert all(damage.reason for damage in reader.damage)
    reader.close()


@pytest.mark.parametrize("name", ["stream.ts", "vp9_hidden.webm", "av1.mp4", "open_gop.ts"])
def test_the_decode_check_keeps_the_numbers_of_intact_files(name, clip):
    path = clip(name)
    reader = open_video(path)
    assert not reader.numbers_final
    before = reader.index
    checked = run_decode_check(path, before)
    assert checked.numbers_final and checked.digest == before.digest
    assert before.renumbering(checked).tolist() == list(range(before.frame_count))
    assert not checked.damage
    reader.use_index(checked)
    for frame in orders(reader.frame_count)["random"][:20]:
        assert read_barcode(reader.read(frame)) == frame
    reader.close()


def test_without_presentation_timestamps_only_decoding_finds_the_order(clip):
    reader = open_video(clip("b_frames.avi"), resolve_order=False)
    assert not reader.order_known and not reader.numbers_final
    assert not reader.read_display(5).exact
    reader.close()
    reader = open_video(clip("b_frames.avi"))
    assert reader.order_known and reader.read_display(5).exact
    assert read_barcode(reader.read(5)) == 5
    reader.close()


def test_a_seek_to_the_wrong_place_is_repaired_from_an_earlier_keyframe(clip, truth, monkeypatch):
    reader = open_video(clip("b_frames.mp4"), memory=SMALL_MEMORY)
    real = Decoder.start_at
    requested = []

    def off_by_one_gop(self, index, packet, **more):
        requested.append(packet)
        real(self, index, packet, **more)
        if len(requested) == 1:
            for _ in range(45):
                self.next_frame()  # simulates a seek past the frame

    monkeypatch.setattr(Decoder, "start_at", off_by_one_gop)
    assert np.array_equal(reader.read(30), truth("b_frames.mp4")[30])
    assert len(requested) > 1 and requested[1] < requested[0]
    reader.close()


def test_a_wrong_frame_is_detected_by_its_checksum_and_not_shown_as_exact(clip):
    path = clip("b_frames.mp4")
    reader = open_video(path, memory=SMALL_MEMORY)
    checked = run_decode_check(path, reader.index)
    checksums = checked.checksums.copy()
    checksums[33] ^= 1
    reader.use_index(replace(checked, checksums=checksums))
    assert not reader.read_display(33).exact
    assert reader.read_display(34).exact
    reader.close()
