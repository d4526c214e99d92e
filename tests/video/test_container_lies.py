"""What containers and disks say is not believed blindly: key frames that are none, cuts, files that change, errors."""

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
from iouviewer.video.checksum import check_sum
from iouviewer.video.decode_check import Confirmation, confirm_index
from iouviewer.video.index import FALSE_KEYS, Packets
from iouviewer.video.index_builder import complete_index
from iouviewer.video.reader import VideoReader
from tests.video.awkward import VideoMaker, code_in, encoder_exists, make_video, sequential, without_key_list

SMALL = 200_000
"""Bytes: reads are seeks and not memories."""

OPEN_GROUPS = {"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}


def wrong_as_exact(reader: VideoReader, truth: list[np.ndarray], seed: int = 1) -> list[int]:
    """Frames, all in random order, that are called exact and are another picture than the clean decode's."""
    wrong = []
    for frame in random.Random(seed).sample(range(reader.frame_count), reader.frame_count):
        shown, image = reader.read_display(frame), reader.read(frame)
        if shown.exact and not np.array_equal(image, truth[frame]):
            wrong.append(frame)
    return wrong


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("one.mp4", VideoMaker(codec="mpeg4", gop=12, finish=without_key_list)),
        ("two.mp4", VideoMaker(codec="mpeg4", gop=12, bframes=2, finish=without_key_list)),
        ("three.avi", VideoMaker(codec="h263p", width=176, height=144, frames=40, gop=10)),
        ("four.mov", VideoMaker(codec="qtrle", pix_fmt="rgb24", gop=20, frames=40, finish=without_key_list)),
    ],
)
def test_pictures_that_a_container_calls_key_frames_by_mistake_are_no_starts(name, maker, tmp_path):
    if not encoder_exists(maker.codec):
        pytest.skip(f"this build of PyAV has no encoder {maker.codec}")
    path = make_video(tmp_path / name, maker)
    truth, _ = sequential(path)
    reader = open_video(path, memory=SMALL, decode_order=False)
    assert wrong_as_exact(reader, truth) == []
    assert FALSE_KEYS in reader.index.doubts and not reader.numbers_confirmed, "a whole decode is asked for"
    reader.use_index(confirm_index(path, reader.index))
    assert reader.index.proven and wrong_as_exact(reader, truth, seed=2) == []
    if maker.codec != "qtrle":  # whose decoder does not tell
        assert len(reader.index.key_frames) == -(-maker.frames // maker.gop), "the decode told which are key frames"
        reader.read(maker.frames - 1)
        assert reader._pictures._decoder.start > maker.frames // 2, "and reading begins there"
    shown = [reader.read_display(frame).exact for frame in (5, 33, 20)]
    assert shown == [True] * 3
    reader.close()


@pytest.mark.parametrize(
    "maker",
    [
        VideoMaker(bframes=3, frames=100, options=OPEN_GROUPS),
        VideoMaker(codec="libx265", bframes=3, frames=100, options={"x265-params": "open-gop=1"}),
        VideoMaker(codec="mpeg2video", bframes=2, frames=100, gop=12),
    ],
    ids=lambda maker: maker.codec,
)
def test_pictures_that_lead_the_file_and_cannot_be_decoded_have_no_number(maker, tmp_path):
    path = tmp_path / "cut.mkv"
    with av.open(str(make_video(tmp_path / "whole.mkv", maker))) as whole, av.open(str(path), "w") as cut:
        stream, keys = cut.add_stream_from_template(whole.streams.video[0]), 0
        for packet in whole.demux(video=0):
            keys += packet.is_keyframe
            if packet.dts is not None and keys > 2:
                packet.stream = stream
                cut.mux(packet)
    truth, _ = sequential(path)
    reader = open_video(path, memory=SMALL)
    assert reader.frame_count == len(truth)
    assert not reader.numbers_confirmed, "it is for a decode to say"
    assert wrong_as_exact(reader, truth) == []
    reader.close()


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("one.mp4", VideoMaker(bframes=3)),
        ("two.mp4", VideoMaker(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"})),
        ("three.mkv", VideoMaker(bframes=3, options=OPEN_GROUPS)),
    ],
)
def test_the_first_pictures_of_a_file_that_is_still_being_read_have_their_final_numbers(name, maker, tmp_path):
    path = make_video(tmp_path / name, maker)
    first = open_video(path, index=False)
    whole = complete_index(path, "", rotation=0)
    assert 40 < first.frame_count <= 64 and whole.starts_like(first.index)
    for frame in range(first.frame_count - 6, first.frame_count):
        assert code_in(first.read(frame)) == frame
    first.close()


def test_a_file_written_over_while_it_is_open_is_refused_and_says_so(tmp_path):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=120))
    other = make_video(tmp_path / "other.mp4", VideoMaker(frames=120, options={"crf": "30"}))
    reader = open_video(path, memory=SMALL)
    assert code_in(reader.read(3)) == 3
    path.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="has changed since it was opened"):
        reader.read(80)
    reader.close()


