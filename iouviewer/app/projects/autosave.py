"""Saves variants, predictions and settings of the session in the open project file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_list import still_loading
from iouviewer.app.projects.locations import candidate_paths, sidecar_path
from iouviewer.app.projects.recovery import COPY
from iouviewer.app.settings import score_settings_to_json
from iouviewer.document.frame_lists import SETTING
from iouviewer.document.history import History, MemoryHistory
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.schema import SUFFIX
from iouviewer.project.store import ProjectFile

WRITE_INTERVAL_MS = 1000
"""Milliseconds between writes of new predictions of a running model."""


class Autosave(QObject):
    """Writes everything except history steps, which the session records through its history.

    Attributes:
        project: the open file, None until there is one.
        values: JSON values of the project by key; without a file they are kept for the next one.
        muted: current changes come from the file and are not written back.

    Signals:
        projectFileRequested(): there is something to save and no file yet.
    """

    projectFileRequested = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: ProjectFile | None = None
        self.values: dict[str, Any] = {}
        self.muted = False
        self._session = session
        self._has_unsaved_variants = False
        self._unsaved_frames: dict[str, set[int]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WRITE_INTERVAL_MS)
        self._timer.timeout.connect(self.write_predictions)
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
        """Create a project file with everything that the session holds; it is no copy of another one.

        Raises:
            UserError: the folder cannot be written, or the file exists already.
        """
        self._require_all_variants()
        self.values["scores"] = score_settings_to_json(self._session.scores.settings)
        if lists := self._session.document.frame_lists.to_json():
            self.values[SETTING] = lists
        return ProjectFile.create(
            path if path.suffix else path.with_suffix(SUFFIX),
            self._session.document,
            variants=self._session.variants,
            baseline=self.baseline,
            settings={key: value for key, value in self.values.items() if key != COPY},
            steps=history.all_steps(),
            cursor=history.cursor,
        )

    def rebuild(self, path: Path, history: History) -> ProjectFile:
        """Write everything that the session holds to a new file in place of another one.

        Steps that cannot be read are left out, and with them all others.

        Raises:
            UserError: the folder cannot be written.
        """
        self._require_all_variants()
        try:
            steps, cursor = history.all_steps(), history.cursor
        except UserError:
            steps, cursor = (), 0
        return ProjectFile.create(
            path,
            self._session.document,
            variants=self._session.variants,
            baseline=self.baseline,
            settings=self.values,
            steps=steps,
            cursor=cursor,
            replace=True,
        )

    def _require_all_variants(self) -> None:
        """UserError while the session does not hold everything that the file holds."""
        if self._session.variants.is_loading:
            raise still_loading()

    def end_loading(self) -> None:
        """All variants of the file are in the session: save what was changed meanwhile."""
        is_needed, self._has_unsaved_variants = self._has_unsaved_variants, False
        if is_needed:
            self._on_variants_changed()

    def save_source(self, saved_frame_count: int) -> None:
        """Save the session's source and its frames from ``saved_frame_count`` on."""
        if self.project is not None:
            source, truth = self._session.source, self._session.ground_truth
            numbering = self._session.document.numbering(source.id)
            new = range(saved_frame_count, source.frame_count)
            self.project.save_source(source, numbering, new, truth.default_state)

    def save_values(self, values: Mapping[str, Any]) -> None:
        """Save JSON values by key."""
        self.values.update(values)
        if self.project is not None:
            self.project.save_settings(values)

    def write_predictions(self) -> None:
        """Write the predictions that arrived since the last time."""
        self._timer.stop()
        unsaved, self._unsaved_frames = self._unsaved_frames, {}
        for key, frames in unsaved.items():
            variant = self._session.variants.find(key)
            if variant is not None and self.project is not None:
                self.project.save_variant_chunk(variant, frames)

    def _on_scores_changed(self) -> None:
        current = score_settings_to_json(self._session.scores.settings)
        if not self.muted and self.project is not None and current != self.values.get("scores"):
            self.save_values({"scores": current})
        lists = self._session.document.frame_lists.to_json()
        if not self.muted and self.project is not None and lists != self.values.get(SETTING, []):
            self.save_values({SETTING: lists})

    def _on_variants_changed(self, _key: str = "") -> None:
        if self.muted:
            return
        if self._session.variants.is_loading:
            # The list of the file has more variants than the session.
            self._has_unsaved_variants = True
            return
        if self.project is None:
            if len(self._session.variants):
                self.projectFileRequested.emit()
            return
        # Write new frames of a running model first; otherwise all of its frames would be written again.
        self.write_predictions()
        self.project.save_variants(self._session.variants, self.baseline)

    def _on_predictions_changed(self, key: str, frames: frozenset[int] | None) -> None:
        if self.muted or self.project is None:
            return
        if frames is None:
            self._unsaved_frames.pop(key, None)
            self._on_variants_changed()
            return
        self._unsaved_frames.setdefault(key, set()).update(frames)
        if not self._timer.isActive():
            self._timer.start()


@dataclass(frozen=True, slots=True)
class CreatedProject:
    """A new project file; ``message`` tells the user about an unusual location, and is empty otherwise."""

    project: ProjectFile
    message: str = ""


def create_project(autosave: Autosave, source: Source, history: MemoryHistory, path: Path | None) -> CreatedProject:
    """Create the project file of a video: at ``path``, or else beside the video or in the data folder.

    Raises:
        UserError: no location can be written.
    """
    video = Path(source.path)
    reason = UserError(tr("all possible file names are taken"))
    for candidate in [path] if path else candidate_paths(video, source.fingerprint):
        try:
            candidate.parent.mkdir(parents=True, exist_ok=True)
            project = autosave.create(candidate, history)
        except OSError as error:
            reason = UserError(
                tr("the folder cannot be created: {reason}", reason=error.strerror), path=candidate.parent
            )
        except UserError as error:
            reason = error
        else:
            if path is not None or project.path == sidecar_path(video):
                return CreatedProject(project)
            message = tr(
                "The folder of {video} cannot be written. The project is saved in {path}",
                video=video.name,
                path=project.path,
            )
            return CreatedProject(project, message)
    raise UserError(tr("edits are not saved: {reason}", reason=reason.message), path=reason.path)
