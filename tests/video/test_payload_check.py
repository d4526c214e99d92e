"""Damage in HEVC and VP9 that their decoders pass over in silence is found, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video, reasons
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import VideoIndex
from iouviewer.video.payload_check import PayloadCheck
from iouviewer.video.reader import VideoReader
from tests.video import clip_builder
from tests.video.clip_builder import EDGE_CASES, ClipSpec, corrupt_bytes, has_encoder, make_video

SILENT = sorted(name for name in EDGE_CASES if name.startswith(("hevc", "vp9")))

Picture = np.ndarray


def x265(parameters: str, **more: object) -> ClipSpec:
    return ClipSpec(codec="libx265", bframes=3, options={"x265-params": parameters}, frames=40, **more)  # type: ignore[arg-type]


SOUND = {
    "slices.mp4": x265("slices=3", height=256),
    "one_thread.ts": x265("wpp=0"),
    "coarse.ts": x265("crf=45", width=320, height=240),
    "hash.mp4": x265("hash=1"),
    "lossless.mp4": x265("lossless=1"),
    "rate.mp4": x265("hrd=1:vbv-maxrate=500:vbv-bufsize=500", width=320, height=240),
    "tiles.webm": ClipSpec(codec="libvpx-vp9", width=1024, frames=20, options={"tile-columns": "2", "row-mt": "1"}),
    "444.webm": ClipSpec(codec="libvpx-vp9", frames=20, pix_fmt="yuv444p"),
}
"""Sound files with what encoders may do to the end of a slice."""


def built(folder: Path, name: str, spec: ClipSpec) -> Path:
    if not has_encoder(spec.codec):
        pytest.skip(f"this build of PyAV has no encoder {spec.codec}")
    return make_video(folder / name, spec)


def damaged_packets(path: Path) -> list[int]:
    reader = open_video(path)
    check = PayloadCheck(path, reader.index)
    assert check.is_needed
    try:
        while not check.done:
            check.advance()
    finally:
        check.close()
        reader.close()
    return check.damaged


@pytest.mark.parametrize("name", SILENT)
def test_the_unusual_kinds_are_sound(name, clip):
    assert damaged_packets(clip(name)) == []


@pytest.mark.parametrize("name", SOUND)
def test_no_sound_file_is_called_damaged(name, tmp_path):
    assert damaged_packets(built(tmp_path, name, SOUND[name])) == []


@pytest.mark.parametrize("kind", ["still", "flat", "noise", "spot"])
@pytest.mark.parametrize("codec", ["libx265", "libvpx-vp9"])
def test_pictures_that_need_hardly_any_data_are_not_called_damaged(kind, codec, tmp_path, monkeypatch):
    """Where nothing moves, a slice has so few decisions that other bytes may say the same."""
    draw = clip_builder.render_frame

    def picture(number: int, width: int, height: int) -> Picture:
        if kind == "still":
            return draw(0, width, height)
        if kind == "noise":
            return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = np.full((height, width, 3), 80, np.uint8)
        if kind == "spot":
            image[10:14, number : number + 4] = 200
        return image

    monkeypatch.setattr(clip_builder, "render_frame", picture)
    name = "clip.mp4" if codec == "libx265" else "clip.webm"
    path = built(tmp_path, name, ClipSpec(codec=codec, bframes=3, width=320, height=240, frames=60))
    assert damaged_packets(path) == []


def pictures(path: Path, index: VideoIndex | None = None) -> tuple[VideoReader, dict[int, Picture]]:
    """The reader and the picture of each time stamp that can be read."""
    reader = open_video(path)
    assert isinstance(reader, VideoReader)
    if index is not None:
        reader.use_index(index)
    found = {}
    for frame in range(reader.frame_count):
        try:
            found[int(reader.index.frame_pts[frame])] = reader.read(frame).astype(np.int16)
        except UserError:
            continue
    return reader, found


def largest_difference(one: Picture, other: Picture) -> float:
    """Grey levels by which the blocks of 16 pixels differ most."""
    if one.shape != other.shape:
        return 255.0
    height, width = (size // 16 * 16 for size in one.shape[:2])
    difference = np.abs(one - other)[:height, :width].mean(axis=2)
    return float(difference.reshape(height // 16, 16, width // 16, 16).mean(axis=(1, 3)).max())


@pytest.mark.parametrize("name", ["hevc.mp4", "vp9.webm"])
def test_pictures_off_by_twenty_grey_levels_are_marked(name, clip, tmp_path):
    """The sixteen damaged files of the fuzz. Before, none of their frames was marked."""
    source = clip(name)
    reader, sound = pictures(source)
    reader.close()
    data, generator = source.read_bytes(), np.random.default_rng(7)
    wrong = marked = files = 0
    for attempt in range(16):
        path = tmp_path / f"{attempt}{source.suffix}"
        path.write_bytes(corrupt_bytes(data, generator, cut=False))
        try:
            index = run_decode_check(path, open_video(path).index)
        except UserError:
            continue  # refused as a whole
        reader, shown = pictures(path, index)
        numbers = {int(stamp): frame for frame, stamp in enumerate(reader.index.frame_pts)}
        off = [s for s in shown if s in sound and largest_difference(shown[s], sound[s]) > 20]
        files += bool(off)
        wrong += len(off)
        marked += sum(numbers[stamp] in reader.index.damaged_frames for stamp in off)
        reader.close()
    assert files >= 6 and wrong >= 60, "the damage is visible"
    assert marked >= 0.95 * wrong, f"{marked} of {wrong} wrong pictures are marked"


def test_the_damaged_packet_and_what_follows_in_its_group_are_marked(tmp_path):
    path = built(tmp_path, "clip.webm", ClipSpec(codec="libvpx-vp9", frames=60))
    index = open_video(path).index
    packet = 25
    at, size = int(index.packets.pos[packet]), int(index.packets.size[packet])
    data = bytearray(path.read_bytes())
    start = at + size // 2
    data[start : start + 40] = np.random.default_rng(1).integers(0, 256, 40, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    reader = open_video(path)
    checked = run_decode_check(path, reader.index)
    assert checked is not None
    group = index.gop_of(packet)
    assert checked.damaged_frames == frozenset(range(packet, group[1]))
    found = {damage.frame: damage.reason for damage in checked.damage}
    assert found[packet] == reasons.DATA_DAMAGED
    assert "data of this frame is damaged" in reasons.describe(found[packet])
    reader.use_index(checked)
    assert reader.read_display(packet).damaged and not reader.read_display(packet - 1).damaged
    reader.close()


def test_other_codecs_are_not_checked_twice(clip):
    check = PayloadCheck(clip("plain.mp4"), open_video(clip("plain.mp4")).index)
    assert check.done and not check.is_needed


def test_a_build_without_libvpx_finds_less_and_does_not_fail(clip, monkeypatch):
    import av

    create = av.CodecContext.create

    def without_libvpx(codec: str, mode: str) -> object:
        if codec == "libvpx-vp9":
            raise ValueError("no such decoder")
        return create(codec, mode)

    monkeypatch.setattr(av, "CodecContext", type("Context", (), {"create": staticmethod(without_libvpx)}))
    assert damaged_packets(clip("vp9.webm")) == []
