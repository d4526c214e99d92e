"""Codecs and containers beyond the common ones: exact in any order, before and after the decode check."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.image_reader import ImageReader
from tests.video.clip_builder import ClipSpec, decode_sequentially, has_encoder, make_video

MEMORY = 500_000
"""Bytes: some twenty frames, so that many reads seek."""

KINDS: tuple[tuple[str, str, str], ...] = (
    # Intra-only: editing and capturing.
    ("prores_ks", "mov", "yuv422p10le"),
    ("dnxhd", "mxf", "yuv422p"),
    ("ffv1", "mkv", "yuv420p"),
    ("huffyuv", "avi", "yuv422p"),
    ("utvideo", "avi", "yuv420p"),
    ("rawvideo", "avi", "yuv420p"),
    ("rawvideo", "nut", "yuv420p"),
    ("v210", "mov", "yuv422p10le"),
    ("dvvideo", "dv", "yuv411p"),
    ("dvvideo", "avi", "yuv420p"),
    ("jpeg2000", "mkv", "yuv420p"),
    ("cfhd", "mov", "yuv422p10le"),
    ("magicyuv", "avi", "gbrp"),
    ("vc2", "mkv", "yuv420p"),
    ("ljpeg", "avi", "yuvj420p"),
    ("mjpeg", "mkv", "yuvj422p"),
    ("png", "mov", "rgb24"),
    ("targa", "mov", "bgr24"),
    # Screen recordings and animations.
    ("qtrle", "mov", "rgb24"),
    ("cinepak", "avi", "rgb24"),
    ("zmbv", "avi", "bgr0"),
    ("flashsv", "flv", "bgr24"),
    ("gif", "gif", "rgb8"),
    ("apng", "apng", "rgb24"),
    ("apng", "png", "rgb24"),
    # Web and mobile, old and new.
    ("libvpx", "webm", "yuv420p"),
    ("libvpx-vp9", "mp4", "yuv420p"),
    ("libvpx-vp9", "webm", "yuva420p"),
    ("flv", "flv", "yuv420p"),
    ("svq1", "mov", "yuv410p"),
    ("h263", "avi", "yuv420p"),
    ("mpeg4", "3gp", "yuv420p"),
    ("rv20", "rm", "yuv420p"),
    ("wmv2", "asf", "yuv420p"),
    ("msmpeg4", "avi", "yuv420p"),
    ("snow", "avi", "yuv420p"),
    # Broadcast and recorders.
    ("mpeg1video", "mpg", "yuv420p"),
    ("mpeg2video", "vob", "yuv420p"),
    ("mpeg2video", "mxf", "yuv420p"),
    ("libx264", "mxf", "yuv422p10le"),
    ("libx264", "m2ts", "yuv420p"),
    ("libx264", "flv", "yuv420p"),
    ("libx264", "h264", "yuv420p"),
    ("libx264", "nut", "yuv420p"),
    ("libx264", "mkv", "yuv444p"),
    ("libx264rgb", "mkv", "bgr24"),
    ("libx265", "hevc", "yuv420p"),
    ("libx265", "ts", "yuv420p"),
)

_WITH_B_FRAMES = ("libx264", "libx265", "mpeg1video", "mpeg2video")
_SIZES = {"h263": (352, 288), "dvvideo": (720, 576), "dnxhd": (1280, 720), "mxf": (1280, 720)}


def spec_of(codec: str, container: str, pixel_format: str) -> ClipSpec:
    """About two GOPs, with B-frames if the codec has them."""
    width, height = _SIZES.get(codec) or _SIZES.get(container) or (160, 96)
    options = {"dnxhd": {"profile": "dnxhr_sq"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}.get(codec, {})
    if pixel_format == "yuva420p":
        options = {"auto-alt-ref": "0"}
    bframes = 2 if codec in _WITH_B_FRAMES and pixel_format != "yuv422p10le" else 0
    return ClipSpec(
        codec=codec,
        frames=26,
        gop=12,
        width=width,
        height=height,
        pix_fmt=pixel_format,
        options=options,
        bframes=bframes,
        format="apng" if codec == "apng" else None,
    )


@pytest.mark.parametrize(("codec", "container", "pixel_format"), KINDS, ids=lambda value: value)
def test_every_frame_equals_a_plain_decode_in_any_order(
    tmp_path: Path, codec: str, container: str, pixel_format: str
) -> None:
    if not has_encoder(codec):
        pytest.skip(f"this FFmpeg cannot encode {codec}")
    path = make_video(tmp_path / f"clip.{container}", spec_of(codec, container, pixel_format))
    expected, _ = decode_sequentially(path)
    assert len(expected) == 26
    reader = open_video(path, memory=MEMORY)
    assert reader.frame_count == len(expected) and not reader.damage
    shuffled = list(range(26))
    random.Random(26).shuffle(shuffled)
    for checked in (False, True):
        if checked:
            reader.use_index(run_decode_check(path, reader.index))
            assert reader.numbers_final and reader.frame_count == len(expected)
        for frame in (*shuffled, *range(26), *range(25, -1, -1)):
            assert reader.read_display(frame).exact, (checked, frame)
            assert np.array_equal(reader.read(frame), expected[frame]), (checked, frame)
    reader.close()


def test_an_animated_webp_is_refused_and_a_still_one_is_an_image(tmp_path: Path) -> None:
    still = make_image(tmp_path / "still.webp")
    assert open_video(still).frame_count == 1
    plain = bytearray(still.read_bytes())
    # The header of an extended file with the animation flag, before the content of the still file.
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes([2, 0, 0, 0, 31, 0, 0, 23, 0, 0]) + plain[12:]
    moving = tmp_path / "moving.webp"
    moving.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    with pytest.raises(UserError, match="animation"):
        open_video(moving)


def test_a_plain_png_is_an_image(tmp_path: Path) -> None:
    assert isinstance(open_video(make_image(tmp_path / "still.png")), ImageReader)


def with_text(png: bytes, text: bytes) -> bytes:
    """A PNG file with a text chunk before its pixels."""
    body = b"tEXtComment\0" + text
    at = png.index(b"IHDR") + 4 + 13 + 4
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:at] + chunk + png[at:]


def make_image(path: Path) -> Path:
    """Write an image of 32 x 24 pixels."""
    cv2.imwrite(str(path), np.full((24, 32, 3), 90, np.uint8))
    return path


@pytest.mark.parametrize("suffix", ["png", "apng"])
def test_an_animation_is_detected_after_any_text_before_its_pixels(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip.{suffix}", spec_of("apng", "apng", "rgb24"))
    path.write_bytes(with_text(path.read_bytes(), b"acTL and IDAT " * 900))
    reader = open_video(path)
    assert reader.frame_count == 26
    expected, _ = decode_sequentially(make_video(tmp_path / "plain.apng", spec_of("apng", "apng", "rgb24")))
    assert np.array_equal(reader.read(20), expected[20])
    reader.close()


def test_text_in_a_plain_png_does_not_make_it_an_animation(tmp_path: Path) -> None:
    path = make_image(tmp_path / "still.png")
    path.write_bytes(with_text(path.read_bytes(), b"acTL"))
    assert isinstance(open_video(path), ImageReader)
