"""Opening, times, memory, colours, and equality with OpenCV."""

from __future__ import annotations

import subprocess
import sys
import wave

import cv2
import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.decoder import Decoder, SupersededError
from tests.video.clip_builder import ClipSpec, decode_sequentially, make_video, read_barcode

OPENCV_CLIPS = [
    "plain.mp4",
    "b_frames.mp4",
    "open_gop.mkv",
    "rotated_90.mp4",
    "rotated_180.mp4",
    "rotated_270.mov",
    "odd_size.mp4",
    "odd_size.avi",
    "ten_bit.mp4",
    "full_range.mp4",
    "mpeg4.avi",
    "mjpeg.mov",
    "hevc_10_bit.mp4",
    "vp9.webm",
]
"""Not the interlaced ones: OpenCV 5.0 cannot convert them and returns uninitialised memory."""


def opencv_frames(path):
    capture = cv2.VideoCapture(str(path))
    while True:
        read, image = capture.read()
        if not read:
            return
        yield image


@pytest.mark.parametrize("name", OPENCV_CLIPS)
def test_frames_for_models_equal_those_of_opencv(name, clip):
    reader = open_video(clip(name))
    compared = 0
    for frame, image in enumerate(opencv_frames(clip(name))):
        assert np.array_equal(reader.read(frame), image), frame
        compared += 1
    assert compared == reader.frame_count
    reader.close()


@pytest.mark.parametrize("name", ["pets09/vtest.avi", "tud-campus/TUD-Campus.mp4"])
def test_real_clips_are_read_as_by_opencv_in_any_order(name, shared_data):
    path = shared_data / name
    expected = dict(enumerate(opencv_frames(path)))
    reader = open_video(path, memory=8 << 20)
    assert reader.frame_count == len(expected)
    assert reader.size == expected[0].shape[1::-1]
    generator = np.random.default_rng(3)
    for frame in [*generator.integers(0, len(expected), 40).tolist(), *range(60, 0, -1), len(expected) - 1, 0]:
        assert np.array_equal(reader.read(frame), expected[frame]), frame
    reader.close()


def test_times_count_from_the_first_frame(clip):
    reader = open_video(clip("starts_late.mkv"))
    assert reader.time_of(0) == 0.0
    assert reader.time_of(10) == pytest.approx(0.4)
    reader.close()


def test_a_time_finds_the_frame_displayed_then(clip):
    reader = open_video(clip("variable_rate.mp4"))
    for frame in range(reader.frame_count):
        assert reader.frame_at(reader.time_of(frame)) == frame
        assert reader.frame_at(reader.time_of(frame) + 0.005) == frame
    assert reader.frame_at(-1.0) == 0
    assert reader.frame_at(1e9) == reader.frame_count - 1
    reader.close()


def test_a_frame_outside_the_video_is_an_index_error(clip):
    reader = open_video(clip("plain.mp4"))
    for frame in (-1, 80):
        with pytest.raises(IndexError, match="80 frames"):
            reader.read(frame)
        with pytest.raises(IndexError):
            reader.time_of(frame)
    reader.close()


def test_returned_frames_belong_to_the_caller(clip):
    reader = open_video(clip("plain.mp4"))
    first = reader.read(3)
    first[:] = 0
    assert read_barcode(reader.read(3)) == 3
    reader.close()


def test_frames_for_the_screen_are_scaled_down_never_up(clip):
    reader = open_video(clip("plain.mp4"))
    small = reader.read_display(7, (80, 80))
    assert small.pixels.shape == (48, 80, 4) and small.scale == 0.5 and small.pixels.flags.c_contiguous
    assert reader.read_display(7, (1000, 1000)).pixels.shape == (96, 160, 4)
    reader.close()


def test_rotation_swaps_width_and_height_on_screen(clip):
    reader = open_video(clip("rotated_90.mp4"))
    assert reader.size == (96, 160)
    assert reader.read_display(7).pixels.shape == (160, 96, 4)
    assert reader.read_display(7, (48, 80)).pixels.shape == (80, 48, 4)
    reader.close()


def test_the_sample_aspect_ratio_is_reported(clip):
    assert open_video(clip("plain.mp4")).sample_aspect_ratio == 1
    assert float(open_video(clip("wide_pixels.mp4")).sample_aspect_ratio) == pytest.approx(4 / 3)


@pytest.mark.parametrize("budget", [100_000, 400_000, 2_000_000])
def test_memory_stays_within_its_budget(clip, budget):
    reader = open_video(clip("b_frames.mp4"), memory=budget)
    for frame in [70, *range(79, 20, -1), 5]:
        reader.read_display(frame, allow_reduced=True)
        while reader.prefetch():
            assert reader.memory_used <= budget
        assert reader.memory_used <= budget
    reader.close()


