"""Ground truth of one source: imported boxes in columns, edited frames laid over them.

A million imported boxes stay in numpy columns; only the frames that a person touched become Python objects. So an edit
costs what its frame holds, whatever the video's length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import Box, BoxFlag, Rect
from iouviewer.document.edits import FrameState
from iouviewer.metrics.table import BoxTable, Float, Int

_ID = attrgetter("id")


class _FrameTable(NamedTuple):
    """The table of a frame, and the boxes that it was made of."""

    made_of: tuple[Box, ...]
    table: BoxTable

    def followed_by(self, boxes: tuple[Box, ...], place: int) -> _FrameTable | None:
        """The same after the box at ``place`` was replaced; None where it has to be made anew."""
        old, new, table = self.made_of[place], boxes[place], self.table
        # With boxes outside, rows and boxes do not go together.
        if len(table) != len(boxes) or (old.class_id, old.flags) != (new.class_id, new.flags):
            return None
        rects = table.boxes.copy()
        rects[:, place] = new.rect
        return _FrameTable(
            boxes, BoxTable(table.offsets, rects, table.class_ids, table.scores, table.ignored, table.ids)
        )


class GroundTruth:
    """Boxes and frame states of one source. Changed through ``Document.apply`` only."""

    def __init__(self, frame_count: int, *, state: FrameState = FrameState.UNLABELLED) -> None:
        none = np.zeros(0, np.int64)
        self._states = np.full(frame_count, int(state), np.int8)
        self._verified = np.zeros(frame_count, np.bool_)
        self._rest = FrameState.UNLABELLED
        self._next_id = 1
        self._load(none, np.zeros((4, 0)), none, none, none, none)

    def _load(self, frames: Int, boxes: Float, class_ids: Int, tracks: Int, flags: Int, ids: Int) -> None:
        order: Int | slice = slice(None)
        follows = (frames[1:] > frames[:-1]) | ((frames[1:] == frames[:-1]) & (ids[1:] >= ids[:-1]))
        if not follows.all():
            # Sorting and gathering a million boxes takes 0.1 s; most files and projects have them in order.
            order = np.lexsort((ids, frames))
        self._frames = np.array(frames[order])
        self._boxes = np.array(boxes[:, order], order="C")
        self._class_ids, self._tracks = np.array(class_ids[order]), np.array(tracks[order])
        self._flags, self._ids = np.array(flags[order]), np.array(ids[order])
        self._by_id = np.argsort(self._ids, kind="stable")
        self._sorted_ids = self._ids[self._by_id]
        self._offsets = np.searchsorted(self._frames, np.arange(len(self._states) + 1))
        self._edited: dict[int, tuple[Box, ...]] = {}
        self._edited_at: dict[int, int | None] = {}
        self._table: BoxTable | None = None
        # The table of the frame that was asked for last, with the boxes it was made of.
        self._frame_table: _FrameTable | None = None
        if len(ids):
            self._next_id = max(self._next_id, int(ids.max()) + 1)

    def load_columns(
        self, frames: Int, boxes: Float, *, class_ids: Int, tracks: Int, flags: Int, ids: Int | None = None
    ) -> None:
        """Replace all boxes: frames (N,), boxes (4, N), others (N,); ids are given out where they are None."""
        frames = np.asarray(frames, np.int64)
        if ids is None:
            ids = np.arange(self._next_id, self._next_id + len(frames), dtype=np.int64)
        if len(frames) and (frames.min() < 0 or frames.max() >= self.frame_count):
            raise ValueError(f"frames must lie in 0..{self.frame_count - 1}, got {frames.min()}..{frames.max()}")
        as_int = [np.asarray(a, np.int64) for a in (class_ids, tracks, flags, ids)]
        # Adding 0.0 turns -0.0 into 0.0, which is what a project file gives back.
        self._load(frames, np.asarray(boxes, np.float64) + 0.0, as_int[0], as_int[1], as_int[2], as_int[3])

    def columns(self) -> tuple[Int, Float, Int, Int, Int, Int]:
        """All boxes by frame, then id: frames, boxes (4, N), class ids, tracks, flags, ids."""
        self._fold()
        return self._frames, self._boxes, self._class_ids, self._tracks, self._flags, self._ids

    @property
    def frame_count(self) -> int:
        return len(self._states)

    def __len__(self) -> int:
        base = len(self._ids)
        return base + sum(
            len(boxes) - int(self._offsets[frame + 1] - self._offsets[frame]) for frame, boxes in self._edited.items()
        )

    # Reading

    def boxes(self, frame: int) -> tuple[Box, ...]:
        """Boxes of a frame in order of id."""
        edited = self._edited.get(frame)
        if edited is not None:
            return edited
        rows = range(int(self._offsets[frame]), int(self._offsets[frame + 1]))
        return tuple(self._row(row) for row in rows)

    def _row(self, row: int) -> Box:
        x1, y1, x2, y2 = self._boxes[:, row].tolist()
        return Box(
            int(self._ids[row]),
            int(self._frames[row]),
            (x1, y1, x2, y2),
            int(self._class_ids[row]),
            int(self._tracks[row]),
            int(self._flags[row]),
        )

    def find(self, box_id: int) -> Box | None:
        """The box with this id, or None."""
        if box_id in self._edited_at:
            frame = self._edited_at[box_id]
            if frame is None:
                return None
            boxes = self._edited[frame]
            return boxes[_place(boxes, box_id)]
        place = int(np.searchsorted(self._sorted_ids, box_id))
        if place == len(self._sorted_ids) or self._sorted_ids[place] != box_id:
            return None
        return self._row(int(self._by_id[place]))

    def track(self, track: int) -> tuple[Box, ...]:
        """Boxes of a track by frame."""
        found = [self._row(int(row)) for row in np.flatnonzero(self._tracks == track)]
        found = [box for box in found if box.frame not in self._edited]
        found += [box for boxes in self._edited.values() for box in boxes if box.track == track]
        return tuple(sorted(found, key=lambda box: (box.frame, box.id)))

    def next_track(self) -> int:
        """A track id that no box has (from 1)."""
        highest = int(self._tracks.max()) if len(self._tracks) else 0
        edited = (box.track for boxes in self._edited.values() for box in boxes)
        return max(0, highest, *edited) + 1

    def state(self, frame: int) -> FrameState:
        return FrameState(int(self._states[frame]))

    def states(self) -> NDArray[np.int8]:
        """(F,) int8 of FrameState."""
        return self._states

    @property
    def rest(self) -> FrameState:
        """State of frames that become known later."""
        return self._rest

    def is_verified(self, frame: int) -> bool:
        return bool(self._verified[frame])

    def verified(self) -> NDArray[np.bool_]:
        """(F,) bool: frames that a person has verified."""
        return self._verified

    def frame_table(self, frame: int) -> BoxTable:
        """The frame's boxes as metrics see them: a table of one frame, rows in order of id, without outside ones."""
        edited = self._edited.get(frame)
        if edited is None:
            rows = slice(int(self._offsets[frame]), int(self._offsets[frame + 1]))
            return _table_of(self._boxes[:, rows], self._class_ids[rows], self._flags[rows], self._ids[rows])
        kept = self._frame_table
        if kept is None or edited is not kept.made_of:
            boxes = np.array([box.rect for box in edited], np.float64).reshape(-1, 4).T
            columns = [(box.class_id, box.flags, box.id) for box in edited]
            class_ids, flags, ids = np.array(columns, np.int64).reshape(-1, 3).T
            kept = self._frame_table = _FrameTable(edited, _table_of(boxes, class_ids, flags, ids))
        return kept.table

    def table(self) -> BoxTable:
        """All boxes as metrics see them, rows by frame and id; kept until the next edit.

        A box that is outside says that its object is not on the picture: it is no box for any metric.
        """
        if self._table is None:
            frames, boxes, class_ids, _tracks, flags, ids = self.columns()
            outside = (flags & int(BoxFlag.OUTSIDE)) != 0
            if outside.any():
                frames, boxes, class_ids = frames[~outside], boxes[:, ~outside], class_ids[~outside]
                flags, ids = flags[~outside], ids[~outside]
            ignored = (flags & int(BoxFlag.IGNORED)) != 0
            self._table = BoxTable.from_rows(
                frames, boxes, frame_count=self.frame_count, class_ids=class_ids, ignored=ignored, ids=ids
            )
        return self._table

    # Writing, for Document only

    def new_ids(self, count: int) -> range:
        """``count`` ids that were never used before."""
        first = self._next_id
        self._next_id += count
        return range(first, first + count)

    @property
    def next_id(self) -> int:
        return self._next_id

    def reserve_ids(self, next_id: int) -> None:
        """Give out no id below ``next_id`` (ids of deleted boxes are never used again)."""
        self._next_id = max(self._next_id, next_id)

    def put(self, box: Box) -> None:
        """Add a box, or replace the one with its id."""
        x1, y1, x2, y2 = box.rect
        # Plain floats, and no -0.0: the bits that a project file gives back.
        rect = float(x1) + 0.0, float(y1) + 0.0, float(x2) + 0.0, float(y2) + 0.0
        box = Box(box.id, box.frame, rect, box.class_id, box.track, box.flags)
        old = self.find(box.id)
        edited = self._edited.get(box.frame)
        if old is not None and old.frame == box.frame and edited is not None:
            # A drag puts the same box again and again.
            place = _place(edited, box.id)
            boxes = self._edited[box.frame] = (*edited[:place], box, *edited[place + 1 :])
            self._table = None
            kept = self._frame_table
            self._frame_table = kept.followed_by(boxes, place) if kept and kept.made_of is edited else None
            return
        if old is not None and old.frame != box.frame:
            self._set_frame(old.frame, (b for b in self.boxes(old.frame) if b.id != box.id))
        self._set_frame(box.frame, [*(b for b in self.boxes(box.frame) if b.id != box.id), box])
        self._next_id = max(self._next_id, box.id + 1)

    def drop(self, box: Box) -> None:
        """Remove a box."""
        self._set_frame(box.frame, (b for b in self.boxes(box.frame) if b.id != box.id))
        self._edited_at[box.id] = None

    def _set_frame(self, frame: int, boxes: Iterable[Box]) -> None:
        kept = tuple(sorted(boxes, key=lambda box: box.id))
        self._edited[frame] = kept
        self._edited_at.update((box.id, frame) for box in kept)
        self._table = None

    def set_state(self, frame: int, state: FrameState, verified: bool) -> None:
        self._states[frame] = int(state)
        self._verified[frame] = verified

    def set_rest(self, state: FrameState) -> None:
        """Give frames that become known later this state."""
        self._rest = FrameState(state)

    def extend(self, frame_count: int) -> None:
        """Make room for more frames (the video turned out longer); they are empty and have the state of the rest."""
        more = frame_count - self.frame_count
        if more > 0:
            self._states = np.concatenate([self._states, np.full(more, int(self._rest), np.int8)])
            self._verified = np.concatenate([self._verified, np.zeros(more, np.bool_)])
            self._offsets = np.searchsorted(self._frames, np.arange(frame_count + 1))
            self._table = None

    def renumber(self, new: Int, frame_count: int) -> None:
        """Move all to other frames: ``new`` (F,) int64, -1 for a frame without boxes that is gone.

        Frames that were none before are empty and have the state of the rest.
        """
        self._fold()
        states = np.full(frame_count, int(self._rest), np.int8)
        verified = np.zeros(frame_count, np.bool_)
        there = new >= 0
        states[new[there]] = self._states[there]
        verified[new[there]] = self._verified[there]
        self._states, self._verified = states, verified
        frames = new[self._frames]
        self._load(frames, self._boxes, self._class_ids, self._tracks, self._flags, self._ids)

    def load_states(self, states: NDArray[np.int8], verified: NDArray[np.bool_]) -> None:
        """Replace the state of all frames: (F,) int8 and (F,) bool."""
        self._states[:] = states
        self._verified[:] = verified

    def _fold(self) -> None:
        """Lay the edited frames into the columns."""
        if not self._edited:
            return
        edited = [box for frame in self._edited for box in self._edited[frame]]
        keep = ~np.isin(self._frames, np.fromiter(self._edited, np.int64))
        rects = np.array([box.rect for box in edited], np.float64).reshape(-1, 4).T

        def join(old: Int, new: list[int]) -> Int:
            return np.concatenate([old[keep], np.array(new, np.int64)])

        self._load(
            join(self._frames, [box.frame for box in edited]),
            np.concatenate([self._boxes[:, keep], rects], axis=1),
            join(self._class_ids, [box.class_id for box in edited]),
            join(self._tracks, [box.track for box in edited]),
            join(self._flags, [box.flags for box in edited]),
            join(self._ids, [box.id for box in edited]),
        )


def _place(boxes: tuple[Box, ...], box_id: int) -> int:
    """Where the box with this id stands among boxes in order of id, or would stand."""
    return bisect_left(boxes, box_id, key=_ID)


def _table_of(boxes: Float, class_ids: Int, flags: Int, ids: Int) -> BoxTable:
    outside = (flags & int(BoxFlag.OUTSIDE)) != 0
    if outside.any():
        boxes, class_ids = boxes[:, ~outside], class_ids[~outside]
        flags, ids = flags[~outside], ids[~outside]
    ignored = (flags & int(BoxFlag.IGNORED)) != 0
    return BoxTable(np.array([0, len(ids)], np.int64), boxes, class_ids, np.ones(len(ids)), ignored, ids)


def clip_rect(rect: Rect, width: float, height: float) -> Rect:
    """The part of a rectangle inside a picture of this size, pixels."""
    x1, y1, x2, y2 = rect
    return max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
