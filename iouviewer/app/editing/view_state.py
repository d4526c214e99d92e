"""What the views show and which boxes the mouse can reach: locks, layers, isolation, blind mode, camera.

None of it is part of the document: it changes neither boxes nor scores and is not undone. A *layer* is the ground truth
(``GROUND_TRUTH``) or a variant, by its key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.frame_walk import FrameWalk
from iouviewer.app.editing.variant_list import VariantList
from iouviewer.document.boxes import NO_TRACK, Box

T = TypeVar("T")

GROUND_TRUTH = ""
"""The layer of the ground truth."""


class ColourBy(Enum):
    """What the colours of boxes stand for; the values are stored."""

    SOURCE = "source"
    CLASS = "class"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class _State:
    locked_tracks: frozenset[int] = frozenset()
    locked_layers: frozenset[str] = frozenset()
    isolated_track: int | None = None
    front_layer: str | None = None
    is_ground_truth_visible: bool = True
    is_blind: bool = False
    is_picture_only: bool = False
    is_loupe_held: bool = False
    is_following: bool = False
    colour_by: ColourBy = ColourBy.SOURCE


class ViewState(QObject):
    """The view state of one window.

    Attributes:
        walk: the frames that the keys for frames go through.

    Signals:
        viewStateChanged(): something changed. The visibility of a variant is announced by ``VariantList`` instead.
    """

    viewStateChanged = Signal()

    def __init__(self, variants: VariantList, walk: FrameWalk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._variants = variants
        self.walk = walk
        self._state = _State()

    def _change(self, **fields: Any) -> None:
        state = replace(self._state, **fields)
        if state != self._state:
            self._state = state
            self.viewStateChanged.emit()

    def reset(self) -> None:
        """Forget all that belongs to the tracks, classes and variants of a document that was closed."""
        self.walk.leave()
        self._change(
            locked_tracks=frozenset(),
            locked_layers=frozenset(),
            isolated_track=None,
            front_layer=None,
            is_ground_truth_visible=True,
            is_following=False,
        )

    # Locks: a locked box is drawn but takes no clicks, and no edit changes it (``locks.check_locks``).

    @property
    def locked_tracks(self) -> frozenset[int]:
        """Locked tracks."""
        return self._state.locked_tracks

    @property
    def locked_layers(self) -> frozenset[str]:
        """Locked layers."""
        return self._state.locked_layers

    @property
    def has_locks(self) -> bool:
        """Whether boxes of the ground truth are locked."""
        return bool(self._state.locked_tracks) or GROUND_TRUTH in self._state.locked_layers

    def lock_tracks(self, tracks: Iterable[int], *, is_locked: bool = True) -> None:
        """Lock tracks, or unlock them."""
        numbers = frozenset(tracks) - {NO_TRACK}
        self._change(locked_tracks=_with(self._state.locked_tracks, numbers, is_locked))

    def lock_layer(self, layer: str, *, is_locked: bool = True) -> None:
        """Lock a layer, or unlock it."""
        self._change(locked_layers=_with(self._state.locked_layers, frozenset([layer]), is_locked))

    def is_locked(self, box: Box) -> bool:
        """Whether a ground-truth box is locked: its track, or the ground truth."""
        state = self._state
        return GROUND_TRUTH in state.locked_layers or box.track in state.locked_tracks

    # Isolation: all but one track is dimmed and takes no clicks.

    @property
    def isolated_track(self) -> int | None:
        """The isolated track; None for none."""
        return self._state.isolated_track

    def isolate(self, track: int | None) -> None:
        """Isolate a track; None ends the isolation."""
        self._change(isolated_track=track)

    def is_dimmed(self, box: Box | None) -> bool:
        """Whether a ground-truth box (None: a prediction) is dimmed, because another track is isolated."""
        isolated = self._state.isolated_track
        return isolated is not None and (box is None or box.track != isolated)

    def is_reachable(self, box: Box) -> bool:
        """Whether clicks, rubber bands and “Select all” take a ground-truth box."""
        return not self.is_locked(box) and not self.is_dimmed(box)

    # Layers

    @property
    def is_ground_truth_visible(self) -> bool:
        """Whether the ground truth is drawn."""
        return self._state.is_ground_truth_visible

    def is_layer_visible(self, layer: str) -> bool:
        """Whether a layer is drawn; a layer that does not exist is not."""
        if layer == GROUND_TRUTH:
            return self._state.is_ground_truth_visible
        variant = self._variants.find(layer)
        return variant is not None and variant.visible

    def set_layer_visible(self, layer: str, is_visible: bool) -> None:
        """Show or hide a layer."""
        if layer == GROUND_TRUTH:
            self._change(is_ground_truth_visible=is_visible)
        else:
            self._variants.update(layer, visible=is_visible)

    @property
    def front_layer(self) -> str | None:
        """The variant whose predictions take clicks with their inside too; None for none."""
        return self._state.front_layer

    def bring_to_front(self, layer: str | None) -> None:
        """Let the predictions of a variant take clicks with their inside; the ground truth or None ends it."""
        self._change(front_layer=layer or None)

    # What is hidden, and the camera

    @property
    def is_blind(self) -> bool:
        """Blind mode: predictions and scores are hidden."""
        return self._state.is_blind

    def set_blind(self, is_blind: bool) -> None:
        """Hide predictions and scores, or show them."""
        self._change(is_blind=is_blind)

    @property
    def is_picture_only(self) -> bool:
        """Whether all boxes are hidden, while a key is held."""
        return self._state.is_picture_only

    def set_picture_only(self, is_picture_only: bool) -> None:
        """Hide all boxes, or show them."""
        self._change(is_picture_only=is_picture_only)

    @property
    def is_loupe_held(self) -> bool:
        """Whether the loupe is shown at the mouse, while a key is held."""
        return self._state.is_loupe_held

    def hold_loupe(self, is_held: bool) -> None:
        """Show the loupe, or hide it."""
        self._change(is_loupe_held=is_held)

    @property
    def is_following(self) -> bool:
        """Whether the selected track stays in the middle of the canvas from frame to frame."""
        return self._state.is_following

    def set_following(self, is_following: bool) -> None:
        """Keep the selected track in the middle of the canvas, or stop."""
        self._change(is_following=is_following)

    @property
    def colour_by(self) -> ColourBy:
        """What the colours of boxes stand for."""
        return self._state.colour_by

    def set_colour_by(self, colour_by: ColourBy) -> None:
        """Choose what the colours of boxes stand for."""
        self._change(colour_by=colour_by)


def _with(values: frozenset[T], changed: frozenset[T], is_in: bool) -> frozenset[T]:
    return values | changed if is_in else values - changed
