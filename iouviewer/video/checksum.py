"""A checksum over all pixels of a decoded frame, fast enough to compute for every displayed frame."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_WORD_BYTES = 8


def frame_checksum(frame: Any) -> int:
    """32-bit checksum of every pixel of every plane of PyAV's frame: 0.2 ms at 1080p, without holding a lock.

    Every line is included, because frames that reference a damaged frame can differ in single pixels between seeks.
    Padding is excluded, because its bytes differ from run to run.

    Each line contributes a sum of its words with odd weights, each column of words a plain sum; CRC-32 combines them. A
    change within one word always changes the sum of its line. Changes that cancel out in a line, such as those of a few
    pixels at equal positions in their words, change the sums of their columns.
    """
    total = 0
    for plane, used in zip(frame.planes, _line_bytes(frame), strict=True):
        words = _to_words(plane, used)
        # einsum takes two thirds of the time of dot, which is optimised for floating point.
        line_sums = np.einsum("ij,j->i", words, word_weights(words.shape[1]))
        column_sums = np.add.reduce(words, axis=0)
        total = zlib.crc32(column_sums, zlib.crc32(line_sums, total))
    return total


def _to_words(plane: Any, used: int) -> Words:
    """(lines, words) of a plane, without its padding; incomplete words at the end of a line are filled with zeros."""
    lines = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, :used]
    if lines.shape[1] % _WORD_BYTES or lines.strides[0] % _WORD_BYTES:
        padded = np.zeros((len(lines), -(-lines.shape[1] // _WORD_BYTES) * _WORD_BYTES), np.uint8)
        padded[:, : lines.shape[1]] = lines
        lines = padded
    return lines.view(np.uint64)


@lru_cache(maxsize=16)
def word_weights(count: int) -> Words:
    """(count,) uint64, odd, from SplitMix64: checksums are stored, and NumPy's generators may change."""
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed ^ (mixed >> np.uint64(31))) | np.uint64(1)


def _line_bytes(frame: Any) -> list[int]:
    """Bytes of each plane's lines that contain pixels."""
    pixel_format = frame.format
    components = pixel_format.components
    if all(component.plane == 0 for component in components):
        # Packed: several components interleaved, some with unused bits. A palette is a plane without a component.
        packed = (frame.width * pixel_format.padded_bits_per_pixel + 7) // 8
        return [packed, *(plane.buffer_size for plane in frame.planes[1:])]
    sample_bytes = [0] * len(frame.planes)
    for component in components:
        sample_bytes[component.plane] += (component.bits + 7) // 8
    return [plane.width * depth for plane, depth in zip(frame.planes, sample_bytes, strict=True)]
