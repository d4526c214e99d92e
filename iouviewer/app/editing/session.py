"""The session: the only writer. Every change goes through ``execute``, ``preview``, ``undo`` or ``redo``.

From there, in this order: the scores of the changed frames are updated, ``changed`` reaches the views, and a committed
change goes to the history. Views hold no data of their own.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.edit_preview import Preview
from iouviewer.app.editing.session_values import (
    EarlierNumbers,
    SaveState,
    Scored,
    Selection,
    merged_change,
    moved_settings,
    renumbered_of,
    row_changes,
)
from iouviewer.app.editing.variant_list import VariantList
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    Applied,
    Aspect,
    Change,
    Edit,
    Phase,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import History, MemoryHistory, RowChanges, Step
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import FrameMoves
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.metrics.table import Int

SCORED_LATER = 100_000
"""Boxes of ground truth and predictions above which numbers are computed beside the window: some 60 ms."""

__all__ = ["SaveState", "Scored", "Selection", "Session"]


class Session(QObject):
    """Document, variants, scores, current frame and selection of one window.

    Signals:
        sourceChanged(): another source was opened; views start anew.
        changed(Change): the document changed; redraw what the change names.
        frameChanged(int): the current frame is another one.
        selectionChanged(): the selection is another one.
        scoresChanged(): settings, variants or predictions changed; every number may be another one. A run that goes
            on tells its frames by ``variants.predictionsChanged``, and this too where the current one is among them.
        historyChanged(): what undo and redo would do changed.
        saveStateChanged(SaveState): a step was requested or acknowledged.
        told(str): one sentence for the status bar.
    """

    sourceChanged = Signal()
    changed = Signal(object)
    frameChanged = Signal(int)
    selectionChanged = Signal()
    scoresChanged = Signal()
    historyChanged = Signal()
    saveStateChanged = Signal(object)
    told = Signal(str)
    _acknowledged = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document()
        self.source = Source(0, "", "", 0, 0, 0)
        self.document.add_source(self.source)
        self.scores = Scores(self.ground_truth, ScoreSettings(), later=SCORED_LATER)
        self.variants = VariantList(self.scores, self)
        self.variants.scoresChanged.connect(self.scoresChanged)
        self.variants.predictionsChanged.connect(self._on_predictions_changed)
        self.history: History = MemoryHistory()
        self.save_state = SaveState()
        self._acknowledged.connect(self._on_history_acknowledged)
        self.current_frame = 0
        self.selection = Selection()
        self._preview = Preview()
        self._announced: tuple[int, Step] | None = None
        self._earlier = EarlierNumbers()

    # Sources and history

    @property
    def ground_truth(self) -> GroundTruth:
        """Of the current source."""
        return self.document.ground_truth(self.source.id)

    @property
    def frame_count(self) -> int:
        return self.source.frame_count

    def open_document(
        self,
        document: Document,
        *,
        source: int = 0,
        history: History | None = None,
        place: str = "",
        scored: Scored | None = None,
    ) -> None:
        """Show another document; the history is the given one (or a new one in memory).

        Variants are gone, unless ``scored`` brings others with their scores (made in another thread).
        """
        self.cancel_preview()
        self.document = document
        self.source = document.sources[source]
        self.current_frame = 0
        self.selection = Selection()
        self._earlier.forget()
        scored = scored or Scored(Scores(self.ground_truth, self.scores.settings), (), "")
        self.scores = scored.scores
        self.scores.later = SCORED_LATER
        self.variants.take_over(scored.variants, scored.baseline, scored.scores)
        self.attach_history(history or MemoryHistory(), place=place)
        self.sourceChanged.emit()
        self.scoresChanged.emit()

    def update_source(self, source: Source, numbering: Numbering | None = None) -> None:
        """Replace what is known of the current source (it has more frames); edits and variants stay."""
        before = self.frame_count
        self.cancel_preview()
        self._earlier.moved(self.source.index_digest, np.arange(before), source.index_digest)
        self.document.update_source(source)
        if numbering is not None:
            self.document.set_numbering(numbering, source.id)
        self.source = self.document.sources[source.id]
        if self.frame_count != before:
            self.scores = Scores(self.ground_truth, self.scores.settings, later=SCORED_LATER)
            self.variants.move_to(self.scores, self.frame_count)
        self.sourceChanged.emit()
        self.scoresChanged.emit()

    def renumber(self, moves: FrameMoves, source: Source) -> None:
        """Give frames of the current source other numbers; all that belongs to them follows before anybody is told."""
        self.cancel_preview()
        before = self.current_frame
        self._earlier.moved(self.source.index_digest, moves.new, source.index_digest)
        self.document.renumber(moves, source)
        self.source = self.document.sources[source.id]
        self.scores = Scores(self.ground_truth, moved_settings(self.scores.settings, moves), later=SCORED_LATER)
        self.variants.renumber(self.scores, moves)
        self.current_frame = max(0, min(moves.near(before), self.frame_count - 1))
        self._announced = None
        self.history.renumber(renumbered_of(self.document, moves, self.variants))
        self._update_save_state()
        self.variants.announce()
        self.select(self.selection.boxes)
        self.sourceChanged.emit()
        if self.current_frame != before:
            self.frameChanged.emit(self.current_frame)
        self.scoresChanged.emit()
        self.historyChanged.emit()

    def frames_now(self, digest: str, frames: Int) -> Int | None:
        """As ``EarlierNumbers.now``; frames themselves for the present index, and where either is not known."""
        present = self.source.index_digest
        return frames if not present or digest in ("", present) else self._earlier.now(digest, frames)

    def attach_history(self, history: History, *, place: str) -> None:
        """Keep the steps from now on in this history; ``place`` is the project file's path."""
        self.history.on_saved = None
        self.history = history
        history.on_saved = self._acknowledged.emit
        saved, requested = history.progress
        self.save_state = SaveState(requested, saved, place)
        self.saveStateChanged.emit(self.save_state)
        self.historyChanged.emit()

    def reload_ground_truth(self) -> None:
        """Ground truth was replaced as a whole (an import): score all anew and tell the views."""
        self.scores.set_ground_truth(self.ground_truth)
        self.select(())
        self.changed.emit(Change(self.source.id, frozenset(), frozenset(), Aspect.ALL, Phase.COMMITTED, "import"))
        self.scoresChanged.emit()

    def _on_history_acknowledged(self, saved: int, requested: int) -> None:  # noqa: ARG002
        # The numbers were true when they were sent; more may have been requested since, or of another history.
        self._update_save_state()

    def _update_save_state(self) -> None:
        saved, requested = self.history.progress
        state = replace(self.save_state, saved=saved, requested=requested)
        if state != self.save_state:
            self.save_state = state
            self.saveStateChanged.emit(state)

    # Frame and selection

    def go_to(self, frame: int) -> None:
        """Make ``frame`` (clamped to the video) the current one; a gesture under way is cancelled."""
        frame = max(0, min(frame, self.frame_count - 1))
        if frame == self.current_frame or self.frame_count == 0:
            return
        self.cancel_preview()
        self.current_frame = frame
        self._announced = None
        if self.selection != Selection():
            self.selection = Selection()
            self.selectionChanged.emit()
        self.frameChanged.emit(frame)

    def select(self, boxes: object = (), *, prediction: tuple[str, int] | None = None) -> None:
        """Select ground-truth boxes by id, or one prediction."""
        ids = frozenset(int(box_id) for box_id in boxes)  # type: ignore[attr-defined]
        wanted = Selection(ids, prediction)
        if wanted != self.selection:
            self.selection = wanted
            self.selectionChanged.emit()

    # Edits

    def execute(self, edit: Edit, label: str, *, origin: str = "", merge_key: str = "") -> Change | None:
        """Apply an edit as one step of the history.

        Returns:
            The change, None where nothing changed.

        Raises:
            UserError: the edit is not valid; nothing was changed.
        """
        self.cancel_preview()
        applied = self.document.apply(edit)
        if applied is None:
            return None
        return self._commit(applied, edit, label, origin, merge_key)

    def preview(self, edit: Edit, *, origin: str = "") -> Change | None:
        """Show an edit while a gesture goes on; the next preview replaces it. UserError: nothing was changed."""
        changes: list[Change] = []
        try:
            self._preview.show(self.document, edit, changes)
        finally:
            change = self._announce(changes, Phase.LIVE, origin)
        return change

    def commit_preview(self, label: str, *, origin: str = "") -> Change | None:
        """Make what is previewed one step of the history; None where it changed nothing."""
        done = self._preview.finish(self.ground_truth)
        if done is None:
            return None
        edit, applied = done
        return self._commit(applied, edit, label, origin, "")

    def cancel_preview(self) -> None:
        """Take back what is previewed (Esc, focus loss, another frame)."""
        self._announce(self._preview.take_back(self.document), Phase.LIVE, "cancel")

    def _commit(self, applied: Applied, edit: Edit, label: str, origin: str, merge_key: str) -> Change:
        frames = applied.change.frames
        frame = self.current_frame if self.current_frame in frames or not frames else min(frames)
        change = self._announce([applied.change], Phase.COMMITTED, origin)
        assert change is not None
        step = Step(label, edit, applied.inverse, change.source, frame, merge_key)
        self._announced = None
        self.history.append(step, row_changes(self.document, applied.change))
        self._update_save_state()
        self.historyChanged.emit()
        return change

    def _announce(self, changes: list[Change], phase: Phase, origin: str) -> Change | None:
        if not changes:
            return None
        whole = merged_change(changes, phase, origin)
        if whole.frames:
            self.scores.update(whole.frames)
        gone = {i for i in self.selection.boxes & whole.box_ids if self.ground_truth.find(i) is None}
        if gone and phase is Phase.COMMITTED:
            self.select(self.selection.boxes - gone)
        self.changed.emit(whole)
        return whole

    # Undo and redo

    def undo(self) -> None:
        """Take back the last step; where it lies on another frame, the first call goes there and says what it is."""
        self._step(self.history.undo_step(), -1, "undo", "Undone")

    def redo(self) -> None:
        """Do the next step again; goes to its frame first, as undo does."""
        self._step(self.history.redo_step(), 1, "redo", "Redone")

    def _step(self, step: Step | None, by: int, verb: str, done: str) -> None:
        self.cancel_preview()
        if step is None:
            self.told.emit(f"Nothing to {verb}")
        elif self._is_here(step, by, verb):
            self._replay(step, step.inverse if by < 0 else step.edit, by)
            self.told.emit(f"{done}: {step.label}")

    def _is_here(self, step: Step, by: int, verb: str) -> bool:
        if step.frame == self.current_frame or self._announced == (by, step):
            return True
        self.go_to(step.frame)
        self._announced = (by, step)
        self.told.emit(f"Frame {step.frame}: press again to {verb} “{step.label}”")
        return False

    def _replay(self, step: Step, edit: Edit, by: int) -> None:
        applied = self.document.apply(edit)
        self._announced = None
        unchanged = RowChanges(step.source, next_id=self.document.ground_truth(step.source).next_id)
        self.history.move(by, row_changes(self.document, applied.change) if applied is not None else unchanged)
        self._update_save_state()
        if applied is not None:
            self._announce([applied.change], Phase.COMMITTED, "history")
            self.select(i for i in applied.change.box_ids if self.ground_truth.find(i) is not None)
        self.historyChanged.emit()

    # Scores

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and self.current_frame in frames:
            self.scoresChanged.emit()

    def set_score_settings(self, settings: ScoreSettings) -> None:
        """Other thresholds, convention or choice of frames: every number is computed anew."""
        self.scores.set_settings(settings)
        self.scoresChanged.emit()

    def frame_iou(self, variant: str, frame: int) -> float:
        """Frame IoU of a variant (its name or key); nan where it is undefined (metrics.md)."""
        found = self.variants.find(variant)
        return math.nan if found is None else self.scores.frame_iou(found.key, frame)
