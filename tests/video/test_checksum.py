"""The checksum detects any difference between frames, and does not depend on the padding."""

from __future__ import annotations

import zlib

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.video import checksum
from iouviewer.video.checksum import frame_checksum

WIDTH, HEIGHT = 66, 34


def empty(pixel_format: str = "yuv420p", width: int = WIDTH, height: int = HEIGHT) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def lines_of(frame: av.VideoFrame, plane: int) -> np.ndarray:
    """(lines, bytes) uint8, writable, without the padding."""
    of = frame.planes[plane]
    return np.frombuffer(of, np.uint8).reshape(of.height, of.line_size)[:, : of.width]


def changed(*changes: tuple[int, int, int, int], width: int = WIDTH) -> int:
    """Checksum of the empty frame after these changes: (plane, line, place, difference)."""
    frame = empty(width=width)
    for plane, line, place, difference in changes:
        lines_of(frame, plane)[line, place] += np.uint8(difference % 256)
    return frame_checksum(frame)


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_every_single_pixel_changes_the_checksum_and_all_changes_differ(plane):
    height, width = lines_of(empty(), plane).shape
    sums = {changed((plane, line, place, 1)) for line in range(height) for place in range(width)}
    assert len(sums) == height * width and changed() not in sums


PLACES = st.tuples(st.integers(0, 2), st.integers(0, HEIGHT // 2 - 1), st.integers(0, WIDTH // 2 - 1))
CHANGES = st.dictionaries(PLACES, st.integers(1, 255), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(CHANGES)
def test_any_few_changed_pixels_change_the_checksum(changes):
    assert changed(*((*place, difference) for place, difference in changes.items())) != changed()


def test_changes_that_cancel_out_in_the_sum_of_a_line_are_detected():
    # Only eight bits of the weight count for the last byte of a word, so some of many pairs have equal line sums.
    last = range(7, 256, 8)
    pairs = [(a, b, d) for a in last for b in last if a < b for d in (1, 2, 64, 128)]
    unchanged, line = changed(width=256), 5
    weights = checksum.word_weights(32)
    agree = [(a, b, d) for a, b, d in pairs if (int(weights[a // 8]) - int(weights[b // 8])) * (d << 56) % 2**64 == 0]
    assert agree, "such pairs exist"
    for a, b, d in agree:
        assert changed((0, line, a, d), (0, line, b, -d), width=256) != unchanged


def test_swapped_lines_and_columns_are_detected():
    frame, turned, moved = empty(width=64), empty(width=64), empty(width=64)
    pixels = np.random.default_rng(1).integers(0, 256, lines_of(frame, 0).shape, dtype=np.uint8)
    lines_of(frame, 0)[:] = pixels
    lines_of(turned, 0)[:] = pixels[::-1]
    lines_of(moved, 0)[:] = np.roll(pixels, 8, axis=1)
    assert len({frame_checksum(one) for one in (frame, turned, moved)}) == 3


def test_the_weights_are_the_same_on_every_machine_and_numpy_version():
    assert zlib.crc32(checksum.word_weights(512).astype("<u8")) == 0xCDD40DF3


def test_all_frames_of_a_clip_have_different_checksums(clip):
    with av.open(str(clip("plain.mp4"))) as container:
        assert len({frame_checksum(frame) for frame in container.decode(video=0)}) == 80
