"""How well boxes are linked into tracks: IDF1, and how many operations a person needs to repair the tracks.

IDF1 is that of Ristani et al. (2016) as TrackEval computes it: true tracks and found tracks are matched one to one so
that as many boxes as possible agree (IoU at least ``MIN_IOU``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Float, Int

MIN_IOU = 0.5
MIN_RUN = 5
"""Boxes that a found track must have on an object before a change counts: a person would not cut for fewer."""
SWAP_FRAMES = 15
"""Two tracks that exchange their objects within so many frames are one swap."""


@dataclass(frozen=True, slots=True)
class LinkedBoxes:
    """Boxes of tracks: frames (N,) ascending, boxes (4, N), tracks (N,)."""

    frames: Int
    boxes: Float
    tracks: Int


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """IDF1 with its precision and recall, 0 to 1; 0 where both sides are empty."""

    f1: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Repairs:
    """The operations that turn found tracks into the true ones.

    Attributes:
        splits: a track goes over to another object.
        merges: an object has more than one track.
        swaps: two tracks exchange their objects.
        deletions: tracks on no object.
        drawings: objects without a track.
    """

    splits: int
    merges: int
    swaps: int
    deletions: int
    drawings: int

    @property
    def total(self) -> int:
        """All operations."""
        return self.splits + self.merges + self.swaps + self.deletions + self.drawings


def identity_score(truth: LinkedBoxes, found: LinkedBoxes) -> IdentityScore:
    """IDF1 of found tracks."""
    true_ids, true_rows = np.unique(truth.tracks, return_inverse=True)
    found_ids, found_rows = np.unique(found.tracks, return_inverse=True)
    shared = np.zeros((len(true_ids), len(found_ids)), np.int64)
    for _frame, rows, columns, overlaps in _frames(truth, found):
        y, x = np.nonzero(overlaps >= MIN_IOU)
        np.add.at(shared, (true_rows[rows[y]], found_rows[columns[x]]), 1)
    pairs = linear_sum_assignment(shared, maximize=True)
    agreeing = int(shared[pairs].sum())
    total = len(truth.tracks) + len(found.tracks)
    return IdentityScore(
        2 * agreeing / total if total else 0.0,
        agreeing / len(found.tracks) if len(found.tracks) else 0.0,
        agreeing / len(truth.tracks) if len(truth.tracks) else 0.0,
    )


def _frames(truth: LinkedBoxes, found: LinkedBoxes) -> Iterator[tuple[int, Int, Int, Float]]:
    """Frames where both have boxes: frame, rows of the truth, rows of the found boxes, and their overlaps."""
    for frame in np.intersect1d(truth.frames, found.frames).tolist():
        rows = np.arange(*np.searchsorted(truth.frames, [frame, frame + 1]))
        columns = np.arange(*np.searchsorted(found.frames, [frame, frame + 1]))
        yield frame, rows, columns, iou_matrix(truth.boxes[:, rows], found.boxes[:, columns])


def count_repairs(truth: LinkedBoxes, found: LinkedBoxes) -> Repairs:
    """The operations that repair found tracks."""
    runs = {track: _runs(seen) for track, seen in _objects_of_tracks(truth, found).items()}
    pieces = dict.fromkeys(np.unique(truth.tracks).tolist(), 0)
    changes: list[tuple[int, int, int]] = []
    deletions = 0
    for track in np.unique(found.tracks).tolist():
        objects = runs.get(track, [])
        deletions += not objects
        for number, (_frame, identity) in enumerate(objects):
            pieces[identity] += 1
            if number:
                changes.append((objects[number][0], objects[number - 1][1], identity))
    swaps = _count_swaps(changes)
    merges = sum(max(0, count - 1) for count in pieces.values())
    drawings = sum(count == 0 for count in pieces.values())
    # A swap stands for two splits and two merges.
    return Repairs(len(changes) - 2 * swaps, max(0, merges - 2 * swaps), swaps, deletions, drawings)


def _objects_of_tracks(truth: LinkedBoxes, found: LinkedBoxes) -> dict[int, list[tuple[int, int]]]:
    """Frames of each found track with the object that it is on; one to one on each frame, earlier pairs first."""
    last: dict[int, int] = {}
    seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for frame, rows, columns, overlaps in _frames(truth, found):
        identities, tracks = truth.tracks[rows], found.tracks[columns]
        possible = overlaps >= MIN_IOU
        before = np.array([last.get(identity, -1) for identity in identities.tolist()])
        weight = np.where(possible, overlaps + (before[:, None] == tracks[None, :]), 0.0)
        for y, x in zip(*linear_sum_assignment(weight, maximize=True), strict=True):
            if possible[y, x]:
                last[int(identities[y])] = int(tracks[x])
                seen[int(tracks[x])].append((frame, int(identities[y])))
    return seen


def _runs(seen: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """First frame and object of each run of at least ``MIN_RUN`` boxes; a run goes on after a shorter one."""
    runs: list[tuple[int, int, int]] = []
    for frame, identity in seen:
        if runs and runs[-1][1] == identity:
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((frame, identity, 1))
    found: list[tuple[int, int]] = []
    for frame, identity, count in runs:
        if count >= MIN_RUN and not (found and found[-1][1] == identity):
            found.append((frame, identity))
    return found


def _count_swaps(changes: list[tuple[int, int, int]]) -> int:
    """Pairs of changes (frame, from, to) that are the two halves of an exchange."""
    swaps, used = 0, set[int]()
    for number, (frame, before, after) in enumerate(changes):
        for other in range(number + 1, len(changes)):
            if {number, other} & used:
                continue
            if changes[other][1:] == (after, before) and abs(changes[other][0] - frame) <= SWAP_FRAMES:
                used |= {number, other}
                swaps += 1
    return swaps
