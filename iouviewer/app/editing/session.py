"""The session: the only writer. Every change goes through ``execute``, ``preview``, ``undo`` or ``redo``.

The order is always the same: the scores of the changed frames are updated, the views receive ``changed``, and a
committed change is added to the history. Views hold no data of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import SupportsInt

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.edit_preview import EditPreview
from iouviewer.app.editing.edit_scopes import EditScopes
from iouviewer.app.editing.frame_walk import FrameWalk
from iouviewer.app.editing.locks import check_locks, find_refusal
from iouviewer.app.editing.session_values import (
    FrameNumberHistory,
    InitialScores,
    SaveState,
    Selection,
    apply_checked,
    collect_renumbered,
    describe_jump,
    describe_pending,
    merge_changes,
    renumber_settings,
    replay_to,
    select_boxes,
    select_track,
    selection_after,
    with_outdated_frames,
)
from iouviewer.app.editing.variant_list import VariantList
from iouviewer.app.editing.view_state import ViewState
from iouviewer.document.document import Document
from iouviewer.document.edits import Applied, Aspect, Change, Edit, Phase
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import History, MemoryHistory, RowChanges, collect_row_changes
from iouviewer.document.kept_source import KeptSource
from iouviewer.document.notes import Note
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.renumbering import FrameMapping
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import ImageTable, Source, TruthFile
from iouviewer.document.steps import Step
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Int

DEFERRED_SCORING_BOXES = 100_000
"""Number of boxes (ground truth and predictions) above which a thread does the scoring, which takes 60 ms here."""

__all__ = ["InitialScores", "SaveState", "Selection", "Session"]


class Session(QObject):
    """Document, variants, scores, current frame and selection of one window.

    Signals:
        sourceChanged(): another source was opened; views reset.
        changed(Change): the document changed; redraw the parts that the change names.
        frameChanged(int): the current frame changed.
        selectionChanged(): the selection changed.
        scoresChanged(): settings, variants or predictions changed; every score may differ. New frames of a running
            model are announced by ``variants.predictionsChanged``, and by this signal if the current frame is one.
        historyChanged(): the next undo or redo step changed.
        notesChanged(): a note of the current source was added, changed or deleted, or another source was opened.
        saveStateChanged(SaveState): a step was requested or saved.
        statusMessage(str): one sentence for the status bar.
        truthFileChanged(): the ground truth comes from another file, or was saved to it.

    Attributes:
        author: who makes the steps and notes, empty if unknown.
        read_only: why nothing can be edited, one sentence; empty if everything can.
    """

    sourceChanged = Signal()
    changed = Signal(object)
    frameChanged = Signal(int)
    selectionChanged = Signal()
    scoresChanged = Signal()
    historyChanged = Signal()
    notesChanged = Signal()
    saveStateChanged = Signal(object)
    statusMessage = Signal(str)
    truthFileChanged = Signal()
    _saved = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document()
        self.source = Source(0, "", "", 0, 0, 0)
        self.document.add_source(self.source)
        self.scores = Scores(self.ground_truth, ScoreSettings(), defer_above=DEFERRED_SCORING_BOXES)
        self.variants = VariantList(self.scores, self, join=self._joined, require_writable=self.require_writable)
        self._kept_unknown = True
        self._unscored: frozenset[int] = frozenset()
        self.variants.scoresChanged.connect(self.scoresChanged)
        self.variants.predictionsChanged.connect(self._on_predictions_changed)
        self.history: History = MemoryHistory()
        self.save_state = SaveState()
        self._saved.connect(self._on_history_saved)
        self.sourceChanged.connect(self.notesChanged)
        self.author = self.read_only = ""
        self.current_frame, self.selection = 0, Selection()
        self.view_state = ViewState(self.variants, FrameWalk(self, self), self)
        self.scopes, self._preview = EditScopes(self), EditPreview()
        self._announced_step: tuple[int, Step] | None = None
        self._frame_numbers = FrameNumberHistory()

    # Sources and history

    @property
    def ground_truth(self) -> GroundTruth:
        """Ground truth of the current source."""
        return self.document.ground_truth(self.source.id)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the current source in the order in which they were written."""
        return self.document.notes(self.source.id)

    @property
    def frame_count(self) -> int:
        return self.source.frame_count

    def open_document(
        self,
        document: Document,
        *,
        source: int = 0,
        history: History | None = None,
        project_path: str = "",
        scores: InitialScores | None = None,
    ) -> None:
        """Show another document.

        Args:
            history: a new one in memory by default.
            project_path: path of the project file, empty without one.
            scores: variants with their scores, computed in another thread; without them there are no variants.
        """
        self.cancel_preview()
        self.document = document
        document.variant_editor = self.variants
        self.source = document.sources[source]
        self.current_frame = 0
        self.selection = Selection()
        self._frame_numbers.clear()
        self.view_state.reset()
        scores = scores or InitialScores(Scores(self.ground_truth, replace(self.scores.settings, filter=None)), (), "")
        self.scores = scores.scores
        self.scores.defer_above = DEFERRED_SCORING_BOXES
        self.variants.replace_all(scores.variants, scores.baseline, scores.scores)
        self.attach_history(history or MemoryHistory(), project_path=project_path)
        self._rejoin()
        self.sourceChanged.emit()
        self.scoresChanged.emit()

    def update_source(self, source: Source, numbering: Numbering | None = None) -> None:
        """Update the current source, which may have more frames now; edits and variants are kept."""
        before = self.frame_count
        self.cancel_preview()
        self._frame_numbers.add(self.source.index_digest, np.arange(before), source.index_digest)
        self.document.update_source(source)
        if numbering is not None:
            self.document.set_numbering(numbering, source.id)
        self.source = self.document.sources[source.id]
        if self.frame_count != before:
            self.scores = Scores(self.ground_truth, self.scores.settings, defer_above=DEFERRED_SCORING_BOXES)
            self.variants.extend(self.scores, self.frame_count)
        self.sourceChanged.emit()
        self.scoresChanged.emit()

    def set_truth_file(self, file: TruthFile, images: ImageTable, kept: KeptSource) -> None:
        """Set the file of the ground truth, its text and the images that it lists."""
        self.document.set_truth_file(file, images, kept, self.source.id)
        self.source = self.document.sources[self.source.id]
        self.truthFileChanged.emit()

    def renumber(self, mapping: FrameMapping, source: Source) -> None:
        """Renumber the frames of the current source; signals are emitted once everything has been renumbered."""
        self.cancel_preview()
        before = self.current_frame
        self._frame_numbers.add(self.source.index_digest, mapping.new, source.index_digest)
        self.document.renumber(mapping, source)
        self.source = self.document.sources[source.id]
        settings = renumber_settings(self.scores.settings, mapping)
        self.scores = Scores(self.ground_truth, settings, defer_above=DEFERRED_SCORING_BOXES)
        self.variants.renumber(self.scores, mapping)
        self.current_frame = max(0, min(mapping.nearest(before), self.frame_count - 1))
        self._announced_step = None
        self.history.renumber(collect_renumbered(self.document, mapping, self.variants))
        self._update_save_state()
        self.variants.listChanged.emit()
        self.select(self.selection.boxes)
        self.sourceChanged.emit()
        if self.current_frame != before:
            self.frameChanged.emit(self.current_frame)
        self.scoresChanged.emit()
        self.historyChanged.emit()

    def current_frame_numbers(self, digest: str, frames: Int) -> Int | None:
        """Like ``FrameNumberHistory.current``, but unchanged if either index is unknown or both are equal."""
        present = self.source.index_digest
        return frames if not present or digest in ("", present) else self._frame_numbers.current(digest, frames)

    def attach_history(self, history: History, *, project_path: str) -> None:
        """Record all further steps in this history; ``project_path`` is empty without a project file."""
        self.history.on_saved = None
        self.history = history
        history.on_saved = self._saved.emit
        saved, requested = history.progress
        self.save_state = SaveState(requested, saved, project_path)
        self.saveStateChanged.emit(self.save_state)
        self.historyChanged.emit()

    def reload_ground_truth(self) -> None:
        """The ground truth was replaced as a whole (an import): compute all scores and update the views."""
        self.scores.set_ground_truth(self.ground_truth)
        self._rejoin()
        self.select(())
        self.changed.emit(Change(self.source.id, frozenset(), frozenset(), Aspect.ALL, Phase.COMMITTED, "import"))
        self.scoresChanged.emit()

    def _on_history_saved(self, _saved: int, _requested: int) -> None:
        self._update_save_state()  # not the arguments: since the signal, the history may have been replaced

    def _update_save_state(self) -> None:
        saved, requested = self.history.progress
        state = replace(self.save_state, saved=saved, requested=requested)
        if state != self.save_state:
            self.save_state = state
            self.saveStateChanged.emit(state)

    # Frame and selection

    def go_to(self, frame: int) -> None:
        """Make ``frame`` (clamped to the video) the current one; a gesture in progress is cancelled."""
        frame = max(0, min(frame, self.frame_count - 1))
        if frame == self.current_frame or self.frame_count == 0:
            return
        self.cancel_preview()
        self.current_frame = frame
        self._announced_step = None
        self._use_selection(select_track(self.ground_truth, self.selection.track, frame))
        self.frameChanged.emit(frame)

    def select(self, boxes: Iterable[SupportsInt] = (), *, prediction: tuple[str, int] | None = None) -> None:
        """Select ground-truth boxes by id, with their track, or one prediction."""
        if prediction is not None:
            self._use_selection(Selection(prediction=prediction))
        else:
            self._use_selection(select_boxes(self.ground_truth, (int(box_id) for box_id in boxes)))

    def select_track(self, track: int | None) -> None:
        """Select a track, with its box on the current frame if it has one there; None for nothing."""
        self._use_selection(select_track(self.ground_truth, track, self.current_frame))

    def restore_selection(self, selection: Selection) -> None:
        """Select what was selected before a gesture that was cancelled."""
        boxes = frozenset(i for i in selection.boxes if self.ground_truth.find(i) is not None)
        self._use_selection(replace(selection, boxes=boxes))

    def _use_selection(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selectionChanged.emit()

    # Edits

    def execute(self, edit: Edit, label: str, *, origin: str = "", merge_key: str = "") -> Change | None:
        """Apply an edit as one step of the history; None if nothing changed.

        UserError: the edit is not valid, changes a locked box, or the document is read-only; nothing was changed.
        """
        self.cancel_preview()
        self.require_writable()
        check_locks(self.ground_truth, edit, self.view_state, origin)
        applied = apply_checked(self.document, edit, origin)
        if applied is None:
            return None
        return self._commit(*with_outdated_frames(self.document, edit, applied, merge_key, origin), label, origin)

    def require_writable(self) -> None:
        """UserError if the document is read-only."""
        if self.read_only:
            raise UserError(self.read_only)

    def preview(self, edit: Edit, *, origin: str = "") -> Change | None:
        """Show an edit during a gesture; the next one replaces it. UserError: nothing was changed.

        None, with a status message, if the document is read-only or a box is locked.
        """
        refusal = self.read_only or find_refusal(self.ground_truth, edit, self.view_state)
        if refusal:
            self.statusMessage.emit(refusal)
            return None
        changes: list[Change] = []
        try:
            self._preview.show(self.document, edit, changes)
        finally:
            change = self._publish(changes, Phase.LIVE, origin)
        return change

    def commit_preview(self, label: str, *, origin: str = "") -> Change | None:
        """Make the preview one step of the history; None if it changed nothing."""
        done = self._preview.finish(self.ground_truth)
        if done is None:
            return None
        edit, applied = done
        return self._commit(*with_outdated_frames(self.document, edit, applied, ""), label, origin)

    def cancel_preview(self) -> None:
        """Revert the preview (Esc, focus loss, another frame)."""
        self._publish(self._preview.revert(self.document), Phase.LIVE, "cancel")

    def _commit(self, edit: Edit, applied: Applied, merge_key: str, label: str, origin: str) -> Change:
        frames = applied.change.frames
        frame = self.current_frame if self.current_frame in frames or not frames else min(frames)
        change = self._publish([applied.change], Phase.COMMITTED, origin)
        assert change is not None
        step = Step(label, edit, applied.inverse, change.source, frame, merge_key, author=self.author)
        self._announced_step = None
        self.history.append(step, collect_row_changes(self.document, applied.change))
        self._update_save_state()
        self.historyChanged.emit()
        return change

    def _publish(self, changes: list[Change], phase: Phase, origin: str) -> Change | None:
        if not changes:
            return None
        merged = merge_changes(changes, phase, origin)
        if merged.frames:
            self.scores.update(merged.frames)
        if self._needs_rejoin(merged):
            self._rejoin()
        if phase is Phase.COMMITTED:
            self._use_selection(selection_after(self.selection, self.ground_truth, merged, self.current_frame))
        self.changed.emit(merged)
        if merged.aspects & Aspect.NOTES:
            self.notesChanged.emit()
        return merged

    # Undo and redo

    def undo(self) -> None:
        """Undo the last step. If it is on another frame, the first call only goes there and names the step."""
        self._step(self.history.undo_step(), -1)

    def redo(self) -> None:
        """Redo the next step; goes to its frame first, as undo does."""
        self._step(self.history.redo_step(), 1)

    def _step(self, step: Step | None, by: int) -> None:
        self.cancel_preview()
        undo = by < 0
        if self.read_only:
            self.statusMessage.emit(self.read_only)
        elif step is None:
            self.statusMessage.emit(tr("Nothing to undo") if undo else tr("Nothing to redo"))
        elif self._is_confirmed(step, by):
            self._replay(step.inverse if undo else step.edit, by)
            done = tr("Undone: {step}", step=step.label) if undo else tr("Redone: {step}", step=step.label)
            self.statusMessage.emit(done)

    def _is_confirmed(self, step: Step, by: int) -> bool:
        """Whether a step may be replayed: its frame is current, or the previous call announced it."""
        if step.frame == self.current_frame or self._announced_step == (by, step):
            return True
        self.go_to(step.frame)
        self._announced_step = (by, step)
        self.statusMessage.emit(describe_pending(step, by))
        return False

    def go_to_step(self, position: int) -> None:
        """Undo or redo until this many steps are done, as one action that is announced once.

        UserError: a step cannot be read; the steps before it are undone or redone. Or the document is read-only.
        """
        self.cancel_preview()
        self.require_writable()
        start = self.history.cursor
        replayed = replay_to(self.document, self.history, position)
        if replayed.cursor != start:
            self._replayed(replayed.changes, replayed.cursor - start)
            if replayed.reached is not None:
                self.go_to(replayed.reached.frame)
            self.historyChanged.emit()
            self.statusMessage.emit(describe_jump(replayed.cursor - start, replayed.reached))
        if replayed.error is not None:
            raise replayed.error

    def _replay(self, edit: Edit, by: int) -> None:
        applied = self.document.apply(edit)
        changed = self._replayed([] if applied is None else [applied.change], by)
        if changed is not None:
            boxes = (box for box in map(self.ground_truth.find, changed.box_ids) if box is not None)
            here = [box.id for box in boxes if box.frame == self.current_frame]
            if here:
                self.select(here)
        self.historyChanged.emit()

    def _replayed(self, changes: list[Change], by: int) -> Change | None:
        """Store that so many steps were redone (or undone), and publish what they changed."""
        self._announced_step = None
        source = changes[0].source if changes else self.source.id
        merged = merge_changes(changes, Phase.COMMITTED, "history") if changes else None
        unchanged = RowChanges(source, next_id=self.document.ground_truth(source).next_id)
        self.history.move(by, unchanged if merged is None else collect_row_changes(self.document, merged))
        self._update_save_state()
        return self._publish(changes, Phase.COMMITTED, "history")

    # Scores

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and self.current_frame in frames:
            self.scoresChanged.emit()

    def set_score_settings(self, settings: ScoreSettings) -> None:
        """Change thresholds, convention or frame selection; all scores are computed again."""
        self.scores.set_settings(settings)
        self._rejoin()
        self.scoresChanged.emit()

    @property
    def keeps_unknown_classes(self) -> bool:
        """Whether predictions of classes that the ground truth lacks are shown and scored."""
        agnostic = self.scores.settings.review.class_agnostic
        return agnostic or not self.document.class_names or self.scores.has_box_without_class

    def _joined(self, predictions: PredictionSet) -> PredictionSet:
        return predictions.joined(
            self.document.classes, keep_unknown=self.keeps_unknown_classes, unscored=self._unscored
        )

    def _needs_rejoin(self, change: Change) -> bool:
        if change.aspects & Aspect.CLASS_NAMES or self.keeps_unknown_classes != self._kept_unknown:
            return True
        # A drag changes neither classes nor flags; a project without a benchmark's rules has no such class.
        affected = change.aspects & (Aspect.EXISTENCE | Aspect.CLASS | Aspect.FLAGS)
        if not affected or change.phase is not Phase.COMMITTED:
            return False
        return self.ground_truth.unscored_classes() != self._unscored

    def _rejoin(self) -> None:
        """Join the predictions with the classes of the ground truth, which may have changed."""
        self._kept_unknown = self.keeps_unknown_classes
        self._unscored = self.ground_truth.unscored_classes()
        self.variants.rejoin()

    def frame_iou(self, variant: str, frame: int) -> float:
        """Frame IoU of a variant (its name or key); nan if it is undefined (docs/metrics.md)."""
        match = self.variants.find(variant)
        return math.nan if match is None else self.scores.frame_iou(match.key, frame)