def test_a_file_that_was_replaced_is_refused_and_one_that_was_moved_away_is_read_on(tmp_path):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=120))
    other = make_video(tmp_path / "other.mp4", VideoMaker(frames=120, options={"crf": "30"}))
    reader = open_video(path, memory=SMALL)
    assert code_in(reader.read(3)) == 3
    path.rename(tmp_path / "elsewhere.mp4")
    assert [code_in(reader.read(frame)) for frame in (100, 64)] == [100, 64]
    other.rename(path)
    for read in (reader.read, reader.read_display, reader.read_preview):
        with pytest.raises(UserError, match="has changed since it was opened"):
            read(30)
    reader.close()


def test_a_disk_that_fails_midway_proves_nothing(tmp_path, monkeypatch):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=120))
    reader = open_video(path)
    real = container.demuxed

    def fails(*arguments):
        for count, packet in enumerate(real(*arguments)):
            if count == 50:
                return  # as FFmpeg does: an error of the disk looks like the end of the file
            yield packet

    monkeypatch.setattr("iouviewer.video.decoder.demuxed", fails)
    confirmation = Confirmation(path, reader.index)
    while confirmation.advance():
        pass
    with pytest.raises(UserError, match="only 50 of 120 packets"):
        confirmation.result()
    confirmation.close()
    reader.close()


def test_an_error_of_the_disk_is_no_end_of_the_file(tmp_path, monkeypatch):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=40))
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
    container.check_readable(path, packets)
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: Failing() if self == path else real(self, *a, **k))
    with pytest.raises(UserError, match="the disk does not give all of this file"):
        container.check_readable(path, packets)


def test_packets_that_are_others_than_the_index_has_are_not_decoded(tmp_path):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=60))
    reader = open_video(path, memory=SMALL)
    columns = {column.name: getattr(reader.index.packets, column.name) for column in fields(Packets)}
    sizes = columns["size"].copy()
    sizes[31] += 1
    reader.use_index(
        replace(reader.index, packets=Packets(**columns | {"size": sizes}), checks=np.zeros(60, np.uint32))
    )
    with pytest.raises(UserError):
        reader.read(33)
    reader.close()


PLANAR = ["yuv420p", "yuvj422p", "nv12", "nv16", "yuv420p10le", "p010le", "gbrp", "gbrp12le"]
PACKED = ["gray", "gray16le", "rgb24", "bgra", "rgb0", "rgb48le", "rgb555le", "yuyv422", "uyvy422", "y210le", "monow"]


@pytest.mark.parametrize("pixel_format", [*PLANAR, *PACKED, "x2rgb10le", "ya8"])
def test_every_pixel_counts_in_the_checksum_and_no_padding(pixel_format):
    picture = av.VideoFrame(66, 34, pixel_format)
    for number, plane in enumerate(picture.planes):
        plane.update(np.full(plane.buffer_size, 7 + number, np.uint8).tobytes())
    before = check_sum(picture)
    for plane in picture.planes:
        pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        content = bytearray(pixels.tobytes())
        depth = picture.format.padded_bits_per_pixel if len(picture.planes) == 1 else 0
        used = min((66 * depth + 7) // 8 if depth else plane.width, plane.line_size)
        at = (plane.height - 1) * plane.line_size + used - 1
        content[at] ^= 255
        plane.update(bytes(content))
        assert check_sum(picture) != before, "the last byte of the last line"
        content[at] ^= 255
        if plane.line_size > 2 * used:
            content[plane.line_size - 1] ^= 255
        plane.update(bytes(content))
        assert check_sum(picture) == before, "the padding"
