"""What a video shows and single images do not: drop-outs of one frame and runs of misses along a track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import Bool, Int


@dataclass(frozen=True, slots=True)
class TrackHistory:
    """How one ground-truth track was found, over the frames that count.

    Attributes:
        track: track id.
        frames: frames with a box of the track.
        found: of these, frames with a true positive.
        flickers: misses of exactly one frame between two frames in which it was found.
        runs: runs of two or more misses.
        longest_run: frames of the longest run of misses (0: never missed).
        longest_run_at: first frame of that run, -1 if there is none.
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
    """All tracks of a variant, worst first, and their sums."""

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
    """Track histories.

    Args:
        tracks: (N,) int64 track id of each ground-truth box that counts; negative: no track, left out.
        frames: (N,) int64 frame of each box.
        found: (N,) bool, whether the box has a true positive.

    A gap in the ground truth itself (the object left the picture) ends a run.
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
    # A run breaks where the state changes or the ground truth has a gap.
    breaks = np.flatnonzero((found[1:] != found[:-1]) | (np.diff(frames) != 1)) + 1
    starts = np.concatenate([[0], breaks])
    ends = np.concatenate([breaks, [len(found)]])
    missed = ~found[starts]
    lengths = ends - starts
    before = np.zeros(len(starts), np.bool_)
    after = np.zeros(len(starts), np.bool_)
    joined = frames[starts[1:]] - frames[ends[:-1] - 1] == 1
    before[1:] = found[starts[:-1]] & joined
    after[:-1] = found[starts[1:]] & joined
    flickers = int((missed & (lengths == 1) & before & after).sum())
    runs = missed & (lengths >= 2)
    longest = int(lengths[missed].max()) if missed.any() else 0
    at = int(frames[starts[missed & (lengths == longest)][0]]) if longest else -1
    return TrackHistory(track, len(found), int(found.sum()), flickers, int(runs.sum()), longest, at)
