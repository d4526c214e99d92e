"""The session's selection as box references of the canvas."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.ui.canvas.hit import BoxRef, truth_ref


class CanvasSelection:
    """Reads and changes the selection, which the session stores."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def refs(self) -> frozenset[BoxRef]:
        """The selected ground-truth boxes, or the selected prediction."""
        selection = self._session.selection
        refs = frozenset(truth_ref(box_id) for box_id in selection.boxes)
        return refs if selection.prediction is None else refs | {BoxRef(*selection.prediction)}

    def select(self, ref: BoxRef) -> None:
        """Select this box only."""
        if ref.is_ground_truth:
            self._session.select([ref.row])
        else:
            self._session.select(prediction=(ref.variant, ref.row))

    def toggle(self, ref: BoxRef) -> None:
        """Add a ground-truth box to the selection, or remove it; a prediction is always selected alone."""
        if ref.is_ground_truth:
            self._session.select(self._session.selection.boxes ^ {ref.row})
        else:
            self.select(ref)
