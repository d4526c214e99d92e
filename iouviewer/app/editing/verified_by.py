"""Who verified a frame, and when, as the history tells."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Batch, Edit, SetFrames
from iouviewer.document.frame_states import VerifiedBy


class VerificationLog:
    """Finds the step that verified a frame; frames that were verified before the history began have none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # Positions of steps by frame, of the first ``_count`` steps; a new edit after an undo replaces later ones.
        self._history: object = None
        self._count = 0
        self._positions: dict[int, list[int]] = {}

    def find(self, frame: int) -> VerifiedBy | None:
        """The last done step that verified this frame of the current source; None if the history has none."""
        history, source = self._session.history, self._session.source.id
        self._read_new_steps()
        for position in reversed(self._positions.get(frame, [])):
            step = history.step_at(position) if position <= history.cursor else None
            if step is not None and step.source == source and _verifies(step.edit, frame):
                return VerifiedBy(step.author, step.when)
        return None

    def _read_new_steps(self) -> None:
        history = self._session.history
        if history is not self._history or history.step_count < self._count:
            self._history, self._count, self._positions = history, 0, {}
        for summary in history.summaries(self._count + 1, history.step_count):
            self._positions.setdefault(summary.frame, []).append(summary.position)
        self._count = history.step_count


def _verifies(edit: Edit, frame: int) -> bool:
    if isinstance(edit, Batch):
        return any(_verifies(part, frame) for part in edit.edits)
    return isinstance(edit, SetFrames) and any(mark.frame == frame and mark.verified for mark in edit.marks)
