"""Builds edge-case and damaged videos with PyAV alone. Each frame carries its number as a barcode."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

BITS, BLOCK, BAND = 8, 18, 20
"""Two rows of eight blocks encode sixteen bits."""


def render_frame(number: int, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: the barcode above a moving texture, so that frames reference each other."""
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


def read_barcode(image: np.ndarray, rotation: int = 0) -> int:
    """The number in an image of any size (h, w, 3), rotated clockwise by ``rotation``; -1 if a bit is unclear."""
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
class ClipSpec:
    """How a clip is encoded.

    Attributes:
        stamps: timestamp of frame i, in units of ``time_base``.
        restamp: replaces the timestamps of the i-th packet.
        postprocess: changes the finished file.
        first_barcode: barcode of the first displayed frame.
        extra_audio: seconds by which the audio is longer than the video.
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
    postprocess: Callable[[Path], None] | None = None
    first_barcode: int = 0
    rotation: int = 0
    audio: bool = False
    extra_audio: float = 0.0

    def encoder_options(self) -> dict[str, str]:
        """Options of the encoder."""
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
def _preserved_scheduling() -> Iterator[None]:
    """Undo SVT-AV1's change of the encoding thread, and all threads it starts later, to real time (as root).

    Such a process starves all others on the machine: tests that wait for another process then fail or hang.
    """
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@_preserved_scheduling()
def make_video(path: Path, spec: ClipSpec) -> Path:
    """Encode the clip, and return its path."""
    with av.open(str(path), "w", format=spec.format, options=spec.container) as output:
        stream = output.add_stream(spec.codec, rate=spec.rate, options=spec.encoder_options())
        stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, spec.pix_fmt
        stream.codec_context.time_base = spec.time_base
        if spec.sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = spec.sample_aspect_ratio
        if spec.audio:
            _add_audio(output, spec.frames / spec.rate + spec.extra_audio)
        written = 0
        for number in range(spec.frames + 1):
            frame = None
            if number < spec.frames:
                frame = av.VideoFrame.from_ndarray(render_frame(number, spec.width, spec.height), "bgr24")
                frame = frame.reformat(format=spec.pix_fmt)
                frame.pts, frame.time_base = spec.stamps(number), spec.time_base
            for packet in stream.encode(frame):
                if spec.restamp is not None:
                    packet.pts = packet.dts = spec.restamp(written)
                written += 1
                output.mux(packet)
    if spec.postprocess is not None:
        spec.postprocess(path)
    return path


def _add_audio(output: av.container.OutputContainer, seconds: float) -> None:
    """Add a quiet tone."""
    stream = output.add_stream("aac", rate=16_000, layout="mono")
    for start in range(0, int(16_000 * seconds), 1024):
        wave = 0.1 * np.sin(np.arange(start, start + 1024) / 6).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def decode_sequentially(path: Path) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Every frame, (h, w, 3) uint8, of a plain single-threaded decode, not rotated, and its (PTS, occurrence)."""
    frames = []
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
                decoded = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in decoded:
                frames.append(frame.to_ndarray(format="bgr24", interpolation="BICUBIC"))
                stamps.append((frame.pts, seen[frame.pts]))
                seen[frame.pts] += 1
    return frames, stamps


def clip_factory(folder: Path) -> Callable[[str], Path]:
    """Path of a clip by its name in ``EDGE_CASES`` or ``DAMAGED_CLIPS``, built in ``folder`` on first use."""

    def path_of(name: str) -> Path:
        spec = EDGE_CASES.get(name) or DAMAGED_CLIPS[name]
        if not has_encoder(spec.codec):
            pytest.skip(f"this build of PyAV has no encoder {spec.codec}")
        path = folder / name
        return path if path.exists() else make_video(path, spec)

    return path_of


def corrupt_bytes(
    data: bytes, generator: np.random.Generator, *, cut: bool, places: int = 5, longest: int = 79
) -> bytes:
    """The file with noise in up to ``places`` places of up to ``longest`` bytes, truncated if ``cut``."""
    broken = bytearray(data)
    for _ in range(int(generator.integers(1, places + 1))):
        at, length = int(generator.integers(0, len(broken))), int(generator.integers(1, longest + 1))
        broken[at : at + length] = generator.integers(0, 256, length, dtype=np.uint8).tobytes()[: len(broken) - at]
    return bytes(broken[: int(generator.integers(1, len(broken)))] if cut else broken)


