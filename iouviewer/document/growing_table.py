"""Tables that grow at the end without being copied each time: a running model adds a few frames again and again."""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import BoxTable, Float, Int

_ROOM = 1.5
"""How much longer the columns become when they are full; so each row is copied twice on average."""


class GrowingTable:
    """Columns with room behind their rows; the tables given out are views of the rows that stood there at the time.

    Rows are written once, behind all tables given out before, so those never change.
    """

    def __init__(self, table: BoxTable) -> None:
        """Start with a copy of ``table``, which stands for ``latest`` until something is appended."""
        self.latest = table
        self._next_id = int(table.ids.max()) + 1 if len(table) else 0
        self._capacity = -1
        self._reserve(table, len(table))

    def _reserve(self, table: BoxTable, rows: int) -> None:
        if rows <= self._capacity:
            return
        used = len(table)
        self._capacity = capacity = int(rows * _ROOM) + 1024
        boxes, class_ids = np.empty((4, capacity)), np.empty(capacity, np.int64)
        scores, ids = np.empty(capacity), np.empty(capacity, np.int64)
        boxes[:, :used], class_ids[:used] = table.boxes, table.class_ids
        scores[:used], ids[:used] = table.scores, table.ids
        self._boxes, self._class_ids, self._scores, self._ids = boxes, class_ids, scores, ids
        self._ignored = np.zeros(capacity, np.bool_)

    def append(self, more: BoxTable, first: int) -> BoxTable:
        """The latest table and ``more`` behind it.

        Args:
            more: predictions of as many frames as the table has, none before frame ``first``; its ids don't matter.
            first: a frame from which on the latest table has no rows.
        """
        table = self.latest
        before, after = len(table), len(table) + len(more)
        self._reserve(table, after)
        new = slice(before, after)
        self._boxes[:, new], self._class_ids[new], self._scores[new] = more.boxes, more.class_ids, more.scores
        self._ids[new] = np.arange(self._next_id, self._next_id + len(more))
        self._next_id += len(more)
        offsets: Int = table.offsets.copy()
        offsets[first:] += more.offsets[first:]
        rows = slice(0, after)
        boxes: Float = self._boxes[:, rows]
        self.latest = BoxTable(
            offsets, boxes, self._class_ids[rows], self._scores[rows], self._ignored[rows], self._ids[rows]
        )
        return self.latest
