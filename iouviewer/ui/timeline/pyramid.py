"""Min/max pyramid over a long series: the time to draw a range depends on its pixels, not on its frames."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]

BRANCH = 16
"""Number of points of a level that are combined into one point of the next."""


class PyramidColumns(NamedTuple):
    """A range of a series, reduced to pixel columns.

    Attributes:
        edges: (C + 1,) int64; column c holds the frames ``edges[c]:edges[c + 1]``.
        low, high, mean: (C,) float64 over the column's defined values; nan where it has none.
    """

    edges: Int
    low: Float
    high: Float
    mean: Float


class Pyramid:
    """Values by frame, nan where undefined, with minimum, maximum, sum and count of blocks on several levels.

    Args:
        values: (F,) float64, nan where undefined; copied.
    """

    def __init__(self, values: Float) -> None:
        self.values: Float = np.array(values, np.float64)
        defined = ~np.isnan(self.values)
        level = np.stack(
            [
                np.where(defined, self.values, np.inf),
                np.where(defined, self.values, -np.inf),
                np.where(defined, self.values, 0.0),
                defined.astype(np.float64),
            ]
        )
        self._levels = [level]
        while self._levels[-1].shape[1] > BRANCH:
            self._levels.append(_coarser(self._levels[-1]))

    def __len__(self) -> int:
        return len(self.values)

    def set(self, frame: int, value: float) -> bool:
        """Replace one value; False if it is unchanged. Updates one block per level."""
        old = self.values[frame]
        if value == old or (math.isnan(value) and math.isnan(old)):
            return False
        self.values[frame] = value
        undefined = math.isnan(value)
        self._levels[0][:, frame] = (np.inf, -np.inf, 0.0, 0.0) if undefined else (value, value, value, 1.0)
        place = frame
        for below, level in zip(self._levels, self._levels[1:], strict=False):
            place //= BRANCH
            block = below[:, place * BRANCH : (place + 1) * BRANCH]
            level[0, place] = block[0].min()
            level[1, place] = block[1].max()
            level[2, place] = block[2].sum()
            level[3, place] = block[3].sum()
        return True

    def columns(self, start: int, stop: int, count: int) -> PyramidColumns:
        """The frames ``start:stop`` in at most ``count`` columns of nearly equal length.

        Minimum and maximum of the columns are exact: the ends of the range are read from the values, only whole blocks
        from the pyramid.
        """
        start, stop = max(0, start), min(len(self.values), stop)
        if stop <= start or count < 1:
            empty = np.zeros(0)
            return PyramidColumns(np.zeros(1, np.int64), empty, empty, empty)
        count = min(count, stop - start)
        depth, size = 0, 1
        while depth + 1 < len(self._levels) and size * BRANCH * count <= stop - start:
            depth, size = depth + 1, size * BRANCH
        edges = start + (np.arange(count + 1, dtype=np.int64) * (stop - start)) // count
        if size > 1:
            edges[1:-1] -= edges[1:-1] % size
            edges = np.unique(edges)
        sums = self._reduce(edges, depth, size)
        defined = sums[3] > 0
        low, high = np.where(defined, sums[0], np.nan), np.where(defined, sums[1], np.nan)
        mean = np.divide(sums[2], sums[3], out=np.full(len(defined), np.nan), where=defined)
        return PyramidColumns(edges, low, high, mean)

    def _reduce(self, edges: Int, depth: int, size: int) -> Float:
        if size == 1:
            return _reduce_at(self._levels[0], edges)
        start, stop = int(edges[0]), int(edges[-1])
        first, last = -(-start // size), stop // size
        if first >= last or len(edges) < 3:
            return _reduce_at(self._levels[0], edges)
        # Inner edges are multiples of size; only the two ends can split a block.
        inner = np.concatenate([[first], edges[1:-1] // size, [last]])
        keep = np.diff(inner) > 0
        sums = np.empty((4, len(edges) - 1))
        sums[0], sums[1], sums[2:] = np.inf, -np.inf, 0.0
        starts = inner[:-1][keep]
        if len(starts):
            level = self._levels[depth][:, :last]
            sums[:, keep] = _reduce_at(level, np.append(starts, last))
        for column, part in ((0, slice(start, min(first * size, stop))), (-1, slice(max(last * size, start), stop))):
            ends = self._levels[0][:, part]
            if ends.shape[1]:
                sums[0, column] = min(sums[0, column], ends[0].min())
                sums[1, column] = max(sums[1, column], ends[1].max())
                sums[2:, column] += ends[2:].sum(axis=1)
        return sums

    def worst(self, start: int, stop: int) -> int | None:
        """The frame with the lowest value in ``start:stop``; None if no value is defined."""
        part = self.values[max(0, start) : max(0, stop)]
        if not len(part) or np.isnan(part).all():
            return None
        return max(0, start) + int(np.nanargmin(part))


def _coarser(level: Float) -> Float:
    starts = np.arange(0, level.shape[1], BRANCH)
    return _reduce_at(level, np.append(starts, level.shape[1]))


def _reduce_at(level: Float, edges: Int) -> Float:
    """Reduce the columns of a level between consecutive (increasing) edges."""
    level = level[:, : edges[-1]]
    starts = edges[:-1]
    return np.stack(
        [
            np.minimum.reduceat(level[0], starts),
            np.maximum.reduceat(level[1], starts),
            np.add.reduceat(level[2], starts),
            np.add.reduceat(level[3], starts),
        ]
    )
