"""Which track an accepted prediction belongs to, and how that is said before it is accepted."""

from __future__ import annotations

from dataclasses import replace

from iouviewer.app.editing.session import Session
from iouviewer.document import tracks
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.commands import AcceptedPrediction
from iouviewer.i18n import tr
from iouviewer.ui.canvas.frame_view_builder import VariantReview


class AcceptTarget:
    """Remembers the track that was selected last: an accepted prediction of the same object continues it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last_track: int | None = None
        session.selectionChanged.connect(self._on_selection_changed)
        session.sourceChanged.connect(self._forget)

    def _on_selection_changed(self) -> None:
        track = self._session.selection.track
        self._last_track = self._last_track if track is None else track

    def _forget(self) -> None:
        self._last_track = None

    def with_continued(self, accepted: AcceptedPrediction) -> AcceptedPrediction:
        """The prediction as part of the track that was selected last, if it can be of the same object."""
        if accepted.partner is not None:
            return accepted
        truth, frame = self._session.ground_truth, self._session.current_frame
        continued = tracks.continued_by(truth, self._last_track, frame, accepted.rect, accepted.class_id)
        # A locked track stays as it is; the prediction becomes a new object.
        is_open = continued is not None and not self._session.view_state.is_locked(continued)
        return replace(accepted, continues=continued if is_open else None)

    def describe(self, accepted: AcceptedPrediction) -> str:
        """``moves person 17``, ``continues person 17``, ``new track 20``; empty where there are no tracks."""
        truth, document = self._session.ground_truth, self._session.document
        partner = None if accepted.partner is None else truth.find(accepted.partner)
        if partner is not None:
            return tr("moves {box}", box=document.object_name(partner))
        continued = self.with_continued(accepted).continues
        if continued is not None:
            return tr("continues {box}", box=document.object_name(continued))
        [track] = tracks.new_tracks(truth, 1)
        return "" if track == NO_TRACK else tr("new track {track}", track=track)


def accepted_prediction(review: VariantReview, row: int) -> AcceptedPrediction:
    """A prediction of a reviewed frame, by its row, with the box that it is paired with."""
    variant, table = review.variant, review.variant.predictions.table
    x1, y1, x2, y2 = table.boxes[:, row].tolist()
    return AcceptedPrediction(
        (x1, y1, x2, y2),
        int(table.class_ids[row]),
        review.owner_of.get(row),
        variant.name,
        float(table.scores[row]),
        variant.key,
    )
