"""Ground truth of one source: imported boxes in columns, which edited frames override.

Imported boxes (up to millions) stay in numpy columns; only edited frames become Python objects. The cost of an edit
therefore depends on the boxes of its frame, not on the length of the video.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.edits import FrameMark, FrameState, Verification
from iouviewer.document.origin_view import OriginView
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

_ID = attrgetter("id")
AnyArray = NDArray[Any]
_OWN_REFERENCES = 2
"""References to an array that only a local name holds: this name and the argument of ``getrefcount``."""
_KEPT_TRACKS = 16
"""Tracks whose rows are kept."""


class _FrameTable(NamedTuple):
    """The table of a frame, and the boxes that it was built from."""

    boxes: tuple[Box, ...]
    table: BoxTable

    def with_replaced(self, boxes: tuple[Box, ...], place: int) -> _FrameTable | None:
        """The table after the box at ``place`` was replaced; None where it must be built again."""
        old, new, table = self.boxes[place], boxes[place], self.table
        # Boxes outside the frame have no row, so positions of boxes and rows would differ.
        if len(table) != len(boxes) or (old.class_id, old.flags) != (new.class_id, new.flags):
            return None
        rects = table.boxes.copy()
        rects[:, place] = new.rect
        return _FrameTable(
            boxes,
            BoxTable(
                table.offsets, rects, table.class_ids, table.scores, table.ignored, table.ids, by_iou=table.by_iou
            ),
        )


class _SpareRects:
    """The array of rectangles before the last one; both take turns, so that moving a box copies no other.

    The array before the last is free once no thread reads it, and lacks only what was merged last.
    """

    def __init__(self) -> None:
        self._array: Float | None = None
        self._lacks = np.zeros(0, np.int64)

    def merged(self, boxes: Float, rows: Int, rects: Float) -> Float:
        """``boxes`` (4, N) with other rectangles (4, n) in some rows (n,); ``boxes`` is kept as it is."""
        spare, self._array = self._array, None
        if spare is None or spare.shape != boxes.shape or sys.getrefcount(spare) > _OWN_REFERENCES:
            spare = np.empty_like(boxes)
            np.copyto(spare, boxes)
        else:
            spare[:, self._lacks] = boxes[:, self._lacks]
        spare[:, rows] = rects
        self._array, self._lacks = boxes, rows
        return spare


class GroundTruth:
    """Boxes and frame states of one source. Changed through ``Document.apply`` only."""

    def __init__(self, frame_count: int, *, state: FrameState = FrameState.UNLABELLED) -> None:
        none = np.zeros(0, np.int64)
        self._states = np.full(frame_count, int(state), np.int8)
        self._verification = np.zeros(frame_count, np.int8)
        self._default_state = FrameState.UNLABELLED
        self._origins = OriginView()
        self._next_id = 1
        self._load(none, np.zeros((4, 0)), none, none, none, none)

    def _load(self, frames: Int, boxes: Float, class_ids: Int, tracks: Int, flags: Int, ids: Int) -> None:
        order: Int | slice = slice(None)
        in_order = (frames[1:] > frames[:-1]) | ((frames[1:] == frames[:-1]) & (ids[1:] >= ids[:-1]))
        if not in_order.all():
            # Sorting a million boxes takes 0.1 s; most files and projects have them in order.
            order = np.lexsort((ids, frames))
        self._frames = np.array(frames[order])
        self._boxes = np.array(boxes[:, order], order="C")
        self._spare = _SpareRects()
        self._class_ids, self._tracks = np.array(class_ids[order]), np.array(tracks[order])
        self._flags, self._ids = np.array(flags[order]), np.array(ids[order])
        self._has_neutral = bool((self._flags & int(BoxFlag.NEUTRAL)).any())
        self._by_id = np.argsort(self._ids, kind="stable")
        self._sorted_ids = self._ids[self._by_id]
        self._offsets = np.searchsorted(self._frames, np.arange(len(self._states) + 1))
        self._edited: dict[int, tuple[Box, ...]] = {}
        self._edited_at: dict[int, int | None] = {}
        self._table: BoxTable | None = None
        # The table of the columns, without the frames that were edited since.
        self._merged_table: BoxTable | None = None
        # Many views ask for the selected track at each frame.
        self._track_cache: dict[int, tuple[Box, ...]] = {}
        self._track_columns: dict[int, tuple[Int, Int, Int, Int]] = {}
        self._track_rows: dict[int, Int] = {}
        self._loaded_highest: int | None = None
        self._origins.load(self._frames, self._flags)
        # The tables of the most recently read edited frame, and of the other most recently read frame.
        self._frame_table: _FrameTable | None = None
        self._read_table: tuple[int, BoxTable] | None = None
        if len(ids):
            self._next_id = max(self._next_id, int(ids.max()) + 1)

    def load_columns(
        self, frames: Int, boxes: Float, *, class_ids: Int, tracks: Int, flags: Int, ids: Int | None = None
    ) -> None:
        """Replace all boxes: frames (N,), boxes (4, N), others (N,); new ids where ``ids`` is None."""
        frames = np.asarray(frames, np.int64)
        if ids is None:
            ids = np.arange(self._next_id, self._next_id + len(frames), dtype=np.int64)
        if len(frames) and (frames.min() < 0 or frames.max() >= self.frame_count):
            raise ValueError(f"frames must be in 0..{self.frame_count - 1}, got {frames.min()}..{frames.max()}")
        as_int = [np.asarray(a, np.int64) for a in (class_ids, tracks, flags, ids)]
        # Adding 0.0 turns -0.0 into 0.0, which is what a project file returns.
        self._load(frames, np.asarray(boxes, np.float64) + 0.0, as_int[0], as_int[1], as_int[2], as_int[3])

    def columns(self) -> tuple[Int, Float, Int, Int, Int, Int]:
        """All boxes by frame, then id: frames, boxes (4, N), class ids, tracks, flags, ids."""
        self._merge_edited()
        return self._frames, self._boxes, self._class_ids, self._tracks, self._flags, self._ids

    def part(self, frames: range) -> tuple[Int, Float, Int, Int, Int, Int]:
        """As ``columns``, of the boxes of successive frames; the other frames are not merged or copied."""
        rows = slice(int(self._offsets[frames.start]), int(self._offsets[frames.stop]))
        columns = (self._frames, self._boxes, self._class_ids, self._tracks, self._flags, self._ids)
        found: list[AnyArray] = [column[..., rows] for column in columns]
        if edited := sorted(self._edited.keys() & frames):
            rects, new = _arrays_of([box for frame in edited for box in self._edited[frame]])
            counts, at = [len(self._edited[frame]) for frame in edited], np.array(edited)
            bounds = self._offsets[at] - rows.start, self._offsets[at + 1] - rows.start
            found = list(map(_splice, found, (new[0], rects, *new[1:]), repeat(bounds), repeat(counts)))
        return found[0], found[1], found[2], found[3], found[4], found[5]

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
        """Boxes of a track by frame; kept until the next edit."""
        known = self._track_cache.get(track)
        if known is not None:
            return known
        found = [self._row(int(row)) for row in self._rows_of_track(track)]
        found = [box for box in found if box.frame not in self._edited]
        found += [box for boxes in self._edited.values() for box in boxes if box.track == track]
        self._track_cache[track] = boxes = tuple(sorted(found, key=lambda box: (box.frame, box.id)))
        return boxes

    def track_columns(self, track: int) -> tuple[Int, Int, Int, Int]:
        """Frames, class ids, flags and box ids of a track by frame, (N,) each; ``track`` without objects.

        Kept until the next edit; do not write into them.
        """
        known = self._track_columns.get(track)
        if known is None:
            known = self._track_columns[track] = self._read_track_columns(track)
        return known

    def _rows_of_track(self, track: int) -> Int:
        """Rows of the columns; kept until they are replaced, for a few tracks."""
        rows = self._track_rows.get(track)
        if rows is None:
            if len(self._track_rows) >= _KEPT_TRACKS:
                del self._track_rows[next(iter(self._track_rows))]
            rows = self._track_rows[track] = np.flatnonzero(self._tracks == track)
        return rows

    def _drop_tracks(self) -> None:
        self._track_cache.clear()
        self._track_columns.clear()

    def _read_track_columns(self, track: int) -> tuple[Int, Int, Int, Int]:
        rows = self._rows_of_track(track)
        if self._edited:
            of_rows, changed = self._frames[rows], np.array(sorted(self._edited))
            bounds = np.searchsorted(of_rows, changed), np.searchsorted(of_rows, changed, side="right")
            rows = np.delete(rows, _ranges(*bounds))
        edited = [box for boxes in self._edited.values() for box in boxes if box.track == track]
        new = np.array([(box.frame, box.class_id, box.flags, box.id) for box in edited], np.int64).reshape(-1, 4).T
        columns = (self._frames[rows], self._class_ids[rows], self._flags[rows], self._ids[rows])
        if not edited:
            return columns
        frames, class_ids, flags, ids = (np.concatenate(pair) for pair in zip(columns, new, strict=True))
        order = np.argsort(frames, kind="stable")
        return frames[order], class_ids[order], flags[order], ids[order]

    def _highest_track(self) -> int:
        """The highest track of all boxes, ``NO_TRACK`` without any."""
        if self._loaded_highest is None:
            self._loaded_highest = int(self._tracks.max()) if len(self._tracks) else NO_TRACK
        highest = self._loaded_highest
        if highest != NO_TRACK and not self.has_track(highest):
            # Edits have removed it.
            return int(_present_tracks(self._frames, self._tracks, self._edited).max(initial=NO_TRACK))
        return max(highest, max((box.track for boxes in self._edited.values() for box in boxes), default=NO_TRACK))

    def has_track(self, track: int) -> bool:
        """Whether a box belongs to this track."""
        return len(self.track_columns(track)[0]) > 0

    def has_tracks(self) -> bool:
        """Whether some box belongs to a track."""
        return self._highest_track() != NO_TRACK

    def next_track(self) -> int:
        """A track id that no box has (from 1): the one after the highest."""
        return max(0, self._highest_track()) + 1

    def state(self, frame: int) -> FrameState:
        return FrameState(int(self._states[frame]))

    def states(self) -> NDArray[np.int8]:
        """(F,) int8 of FrameState."""
        return self._states

    @property
    def default_state(self) -> FrameState:
        """State of frames that become known later."""
        return self._default_state

    def is_verified(self, frame: int) -> bool:
        return bool(self._verification[frame] == Verification.VERIFIED)

    def is_changed_since_verified(self, frame: int) -> bool:
        """Whether a person had verified the frame before its boxes changed."""
        return bool(self._verification[frame] == Verification.CHANGED)

    def verified(self) -> NDArray[np.bool_]:
        """(F,) bool: frames that a person has verified, that have not changed since and are not excluded."""
        found: Bool = (self._verification == Verification.VERIFIED) & (self._states != FrameState.EXCLUDED)
        return found

    def verification(self) -> NDArray[np.int8]:
        """(F,) int8 of Verification."""
        return self._verification

    def mark(self, frame: int) -> FrameMark:
        """The state of a frame as an edit sets it."""
        return FrameMark(frame, self.state(frame), self.is_verified(frame), self.is_changed_since_verified(frame))

    def frame_table(self, frame: int) -> BoxTable:
        """The frame's boxes for metrics: a table of one frame, rows in order of id, without boxes outside the frame."""
        edited = self._edited.get(frame)
        if edited is None:
            read = self._read_table
            if read is None or read[0] != frame:
                # Many views ask for the shown frame, and recognise its matching by the table.
                rows = slice(int(self._offsets[frame]), int(self._offsets[frame + 1]))
                flags = self._origins.scored_flags(self._flags[rows])
                table = _table_of(self._boxes[:, rows], self._class_ids[rows], flags, self._ids[rows])
                read = self._read_table = (frame, table)
            return read[1]
        cached = self._frame_table
        if cached is None or edited is not cached.boxes:
            boxes = np.array([box.rect for box in edited], np.float64).reshape(-1, 4).T
            columns = [(box.class_id, box.flags, box.id) for box in edited]
            class_ids, flags, ids = np.array(columns, np.int64).reshape(-1, 3).T
            flags = self._origins.scored_flags(flags)
            cached = self._frame_table = _FrameTable(edited, _table_of(boxes, class_ids, flags, ids))
        return cached.table

    def unscored_classes(self) -> frozenset[int]:
        """Classes that the benchmark of the ground truth does not score (``unscored_classes``)."""
        edited = any(box.flags & BoxFlag.NEUTRAL for boxes in self._edited.values() for box in boxes)
        if not (edited or self._has_neutral):
            return frozenset()  # the usual case, without merging the edits
        _frames, _boxes, class_ids, _tracks, flags, _ids = self.columns()
        return unscored_classes(class_ids, flags)

    def table(self) -> BoxTable:
        """All boxes for metrics, rows by frame and id; cached until the next edit.

        Boxes that take no part are left out (``rows_for_metrics``).
        """
        self._merge_edited()
        if self._table is None:
            frames, boxes, class_ids, _tracks, flags, ids = self.columns()
            rows, class_ids, ignored, by_iou = rows_for_metrics(class_ids, self._origins.scored_flags(flags))
            if not rows.all():
                frames, boxes, ids = frames[rows], boxes[:, rows], ids[rows]
            self._table = BoxTable.from_rows(
                frames,
                boxes,
                frame_count=self.frame_count,
                class_ids=class_ids,
                ignored=ignored,
                ids=ids,
                by_iou=by_iou,
            )
            self._merged_table = self._table
        return self._table

    def started_variants(self) -> frozenset[int]:
        """Numbers of the variants that this ground truth was started from (``origins.variant_number``)."""
        return self._origins.started(self._edited)

    @property
    def left_out(self) -> frozenset[int]:
        """Numbers of the variants whose boxes are left out of scores."""
        return self._origins.left_out

    def leave_out(self, variants: frozenset[int]) -> None:
        """Leave boxes that lean to these variants, by number, out of all tables for metrics."""
        if variants != self._origins.left_out:
            self._origins.left_out = variants
            self._table = self._merged_table = self._frame_table = self._read_table = None

    # Writing: only Document calls these methods.

    def new_ids(self, count: int) -> range:
        """``count`` ids that were never used."""
        first = self._next_id
        self._next_id += count
        return range(first, first + count)

    @property
    def next_id(self) -> int:
        return self._next_id

    def reserve_ids(self, next_id: int) -> None:
        """Use no id below ``next_id`` for new boxes (ids of deleted boxes are never reused)."""
        self._next_id = max(self._next_id, next_id)

    def put(self, box: Box) -> None:
        """Add a box, or replace the one with its id."""
        x1, y1, x2, y2 = box.rect
        # Python floats without -0.0: the bits that a project file returns.
        rect = float(x1) + 0.0, float(y1) + 0.0, float(x2) + 0.0, float(y2) + 0.0
        box = Box(box.id, box.frame, rect, box.class_id, box.track, box.flags)
        old = self.find(box.id)
        edited = self._edited.get(box.frame)
        if old is not None and old.frame == box.frame and edited is not None:
            # Fast path: a drag replaces the same box repeatedly.
            place = _place(edited, box.id)
            boxes = self._edited[box.frame] = (*edited[:place], box, *edited[place + 1 :])
            self._table = None
            self._drop_tracks()
            cached = self._frame_table
            self._frame_table = cached.with_replaced(boxes, place) if cached and cached.boxes is edited else None
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
        ordered = tuple(sorted(boxes, key=lambda box: box.id))
        self._edited[frame] = ordered
        self._edited_at.update((box.id, frame) for box in ordered)
        self._table = None
        self._drop_tracks()

    def set_state(self, mark: FrameMark) -> None:
        self._states[mark.frame] = int(mark.state)
        self._verification[mark.frame] = int(mark.verification)

    def set_default_state(self, state: FrameState) -> None:
        """Set the state of frames that become known later."""
        self._default_state = FrameState(state)

    def extend(self, frame_count: int) -> None:
        """Add frames at the end (the video turned out longer); they are empty and have the default state."""
        more = frame_count - self.frame_count
        if more > 0:
            self._states = np.concatenate([self._states, np.full(more, int(self._default_state), np.int8)])
            self._verification = np.concatenate([self._verification, np.zeros(more, np.int8)])
            self._offsets = np.searchsorted(self._frames, np.arange(frame_count + 1))
            self._table = None

    def renumber(self, new: Int, frame_count: int) -> None:
        """Give frames new numbers: ``new`` is (F,) int64, -1 for a removed frame, which has no boxes.

        Added frames are empty and have the default state.
        """
        self._merge_edited()
        states = np.full(frame_count, int(self._default_state), np.int8)
        verification = np.zeros(frame_count, np.int8)
        remains = new >= 0
        states[new[remains]] = self._states[remains]
        verification[new[remains]] = self._verification[remains]
        self._states, self._verification = states, verification
        frames = new[self._frames]
        self._load(frames, self._boxes, self._class_ids, self._tracks, self._flags, self._ids)

    def load_states(self, states: NDArray[np.int8], verification: NDArray[np.int8] | NDArray[np.bool_]) -> None:
        """Replace the state of all frames: (F,) int8 of FrameState, and (F,) int8 of Verification or bool."""
        self._states[:] = states
        self._verification[:] = verification

    def _merge_edited(self) -> None:
        """Merge the edited frames into the columns, which other threads may hold: changed ones are new arrays."""
        if not self._edited:
            return
        frames = sorted(self._edited)
        rects, new = _arrays_of([box for frame in frames for box in self._edited[frame]])
        bounds = self._offsets[np.array(frames)], self._offsets[np.array(frames) + 1]
        rows = _ranges(*bounds)
        old_columns = (self._frames, self._class_ids, self._tracks, self._flags, self._ids)
        if len(rows) == new.shape[1] and all(map(np.array_equal, (old[rows] for old in old_columns), new)):
            self._merge_rects(rows, rects)
            return
        counts = [len(self._edited[frame]) for frame in frames]
        spliced = [_splice(old, values, bounds, counts) for old, values in zip(old_columns, new, strict=True)]
        self._load(spliced[0], _splice(self._boxes, rects, bounds, counts), *spliced[1:])

    def _merge_rects(self, rows: Int, rects: Float) -> None:
        """Merge edits that only moved boxes, without sorting all boxes again."""
        self._boxes = self._spare.merged(self._boxes, rows, rects)
        self._edited, self._edited_at, self._frame_table, self._read_table = {}, {}, None, None
        self._drop_tracks()
        merged = self._merged_table
        self._table = self._merged_table = None
        if merged is not None and len(merged) == len(self._ids):
            self._table = self._merged_table = replace(merged, boxes=self._boxes)


