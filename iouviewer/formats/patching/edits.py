"""What was edited since a file was read, in the terms of that file: the input of every patcher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Flag, auto
from functools import cached_property

import numpy as np

from iouviewer.document.attributes import AttributeSet, attributes_of, set_numbers
from iouviewer.document.boxes import NO_TRACK, BoxFlag, Rect
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

NEW = -1
"""Row of a box that the file does not have."""
KEY_FLAGS = int(BoxFlag.KEY_FRAME | BoxFlag.INTERPOLATED)
MARKS = int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED)
"""Flags that a person sets on a box; what benchmarks derive from them is not written."""


class Part(Flag):
    """Parts of a box that an edit changed."""

    NONE = 0
    RECT = auto()
    CLASS = auto()
    TRACK = auto()
    FLAGS = auto()
    KEY_FRAME = auto()
    ATTRIBUTES = auto()


@dataclass(frozen=True, slots=True)
class EditedBox:
    """A box as it is now.

    Attributes:
        row: of the file, ``NEW`` for a box that the file does not have.
        frame: 0-based, as the reader counts.
        rect: x1, y1, x2, y2, pixels, as the reader gives them.
        class_id: index into ``Edits.class_names``, -1 for none.
        track: -1 for none.
        flags: bits of ``BoxFlag``.
        changed: what differs from the file; everything for a new box.
    """

    row: int
    frame: int
    rect: Rect
    class_id: int
    track: int
    flags: int
    attributes: AttributeSet
    changed: Part

    def has(self, flag: BoxFlag) -> bool:
        """Whether a flag is set."""
        return bool(self.flags & int(flag))


@dataclass(frozen=True)
class Edits:
    """The difference between a file and the boxes as they are now.

    Attributes:
        original: the file as its reader gives it, with ``places``.
        rows: (N,) int64, row of the file of each box now, ``NEW`` for none.
        frames, boxes, class_ids, tracks, flags: columns of the boxes now, in the reader's terms.
        class_names: classes of the file, new names, and further classes at the end.
        attribute_sets: the sets to which ``flags`` refer.
        parts: (N,) int64, ``Part`` of each box.
        labelled: (K,) frames that are labelled now, as the reader counts.
        data: the boxes as the document has them, with the names and sizes of its frames.
        imported: (M,) bool, rows of the file that the document took; the others stay as they are.
        shift: frame of the document minus frame of the reader.
    """

    original: ImportedBoxes
    rows: Int
    frames: Int
    boxes: Float
    class_ids: Int
    tracks: Int
    flags: Int
    class_names: tuple[str, ...]
    attribute_sets: tuple[AttributeSet, ...]
    parts: Int
    labelled: Int
    data: BoxesToWrite
    imported: Bool
    shift: int = 0

    def box(self, place: int) -> EditedBox:
        """The box at a place of the columns."""
        x1, y1, x2, y2 = self.boxes[:, place].tolist()
        flags = int(self.flags[place])
        return EditedBox(
            int(self.rows[place]),
            int(self.frames[place]),
            (x1, y1, x2, y2),
            int(self.class_ids[place]),
            int(self.tracks[place]),
            flags,
            attributes_of(flags, self.attribute_sets),
            Part(int(self.parts[place])),
        )

    @cached_property
    def changed(self) -> tuple[EditedBox, ...]:
        """Boxes of the file that were edited, in the order of its rows."""
        places = np.flatnonzero((self.parts != 0) & (self.rows != NEW)).tolist()
        return tuple(sorted((self.box(place) for place in places), key=lambda box: box.row))

    @cached_property
    def added(self) -> tuple[EditedBox, ...]:
        """Boxes that the file does not have, by frame."""
        return tuple(self.box(place) for place in np.flatnonzero(self.rows == NEW).tolist())

    @cached_property
    def removed(self) -> tuple[int, ...]:
        """Rows of the file that are no longer there."""
        kept = ~self.imported
        kept[self.rows[self.rows != NEW]] = True
        return tuple(np.flatnonzero(~kept).tolist())

    @cached_property
    def renamed(self) -> dict[int, str]:
        """New name by class of the file."""
        pairs = zip(self.original.class_names, self.class_names, strict=False)
        return {place: new for place, (old, new) in enumerate(pairs) if old != new}

    @cached_property
    def new_classes(self) -> dict[int, str]:
        """Name by class that the file lacks."""
        return dict(enumerate(self.class_names[len(self.original.class_names) :], len(self.original.class_names)))

    @cached_property
    def new_frames(self) -> tuple[int, ...]:
        """Frames that are labelled now and that the file does not list; empty where it labels every frame."""
        known = self.original.labelled
        if known is None:
            return ()
        return tuple(np.setdiff1d(self.labelled, known).tolist())

    @cached_property
    def touched_tracks(self) -> frozenset[int]:
        """Tracks of boxes that changed, are new or are gone, before and after the edit."""
        before = self.original.track_ids
        found = {int(before[row]) for row in self.removed}
        found |= {int(before[box.row]) for box in self.changed}
        found |= {box.track for box in (*self.changed, *self.added)}
        return frozenset(found - {NO_TRACK})

    def original_attributes(self, row: int) -> AttributeSet:
        """The free attributes of a row of the file."""
        return attributes_of(int(self.original.flags[row]), self.original.attribute_sets)

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs from the file."""
        return not (self.changed or self.added or self.removed or self.renamed or self.new_frames)

    @property
    def affected(self) -> BoxesToWrite:
        """The boxes that are changed or new, to ask what a format cannot store of them."""
        places = np.flatnonzero(self.parts)
        return replace(
            self.data,
            frames=self.frames[places],
            boxes=np.ascontiguousarray(self.boxes[:, places]),
            class_ids=self.class_ids[places],
            class_names=self.class_names,
            scores=None,
            track_ids=self.tracks[places],
            flags=self.flags[places],
            attribute_sets=self.attribute_sets,
            areas=None,
            labelled=None,
        )


