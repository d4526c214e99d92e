"""Captions at the changed object on both canvases of Compare: "0.74 person 3" and "lost person 3"."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.differences import ChangedObject
from iouviewer.ui.canvas.captions import Caption, Segment
from iouviewer.ui.canvas.hit import truth_ref
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.changed_objects import changed_name
from iouviewer.ui.tokens import CANVAS, colours

_BAD = colours(dark=True).bad  # captions are dark in both schemes


class ChangeCaptions(QObject):
    """Says at one object what the two variants make of it, while it is selected."""

    def __init__(self, session: Session, canvases: tuple[CanvasView, CanvasView]) -> None:
        super().__init__(session)
        self._session, self._canvases = session, canvases
        self._changed: ChangedObject | None = None
        session.selectionChanged.connect(self._on_selection_changed)

    @property
    def changed(self) -> ChangedObject | None:
        """The object that the captions are about; None for none."""
        return self._changed

    def show_object(self, changed: ChangedObject | None) -> None:
        """Show the captions of an object; None returns to the usual captions."""
        if changed is None and self._changed is None:
            return
        self._changed = changed
        for canvas, is_variant in zip(self._canvases, (False, True), strict=True):
            own = {} if changed is None else {truth_ref(changed.box_id): self._caption(changed, is_variant=is_variant)}
            canvas.set_own_captions(own)

    def _on_selection_changed(self) -> None:
        if self._changed is not None and self._changed.box_id not in self._session.selection.boxes:
            self.show_object(None)

    def _caption(self, changed: ChangedObject, *, is_variant: bool) -> Caption:
        baseline, variant = changed.baseline_iou, changed.variant_iou
        own = variant if is_variant else baseline
        if self._is_found(own):
            state = Segment(f"{own:.2f}", CANVAS.label_text)
        elif is_variant and self._is_found(baseline):
            state = Segment(tr("lost"), _BAD)
        else:
            state = Segment(tr("missed"), _BAD)
        return Caption(((state, Segment(f"  {changed_name(self._session, changed)}", CANVAS.label_text)),))

    def _is_found(self, iou: float) -> bool:
        return not isnan(iou) and iou >= self._session.scores.settings.review.iou
