"""What the plot of IoU by frame shows: the same description for exported files and for the window."""

from __future__ import annotations

from typing import NamedTuple

from iouviewer.i18n import legible, tr


class PlotBand(NamedTuple):
    """A horizontal band behind the curves: IoU from ``low`` to ``high``."""

    low: float
    high: float
    name: str


X_LABEL = tr("Frame ID")
Y_LABEL = tr("IoU Score")
CURVE_LABEL = tr("IoU")
ORANGE = "#f28e2b"
"""The curve of a single variant, as in the source article."""
MEAN_BLUE = "#1f5fbf"
BANDS = (
    PlotBand(0.9, 1.0, tr("high precision")),
    PlotBand(0.7, 0.9, tr("excellent")),
    PlotBand(0.5, 0.7, tr("acceptable")),
    PlotBand(0.0, 0.5, tr("likely false positive")),
)
"""From the top; docs/metrics.md defines them."""
MAX_DOTS = 400
"""Frames up to which the points of the curve are dots."""


def mean_label(mean: float, name: str = "") -> str:
    """``Average IoU = 0.81``, with the variant's name if there are several."""
    if name:
        return tr("Average IoU = {mean:.2f} ({name})", mean=mean, name=legible(name))
    return tr("Average IoU = {mean:.2f}", mean=mean)


def target_label(target: float) -> str:
    """``Target = 0.75``."""
    return tr("Target = {target:g}", target=target)
