"""The timeline: its rows, and what connects them with the session."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtGui import QColor, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.lanes import lane_of
from iouviewer.document.problems import ProblemKind
from iouviewer.metrics.table import Int
from iouviewer.ui.theme import Theme
from iouviewer.ui.throttle import Throttle
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.hover import HoverTip
from iouviewer.ui.timeline.lane_row import LaneRow
from iouviewer.ui.timeline.marks import VideoMarks
from iouviewer.ui.timeline.own_iou import OwnIou
from iouviewer.ui.timeline.plot import TimelinePlot
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.row_plan import MIN_HEIGHT, Row, lanes_height, plan_rows, plot_height, review_height
from iouviewer.ui.timeline.rows import GUTTER, ProblemsRow, Ruler, TimeRow, VerifiedRow
from iouviewer.ui.timeline.series import Series, difference_of, shown_variants, update_difference
from iouviewer.ui.timeline.texts import describe_frames, describe_series
from iouviewer.ui.timeline.track_lanes import TrackLanes, lane_name
from iouviewer.ui.tokens import SIZE

SORT_DELAY_MS = 150
"""Delay after the last step to another frame before the lanes are ordered again: not while frames rush by."""


_SCORE_ROWS = (Row.PROBLEMS, Row.IOU)
"""Rows that say what models think, which blind mode hides."""


class TimelineView(QWidget):
    """Ruler, problems, IoU by frame, verified frames and the selected track; or the lanes of all tracks.

    Signals:
        seekRequested(int): the user clicked or dragged to this frame.
        heightWanted(): ``wanted_height`` has another answer.
        menuRequested(str, object, QPoint): a context menu for ``timeline`` (None) or ``track`` (its number), at a point
            of the screen.
    """

    seekRequested = Signal(int)
    heightWanted = Signal()
    menuRequested = Signal(str, object, QPoint)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("timelineView")
        self.setAutoFillBackground(True)
        self.setMinimumHeight(MIN_HEIGHT)
        self._session = session
        self.has_lanes = self.is_plot_open = False
        self._is_compare = self._is_reviewing = False
        self._compared = ""
        self._source = ("", "")
        self._series: dict[str, Series] = {}
        self._difference: Pyramid | None = None
        self._outdated: set[str] = set()
        self._shown_track: int | None = None
        self._live_frames: frozenset[int] = frozenset()
        self._problems: dict[int, tuple[int, ...]] = {}
        self.axis = TimeAxis(self)
        self.marks = VideoMarks(self.axis)
        self.plot = TimelinePlot(self.axis)
        self.ruler = Ruler(self.axis, self.marks)
        self.problems_row, self.verified_row = ProblemsRow(self.axis), VerifiedRow(self.axis, self.marks)
        self.lanes = TrackLanes(session, self.axis)
        self.lane_row = LaneRow(session, self.axis, self.lanes.requests)
        self._rows: dict[Row, QWidget] = {
            Row.RULER: self.ruler,
            Row.PROBLEMS: self.problems_row,
            Row.IOU: self.plot,
            Row.VERIFIED: self.verified_row,
            Row.TRACK: self.lane_row,
            Row.LANES: self.lanes,
        }
        for row in self._rows.values():
            row.setParent(self)
        self._own = OwnIou(session, self.plot)
        self._rebuild_timer = QTimer(self, singleShot=True, interval=0)
        self._rebuild_timer.timeout.connect(self.rebuild)
        self._sort_timer = QTimer(self, singleShot=True, interval=SORT_DELAY_MS)
        self._sort_timer.timeout.connect(self._arrange_lanes)
        self._throttle = Throttle(self._refresh_live, self, group="timeline")
        self._connect()
        self._add_tips()
        self.set_theme(theme)
        self._on_source_changed()

    def _connect(self) -> None:
        session = self._session
        self.axis.rangeChanged.connect(self._own.match_visible)
        self.plot.seekRequested.connect(self.seekRequested)
        self.plot.openRequested.connect(self.toggle_plot)
        self.plot.menuRequested.connect(self._on_menu_requested)
        for row in self._painted_rows():
            row.seekRequested.connect(self.seekRequested)
            row.menuRequested.connect(self._on_menu_requested)
        self.lane_row.activated.connect(self._zoom_to_track)
        self.lanes.pressedAt.connect(self._on_lane_pressed)
        self.lanes.heightChanged.connect(self.heightWanted)
        self.lanes.menuRequested.connect(self._on_lane_menu_requested)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._on_frame_changed)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._rebuild_timer.start)
        session.selectionChanged.connect(self._on_selection_changed)
        session.notesChanged.connect(self._show_notes)
        session.view_state.viewStateChanged.connect(self.lanes.viewport().update)
        session.view_state.viewStateChanged.connect(self._place_rows)
        session.variants.listChanged.connect(self._rebuild_timer.start)
        session.variants.variantChanged.connect(self._rebuild_timer.start)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)

    def _painted_rows(self) -> tuple[TimeRow, ...]:
        return self.ruler, self.problems_row, self.verified_row, self.lane_row

    def _add_tips(self) -> None:
        for row in (self.ruler, self.problems_row, self.lane_row):
            HoverTip(row, lambda point: self._text_at(point.x() - GUTTER))
        HoverTip(self.plot.viewport(), lambda point: self._text_at(point.x() - GUTTER))
        HoverTip(
            self.verified_row,
            lambda point: self.marks.tooltip_at(point.x() - GUTTER) or self._text_at(point.x() - GUTTER),
        )
        HoverTip(self.lanes.viewport(), lambda point: self.lanes.text_at(point.toPoint()))

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(theme.colours.base))
        self.setPalette(palette)
        self.plot.set_theme(theme)
        self.lanes.set_theme(theme)
        for row in self._painted_rows():
            row.set_theme(theme)

    # Rows and heights

    def set_always_strips(self, always: bool) -> None:
        """Show only the strips of the variants (Compare), or all rows (Correct)."""
        has_changed = always is not self._is_compare
        self.plot.always_strips = self._is_compare = always
        self.release()
        if has_changed:
            # Before the rows are shown, because Compare shows other variants.
            self.rebuild()
        self._place_rows()
        self.plot.refresh()
        self.heightWanted.emit()

    def set_compared(self, key: str) -> None:
        """In Compare show the strips of the baseline and this variant, and their difference; empty: of all variants."""
        if key != self._compared:
            self._compared = key
            if self._is_compare:
                self.rebuild()

    def toggle_lanes(self) -> None:
        """Show the lanes of all tracks, or the usual rows again."""
        self.has_lanes, self.is_plot_open = not self.has_lanes, False
        if self.has_lanes:
            self.lanes.lanes_model.read()
            self.lanes.repaint_lanes()
            self.lanes.scrollToTop()
        self._place_rows()
        self.heightWanted.emit()

    def toggle_plot(self) -> None:
        """Open the IoU plot, or return to its usual height."""
        self.is_plot_open, self.has_lanes = not self.is_plot_open, False
        self._place_rows()
        self.heightWanted.emit()

    def set_reviewing(self, is_reviewing: bool) -> None:
        """Fold the row of the selected track while problems are reviewed, unless lanes or the plot are open."""
        self._is_reviewing = is_reviewing
        self.heightWanted.emit()

    def wanted_height(self, window_height: int) -> int | None:
        """The height that lanes or the opened plot need; None for that of the layout."""
        if self._is_compare:
            return None
        if self._is_reviewing and not self.has_lanes and not self.is_plot_open:
            return review_height(window_height)
        if self.has_lanes:
            return max(MIN_HEIGHT, lanes_height(self.lanes.lanes_model.rowCount(), window_height))
        return plot_height(window_height) if self.is_plot_open else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.axis.set_width(self.width() - GUTTER - SIZE["timeline_margin"])
        self._place_rows()

    def _place_rows(self) -> None:
        places = plan_rows(
            self.height(), is_compare=self._is_compare, has_lanes=self.has_lanes and not self._is_compare
        )
        for row, widget in self._rows.items():
            place = places.get(row)
            if place is not None:
                widget.setGeometry(0, place.top, self.width(), place.height)
            is_hidden = row in _SCORE_ROWS and self._session.view_state.is_blind
            widget.setVisible(place is not None and not is_hidden)
        self.ruler.set_has_marks(Row.VERIFIED not in places)

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        return [self.plot, self.lanes]

    # Source and frame

    def _on_source_changed(self) -> None:
        source = self._session.source
        previous, self._source = self._source, (source.path, source.fingerprint)
        low, high, was_whole = self.axis.low, self.axis.high, self.axis.is_whole
        # The lines of another video have another length, and are drawn again with each change of the axis.
        self.plot.set_series([])
        self.axis.set_frame_count(self._session.frame_count)
        self.plot.set_frame_count(self._session.frame_count)
        if not was_whole and source.fingerprint and previous == self._source:
            # Same file with a longer index: keep the visible range.
            self.axis.set_range(low, high)
        self.ruler.set_fps(source.fps)
        self.set_problems(*(np.zeros(0, np.int64) for _ in range(3)))
        self.lanes.lanes_model.read()
        self.rebuild()
        self._show_verified()
        self._show_track()
        self._show_notes()
        self._on_frame_changed(self._session.current_frame)

    def _on_frame_changed(self, frame: int) -> None:
        self.release()
        self._own.match_visible()
        self.plot.set_frame(frame)
        for row in self._painted_rows():
            row.set_frame(frame)
        self.lanes.set_frame(frame)
        if self.has_lanes:
            self._sort_timer.start()

    def _on_lane_pressed(self, track: int, frame: int) -> None:
        self.seekRequested.emit(frame)
        if track >= 0:
            self._session.select_track(track)

    def _zoom_to_track(self, _frame: int) -> None:
        lane = self.lane_row.lane
        if lane is not None:
            self.axis.set_range(lane.first - 0.5, lane.last + 0.5)

    # Problems, notes, verified frames

    def set_problems(self, frames: Int, kinds: Int, tracks: Int) -> None:
        """Show the open problems: frame, kind and track of each, (P,) int64."""
        count = self._session.frame_count
        inside = frames < (0 if self._session.view_state.is_blind else count)
        frames, kinds, tracks = frames[inside], kinds[inside], tracks[inside]
        counts = np.bincount(frames, minlength=count)
        bad = np.bincount(frames[kinds != ProblemKind.LOOSE], minlength=count) > 0
        self.problems_row.set_problems(counts, bad)
        order = np.lexsort((frames, tracks))
        order = order[tracks[order] >= 0]
        numbers, starts = np.unique(tracks[order], return_index=True)
        parts = np.split(frames[order], starts[1:]) if len(numbers) else []
        self._problems = {int(t): tuple(part.tolist()) for t, part in zip(numbers, parts, strict=True)}
        self.lanes.set_problems(self._problems)
        self._show_track()

    def _show_notes(self) -> None:
        noted: dict[int, str] = {}
        for note in self._session.notes:
            if note.frame >= 0 and not note.done:
                noted[note.frame] = f"{noted[note.frame]}; {note.text}" if note.frame in noted else note.text
        self.marks.set_notes(noted)

    def _show_verified(self) -> None:
        self.verified_row.set_frames(self._session.ground_truth)

    # Tracks

    def _on_selection_changed(self) -> None:
        # A step to another frame selects another box of the same track.
        track = self._session.selection.track
        if track != self._shown_track:
            self._show_track()
        if track != self._own.track:
            self._own.show_track()
        if self.has_lanes:
            self._arrange_lanes()

    def _show_track(self) -> None:
        track = self._shown_track = self._session.selection.track
        lane = None if track is None else lane_of(self._session.ground_truth, track)
        name = "" if lane is None else lane_name(self._session, lane)
        self.lane_row.show_lane(lane, name, () if track is None else self._problems.get(track, ()))

    def _arrange_lanes(self) -> None:
        self.lanes.lanes_model.arrange()
        self.lanes.viewport().update()

    def _update_tracks(self, change: Change) -> None:
        model = self.lanes.lanes_model
        if not change.frames:
            model.read()
            changed = None
        else:
            changed = model.table.update(change.frames)
            if changed and self.has_lanes:
                model.arrange()
        self.lanes.repaint_lanes(changed)
        if changed is None or self._session.selection.track in changed:
            self._show_track()

    # Values

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
            for variant in shown_variants(self._session.variants, self._compared if self._is_compare else "")
        }
        self._outdated.clear()
        self._live_frames = frozenset()
        self._difference = difference_of(self._series)
        self.plot.set_target(scores.settings.target)
        self.plot.set_series(list(self._series.values()), difference=self._difference)
        self._own.show_track()
        self._describe()

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.FRAME_STATE:
            self._show_verified()
        has_other_rows = not change.frames and bool(change.aspects & Aspect.EXISTENCE)
        if has_other_rows or change.aspects & Aspect.VARIANTS:
            # A merge changes boxes and variants in one step.
            self.rebuild()
        elif change.phase is Phase.LIVE and change.origin != "cancel":
            self._live_frames |= change.frames
            self._throttle.request()
        else:
            self._live_frames |= change.frames
            self._throttle.cancel()
            self._refresh_live()
        if change.phase is not Phase.LIVE and change.aspects & ~_NOT_LANES:
            self._update_tracks(change)

    def _on_predictions_changed(self, key: str, frames: frozenset[int] | None) -> None:
        if frames is not None and key in self._series:
            self._update_values(frames, (key,))
            self._throttle.request()

    def _update_values(self, frames: Iterable[int], keys: Iterable[str]) -> None:
        scores = self._session.scores
        for key in keys:
            pyramid = self._series[key].pyramid
            changed = [frame for frame in frames if pyramid.set(frame, scores.frame_iou(key, frame))]
            if not changed:
                continue
            if self._difference is not None:
                update_difference(self._difference, self._series, changed)
            if len(changed) > 1 or not self.plot.redraw_value(key, changed[0]):
                self._outdated.add(key)

    def _refresh_live(self) -> None:
        """What follows a drag thirty times a second: one column of each curve, strips, the difference and the mean."""
        if self._live_frames:
            frames, self._live_frames = self._live_frames, frozenset()
            # First, because the numbers beside the row are read after the values.
            self._own.update(frames)
            self._update_values(frames, self._series)
        for key in self._outdated & self._series.keys():
            self.plot.redraw_series(key)
        self._outdated.clear()
        if self._series:
            self.plot.set_mean(_nan_if_none(self._session.scores.summary(next(iter(self._series))).avg_iou))

    # A held box

    def hold(self, box_ids: frozenset[int]) -> None:
        """Magnify the frames around a box while the mouse changes it; an empty set: it was released."""
        if len(box_ids) != 1:
            self.release()
            return
        if self._is_compare or self.plot.magnified is not None:
            return
        [box_id] = box_ids
        box = self._session.ground_truth.find(box_id)
        if box is None or not self._series:
            return
        self._own.hold(box)
        self.plot.hold(box.frame)
        magnified = self.plot.magnified
        self.ruler.set_magnified(None if magnified is None else (magnified.low, magnified.high))

    def release(self) -> None:
        """Return to the view before ``hold``."""
        if self.plot.magnified is not None:
            self.plot.release()
            self.ruler.set_magnified(None)
            self._own.release()

    # Texts

    def _text_at(self, x: float) -> str:
        """What the tooltip says about a position of the axis."""
        if not self._session.frame_count or not 0 <= x <= self.axis.width:
            return ""
        first, last = self.axis.frames_at(x)
        return describe_frames(self._series.values(), first, last, self.problems_row.count_at(first, last))

    def _describe(self) -> None:
        """Sum the plot up for assistive technology."""
        self.plot.setAccessibleDescription(describe_series(self._series.values()))

    def _on_menu_requested(self, point: QPoint) -> None:
        self.menuRequested.emit("timeline", None, point)

    def _on_lane_menu_requested(self, track: int, point: QPoint) -> None:
        self._session.select_track(track)
        self.menuRequested.emit("track", track, point)


_NOT_LANES = Aspect.GEOMETRY | Aspect.DECISIONS | Aspect.NOTES | Aspect.FRAME_STATE
"""Changes of these alone leave the lanes as they are."""


def _nan_if_none(value: float | None) -> float:
    return math.nan if value is None else value
