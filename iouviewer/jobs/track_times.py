"""How steadily two variants find each object over time: misses, flickers, the longest run of misses, jitter.

A pure function of ``jobs.differences.ComparisonInput``; flickers and runs are those of ``metrics.temporal``.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np

from iouviewer.jobs.breakdown import NO_PLACES, Places
from iouviewer.jobs.differences import ComparisonInput
from iouviewer.metrics.review import Review, review_all
from iouviewer.metrics.table import Bool, BoxTable, Float, Int
from iouviewer.metrics.temporal import TrackHistory, jitter, summarise_tracks

ALL_TRACKS = -1
"""Track of the row of all tracks together."""


class TrackTimes(NamedTuple):
    """One variant on one track.

    Attributes:
        missed: frames without a true positive.
        flickers: misses of exactly one frame.
        longest: frames of the longest run of misses.
        jitter: mean change of the offset of prediction and box from frame to frame, in % of the box's size; nan where
            no two neighbouring frames are found.
    """

    missed: int
    flickers: int
    longest: int
    jitter: float


class TrackRow(NamedTuple):
    """One track.

    Attributes:
        track: its id; ``ALL_TRACKS``: all together.
        frames: evaluated frames with a box of the track.
        places: its boxes that the variant misses, the longest run first.
    """

    track: int
    frames: int
    baseline: TrackTimes
    variant: TrackTimes
    places: Places


def find_track_times(data: ComparisonInput) -> dict[str, tuple[TrackRow, ...]]:
    """All tracks by variant, those that the variant loses longest first; empty without a baseline or tracks."""
    base = data.variants.get(data.baseline)
    if base is None or data.tracks is None:
        return {}
    return {key: _rows(data, key) for key in data.variants if key != data.baseline}


def _rows(data: ComparisonInput, key: str) -> tuple[TrackRow, ...]:
    assert data.tracks is not None
    sides = (data.variants[data.baseline], data.variants[key])
    frames = data.labelled & sides[0].covered & sides[1].covered
    of_row = data.truth.frame_of_row()
    rows = np.flatnonzero(data.truth.counted() & frames[of_row] & (data.tracks >= 0))
    if not len(rows):
        return ()
    tracks = data.tracks[rows]
    histories: list[dict[int, TrackHistory]] = []
    shakes: list[dict[int, tuple[float, int]]] = []
    found: list[Bool] = []
    for side in sides:
        review = review_all(data.truth, side.table, data.review, frames)
        matched, offsets = _matches(data.truth, side.table, review)
        found.append(matched[rows])
        summary = summarise_tracks(tracks, of_row[rows], matched[rows])
        histories.append({one.track: one for one in summary.tracks})
        shakes.append(jitter(tracks, of_row[rows], offsets[:, rows]))
    result = [
        TrackRow(
            track,
            histories[1][track].frames,
            _times([histories[0][track]], [shakes[0].get(track, (nan, 0))]),
            _times([history], [shakes[1].get(track, (nan, 0))]),
            _missed_places(data.truth, rows[(tracks == track) & ~found[1]], history.longest_run_at),
        )
        for track, history in histories[1].items()
    ]
    totals = [_times(list(h.values()), list(s.values())) for h, s in zip(histories, shakes, strict=True)]
    return (TrackRow(ALL_TRACKS, len(rows), totals[0], totals[1], NO_PLACES), *result)


def _matches(truth: BoxTable, table: BoxTable, review: Review) -> tuple[Bool, Float]:
    """(M,) rows with a true positive, and (2, M) offsets of its centre in sizes of the box, nan without one."""
    matched = np.zeros(len(truth), np.bool_)
    offsets = np.full((2, len(truth)), nan)
    gt_rows, rows = review.pair_gt[review.hits], review.pair_pred[review.hits]
    matched[gt_rows] = True
    box, own = truth.boxes[:, gt_rows], table.boxes[:, rows]
    size = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
    offsets[:, gt_rows] = (own[:2] + own[2:] - box[:2] - box[2:]) / 2 / size
    return matched, offsets


def _times(histories: list[TrackHistory], shakes: list[tuple[float, int]]) -> TrackTimes:
    """Tracks together; jitter is the mean over all steps."""
    steps = sum(count for _, count in shakes)
    mean = sum(value * count for value, count in shakes if count) / steps if steps else nan
    return TrackTimes(
        sum(one.frames - one.found for one in histories),
        sum(one.flickers for one in histories),
        max(one.longest_run for one in histories),
        100 * mean,
    )


def _missed_places(truth: BoxTable, rows: Int, first: int) -> Places:
    """Missed boxes of a track by frame, from the longest run on."""
    frames = truth.frame_of_row()[rows]
    start = int(np.searchsorted(frames, first)) if first >= 0 else 0
    order = np.roll(np.arange(len(rows)), -start)
    rows, frames = rows[order], frames[order]
    return Places(frames, truth.boxes[:, rows], truth.ids[rows], np.full(len(rows), nan))
