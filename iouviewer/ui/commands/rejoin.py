"""Reads results again whose image ids were taken for frames before a ground truth listed its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.document.imported import ImportKind
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import refuse_frames_outside
from iouviewer.jobs.eval_inputs import with_alignment_note
from iouviewer.metrics.table import Float, Int
from iouviewer.ui.importing import BoxReader, ReadRequest, ReadResult


class ResultsRejoiner(QObject):
    """Makes the order of imports not matter: each variant gets the frames that its file would get now.

    Signals:
        warningPosted(str): a variant keeps assumed frames; one sentence that stays until it was read.
    """

    warningPosted = Signal(str)

    def __init__(self, session: Session, controller: ProjectController, reader: BoxReader) -> None:
        super().__init__(reader)
        self._session, self._controller, self._reader = session, controller, reader
        self._pending: dict[int, str] = {}
        self._last_number = 0
        reader.finished.connect(self._on_reader_finished)

    def rejoin(self, context: ReadContext, truth: tuple[Int, Float] | None) -> None:
        """Read the files of all variants with assumed frames, if the ground truth lists images with ids.

        Args:
            context: of the open source, with the images that its ground truth lists.
            truth: frames (N,) and boxes (4, N) of the ground truth.
        """
        if context.listed_images is None or all(one is None for one in context.listed_images.ids):
            return
        for variant in self._session.variants:
            digest = variant.predictions.assumed_images
            if not digest or variant.key in self._pending.values():
                continue
            # Below 0: the Open dialog numbers its requests to the same reader from 1.
            self._last_number -= 1
            self._pending[self._last_number] = variant.key
            self._reader.request(
                ReadRequest(
                    self._last_number,
                    Path(variant.path),
                    ImportKind.PREDICTIONS,
                    context,
                    reference=truth,
                    digest=digest,
                )
            )

    def _on_reader_finished(self, result: ReadResult) -> None:
        key = self._pending.pop(result.number, None)
        variant = None if key is None else self._session.variants.find(key)
        if variant is None:
            return
        try:
            if result.boxes is None:
                raise result.error or UserError(tr("it could not be read"))
            self._replace(variant, result)
        except UserError as error:
            self._keep(variant, error)

    def _replace(self, variant: Variant, result: ReadResult) -> None:
        boxes = result.boxes
        if boxes is None:
            return
        if result.alignment is not None:
            boxes = with_alignment_note(boxes, result.alignment)
        known = variant.predictions.classes
        if known is not None and len(known) == 1:
            # The answer to what its boxes are, where the file has no classes.
            boxes = boxes.with_class(known.names[0])
        boxes = refuse_frames_outside(boxes, self._session.frame_count)
        self._controller.replace_predictions(variant.key, boxes)
        text = tr_n(
            "{name}: {count} box joined by the image IDs of the ground truth",
            "{name}: {count:,} boxes joined by the image IDs of the ground truth",
            len(boxes),
            name=variant.name,
        )
        self._session.statusMessage.emit(text)

    def _keep(self, variant: Variant, error: UserError) -> None:
        """Say that the frames of a variant are still assumed: now, and in its notes for as long as it exists."""
        text = tr(
            "{name} keeps the frames that were assumed for its image IDs: {reason}. To join it by the IDs of the "
            "ground truth, remove {name} and add its file again",
            name=variant.name,
            reason=error.message,
        )
        predictions = variant.predictions
        notes: Mapping[str, object] = {"notes": [*dict.fromkeys((*map(str, predictions.notes), text))]}
        described = replace(predictions, protocol={**predictions.protocol, **notes})
        self._session.variants.describe_predictions(variant.key, described)
        self.warningPosted.emit(text)
