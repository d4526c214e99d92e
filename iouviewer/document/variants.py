"""Variants: the prediction sets that are compared, each with its colour, dash and run details."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from iouviewer.document.predictions import PredictionSet

BASELINE_COLOUR = "#2e9e5b"
# The Okabe-Ito palette without black, both blues (ground truth is blue) and green (baseline).
_PALETTE = ("#e69f00", "#d55e00", "#cc79a7", "#f0e442", "#999999")
VARIANT_COLOURS = (BASELINE_COLOUR, *_PALETTE)
"""Stored colours in the order in which variants take them; each stands for a slot of the window's tokens."""
DASHES = ("solid", "dash", "dot", "dashdot", "dashdotdot")


class RunState(StrEnum):
    """State of a model's run; IMPORTED for predictions that came from a file."""

    IMPORTED = "imported"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Variant:
    """One prediction set.

    Attributes:
        key: unique within the project, never displayed.
        name: for display; unique, editable.
        colour: ``#rrggbb``.
        dash: one of DASHES.
        fps: 1000 / median per-frame milliseconds for models that ran here (docs/metrics.md), else None.
        throughput: frames per wall second of the whole run, else None.
        message: error or status text of a failed or cancelled run.
        details: hardware, runtime, precision, versions, size of the weights, for the tooltip and the project file;
            ``speed`` is a measured speed (``jobs.speeds``).
    """

    key: str
    name: str
    predictions: PredictionSet
    colour: str
    dash: str = "solid"
    visible: bool = True
    path: str = ""
    state: RunState = RunState.IMPORTED
    fps: float | None = None
    throughput: float | None = None
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def speed(self) -> dict[str, Any] | None:
        """The speed that was measured side by side with others, or imported; None without one."""
        found = self.details.get("speed")
        return found if isinstance(found, dict) and _positive_number(found.get("fps")) is not None else None

    @property
    def shown_fps(self) -> float | None:
        """The measured speed, else that of the run, frames per second; None without either."""
        return self.fps if self.speed is None else float(self.speed["fps"])

    @property
    def fps_half_iqr(self) -> float | None:
        """Half the interquartile range of ``fps`` over ten parts of the run; None where it is unknown."""
        return _positive_number(self.details.get("fps_half_iqr"))

    @property
    def size_mb(self) -> float | None:
        """Size of the weights in megabytes; None where it is unknown."""
        size = _positive_number(self.details.get("weights_bytes"))
        return None if size is None else size / 1e6

    @property
    def hardware(self) -> str:
        """The device that ``shown_fps`` was measured on, empty where it is unknown."""
        source = self.details if self.speed is None else self.speed
        return str(source.get("hardware") or "")

    def with_look(self, *, colour: str | None = None, dash: str | None = None, visible: bool | None = None) -> Variant:
        """A copy with another colour, dash or visibility."""
        return replace(
            self,
            colour=self.colour if colour is None else colour,
            dash=self.dash if dash is None else dash,
            visible=self.visible if visible is None else visible,
        )


def _positive_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def default_look(position: int) -> tuple[str, str]:
    """Colour and dash of the variant at this position (0: the baseline, solid green)."""
    if position == 0:
        return BASELINE_COLOUR, DASHES[0]
    return _PALETTE[(position - 1) % len(_PALETTE)], DASHES[1 + (position - 1) % (len(DASHES) - 1)]


def unique_name(base: str, taken: set[str]) -> str:
    """``base``, or ``base 2``, ``base 3`` ... if it is taken (ignoring case)."""
    folded = {name.casefold() for name in taken}
    name, number = base, 1
    while name.casefold() in folded:
        number += 1
        name = f"{base} {number}"
    return name