# -- changes to encoded files ----------------------------------------------------------------------------------------


def _patch(path: Path, box: bytes, change: Callable[[bytearray, int], None]) -> None:
    data = bytearray(path.read_bytes())
    at = data.find(box)
    assert at > 0, f"no {box!r} in {path.name}"
    change(data, at + 4)
    path.write_bytes(data)


def set_rotation(degrees: int) -> Callable[[Path], None]:
    """Write a clockwise rotation into the track header."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (value << 16 for value in matrices[degrees])

    def change(data: bytearray, at: int) -> None:
        struct.pack_into(">9i", data, at + 40, a, b, 0, c, d, 0, 0, 0, 1 << 30)

    return lambda path: _patch(path, b"tkhd", change)


def trim_with_edit_list(ticks: int) -> Callable[[Path], None]:
    """Move the start of the edit list: the first frames are decoded but not displayed."""

    def change(data: bytearray, at: int) -> None:
        duration, media_time = struct.unpack_from(">Ii", data, at + 8)
        struct.pack_into(">Ii", data, at + 8, duration, media_time + ticks)

    return lambda path: _patch(path, b"elst", change)


def remove_keyframe_list(path: Path) -> None:
    """Remove the list of keyframes from an MP4 or MOV, which then marks every frame as one."""

    def change(data: bytearray, at: int) -> None:
        data[at - 4 : at] = b"free"

    _patch(path, b"stss", change)


def truncate(share: float) -> Callable[[Path], None]:
    """Keep this share of the file's bytes."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def corrupt(*shares: float, length: int = 40) -> Callable[[Path], None]:
    """Overwrite ``length`` bytes with noise at these shares of the file."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        noise = np.random.default_rng(5).integers(0, 256, length, dtype=np.uint8).tobytes()
        for share in shares:
            at = int(len(data) * share)
            data[at : at + length] = noise
        path.write_bytes(data)

    return change


def _irregular_stamp(number: int) -> int:
    """Milliseconds, mostly 40 apart, with bursts and a long gap."""
    return number * 40 + (number % 7) * 5 + (3000 if number >= 50 else 0) + (number // 20) * 11


EDGE_CASES: dict[str, ClipSpec] = {
    "plain.mp4": ClipSpec(),
    "b_frames.mp4": ClipSpec(bframes=3),
    "open_gop.mp4": ClipSpec(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "open_gop.mkv": ClipSpec(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "open_gop.ts": ClipSpec(bframes=3, options={"x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}),
    "variable_rate.mp4": ClipSpec(bframes=2, time_base=Fraction(1, 1000), stamps=_irregular_stamp),
    "variable_rate.mkv": ClipSpec(bframes=2, time_base=Fraction(1, 1000), stamps=_irregular_stamp),
    "starts_late.mp4": ClipSpec(bframes=2, stamps=lambda number: number + 75),
    "starts_late.mkv": ClipSpec(bframes=2, stamps=lambda number: number + 75),
    "edit_list.mp4": ClipSpec(bframes=2, postprocess=trim_with_edit_list(12 * 512), first_barcode=12),
    "edit_list_groups.mp4": ClipSpec(bframes=2, postprocess=trim_with_edit_list(45 * 512), first_barcode=45),
    "fragmented.mp4": ClipSpec(bframes=2, container={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "stream.ts": ClipSpec(bframes=2),
    "sound.mp4": ClipSpec(bframes=2, audio=True),
    "sound.mkv": ClipSpec(bframes=2, audio=True),
    "sound.ts": ClipSpec(bframes=2, audio=True),
    "mpeg2.ts": ClipSpec(codec="mpeg2video", bframes=2, gop=12),
    "rotated_90.mp4": ClipSpec(bframes=2, postprocess=set_rotation(90), rotation=90),
    "rotated_180.mp4": ClipSpec(bframes=2, postprocess=set_rotation(180), rotation=180),
    "rotated_270.mov": ClipSpec(bframes=2, postprocess=set_rotation(270), rotation=270),
    "wide_pixels.mp4": ClipSpec(sample_aspect_ratio=Fraction(4, 3)),
    "odd_size.mp4": ClipSpec(width=161, height=97, pix_fmt="yuv444p"),
    "odd_size.avi": ClipSpec(codec="mpeg4", width=161, height=97),
    "ten_bit.mp4": ClipSpec(pix_fmt="yuv420p10le", bframes=2),
    "full_range.mp4": ClipSpec(pix_fmt="yuvj420p"),
    "interlaced.mp4": ClipSpec(bframes=2, options={"flags": "+ildct+ilme", "x264-params": "tff=1"}),
    "interlaced.ts": ClipSpec(codec="mpeg2video", bframes=2, gop=12, options={"flags": "+ildct+ilme"}),
    "intra_refresh.mp4": ClipSpec(options={"x264-params": "intra-refresh=1"}),
    "intra_refresh.ts": ClipSpec(options={"x264-params": "intra-refresh=1"}),
    "one_frame.mp4": ClipSpec(frames=1),
    "one_frame.mkv": ClipSpec(frames=1),
    "two_frames.mp4": ClipSpec(frames=2, bframes=2),
    "b_frames.avi": ClipSpec(bframes=2),
    "mpeg4.avi": ClipSpec(codec="mpeg4", bframes=2, gop=12),
    "mpeg4.mp4": ClipSpec(codec="mpeg4", bframes=2, gop=12),
    "mjpeg.avi": ClipSpec(codec="mjpeg", pix_fmt="yuvj420p"),
    "mjpeg.mov": ClipSpec(codec="mjpeg", pix_fmt="yuvj420p"),
    "equal_stamps.mkv": ClipSpec(codec="mjpeg", pix_fmt="yuvj420p", restamp=lambda number: number // 3 * 120),
    "raw.h264": ClipSpec(bframes=2, format="h264"),
    "hevc.mp4": ClipSpec(codec="libx265", bframes=3),
    "hevc_open_gop.mkv": ClipSpec(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"}),
    "hevc_open_gop.ts": ClipSpec(codec="libx265", bframes=3, options={"x265-params": "open-gop=1"}),
    "hevc_10_bit.mp4": ClipSpec(codec="libx265", bframes=3, pix_fmt="yuv420p10le"),
    "vp9.webm": ClipSpec(codec="libvpx-vp9"),
    "vp9_hidden.webm": ClipSpec(
        codec="libvpx-vp9", options={"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16"}
    ),
    "av1.mp4": ClipSpec(codec="libsvtav1"),
    "av1.webm": ClipSpec(codec="libsvtav1"),
}
"""Undamaged files: every frame must be decoded, in order."""

DAMAGED_CLIPS: dict[str, ClipSpec] = {
    "cut.mp4": ClipSpec(bframes=2, container={"movflags": "faststart"}, postprocess=truncate(0.63)),
    "cut.mkv": ClipSpec(bframes=2, postprocess=truncate(0.63)),
    "cut.ts": ClipSpec(bframes=2, postprocess=truncate(0.63)),
    "cut.webm": ClipSpec(codec="libvpx-vp9", postprocess=truncate(0.63)),
    "cut.avi": ClipSpec(codec="mpeg4", bframes=2, postprocess=truncate(0.63)),
    "damaged.mp4": ClipSpec(bframes=2, container={"movflags": "faststart"}, postprocess=corrupt(0.4, 0.7)),
    "damaged.mkv": ClipSpec(bframes=2, postprocess=corrupt(0.4, 0.7)),
    "damaged.ts": ClipSpec(bframes=2, postprocess=corrupt(0.4, 0.7, length=400)),
    "damaged.avi": ClipSpec(codec="mpeg4", bframes=2, postprocess=corrupt(0.4, 0.7)),
    "damaged_hevc.mp4": ClipSpec(
        codec="libx265", bframes=2, container={"movflags": "faststart"}, postprocess=corrupt(0.5, 0.8, length=60)
    ),
    "damaged_vp9.webm": ClipSpec(codec="libvpx-vp9", postprocess=corrupt(0.5, length=60)),
}
"""Truncated and damaged files."""


def has_encoder(codec: str) -> bool:
    """Whether this build of PyAV can encode such a clip."""
    try:
        av.Codec(codec, "w")
    except (av.error.FFmpegError, ValueError):
        return False
    return True
