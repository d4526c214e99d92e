"""What a review has found: counts of decisions, and the share of label errors with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from iouviewer.document.decisions import Decision, Verdict
from iouviewer.i18n import tr

_Z = 1.959963984540054
"""Half width of a two-sided 95 % interval of the standard normal distribution."""


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927), which stays within 0..1 and is right for few decisions too."""
    if not total:
        return 0.0, 1.0
    share, square = count / total, _Z**2
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = _Z * sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Decisions by verdict."""

    fixed: int = 0
    corrected: int = 0
    kept: int = 0
    unclear: int = 0

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> LedgerCounts:
        """Count decisions."""
        by = Counter(decision.verdict for decision in decisions)
        return cls(by[Verdict.FIXED], by[Verdict.CORRECTED], by[Verdict.RIGHT], by[Verdict.UNCLEAR])

    @property
    def total(self) -> int:
        """All decisions."""
        return self.errors + self.kept + self.unclear

    @property
    def errors(self) -> int:
        """Decisions that found a label error."""
        return self.fixed + self.corrected

    @property
    def text(self) -> str:
        """``212 decided: 61 label errors (29 %, 95 % 23 to 35), 139 kept, 12 unclear``; without decisions only that."""
        if not self.total:
            return tr("Nothing decided yet")
        low, high = wilson_interval(self.errors, self.total)
        return tr(
            "{total:,} decided: {errors:,} label errors ({share:.0f} %, 95 % {low:.0f} to {high:.0f}), {kept:,} kept, "
            "{unclear:,} unclear",
            total=self.total,
            errors=self.errors,
            share=100 * self.errors / self.total,
            low=100 * low,
            high=100 * high,
            kept=self.kept,
            unclear=self.unclear,
        )