@dataclass(frozen=True)
class ReadState:
    """How the rows of a file became boxes of a document.

    Attributes:
        ids: (M,) int64, box id of each row, ``NO_BOX`` where the row was not imported.
        tracks: (M,) int64, track of each row in the document when it was read.
        class_names: class of the document by class of the file, when it was read.
        default_class: class of the document for rows without a class; empty: none.
        shift: frame of the document minus frame of the reader.
    """

    ids: Int
    tracks: Int
    class_names: tuple[str, ...]
    default_class: str = ""
    shift: int = 0

    @classmethod
    def as_read(cls, original: ImportedBoxes) -> ReadState:
        """The state of boxes that nobody has imported or edited: ids are the rows."""
        return cls(np.arange(len(original)), original.track_ids, original.class_names)


def find_edits(
    original: ImportedBoxes,
    state: ReadState,
    now: BoxesToWrite,
    ids: Int,
    classes: ClassTable,
    ignored: Part = Part.NONE,
) -> Edits:
    """Compare the boxes of a document with the file that they were read from.

    Args:
        now: all boxes of the document.
        ids: (N,) int64, their ids.
        classes: of the document.
        ignored: parts that the format does not hold, so that a change of them alone changes nothing.
    """
    rows = _rows_of(state.ids, ids)
    read = rows != NEW
    joined = _join_classes(original, state, classes, np.unique(now.class_ids))
    class_ids, other_class = joined.of_boxes(original.class_ids, rows, np.asarray(now.class_ids))
    flags, tracks = np.asarray(now.flags, np.int64), np.asarray(now.track_ids, np.int64)
    parts = np.zeros(len(ids), np.int64)
    if read.any():
        row = np.where(read, rows, 0)
        other_track = tracks != state.tracks[row]
        other_flags = flags ^ original.flags[row]
        tracks = np.where(read & ~other_track, original.track_ids[row], tracks)
        for part, where in (
            (Part.RECT, (now.boxes != original.boxes[:, row] + 0.0).any(axis=0)),
            (Part.CLASS, other_class),
            (Part.TRACK, other_track),
            (Part.FLAGS, (other_flags & MARKS) != 0),
            (Part.KEY_FRAME, (other_flags & KEY_FLAGS) != 0),
            (Part.ATTRIBUTES, _other_attributes(original, now, row)),
        ):
            parts |= np.where(read & where, (part & ~ignored).value, 0)
    parts[~read] = (~Part.NONE).value
    labelled = np.arange(now.frame_count) if now.labelled is None else np.asarray(now.labelled, np.int64)
    return Edits(
        original=original,
        rows=rows,
        frames=_reader_frames(original, state, np.asarray(now.frames, np.int64), rows),
        boxes=np.asarray(now.boxes, np.float64),
        class_ids=class_ids,
        tracks=tracks,
        flags=flags,
        class_names=joined.names,
        attribute_sets=now.attribute_sets,
        parts=parts,
        labelled=labelled - state.shift,
        data=now,
        imported=np.asarray(state.ids >= 0),
        shift=state.shift,
    )


