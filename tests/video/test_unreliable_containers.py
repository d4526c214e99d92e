"""Containers and disks that report wrong data: false keyframes, truncation, changing files, read errors."""

from __future__ import annotations

import os
import random
from dataclasses import fields, replace
from pathlib import Path

import av
import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import container, open_video
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.decode_check import DecodeCheck, run_decode_check
from iouviewer.video.index import Packets
from iouviewer.video.index_builder import build_complete_index
from iouviewer.video.reader import VideoReader
from iouviewer.video.reasons import FALSE_KEYFRAMES
from tests.video.clip_builder import (
    ClipSpec,
    decode_sequentially,
    has_encoder,
    make_video,
    read_barcode,
    remove_keyframe_list,
)

SMALL_MEMORY = 200_000
"""Bytes: small, so that reads seek instead of using the cache."""

OPEN_GOPS = {"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}


def wrong_as_exact(reader: VideoReader, truth: list[np.ndarray], seed: int = 1) -> list[int]:
    """Frames reported as exact that differ from the clean decode, when reading all in random order."""
    wrong = []
    for frame in random.Random(seed).sample(range(reader.frame_count), reader.frame_count):
        shown, image = reader.read_display(frame), reader.read(frame)
        if shown.exact and not np.array_equal(image, truth[frame]):
            wrong.append(frame)
    return wrong


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("one.mp4", ClipSpec(codec="mpeg4", gop=12, postprocess=remove_keyframe_list)),
        ("two.mp4", ClipSpec(codec="mpeg4", gop=12, bframes=2, postprocess=remove_keyframe_list)),
        ("three.avi", ClipSpec(codec="h263p", width=176, height=144, frames=40, gop=10)),
        ("four.mov", ClipSpec(codec="qtrle", pix_fmt="rgb24", gop=20, frames=40, postprocess=remove_keyframe_list)),
    ],
)
def test_frames_wrongly_marked_as_keyframes_are_not_used_as_seek_points(name, spec, tmp_path):
    if not has_encoder(spec.codec):
        pytest.skip(f"this build of PyAV has no encoder {spec.codec}")
    path = make_video(tmp_path / name, spec)
    truth, _ = decode_sequentially(path)
    reader = open_video(path, memory=SMALL_MEMORY, resolve_order=False)
    assert wrong_as_exact(reader, truth) == []
    assert FALSE_KEYFRAMES in reader.index.uncertainties and not reader.numbers_final, "a decode check is needed"
    reader.use_index(run_decode_check(path, reader.index))
    assert reader.index.checked_by_decode and wrong_as_exact(reader, truth, seed=2) == []
    if spec.codec != "qtrle":  # its decoder does not report frame types
        assert len(reader.index.keyframes) == -(-spec.frames // spec.gop), "the decode check finds the true keyframes"
        reader.read(spec.frames - 1)
        assert reader.frame_decoder.decoder.start_packet > spec.frames // 2, "and decoding starts there"
    shown = [reader.read_display(frame).exact for frame in (5, 33, 20)]
    assert shown == [True] * 3
    reader.close()


@pytest.mark.parametrize(
    "spec",
    [
        ClipSpec(bframes=3, frames=100, options=OPEN_GOPS),
        ClipSpec(codec="libx265", bframes=3, frames=100, options={"x265-params": "open-gop=1"}),
        ClipSpec(codec="mpeg2video", bframes=2, frames=100, gop=12),
    ],
    ids=lambda spec: spec.codec,
)
def test_undecodable_leading_frames_of_a_file_have_no_number(spec, tmp_path):
    path = tmp_path / "cut.mkv"
    with av.open(str(make_video(tmp_path / "whole.mkv", spec))) as whole, av.open(str(path), "w") as cut:
        stream, keys = cut.add_stream_from_template(whole.streams.video[0]), 0
        for packet in whole.demux(video=0):
            keys += packet.is_keyframe
            if packet.dts is not None and keys > 2:
                packet.stream = stream
                cut.mux(packet)
    truth, _ = decode_sequentially(path)
    reader = open_video(path, memory=SMALL_MEMORY)
    assert reader.frame_count == len(truth)
    assert not reader.numbers_final, "only the decode check can tell"
    assert wrong_as_exact(reader, truth) == []
    reader.close()


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("one.mp4", ClipSpec(bframes=3)),
        ("two.mp4", ClipSpec(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"})),
        ("three.mkv", ClipSpec(bframes=3, options=OPEN_GOPS)),
    ],
)
def test_the_first_frames_of_an_incomplete_index_have_their_final_numbers(name, spec, tmp_path):
    path = make_video(tmp_path / name, spec)
    first = open_video(path, index=False)
    whole = build_complete_index(path, "", rotation=0)
    assert 40 < first.frame_count <= 64 and whole.extends(first.index)
    for frame in range(first.frame_count - 6, first.frame_count):
        assert read_barcode(first.read(frame)) == frame
    first.close()


def test_a_file_overwritten_while_open_is_refused_with_a_reason(tmp_path):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=120))
    other = make_video(tmp_path / "other.mp4", ClipSpec(frames=120, options={"crf": "30"}))
    reader = open_video(path, memory=SMALL_MEMORY)
    assert read_barcode(reader.read(3)) == 3
    path.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="has changed since it was opened"):
        reader.read(80)
    reader.close()


