"""Keeps the frames of the session to the pictures of the open video, whatever its index turns out to be."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import ProjectKeeper
from iouviewer.app.projects.locations import VideoFacts, difference_of, is_same_file, source_of
from iouviewer.document.edits import FrameState
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import FrameMoves, frames_of_keys, frames_of_steps, moves_of_none, plan_moves
from iouviewer.document.sources import Source
from iouviewer.document.variants import RunState
from iouviewer.metrics.table import Bool, Int

NUMBERED_BY_FILES = "numbered_by_files"
"""Key of the project's value that says so: boxes were read from files while frame numbers were provisional."""


class FrameNumbers:
    """Binds the session's source to an open video, and again whenever more is known of that video."""

    def __init__(self, session: Session, keeper: ProjectKeeper) -> None:
        self._session = session
        self._keeper = keeper

    def bind(self, facts: VideoFacts, *, tell: bool = True) -> str:
        """Take over what is known of the video; returns a sentence for people, empty where there is nothing to tell.

        Frames of the same file that were counted anew are renumbered. Labels of another file keep their numbers.

        Args:
            tell: whether the video was just opened, so that another file than before is worth a word.
        """
        known, rows = self._session.source, self._session.document.numbering(self._session.source.id)
        found = source_of(facts, number=known.id)
        same_file = is_same_file(facts, known)
        if same_file and rows is not None and facts.numbering is not None:
            numbers = rows.padded(known.frame_count)
            sentence = self._follow(found, numbers, facts.numbering, final=facts.numbers_confirmed)
            if facts.numbers_confirmed and self._keeper.values.get(NUMBERED_BY_FILES):
                self._keeper.save_values({NUMBERED_BY_FILES: False})
            return sentence
        sentence = difference_of(found, known, same_file=same_file) if tell else ""
        if same_file and not sentence and _counted_anew(found, known):
            sentence = f"The frames of {found.name} were counted anew; look at the boxes once more"
        # Labels beyond the end of a shorter file stay; they are not ours to drop.
        source = replace(found, frame_count=max(found.frame_count, known.frame_count))
        numbering = facts.numbering
        self._update(source, None if numbering is None else numbering.padded(source.frame_count))
        return sentence

    def _update(self, source: Source, numbering: Numbering | None) -> None:
        known, session = self._session.source, self._session
        if source == known and numbering is session.document.numbering(known.id):
            return
        self._keeper.muted = True
        try:
            session.update_source(source, numbering)
        finally:
            self._keeper.muted = False
        self._keeper.save_source(known.frame_count)

    def _is_as_files_say(self) -> bool:
        """Whether all boxes are as they were read from files, under numbers that were provisional then."""
        history = self._session.history
        edited = history.undo_step() is not None or history.redo_step() is not None
        ran = any(variant.state is not RunState.IMPORTED for variant in self._session.variants)
        return bool(self._keeper.values.get(NUMBERED_BY_FILES)) and not edited and not ran

    def _follow(self, found: Source, rows: Numbering, numbering: Numbering, *, final: bool) -> str:
        known = self._session.source
        if rows.digest == numbering.digest and rows.complete == numbering.complete:
            self._update(replace(found, frame_count=known.frame_count), self._session.document.numbering(known.id))
            return ""
        moves = plan_moves(known.id, rows, numbering, partial(frames_in_use, self._session))
        lost = moves.kept.copy()
        lost[rows.picture_count :] = False
        if moves.moves_nothing and not lost.any():
            if not numbering.complete and numbering.picture_count <= rows.picture_count:
                # The index is being read again and has not come as far as the rows.
                source = replace(found, frame_count=known.frame_count, index_digest=known.index_digest)
                self._update(source, self._session.document.numbering(known.id))
            else:
                self._update(replace(found, frame_count=moves.frame_count), moves.numbering)
            return ""
        sentence = self._sentence(found.name, moves, lost)
        if final and self._is_as_files_say():
            # Files count as a clean decode does, and nobody has seen these boxes on other pictures and mended them.
            moves = moves_of_none(known.id, rows, numbering, frames_in_use(self._session))
            sentence = f"The frames of {found.name} were counted anew; boxes from files stay at the files' numbers"
        # What waits has the old numbers.
        self._keeper.write_chunks()
        self._session.renumber(moves, replace(found, frame_count=moves.frame_count))
        return sentence

    def _sentence(self, name: str, moves: FrameMoves, lost: Bool) -> str:
        boxes, predictions = _boxes_by_frame(self._session)
        here = np.arange(len(moves.new))
        moved = int(np.count_nonzero((moves.new >= 0) & (moves.new != here) & (boxes + predictions > 0) & ~lost))
        parts = []
        if moved:
            frames = "1 frame" if moved == 1 else f"{moved:,} frames"
            parts.append(f"boxes and predictions of {frames} moved with their pictures")
        if lost.any():
            places = moves.new[lost]
            many = len(places) > 1
            where = f"frames {places.min()} to {places.max()}" if many else f"frame {places[0]}"
            held = f"{int(boxes[lost].sum()):,} boxes and {int(predictions[lost].sum()):,} predictions"
            have, are = ("frames have", "are") if many else ("frame has", "is")
            parts.append(f"{len(places):,} {have} no picture and {are} kept at the end as {where}, with {held}")
        return f"The frames of {name} were counted anew: {'; '.join(parts)}" if parts else ""


def frames_in_use(session: Session) -> Bool:
    """(F,) bool: frames that something belongs to, done or undone, besides a state that all frames get."""
    truth = session.ground_truth
    boxes, predictions = _boxes_by_frame(session)
    own_state = (truth.states() != int(truth.rest)) & (truth.states() != int(FrameState.UNLABELLED))
    used: Bool = (boxes > 0) | (predictions > 0) | own_state | truth.verified()
    named = frames_of_steps(session.history.all_steps(), session.source.id)
    named.update(frames_of_keys(session.document.decisions(session.source.id)))
    used[[frame for frame in named if frame < len(used)]] = True
    return used


def _boxes_by_frame(session: Session) -> tuple[Int, Int]:
    """(F,) int64 each: boxes of the ground truth, and predictions of all variants."""
    truth = np.diff(session.ground_truth.table().offsets)
    predictions = np.zeros_like(truth)
    for variant in session.variants:
        predictions += np.diff(variant.predictions.table.offsets)
    return truth, predictions


def _counted_anew(found: Source, known: Source) -> bool:
    return bool(known.index_digest) and known.index_digest != found.index_digest
