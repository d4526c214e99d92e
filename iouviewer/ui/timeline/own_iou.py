"""The selected track's own IoU by frame: matched where it is drawn, then updated frame by frame."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.edits import FrameState
from iouviewer.document.lanes import runs_of
from iouviewer.document.origin_view import states_for
from iouviewer.document.track_ious import track_ious
from iouviewer.document.track_table import counted_ious
from iouviewer.i18n import tr
from iouviewer.ui.timeline.magnifier import FRAMES
from iouviewer.ui.timeline.plot import TimelinePlot

MAX_IMMEDIATE_FRAMES = 60
"""Frames of an edit above which the whole track is matched again."""
STRETCH = 64
"""Frames that are matched together; those around the current frame are matched before anything is drawn."""
STRETCHES = 4
"""Stretches of one turn of the event loop, a few milliseconds; a track of an hour takes half a second."""
_TRACK, _BOX = tr("Track"), tr("Box")


class OwnIou:
    """Keeps the bold line of the plot current: the selected track, or a held box without a track."""

    def __init__(self, session: Session, plot: TimelinePlot) -> None:
        self._session, self._plot = session, plot
        self._track: int | None = None
        self._box_id: int | None = None
        self._values: NDArray[np.float64] = np.zeros(0)
        self._waiting: set[int] = set()
        self._timer = QTimer(plot, singleShot=True, interval=0)
        self._timer.timeout.connect(self._match_next)

    @property
    def track(self) -> int | None:
        """The track whose values are kept; None without one, or without a baseline."""
        return self._track

    def show_track(self) -> None:
        """Show the selected track: at once around the current frame, then what is drawn, stretch by stretch."""
        session, track, baseline = self._session, self._session.selection.track, self._session.variants.baseline
        self._track = track
        self._waiting = set()
        if track is None or baseline is None or not session.frame_count:
            self._track = None
            self._plot.set_own("", None)
            return
        self._values = np.full(session.frame_count, np.nan)
        frames, *_ = session.ground_truth.track_columns(track)
        self._waiting = set((np.unique(frames // STRETCH)).tolist())
        self._match_near()
        self._plot.set_own(_TRACK, self._values)
        self._timer.start()

    def match_visible(self) -> None:
        """Match the frames that have come into view: at once those around the current one, which the gutter names."""
        if self._waiting and self._box_id is None:
            if self._match_near():
                self._plot.set_own(_TRACK, self._values)
            self._timer.start()

    def _match_near(self) -> bool:
        """Match around the current frame; False if nothing was missing."""
        frame = self._session.current_frame
        return self._match({(frame - FRAMES) // STRETCH, (frame + FRAMES) // STRETCH} & self._waiting)

    def _match_next(self) -> None:
        """Match one more stretch of what is drawn."""
        # While strips are drawn, the line is not.
        start, stop, _width = self._plot.span()
        drawn = range(0) if self._plot.shows_strips else range(start // STRETCH, -(-stop // STRETCH))
        wanted = self._waiting.intersection(drawn)
        if self._box_id is None and wanted and self._match(set(sorted(wanted)[:STRETCHES])):
            if len(wanted) <= STRETCHES:
                self._plot.set_own(_TRACK, self._values)
            self._timer.start()

    def _match(self, wanted: set[int]) -> bool:
        """Match these stretches; False if there are none, or there is nothing to match with."""
        session, baseline = self._session, self._session.variants.baseline
        if self._track is None or baseline is None:
            return False
        settings, truth = session.scores.settings.review, session.ground_truth
        predictions = baseline.predictions.withholding(truth.states(), states_for(truth, baseline.key))
        for first, last in np.stack(runs_of(np.array(sorted(wanted), np.int64)), axis=1).tolist():
            frames = range(first * STRETCH, min((last + 1) * STRETCH, session.frame_count))
            values = track_ious(truth, predictions, settings, self._track, frames)
            self._values[frames.start : frames.stop] = values
        self._waiting -= wanted
        return bool(wanted)

    def hold(self, box: Box) -> None:
        """Follow this box; one without a track has a single point."""
        self.match_visible()
        self._box_id = box.id
        if self._track is None or box.track != self._track:
            values = np.full(self._session.frame_count, np.nan)
            values[box.frame] = self._value(box)
            self._plot.set_own(_BOX if box.track == NO_TRACK else _TRACK, values)

    def release(self) -> None:
        """Show the selected track again."""
        self._box_id = None
        if self._track is None or self._session.selection.track != self._track:
            self.show_track()

    def update(self, frames: frozenset[int]) -> None:
        """Follow edits of these frames."""
        if self._box_id is not None:
            box = self._session.ground_truth.find(self._box_id)
            if box is not None and box.frame in frames:
                value = self._value(box)
                if box.track == self._track:
                    self._values[box.frame] = value
                self._plot.set_own_value(box.frame, value)
        elif self._track is not None:
            if len(frames) > MAX_IMMEDIATE_FRAMES:
                self.show_track()
                return
            for frame in frames:
                boxes = [box for box in self._session.ground_truth.boxes(frame) if box.track == self._track]
                self._values[frame] = self._value(boxes[0]) if boxes else math.nan
                self._plot.set_own_value(frame, float(self._values[frame]))

    def _value(self, box: Box) -> float:
        """IoU of a box with the baseline's prediction: 0 if it is missed, nan if the box does not count."""
        session, baseline = self._session, self._session.variants.baseline
        if baseline is None or not baseline.predictions.covered[box.frame]:
            return math.nan
        if states_for(session.ground_truth, baseline.key)[box.frame] != FrameState.LABELLED:
            return math.nan
        review = session.scores.frame_review(baseline.key, box.frame)
        row = np.flatnonzero(review.gt_ids == box.id)
        paired = {box.id: float(review.iou[row[0]])} if len(row) and review.pred_rows[row[0]] >= 0 else {}
        return counted_ious([box], paired).get(box.id, math.nan)
