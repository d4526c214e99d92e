"""What time says about ground truth: the boxes of a track before and after, its holes, swaps and jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.iou import iou_aligned
from iouviewer.metrics.pairs import row_numbers
from iouviewer.metrics.review_evidence import ReviewInputs, Rows, overlaps, rows_of
from iouviewer.metrics.table import Bool, Float, Int

REACH = 16
"""Frames on each side in which a track's boxes say where it is."""
AROUND = 32
"""Frames on each side in which a track's boxes say what is usual."""
LONGEST_HOLE = 15
"""Frames without a box between two boxes of a track that are a hole, not an absence."""
SWAP_GAIN = 0.15
"""Mean gain of IoU between two frames from which exchanging two tracks undoes a swap."""
SUDDEN_IOU = 0.88
"""IoU of a box with where its track's speed expects it, below which the step is sudden."""
_USUAL = np.arange(-32, 33, 4)
"""Places in the track, relative to a box, whose median is usual there."""
_CHUNK = 65_536


@dataclass(frozen=True, eq=False)
class TrackOrder:
    """The scored boxes of tracks by track and frame.

    Attributes:
        rows: (T,) int64 rows of the truth.
        frames, tracks: (T,) int64; ``tracks`` are numbers of tracks, or of parts of them.
        place: (B,) int64 place of each box in ``rows``, -1 for one without a track.
    """

    rows: Int
    frames: Int
    tracks: Int
    place: Int

    def same_track(self, places: Int, by: int) -> Bool:
        """Whether the box ``by`` places on is of the same track."""
        other = np.clip(places + by, 0, max(len(self.rows) - 1, 0))
        found: Bool = (places + by >= 0) & (places + by < len(self.rows))
        near = np.abs(self.frames[other] - self.frames[places]) <= AROUND
        found &= near & (self.tracks[other] == self.tracks[places])
        return found


def cut_tracks(order: TrackOrder, rows: Int) -> TrackOrder:
    """The order with tracks that end before these boxes: what follows is another object and says nothing about them."""
    starts = np.zeros(len(order.rows), np.int64)
    starts[1:] = np.diff(order.tracks) != 0
    starts[order.place[rows]] = 1
    return TrackOrder(order.rows, order.frames, np.cumsum(starts), order.place)