@pytest.mark.parametrize("name", ["b_frames.mp4", "open_gop.mkv", "mpeg4.avi"])
def test_cached_frames_have_all_references_before_a_seek(clip, monkeypatch, name):
    reader = open_video(clip(name), memory=4 << 20)
    frame_decoder, incomplete = reader.frame_decoder, []
    start_at = Decoder.start_at

    def watched(decoder, index, packet, **more):
        incomplete.append(
            [frame for frame in frame_decoder.cache.numbers() if not frame_decoder.has_all_references(frame)]
        )
        start_at(decoder, index, packet, **more)

    monkeypatch.setattr(Decoder, "start_at", watched)
    for frame in [5, 45, 22, 61, 3, 30, 70, 11]:
        reader.read_display(frame)
        reader.prefetch()
    reader.close()
    assert len(incomplete) > 3 and not any(incomplete)


def test_stepping_back_decodes_each_gop_once(clip, monkeypatch):
    reader = open_video(clip("b_frames.mp4"), memory=4 << 20)
    reader.read(59)
    decoder = reader.frame_decoder.decoder
    starts = []
    real = type(decoder).start_at
    monkeypatch.setattr(
        type(decoder),
        "start_at",
        lambda self, index, packet, **more: (starts.append(packet), real(self, index, packet, **more)),
    )
    for frame in range(58, -1, -1):
        assert read_barcode(reader.read(frame)) == frame
    assert len(starts) == 2, "GOP 40..59 was cached, 20..39 and 0..19 are decoded once each"
    reader.close()


@pytest.mark.parametrize(
    ("codec", "skips"), [("libx264", True), ("mpeg4", True), ("mpeg2video", True), ("libx265", True)]
)
def test_after_a_jump_only_reference_frames_are_decoded_on_the_way(codec, skips, tmp_path, monkeypatch):
    path = make_video(tmp_path / "long.mp4", ClipSpec(codec=codec, frames=110, gop=100, bframes=2))
    expected, _ = decode_sequentially(path)
    reader = open_video(path, memory=4 << 20)
    outputs = []
    next_frame = Decoder.next_frame
    monkeypatch.setattr(
        Decoder, "next_frame", lambda self, **more: outputs.append(next_frame(self, **more)) or outputs[-1]
    )
    assert np.array_equal(reader.read(90), expected[90])
    numbers = {reader.index.frame_of(one.packet) for one in outputs}
    near = range(90 - 36, 91)
    assert set(near) <= numbers, "going back a second needs no decoding"
    assert bool(set(range(near.start)) - numbers) == skips
    for frame in [*near, 20, 99, 3]:
        assert np.array_equal(reader.read(frame), expected[frame]), frame
    reader.close()


@pytest.mark.parametrize(
    ("name", "options", "layers"), [("a.mp4", "", 1), ("b.ts", "", 1), ("c.mp4", "temporal-layers=3:b-adapt=0", 3)]
)
def test_with_hevc_temporal_layers_every_frame_on_the_way_is_decoded(name, options, layers, tmp_path, monkeypatch):
    spec = ClipSpec(codec="libx265", frames=110, gop=100, bframes=3, options={"x265-params": options or "open-gop=0"})
    path = make_video(tmp_path / name, spec)
    reader = open_video(path, memory=4 << 20)
    assert reader.stream_info.temporal_layers == layers
    outputs = []
    next_frame = Decoder.next_frame
    monkeypatch.setattr(
        Decoder, "next_frame", lambda self, **more: outputs.append(next_frame(self, **more)) or outputs[-1]
    )
    assert read_barcode(reader.read(90)) == 90
    assert (len(outputs) < 80) == (layers == 1)
    reader.close()


def test_a_gop_too_large_for_memory_is_cached_downscaled_while_moving_and_full_when_idle(tmp_path):
    path = make_video(tmp_path / "long.mp4", ClipSpec(frames=120, gop=120, bframes=2))
    frame_size = 160 * 96 * 3 // 2
    reader = open_video(path, memory=60 * frame_size)
    reader.read_display(119)
    scales = []
    for frame in range(118, 20, -1):
        shown = reader.read_display(frame, allow_reduced=True)
        assert shown.frame == frame and shown.exact
        scales.append(shown.scale)
        while reader.prefetch():
            pass
    assert min(scales) < 1.0
    assert scales[:8] == [1.0] * 8, "the nearest frames stay at full size"
    idle = reader.read_display(21)
    assert idle.scale == 1.0 and read_barcode(idle.pixels[..., :3]) == 21
    reader.close()


