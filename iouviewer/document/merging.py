"""Merges the work of a copy into its project, box by box, against the state in which the copy was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.attributes import AttributeSet, numbers_in, set_number, with_set
from iouviewer.document.boxes import NO_BOX, NO_TRACK, Box
from iouviewer.document.classes import fold_name
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFlags,
    SetFrames,
    SetNotes,
    SetRects,
    SetTracks,
    SetVariants,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.notes import Note
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Int


class DifferenceKind(StrEnum):
    """What the copy did to a box."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class BoxDifference:
    """One box that the copy changed and that the project has otherwise.

    Attributes:
        copied: the box in the copy, with the classes of the project; None if the copy deleted it.
        current: the box in the project, None if it has none.
        is_conflict: the project changed the same box in another way since the copy was made.
    """

    kind: DifferenceKind
    copied: Box | None
    current: Box | None
    is_conflict: bool

    @property
    def box(self) -> Box:
        """The box, for display."""
        box = self.copied or self.current
        assert box is not None
        return box


@dataclass(frozen=True, slots=True)
class Merge:
    """Everything that a copy has and its project lacks.

    Attributes:
        classes: names that the project lacks, in the order of their ids there.
        boxes: by frame, then id.
        marks: states of frames that only the copy changed.
        decisions: decisions on problems that only the copy changed.
        notes: notes that only the copy changed or added; a new one has the id it has in the copy.
        new_notes: ids of the notes that are new.
        attribute_sets: those of the project, with those that only the copy has.
    """

    classes: tuple[str, ...]
    boxes: tuple[BoxDifference, ...]
    marks: tuple[FrameMark, ...]
    decisions: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    new_notes: frozenset[int]
    attribute_sets: tuple[AttributeSet, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the project has everything that the copy has."""
        return not (self.boxes or self.marks or self.decisions or self.notes)


def find_differences(base: Document, copy: Document, project: Document, source: int) -> Merge:
    """What a copy changed since ``base``, its project as it was copied, and the project does not have.

    Args:
        source: of ``project``; the other documents have one source, their first.
    """
    before, after = base.ground_truth(min(base.sources)), copy.ground_truth(min(copy.sources))
    now = project.ground_truth(source)
    known = {fold_name(name): number for number, name in enumerate(project.class_names)}
    new_names = [name for name in copy.class_names if fold_name(name) not in known]
    known |= {fold_name(name): len(project.class_names) + place for place, name in enumerate(new_names)}
    for name, number in project.classes.aliases:
        known.setdefault(fold_name(name), number)
    sets = project.classes.attribute_sets
    base_sets, sets = numbers_in(base.classes.attribute_sets, sets)
    copy_sets, sets = numbers_in(copy.classes.attribute_sets, sets)
    class_of_copy = [known[fold_name(name)] for name in copy.class_names]
    class_of_base = [known.get(fold_name(name), UNSPECIFIED_CLASS - 1) for name in base.class_names]
    boxes = []
    for box_id in _changed_ids(before, after, base.class_names == copy.class_names):
        old = _in_classes(before.find(box_id), class_of_base, base_sets)
        copied = _in_classes(after.find(box_id), class_of_copy, copy_sets)
        current = now.find(box_id)
        if copied in (current, old):
            continue
        if old is None:
            # Both may have drawn a new box under this id: they are two boxes, except where they are the same.
            if copied is None or _has_new_twin(copied, now, before):
                continue
            boxes.append(BoxDifference(DifferenceKind.ADDED, copied, None, False))
        elif copied is None:
            if current is not None:
                boxes.append(BoxDifference(DifferenceKind.DELETED, None, current, current != old))
        else:
            boxes.append(BoxDifference(DifferenceKind.CHANGED, copied, current, current != old))
    boxes = [one for one in boxes if one.box.frame < now.frame_count]
    boxes.sort(key=lambda one: (one.box.frame, one.box.id))
    used = {one.copied.class_id for one in boxes if one.copied is not None}
    needed = max((number - len(project.class_names) + 1 for number in used), default=0)
    notes, new_notes = _changed_notes(base, copy, project, source)
    return Merge(
        tuple(new_names[: max(0, needed)]),
        tuple(boxes),
        _changed_marks(before, after, now),
        _changed_decisions(base, copy, project, source),
        notes,
        new_notes,
        sets,
    )


def _has_new_twin(copied: Box, now: GroundTruth, before: GroundTruth) -> bool:
    """Whether the project has the same box of its own: merged before a crash, or both accepted one prediction."""
    if copied.frame >= now.frame_count:
        return False
    return any(
        one.rect == copied.rect and one.class_id == copied.class_id and before.find(one.id) is None
        for one in now.boxes(copied.frame)
    )


def _changed_ids(before: GroundTruth, after: GroundTruth, has_same_classes: bool) -> list[int]:
    """Ids of boxes that one of them lacks or has otherwise; all ids where class numbers mean other names."""
    old, new = _rows(before), _rows(after)
    if not has_same_classes:
        return sorted({*old[0].tolist(), *new[0].tolist()})
    common, at_old, at_new = np.intersect1d(old[0], new[0], assume_unique=True, return_indices=True)
    changed = common[(old[1][at_old] != new[1][at_new]).any(1)]
    return sorted({*changed.tolist(), *np.setxor1d(old[0], new[0], assume_unique=True).tolist()})


def _rows(truth: GroundTruth) -> tuple[Int, Int]:
    """(N,) int64 ids, and (N, 8) int64 everything else, the coordinates as their bits."""
    frames, boxes, class_ids, tracks, flags, ids = truth.columns()
    bits = np.ascontiguousarray(boxes.T, np.float64).view(np.int64).reshape(-1, 4)
    return ids, np.column_stack([frames, bits, class_ids, tracks, flags])


def _in_classes(box: Box | None, numbers: Sequence[int], sets: Sequence[int]) -> Box | None:
    """The box with its class and its attributes as the project numbers them."""
    if box is None:
        return None
    number = set_number(box.flags)
    flags = with_set(box.flags, sets[number] if number < len(sets) else 0)
    class_id = numbers[box.class_id] if 0 <= box.class_id < len(numbers) else box.class_id
    return replace(box, class_id=class_id, flags=flags)


def _changed_marks(before: GroundTruth, after: GroundTruth, now: GroundTruth) -> tuple[FrameMark, ...]:
    count = min(before.frame_count, after.frame_count, now.frame_count)

    def of(truth: GroundTruth) -> NDArray[np.int8]:
        return np.stack([truth.states()[:count], truth.verification()[:count]])

    old, copied, current = of(before), of(after), of(now)
    chosen = (copied != old).any(0) & (current == old).all(0)
    return tuple(after.mark(frame) for frame in np.flatnonzero(chosen).tolist())


def _changed_decisions(base: Document, copy: Document, project: Document, source: int) -> tuple[tuple[str, str], ...]:
    old, copied = base.decisions(min(base.sources)), copy.decisions(min(copy.sources))
    current = project.decisions(source)
    keys = sorted(key for key in {*old, *copied} if old.get(key, "") != copied.get(key, ""))
    return tuple((key, copied.get(key, "")) for key in keys if current.get(key, "") == old.get(key, ""))


def _changed_notes(
    base: Document, copy: Document, project: Document, source: int
) -> tuple[tuple[Note, ...], frozenset[int]]:
    old = {note.id: note for note in base.notes(min(base.sources))}
    current = {note.id: note for note in project.notes(source)}
    changed = [note for note in copy.notes(min(copy.sources)) if note != old.get(note.id)]
    kept = [note for note in changed if note.id not in old or current.get(note.id) == old[note.id]]
    present = {(note.text, note.frame, note.author, note.when) for note in current.values()}
    kept = [note for note in kept if note.id in old or (note.text, note.frame, note.author, note.when) not in present]
    return tuple(kept), frozenset(note.id for note in kept if note.id not in old)


def build_merge_edit(
    document: Document,
    merge: Merge,
    chosen: Iterable[BoxDifference],
    source: int,
    *,
    notes: Iterable[Note] | None = None,
    variants: tuple[str, ...] = (),
) -> Batch:
    """The edit that takes the chosen boxes from the copy, with the rest of the merge.

    Args:
        notes: those to take, all by default.
        variants: keys of variants to restore, which the list of variants has been given.
    """
    merge = merge if notes is None else replace(merge, notes=tuple(notes))
    truth, edits = document.ground_truth(source), list[Edit]()
    picked = _with_free_tracks(truth, list(chosen))
    known = document.classes
    sets = merge.attribute_sets or known.attribute_sets
    classes = replace(known.renamed((*known.names, *merge.classes)), attribute_sets=sets)
    if classes != known:
        edits.append(SetClassNames.of(classes, source))
    added = [one.copied for one in picked if one.copied is not None and one.current is None]
    new_ids = dict(zip((box.id for box in added), truth.new_ids(len(added)), strict=True))
    changed = [one.copied for one in picked if one.copied is not None and one.current is not None]
    removed = tuple(one.current.id for one in picked if one.copied is None and one.current is not None)
    if removed:
        edits.append(RemoveBoxes(removed, source))
    if added:
        edits.append(AddBoxes(tuple(replace(box, id=new_ids[box.id]) for box in added), source))
    if changed:
        edits.append(SetRects(tuple((box.id, box.rect) for box in changed), source))
        edits.append(SetClasses(tuple((box.id, box.class_id) for box in changed), source))
        edits.append(SetTracks(tuple((box.id, box.track) for box in changed), source))
        edits.append(SetFlags(tuple((box.id, box.flags) for box in changed), source))
    if merge.marks:
        edits.append(SetFrames(merge.marks, source))
    if merge.decisions:
        edits.append(SetDecisions(merge.decisions, source))
    put = _notes_to_put(document, merge, new_ids, set(removed), source)
    if put:
        edits.append(SetNotes(put, source=source))
    if variants:
        edits.append(SetVariants(restored=variants, source=source))
    return Batch(tuple(edits), source)


def _with_free_tracks(truth: GroundTruth, picked: list[BoxDifference]) -> list[BoxDifference]:
    """The differences; where both sides gave a frame a box of one track, that of the copy gets a new track."""
    gone = {one.current.id for one in picked if one.current is not None}
    given: dict[int, int] = {}
    following = max(truth.next_track(), *(one.copied.track + 1 for one in picked if one.copied is not None), 1)
    taken: set[tuple[int, int]] = set()
    found = []
    for one in picked:
        box = one.copied
        if box is not None and box.track != NO_TRACK:
            others = (each for each in truth.boxes(box.frame) if each.id not in gone)
            if (box.track, box.frame) in taken or any(each.track == box.track for each in others):
                box = replace(box, track=given.setdefault(box.track, following + len(given)))
            taken.add((box.track, box.frame))
        found.append(replace(one, copied=box))
    return found


def _notes_to_put(
    document: Document, merge: Merge, new_ids: dict[int, int], removed: Collection[int], source: int
) -> tuple[Note, ...]:
    """The notes with ids of the project; a note on a box that is not there becomes one on its frame."""
    truth, next_id, notes = document.ground_truth(source), document.next_note_id(source), []
    for note in merge.notes:
        box_id = new_ids.get(note.box_id, note.box_id)
        exists = box_id in new_ids.values() or (truth.find(box_id) is not None and box_id not in removed)
        number = note.id
        if note.id in merge.new_notes:
            number, next_id = next_id, next_id + 1
        notes.append(replace(note, id=number, box_id=box_id if exists else NO_BOX))
    return tuple(notes)
