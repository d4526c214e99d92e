"""What of a ground truth counts, for whom, by the origin of its boxes (``document/origins.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import Box
from iouviewer.document.edits import FrameState, Verification
from iouviewer.document.origins import frames_of_started, started_numbers_of, variant_number, without_leaning
from iouviewer.metrics.table import Int


class OriginView:
    """The origins of the boxes of one ground truth.

    Attributes:
        left_out: numbers of the variants whose boxes are left out of scores.
    """

    def __init__(self) -> None:
        self.left_out: frozenset[int] = frozenset()
        none = np.zeros(0, np.int64)
        self.load(none, none)

    def load(self, frames: Int, flags: Int) -> None:
        """The columns were replaced, (N,) each."""
        self._columns = frames, flags
        self._started: dict[int, frozenset[int]] | None = None

    def started(self, edited: Mapping[int, tuple[Box, ...]]) -> frozenset[int]:
        """Numbers of the variants that the ground truth was started from.

        Args:
            edited: the boxes of frames that were edited since the columns were loaded.
        """
        if self._started is None:
            self._started = frames_of_started(*self._columns)
        found = {number for number, frames in self._started.items() if not frames <= edited.keys()}
        for boxes in edited.values():
            found |= started_numbers_of(boxes)
        return frozenset(found)

    def scored_flags(self, flags: Int) -> Int:
        """The flags (N,) as scores use them: boxes that are left out are ignored."""
        return without_leaning(flags, self.left_out)


class _States(Protocol):
    def states(self) -> NDArray[np.int8]: ...

    def verification(self) -> NDArray[np.int8]: ...

    def started_variants(self) -> frozenset[int]: ...


def states_for(truth: _States, variant: str) -> NDArray[np.int8]:
    """The states of frames as they count for a variant (its key), (F,) int8 of FrameState.

    Where the ground truth was started from its predictions, only verified frames are labelled: a variant cannot be
    measured against itself.
    """
    states = truth.states()
    if variant_number(variant) not in truth.started_variants():
        return states
    return np.where(truth.verification() == Verification.VERIFIED, states, np.int8(FrameState.UNLABELLED))
