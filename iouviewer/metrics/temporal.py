"""How steadily tracks are found: flickers (misses of one frame), runs of misses, jitter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int


@dataclass(frozen=True, slots=True)
class TrackHistory:
    """In which frames one ground-truth track was found.

    Attributes:
        track: track id.
        frames: number of evaluated frames with a box of the track.
        found: number of these frames with a true positive.
        flickers: misses of exactly one frame between two frames with a true positive.
        runs: runs of two or more misses.
        longest_run: frames in the longest run of misses; 0 without a miss.
        longest_run_at: first frame of that run; -1 without a miss.
    """

    track: int
    frames: int
    found: int
    flickers: int
    runs: int
    longest_run: int
    longest_run_at: int


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """All tracks of a variant, worst first, and their totals."""

    tracks: tuple[TrackHistory, ...]
    flickers: int
    runs: int
    longest_run: int

    @property
    def flicker_rate(self) -> float:
        """Flickers per 1,000 frames of tracks; 0 without tracks."""
        frames = sum(track.frames for track in self.tracks)
        return 1000.0 * self.flickers / frames if frames else 0.0


def summarise_tracks(tracks: Int, frames: Int, found: Bool) -> TrackSummary:
    """Find flickers and runs of misses. A gap in the ground truth (the object left the frame) ends a run.

    Args:
        tracks: (N,) int64 track id of each ground-truth box that counts; boxes with a negative id have no track and are
            left out.
        frames: (N,) int64 frame of each box.
        found: (N,) bool, whether the box has a true positive.
    """
    kept = np.flatnonzero(tracks >= 0)
    order = kept[np.lexsort((frames[kept], tracks[kept]))]
    ids, starts = np.unique(tracks[order], return_index=True)
    ends = np.append(starts[1:], len(order))[: len(starts)]
    histories = [
        _history(int(track), frames[order[first:last]], found[order[first:last]])
        for track, first, last in zip(ids, starts, ends, strict=True)
    ]
    histories.sort(key=lambda h: (-h.longest_run, -h.flickers, h.track))
    return TrackSummary(
        tuple(histories),
        sum(h.flickers for h in histories),
        sum(h.runs for h in histories),
        max((h.longest_run for h in histories), default=0),
    )


def _history(track: int, frames: Int, found: Bool) -> TrackHistory:
    # A run ends where the state changes or the ground truth has a gap.
    breaks = np.flatnonzero((found[1:] != found[:-1]) | (np.diff(frames) != 1)) + 1
    starts = np.concatenate([[0], breaks])
    ends = np.concatenate([breaks, [len(found)]])
    missed = ~found[starts]
    lengths = ends - starts
    before = np.zeros(len(starts), np.bool_)
    after = np.zeros(len(starts), np.bool_)
    adjacent = frames[starts[1:]] - frames[ends[:-1] - 1] == 1
    before[1:] = found[starts[:-1]] & adjacent
    after[:-1] = found[starts[1:]] & adjacent
    flickers = int((missed & (lengths == 1) & before & after).sum())
    runs = missed & (lengths >= 2)
    longest = int(lengths[missed].max()) if missed.any() else 0
    at = int(frames[starts[missed & (lengths == longest)][0]]) if longest else -1
    return TrackHistory(track, len(found), int(found.sum()), flickers, int(runs.sum()), longest, at)


def jitter(tracks: Int, frames: Int, offsets: Float) -> dict[int, tuple[float, int]]:
    """How much predictions shake around their boxes: by track, the mean step of the offset and the number of steps.

    A step is the length of the change of the offset from one frame to the next, where both are found. A constant
    offset, however large, does not shake. Tracks without a step are left out.

    Args:
        tracks: (N,) int64 track of each ground-truth box.
        frames: (N,) int64.
        offsets: (2, N) float64, x and y of the prediction's centre minus the box's, in sizes of the box; nan where
            the box is not found.
    """
    order = np.lexsort((frames, tracks))
    tracks, frames, offsets = tracks[order], frames[order], offsets[:, order]
    steps = np.hypot(*np.diff(offsets, axis=1))
    adjacent = (np.diff(tracks) == 0) & (np.diff(frames) == 1) & ~np.isnan(steps)
    ids, places = np.unique(tracks[1:][adjacent], return_inverse=True)
    counts = np.bincount(places, minlength=len(ids))
    sums = np.bincount(places, weights=steps[adjacent], minlength=len(ids))
    return {int(one): (float(s / n), int(n)) for one, s, n in zip(ids, sums, counts, strict=True)}