def _present_tracks(frames: Int, tracks: Int, edited: Mapping[int, tuple[Box, ...]]) -> Int:
    """Tracks of all boxes, in no order: (N,) int64. ``edited`` frames override the columns."""
    if edited:
        tracks = tracks[~np.isin(frames, np.fromiter(edited, np.int64))]
    of_edited = (box.track for boxes in edited.values() for box in boxes)
    return np.concatenate([tracks, np.fromiter(of_edited, np.int64)])


def _arrays_of(boxes: Sequence[Box]) -> tuple[Float, Int]:
    """Rectangles (4, N), and frames, class ids, tracks, flags and ids (5, N)."""
    rects = np.array([box.rect for box in boxes], np.float64).reshape(-1, 4).T
    columns = [(box.frame, box.class_id, box.track, box.flags, box.id) for box in boxes]
    return rects, np.array(columns, np.int64).reshape(-1, 5).T


def _splice(old: AnyArray, new: AnyArray, bounds: tuple[Int, Int], counts: Sequence[int]) -> AnyArray:
    """A column with stretches of it replaced; frames stay in order, so what lies between them is copied as it is.

    Args:
        bounds: first and end row of each stretch.
        counts: number of values of ``new`` for each.
    """
    pieces, start, taken = [], 0, 0
    for first, end, count in zip(bounds[0].tolist(), bounds[1].tolist(), counts, strict=True):
        pieces += [old[..., start:first], new[..., taken : taken + count]]
        start, taken = end, taken + count
    return np.concatenate([*pieces, old[..., start:]], axis=-1)


