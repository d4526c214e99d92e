"""Which needs of commands are met: the one place that decides what is available, and says why not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.edits import Change, Phase
from iouviewer.i18n import tr
from iouviewer.ui.action_table import Need
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.box_commands import BoxCommands


class ActionNeeds(QObject):
    """Keeps the availability of an action set current."""

    def __init__(self, session: Session, actions: ActionSet, boxes: BoxCommands) -> None:
        super().__init__(actions)
        self._session, self._actions, self._boxes = session, actions, boxes
        self.has_dataset: Callable[[], bool] = lambda: False
        """Whether a dataset with several sources is open; replaced by the window."""
        session.sourceChanged.connect(self.update)
        session.selectionChanged.connect(self.update)
        session.truthFileChanged.connect(self.update)
        session.variants.listChanged.connect(self.update)
        session.changed.connect(self._on_session_changed)
        actions.ran.connect(self.update)
        session.scoresChanged.connect(self._on_scores_changed)
        self.update()

    def _on_scores_changed(self) -> None:
        self._actions["scoreWithoutAccepted"].setChecked(bool(self._session.scores.settings.left_out))

    def update(self, _what: object = None) -> None:
        """Enable what is possible now."""
        self._actions.set_met(self._find_met())

    def report(self, id: str) -> None:
        """Say in the status bar why a command is not available."""
        text = self._actions.text_of(id).removesuffix("…")
        reason = self._actions.reason_of(id)
        if reason:
            self._session.statusMessage.emit(tr("{command}: {reason}", command=text, reason=reason))

    def _find_met(self) -> frozenset[Need]:
        session, selection = self._session, self._session.selection
        boxes = [box for box in map(session.ground_truth.find, selection.boxes) if box is not None]
        met = {
            Need.VIDEO: session.frame_count > 0,
            Need.BOX: bool(boxes),
            Need.ONE_BOX: len(boxes) == 1,
            Need.BOX_OR_PREDICTION: bool(boxes) or selection.prediction is not None,
            Need.TRACK: selection.track is not None or any(box.track != NO_TRACK for box in boxes),
            Need.COPIED: self._boxes.has_copied,
            Need.PREDICTIONS: len(session.variants) > 0,
            Need.STARTABLE: len(session.variants) > 0 and len(session.ground_truth) == 0,
            Need.DATASET: self.has_dataset(),
            Need.SOURCE_FILE: bool(session.source.kept),
        }
        return frozenset(need for need, holds in met.items() if holds)

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is not Phase.LIVE:
            self.update()