def _rows_of(row_ids: Int, ids: Int) -> Int:
    """(N,) int64, the row of each id, ``NEW`` where there is none."""
    if not len(row_ids):
        return np.full(len(ids), NEW, np.int64)
    order = np.argsort(row_ids, kind="stable")
    known = row_ids[order]
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where((known[places] == ids) & (ids >= 0), order[places], NEW).astype(np.int64)


def _reader_frames(original: ImportedBoxes, state: ReadState, frames: Int, rows: Int) -> Int:
    """(N,) int64, frames as the reader counts them; those of boxes that were read are as they were.

    A video may have been indexed again since: frames without a box that was read follow the nearest one before.
    """
    read = rows != NEW
    result = frames - state.shift
    if not read.any():
        return result
    result[read] = original.frames[rows[read]]
    known, first = np.unique(frames[read], return_index=True)
    offsets = frames[read][first] - result[read][first]
    places = np.maximum(np.searchsorted(known, frames[~read], side="right") - 1, 0)
    result[~read] = frames[~read] - offsets[places]
    return result


@dataclass(frozen=True, slots=True)
class _JoinedClasses:
    """Classes of the document and of the file.

    Attributes:
        own: class of the document by class of the file, for classes that are still themselves.
        target: class of the file by class of the document.
        default: class of the document for rows without a class.
    """

    names: tuple[str, ...]
    own: dict[int, int]
    target: dict[int, int]
    default: int

    def of_boxes(self, row_classes: Int, rows: Int, now: Int) -> tuple[Int, Bool]:
        """(N,) class of the file of each box, and (N,) bool: it is another one than in the file."""
        before = np.full(len(rows), UNSPECIFIED_CLASS, np.int64)
        before[rows != NEW] = row_classes[rows[rows != NEW]]
        same = (before == UNSPECIFIED_CLASS) & np.isin(now, [UNSPECIFIED_CLASS, self.default])
        result = np.full(len(rows), UNSPECIFIED_CLASS, np.int64)
        for class_id, place in self.target.items():
            result[now == class_id] = place
        for place, class_id in self.own.items():
            same |= (before == place) & (now == class_id)
        same &= rows != NEW
        return np.where(same, before, result), ~same


def _join_classes(original: ImportedBoxes, state: ReadState, classes: ClassTable, used: Int) -> _JoinedClasses:
    """Find the classes of the file in those of the document, through renames and merges."""
    candidates: dict[int, list[int]] = {}
    for place, name in enumerate(state.class_names):
        found = classes.find(name)
        if found is not None:
            candidates.setdefault(found, []).append(place)
    names = list(original.class_names)
    own: dict[int, int] = {}
    target: dict[int, int] = {}
    for class_id, places in candidates.items():
        new = classes.names[class_id]
        same_name = [p for p in places if fold_name(state.class_names[p]) == fold_name(new)]
        # Of classes that were merged, the one whose name stayed is the class; the boxes of the others changed.
        kept = same_name or places[:1]
        own |= dict.fromkeys(kept, class_id)
        target[class_id] = kept[0]
        if new != state.class_names[kept[0]]:
            names[kept[0]] = new
    default = classes.find(state.default_class) if state.default_class else None
    if default is not None and not original.class_names:
        target[default] = UNSPECIFIED_CLASS
    for class_id in used.tolist():
        if class_id >= 0 and class_id not in target:
            target[class_id] = len(names)
            names.append(classes.names[class_id])
    return _JoinedClasses(tuple(names), own, target, UNSPECIFIED_CLASS if default is None else default)


def _other_attributes(original: ImportedBoxes, now: BoxesToWrite, row: Int) -> Bool:
    """(N,) bool: boxes whose free attributes are others than those of their row."""
    before, after = set_numbers(original.flags)[row], set_numbers(now.flags)
    pairs, place = np.unique(np.stack((before, after)), axis=1, return_inverse=True)
    differ = [
        (original.attribute_sets[b - 1] if 0 < b <= len(original.attribute_sets) else ())
        != (now.attribute_sets[a - 1] if 0 < a <= len(now.attribute_sets) else ())
        for b, a in pairs.T.tolist()
    ]
    return np.array(differ, np.bool_)[place.reshape(-1)]
