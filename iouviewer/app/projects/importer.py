"""Imports into the open document: ground truth, which is never replaced without asking, and predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing import import_boxes
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import TruthFile
from iouviewer.document.stated_areas import StatedAreas
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.project.rows import BoxColumns, FrameStates

PROTOCOL_DETAILS = (
    *("hardware", "runtime", "precision", "imgsz", "sha256", "threads", "versions"),
    *("weights_bytes", "fps_half_iqr"),
)
"""Keys of a run's protocol that are shown together with its speed."""


@dataclass(frozen=True, slots=True)
class ReplaceQuestion:
    """Asks whether to replace ground truth; if so, call ``import_ground_truth`` with ``replace=True``.

    Attributes:
        box_count: boxes of the project.
        lost_count: those of them that the file does not have in the same place with the same class, track and flags.
        verified_count: frames that would no longer be verified.
        project: path of the project file, empty without one.
    """

    imported: ImportedBoxes
    class_map: Mapping[str, str]
    box_count: int
    lost_count: int
    verified_count: int
    project: str


class Importer(QObject):
    """Adds boxes that were read from files to the session.

    Signals:
        notificationPosted(str): one sentence for the user.
        replaceConfirmationRequested(ReplaceQuestion): ask whether edited ground truth may be replaced.
    """

    notificationPosted = Signal(str)
    replaceConfirmationRequested = Signal(object)

    def __init__(self, session: Session, autosave: Autosave, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._autosave = autosave

    def import_ground_truth(
        self, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None, *, replace: bool | None = None
    ) -> bool:
        """Make these boxes the ground truth.

        Boxes of a project are never replaced without asking: ``replaceConfirmationRequested`` is emitted if ``replace``
        is None and anything would be lost. The replacement is one step that can be undone. Importing the same file
        again leaves the edits unchanged.

        Returns:
            Whether the ground truth now comes from this file (edits to it included).

        Raises:
            UserError: a box lies outside the video, or the project is read-only; nothing was changed.
        """
        session, source = self._session, self._session.source.id
        names = class_map or {}
        digest = import_boxes.content_digest(imported)
        if replace is None and self._autosave.values.get("ground_truth") == digest:
            salvaged = bool(self._autosave.values.get("edited"))
            if self._has_labels() and (session.history.undo_step() is not None or salvaged):
                message = tr("{name} was imported before. Edits made since then are kept", name=imported.path.name)
                self.notificationPosted.emit(message)
            return True
        session.require_writable()
        prepared = import_boxes.prepare_ground_truth(imported, session.document, names, source)
        has_steps = session.history.undo_step() is not None or session.history.redo_step() is not None
        has_labels = self._has_labels()
        if has_labels and not replace:
            question = self._question(prepared, names)
            if question.lost_count or question.verified_count:
                if replace is None:
                    self.replaceConfirmationRequested.emit(question)
                return False
        session.cancel_preview()
        first = session.ground_truth.next_id
        if has_labels or has_steps:
            edit = import_boxes.build_replace_edit(session.document, prepared, source)
            session.execute(edit, tr("Import {name}", name=imported.path.name), origin="import")
        else:
            import_boxes.replace_ground_truth(session.document, prepared, source)
            self._write_ground_truth(source)
            session.reload_ground_truth()
        ids = np.arange(first, first + len(imported), dtype=np.int64)
        areas = StatedAreas.of(ids, imported.boxes, imported.areas)
        notes = prepared.imported.notes
        if len(notes) > len(imported.notes):
            self.notificationPosted.emit(f"{imported.path.name}: {notes[-1]}")
        file = TruthFile(imported.path.name, tuple(map(str, notes)), len(imported.refused), areas)
        kept = import_boxes.keep_source(imported, prepared, session.document, first)
        session.set_truth_file(file, imported.images, kept)
        if self._autosave.project is None:
            self._autosave.projectFileRequested.emit()
        else:
            self._autosave.save_source(session.source.frame_count)
        self._autosave.save_values({"ground_truth": digest, "ground_truth_path": str(imported.path)})
        return True

    def _question(self, prepared: import_boxes.PreparedGroundTruth, names: Mapping[str, str]) -> ReplaceQuestion:
        truth = self._session.ground_truth
        lost = import_boxes.count_lost_boxes(truth, prepared)
        verified = int(truth.verified().sum())
        path = self._session.save_state.project_path
        return ReplaceQuestion(prepared.imported, names, len(truth), lost, verified, path)

    def _has_labels(self) -> bool:
        truth = self._session.ground_truth
        return bool(len(truth) or truth.states().any() or truth.verification().any())

    def _write_ground_truth(self, source: int) -> None:
        if self._autosave.project is None:
            return
        truth, document = self._session.document.ground_truth(source), self._session.document
        self._autosave.project.import_ground_truth(
            source,
            BoxColumns.of(truth),
            FrameStates.of(truth),
            classes=document.classes,
            next_id=truth.next_id,
            default_state=truth.default_state,
        )

    def add_predictions(
        self, name: str, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None
    ) -> Variant:
        """Add the boxes of a file as a variant.

        Raises:
            UserError: a box lies outside the video, or the project is read-only; nothing was added.
        """
        self._session.require_writable()
        session, source = self._session, self._session.source.id
        predictions = import_boxes.prepare_predictions(imported, session.document, class_map or {}, source)
        return session.variants.add(name, predictions, path=str(imported.path), **_run_fields(predictions))

    def replace_predictions(self, key: str, imported: ImportedBoxes) -> None:
        """Replace the boxes of a variant by those of its file, read again; its class map stays.

        Raises:
            UserError: a box lies outside the video, or the project is read-only; nothing was changed.
        """
        self._session.require_writable()
        session = self._session
        class_map = session.variants[key].predictions.class_map
        session.variants.set_predictions(
            key, import_boxes.prepare_predictions(imported, session.document, class_map, session.source.id)
        )


def _run_fields(predictions: PredictionSet) -> dict[str, Any]:
    """Speed and environment of a run, from a file that iouviewer wrote (fields of Variant)."""
    protocol = predictions.protocol
    speeds = {
        name: float(protocol[name])
        for name in ("fps", "throughput")
        if isinstance(protocol.get(name), int | float) and 0 < protocol[name] < math.inf
    }
    details = {name: protocol[name] for name in PROTOCOL_DETAILS if protocol.get(name) is not None}
    return {**speeds, "details": details} if speeds else {}
