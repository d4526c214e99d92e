"""One number for all pixels of a decoded picture, quick enough to be taken of every picture that is shown."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_WORD = 8
"""Bytes that are taken together."""


def check_sum(frame: Any) -> int:
    """32 bits of every pixel of every plane of PyAV's picture: 0.2 ms at 1080p, and no lock is held meanwhile.

    Every line counts: what leans on a damaged picture can differ in single pixels from one start of the decoder to
    another. Only the picture's own pixels do; what the decoder leaves in the padding differs from run to run.

    Of every line a sum is taken in which each word has an odd weight of its own, and of every column of words a plain
    sum; CRC-32 makes one number of them. A change within one word always changes the sum of its line. Changes that
    cancel each other there, as those of a few pixels of equal place in their words may, change those of their columns.
    """
    total = 0
    for plane, used in zip(frame.planes, _line_bytes(frame), strict=True):
        words = _words(plane, used)
        # einsum takes two thirds of the time of dot, which is made for other numbers.
        across = np.einsum("ij,j->i", words, _weights(words.shape[1]))
        down = np.add.reduce(words, axis=0)
        total = zlib.crc32(down, zlib.crc32(across, total))
    return total


def _words(plane: Any, used: int) -> Words:
    """(lines, words) of a plane, without its padding; lines that are no whole number of words end in zeros."""
    lines = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, :used]
    if lines.shape[1] % _WORD or lines.strides[0] % _WORD:
        padded = np.zeros((len(lines), -(-lines.shape[1] // _WORD) * _WORD), np.uint8)
        padded[:, : lines.shape[1]] = lines
        lines = padded
    return lines.view(np.uint64)


@lru_cache(maxsize=16)
def _weights(count: int) -> Words:
    """(count,) uint64, odd, as SplitMix64 gives them: checksums are kept, and NumPy's generators may change."""
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed ^ (mixed >> np.uint64(31))) | np.uint64(1)


def _line_bytes(frame: Any) -> list[int]:
    """Bytes of each plane's lines that are pixels."""
    pixel_format = frame.format
    components = pixel_format.components
    if all(component.plane == 0 for component in components):
        # Packed: several components in turn, some with bits that stand empty. A palette is a plane without one.
        packed = (frame.width * pixel_format.padded_bits_per_pixel + 7) // 8
        return [packed, *(plane.buffer_size for plane in frame.planes[1:])]
    each = [0] * len(frame.planes)
    for component in components:
        each[component.plane] += (component.bits + 7) // 8
    return [plane.width * depth for plane, depth in zip(frame.planes, each, strict=True)]
