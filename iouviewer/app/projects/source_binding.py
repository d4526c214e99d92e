"""Keeps the session's source in step with the open video, whose frame numbers may change while it is indexed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec
import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.locations import is_same_file, source_from
from iouviewer.app.projects.video_change import LABELLED_VIDEO, LabelledVideo, VideoChange, find_change
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.edits import FrameState
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import (
    FrameMapping,
    keep_frame_numbers,
    map_frames,
    note_frames,
    problem_key_frames,
    step_frames,
)
from iouviewer.document.sources import Source
from iouviewer.document.variants import RunState
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Int

PROVISIONAL_IMPORT = "numbered_by_files"
"""Key of a project value: boxes were read from files while the frame numbers were provisional."""


class SourceBinding:
    """Binds the session's source to the open video, and updates it whenever the video's properties change.

    Attributes:
        change: how the open video differs from the labelled one, None if it does not or if somebody has decided.
    """

    def __init__(self, session: Session, autosave: Autosave) -> None:
        self._session = session
        self._autosave = autosave
        self.change: VideoChange | None = None

    def bind(self, info: VideoInfo) -> str:
        """Update the session's source from the video; returns a warning for the user, empty if there is none.

        If the same file was re-indexed, its frames are renumbered. Boxes of another file keep their numbers, and
        ``change`` says what differs until somebody decides.
        """
        stored = self._session.source
        numbering = self._session.document.numbering(stored.id)
        opened = replace(
            source_from(info, number=stored.id), listed=stored.listed, truth_file=stored.truth_file, kept=stored.kept
        )
        self.change = self._find_change(info, opened)
        same_file = is_same_file(info, stored)
        if same_file and numbering is not None and info.numbering is not None:
            padded = numbering.padded_to(stored.frame_count)
            warning = self._renumber(opened, padded, info.numbering, final=info.numbers_final)
            if info.numbers_final and self._autosave.values.get(PROVISIONAL_IMPORT):
                self._autosave.save_values({PROVISIONAL_IMPORT: False})
            return warning
        warning = ""
        if same_file and _is_reindexed(opened, stored):
            warning = tr("Frame numbers of {name} changed. Check the boxes", name=opened.name)
        # Boxes beyond the end of a shorter file are kept; only the user may delete them.
        source = replace(opened, frame_count=max(opened.frame_count, stored.frame_count))
        new = info.numbering
        self._update(source, None if new is None else new.padded_to(source.frame_count))
        return warning

    def keeps_frames(self, info: VideoInfo, stored: Source, numbering: Numbering | None) -> bool:
        """Whether ``bind`` will leave a stored source, numbered like this, with all of its frames as they are."""
        if not is_same_file(info, stored):
            return False
        if numbering is None or info.numbering is None:
            return source_from(info).frame_count <= stored.frame_count
        padded = numbering.padded_to(stored.frame_count)
        return padded.digest == info.numbering.digest and padded.complete == info.numbering.complete

    def _find_change(self, info: VideoInfo, opened: Source) -> VideoChange | None:
        """What differs from the labelled file; it is stored, because the source follows the open video."""
        stored, pending = self._session.source, LabelledVideo.read(self._autosave.values)
        labelled = stored if pending is None else pending.applied_to(stored)
        if not info.complete:
            # The count of an unfinished index is no property of the file.
            opened = replace(opened, frame_count=labelled.frame_count)
        change = find_change(opened, labelled, is_same_file=is_same_file(info, labelled))
        if change is not None and pending is None:
            self._autosave.save_values({LABELLED_VIDEO: msgspec.to_builtins(change.labelled)})
        elif change is None and pending is not None:
            self.decide()
        return change

    def decide(self) -> None:
        """Count the open video as the labelled one from now on."""
        self.change = None
        if self._autosave.values.get(LABELLED_VIDEO) is not None:
            self._autosave.save_values({LABELLED_VIDEO: None})

    def _update(self, source: Source, numbering: Numbering | None) -> None:
        stored, session = self._session.source, self._session
        if source == stored and numbering is session.document.numbering(stored.id):
            return
        self._autosave.muted = True
        try:
            session.update_source(source, numbering)
        finally:
            self._autosave.muted = False
        self._autosave.save_source(stored.frame_count)

    def _has_only_imported_boxes(self) -> bool:
        """Whether all boxes are unchanged since they were read from files under provisional numbers."""
        history = self._session.history
        edited = history.undo_step() is not None or history.redo_step() is not None
        ran = any(variant.state is not RunState.IMPORTED for variant in self._session.variants)
        return bool(self._autosave.values.get(PROVISIONAL_IMPORT)) and not edited and not ran

    def _renumber(self, opened: Source, old: Numbering, new: Numbering, *, final: bool) -> str:
        stored = self._session.source
        if old.digest == new.digest and old.complete == new.complete:
            self._update(replace(opened, frame_count=stored.frame_count), self._session.document.numbering(stored.id))
            return ""
        mapping = map_frames(stored.id, old, new, partial(frames_in_use, self._session))
        lost = mapping.kept.copy()
        lost[old.video_frame_count :] = False
        if mapping.is_identity and not lost.any():
            if not new.complete and new.video_frame_count <= old.video_frame_count:
                # The file is indexed again, and the new index is still shorter than the old one.
                source = replace(opened, frame_count=stored.frame_count, index_digest=stored.index_digest)
                self._update(source, self._session.document.numbering(stored.id))
            else:
                self._update(replace(opened, frame_count=mapping.frame_count), mapping.numbering)
            return ""
        warning = self._describe(opened.name, mapping, lost)
        if final and self._has_only_imported_boxes():
            # Imported files already use the numbers of a complete decode, and the user has not moved these boxes.
            mapping = keep_frame_numbers(stored.id, old, new, frames_in_use(self._session))
            warning = tr(
                "Frame numbers of {name} changed. Imported boxes keep the numbers of their file", name=opened.name
            )
        # Unwritten predictions still have the old numbers.
        self._autosave.write_predictions()
        self._session.renumber(mapping, replace(opened, frame_count=mapping.frame_count))
        return warning

    def _describe(self, name: str, mapping: FrameMapping, lost: Bool) -> str:
        """What a renumbering changes; empty if it affects no boxes and loses no frames."""
        boxes, predictions = _boxes_by_frame(self._session)
        here = np.arange(len(mapping.new))
        moved = int(np.count_nonzero((mapping.new >= 0) & (mapping.new != here) & (boxes + predictions > 0) & ~lost))
        sentences = []
        if moved:
            sentences.append(
                tr_n(
                    "Frame numbers of {name} changed; the boxes and predictions of {count} frame moved with it",
                    "Frame numbers of {name} changed; the boxes and predictions of {count:,} frames moved with them",
                    moved,
                    name=name,
                )
            )
        elif lost.any():
            sentences.append(tr("Frame numbers of {name} changed", name=name))
        if lost.any():
            places = mapping.new[lost]
            sentences.append(
                tr_n(
                    "{count} frame is not in the video and is kept at the end as frame {first}, with {boxes} and "
                    "{predictions}",
                    "{count:,} frames are not in the video and are kept at the end as frames {first}–{last}, with "
                    "{boxes} and {predictions}",
                    len(places),
                    first=places.min(),
                    last=places.max(),
                    boxes=tr_n("{count} box", "{count:,} boxes", int(boxes[lost].sum())),
                    predictions=tr_n("{count} prediction", "{count:,} predictions", int(predictions[lost].sum())),
                )
            )
        return ". ".join(sentences)


def frames_in_use(session: Session) -> Bool:
    """(F,) bool: frames with boxes, predictions, decisions, notes, history steps or a state other than the default."""
    truth = session.ground_truth
    boxes, predictions = _boxes_by_frame(session)
    own_state = (truth.states() != int(truth.default_state)) & (truth.states() != int(FrameState.UNLABELLED))
    used: Bool = (boxes > 0) | (predictions > 0) | own_state | (truth.verification() != 0)
    named = step_frames(session.history.all_steps(), session.source.id)
    named.update(problem_key_frames(session.document.decisions(session.source.id)))
    named.update(note_frames(session.document.notes(session.source.id)))
    used[[frame for frame in named if frame < len(used)]] = True
    return used


def _boxes_by_frame(session: Session) -> tuple[Int, Int]:
    """(F,) int64 each: ground-truth boxes, and predictions of all variants."""
    truth = np.diff(session.ground_truth.table().offsets)
    predictions = np.zeros_like(truth)
    for variant in session.variants:
        predictions += np.diff(variant.predictions.table.offsets)
    return truth, predictions


def _is_reindexed(opened: Source, stored: Source) -> bool:
    return bool(stored.index_digest) and stored.index_digest != opened.index_digest