def _ranges(starts: Int, ends: Int) -> Int:
    """The numbers of all ranges ``starts:ends``, one after the other."""
    counts = ends - starts
    numbers: Int = np.arange(int(counts.sum())) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return numbers


def _place(boxes: tuple[Box, ...], box_id: int) -> int:
    """The position of the box with this id among boxes in order of id, or where it would be inserted."""
    return bisect_left(boxes, box_id, key=_ID)


def rows_for_metrics(class_ids: Int, flags: Int) -> tuple[Bool, Int, Bool, Bool | None]:
    """Which boxes take part in metrics, and the columns ``class_ids``, ``ignored`` and ``by_iou`` of a table of those.

    A box with the flag OUTSIDE records that its object is out of view: no model can find it. An ignored box with the
    flag NEUTRAL excuses no prediction, so it takes no part either; one with DISTRACTOR excuses those of every class, by
    IoU.

    Args:
        class_ids, flags: (N,) int64.
    """
    ignored = (flags & int(BoxFlag.IGNORED)) != 0
    rows = ((flags & int(BoxFlag.OUTSIDE)) == 0) & ~(ignored & ((flags & int(BoxFlag.NEUTRAL)) != 0))
    distractor = ignored & ((flags & int(BoxFlag.DISTRACTOR)) != 0)
    if not distractor.any():
        return rows, class_ids[rows], ignored[rows], None
    class_ids = np.where(distractor, UNSPECIFIED_CLASS, class_ids)
    return rows, class_ids[rows], ignored[rows], distractor[rows]


def unscored_classes(class_ids: Int, flags: Int) -> frozenset[int]:
    """Classes of which every box is ignored and NEUTRAL: the benchmark of the file does not score them.

    Args:
        class_ids, flags: (N,) int64.
    """
    neutral = int(BoxFlag.IGNORED | BoxFlag.NEUTRAL)
    unscored = (flags & neutral) == neutral
    if not unscored.any():
        return frozenset()
    found = set(np.unique(class_ids[unscored]).tolist()) - set(np.unique(class_ids[~unscored]).tolist())
    return frozenset(found - {UNSPECIFIED_CLASS})


def _table_of(boxes: Float, class_ids: Int, flags: Int, ids: Int) -> BoxTable:
    rows, class_ids, ignored, by_iou = rows_for_metrics(class_ids, flags)
    if not rows.all():
        boxes, ids = boxes[:, rows], ids[rows]
    offsets = np.array([0, len(ids)], np.int64)
    return BoxTable(offsets, boxes, class_ids, np.ones(len(ids)), ignored, ids, by_iou=by_iou)