def test_a_replaced_file_is_refused_and_a_moved_one_stays_readable(tmp_path):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=120))
    other = make_video(tmp_path / "other.mp4", ClipSpec(frames=120, options={"crf": "30"}))
    reader = open_video(path, memory=SMALL_MEMORY)
    assert read_barcode(reader.read(3)) == 3
    path.rename(tmp_path / "elsewhere.mp4")
    assert [read_barcode(reader.read(frame)) for frame in (100, 64)] == [100, 64]
    other.rename(path)
    for read in (reader.read, reader.read_display, reader.read_preview):
        with pytest.raises(UserError, match="has changed since it was opened"):
            read(30)
    reader.close()


def test_a_disk_failure_fails_the_decode_check(tmp_path, monkeypatch):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=120))
    reader = open_video(path)
    real = container.demux

    def fails(*arguments):
        for count, packet in enumerate(real(*arguments)):
            if count == 50:
                return  # as in FFmpeg, a disk error looks like the end of the file
            yield packet

    monkeypatch.setattr("iouviewer.video.decoder.demux", fails)
    check = DecodeCheck(path, reader.index)
    while check.advance():
        pass
    with pytest.raises(UserError, match="only 50 of 120 packets"):
        check.result()
    check.close()
    reader.close()


def test_a_disk_error_is_not_taken_for_the_end_of_the_file(tmp_path, monkeypatch):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=40))
    real = Path.open

    class Failing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def seek(self, *_):
            return 0

        def read(self, *_):
            raise OSError(5, os.strerror(5))

    opened = container.open_container(path)
    packets = container.scan_packets(opened)
    opened.close()
    container.ensure_readable(path, packets)
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: Failing() if self == path else real(self, *a, **k))
    with pytest.raises(UserError, match="part of this file cannot be read from the disk"):
        container.ensure_readable(path, packets)


def test_packets_that_differ_from_the_index_are_not_decoded(tmp_path):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=60))
    reader = open_video(path, memory=SMALL_MEMORY)
    columns = {column.name: getattr(reader.index.packets, column.name) for column in fields(Packets)}
    sizes = columns["size"].copy()
    sizes[31] += 1
    reader.use_index(
        replace(reader.index, packets=Packets(**columns | {"size": sizes}), checksums=np.zeros(60, np.uint32))
    )
    with pytest.raises(UserError):
        reader.read(33)
    reader.close()


PLANAR = ["yuv420p", "yuvj422p", "nv12", "nv16", "yuv420p10le", "p010le", "gbrp", "gbrp12le"]
PACKED = ["gray", "gray16le", "rgb24", "bgra", "rgb0", "rgb48le", "rgb555le", "yuyv422", "uyvy422", "y210le", "monow"]


@pytest.mark.parametrize("pixel_format", [*PLANAR, *PACKED, "x2rgb10le", "ya8"])
def test_the_checksum_covers_every_pixel_and_no_padding(pixel_format):
    frame = av.VideoFrame(66, 34, pixel_format)
    for number, plane in enumerate(frame.planes):
        plane.update(np.full(plane.buffer_size, 7 + number, np.uint8).tobytes())
    before = frame_checksum(frame)
    for plane in frame.planes:
        pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        content = bytearray(pixels.tobytes())
        depth = frame.format.padded_bits_per_pixel if len(frame.planes) == 1 else 0
        used = min((66 * depth + 7) // 8 if depth else plane.width, plane.line_size)
        at = (plane.height - 1) * plane.line_size + used - 1
        content[at] ^= 255
        plane.update(bytes(content))
        assert frame_checksum(frame) != before, "the last byte of the last line"
        content[at] ^= 255
        if plane.line_size > 2 * used:
            content[plane.line_size - 1] ^= 255
        plane.update(bytes(content))
        assert frame_checksum(frame) == before, "the padding"
