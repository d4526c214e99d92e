"""All numbers of a variant that are yet to be computed, as values: another thread can do it."""

from __future__ import annotations

from dataclasses import dataclass

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_types import FrameStates, ScoreSettings
from iouviewer.document.scores_variant import VariantScores
from iouviewer.metrics.incremental_ap import IncrementalAp
from iouviewer.metrics.table import BoxTable, Int


@dataclass(frozen=True, slots=True)
class PendingScores:
    """What the numbers of a variant depend on; no edit changes these values.

    Attributes:
        gt, states, without_class: as for ``VariantScores``.
        ap: an AP that is still right and is kept; no edit has changed it as long as ``token`` is current.
        token: stands for the state of the variant; another one after each change.
    """

    predictions: PredictionSet
    gt: BoxTable
    states: FrameStates
    settings: ScoreSettings
    without_class: Int
    ap: IncrementalAp | None
    token: object

    def compute(self) -> VariantScores:
        """Score all frames."""
        scores = VariantScores.deferred(self.predictions, self.states, self.settings, self.without_class)
        scores.catch_up(self.gt, self.ap)
        return scores
