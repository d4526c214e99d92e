"""The checksum tells pictures apart that differ anywhere, and is the same whatever stands beside the pixels."""

from __future__ import annotations

import zlib

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.video import checksum
from iouviewer.video.checksum import check_sum

WIDTH, HEIGHT = 66, 34


def empty(pixel_format: str = "yuv420p", width: int = WIDTH, height: int = HEIGHT) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def lines_of(frame: av.VideoFrame, plane: int) -> np.ndarray:
    """(lines, bytes) uint8 that can be written to, without the padding."""
    of = frame.planes[plane]
    return np.frombuffer(of, np.uint8).reshape(of.height, of.line_size)[:, : of.width]


def changed(*changes: tuple[int, int, int, int], width: int = WIDTH) -> int:
    """Checksum of the empty picture after (plane, line, place, difference) each."""
    frame = empty(width=width)
    for plane, line, place, difference in changes:
        lines_of(frame, plane)[line, place] += np.uint8(difference % 256)
    return check_sum(frame)


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_each_single_pixel_of_each_line_counts_and_no_two_changes_look_alike(plane):
    height, width = lines_of(empty(), plane).shape
    sums = {changed((plane, line, place, 1)) for line in range(height) for place in range(width)}
    assert len(sums) == height * width and changed() not in sums


PLACES = st.tuples(st.integers(0, 2), st.integers(0, HEIGHT // 2 - 1), st.integers(0, WIDTH // 2 - 1))
CHANGES = st.dictionaries(PLACES, st.integers(1, 255), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(CHANGES)
def test_any_few_pixels_that_differ_change_it(changes):
    assert changed(*((*place, difference) for place, difference in changes.items())) != changed()


def test_changes_that_cancel_each_other_in_a_sum_of_words_are_seen():
    # The last byte of a word keeps eight bits of its weight only: of so many pairs some agree in the sum of their line.
    last = range(7, 256, 8)
    pairs = [(a, b, d) for a in last for b in last if a < b for d in (1, 2, 64, 128)]
    alone, line = changed(width=256), 5
    weights = checksum._weights(32)
    agree = [(a, b, d) for a, b, d in pairs if (int(weights[a // 8]) - int(weights[b // 8])) * (d << 56) % 2**64 == 0]
    assert agree, "there are such pairs"
    for a, b, d in agree:
        assert changed((0, line, a, d), (0, line, b, -d), width=256) != alone


def test_lines_and_columns_that_change_places_are_seen():
    frame, turned, moved = empty(width=64), empty(width=64), empty(width=64)
    pixels = np.random.default_rng(1).integers(0, 256, lines_of(frame, 0).shape, dtype=np.uint8)
    lines_of(frame, 0)[:] = pixels
    lines_of(turned, 0)[:] = pixels[::-1]
    lines_of(moved, 0)[:] = np.roll(pixels, 8, axis=1)
    assert len({check_sum(one) for one in (frame, turned, moved)}) == 3


def test_it_is_the_same_on_every_machine_and_with_every_numpy():
    assert zlib.crc32(checksum._weights(512).astype("<u8")) == 0xCDD40DF3


def test_no_two_pictures_of_a_clip_have_the_same(clip):
    with av.open(str(clip("plain.mp4"))) as container:
        assert len({check_sum(frame) for frame in container.decode(video=0)}) == 80
