"""Average precision and its influence values from predictions sorted by score, in pieces of bounded size.

The predictions may lie in a file: each function goes through them piece by piece and carries over what the next piece
needs, so memory does not grow with their number. The results are those of ``coco_curve`` (bit for bit) and
``influence``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.coco_curve import RECALLS, needed_hits
from iouviewer.metrics.coco_matching import THRESHOLDS, Masks
from iouviewer.metrics.row_file import Records, RowFile
from iouviewer.metrics.table import Bool, Float, Int

RANKED = np.dtype([("tp", "<u2"), ("ignored", "<u2"), ("group", "<u4")])
"""A prediction: masks of thresholds where it is a true positive, and where it does not count, and its group."""
PIECE = 1 << 20
"""Predictions of one piece."""
_LEVELS = len(THRESHOLDS)


@dataclass(frozen=True, slots=True)
class RankedMasks:
    """The predictions of one class, highest score first.

    Attributes:
        rows: (R,) of ``RANKED``; a group is a frame or a source.
        any_ignored: whether any of them is ignored at any threshold.
        positives: (G,) int64, number of ground-truth boxes of each group.
        piece: predictions of one piece.
    """

    rows: RowFile
    any_ignored: bool
    positives: Int
    piece: int = PIECE

    @classmethod
    def of(cls, tp: Masks, ignored: Masks, group: NDArray[Any], positives: Int, piece: int = PIECE) -> RankedMasks:
        """From columns in memory; ``ignored`` is (0,) if there is none."""
        rows = np.zeros(len(tp), RANKED)
        rows["tp"], rows["group"] = tp, group
        if len(ignored):
            rows["ignored"] = ignored
        return cls(RowFile(RANKED, rows), len(ignored) > 0, positives, piece)

    @property
    def total(self) -> int:
        """Number of ground-truth boxes."""
        return int(self.positives.sum())

    def _pieces(self) -> list[_Piece]:
        """All pieces, with the numbers of hits and of counted predictions before each."""
        found, hits, counted = [], np.zeros(_LEVELS, np.int64), np.zeros(_LEVELS, np.int64)
        for first in range(0, len(self.rows), self.piece):
            last = min(first + self.piece, len(self.rows))
            found.append(_Piece(first, last, hits, counted))
            rows = self.rows.read(first, last)
            skipped = _bit_counts(rows["ignored"]) if self.any_ignored else np.zeros(_LEVELS, np.int64)
            hits, counted = hits + _bit_counts(rows["tp"]), counted + (last - first) - skipped
        return found

    def _levels(self, piece: _Piece, records: Records | None = None) -> Iterator[_Level]:
        """The hits of one piece at each threshold."""
        records = self.rows.read(piece.first, piece.last) if records is None else records
        tp = np.ascontiguousarray(records["tp"])
        ignored = np.ascontiguousarray(records["ignored"]) if self.any_ignored else None
        rows = np.flatnonzero(tp)
        bits = tp[rows]
        for level in range(_LEVELS):
            mask = np.uint16(1 << level)
            hits = rows[(bits & mask) != 0]
            skipped = None if ignored is None else (ignored & mask) != 0
            counted = hits + (1.0 + piece.counted[level])
            if skipped is not None:
                counted -= np.cumsum(skipped)[hits]
            precision = np.arange(1.0 + piece.hits[level], 1.0 + piece.hits[level] + len(hits))
            precision /= counted
            yield _Level(level, hits, counted, precision, skipped)

    def curves(self) -> tuple[Float, Int]:
        """Precision (10, 101) at the recalls of COCO and number of true positives (10,); zeros without ground truth."""
        totals = np.zeros(_LEVELS, np.int64)
        count = self.total
        needed = needed_hits(count) if count else np.zeros(0, np.int64)
        wanted = np.unique(needed)
        best = np.zeros((_LEVELS, len(wanted)))
        for piece in self._pieces():
            for level, hits, _, precision, _ in self._levels(piece):
                if count and len(hits):
                    _take_greatest(best[level], wanted - 1 - int(piece.hits[level]), precision)
                totals[level] = piece.hits[level] + len(hits)
        curves = np.zeros((_LEVELS, len(RECALLS)))
        if count:
            greatest = np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]
            reached = needed <= totals[:, None]
            curves = np.where(reached, greatest[:, np.searchsorted(wanted, needed)], 0.0)
        return curves, totals

    def influence(self) -> Float:
        """(G,) derivative of AP by the weight of each group, summed over the ten thresholds.

        The linearisation is that of ``influence.influence_on_ap``: the area below the precision envelope, with the
        places where the envelope has its values fixed.
        """
        groups, total = len(self.positives), self.total
        pieces = self._pieces()
        states = [[_Envelope()] * _LEVELS for _ in pieces]
        self._find_envelope(pieces, states)
        result, area = np.zeros(groups), np.zeros(_LEVELS)
        below_true, below_counted = np.zeros(_LEVELS), np.zeros(_LEVELS)
        for number in range(len(pieces) - 1, -1, -1):
            piece = pieces[number]
            size = piece.last - piece.first
            records = self.rows.read(piece.first, piece.last)
            by_prediction = np.zeros(size)
            for level, hits, counted, precision, skipped in self._levels(piece, records):
                state = states[number][level]
                found = _envelope(precision, state.entry)
                area[level] += found.values.sum()
                uses = found.uses.astype(np.float64)
                if len(uses):
                    uses[0] += state.later_uses
                places = found.places
                share = uses / counted[places]
                gain = np.append(_sums_from(share), 0.0) + below_true[level]
                loss = np.append(_sums_from(share * precision[places]), 0.0) + below_counted[level]
                lengths = np.diff(hits[places], prepend=-1, append=size - 1)
                spent = np.repeat(loss, lengths)
                if skipped is not None:
                    spent[skipped] = 0.0
                by_prediction -= spent
                by_prediction[hits] += np.repeat(gain, np.diff(places, prepend=-1, append=len(hits) - 1)) + found.values
                below_true[level], below_counted[level] = gain[0], loss[0]
            result += np.bincount(records["group"], by_prediction, minlength=groups)
        shared: Float = (result - float(area.sum()) / total * self.positives) / total
        return shared

    def _find_envelope(self, pieces: list[_Piece], states: list[list[_Envelope]]) -> None:
        """Fill what each piece takes over from lower scores, and how often higher scores use its own first place."""
        entry = np.full(_LEVELS, -np.inf)
        owner = [-1] * _LEVELS
        for number in range(len(pieces) - 1, -1, -1):
            row = []
            for level, _, _, precision, _ in self._levels(pieces[number]):
                row.append(_Envelope(float(entry[level])))
                if not len(precision):
                    continue
                found = _envelope(precision, float(entry[level]))
                if owner[level] >= 0:
                    before = states[owner[level]][level]
                    states[owner[level]][level] = _Envelope(before.entry, before.later_uses + found.inherited)
                if len(found.places):
                    entry[level], owner[level] = precision[found.places[0]], number
            states[number] = row


class _Piece(NamedTuple):
    """Rows of a piece, and the numbers of hits and of counted predictions before it, (10,) int64 each."""

    first: int
    last: int
    hits: Int
    counted: Int


class _Level(NamedTuple):
    """One piece at one threshold.

    Attributes:
        hits: (H,) places of true positives in the piece.
        counted: (H,) number of predictions that count up to and including each, from the highest score on.
        precision: (H,) at each.
        skipped: (P,) bool, ignored predictions; None if the class has none.
    """

    level: int
    hits: Int
    counted: Float
    precision: Float
    skipped: Bool | None


class _Envelope(NamedTuple):
    """What a piece takes over: the greatest precision at lower scores, and the uses of its place by higher scores."""

    entry: float = -np.inf
    later_uses: int = 0


class _Steps(NamedTuple):
    """The envelope within a piece.

    Attributes:
        places: (S,) ascending numbers of the hits where the envelope has its values.
        uses: (S,) how many hits of the piece have the value of each: it and those since the place before. The first
            has the greatest precision, so higher pieces may use it too.
        inherited: number of hits with the value that lower scores handed over.
        values: (H,) envelope at each hit.
    """

    places: Int
    uses: Int
    inherited: int
    values: Float


def _envelope(precision: Float, entry: float) -> _Steps:
    """The greatest precision at each hit or a later one; ``entry`` is the greatest of later pieces.

    Of equal ones the first place counts, as in ``influence``.
    """
    values = np.maximum.accumulate(precision[::-1])[::-1]
    values = np.maximum(values, entry)
    places = np.flatnonzero(precision == values)
    bounds = np.append(-1, places)
    uses = np.diff(bounds)
    return _Steps(places, uses, len(precision) - 1 - int(bounds[-1]), values)


def _sums_from(values: Float) -> Float:
    """(N,) sum of each value and all later ones."""
    return np.cumsum(values[::-1])[::-1]


def _take_greatest(best: Float, firsts: Int, values: Float) -> None:
    """Raise ``best`` to the greatest of ``values`` from each of ``firsts`` (strictly ascending) to the next."""
    bounds = np.clip(np.append(firsts, len(values)), 0, len(values))
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if len(filled):
        best[filled] = np.maximum(best[filled], np.maximum.reduceat(values, bounds[filled]))


def _bit_counts(masks: Masks) -> Int:
    """(10,) number of masks with each bit."""
    values = np.bincount(masks, minlength=1 << _LEVELS)
    numbers = np.arange(len(values))
    return np.array([values[(numbers >> level) & 1 == 1].sum() for level in range(_LEVELS)], np.int64)
