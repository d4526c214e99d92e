"""Every picture of every awkward file, in every order, against its barcode and a plain single-threaded decode."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.decoder import Decoder
from tests.video.awkward import BROKEN, MAKERS, code_in

SMALL_MEMORY = 200_000
"""Bytes: room for eight pictures, so that reads are seeks and not memories."""


def orders(count: int) -> dict[str, list[int]]:
    shuffled = list(range(count))
    random.Random(count).shuffle(shuffled)
    return {
        "random": shuffled,
        "forward": list(range(count)),
        "backward": list(range(count - 1, -1, -1)),
        "edges": [0, count - 1, 0, count // 2, count - 1, max(count - 2, 0), min(1, count - 1)],
    }


@pytest.mark.parametrize("name", MAKERS)
def test_every_picture_of_a_whole_file_is_read_exactly_in_any_order(name, clip, truth):
    maker = MAKERS[name]
    expected = [np.rot90(image, k=-maker.rotation // 90) for image in truth(name)]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    assert reader.frame_count == len(expected) == maker.frames - maker.first_code
    assert reader.rotation == maker.rotation
    assert not reader.damage
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            image = reader.read(frame)
            assert code_in(image, maker.rotation) == frame + maker.first_code, (order, frame)
            assert np.array_equal(image, expected[frame]), (order, frame)
    reader.close()


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_shown_as_exact_carries_the_right_code(name, clip):
    maker = MAKERS[name]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    for frame in orders(reader.frame_count)["random"][:30]:
        shown = reader.read_display(frame)
        assert shown.exact and shown.frame == frame and shown.scale == 1.0
        assert code_in(shown.pixels[..., :3], maker.rotation) == frame + maker.first_code
    reader.close()


@pytest.mark.parametrize("name", MAKERS)
def test_a_preview_shows_the_picture_whose_number_it_tells(name, clip):
    maker = MAKERS[name]
    reader = open_video(clip(name), memory=SMALL_MEMORY)
    for frame in orders(reader.frame_count)["random"][:12]:
        shown = reader.read_preview(frame)
        assert code_in(shown.pixels[..., :3], maker.rotation) == shown.frame + maker.first_code
        assert shown.frame <= frame
        assert shown.exact == (shown.frame == frame)
    reader.close()


def exact_image(reader, frame):
    """The picture where the reader says it is exact, else None."""
    try:
        return reader.read(frame) if reader.read_display(frame).exact else None
    except UserError as error:
        assert error.frame == frame
        return None


@pytest.mark.parametrize("name", BROKEN)
def test_before_confirmation_a_broken_file_shows_nothing_wrong_as_exact(name, clip, truth, stamps):
    expected = dict(zip(stamps(name), truth(name), strict=True))
    reader = open_video(clip(name), memory=SMALL_MEMORY, decode_order=False)
    seen = 0
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            image = exact_image(reader, frame)
            if image is not None:
                seen += 1
                key = (int(reader.index.picture_pts[frame]), int(reader.index.occurrences[frame]))
                assert np.array_equal(image, expected[key]), (order, frame)
    assert seen > 60 or not reader.order_known
    reader.close()


@pytest.mark.parametrize("name", BROKEN)
def test_after_confirmation_every_picture_of_a_broken_file_is_the_clean_decodes(name, clip, truth):
    expected = truth(name)
    path = clip(name)
    reader = open_video(path, memory=SMALL_MEMORY, decode_order=False)
    reader.use_index(confirm_index(path, reader.index))
    assert reader.numbers_confirmed and reader.frame_count == len(expected)
    for order, frames in orders(reader.frame_count).items():
        for frame in frames:
            shown = reader.read_display(frame)
            assert shown.exact, (order, frame)
            assert np.array_equal(reader.read(frame), expected[frame]), (order, frame)
    reader.close()


@pytest.mark.parametrize("name", ["damaged.mp4", "damaged.mkv", "damaged.ts", "damaged.avi"])
def test_damaged_pictures_are_marked(name, clip):
    path = clip(name)
    reader = open_video(path, decode_order=False)
    reader.use_index(confirm_index(path, reader.index))
    marked = [frame for frame in range(reader.frame_count) if reader.read_display(frame).damaged]
    assert 0 < len(marked) < reader.frame_count // 2
    assert {damage.frame for damage in reader.damage} >= set(marked)
    assert all(damage.reason for damage in reader.damage)
    reader.close()


@pytest.mark.parametrize("name", ["stream.ts", "vp9_hidden.webm", "av1.mp4", "open_gop.ts"])
def test_confirmation_keeps_the_numbers_of_whole_files(name, clip):
    path = clip(name)
    reader = open_video(path)
    assert not reader.numbers_confirmed
    before = reader.index
    confirmed = confirm_index(path, before)
    assert confirmed.confirmed and confirmed.digest == before.digest
    assert before.renumbering(confirmed).tolist() == list(range(before.frame_count))
    assert not confirmed.damage
    reader.use_index(confirmed)
    for frame in orders(reader.frame_count)["random"][:20]:
        assert code_in(reader.read(frame)) == frame
    reader.close()


def test_without_real_time_stamps_the_order_is_told_by_a_decode_only(clip):
    reader = open_video(clip("b_frames.avi"), decode_order=False)
    assert not reader.order_known and not reader.numbers_confirmed
    assert not reader.read_display(5).exact
    reader.close()
    reader = open_video(clip("b_frames.avi"))
    assert reader.order_known and reader.read_display(5).exact
    assert code_in(reader.read(5)) == 5
    reader.close()


def test_a_seek_that_lands_wrong_is_repaired_from_an_earlier_key_frame(clip, truth, monkeypatch):
    reader = open_video(clip("b_frames.mp4"), memory=SMALL_MEMORY)
    real = Decoder.start_at
    asked = []

    def off_by_one_group(self, index, packet, **more):
        asked.append(packet)
        real(self, index, packet, **more)
        if len(asked) == 1:
            for _ in range(45):
                self.advance()  # as if the container had sought past the picture

    monkeypatch.setattr(Decoder, "start_at", off_by_one_group)
    assert np.array_equal(reader.read(30), truth("b_frames.mp4")[30])
    assert len(asked) > 1 and asked[1] < asked[0]
    reader.close()


def test_a_wrong_picture_is_found_by_its_checksum_and_not_shown_as_exact(clip):
    path = clip("b_frames.mp4")
    reader = open_video(path, memory=SMALL_MEMORY)
    confirmed = confirm_index(path, reader.index)
    checks = confirmed.checks.copy()
    checks[33] ^= 1
    reader.use_index(replace(confirmed, checks=checks))
    assert not reader.read_display(33).exact
    assert reader.read_display(34).exact
    reader.close()
