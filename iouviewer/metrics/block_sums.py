"""Sums over frames that are updated frame by frame and equal a recomputation bit for bit."""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Float

BLOCK = 512
"""Frames in one block."""


class BlockSums:
    """Sums of C columns over F frames, kept as sums of blocks of ``BLOCK`` frames.

    When a frame changes, its block is summed again from the values of its frames, and the total from the blocks.
    Differences are never added to a sum, so nothing drifts: the total depends on the values only.
    """

    def __init__(self, values: Float) -> None:
        """Copy ``values``, (C, F) float64 without NaN."""
        columns, frames = values.shape
        blocks = max(1, -(-frames // BLOCK))
        self._values = np.zeros((columns, blocks, BLOCK))
        self._values.reshape(columns, -1)[:, :frames] = values
        self._frames = frames
        self._sums = np.add.reduce(self._values, axis=2)
        self._totals: list[float] | None = None

    @property
    def values(self) -> Float:
        """(C, F) float64, a view; change it with ``set`` only."""
        flat: Float = self._values.reshape(len(self._values), -1)[:, : self._frames]
        return flat

    def set(self, frame: int, column_values: tuple[float, ...]) -> None:
        """Replace the values of one frame."""
        block, place = divmod(frame, BLOCK)
        self._values[:, block, place] = column_values
        np.add.reduce(self._values[:, block], axis=1, out=self._sums[:, block])
        self._totals = None

    def totals(self) -> list[float]:
        """Sum of each column."""
        if self._totals is None:
            self._totals = np.add.reduce(self._sums, axis=1).tolist()
        return self._totals
