"""The document: ground truth of the sources, class names, decisions and notes; ``Document.apply`` changes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

from iouviewer.document.boxes import NO_BOX, Box, find_rect_error, object_name
from iouviewer.document.classes import ClassTable, class_name_of
from iouviewer.document.edits import (
    AddBoxes,
    Applied,
    Aspect,
    Batch,
    Change,
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
    join_changes,
)
from iouviewer.document.frame_lists import FrameLists
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.kept_source import KeptSource
from iouviewer.document.notes import Note, NotePin, find_note_error, notes_of_removed, notes_of_retracked
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import FrameMapping, renumber_decisions, renumber_notes
from iouviewer.document.sources import ImageTable, Source, TruthFile
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n


class VariantEditor(Protocol):
    """Keeps the variants, which are not part of the document; their edits are steps of its history all the same."""

    def apply_edit(self, edit: SetVariants) -> SetVariants | None:
        """Apply an edit as a whole; returns its inverse, None where it changes nothing. UserError: not valid."""


class Document:
    """Sources with their ground truth, class names, decisions and notes.

    Attributes:
        frame_lists: named lists of frames; no edits, as they change no box and no score by themselves.
        variant_editor: applies edits of variants; None where there are none.
    """

    def __init__(self) -> None:
        self.sources: dict[int, Source] = {}
        self.classes = ClassTable()
        self._truths: dict[int, GroundTruth] = {}
        self._decisions: dict[tuple[int, str], str] = {}
        self._notes: dict[int, dict[int, Note]] = {}
        self._numberings: dict[int, Numbering] = {}
        self.frame_lists = FrameLists()
        self.variant_editor: VariantEditor | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names by id."""
        return self.classes.names

    @class_names.setter
    def class_names(self, names: tuple[str, ...]) -> None:
        self.classes = self.classes.renamed(names)

    def add_source(self, source: Source) -> GroundTruth:
        """Add a source, or replace one; its ground truth is empty and unlabelled."""
        self.sources[source.id] = source
        self._truths[source.id] = GroundTruth(source.frame_count)
        return self._truths[source.id]

    def update_source(self, source: Source) -> None:
        """Update a source; boxes stay, frames are added but never removed."""
        truth = self._truths[source.id]
        truth.extend(source.frame_count)
        old = self.sources[source.id]
        self.sources[source.id] = replace(
            source,
            frame_count=truth.frame_count,
            listed=source.listed if len(source.listed) else old.listed,
            truth_file=source.truth_file if source.truth_file.name else old.truth_file,
            kept=source.kept or old.kept,
        )

    def set_truth_file(self, file: TruthFile, images: ImageTable, kept: KeptSource, source: int = 0) -> None:
        """Set the file of the ground truth, its text, and the images it lists, through which results are joined."""
        self.sources[source] = replace(self.sources[source], truth_file=file, listed=images, kept=kept)

    def set_kept(self, kept: KeptSource, source: int = 0) -> None:
        """Set the text of the ground truth's file after it was written."""
        self.sources[source] = replace(self.sources[source], kept=kept)

    def numbering(self, source: int = 0) -> Numbering | None:
        """The video frame that each frame number of a source denotes; None where unknown."""
        return self._numberings.get(source)

    def set_numbering(self, numbering: Numbering | None, source: int = 0) -> None:
        """Set the video frame that each frame number of a source denotes; the frames do not change."""
        if numbering is None:
            self._numberings.pop(source, None)
        else:
            self._numberings[source] = numbering

    def video_frame_count(self, source: int = 0) -> int:
        """Number of frame numbers of a source that denote a video frame; later ones are kept for their boxes."""
        numbering, count = self._numberings.get(source), self.sources[source].frame_count
        return count if numbering is None or not numbering.complete else min(count, numbering.video_frame_count)

    def renumber(self, mapping: FrameMapping, source: Source) -> None:
        """Renumber frames with their boxes, states, decisions and notes. ``source`` replaces the source."""
        self._truths[source.id].renumber(mapping.new, mapping.frame_count)
        decisions = renumber_decisions(self.decisions(source.id), mapping)
        self._decisions = {key: value for key, value in self._decisions.items() if key[0] != source.id}
        self.load_decisions(decisions.items(), source.id)
        self.load_notes(renumber_notes(self.notes(source.id), mapping), source.id)
        self._numberings[source.id] = mapping.numbering
        self.frame_lists.renumber(mapping, source.id)
        old = self.sources[source.id]
        self.sources[source.id] = replace(
            source,
            frame_count=mapping.frame_count,
            listed=old.listed.moved_to(mapping.new.tolist()),
            truth_file=old.truth_file,
            kept=old.kept,
        )

    def ground_truth(self, source: int = 0) -> GroundTruth:
        """Ground truth of a source; KeyError if there is no such source."""
        return self._truths[source]

    def decision(self, key: str, source: int = 0) -> str:
        """The decision about the problem with this key; empty if there is none."""
        return self._decisions.get((source, key), "")

    def decisions(self, source: int = 0) -> dict[str, str]:
        """All decisions of a source."""
        return {key: value for (of, key), value in self._decisions.items() if of == source}

    def load_decisions(self, decisions: Iterable[tuple[str, str]], source: int = 0) -> None:
        """Add stored decisions: (problem key, decision)."""
        self._decisions.update(((source, key), value) for key, value in decisions)

    def notes(self, source: int = 0) -> tuple[Note, ...]:
        """The notes of a source in order of id, which is the order in which they were written."""
        found = self._notes.get(source, {})
        return tuple(found[number] for number in sorted(found))

    def note_object(self, note: Note, source: int = 0) -> str:
        """The name of what a note is on: ``person 17``, the name of the source, empty for a frame."""
        if note.pin is NotePin.SOURCE:
            return self.sources[source].name
        if note.pin is NotePin.FRAME:
            return ""
        truth = self._truths[source]
        box = truth.find(note.box_id) if note.pin is NotePin.BOX else next(iter(truth.track(note.track)), None)
        return self.object_name(box) if box is not None else object_name("", note.track)

    def load_notes(self, notes: Iterable[Note], source: int = 0) -> None:
        """Replace all notes of a source by stored ones."""
        self._notes[source] = {note.id: note for note in notes}

    def next_note_id(self, source: int = 0) -> int:
        """An id that no note of a source has."""
        return max(self._notes.get(source, {}), default=0) + 1

    def class_name(self, class_id: int) -> str:
        """Name of a class, also of one that the ground truth lacks; ``no class`` for boxes without one."""
        return class_name_of(class_id, self.class_names) or tr("no class")

    def object_name(self, box: Box) -> str:
        """The name of a box in texts, from class and track id, never its id: ``person 17``, ``person``, ``box``."""
        return object_name(class_name_of(box.class_id, self.class_names), box.track)

    def objects_name(self, boxes: Collection[Box]) -> str:
        """The name of boxes in texts: ``person 17`` for one, ``3 boxes`` for several."""
        if len(boxes) == 1:
            return self.object_name(*boxes)
        return tr_n("{count} box", "{count:,} boxes", len(boxes))

    def apply(self, edit: Edit) -> Applied | None:
        """Validate and apply an edit as a whole.

        Returns:
            What changed and the inverse edit; None where the edit changes nothing.

        Raises:
            UserError: the edit is not valid (an inverted rectangle, an unknown box); nothing was changed.
        """
        match edit:
            case AddBoxes():
                return self._add(edit)
            case RemoveBoxes():
                return self._remove(edit)
            case SetRects():
                for box_id, rect in edit.rects:
                    reason = find_rect_error(rect)
                    if reason is not None:
                        box = self._box(edit.source, box_id)
                        text = tr("{box}: {reason}", box=self.object_name(box), reason=reason)
                        raise UserError(text, frame=box.frame)
                new = [replace(self._box(edit.source, i), rect=rect) for i, rect in edit.rects]
                return self._replace(edit.source, new, Aspect.GEOMETRY)
            case SetClasses():
                for _box_id, class_id in edit.classes:
                    if not -1 <= class_id < len(self.class_names):
                        raise UserError(tr("class number {number} does not exist", number=class_id))
                new = [replace(self._box(edit.source, i), class_id=c) for i, c in edit.classes]
                return self._replace(edit.source, new, Aspect.CLASS)
            case SetFlags():
                new = [replace(self._box(edit.source, i), flags=flags) for i, flags in edit.flags]
                return self._replace(edit.source, new, Aspect.FLAGS)
            case SetTracks():
                new = [replace(self._box(edit.source, i), track=track) for i, track in edit.tracks]
                return self._replace(edit.source, new, Aspect.TRACK)
            case SetFrames():
                return self._set_frames(edit)
            case SetClassNames():
                return self._set_class_names(edit)
            case SetDecisions():
                return self._set_decisions(edit)
            case SetNotes():
                return self._set_notes(edit)
            case SetVariants():
                return self._set_variants(edit)
            case Batch():
                return self._batch(edit)

    def _box(self, source: int, box_id: int) -> Box:
        box = self._truths[source].find(box_id)
        if box is None:
            raise UserError(tr("the box no longer exists"))
        return box

    @staticmethod
    def _frame_range(truth: GroundTruth) -> str:
        return tr("the frame must be in 0–{last:,}", last=truth.frame_count - 1)

    def _add(self, edit: AddBoxes) -> Applied | None:
        truth = self._truths[edit.source]
        if len({box.id for box in edit.boxes}) != len(edit.boxes):
            raise UserError(tr("two boxes of one edit have the same id"))
        for box in edit.boxes:
            reason = find_rect_error(box.rect)
            if reason is None and not 0 <= box.frame < truth.frame_count:
                reason = self._frame_range(truth)
            if reason is None and not -1 <= box.class_id < len(self.class_names):
                reason = tr("class number {number} does not exist", number=box.class_id)
            if reason is None and truth.find(box.id) is not None:
                reason = tr("a box with the id {id} already exists", id=box.id)
            if reason is not None:
                raise UserError(reason, frame=box.frame)
        if not edit.boxes:
            return None
        for box in edit.boxes:
            truth.put(box)
        ids = tuple(box.id for box in edit.boxes)
        frames = frozenset(box.frame for box in edit.boxes)
        return Applied(Change(edit.source, frames, frozenset(ids), Aspect.EXISTENCE), RemoveBoxes(ids, edit.source))

    def _remove(self, edit: RemoveBoxes) -> Applied | None:
        boxes = tuple(self._box(edit.source, box_id) for box_id in dict.fromkeys(edit.ids))
        if not boxes:
            return None
        truth = self._truths[edit.source]
        for box in boxes:
            truth.drop(box)
        change = Change(
            edit.source, frozenset(b.frame for b in boxes), frozenset(b.id for b in boxes), Aspect.EXISTENCE
        )
        applied = Applied(change, AddBoxes(boxes, edit.source))
        deleted = notes_of_removed(self._notes.get(edit.source, {}).values(), boxes, truth.has_track)
        return self._followed_by(applied, SetNotes(delete=deleted, source=edit.source))

    def _followed_by(self, applied: Applied, notes: SetNotes) -> Applied:
        """The change of boxes together with that of the notes on them."""
        changed = self._set_notes(notes)
        if changed is None:
            return applied
        change = applied.change._replace(aspects=applied.change.aspects | Aspect.NOTES)
        return Applied(change, Batch((applied.inverse, changed.inverse), notes.source))

    def _replace(self, source: int, new: list[Box], aspect: Aspect) -> Applied | None:
        pairs = [(self._box(source, box.id), box) for box in {box.id: box for box in new}.values()]
        pairs = [(old, box) for old, box in pairs if old != box]
        if not pairs:
            return None
        truth = self._truths[source]
        for _old, box in pairs:
            truth.put(box)
        inverse: Edit
        if aspect is Aspect.GEOMETRY:
            inverse = SetRects(tuple((old.id, old.rect) for old, _ in pairs), source)
        elif aspect is Aspect.CLASS:
            inverse = SetClasses(tuple((old.id, old.class_id) for old, _ in pairs), source)
        elif aspect is Aspect.FLAGS:
            inverse = SetFlags(tuple((old.id, old.flags) for old, _ in pairs), source)
        else:
            inverse = SetTracks(tuple((old.id, old.track) for old, _ in pairs), source)
        frames = frozenset(box.frame for _, box in pairs)
        applied = Applied(Change(source, frames, frozenset(box.id for _, box in pairs), aspect), inverse)
        notes = self._notes.get(source)
        if aspect is not Aspect.TRACK or not notes:
            return applied
        moved = notes_of_retracked(notes.values(), {old.track: box.track for old, box in pairs}, truth.has_track)
        return self._followed_by(applied, SetNotes(moved, source=source))

    def _set_frames(self, edit: SetFrames) -> Applied | None:
        truth = self._truths[edit.source]
        changes = []
        marks = {mark.frame: mark for mark in edit.marks}
        default = edit.default_mark
        if default is not None:
            if default.frame < 0:
                raise UserError(self._frame_range(truth), frame=default.frame)
            for frame in range(default.frame, truth.frame_count):
                marks.setdefault(frame, default._replace(frame=frame))
        for mark in marks.values():
            if not 0 <= mark.frame < truth.frame_count:
                raise UserError(self._frame_range(truth), frame=mark.frame)
            old = truth.mark(mark.frame)
            if old != mark:
                changes.append((old, mark))
        for _old, mark in changes:
            truth.set_state(mark)
        old_default: FrameMark | None = None
        if default is not None and truth.default_state != default.state:
            old_default = FrameMark(truth.frame_count, truth.default_state, False)
            truth.set_default_state(default.state)
        if not changes and old_default is None:
            return None
        frames = frozenset(mark.frame for _, mark in changes)
        inverse = SetFrames(tuple(old for old, _ in changes), edit.source, old_default)
        return Applied(Change(edit.source, frames, frozenset(), Aspect.FRAME_STATE), inverse)

    def _set_class_names(self, edit: SetClassNames) -> Applied | None:
        folded = [name.casefold() for name in edit.names]
        if len(set(folded)) != len(folded) or not all(name.strip() for name in edit.names):
            raise UserError(tr("class names must be unique and not empty"))
        classes = edit.applied_to(self.classes)
        if classes == self.classes:
            return None
        self._check_classes_unused(len(edit.names))
        inverse = SetClassNames.of(self.classes, edit.source)
        self.classes = classes
        return Applied(Change(edit.source, frozenset(), frozenset(), Aspect.CLASS_NAMES), inverse)

    def _check_classes_unused(self, count: int) -> None:
        if count >= len(self.class_names):
            return
        for truth in self._truths.values():
            class_ids = truth.columns()[2]
            if len(class_ids) and int(class_ids.max()) >= count:
                name = self.class_names[int(class_ids.max())]
                raise UserError(
                    tr("class {name} still has boxes", name=name), remedy=tr("Give them another class first.")
                )

    def _set_decisions(self, edit: SetDecisions) -> Applied | None:
        pairs = [(key, self.decision(key, edit.source), value) for key, value in dict(edit.decisions).items()]
        pairs = [(key, old, value) for key, old, value in pairs if old != value]
        if not pairs:
            return None
        for key, _old, value in pairs:
            if value:
                self._decisions[edit.source, key] = value
            else:
                self._decisions.pop((edit.source, key), None)
        inverse = SetDecisions(tuple((key, old) for key, old, _ in pairs), edit.source)
        return Applied(Change(edit.source, frozenset(), frozenset(), Aspect.DECISIONS), inverse)

    def _set_variants(self, edit: SetVariants) -> Applied | None:
        inverse = None if self.variant_editor is None else self.variant_editor.apply_edit(edit)
        if inverse is None:
            return None
        return Applied(Change(edit.source, frozenset(), frozenset(), Aspect.VARIANTS), inverse)

    def _set_notes(self, edit: SetNotes) -> Applied | None:
        notes, truth = self._notes.setdefault(edit.source, {}), self._truths[edit.source]
        new: dict[int, Note | None] = {number: None for number in edit.delete if number in notes}
        for note in edit.put:
            reason = find_note_error(note, truth.frame_count)
            if reason is None and note.box_id != NO_BOX and truth.find(note.box_id) is None:
                reason = tr("the box no longer exists")
            if reason is not None:
                raise UserError(reason)
            new[note.id] = note
        changed = {number: notes.get(number) for number, note in new.items() if note != notes.get(number)}
        if not changed:
            return None
        for number in changed:
            note_or_none = new[number]
            if note_or_none is None:
                del notes[number]
            else:
                notes[number] = note_or_none
        put = tuple(old for old in changed.values() if old is not None)
        inverse = SetNotes(put, tuple(number for number, old in changed.items() if old is None), edit.source)
        return Applied(Change(edit.source, frozenset(), frozenset(), Aspect.NOTES), inverse)

    def _batch(self, edit: Batch) -> Applied | None:
        done: list[Applied] = []
        try:
            for part in edit.edits:
                applied = self.apply(part)
                if applied is not None:
                    done.append(applied)
        except UserError:
            for applied in reversed(done):
                self.apply(applied.inverse)
            raise
        if not done:
            return None
        changes = [applied.change for applied in done]
        # Edits of one source may leave the source of the batch unset.
        sources = {change.source for change in changes}
        change = join_changes(changes, edit.source if edit.source in sources else changes[0].source)
        return Applied(change, Batch(tuple(a.inverse for a in reversed(done)), edit.source))
