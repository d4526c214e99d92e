"""The plot of IoU by frame as PNG or SVG, drawn by matplotlib without a display and without pyplot's global state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iouviewer.document.variants import look_for
from iouviewer.errors import UserError
from iouviewer.metrics.table import Float, Int
from iouviewer.reports.series import FrameSeries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORANGE = "#f28e2b"
MEAN_BLUE = "#1f5fbf"
BANDS = ((0.9, 1.0), (0.7, 0.9), (0.5, 0.7), (0.0, 0.5))
_BAND_GREYS = ("#e3ece6", "#edf1ee", "#f5f6f5", "#ffffff")
LINE_STYLES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "dashdotdot": (0, (5, 1, 1, 1, 1, 1))}
_MOST_DOTS = 400
_MOST_POINTS = 6000


def _thinned(frames: Int, values: Float) -> tuple[Int, Float]:
    """Lowest and highest value of each bucket where a line has more points than the plot has pixels."""
    if len(values) <= _MOST_POINTS:
        return frames, values
    keep: list[int] = []
    for part in np.array_split(np.arange(len(values)), _MOST_POINTS // 2):
        defined = part[~np.isnan(values[part])]
        if len(defined) == 0:
            keep.append(int(part[0]))  # the gap stays a gap
        else:
            ends = {int(defined[np.argmin(values[defined])]), int(defined[np.argmax(values[defined])])}
            keep += sorted(ends)
    return frames[keep], values[keep]


def _draw_series(axes: Any, frames: Int, series: Sequence[FrameSeries]) -> None:
    single = len(series) == 1
    for position, one in enumerate(series):
        colour, dash = (ORANGE, "solid") if single else look_for(position)
        few = len(frames) <= _MOST_DOTS
        mean = "undefined" if one.average is None else f"{one.average:.2f}"
        axes.plot(
            *_thinned(frames, one.frame_iou),
            color=colour,
            linestyle=LINE_STYLES[dash],
            linewidth=1.2,
            marker="o" if few else None,
            markersize=3.5,
            label="IoU" if single else f"{one.name}: Average IoU = {mean}",
            zorder=3,
        )


def iou_figure(frames: Int, series: Sequence[FrameSeries], *, title: str, target: float = 0.75) -> Figure:
    """The figure: IoU by frame, the baseline's mean as a dashed line, bands and target behind.

    Args:
        frames: (n,) ascending.
        series: the baseline first; one alone is drawn as the source article does.
        target: IoU that the user aims at, drawn as a thin line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for (low, high), grey in zip(BANDS, _BAND_GREYS, strict=True):
        axes.axhspan(low, high, color=grey, zorder=0, linewidth=0)
    axes.axhline(target, color="#8a8a8a", linewidth=0.8, linestyle=":", zorder=1, label=f"Target = {target:g}")
    _draw_series(axes, frames, series)
    mean = series[0].average
    if mean is not None:
        label = f"Average IoU = {mean:.2f}" + ("" if len(series) == 1 else f" ({series[0].name})")
        axes.axhline(mean, color=MEAN_BLUE, linestyle="--", linewidth=1.4, label=label, zorder=2)
    axes.set(xlabel="Frame ID", ylabel="IoU Score", title=title, ylim=(0.0, 1.02))
    axes.grid(visible=True, color="#d8d8d8", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", framealpha=0.9)
    return figure


def rendered(figure: Figure, kind: str) -> bytes:
    """The figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    import matplotlib as mpl

    out = io.BytesIO()
    # A fixed salt and no date: the same input gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "iouviewer", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return out.getvalue()


def plot_bytes(
    path: Path | str, frames: Int, series: Sequence[FrameSeries], *, title: str, target: float = 0.75
) -> bytes:
    """The plot in the format that the file's extension names (.png or .svg); UserError for another."""
    kind = Path(path).suffix.lower().lstrip(".")
    if kind not in {"png", "svg"}:
        raise UserError("a plot can be written as .png or .svg", path=path, remedy="Choose one of these extensions")
    return rendered(iou_figure(frames, series, title=title, target=target), kind)
