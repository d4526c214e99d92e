"""An AP that is yet to be computed, as values: another thread can do it while the window goes on."""

from __future__ import annotations

from dataclasses import dataclass

from iouviewer.metrics.incremental_ap import IncrementalAp
from iouviewer.metrics.table import Bool, BoxTable


@dataclass(frozen=True, slots=True)
class PendingAp:
    """What an AP depends on; no edit changes these values.

    Attributes:
        frames: (F,) bool, the frames that count.
        one_class: as for ``IncrementalAp``.
        token: stands for the state of the variant; another one after each change.
    """

    gt: BoxTable
    table: BoxTable
    frames: Bool
    one_class: bool
    token: object

    def compute(self) -> IncrementalAp:
        """Evaluate all frames."""
        return IncrementalAp(self.gt, self.table, self.frames, one_class=self.one_class)
