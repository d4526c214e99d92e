"""Value types of the session and pure functions that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document import tracks as track_edits
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.class_commands import CLASSES
from iouviewer.document.document import Document
from iouviewer.document.edits import Applied, Batch, Change, Edit, Phase, SetFrames, join_changes
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import History
from iouviewer.document.renumbering import FrameMapping, Renumbered, renumber_mask
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.steps import FOLLOWS, Step
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Int


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection: ground-truth boxes of the current frame by id, or one prediction (variant key, row in its table).

    Attributes:
        track: the track of all these boxes, None for several or for none. It stays selected on frames where it has no
            box, and its box on another frame becomes selected there.
    """

    boxes: frozenset[int] = frozenset()
    prediction: tuple[str, int] | None = None
    track: int | None = None


def select_boxes(truth: GroundTruth, ids: Iterable[int]) -> Selection:
    """The selection of these boxes; the track is that of all of them, if they have one in common."""
    boxes = frozenset(ids)
    tracks = {box.track for box in map(truth.find, boxes) if box is not None}
    track = tracks.pop() if len(tracks) == 1 else NO_TRACK
    return Selection(boxes, track=None if track == NO_TRACK else track)


def select_track(truth: GroundTruth, track: int | None, frame: int) -> Selection:
    """The selection of a track with its box on this frame, if it has one there; empty for None."""
    if track is None or not 0 <= frame < truth.frame_count:
        return Selection()
    return Selection(frozenset(box.id for box in truth.boxes(frame) if box.track == track), track=track)


def selection_after(selection: Selection, truth: GroundTruth, change: Change, frame: int) -> Selection:
    """The selection once a change is committed: without deleted boxes, and with the present track of the others.

    A track without boxes left is no longer selected; one that got a box on this frame has it selected.
    """
    affected = selection.boxes & change.box_ids
    if selection.prediction is not None or not (affected or (selection.track is not None and change.box_ids)):
        return selection
    remaining = frozenset(i for i in selection.boxes if truth.find(i) is not None)
    if remaining:
        return select_boxes(truth, remaining)
    if selection.track is None or not truth.has_track(selection.track):
        return Selection()
    return select_track(truth, selection.track, frame)


@dataclass(frozen=True, slots=True)
class SaveState:
    """How much of the history is saved: ``saved`` of ``requested`` steps; ``project_path`` is empty without a file."""

    requested: int = 0
    saved: int = 0
    project_path: str = ""

    @property
    def is_saved(self) -> bool:
        return self.saved >= self.requested


@dataclass(frozen=True, slots=True)
class InitialScores:
    """Variants of a project, with scores that already contain them."""

    scores: Scores
    variants: tuple[Variant, ...]
    baseline: str


class FrameNumberHistory:
    """Current numbers of frames that were numbered by an earlier index of the same video."""

    def __init__(self) -> None:
        self._numbers: dict[str, Int] = {}

    def clear(self) -> None:
        """Forget all indexes: another video was opened."""
        self._numbers.clear()

    def add(self, digest: str, new: Int, new_digest: str) -> None:
        """The index ``new_digest`` replaces ``digest``; ``new`` (F,) int64 holds the new numbers, -1 for none."""
        for earlier, numbers in self._numbers.items():
            self._numbers[earlier] = _look_up(new, numbers)
        self._numbers[digest] = new
        self._numbers.pop(new_digest, None)

    def current(self, digest: str, frames: Int) -> Int | None:
        """Current numbers of ``frames`` (n,), -1 for frames that no longer exist; None for an unknown index."""
        numbers = self._numbers.get(digest)
        return None if numbers is None else _look_up(numbers, frames)


def _look_up(numbers: Int, frames: Int) -> Int:
    """``numbers[frames]``, -1 for frames out of range."""
    result = np.full(len(frames), -1, np.int64)
    in_range = (frames >= 0) & (frames < len(numbers))
    result[in_range] = numbers[frames[in_range]]
    return result


def collect_renumbered(document: Document, mapping: FrameMapping, variants: Iterable[Variant]) -> Renumbered:
    """State of a document and its variants after a renumbering, for the history."""
    source, truth = document.sources[mapping.source], document.ground_truth(mapping.source)
    decisions = tuple(sorted(document.decisions(mapping.source).items()))
    states, verified = truth.states().copy(), truth.verification().copy()
    notes = document.notes(mapping.source)
    return Renumbered(mapping, source, states, verified, truth.default_state, decisions, notes, tuple(variants))


