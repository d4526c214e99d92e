"""The lane of a track on the timeline: where it has boxes, gaps, key frames, occluded and ignored stretches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.tracks import key_rows
from iouviewer.metrics.table import Bool, Int


@dataclass(frozen=True, eq=False)
class Lane:
    """The boxes of one track by frame.

    Attributes:
        class_id: of the first box.
        frames, flags: (N,) int64 each, frames ascending; N >= 1.
    """

    track: int
    class_id: int
    frames: Int
    flags: Int

    @property
    def first(self) -> int:
        return int(self.frames[0])

    @property
    def last(self) -> int:
        return int(self.frames[-1])

    @property
    def key_frames(self) -> Int:
        """Frames of the key boxes, by the rule of ``tracks.key_rows``."""
        keys: Int = self.frames[key_rows(self.flags)]
        return keys

    def is_on(self, frame: int) -> bool:
        """Whether the track has a box on a frame."""
        place = int(np.searchsorted(self.frames, frame))
        return place < len(self.frames) and int(self.frames[place]) == frame

    def visible(self) -> Bool:
        """(N,) bool: boxes that are not out of view."""
        found: Bool = (self.flags & int(BoxFlag.OUTSIDE)) == 0
        return found

    def runs(self, wanted: Bool) -> tuple[Int, Int]:
        """First and last frames of the stretches of consecutive frames with a wanted box, (R,) each.

        Args:
            wanted: (N,) bool.
        """
        return runs_of(self.frames[wanted])

    def with_flag(self, flag: BoxFlag) -> tuple[Int, Int]:
        """The stretches whose boxes have a flag and are in view."""
        return self.runs(self.visible() & ((self.flags & int(flag)) != 0))

    def gaps(self) -> tuple[Int, Int]:
        """First and last frames of the stretches without a box between two boxes; out of view is not a gap."""
        breaks = np.flatnonzero(np.diff(self.frames) > 1)
        return self.frames[breaks] + 1, self.frames[breaks + 1] - 1


def runs_of(frames: Int) -> tuple[Int, Int]:
    """First and last frames of the stretches of consecutive frames; ``frames`` ascends."""
    if not len(frames):
        return frames, frames
    breaks = np.flatnonzero(np.diff(frames) > 1)
    return frames[np.append(0, breaks + 1)], frames[np.append(breaks, len(frames) - 1)]


def lane_of(truth: GroundTruth, track: int) -> Lane | None:
    """The lane of a track; None if it has no boxes."""
    frames, class_ids, flags, _ids = truth.track_columns(track)
    return Lane(track, int(class_ids[0]), frames, flags) if len(frames) else None


class LaneTable:
    """The lanes of all tracks of a source; after an edit only the changed tracks are read again."""

    def __init__(self, truth: GroundTruth) -> None:
        self._truth = truth
        frames, _boxes, class_ids, tracks, flags, _ids = truth.columns()
        order = np.argsort(tracks, kind="stable")
        order = order[tracks[order] != NO_TRACK]
        numbers, starts = np.unique(tracks[order], return_index=True)
        ends = np.append(starts, len(order))[1:]
        self.lanes: dict[int, Lane] = {}
        for track, start, end in zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True):
            rows = order[start:end]
            self.lanes[track] = Lane(track, int(class_ids[rows[0]]), frames[rows], flags[rows])

    def __len__(self) -> int:
        return len(self.lanes)

    def update(self, frames: Iterable[int]) -> frozenset[int]:
        """Read the tracks that have, or had, boxes on these frames; returns the tracks whose lanes changed."""
        numbers = [frame for frame in frames if frame < self._truth.frame_count]
        affected = {box.track for frame in numbers for box in self._truth.boxes(frame)} - {NO_TRACK}
        affected |= {track for track, lane in self.lanes.items() if any(lane.is_on(frame) for frame in numbers)}
        changed = set()
        for track in affected:
            old, new = self.lanes.get(track), lane_of(self._truth, track)
            if old is not None and new is not None and _is_equal(old, new):
                continue
            changed.add(track)
            if new is None:
                self.lanes.pop(track, None)
            else:
                self.lanes[track] = new
        return frozenset(changed)

    def on_frame(self, frame: int) -> frozenset[int]:
        """Tracks with a box on a frame."""
        if not 0 <= frame < self._truth.frame_count:
            return frozenset()
        return frozenset(box.track for box in self._truth.boxes(frame)) - {NO_TRACK}

    def order(self, active: int | None, present: frozenset[int]) -> list[int]:
        """Tracks from top to bottom: the active one, those on the frame, then the others, each by first frame."""

        def place(lane: Lane) -> tuple[int, int, int]:
            rank = 0 if lane.track == active else 1 if lane.track in present else 2
            return rank, lane.first, lane.track

        return [lane.track for lane in sorted(self.lanes.values(), key=place)]

    def pack(self, active: int | None) -> list[list[int]]:
        """Rows of tracks that do not overlap in time; the active track has the first row for itself."""
        rows: list[list[int]] = []
        free: list[int] = []
        lanes = sorted(self.lanes.values(), key=lambda lane: (lane.first, lane.track))
        for lane in lanes:
            if lane.track == active:
                continue
            # The first row that is free: few rows, so a search from the top keeps early tracks on top.
            row = next((i for i, end in enumerate(free) if end < lane.first), len(rows))
            if row == len(rows):
                rows.append([])
                free.append(-1)
            rows[row].append(lane.track)
            free[row] = lane.last
        return rows if active is None or active not in self.lanes else [[active], *rows]


def _is_equal(one: Lane, other: Lane) -> bool:
    return (
        one.class_id == other.class_id
        and np.array_equal(one.frames, other.frames)
        and np.array_equal(one.flags, other.flags)
    )
