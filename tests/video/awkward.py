"""Makes the videos that readers get wrong, with PyAV alone. Each picture carries its number as a barcode."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

BITS, BLOCK, BAND = 8, 18, 20
"""Two bands of eight blocks hold sixteen bits."""


def picture(number: int, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: the barcode above a texture that moves, so that pictures lean on each other."""
    image = np.empty((height, width, 3), np.uint8)
    across = np.arange(width)[None, :] * 3 + number * 5
    down = np.arange(height)[:, None] * 2 - number * 3
    image[..., 0] = (across + down) % 256
    image[..., 1] = (across // 2 + number) % 256
    image[..., 2] = (down + 40 * np.sin(across / 17)) % 256
    for bit in range(2 * BITS):
        row, column = divmod(bit, BITS)
        on = (number >> bit) & 1
        image[row * BAND : (row + 1) * BAND, column * BLOCK : (column + 1) * BLOCK] = 235 if on else 20
    return image


def code_in(image: np.ndarray, rotation: int = 0) -> int:
    """The number in a picture of any size (h, w, 3), turned clockwise by ``rotation``; -1 where a bit is unclear."""
    upright = np.rot90(image, k=rotation // 90)
    number = 0
    for bit in range(2 * BITS):
        row, column = divmod(bit, BITS)
        block = upright[row * BAND + 5 : (row + 1) * BAND - 5, column * BLOCK + 5 : (column + 1) * BLOCK - 5]
        level = float(block.mean())
        if 90 < level < 165 or block.std() > 40:
            return -1
        number |= int(level > 128) << bit
    return number


@dataclass(frozen=True)
class VideoMaker:
    """How a clip is encoded. ``stamps(i)`` gives the time stamp of picture i in units of ``time_base``.

    ``more_sound``: seconds that the sound lasts longer than the pictures.
    """

    codec: str = "libx264"
    frames: int = 80
    width: int = 160
    height: int = 96
    gop: int = 20
    bframes: int = 0
    pix_fmt: str = "yuv420p"
    time_base: Fraction = Fraction(1, 25)
    rate: int = 25
    stamps: Callable[[int], int] = int
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    sample_aspect_ratio: Fraction | None = None
    restamp: Callable[[int], int] | None = None
    finish: Callable[[Path], None] | None = None
    first_code: int = 0
    rotation: int = 0
    sound: bool = False
    more_sound: float = 0.0

    def encoder_options(self) -> dict[str, str]:
        """Options of the encoder by its name."""
        if self.codec == "libx264":
            base = {"preset": "veryfast", "crf": "20", "sc_threshold": "0", "keyint_min": str(self.gop)}
        elif self.codec == "libx265":
            base = {"preset": "ultrafast", "x265-params": f"log-level=none:keyint={self.gop}:bframes={self.bframes}"}
        elif self.codec == "libsvtav1":
            base = {"preset": "12", "crf": "30"}
        elif self.codec == "libvpx-vp9":
            base = {"deadline": "realtime", "cpu-used": "6", "crf": "20", "b": "0"}
        else:
            base = {"b": "1500000"}
        base |= {"g": str(self.gop), "bf": str(self.bframes)}
        extra = dict(self.options)
        for joined in ("x264-params", "x265-params"):
            if joined in extra and joined in base:
                extra[joined] = f"{base[joined]}:{extra[joined]}"
        return base | extra


@contextmanager
def _scheduling_kept() -> Iterator[None]:
    """SVT-AV1 makes the thread that encodes, and so all that it starts later, one of real time where it may (as root).

    Such a process starves every other on the machine: tests that wait for another process then fail or hang.
    """
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@_scheduling_kept()
def make_video(path: Path, maker: VideoMaker) -> Path:
    """Encode the clip; the path."""
    with av.open(str(path), "w", format=maker.format, options=maker.container) as output:
        stream = output.add_stream(maker.codec, rate=maker.rate, options=maker.encoder_options())
        stream.width, stream.height, stream.pix_fmt = maker.width, maker.height, maker.pix_fmt
        stream.codec_context.time_base = maker.time_base
        if maker.sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = maker.sample_aspect_ratio
        if maker.sound:
            _add_sound(output, maker.frames / maker.rate + maker.more_sound)
        written = 0
        for number in range(maker.frames + 1):
            frame = None
            if number < maker.frames:
                frame = av.VideoFrame.from_ndarray(picture(number, maker.width, maker.height), "bgr24")
                frame = frame.reformat(format=maker.pix_fmt)
                frame.pts, frame.time_base = maker.stamps(number), maker.time_base
            for packet in stream.encode(frame):
                if maker.restamp is not None:
                    packet.pts = packet.dts = maker.restamp(written)
                written += 1
                output.mux(packet)
    if maker.finish is not None:
        maker.finish(path)
    return path


def _add_sound(output: av.container.OutputContainer, seconds: float) -> None:
    """A quiet tone beside the pictures."""
    stream = output.add_stream("aac", rate=16_000, layout="mono")
    for start in range(0, int(16_000 * seconds), 1024):
        wave = 0.1 * np.sin(np.arange(start, start + 1024) / 6).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def sequential(path: Path) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Every picture, (h, w, 3) uint8, of a plain single-threaded decode, not turned, and its (stamp, occurrence)."""
    pictures = []
    stamps: list[tuple[int, int]] = []
    seen: Counter[int] = Counter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                break
            if packet is None:
                break
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                pictures.append(frame.to_ndarray(format="bgr24", interpolation="BICUBIC"))
                stamps.append((frame.pts, seen[frame.pts]))
                seen[frame.pts] += 1
    return pictures, stamps


def clips_in(folder: Path) -> Callable[[str], Path]:
    """Path of a clip by its name in ``MAKERS`` or ``BROKEN``, made in ``folder`` when it is first asked for."""

    def path_of(name: str) -> Path:
        maker = MAKERS.get(name) or BROKEN[name]
        if not encoder_exists(maker.codec):
            pytest.skip(f"this build of PyAV has no encoder {maker.codec}")
        path = folder / name
        return path if path.exists() else make_video(path, maker)

    return path_of


def broken_bytes(
    data: bytes, generator: np.random.Generator, *, cut: bool, places: int = 5, longest: int = 79
) -> bytes:
    """The same file with noise in up to ``places`` places of up to ``longest`` bytes, perhaps cut short as well."""
    broken = bytearray(data)
    for _ in range(int(generator.integers(1, places + 1))):
        at, length = int(generator.integers(0, len(broken))), int(generator.integers(1, longest + 1))
        broken[at : at + length] = generator.integers(0, 256, length, dtype=np.uint8).tobytes()[: len(broken) - at]
    return bytes(broken[: int(generator.integers(1, len(broken)))] if cut else broken)


# -- files that need a hand after encoding ---------------------------------------------------------------------------


def _patch(path: Path, box: bytes, change: Callable[[bytearray, int], None]) -> None:
    data = bytearray(path.read_bytes())
    at = data.find(box)
    assert at > 0, f"no {box!r} in {path.name}"
    change(data, at + 4)
    path.write_bytes(data)


def turn(degrees: int) -> Callable[[Path], None]:
    """Write a rotation (clockwise) into the track header."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (value << 16 for value in matrices[degrees])

    def change(data: bytearray, at: int) -> None:
        struct.pack_into(">9i", data, at + 40, a, b, 0, c, d, 0, 0, 0, 1 << 30)

    return lambda path: _patch(path, b"tkhd", change)


def cut_by_edit_list(ticks: int) -> Callable[[Path], None]:
    """Move the start of the edit list: the first pictures are decoded but not shown."""

    def change(data: bytearray, at: int) -> None:
        duration, media_time = struct.unpack_from(">Ii", data, at + 8)
        struct.pack_into(">Ii", data, at + 8, duration, media_time + ticks)

    return lambda path: _patch(path, b"elst", change)


def without_key_list(path: Path) -> None:
    """Take the list of key frames out of an MP4 or MOV, which then calls every picture one."""

    def change(data: bytearray, at: int) -> None:
        data[at - 4 : at] = b"free"

    _patch(path, b"stss", change)


def truncate(share: float) -> Callable[[Path], None]:
    """Keep this share of the file's bytes."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def damage(*shares: float, length: int = 40) -> Callable[[Path], None]:
    """Overwrite ``length`` bytes at these places."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        noise = np.random.default_rng(5).integers(0, 256, length, dtype=np.uint8).tobytes()
        for share in shares:
            at = int(len(data) * share)
            data[at : at + length] = noise
        path.write_bytes(data)

    return change


def _uneven(number: int) -> int:
    """Milliseconds: mostly 40 apart, with bursts and a long gap."""
    return number * 40 + (number % 7) * 5 + (3000 if number >= 50 else 0) + (number // 20) * 11


MAKERS: dict[str, VideoMaker] = {
    "plain.mp4": VideoMaker(),
    "b_frames.mp4": VideoMaker(bframes=3),
    "open_gop.mp4": VideoMaker(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "open_gop.mkv": VideoMaker(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "open_gop.ts": VideoMaker(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "variable_rate.mp4": VideoMaker(bframes=2, time_base=Fraction(1, 1000), stamps=_uneven),
    "variable_rate.mkv": VideoMaker(bframes=2, time_base=Fraction(1, 1000), stamps=_uneven),
    "starts_late.mp4": VideoMaker(bframes=2, stamps=lambda number: number + 75),
    "starts_late.mkv": VideoMaker(bframes=2, stamps=lambda number: number + 75),
    "edit_list.mp4": VideoMaker(bframes=2, finish=cut_by_edit_list(12 * 512), first_code=12),
    "edit_list_groups.mp4": VideoMaker(bframes=2, finish=cut_by_edit_list(45 * 512), first_code=45),
    "fragmented.mp4": VideoMaker(bframes=2, container={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "stream.ts": VideoMaker(bframes=2),
    "sound.mp4": VideoMaker(bframes=2, sound=True),
    "sound.mkv": VideoMaker(bframes=2, sound=True),
    "sound.ts": VideoMaker(bframes=2, sound=True),
    "mpeg2.ts": VideoMaker(codec="mpeg2video", bframes=2, gop=12),
    "turned_90.mp4": VideoMaker(bframes=2, finish=turn(90), rotation=90),
    "turned_180.mp4": VideoMaker(bframes=2, finish=turn(180), rotation=180),
    "turned_270.mov": VideoMaker(bframes=2, finish=turn(270), rotation=270),
    "wide_pixels.mp4": VideoMaker(sample_aspect_ratio=Fraction(4, 3)),
    "odd_size.mp4": VideoMaker(width=161, height=97, pix_fmt="yuv444p"),
    "odd_size.avi": VideoMaker(codec="mpeg4", width=161, height=97),
    "ten_bit.mp4": VideoMaker(pix_fmt="yuv420p10le", bframes=2),
    "full_range.mp4": VideoMaker(pix_fmt="yuvj420p"),
    "interlaced.mp4": VideoMaker(bframes=2, options={"flags": "+ildct+ilme", "x264-params": "tff=1"}),
    "interlaced.ts": VideoMaker(codec="mpeg2video", bframes=2, gop=12, options={"flags": "+ildct+ilme"}),
    "intra_refresh.mp4": VideoMaker(options={"x264-params": "intra-refresh=1"}),
    "intra_refresh.ts": VideoMaker(options={"x264-params": "intra-refresh=1"}),
    "one_frame.mp4": VideoMaker(frames=1),
    "one_frame.mkv": VideoMaker(frames=1),
    "two_frames.mp4": VideoMaker(frames=2, bframes=2),
    "b_frames.avi": VideoMaker(bframes=2),
    "mpeg4.avi": VideoMaker(codec="mpeg4", bframes=2, gop=12),
    "mpeg4.mp4": VideoMaker(codec="mpeg4", bframes=2, gop=12),
    "mjpeg.avi": VideoMaker(codec="mjpeg", pix_fmt="yuvj420p"),
    "mjpeg.mov": VideoMaker(codec="mjpeg", pix_fmt="yuvj420p"),
    "equal_stamps.mkv": VideoMaker(codec="mjpeg", pix_fmt="yuvj420p", restamp=lambda number: number // 3 * 120),
    "raw.h264": VideoMaker(bframes=2, format="h264"),
    "hevc.mp4": VideoMaker(codec="libx265", bframes=3),
    "hevc_open_gop.mkv": VideoMaker(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"}),
    "hevc_open_gop.ts": VideoMaker(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"}),
    "hevc_10_bit.mp4": VideoMaker(codec="libx265", bframes=3, pix_fmt="yuv420p10le"),
    "vp9.webm": VideoMaker(codec="libvpx-vp9"),
    "vp9_hidden.webm": VideoMaker(
        codec="libvpx-vp9", options={"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16"}
    ),
    "av1.mp4": VideoMaker(codec="libsvtav1"),
    "av1.webm": VideoMaker(codec="libsvtav1"),
}
"""Whole files: every picture must come out, in order."""

BROKEN: dict[str, VideoMaker] = {
    "cut.mp4": VideoMaker(bframes=2, container={"movflags": "faststart"}, finish=truncate(0.63)),
    "cut.mkv": VideoMaker(bframes=2, finish=truncate(0.63)),
    "cut.ts": VideoMaker(bframes=2, finish=truncate(0.63)),
    "cut.webm": VideoMaker(codec="libvpx-vp9", finish=truncate(0.63)),
    "cut.avi": VideoMaker(codec="mpeg4", bframes=2, finish=truncate(0.63)),
    "damaged.mp4": VideoMaker(bframes=2, container={"movflags": "faststart"}, finish=damage(0.4, 0.7)),
    "damaged.mkv": VideoMaker(bframes=2, finish=damage(0.4, 0.7)),
    "damaged.ts": VideoMaker(bframes=2, finish=damage(0.4, 0.7, length=400)),
    "damaged.avi": VideoMaker(codec="mpeg4", bframes=2, finish=damage(0.4, 0.7)),
    "damaged_hevc.mp4": VideoMaker(
        codec="libx265", bframes=2, container={"movflags": "faststart"}, finish=damage(0.5, 0.8, length=60)
    ),
    "damaged_vp9.webm": VideoMaker(codec="libvpx-vp9", finish=damage(0.5, length=60)),
}
"""Files that hold less than they promise."""


def encoder_exists(codec: str) -> bool:
    """Whether this build of PyAV can make such a clip."""
    try:
        av.Codec(codec, "w")
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def with_options(maker: VideoMaker, **options: str) -> VideoMaker:
    """The same clip with more options of the encoder."""
    return replace(maker, options=maker.options | options)