def renumber_settings(settings: ScoreSettings, mapping: FrameMapping) -> ScoreSettings:
    """Score settings with their frame selection, if any, in the new frame numbers."""
    return settings if settings.frames is None else replace(settings, frames=renumber_mask(settings.frames, mapping))


def merge_changes(changes: Sequence[Change], phase: Phase, origin: str) -> Change:
    """Merge several changes into one, with the source of the first."""
    if len(changes) == 1:
        return changes[0]._replace(phase=phase, origin=origin)
    return join_changes(changes, changes[0].source, phase, origin)


RESTORE = "restore"
"""Origin of the edit that restores an earlier state."""


def apply_checked(document: Document, edit: Edit, origin: str = "") -> Applied | None:
    """Apply a user's edit, which must not leave two boxes of a track on a frame.

    An edit with the origin ``RESTORE`` brings an earlier state back as it was.

    Raises:
        UserError: the edit is not valid; nothing was changed.
    """
    applied = document.apply(edit)
    if applied is None or origin == RESTORE:
        return applied
    double = track_edits.find_double(document.ground_truth(applied.change.source), edit, applied.change)
    if double is not None:
        document.apply(applied.inverse)
        frame, track = double
        text = tr("track {track} already has a box on this frame", track=track)
        raise UserError(text, frame=frame, remedy=tr("Merge the tracks, or choose another track id."))
    return applied


@dataclass(frozen=True, slots=True)
class Replayed:
    """What many undos or redos did to a document.

    Attributes:
        cursor: how many steps are done now.
        reached: the last of them, None if there is none.
        error: why the replay ended before its target, None if it did not.
    """

    cursor: int
    changes: list[Change]
    reached: Step | None
    error: UserError | None


def replay_to(document: Document, history: History, position: int) -> Replayed:
    """Undo or redo steps in the document until ``position`` steps are done; the history's cursor stays."""
    cursor = history.cursor
    by = 1 if position > cursor else -1
    changes: list[Change] = []
    error: UserError | None = None
    try:
        while cursor != position:
            step = history.step_at(cursor + (by > 0))
            if step is None:
                break
            applied = document.apply(step.edit if by > 0 else step.inverse)
            changes += [] if applied is None else [applied.change]
            cursor += by
        reached = history.step_at(cursor)
    except UserError as failure:
        error, reached = failure, None
    return Replayed(cursor, changes, reached, error)


def describe_pending(step: Step, by: int) -> str:
    """What the next press of undo (``by`` -1) or redo (1) would do on the frame that is shown now."""
    if by < 0:
        return tr("Frame {frame:,}: press again to undo “{step}”", frame=step.frame, step=step.label)
    return tr("Frame {frame:,}: press again to redo “{step}”", frame=step.frame, step=step.label)


def describe_jump(by: int, reached: Step | None) -> str:
    """What a jump in the history did: ``by`` steps were redone, or undone if negative, up to the step ``reached``."""
    if by > 0:
        done = tr_n("{count} step redone", "{count:,} steps redone", by)
    else:
        done = tr_n("{count} step undone", "{count:,} steps undone", -by)
    if reached is None:
        return tr("{done}, back to the beginning", done=done)
    return tr("{done}, up to “{step}”", done=done, step=reached.label)


def _key_with_marks(merge_key: str) -> str:
    return merge_key if merge_key == FOLLOWS else ""


def with_outdated_frames(
    document: Document, edit: Edit, applied: Applied, merge_key: str, origin: str = ""
) -> tuple[Edit, Applied, str]:
    """The step together with the marks of frames that it makes no longer verified.

    An edit with the origin ``RESTORE`` brings back which frames were verified; one of classes has their marks itself.
    """
    if origin in (RESTORE, CLASSES):
        return edit, applied, merge_key
    source = applied.change.source
    marks = track_edits.outdated_marks(document.ground_truth(source), applied.change)
    marked = document.apply(SetFrames(marks, source)) if marks else None
    if marked is None:
        return edit, applied, merge_key
    change = merge_changes([applied.change, marked.change], applied.change.phase, applied.change.origin)
    both = Batch((edit, SetFrames(marks, source)), source)
    # Merged steps keep the later edit, which would not have the marks.
    return both, Applied(change, Batch((marked.inverse, applied.inverse), source)), _key_with_marks(merge_key)
