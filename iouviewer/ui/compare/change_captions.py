"""Captions at the changed object on both canvases of Compare: "0.74 person 3" and "lost person 3"."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QObject, QPoint

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.differences import ChangedObject
from iouviewer.ui.canvas.captions import Caption, CaptionCache, Segment
from iouviewer.ui.canvas.overlays import CaptionWidget
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.changed_objects import changed_name
from iouviewer.ui.tokens import CANVAS, colours

_BAD = colours(dark=True).bad  # captions are dark in both schemes
_GAP = 6


class ChangeCaptions(QObject):
    """Shows what the two variants make of one object, while it is selected and on the screen."""

    def __init__(self, session: Session, canvases: tuple[CanvasView, CanvasView]) -> None:
        super().__init__(session)
        self._session, self._canvases = session, canvases
        self._changed: ChangedObject | None = None
        cache = CaptionCache(canvases[0].font())
        self._captions = tuple(
            CaptionWidget(canvas, cache, name)
            for canvas, name in zip(canvases, ("changeCaption", "otherChangeCaption"), strict=True)
        )
        session.selectionChanged.connect(self._on_selection_changed)
        for canvas in canvases:
            canvas.viewMoved.connect(self._place)
            canvas.zoomChanged.connect(self._place)
            canvas.frameShown.connect(self._place)

    @property
    def texts(self) -> tuple[str, str]:
        """The captions on the first and the second canvas; empty where hidden."""
        first, second = self._captions
        return first.text if not first.isHidden() else "", second.text if not second.isHidden() else ""

    @property
    def changed(self) -> ChangedObject | None:
        """The object that the captions are about."""
        return self._changed

    def show_object(self, changed: ChangedObject | None) -> None:
        """Show the captions of an object; None hides them."""
        self._changed = changed
        self._place()

    def _on_selection_changed(self) -> None:
        if self._changed is not None and self._changed.box_id not in self._session.selection.boxes:
            self.show_object(None)

    def _place(self, _what: object = None) -> None:
        changed = self._changed
        for caption, canvas, is_variant in zip(self._captions, self._canvases, (False, True), strict=True):
            if changed is None or canvas.shown_frame != changed.frame:
                caption.show_caption(None)
                continue
            caption.show_caption(self._caption(changed, is_variant=is_variant))
            x1, y1, x2, _ = changed.rect
            right = canvas.from_image(x2, y1) + QPoint(_GAP, 0)
            left = canvas.from_image(x1, y1) - QPoint(_GAP + caption.width(), 0)
            caption.move(right if right.x() + caption.width() <= canvas.viewport().width() else left)
            caption.raise_()

    def _caption(self, changed: ChangedObject, *, is_variant: bool) -> Caption:
        iou, other = changed.baseline_iou, changed.variant_iou
        threshold = self._session.scores.settings.review.iou
        own, against = (other, iou) if is_variant else (iou, other)
        is_found, was_found = _is_found(own, threshold), _is_found(against, threshold)
        name = changed_name(self._session, changed)
        if is_found:
            state = Segment(f"{own:.2f}", CANVAS.label_text)
        elif is_variant and was_found:
            state = Segment(tr("lost"), _BAD)
        else:
            state = Segment(tr("missed"), _BAD)
        return Caption(((state, Segment(f"  {name}", CANVAS.label_text)),))


def _is_found(iou: float, threshold: float) -> bool:
    return not isnan(iou) and iou >= threshold
