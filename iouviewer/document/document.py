"""The document: ground truth of the sources, class names and decisions, and the one way in for every change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from iouviewer.document.boxes import Box, why_invalid
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
    SetRects,
    SetTracks,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import FrameMoves, moved_decisions
from iouviewer.document.sources import Source
from iouviewer.errors import UserError


class Document:
    """Sources with their ground truth, class names and decisions."""

    def __init__(self) -> None:
        self.sources: dict[int, Source] = {}
        self.class_names: tuple[str, ...] = ()
        self._truths: dict[int, GroundTruth] = {}
        self._decisions: dict[tuple[int, str], str] = {}
        self._numberings: dict[int, Numbering] = {}

    def add_source(self, source: Source) -> GroundTruth:
        """Add a source (or replace what is known of it); its ground truth is empty and unlabelled."""
        self.sources[source.id] = source
        self._truths[source.id] = GroundTruth(source.frame_count)
        return self._truths[source.id]

    def update_source(self, source: Source) -> None:
        """Replace what is known of a source; boxes stay, frames are added where it has more, never taken away."""
        truth = self._truths[source.id]
        truth.extend(source.frame_count)
        self.sources[source.id] = replace(source, frame_count=truth.frame_count)

    def numbering(self, source: int = 0) -> Numbering | None:
        """Which pictures the frames of a source are; None where nobody has told."""
        return self._numberings.get(source)

    def set_numbering(self, numbering: Numbering | None, source: int = 0) -> None:
        """Tell which pictures the frames of a source are; frames themselves stay what they are."""
        if numbering is None:
            self._numberings.pop(source, None)
        else:
            self._numberings[source] = numbering

    def picture_count(self, source: int = 0) -> int:
        """How many frames of a source have a picture; others are kept for what belongs to them."""
        numbering, count = self._numberings.get(source), self.sources[source].frame_count
        return count if numbering is None or not numbering.complete else min(count, numbering.picture_count)

    def renumber(self, moves: FrameMoves, source: Source) -> None:
        """Give frames their new numbers: boxes, states and decisions follow; ``source`` is what is now known."""
        self._truths[source.id].renumber(moves.new, moves.frame_count)
        decisions = moved_decisions(self.decisions(source.id), moves)
        self._decisions = {place: value for place, value in self._decisions.items() if place[0] != source.id}
        self.load_decisions(decisions.items(), source.id)
        self._numberings[source.id] = moves.numbering
        self.sources[source.id] = replace(source, frame_count=moves.frame_count)

    def ground_truth(self, source: int = 0) -> GroundTruth:
        """Ground truth of a source; KeyError if there is no such source."""
        return self._truths[source]

    def decision(self, key: str, source: int = 0) -> str:
        """What a person decided about the problem with this key; empty if nothing."""
        return self._decisions.get((source, key), "")

    def decisions(self, source: int = 0) -> dict[str, str]:
        """All decisions of a source."""
        return {key: value for (of, key), value in self._decisions.items() if of == source}

    def load_decisions(self, decisions: Iterable[tuple[str, str]], source: int = 0) -> None:
        """Take over decisions that were stored: (problem key, decision)."""
        self._decisions.update(((source, key), value) for key, value in decisions)

    def class_name(self, class_id: int) -> str:
        """Name of a class; ``unspecified`` for boxes without one."""
        return self.class_names[class_id] if 0 <= class_id < len(self.class_names) else "unspecified"

    def apply(self, edit: Edit) -> Applied | None:
        """Validate and apply an edit as a whole.

        Returns:
            What changed and the inverse edit; None where the edit sets what is already so.

        Raises:
            UserError: the edit is not valid (a rectangle turned inside out, an unknown box); nothing was changed.
        """
        match edit:
            case AddBoxes():
                return self._add(edit)
            case RemoveBoxes():
                return self._remove(edit)
            case SetRects():
                for box_id, rect in edit.rects:
                    reason = why_invalid(rect)
                    if reason is not None:
                        raise UserError(f"box {box_id}: {reason}", frame=self._box(edit.source, box_id).frame)
                new = [replace(self._box(edit.source, i), rect=rect) for i, rect in edit.rects]
                return self._replace(edit.source, new, Aspect.GEOMETRY)
            case SetClasses():
                for _box_id, class_id in edit.classes:
                    if not -1 <= class_id < len(self.class_names):
                        raise UserError(f"there is no class {class_id}")
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
            case Batch():
                return self._batch(edit)

    def _box(self, source: int, box_id: int) -> Box:
        box = self._truths[source].find(box_id)
        if box is None:
            raise UserError(f"there is no box {box_id}")
        return box

    def _add(self, edit: AddBoxes) -> Applied | None:
        truth = self._truths[edit.source]
        if len({box.id for box in edit.boxes}) != len(edit.boxes):
            raise UserError("two boxes of one edit have the same id")
        for box in edit.boxes:
            reason = why_invalid(box.rect)
            if reason is None and not 0 <= box.frame < truth.frame_count:
                reason = f"the frame must lie in 0..{truth.frame_count - 1}"
            if reason is None and not -1 <= box.class_id < len(self.class_names):
                reason = f"there is no class {box.class_id}"
            if reason is None and truth.find(box.id) is not None:
                reason = f"box {box.id} exists already"
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
        for box in boxes:
            self._truths[edit.source].drop(box)
        change = Change(
            edit.source, frozenset(b.frame for b in boxes), frozenset(b.id for b in boxes), Aspect.EXISTENCE
        )
        return Applied(change, AddBoxes(boxes, edit.source))

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
        return Applied(Change(source, frames, frozenset(box.id for _, box in pairs), aspect), inverse)

    def _set_frames(self, edit: SetFrames) -> Applied | None:
        truth = self._truths[edit.source]
        before = []
        wanted = {mark.frame: mark for mark in edit.marks}
        rest = edit.rest
        if rest is not None:
            if rest.frame < 0:
                raise UserError("the first of the frames to come must not be negative", frame=rest.frame)
            for frame in range(rest.frame, truth.frame_count):
                wanted.setdefault(frame, rest._replace(frame=frame))
        for mark in wanted.values():
            if not 0 <= mark.frame < truth.frame_count:
                raise UserError(f"the frame must lie in 0..{truth.frame_count - 1}", frame=mark.frame)
            old = FrameMark(mark.frame, truth.state(mark.frame), truth.is_verified(mark.frame))
            if old != mark:
                before.append((old, mark))
        for _old, mark in before:
            truth.set_state(mark.frame, mark.state, mark.verified)
        old_rest: FrameMark | None = None
        if rest is not None and truth.rest != rest.state:
            old_rest = FrameMark(truth.frame_count, truth.rest, False)
            truth.set_rest(rest.state)
        if not before and old_rest is None:
            return None
        frames = frozenset(mark.frame for _, mark in before)
        inverse = SetFrames(tuple(old for old, _ in before), edit.source, old_rest)
        return Applied(Change(edit.source, frames, frozenset(), Aspect.FRAME_STATE), inverse)

    def _set_class_names(self, edit: SetClassNames) -> Applied | None:
        folded = [name.casefold() for name in edit.names]
        if len(set(folded)) != len(folded) or not all(name.strip() for name in edit.names):
            raise UserError("class names must be different and not empty")
        if edit.names == self.class_names:
            return None
        self._check_classes_unused(len(edit.names))
        inverse = SetClassNames(self.class_names, edit.source)
        self.class_names = edit.names
        return Applied(Change(edit.source, frozenset(), frozenset(), Aspect.CLASS_NAMES), inverse)

    def _check_classes_unused(self, count: int) -> None:
        if count >= len(self.class_names):
            return
        for truth in self._truths.values():
            class_ids = truth.columns()[2]
            if len(class_ids) and int(class_ids.max()) >= count:
                name = self.class_names[int(class_ids.max())]
                raise UserError(f"the class {name} still has boxes", remedy="Give them another class first.")

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
        aspects = Aspect(0)
        for applied in done:
            aspects |= applied.change.aspects
        change = Change(
            done[0].change.source,
            frozenset().union(*(a.change.frames for a in done)),
            frozenset().union(*(a.change.box_ids for a in done)),
            aspects,
        )
        return Applied(change, Batch(tuple(a.inverse for a in reversed(done)), edit.source))
