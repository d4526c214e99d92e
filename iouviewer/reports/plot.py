"""The plot of IoU by frame as PNG or SVG, drawn by matplotlib without a display and without pyplot's global state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iouviewer.document.variants import default_look
from iouviewer.errors import UserError
from iouviewer.i18n import legible, tr
from iouviewer.metrics.table import Float, Int
from iouviewer.reports.plot_description import (
    BANDS,
    CURVE_LABEL,
    MAX_DOTS,
    MEAN_BLUE,
    ORANGE,
    X_LABEL,
    Y_LABEL,
    mean_label,
    target_label,
)
from iouviewer.reports.series import FrameSeries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_POINTS = 6000
"""Most points per line; longer series are reduced to the extremes of each bucket."""
LEGEND_LOWER_LEFT, LEGEND_LOWER_RIGHT = 3, 4
"""Matplotlib legend locations."""
LINE_STYLES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "dashdotdot": (0, (5, 1, 1, 1, 1, 1))}
_BAND_GREYS = ("#e3ece6", "#edf1ee", "#f5f6f5", "#ffffff")


def downsample(frames: Int, values: Float) -> tuple[Int, Float]:
    """At most MAX_POINTS points of a line: the lowest and highest value of each bucket, and its gaps."""
    if len(values) <= MAX_POINTS:
        return frames, values
    keep: list[int] = []
    for bucket in np.array_split(np.arange(len(values)), MAX_POINTS // 2):
        defined = bucket[~np.isnan(values[bucket])]
        if len(defined) == 0:
            keep.append(int(bucket[0]))  # keeps the gap in the line
        else:
            extremes = {int(defined[np.argmin(values[defined])]), int(defined[np.argmax(values[defined])])}
            keep += sorted(extremes)
    return frames[keep], values[keep]


def _draw_series(axes: Any, frames: Int, series: Sequence[FrameSeries]) -> None:
    single = len(series) == 1
    for position, item in enumerate(series):
        colour, dash = (ORANGE, "solid") if single else default_look(position)
        has_dots = len(frames) <= MAX_DOTS
        mean = tr("undefined") if item.average is None else f"{item.average:.2f}"
        axes.plot(
            *downsample(frames, item.frame_iou),
            color=colour,
            linestyle=LINE_STYLES[dash],
            linewidth=1.2,
            marker="o" if has_dots else None,
            markersize=3.5,
            label=CURVE_LABEL if single else tr("{name}: Average IoU = {mean}", name=legible(item.name), mean=mean),
            zorder=3,
        )


def iou_figure(frames: Int, series: Sequence[FrameSeries], *, title: str, target: float = 0.75) -> Figure:
    """The figure: IoU by frame, the baseline's mean as a dashed line, bands and target in the background.

    Args:
        frames: (n,) ascending.
        series: the baseline first; a single one is drawn as in the source article.
        target: desired IoU, drawn as a thin line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for band, grey in zip(BANDS, _BAND_GREYS, strict=True):
        axes.axhspan(band.low, band.high, color=grey, zorder=0, linewidth=0)
        # A blended transform: x from 0 to 1 across the axes, y in IoU.
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "verticalalignment": "top", "zorder": 1}
        axes.text(0.005, band.high - 0.008, band.name, fontsize=7, color="#6a6a6a", **place)
    axes.axhline(target, color="#8a8a8a", linewidth=0.8, linestyle=":", zorder=1, label=target_label(target))
    _draw_series(axes, frames, series)
    mean = series[0].average
    if mean is not None:
        label = mean_label(mean, "" if len(series) == 1 else series[0].name)
        axes.axhline(mean, color=MEAN_BLUE, linestyle="--", linewidth=1.4, label=label, zorder=2)
    axes.set(xlabel=X_LABEL, ylabel=Y_LABEL, title=legible(title), ylim=(0.0, 1.02))
    axes.grid(visible=True, color="#d8d8d8", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc=LEGEND_LOWER_RIGHT, framealpha=0.9)
    return figure


def render_figure(figure: Figure, image_format: str) -> bytes:
    """The figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    import matplotlib as mpl

    out = io.BytesIO()
    # A fixed salt and no date make the output reproducible.
    with mpl.rc_context({"svg.hashsalt": "iouviewer", "svg.fonttype": "path"}):
        metadata = {"Date": None} if image_format == "svg" else {"Software": None}
        figure.savefig(out, format=image_format, metadata=metadata)
    return out.getvalue()


def plot_bytes(
    path: Path | str, frames: Int, series: Sequence[FrameSeries], *, title: str, target: float = 0.75
) -> bytes:
    """The plot in the format of the file's extension (.png or .svg).

    Raises:
        UserError: the extension is another one.
    """
    image_format = Path(path).suffix.lower().lstrip(".")
    if image_format not in {"png", "svg"}:
        raise UserError(
            tr("a plot can be written as .png or .svg"), path=path, remedy=tr("Choose one of these extensions.")
        )
    return render_figure(iou_figure(frames, series, title=title, target=target), image_format)
