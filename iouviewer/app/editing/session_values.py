"""Values of the session, and what it works out without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document.document import Document
from iouviewer.document.edits import Aspect, Change, FrameMark, Phase
from iouviewer.document.history import RowChanges
from iouviewer.document.renumbering import FrameMoves, Renumbered, moved_mask
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import Int


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected: ground-truth boxes by id, or one prediction (variant key, row in its table)."""

    boxes: frozenset[int] = frozenset()
    prediction: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class SaveState:
    """How far the history is on disk: ``saved`` of ``requested`` steps; ``place`` is empty without a project file."""

    requested: int = 0
    saved: int = 0
    place: str = ""

    @property
    def is_saved(self) -> bool:
        return self.saved >= self.requested


@dataclass(frozen=True, slots=True)
class Scored:
    """Variants with scores that were made for them."""

    scores: Scores
    variants: tuple[Variant, ...]
    baseline: str


class EarlierNumbers:
    """Present numbers of frames that were numbered by an earlier index of the same video."""

    def __init__(self) -> None:
        self._moved: dict[str, Int] = {}

    def forget(self) -> None:
        """Another video."""
        self._moved.clear()

    def moved(self, digest: str, new: Int, new_digest: str) -> None:
        """The index ``digest`` gave way to ``new_digest``: ``new`` (F,) int64 holds the new numbers, -1 for none."""
        for earlier, numbers in self._moved.items():
            self._moved[earlier] = _taken(new, numbers)
        self._moved[digest] = new
        self._moved.pop(new_digest, None)

    def now(self, digest: str, frames: Int) -> Int | None:
        """Present numbers of ``frames`` (n,), -1 for one that is gone; None for an index that was never seen."""
        numbers = self._moved.get(digest)
        return None if numbers is None else _taken(numbers, frames)


def _taken(numbers: Int, frames: Int) -> Int:
    result = np.full(len(frames), -1, np.int64)
    there = (frames >= 0) & (frames < len(numbers))
    result[there] = numbers[frames[there]]
    return result


def renumbered_of(document: Document, moves: FrameMoves, variants: Iterable[Variant]) -> Renumbered:
    """What a renumbering has left behind in a document and in the variants, for the history."""
    source, truth = document.sources[moves.source], document.ground_truth(moves.source)
    decisions = tuple(sorted(document.decisions(moves.source).items()))
    states, verified = truth.states().copy(), truth.verified().copy()
    return Renumbered(moves, source, states, verified, truth.rest, decisions, tuple(variants))


def moved_settings(settings: ScoreSettings, moves: FrameMoves) -> ScoreSettings:
    """Score settings whose choice of frames, where there is one, follows the frames."""
    return settings if settings.frames is None else replace(settings, frames=moved_mask(settings.frames, moves))


def merged_change(changes: Sequence[Change], phase: Phase, origin: str) -> Change:
    """Several changes of one source as one."""
    if len(changes) == 1:
        return changes[0]._replace(phase=phase, origin=origin)
    aspects = Aspect(0)
    for change in changes:
        aspects |= change.aspects
    frames = frozenset[int]().union(*(change.frames for change in changes))
    ids = frozenset[int]().union(*(change.box_ids for change in changes))
    return Change(changes[0].source, frames, ids, aspects, phase, origin)


def row_changes(document: Document, change: Change) -> RowChanges:
    """What a change leaves behind in the rows."""
    truth = document.ground_truth(change.source)
    found = {box_id: truth.find(box_id) for box_id in change.box_ids}
    marks: tuple[FrameMark, ...] = ()
    marked = bool(change.aspects & Aspect.FRAME_STATE)
    if marked:
        marks = tuple(FrameMark(f, truth.state(f), truth.is_verified(f)) for f in sorted(change.frames))
    decisions: tuple[tuple[str, str], ...] | None = None
    if change.aspects & Aspect.DECISIONS:
        decisions = tuple(document.decisions(change.source).items())
    return RowChanges(
        change.source,
        put=tuple(box for box in found.values() if box is not None),
        delete=tuple(box_id for box_id, box in found.items() if box is None),
        marks=marks,
        class_names=document.class_names if change.aspects & Aspect.CLASS_NAMES else None,
        decisions=decisions,
        next_id=truth.next_id,
        rest=truth.rest if marked else None,
    )