def test_prefetch_decodes_frames_in_the_direction_of_navigation(clip):
    reader = open_video(clip("b_frames.mp4"), memory=4 << 20)
    reader.read(10)
    while reader.prefetch(ahead=6):
        pass
    assert all(reader.is_cached(frame) for frame in range(10, 17))
    reader.clear_cache()
    reader.read(50)
    reader.read(49)
    while reader.prefetch():
        pass
    assert all(reader.is_cached(frame) for frame in range(20, 50)), "this GOP and the one before"
    reader.close()


def test_decoding_stops_when_the_frame_is_no_longer_needed(clip):
    reader = open_video(clip("b_frames.mp4"))
    calls = iter([False] * 5)
    with pytest.raises(SupersededError):
        reader.read_display(39, cancelled=lambda: next(calls, True))
    assert read_barcode(reader.read(39)) == 39
    reader.close()


def test_colours_follow_the_matrix_of_the_stream(tmp_path):
    import av

    def shown(matrix):
        path = tmp_path / f"{matrix}.mp4"
        with av.open(str(path), "w") as output:
            options = {"crf": "1", "x264-params": f"colormatrix={matrix}"}
            stream = output.add_stream("libx264", rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            planes = np.concatenate([np.full(64 * 64, 145), np.full(32 * 32, 54), np.full(32 * 32, 34)])
            frame = av.VideoFrame.from_ndarray(planes.astype(np.uint8).reshape(96, 64), "yuv420p")
            for packet in [*stream.encode(frame), *stream.encode()]:
                output.mux(packet)
        reader = open_video(path)
        pixel = reader.read_display(0).pixels[32, 32, :3].astype(int)
        reader.close()
        return pixel

    # Y 145, Cb 54, Cr 34 is pure green in BT.601: 1.164 (Y - 16) - 0.392 (Cb - 128) - 0.813 (Cr - 128) etc.
    assert np.abs(shown("smpte170m") - [0, 255, 0]).max() <= 4
    # The same values in BT.709: green is 1.164 * 129 + 0.213 * 74 + 0.533 * 94, blue 1.164 * 129 - 2.112 * 74.
    assert np.abs(shown("bt709") - [0, 216, 0]).max() <= 4


@pytest.mark.parametrize("name", ["full_range.mp4", "ten_bit.mp4", "hevc_10_bit.mp4"])
def test_range_and_bit_depth_reach_the_screen(name, clip):
    pixels = open_video(clip(name)).read_display(0).pixels
    assert abs(int(pixels[10, 9, 1]) - 20) <= 6, "a black block of the barcode"


def test_files_that_are_not_videos_are_refused_with_a_reason(tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("This is not a video.\n" * 50)
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    folder = tmp_path / "folder"
    folder.mkdir()
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(8000)
        output.writeframes(bytes(16000))
    for path, reason in [
        (text, "no video can be read"),
        (empty, "empty"),
        (folder, "no images in this folder"),
        (sound, "no video in this file"),
        (tmp_path / "absent.mp4", "no such file"),
    ]:
        with pytest.raises(UserError, match=reason) as caught:
            open_video(path)
        assert caught.value.path == path


def test_a_header_without_frames_is_refused(clip, tmp_path):
    headless = tmp_path / "headless.mkv"
    headless.write_bytes(clip("b_frames.mp4").read_bytes()[:40])
    with pytest.raises(UserError):
        open_video(headless)


def test_a_path_with_any_characters_opens(clip, tmp_path):
    strange = tmp_path / "größe 100% #1 – видео.mp4"
    strange.write_bytes(clip("plain.mp4").read_bytes())
    assert read_barcode(open_video(strange).read(5)) == 5


def test_importing_the_package_does_not_load_the_decoder():
    code = "import sys, iouviewer.video; print(sorted({'av', 'cv2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["plain.mp4", "b_frames.mp4", "open_gop.mkv", "mpeg2.ts", "mpeg4.mp4", "hevc.mp4"])
def test_the_default_memory_suffices_to_decode_each_frame_once_in_sequence(name, clip, monkeypatch):
    monkeypatch.setattr("iouviewer.video.frame_decoder.DEFAULT_MEMORY", 0)
    starts = []
    real = Decoder.start_at
    monkeypatch.setattr(Decoder, "start_at", lambda self, *a, **k: (starts.append(a[1]), real(self, *a, **k))[1])
    reader = open_video(clip(name))
    starts.clear()  # opening decodes the first frame
    assert [read_barcode(reader.read(frame)) for frame in range(reader.frame_count)] == list(range(reader.frame_count))
    assert starts == [0]
    assert reader.frame_decoder.cache.used <= reader.frame_decoder.cache.budget
    reader.close()
