"""The walk: the frames that the keys for the next and previous frame, and for verifying, go through."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.document.frame_states import FrameWork, frames_with
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool, Int


class WalkKind(StrEnum):
    """Which frames a walk goes through."""

    ALL = "all"
    NOT_VERIFIED = "notVerified"
    CHANGED = "changed"
    EXCLUDED = "excluded"
    LIST = "list"
    """Frames that a list gives, for example those with problems of a filter."""


_WORK = {
    WalkKind.NOT_VERIFIED: FrameWork.NOT_VERIFIED,
    WalkKind.CHANGED: FrameWork.CHANGED,
    WalkKind.EXCLUDED: FrameWork.EXCLUDED,
}
_NAMES = {
    WalkKind.ALL: tr("All frames"),
    WalkKind.NOT_VERIFIED: tr("Not verified"),
    WalkKind.CHANGED: tr("Changed"),
    WalkKind.EXCLUDED: tr("Excluded"),
}


class FrameList(NamedTuple):
    """A list of frames: its name, and a function that returns its frames (n,) int64, in any order."""

    name: str
    frames: Callable[[], Int]


class _Source(Protocol):
    """The part of the session that a walk uses."""

    @property
    def ground_truth(self) -> GroundTruth: ...

    @property
    def frame_count(self) -> int: ...


class FrameWalk(QObject):
    """The frames to walk through; all by default. Frames join and leave it as they are verified or changed.

    Signals:
        walkChanged(): another walk was begun, or the walk was left.
    """

    walkChanged = Signal()

    def __init__(self, source: _Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._kind = WalkKind.ALL
        self._list: FrameList | None = None

    @property
    def kind(self) -> WalkKind:
        """Which frames the walk goes through."""
        return self._kind

    @property
    def is_active(self) -> bool:
        """Whether the walk goes through a part of the frames only."""
        return self._kind is not WalkKind.ALL

    @property
    def name(self) -> str:
        """The name of the walk on the screen."""
        return self._list.name if self._kind is WalkKind.LIST and self._list is not None else _NAMES[self._kind]

    def start(self, kind: WalkKind) -> None:
        """Walk through the frames of this kind; ``ALL`` leaves a walk."""
        self._set(kind, None)

    def start_list(self, frames: FrameList) -> None:
        """Walk through the frames of a list."""
        self._set(WalkKind.LIST, frames)

    def leave(self) -> None:
        """Walk through all frames again."""
        self._set(WalkKind.ALL, None)

    def _set(self, kind: WalkKind, frames: FrameList | None) -> None:
        if (kind, frames) != (self._kind, self._list):
            self._kind, self._list = kind, frames
            self.walkChanged.emit()

    def members(self) -> Bool:
        """(F,) bool: the frames of the walk now."""
        if self._kind is WalkKind.ALL:
            return np.ones(self._source.frame_count, np.bool_)
        if self._kind is WalkKind.LIST and self._list is not None:
            found = np.zeros(self._source.frame_count, np.bool_)
            frames = self._list.frames()
            found[frames[(frames >= 0) & (frames < len(found))]] = True
            return found
        return frames_with(self._source.ground_truth, _WORK[self._kind])

    def place(self, frame: int) -> tuple[int, int]:
        """The place of a frame in the walk, from 1, and the number of its frames; 0 for a frame outside it."""
        members = self.members()
        is_member = frame < len(members) and bool(members[frame])
        return int(np.count_nonzero(members[: frame + 1])) if is_member else 0, int(np.count_nonzero(members))

    def step(self, frame: int, by: int) -> int | None:
        """The frame that many frames of the walk after (positive) or before ``frame``, at most its last one.

        None where the walk has no frame in that direction.
        """
        if not self.is_active:
            return frame + by
        frames = np.flatnonzero(self.members())
        ahead = frames[frames > frame] if by > 0 else frames[frames < frame][::-1]
        return int(ahead[min(abs(by), len(ahead)) - 1]) if len(ahead) else None
