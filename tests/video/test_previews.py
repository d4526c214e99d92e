"""Previews shown while a frame is decoded: immediate, with the right number, and never marked as exact wrongly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import VideoIndex
from iouviewer.video.keyframes import choose_keyframes
from tests.video.clip_builder import ClipSpec, make_video, read_barcode


def show_and_idle(reader, frame):
    """Show a frame and finish all background work."""
    reader.read_display(frame)
    while reader.prefetch():
        pass
    reader.keyframe_cache.wait()


def cached_numbers(reader):
    return {key.number for key in reader.keyframe_cache.cached.values()}


@pytest.fixture
def reader(clip):
    """Eighty frames, keyframes at 0, 20, 40 and 60."""
    reader = open_video(clip("b_frames.mp4"), memory=64 << 20)
    yield reader
    reader.close()


def forbid_decoding(reader, monkeypatch):
    monkeypatch.setattr(reader.keyframe_cache, "decode", lambda *_: pytest.fail("decoded while the user waits"))


def test_with_an_empty_cache_the_keyframe_is_decoded(reader):
    shown = list(reader.previews(47))
    assert [(one.frame, one.exact) for one in shown] == [(40, False)]
    assert read_barcode(shown[0].pixels[..., :3]) == 40


def test_a_requested_keyframe_is_exact(reader):
    assert [(one.frame, one.exact) for one in reader.previews(40)] == [(40, True)]


def test_keyframes_are_cached_while_idle_and_shown_immediately(reader, monkeypatch):
    show_and_idle(reader, 5)
    reader.frame_decoder.clear_cache()
    forbid_decoding(reader, monkeypatch)
    for frame in range(reader.frame_count):
        (shown,) = reader.previews(frame)
        assert shown.frame == frame // 20 * 20
        assert read_barcode(shown.pixels[..., :3]) == shown.frame
        assert shown.exact == (frame == shown.frame)


@pytest.mark.parametrize("name", ["rotated_90.mp4", "ten_bit.mp4", "odd_size.mp4"])
def test_cached_keyframes_look_like_displayed_frames(name, clip):
    reader = open_video(clip(name), memory=64 << 20)
    show_and_idle(reader, 0)
    reader.read_display(79)
    reader.frame_decoder.clear_cache()
    cached, full = reader.read_preview(45), reader.read_display(40)
    assert cached.frame == 40 and cached.pixels.shape == full.pixels.shape and cached.scale == full.scale
    assert np.abs(cached.pixels[..., :3].astype(int) - full.pixels[..., :3]).mean() < 8
    reader.close()


SLICED = ClipSpec(bframes=2, options={"x264-params": "slices=4"})


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts"])
def test_a_keyframe_decoded_with_slice_threads_is_exact_only_by_its_checksum(name, tmp_path):
    path = make_video(tmp_path / name, SLICED)
    reader = open_video(path)
    assert reader.read_preview(20).exact and reader.keyframe_cache.slices == 4, "the first is decoded by one thread"
    reader.clear_cache()
    shown = reader.read_preview(60)
    assert shown.frame == 60 and read_barcode(shown.pixels[..., :3]) == 60 and not shown.exact
    assert reader.read_preview(60) is not None and not reader.read_preview(60).exact, "also when it is shown again"
    assert reader.read_display(60).exact
    reader.use_index(run_decode_check(path, reader.index))
    reader.clear_cache()
    assert [(one.frame, one.exact) for one in reader.previews(40)] == [(40, True)]
    checksums = reader.index.checksums.copy()
    checksums[60] ^= 1
    reader.use_index(replace(reader.index, checksums=checksums))
    assert [(one.frame, one.exact) for one in reader.previews(60)] == [(60, False)]
    reader.close()


@pytest.mark.parametrize(("spec", "ending"), [(SLICED, "mkv"), (ClipSpec(), "mp4"), (ClipSpec(), "ts")])
def test_slices_of_a_keyframe_are_counted(spec, ending, tmp_path):
    reader = open_video(make_video(tmp_path / f"clip.{ending}", spec))
    reader.read_preview(45)
    assert reader.keyframe_cache.slices == (4 if spec is SLICED else 1)
    reader.close()


def test_a_nearer_cached_frame_is_shown_rather_than_the_keyframe(reader, monkeypatch):
    reader.read_display(33)
    forbid_decoding(reader, monkeypatch)
    (shown,) = reader.previews(38)
    assert shown.frame >= 33 and not shown.exact and read_barcode(shown.pixels[..., :3]) == shown.frame
    (itself,) = reader.previews(33)
    assert itself.frame == 33 and itself.exact


def test_a_frame_of_another_gop_is_not_used_as_preview(reader):
    reader.read_display(39)
    reader.frame_decoder.clear_cache()
    reader.read_display(36)
    (shown,) = reader.previews(45)
    assert shown.frame == 40


def test_if_the_keyframe_decodes_slowly_the_nearest_cached_one_comes_first(reader, monkeypatch):
    show_and_idle(reader, 5)
    reader.frame_decoder.clear_cache()
    for packet in [packet for packet, key in reader.keyframe_cache.cached.items() if key.number in {20, 60}]:
        reader.keyframe_cache.drop(packet)
    monkeypatch.setattr(reader.keyframe_cache, "estimate_seconds", lambda *_: 0.2)
    assert [(one.frame, one.exact) for one in reader.previews(25)] == [(40, False), (20, False)]
    assert [(one.frame, one.exact) for one in reader.previews(45)] == [(40, False)]
    assert [(one.frame, one.exact) for one in reader.previews(60)] == [(40, False), (60, True)]
    assert reader.read_preview(79).frame == 60, "the keyframe of 79, decoded just before"


def test_the_decoding_time_of_a_keyframe_is_estimated_from_others(reader):
    index: VideoIndex = reader.index
    packet = index.packet_of(40)
    for seconds in (0.02, 3.0):
        for _ in range(40):
            reader.keyframe_cache.record_duration(index, packet, seconds)
        assert reader.keyframe_cache.estimate_seconds(index, packet) == pytest.approx(seconds, rel=0.01)


def test_a_cached_keyframe_reports_its_smaller_scale(tmp_path):
    path = make_video(tmp_path / "wide.mp4", ClipSpec(width=1440, height=96, frames=30, gop=10))
    reader = open_video(path, memory=64 << 20)
    show_and_idle(reader, 0)
    reader.frame_decoder.clear_cache()
    shown = reader.read_preview(25)
    assert shown.frame == 20 and not shown.exact
    assert shown.pixels.shape == (64, 960, 4) and shown.scale == pytest.approx(2 / 3)
    reader.close()


def test_keyframes_and_other_frames_share_one_budget_and_are_cleared_together(reader):
    show_and_idle(reader, 5)
    frames = reader.frame_decoder.cache.used
    assert frames < reader.memory_used <= 64 << 20
    assert reader.keyframe_cache.used == sum(len(key.jpeg) for key in reader.keyframe_cache.cached.values()) > 0
    reader.clear_cache()
    assert reader.memory_used == 0


def test_with_a_small_budget_near_and_far_keyframes_stay_within_it(reader):
    show_and_idle(reader, 5)
    largest = max(len(key.jpeg) for key in reader.keyframe_cache.cached.values())
    reader.clear_cache()
    reader.keyframe_cache.budget = int(2.5 * largest)
    for frame, expected in ((5, {0, 40}), (79, {60, 40})):
        show_and_idle(reader, frame)
        assert cached_numbers(reader) == expected
        assert reader.keyframe_cache.used <= reader.keyframe_cache.budget


def test_readers_with_little_memory_cache_no_keyframes(clip):
    reader = open_video(clip("b_frames.mp4"))
    show_and_idle(reader, 5)
    assert not cached_numbers(reader)
    reader.close()


def test_useful_keyframes_are_near_and_spread_ever_more_finely():
    keys = np.arange(0, 64_000, 250)
    assert choose_keyframes(keys, 0, 0) == [] and choose_keyframes(keys[:0], 0, 5) == []
    assert choose_keyframes(keys[:3], 600, 9)[0] == 2 and sorted(choose_keyframes(keys[:3], 600, 9)) == [0, 1, 2]
    assert sorted(choose_keyframes(keys, 30_000, 10_000)) == list(range(len(keys)))
    few = choose_keyframes(keys, 30_000, 30)
    assert few[0] == 120 and len(set(few)) == 30
    gaps = np.diff(sorted([0, *few, len(keys)]))
    assert gaps.max() <= len(keys) // 8, "a cached one is near everywhere"
    assert {119, 121, 118, 122} <= set(few)
