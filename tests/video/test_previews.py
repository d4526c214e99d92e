"""What is shown while a picture is decoded: at once, told by its number, and never as if it were another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.index import VideoIndex
from iouviewer.video.keyframes import chosen
from tests.video.awkward import VideoMaker, code_in, make_video


def at_rest(reader, frame):
    """Show a picture and let all that is done while nobody asks be done."""
    reader.read_display(frame)
    while reader.prefetch():
        pass
    reader.wait_for_key_frames()


def kept_numbers(reader):
    return {key.number for key in reader._keys._kept.values()}


@pytest.fixture
def reader(clip):
    """Eighty pictures, key frames at 0, 20, 40 and 60."""
    reader = open_video(clip("b_frames.mp4"), memory=64 << 20)
    yield reader
    reader.close()


def must_not_decode(reader, monkeypatch):
    monkeypatch.setattr(reader._keys, "decode", lambda *_: pytest.fail("decoded while somebody waits"))


def test_without_anything_kept_the_key_frame_is_decoded(reader):
    shown = list(reader.previews(47))
    assert [(one.frame, one.exact) for one in shown] == [(40, False)]
    assert code_in(shown[0].pixels[..., :3]) == 40


def test_a_key_frame_that_was_asked_for_is_exact(reader):
    assert [(one.frame, one.exact) for one in reader.previews(40)] == [(40, True)]


def test_key_frames_are_made_while_nobody_asks_and_shown_at_once(reader, monkeypatch):
    at_rest(reader, 5)
    reader._pictures.forget()
    must_not_decode(reader, monkeypatch)
    for frame in range(reader.frame_count):
        (shown,) = reader.previews(frame)
        assert shown.frame == frame // 20 * 20
        assert code_in(shown.pixels[..., :3]) == shown.frame
        assert shown.exact == (frame == shown.frame)


@pytest.mark.parametrize("name", ["turned_90.mp4", "ten_bit.mp4", "odd_size.mp4"])
def test_kept_key_frames_look_as_pictures_for_the_screen_do(name, clip):
    reader = open_video(clip(name), memory=64 << 20)
    at_rest(reader, 0)
    reader.read_display(79)
    reader._pictures.forget()
    kept, whole = reader.read_preview(45), reader.read_display(40)
    assert kept.frame == 40 and kept.pixels.shape == whole.pixels.shape and kept.scale == whole.scale
    assert np.abs(kept.pixels[..., :3].astype(int) - whole.pixels[..., :3]).mean() < 8
    reader.close()


SLICED = VideoMaker(bframes=2, options={"x264-params": "slices=4"})


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts"])
def test_a_key_frame_whose_slices_all_cores_share_is_exact_by_its_checksum_only(name, tmp_path):
    path = make_video(tmp_path / name, SLICED)
    reader = open_video(path)
    assert reader.read_preview(20).exact and reader._keys._decoder.slices == 4, "the first is decoded by one thread"
    reader.forget_pictures()
    shown = reader.read_preview(60)
    assert shown.frame == 60 and code_in(shown.pixels[..., :3]) == 60 and not shown.exact
    assert reader.read_preview(60) is not None and not reader.read_preview(60).exact, "nor when it is shown again"
    assert reader.read_display(60).exact
    reader.use_index(confirm_index(path, reader.index))
    reader.forget_pictures()
    assert [(one.frame, one.exact) for one in reader.previews(40)] == [(40, True)]
    checks = reader.index.checks.copy()
    checks[60] ^= 1
    reader.use_index(replace(reader.index, checks=checks))
    assert [(one.frame, one.exact) for one in reader.previews(60)] == [(60, False)]
    reader.close()


@pytest.mark.parametrize(("maker", "ending"), [(SLICED, "mkv"), (VideoMaker(), "mp4"), (VideoMaker(), "ts")])
def test_slices_of_a_key_frame_are_counted(maker, ending, tmp_path):
    reader = open_video(make_video(tmp_path / f"clip.{ending}", maker))
    reader.read_preview(45)
    assert reader._keys._decoder.slices == (4 if maker is SLICED else 1)
    reader.close()


def test_a_nearer_picture_in_memory_is_shown_rather_than_the_key_frame(reader, monkeypatch):
    reader.read_display(33)
    must_not_decode(reader, monkeypatch)
    (shown,) = reader.previews(38)
    assert shown.frame >= 33 and not shown.exact and code_in(shown.pixels[..., :3]) == shown.frame
    (itself,) = reader.previews(33)
    assert itself.frame == 33 and itself.exact


def test_a_picture_of_another_group_does_not_stand_for_this_one(reader):
    reader.read_display(39)
    reader._pictures.forget()
    reader.read_display(36)
    (shown,) = reader.previews(45)
    assert shown.frame == 40


def test_where_the_key_frame_takes_long_the_nearest_kept_one_comes_first(reader, monkeypatch):
    at_rest(reader, 5)
    reader._pictures.forget()
    for packet in [packet for packet, key in reader._keys._kept.items() if key.number in {20, 60}]:
        del reader._keys._kept[packet]
    monkeypatch.setattr(reader._keys, "seconds_for", lambda *_: 0.2)
    assert [(one.frame, one.exact) for one in reader.previews(25)] == [(40, False), (20, False)]
    assert [(one.frame, one.exact) for one in reader.previews(45)] == [(40, False)]
    assert [(one.frame, one.exact) for one in reader.previews(60)] == [(40, False), (60, True)]
    assert reader.read_preview(79).frame == 60, "the key frame of 79, which was decoded a moment ago"


def test_the_time_for_a_key_frame_is_learnt_from_others(reader):
    index: VideoIndex = reader.index
    packet = index.packet_of(40)
    guess = reader._keys.seconds_for(index, packet)
    for _ in range(20):
        reader._keys._learn(index, packet, 3.0)
    assert guess < 0.025 and reader._keys.seconds_for(index, packet) == pytest.approx(3.0, rel=0.01)


def test_a_kept_key_frame_is_told_smaller_than_the_video(tmp_path):
    path = make_video(tmp_path / "wide.mp4", VideoMaker(width=1440, height=96, frames=30, gop=10))
    reader = open_video(path, memory=64 << 20)
    at_rest(reader, 0)
    reader._pictures.forget()
    shown = reader.read_preview(25)
    assert shown.frame == 20 and not shown.exact
    assert shown.pixels.shape == (64, 960, 4) and shown.scale == pytest.approx(2 / 3)
    reader.close()


def test_key_frames_and_other_pictures_share_one_budget_and_are_forgotten_together(reader):
    at_rest(reader, 5)
    held = sum(picture.size for picture in reader._pictures.ring._held.values())
    assert held < reader.memory_used <= 64 << 20
    assert reader._keys.used == sum(len(key.body) for key in reader._keys._kept.values()) > 0
    reader.forget_pictures()
    assert reader.memory_used == 0


def test_where_room_is_short_key_frames_stay_within_it_near_and_far(reader):
    at_rest(reader, 5)
    largest = max(len(key.body) for key in reader._keys._kept.values())
    reader.forget_pictures()
    reader._keys.room = int(2.5 * largest)
    for frame, expected in ((5, {0, 40}), (79, {60, 40})):
        at_rest(reader, frame)
        assert kept_numbers(reader) == expected
        assert reader._keys.used <= reader._keys.room


def test_readers_with_little_memory_keep_no_key_frames(clip):
    reader = open_video(clip("b_frames.mp4"))
    at_rest(reader, 5)
    assert not kept_numbers(reader)
    reader.close()


def test_the_useful_key_frames_are_near_and_spread_ever_more_finely():
    keys = np.arange(0, 64_000, 250)
    assert chosen(keys, 0, 0) == [] and chosen(keys[:0], 0, 5) == []
    assert chosen(keys[:3], 600, 9)[0] == 2 and sorted(chosen(keys[:3], 600, 9)) == [0, 1, 2]
    assert sorted(chosen(keys, 30_000, 10_000)) == list(range(len(keys)))
    few = chosen(keys, 30_000, 30)
    assert few[0] == 120 and len(set(few)) == 30
    gaps = np.diff(sorted([0, *few, len(keys)]))
    assert gaps.max() <= len(keys) // 8, "nowhere is far from one that is kept"
    assert {119, 121, 118, 122} <= set(few)
