"""Restricts the scores of a session to verified frames, and follows frames as they are verified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, FrameState, Phase
from iouviewer.jobs.frame_selection import VERIFIED
from iouviewer.metrics.table import Bool


class VerifiedFrames(QObject):
    """While active, all scores of the session count verified frames only (``ScoreSettings.frames``)."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.is_active = False
        session.changed.connect(self._on_session_changed)
        session.sourceChanged.connect(self._update)
        session.scoresChanged.connect(self._update)

    @property
    def count(self) -> int:
        """Number of verified frames that are labelled."""
        return int(self._verified().sum())

    def set_active(self, active: bool) -> None:
        """Count verified frames only, or all frames."""
        if active is not self.is_active:
            self.is_active = active
            self._update()

    def _verified(self) -> Bool:
        truth = self._session.ground_truth
        labelled: Bool = truth.states() == FrameState.LABELLED
        return labelled & truth.verified()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.COMMITTED:  # a gesture verifies no frame
            self._update()

    def _update(self) -> None:
        settings = self._session.scores.settings
        if not self.is_active:
            if settings.frames_text == VERIFIED:
                self._session.set_score_settings(replace(settings, frames=None, frames_text=None))
            return
        verified = self._verified()
        known = settings.frames if settings.frames_text == VERIFIED else None
        if known is None or not np.array_equal(known, verified):
            self._session.set_score_settings(replace(settings, frames=verified, frames_text=VERIFIED))