def order_tracks(inputs: ReviewInputs) -> TrackOrder:
    """Order the boxes that have a track; of two boxes of a track on one frame both are there."""
    tracked = np.flatnonzero(inputs.scored & (inputs.tracks >= 0))
    frames = inputs.truth.frame_of_row()[tracked]
    order = np.lexsort((frames, inputs.tracks[tracked]))
    rows = tracked[order]
    place = np.full(len(inputs.truth), -1, np.int64)
    place[rows] = np.arange(len(rows))
    return TrackOrder(rows, frames[order], inputs.tracks[rows], place)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The boxes of the same track before and after each of some boxes.

    Attributes:
        before, after: (N,) bool, whether there is one within ``REACH`` frames.
        rects: (4, N) where the straight line between both says the box is; the one box where there is one, else nan.
        iou: (N,) IoU of the box with ``rects``, 0 without.
    """

    before: Bool
    after: Bool
    rects: Float
    iou: Float


def find_neighbours(inputs: ReviewInputs, order: TrackOrder, trusted: Bool) -> Neighbours:
    """Neighbours of every box, (B,) columns.

    Args:
        trusted: (B,) bool, boxes that may be neighbours; nearer ones that are not trusted are skipped.
    """
    count = len(inputs.truth)
    has = {side: np.zeros(count, np.bool_) for side in (-1, 1)}
    row = {side: np.zeros(count, np.int64) for side in (-1, 1)}
    frame_of = inputs.truth.frame_of_row()
    for side in (-1, 1):
        near = _nearest(order, trusted[order.rows], side)
        found = near >= 0
        found[found] = np.abs(order.frames[near[found]] - order.frames[found]) <= REACH
        here = order.rows[found]
        has[side][here] = True
        row[side][here] = order.rows[near[found]]
    rects = line_between(inputs.truth.boxes, frame_of, row[-1], row[1], frame_of)
    boxes = inputs.truth.boxes
    rects = np.where(has[-1] & has[1], rects, np.where(has[-1], boxes[:, row[-1]], boxes[:, row[1]]))
    rects = np.where(has[-1] | has[1], rects, np.nan)
    iou = np.nan_to_num(iou_aligned(boxes, rects, inputs.convention))
    return Neighbours(has[-1], has[1], rects, iou)


def _nearest(order: TrackOrder, trusted: Bool, side: int) -> Int:
    """(T,) place of the nearest trusted box of the same track and another frame on one side, -1 for none."""
    count = len(order.rows)
    places = np.arange(count, dtype=np.int64)
    if side > 0:
        flipped = TrackOrder(order.rows[::-1], -order.frames[::-1], order.tracks[::-1], order.place)
        near = _nearest(flipped, trusted[::-1], -1)[::-1]
        return np.where(near >= 0, count - 1 - near, -1)
    last = np.maximum.accumulate(np.where(trusted, places, -1)) if count else places
    near = np.full(count, -1, np.int64)
    near[1:] = last[:-1]
    # A second box of the track on the same frame is no neighbour in time.
    for _ in range(2):
        same = (near >= 0) & (order.frames[near] == order.frames)
        near[same] = np.where(near[same] > 0, last[np.maximum(near[same] - 1, 0)], -1)
    near[(near >= 0) & (order.tracks[near] != order.tracks)] = -1
    return near


def line_between(boxes: Float, frames: Int, first: Int, last: Int, at: Int) -> Float:
    """(4, N) the rectangles at the frames ``at`` on the lines between the rows ``first`` and ``last``."""
    span = frames[last] - frames[first]
    share = (at - frames[first]) / np.where(span == 0, 1, span)
    line: Float = boxes[:, first] * (1.0 - share) + boxes[:, last] * share
    return line


@dataclass(frozen=True, eq=False)
class Holes:
    """Where tracks have no box between two boxes, a row for each labelled frame, in order of frames.

    Attributes:
        frames: (H,) int64. rows: the straight line between the boxes around.
        tracks, first, last: (H,) int64; rows of the boxes around.
        length: (H,) int64, frames of the hole.
    """

    frames: Int
    rows: Rows
    tracks: Int
    first: Int
    last: Int
    length: Int

    def __len__(self) -> int:
        return len(self.frames)


def find_holes(inputs: ReviewInputs, order: TrackOrder) -> Holes:
    """Holes of at most ``2 * REACH - 1`` frames."""
    gap = np.diff(order.frames)
    open_ = np.flatnonzero((np.diff(order.tracks) == 0) & (gap > 1) & (gap <= 2 * REACH))
    counts = gap[open_] - 1
    frames = row_numbers(order.frames[open_] + 1, counts)
    place = np.repeat(open_, counts)
    by_frame = np.argsort(frames, kind="stable")
    by_frame = by_frame[inputs.labelled[frames[by_frame]]]
    frames, place = frames[by_frame], place[by_frame]
    first, last = order.rows[place], order.rows[np.minimum(place + 1, len(order.rows) - 1)]
    rects = line_between(inputs.truth.boxes, inputs.truth.frame_of_row(), first, last, frames)
    rows = Rows.of(frames, rects, inputs.classes[first], inputs.truth.frame_count)
    return Holes(frames, rows, inputs.tracks[first], first, last, gap[place] - 1 if len(place) else place)


def usual(order: TrackOrder, values: Float, rows: Int) -> Float:
    """The median of a value over the boxes of the track around each of ``rows``, which have a track.

    Args:
        values: (B,) by box; nan where unknown.

    Returns:
        (N,) nan where no box around has the value.
    """
    result = np.full(len(rows), np.nan)
    for start in range(0, len(rows), _CHUNK):
        around = _around(order, values, rows[start : start + _CHUNK], with_own=False)
        result[start : start + _CHUNK] = _median(around)
    return result


def usual_share(order: TrackOrder, values: Float, rows: Int) -> Float:
    """``usual`` with the mean, and with the value of the box itself."""
    result = np.full(len(rows), np.nan)
    for start in range(0, len(rows), _CHUNK):
        around = _around(order, values, rows[start : start + _CHUNK], with_own=True)
        known = np.maximum(np.count_nonzero(~np.isnan(around), axis=0), 1)
        result[start : start + _CHUNK] = np.nansum(around, axis=0) / known
    return result


def _around(order: TrackOrder, values: Float, rows: Int, *, with_own: bool) -> Float:
    """(len(_USUAL), N) the value at each place around, nan for none."""
    places = order.place[rows]
    around = np.full((len(_USUAL), len(places)), np.nan)
    for line, by in zip(around, _USUAL.tolist(), strict=True):
        if by or with_own:
            same = order.same_track(places, by)
            line[same] = values[order.rows[places[same] + by]]
    return around


def _median(values: Float) -> Float:
    """Median over the first axis without nan, nan for none; ``values`` is sorted in place."""
    values.sort(axis=0)
    known = np.count_nonzero(~np.isnan(values), axis=0)[None]
    low = np.take_along_axis(values, np.maximum(known - 1, 0) // 2, axis=0)[0]
    high = np.take_along_axis(values, np.minimum(known // 2, len(values) - 1), axis=0)[0]
    return np.where(known[0] > 0, (low + high) / 2, np.nan)


def find_detours(inputs: ReviewInputs, order: TrackOrder) -> Bool:
    """(B,) bool, boxes between a sudden step of their track and the step back, at most ``REACH`` frames later."""
    found = np.zeros(len(inputs.truth), np.bool_)
    boxes = inputs.truth.boxes[:, order.rows]
    gap = np.diff(order.frames)
    valid = (np.diff(order.tracks) == 0) & (gap > 0) & (gap <= 3)
    if not valid.any():
        return found
    speed = np.where(valid, np.diff(boxes, axis=1) / np.maximum(gap, 1), np.nan)
    usual_speed = np.concatenate(
        [_usual_speed(speed, order.tracks, start, start + _CHUNK) for start in range(0, len(gap), _CHUNK)], axis=1
    )
    expected = boxes[:, :-1] + np.nan_to_num(usual_speed) * gap
    sudden = valid & (iou_aligned(expected, boxes[:, 1:], inputs.convention) < SUDDEN_IOU)
    size = np.tile(boxes[2:, :-1] - boxes[:2, :-1], (2, 1))
    step = (boxes[:, 1:] - expected) / np.maximum(size, 1e-9)
    breaks = np.flatnonzero(sudden)
    marks = np.zeros(len(order.rows) + 1, np.int64)
    for by in (1, 2, 3):
        first, last = breaks[:-by], breaks[by:]
        near = (order.tracks[first] == order.tracks[last]) & (order.frames[last] - order.frames[first] <= REACH)
        first, last = first[near], last[near]
        largest = np.maximum(np.abs(step[:, first]).max(axis=0), np.abs(step[:, last]).max(axis=0))
        returns = np.abs(step[:, first] + step[:, last]).max(axis=0) <= 0.5 * largest
        np.add.at(marks, first[returns] + 1, 1)
        np.add.at(marks, last[returns] + 1, -1)
    found[order.rows] = np.cumsum(marks)[:-1] > 0
    return found


def _usual_speed(speed: Float, tracks: Int, start: int, end: int) -> Float:
    """(4, n) median of the steps around each of the steps ``start`` to ``end``, without the step itself."""
    places = np.arange(start, min(end, speed.shape[1]))
    around = np.full((8, 4, len(places)), np.nan)
    for line, by in zip(around, (-4, -3, -2, -1, 1, 2, 3, 4), strict=True):
        inside = (places + by >= 0) & (places + by < speed.shape[1])
        other = places[inside] + by
        same = tracks[other] == tracks[places[inside]]
        line[:, np.flatnonzero(inside)[same]] = speed[:, other[same]]
    return _median(around)


@dataclass(frozen=True, eq=False)
class Swaps:
    """Two tracks that exchange their objects between two frames; rows of their boxes on the later frame."""

    one: Int
    other: Int
    gain: Float


def find_swaps(inputs: ReviewInputs, order: TrackOrder) -> Swaps:
    """Pairs of tracks whose exchange from a frame on raises the mean IoU with the frame before by ``SWAP_GAIN``."""
    truth = inputs.truth
    before = np.full(len(truth), -1, np.int64)
    step = np.flatnonzero((np.diff(order.tracks) == 0) & (np.diff(order.frames) == 1))
    before[order.rows[step + 1]] = order.rows[step]
    stay = np.zeros(len(truth))
    moved = np.flatnonzero(before >= 0)
    stay[moved] = iou_aligned(truth.boxes[:, before[moved]], truth.boxes[:, moved], inputs.convention)
    rows = np.sort(order.rows)
    boxes = rows_of(truth, rows, inputs.classes)
    pairs = overlaps(boxes, boxes.shifted(1), SWAP_GAIN, inputs.convention)
    earlier, later = rows[pairs.gt], rows[pairs.pred]
    # ``earlier`` continues as ``later`` of another track, whose own box before continues as ``earlier``'s track.
    fits = (before[later] >= 0) & (inputs.tracks[earlier] != inputs.tracks[later])
    earlier, later, iou = earlier[fits], later[fits], pairs.iou[fits]
    after = np.full(len(truth), -1, np.int64)
    after[before[moved]] = moved
    fits = after[earlier] >= 0
    earlier, later, iou = earlier[fits], later[fits], iou[fits]
    partner = after[earlier]
    back = iou_aligned(truth.boxes[:, before[later]], truth.boxes[:, partner], inputs.convention)
    gain = (iou + back - stay[later] - stay[partner]) / 2
    # Two that meet and walk on exchange their places, too: the exchange must also be where both were going.
    one, other = _expected(truth.boxes, before, partner), _expected(truth.boxes, before, later)
    pairs_now = (truth.boxes[:, partner], truth.boxes[:, later])
    kept = iou_aligned(one, pairs_now[0], inputs.convention) + iou_aligned(other, pairs_now[1], inputs.convention)
    exchanged = iou_aligned(one, pairs_now[1], inputs.convention) + iou_aligned(other, pairs_now[0], inputs.convention)
    keep = (np.minimum(gain, (exchanged - kept) / 2) >= SWAP_GAIN) & (partner < later)
    return Swaps(partner[keep], later[keep], gain[keep])


def _expected(boxes: Float, before: Int, rows: Int) -> Float:
    """(4, N) where the tracks of ``rows`` were going: the box before, moved as it had moved; ``before`` -1 for none."""
    last = before[rows]
    earlier = before[last]
    step: Float = np.where(earlier >= 0, boxes[:, last] - boxes[:, earlier], 0.0)
    return boxes[:, last] + step


def find_jumps(inputs: ReviewInputs, order: TrackOrder, trusted: Bool) -> Int:
    """Rows of boxes with which a track goes on somewhere else for good: no overlap with the box before, far away.

    Args:
        trusted: (B,) bool; a box that is misplaced itself is no jump.
    """
    kept = np.flatnonzero(trusted[order.rows])
    rows, frames, tracks = order.rows[kept], order.frames[kept], order.tracks[kept]
    boxes = inputs.truth.boxes[:, rows]
    centre, size = (boxes[:2] + boxes[2:]) / 2, boxes[2:] - boxes[:2]
    step = np.diff(frames)
    near = (np.diff(tracks) == 0) & (step > 0) & (step <= 3)
    way = np.abs(np.diff(centre, axis=1)) / np.maximum(size[:, :-1], size[:, 1:]).clip(1.0) if len(rows) else centre
    far = near & (np.maximum(way[0], way[1]) > 1.5) if len(rows) else near
    places = np.flatnonzero(far) + 1
    # It stays there: the next box of the track overlaps this one, and the one before overlapped its own predecessor.
    follow = np.zeros(len(rows), np.bool_)
    follow[1:] = near & (iou_aligned(boxes[:, :-1], boxes[:, 1:], inputs.convention) > 0) if len(rows) > 1 else False
    after = np.append(follow[1:], False)
    steady: Int = rows[places[after[places] & follow[places - 1]]]
    return steady
