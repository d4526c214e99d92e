"""Keeping variants, predictions and settings of the session in the open project file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.score_settings_json import scores_to_json
from iouviewer.document.history import History
from iouviewer.project.schema import SUFFIX
from iouviewer.project.store import ProjectFile

CHUNK_MS = 1000
"""Predictions of a run that goes on are written this often, milliseconds."""


class ProjectKeeper(QObject):
    """Writes what changes besides steps, which the session gives to its history itself.

    Attributes:
        project: the open file, None as long as there is none.
        values: JSON values of the project by key; with the file or, until there is one, for it.
        muted: what changes now came from the file and is not written back.

    Signals:
        fileNeeded(): something to keep came up and there is no file.
    """

    fileNeeded = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: ProjectFile | None = None
        self.values: dict[str, Any] = {}
        self.muted = False
        self._session = session
        self._chunks: dict[str, set[int]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CHUNK_MS)
        self._timer.timeout.connect(self.write_chunks)
        session.scoresChanged.connect(self._on_scores_changed)
        session.variants.listChanged.connect(self._on_variants_changed)
        session.variants.variantChanged.connect(self._on_variants_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)

    @property
    def baseline(self) -> str:
        """Key of the session's baseline, empty without variants."""
        baseline = self._session.variants.baseline
        return baseline.key if baseline is not None else ""

    def create(self, path: Path, history: History) -> ProjectFile:
        """Make a project file of all that the session holds.

        Raises:
            UserError: the folder cannot be written, or something stands there already.
        """
        self.values["scores"] = scores_to_json(self._session.scores.settings)
        return ProjectFile.create(
            path if path.suffix else path.with_suffix(SUFFIX),
            self._session.document,
            variants=self._session.variants,
            baseline=self.baseline,
            settings=self.values,
            steps=history.all_steps(),
            cursor=history.cursor,
        )

    def save_source(self, known_frames: int) -> None:
        """Keep what is now known of the session's source; frames from ``known_frames`` on have become known."""
        if self.project is not None:
            source, document = self._session.source, self._session.document
            new = range(known_frames, source.frame_count)
            self.project.save_source(source, document.numbering(source.id), new, self._session.ground_truth.rest)

    def save_values(self, values: Mapping[str, Any]) -> None:
        """Keep JSON values by key."""
        self.values.update(values)
        if self.project is not None:
            self.project.save_settings(values)

    def write_chunks(self) -> None:
        """Write the predictions that came since the last time."""
        self._timer.stop()
        chunks, self._chunks = self._chunks, {}
        for key, frames in chunks.items():
            variant = self._session.variants.find(key)
            if variant is not None and self.project is not None:
                self.project.save_variant_chunk(variant, frames)

    def _on_scores_changed(self) -> None:
        wanted = scores_to_json(self._session.scores.settings)
        if not self.muted and self.project is not None and wanted != self.values.get("scores"):
            self.save_values({"scores": wanted})

    def _on_variants_changed(self, _key: str = "") -> None:
        if self.muted:
            return
        if self.project is None:
            if len(self._session.variants):
                self.fileNeeded.emit()
            return
        # First the frames of a run that goes on, else all of them would be written again.
        self.write_chunks()
        self.project.save_variants(self._session.variants, self.baseline)

    def _on_predictions_changed(self, key: str, frames: frozenset[int] | None) -> None:
        if self.muted or self.project is None:
            return
        if frames is None:
            self._chunks.pop(key, None)
            self._on_variants_changed()
            return
        self._chunks.setdefault(key, set()).update(frames)
        if not self._timer.isActive():
            self._timer.start()
