"""What the mouse does on lanes: click, trim or extend an end, move or copy key frames, select them, drop a lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document import key_frames, track_shapes
from iouviewer.document.lanes import Lane
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.lane_painter import DIAMOND, drawn_key_frames

_REACH = 5
"""Logical pixels from an end or a diamond within which a press takes it."""
_DRAG_START = 4

Keys = Mapping[int, frozenset[int]]
"""Key frames by track."""


class Part(Enum):
    """What of a lane is under the mouse."""

    START = "start"
    END = "end"
    KEY = "key"
    BODY = "body"
    NOTHING = "nothing"


class LaneRequests(QObject):
    """Edits that a person asked for on lanes.

    Signals:
        hintChanged(str, QPoint): what the drag in progress would do, at a point of the screen; empty: it is over.
        endMoved(int, int, bool): a track begins (True) or ends at a frame: track, frame.
        keysMoved(object, int): key frames by track move by so many frames.
        keyCopied(int, int, int): the box of a track's key frame is copied to another frame.
        keysRemoved(object): key frames by track.
        laneDropped(int, int): the second track becomes part of the first.
    """

    hintChanged = Signal(str, QPoint)
    endMoved = Signal(int, int, bool)
    keysMoved = Signal(object, int)
    keyCopied = Signal(int, int, int)
    keysRemoved = Signal(object)
    laneDropped = Signal(int, int)


class LaneSurface(Protocol):
    """The part of a list of lanes that its gestures use; positions are those of the widget that is drawn on."""

    def lane_at(self, position: QPoint) -> Lane | None:
        """The lane at a position."""

    def lanes_in(self, band: QRect) -> list[Lane]:
        """The lanes that a rectangle touches."""

    def to_screen(self, position: QPoint) -> QPoint:
        """A position on the screen."""

    def refresh(self) -> None:
        """Draw selected key frames and the drag in progress again."""


class _Mode(Enum):
    IDLE = "idle"
    PRESSED = "pressed"
    END = "end"
    KEYS = "keys"
    BAND = "band"
    MERGE = "merge"
    PASSIVE = "passive"


@dataclass(slots=True)
class Drag:
    """A drag in progress, for drawing.

    Attributes:
        frame: the frame under the mouse.
        by: how far the selected key frames move.
        onto: the lane under the mouse that a dragged lane would be merged with.
        is_swapped: the dragged lane wins.
        band: the rubber band.
    """

    lane: Lane
    part: Part
    frame: int
    by: int = 0
    is_copy: bool = False
    onto: Lane | None = None
    is_swapped: bool = False
    band: QRect = field(default_factory=QRect)


class LaneGestures:
    """The state of the mouse on lanes.

    Args:
        left: start of the axis, logical pixels.
        can_merge: lanes can be dropped onto others.

    Attributes:
        selected_keys: selected key frames by track.
        span: tracks, first and last frame of the rubber band; None without one.
        drag: the drag in progress, None without one.
    """

    def __init__(
        self,
        session: Session,
        axis: TimeAxis,
        surface: LaneSurface,
        requests: LaneRequests,
        left: int,
        *,
        can_merge: bool,
    ) -> None:
        self._session, self._axis, self._surface, self._requests = session, axis, surface, requests
        self._left, self._can_merge = left, can_merge
        self._mode = _Mode.IDLE
        self._press = QPoint()
        self._lane: Lane | None = None
        self._part, self._key = Part.NOTHING, -1
        self._has_alt = False
        self.selected_keys: Keys = {}
        self.span: tuple[tuple[int, ...], int, int] | None = None
        self.drag: Drag | None = None

    # Under the mouse

    def part_at(self, lane: Lane | None, x: float, *, prefers_key: bool = False) -> tuple[Part, int]:
        """What of a lane is at a horizontal position, and the frame of the key frame if it is one."""
        if lane is None:
            return Part.NOTHING, -1
        axis, at = self._axis, x - self._left
        start, end = axis.x_of(lane.first - 0.5), axis.x_of(lane.last + 0.5)
        keys = drawn_key_frames(lane, axis)
        key = -1
        if len(keys):
            nearest = int(keys[np.abs(keys - axis.coordinate_at(at)).argmin()])
            key = nearest if abs(axis.x_of(nearest) - at) <= DIAMOND + 1 else -1
        if prefers_key and key >= 0:
            return Part.KEY, key
        # On a short bar both ends can be reached from outside.
        inside = min(_REACH, (end - start) / 4)
        if start - _REACH <= at <= start + inside:
            return Part.START, -1
        if end - inside <= at <= end + _REACH:
            return Part.END, -1
        if key >= 0:
            return Part.KEY, key
        return (Part.BODY if start <= at <= end else Part.NOTHING), -1

    def cursor_at(self, position: QPoint) -> Qt.CursorShape:
        """The cursor at a position."""
        lane = self._surface.lane_at(position)
        part, _key = self.part_at(lane, position.x())
        if lane is None or self._is_locked(lane) or position.x() < self._left:
            return Qt.CursorShape.ArrowCursor
        return Qt.CursorShape.SizeHorCursor if part in (Part.START, Part.END, Part.KEY) else Qt.CursorShape.ArrowCursor

    def _is_locked(self, lane: Lane) -> bool:
        return lane.track in self._session.view_state.locked_tracks

    # Mouse

    def press(self, position: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        """The left button went down right of the gutter."""
        self._mode, self._press = _Mode.PRESSED, position
        self._has_alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        self._lane = self._surface.lane_at(position)
        self._part, self._key = self.part_at(self._lane, position.x(), prefers_key=self._has_alt)

    def move(self, position: QPoint) -> bool:
        """The mouse moved with the button down; returns whether a gesture uses it."""
        if self._mode is _Mode.IDLE:
            return False
        if self._mode is _Mode.PRESSED:
            if (position - self._press).manhattanLength() < _DRAG_START:
                return True
            self._begin(position)
        drag = self.drag
        if drag is None:
            return True
        drag.frame = self._axis.frame_at(position.x() - self._left)
        if self._mode is _Mode.END:
            text = self._end_text(drag)
        elif self._mode is _Mode.KEYS:
            text = self._keys_text(drag)
        elif self._mode is _Mode.MERGE:
            text = self._merge_text(drag, position)
        else:
            drag.band = QRect(self._press, position).normalized()
            text = ""
        self._requests.hintChanged.emit(text, self._surface.to_screen(position))
        self._surface.refresh()
        return True

    def _begin(self, position: QPoint) -> None:
        moved, lane = position - self._press, self._lane
        frame = self._axis.frame_at(position.x() - self._left)
        if lane is None or (self._is_locked(lane) and self._part is not Part.NOTHING):
            self._mode = _Mode.PASSIVE
            return
        is_lifted = self._can_merge and abs(moved.y()) > abs(moved.x())
        if self._part in (Part.START, Part.END):
            self._mode = _Mode.END
        elif self._part in (Part.KEY, Part.BODY) and is_lifted:
            # Upwards or downwards the lane itself is dragged, wherever it was pressed.
            self._mode = _Mode.MERGE
        elif self._part is Part.KEY:
            self._mode = _Mode.KEYS
            if self._has_alt or self._key not in self.selected_keys.get(lane.track, ()):
                self.selected_keys = {lane.track: frozenset({self._key})}
        else:
            self._mode = _Mode.BAND
        self.drag = Drag(lane, self._part, frame, is_copy=self._has_alt)

    def release(self) -> tuple[int, int] | None:
        """The button went up; returns the track (-1 for none) and the frame of a click, None after a drag."""
        mode, drag = self._mode, self.drag
        self._stop()
        if mode is _Mode.PRESSED:
            return self._click()
        if drag is None:
            return None
        if mode is _Mode.END:
            frames = drag.lane.frames
            if drag.frame != int(frames[0] if drag.part is Part.START else frames[-1]):
                self._requests.endMoved.emit(drag.lane.track, drag.frame, drag.part is Part.START)
        elif mode is _Mode.KEYS and drag.by and drag.is_copy:
            self._requests.keyCopied.emit(drag.lane.track, self._key, self._key + drag.by)
            self.selected_keys = {}
        elif mode is _Mode.KEYS and drag.by:
            moved, self.selected_keys = self.selected_keys, {}
            self._requests.keysMoved.emit(moved, drag.by)
        elif mode is _Mode.MERGE and drag.onto is not None:
            pair = (drag.onto.track, drag.lane.track)
            self._requests.laneDropped.emit(*(reversed(pair) if drag.is_swapped else pair))
        elif mode is _Mode.BAND:
            self._select(drag.band)
        self._surface.refresh()
        return None

    def _stop(self) -> None:
        if self.drag is not None:
            self._requests.hintChanged.emit("", QPoint())
        self._mode, self.drag = _Mode.IDLE, None

    def _click(self) -> tuple[int, int]:
        track = -1 if self._lane is None else self._lane.track
        self.span = None
        is_key = self._part is Part.KEY and self._lane is not None
        self.selected_keys = {track: frozenset({self._key})} if is_key else {}
        self._surface.refresh()
        return track, self._axis.frame_at(self._press.x() - self._left)

    def cancel(self) -> bool:
        """Esc: end the drag without an edit, or clear what is selected; returns whether there was either."""
        if self._mode is not _Mode.IDLE:
            self._stop()
            self._mode = _Mode.PASSIVE
        elif self.selected_keys or self.span:
            self.selected_keys, self.span = {}, None
        else:
            return False
        self._surface.refresh()
        return True

    def swap_winner(self, position: QPoint) -> bool:
        """Tab while a lane is dragged onto another: the other one wins; returns whether a lane is dragged."""
        if self._mode is not _Mode.MERGE or self.drag is None:
            return False
        self.drag.is_swapped = not self.drag.is_swapped
        self._requests.hintChanged.emit(self._merge_text(self.drag, position), self._surface.to_screen(position))
        return True

    @property
    def is_dragging(self) -> bool:
        """Whether a drag is in progress."""
        return self.drag is not None

    def remove_selected(self) -> bool:
        """Del: ask for the removal of the selected key frames; returns whether there are some."""
        keys, self.selected_keys = self.selected_keys, {}
        if keys:
            self._requests.keysRemoved.emit(keys)
        return bool(keys)

    # Selecting

    def _select(self, band: QRect) -> None:
        """Select the key frames in a rubber band, and its frames."""
        first = self._axis.frame_at(band.left() - self._left)
        last = self._axis.frame_at(band.right() - self._left)
        lanes = [lane for lane in self._surface.lanes_in(band) if lane.first <= last and lane.last >= first]
        found: dict[int, frozenset[int]] = {}
        for lane in lanes:
            keys = lane.key_frames
            inside = keys[(keys >= first) & (keys <= last)]
            if len(inside):
                found[lane.track] = frozenset(inside.tolist())
        self.selected_keys = found
        self.span = (tuple(lane.track for lane in lanes), first, last) if lanes else None

    # Texts

    def _end_text(self, drag: Drag) -> str:
        truth, at_start = self._session.ground_truth, drag.part is Part.START
        change = track_shapes.end_change(truth, drag.lane.track, drag.frame, at_start=at_start)
        if change.gained:
            return tr_n(
                "Extend to frame {frame:,}: {count} copy of the last box",
                "Extend to frame {frame:,}: {count:,} copies of the last box",
                change.gained,
                frame=drag.frame,
            )
        return tr_n(
            "Trim to frame {frame:,}: {count} box is deleted",
            "Trim to frame {frame:,}: {count:,} boxes are deleted",
            change.lost,
            frame=drag.frame,
        )

    def _keys_text(self, drag: Drag) -> str:
        by, track = drag.frame - self._key, drag.lane.track
        if drag.is_copy:
            drag.by = by
            return tr("Copy key frame {first:,} to {last:,}", first=self._key, last=self._key + by)
        for track, frames in self.selected_keys.items():
            by = key_frames.allowed_move(self._session.ground_truth, track, frames, by)
        drag.by = by
        count = sum(map(len, self.selected_keys.values()))
        if count > 1:
            return tr("Move {count:,} key frames by {by:+,}", count=count, by=by)
        return tr("Move key frame {first:,} to {last:,}", first=self._key, last=self._key + by)

    def _merge_text(self, drag: Drag, position: QPoint) -> str:
        target = self._surface.lane_at(position)
        drag.onto = None if target is None or target.track == drag.lane.track or self._is_locked(target) else target
        if drag.onto is None:
            return tr("Drop on another lane to merge, Esc cancels.")
        pair = (drag.onto.track, drag.lane.track)
        winner, loser = reversed(pair) if drag.is_swapped else pair
        try:
            merging = track_shapes.plan_merge(self._session.ground_truth, winner, [loser])
        except UserError:
            # The track is gone, for example by an undo during the drag.
            return ""
        question = track_shapes.merge_question(self._session.document, merging, source=self._session.source.id)
        return tr("{question} Drop to merge, Tab swaps, Esc cancels.", question=question)
