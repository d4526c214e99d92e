"""Connects the timeline's plot with the session: series of the visible variants, playhead, lanes, seeking."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.variants import Variant
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.plot import TimelinePlot
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.series import Series


class TimelineView(QObject):
    """Keeps a TimelinePlot up to date.

    Signals:
        seekRequested(int): the user clicked or dragged to this frame.
    """

    seekRequested = Signal(int)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session)
        self._session = session
        self.plot = TimelinePlot()
        self.plot.set_theme(theme)
        self._source = ("", "")
        self._series: dict[str, Series] = {}
        self._difference: tuple[str, Pyramid] | None = None
        self._rebuild_timer = QTimer(self)
        self._rebuild_timer.setSingleShot(True)
        self._rebuild_timer.setInterval(0)
        self._rebuild_timer.timeout.connect(self.rebuild)
        self.plot.seekRequested.connect(self.seekRequested)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._rebuild_timer.start)
        session.selectionChanged.connect(self._show_lanes)
        session.variants.listChanged.connect(self._rebuild_timer.start)
        session.variants.variantChanged.connect(self._rebuild_timer.start)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_source_changed()

    def set_always_strips(self, always: bool) -> None:
        """Show one strip per variant at any zoom (Compare), or curves if they fit (Correct)."""
        self.plot.always_strips = always
        self.plot.refresh()

    def _on_source_changed(self) -> None:
        source = self._session.source
        previous, self._source = self._source, (source.path, source.fingerprint)
        low, high = self.plot.getViewBox().viewRange()[0]
        zoomed = high - low < max(self.plot.frame_count, 8) - 0.5
        self.plot.set_frame_count(self._session.frame_count)
        if zoomed and source.fingerprint and previous == self._source:
            # Same file with a longer index: keep the visible range.
            self.plot.setXRange(low, high, padding=0)
        self.rebuild()
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.plot.playhead.setPos(frame)

    def _visible(self) -> list[Variant]:
        baseline = self._session.variants.baseline
        visible = list(self._session.variants.visible())
        return sorted(visible, key=lambda variant: baseline is None or variant.key != baseline.key)

    def rebuild(self) -> None:
        """Read all values again and draw them."""
        self._rebuild_timer.stop()
        scores = self._session.scores
        self._series = {
            variant.key: Series(
                variant.key,
                variant.name,
                variant.colour,
                variant.dash,
                Pyramid(scores.timeline(variant.key)),
                _nan_if_none(scores.summary(variant.key).avg_iou),
            )
            for variant in self._visible()
        }
        self._difference = self._make_difference()
        self.plot.set_target(scores.settings.target)
        difference = None if self._difference is None else self._difference[1]
        self.plot.set_series(list(self._series.values()), difference=difference)
        self._show_lanes()

    def _make_difference(self) -> tuple[str, Pyramid] | None:
        if len(self._series) < 2:
            return None
        base, other = list(self._series.values())[:2]
        return other.key, Pyramid(other.pyramid.values - base.pyramid.values)

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.FRAME_STATE:
            self._show_lanes()
        if not change.frames and change.aspects & Aspect.EXISTENCE:
            self.rebuild()
            return
        self._update_values(change.frames, self._series)

    def _on_predictions_changed(self, key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and key in self._series:
            self._update_values(frames, (key,))

    def _update_values(self, frames: Iterable[int], keys: Iterable[str]) -> None:
        scores = self._session.scores
        for key in keys:
            pyramid = self._series[key].pyramid
            changed = [frame for frame in frames if pyramid.set(frame, scores.frame_iou(key, frame))]
            if changed:
                self._update_difference(changed)
                self.plot.redraw_series(key)
        if len(self._series) == 1:
            self.plot.set_mean(_nan_if_none(scores.summary(next(iter(self._series))).avg_iou))

    def _update_difference(self, frames: list[int]) -> None:
        if self._difference is None:
            return
        base, other = list(self._series.values())[:2]
        for frame in frames:
            value = other.pyramid.values[frame] - base.pyramid.values[frame]
            self._difference[1].set(frame, float(value))

    def _show_lanes(self) -> None:
        ground_truth = self._session.ground_truth
        track = None
        for box_id in self._session.selection.boxes:
            box = ground_truth.find(box_id)
            if box is not None and box.track != NO_TRACK:
                track = np.zeros(ground_truth.frame_count, np.bool_)
                track[[one.frame for one in ground_truth.track(box.track)]] = True
                break
        self.plot.set_lanes(ground_truth.verified(), track)


def _nan_if_none(value: float | None) -> float:
    return math.nan if value is None else value
