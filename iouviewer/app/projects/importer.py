"""Imports into the open document: ground truth, which is never replaced silently, and predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing import import_boxes
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import ProjectKeeper
from iouviewer.document.edits import SetClassNames
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import Variant
from iouviewer.project.rows import Columns, FrameStates

DETAILS = ("hardware", "runtime", "precision", "imgsz", "sha256", "threads", "versions")
"""What a run's protocol says of its circumstances, as far as it belongs beside its speed."""


@dataclass(frozen=True, slots=True)
class ReplaceQuestion:
    """Edited ground truth would be replaced; on yes, call ``import_ground_truth`` again with ``replace=True``."""

    imported: ImportedBoxes
    class_map: Mapping[str, str]
    box_count: int


class Importer(QObject):
    """Takes over what readers found.

    Signals:
        notice(str): one sentence for people.
        askReplace(ReplaceQuestion): may edited ground truth be replaced?
    """

    notice = Signal(str)
    askReplace = Signal(object)

    def __init__(self, session: Session, keeper: ProjectKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._keeper = keeper

    def import_ground_truth(
        self, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None, *, replace: bool | None = None
    ) -> bool:
        """Make these boxes the ground truth.

        Edited ground truth is never replaced silently: ``askReplace`` is emitted where ``replace`` is None, and the
        replacement is one step that can be undone. A file that was imported before leaves the edits as they are.

        Returns:
            Whether the ground truth is now what the file says (edits to it included).

        Raises:
            UserError: a box lies outside the video; nothing was changed.
        """
        session, source = self._session, self._session.source.id
        names = class_map or {}
        taken = import_boxes.prepare_truth(imported, session.document, names, source)
        digest = import_boxes.digest_of(imported)
        has_steps = session.history.undo_step() is not None or session.history.redo_step() is not None
        salvaged = bool(self._keeper.values.get("edited"))
        edited = self._has_labels() and (session.history.undo_step() is not None or salvaged)
        if replace is None and self._keeper.values.get("ground_truth") == digest:
            if edited:
                self.notice.emit(f"{imported.path.name} was imported before; the edits made since are kept")
            return True
        if edited and not replace:
            if replace is None:
                self.askReplace.emit(ReplaceQuestion(imported, names, len(session.ground_truth)))
            return False
        session.cancel_preview()
        if edited or has_steps:
            edit = import_boxes.replacing_edit(session.document, taken, source)
            session.execute(edit, f"Import {imported.path.name}", origin="import")
        else:
            import_boxes.take_over(session.document, taken, source)
            self._write_ground_truth(source)
            session.reload_ground_truth()
        if self._keeper.project is None:
            self._keeper.fileNeeded.emit()
        self._keeper.save_values({"ground_truth": digest, "ground_truth_path": str(imported.path)})
        return True

    def _has_labels(self) -> bool:
        truth = self._session.ground_truth
        return bool(len(truth) or truth.states().any() or truth.verified().any())

    def _write_ground_truth(self, source: int) -> None:
        if self._keeper.project is None:
            return
        truth, document = self._session.document.ground_truth(source), self._session.document
        self._keeper.project.import_ground_truth(
            source,
            Columns.of(truth),
            FrameStates.of(truth),
            class_names=document.class_names,
            next_id=truth.next_id,
            rest=truth.rest,
        )

    def add_predictions(
        self, name: str, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None
    ) -> Variant:
        """Add the boxes of a file as a variant.

        Raises:
            UserError: a box lies outside the video; nothing was added.
        """
        session, source = self._session, self._session.source.id
        predictions, names = import_boxes.prepare_predictions(imported, session.document, class_map or {}, source)
        history = session.history
        if names != session.document.class_names and history.undo_step() is None and history.redo_step() is None:
            # Part of the import, not an edit: ground truth that comes later replaces nothing of a person's.
            session.document.class_names = names
            self._write_ground_truth(source)
            session.reload_ground_truth()
        elif names != session.document.class_names:
            session.execute(SetClassNames(names, source), f"Classes of {name}", origin="import")
        return session.variants.add(name, predictions, path=str(imported.path), **_told_of_run(predictions))


def _told_of_run(predictions: PredictionSet) -> dict[str, Any]:
    """What a file written by a run of ours says of it: speeds, and what it ran on (fields of Variant)."""
    protocol = predictions.protocol
    speeds = {
        name: float(protocol[name])
        for name in ("fps", "throughput")
        if isinstance(protocol.get(name), int | float) and 0 < protocol[name] < math.inf
    }
    details = {name: protocol[name] for name in DETAILS if protocol.get(name) is not None}
    return {**speeds, "details": details} if speeds else {}
