"""Joins the timeline's plot with the session: series of the visible variants, playhead, lanes, seeking."""

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
    """Keeps a TimelinePlot current.

    Signals:
        sought(int): the user clicked or dragged to this frame.
    """

    sought = Signal(int)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session)
        self._session = session
        self.plot = TimelinePlot()
        self.plot.set_theme(theme)
        self._source = ("", "")
        self._series: dict[str, Series] = {}
        self._difference: tuple[str, Pyramid] | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self._rebuild)
        self.plot.sought.connect(self.sought)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._late.start)
        session.selectionChanged.connect(self._show_lanes)
        session.variants.listChanged.connect(self._late.start)
        session.variants.variantChanged.connect(self._late.start)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_source_changed()

    def set_always_strips(self, always: bool) -> None:
        """One strip a variant at any zoom (Compare), or curves where there is room (Correct)."""
        self.plot.always_strips = always
        self.plot.refresh()

    def _on_source_changed(self) -> None:
        source = self._session.source
        known, self._source = self._source, (source.path, source.fingerprint)
        low, high = self.plot.getViewBox().viewRange()[0]
        zoomed = high - low < max(self.plot.frame_count, 8) - 0.5
        self.plot.start(self._session.frame_count)
        if zoomed and source.fingerprint and known == self._source:
            # More is known of the same file: what the user looks at stays where it is.
            self.plot.setXRange(low, high, padding=0)
        self._rebuild()
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.plot.playhead.setPos(frame)

    def _visible(self) -> list[Variant]:
        baseline = self._session.variants.baseline
        visible = list(self._session.variants.visible())
        return sorted(visible, key=lambda variant: baseline is None or variant.key != baseline.key)

    def _rebuild(self) -> None:
        self._late.stop()
        scores = self._session.scores
        self._series = {
            variant.key: Series(
                variant.key,
                variant.name,
                variant.colour,
                variant.dash,
                Pyramid(scores.timeline(variant.key)),
                _number(scores.summary(variant.key).avg_iou),
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
            self._rebuild()
            return
        self._follow(change.frames, self._series)

    def _on_predictions_changed(self, key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and key in self._series:
            self._follow(frames, (key,))

    def _follow(self, frames: Iterable[int], keys: Iterable[str]) -> None:
        scores = self._session.scores
        for key in keys:
            pyramid = self._series[key].pyramid
            moved = [frame for frame in frames if pyramid.set(frame, scores.frame_iou(key, frame))]
            if moved:
                self._follow_difference(moved)
                self.plot.point_changed(key)
        if len(self._series) == 1:
            self.plot.set_mean(_number(scores.summary(next(iter(self._series))).avg_iou))

    def _follow_difference(self, frames: list[int]) -> None:
        if self._difference is None:
            return
        base, other = list(self._series.values())[:2]
        for frame in frames:
            value = other.pyramid.values[frame] - base.pyramid.values[frame]
            self._difference[1].set(frame, float(value))

    def _show_lanes(self) -> None:
        truth = self._session.ground_truth
        track = None
        for box_id in self._session.selection.boxes:
            box = truth.find(box_id)
            if box is not None and box.track != NO_TRACK:
                track = np.zeros(truth.frame_count, np.bool_)
                track[[one.frame for one in truth.track(box.track)]] = True
                break
        self.plot.set_lanes(truth.verified(), track)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
