"""The part of the HTML report that explains the numbers: verdicts, errors, sizes, tracks, curves, reconciliation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from iouviewer.document.variants import look_for
from iouviewer.reports.plot import LINE_STYLES, rendered
from iouviewer.reports.text_table import UNDEFINED, number_text, points_text

Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]
Variants = Mapping[str, Mapping[str, Any]]

ERROR_NAMES = {
    "Cls": "class",
    "Loc": "place",
    "Both": "class and place",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
}
METRIC_NAMES = {"ap": "AP", "pq": "PQ", "avg_iou": "Avg IoU"}
_MOST_CURVES = 12


def analysis_html(variants: Variants, table: Table) -> str:
    """All sections but the verdicts for which the variants carry values; empty without an analysis."""
    sections = (_errors, _sizes, _tracks, _curves, _confusion, _reconcile)
    return "".join(section(variants, table) for section in sections)


def _with(variants: Variants, key: str) -> Iterator[tuple[str, Any]]:
    return ((name, metrics[key]) for name, metrics in variants.items() if metrics.get(key))


def _points(value: float | None) -> str:
    return points_text(None if value is None else value / 100)


def verdicts_html(variants: Variants, table: Table) -> str:
    """The verdicts in words and as intervals; empty without an analysis."""
    found = list(_with(variants, "bootstrap"))
    if not found:
        return ""
    sentences = "".join(f"<li>{escape(verdict['sentence'])}</li>\n" for _, verdict in found)
    rows = [
        [
            name,
            METRIC_NAMES[metric],
            *(_points(one[key]) for key in ("points", "low", "high")),
            one["outcome"] or UNDEFINED,
        ]
        for name, verdict in found
        for metric, one in verdict["metrics"].items()
    ]
    header = ("Variant", "Metric", "Δ points", "low", "high", "Verdict")
    note = "95 % interval of a paired bootstrap over blocks of frames; a point is 0.01."
    return f'<h2>Verdicts</h2>\n<ul>\n{sentences}</ul>\n{table(header, rows)}<p class="note">{note}</p>\n'


def _errors(variants: Variants, table: Table) -> str:
    rows = []
    for name, errors in _with(variants, "errors"):
        cells = [f"{errors['counts'][k]} ({points_text(errors['ap50_gain'][k])})" for k in ERROR_NAMES]
        rows.append([name, *cells])
    if not rows:
        return ""
    note = "Number of errors, and in brackets the points of AP50 that mending them would gain (TIDE)."
    return f'<h2>Errors</h2>\n{table(("Variant", *ERROR_NAMES.values()), rows)}<p class="note">{note}</p>\n'


def _sizes(variants: Variants, table: Table) -> str:
    """AP of each size by variant: COCO's sizes with AR in brackets, then each quarter of the video's own boxes."""
    cells: dict[str, dict[str, str]] = {}
    for name, sizes in _with(variants, "size"):
        for size, one in sizes.items():
            ar = "" if one["ar"] is None else f" ({number_text(one['ar'])})"
            cells.setdefault(size, {})[name] = number_text(one["ap"]) + ar
    for name, quartiles in _with(variants, "size_quartiles"):
        for one in quartiles:
            span = f"{one['from']:.0f} to {one['to']:.0f} px², {one['boxes']} boxes"
            cells.setdefault(span, {})[name] = number_text(one["ap"])
    note = "AP, and in brackets AR100. Sizes are COCO's, then quarters of the boxes counted here."
    return _by_variant("By size", "Size", variants, cells, table, note)


def _by_variant(
    title: str, what: str, variants: Variants, cells: Mapping[str, Mapping[str, str]], table: Table, note: str
) -> str:
    """A section with one row for each of ``cells`` and one column a variant."""
    if not cells:
        return ""
    rows = [[row, *(texts.get(name, UNDEFINED) for name in variants)] for row, texts in cells.items()]
    return f'<h2>{title}</h2>\n{table((what, *variants), rows)}<p class="note">{note}</p>\n'


def _tracks(variants: Variants, table: Table) -> str:
    rows = [
        [
            name,
            str(one["tracks"]),
            str(one["flickers"]),
            f"{one['flickers_per_1000_frames']:.1f}",
            str(one["runs"]),
            str(one["longest_run"]),
        ]
        for name, one in _with(variants, "temporal")
    ]
    header = ("Variant", "Tracks", "Flickers", "per 1000 frames", "Runs of misses", "Longest run")
    return f"<h2>Over time</h2>\n{table(header, rows)}" if rows else ""


def _curves(variants: Variants, table: Table) -> str:
    curves = [(name, cls, one) for name, found in _with(variants, "pr") for cls, one in found.items()]
    if not curves:
        return ""
    rows = []
    for name, cls, one in curves:
        best = one["best"] or dict.fromkeys(("confidence", "precision", "recall", "f1"))
        keys = ("confidence", "precision", "recall", "f1")
        rows.append([name, cls, *(number_text(best[key]) for key in keys)])
    header = ("Variant", "Class", "Best confidence", "Precision", "Recall", "F1")
    plot = f'<div class="plot curves">{_curve_plot(curves)}</div>\n' if len(curves) <= _MOST_CURVES else ""
    return f"<h2>Precision and recall at IoU 0.5</h2>\n{plot}{table(header, rows)}"


def _curve_plot(curves: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for position, (name, cls, one) in enumerate(curves):
        colour, dash = look_for(position)
        label = name if cls == "unspecified" else f"{name}: {cls}"
        axes.plot(
            one["recall"], one["precision"], color=colour, linestyle=LINE_STYLES[dash], linewidth=1.4, label=label
        )
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(visible=True, color="#d8d8d8", linewidth=0.6)
    axes.legend(loc="lower left")
    svg = rendered(figure, "svg").decode()
    return svg[svg.index("<svg") :]


def _confusion(variants: Variants, _table: Table) -> str:
    lines = [
        f"<li>{escape(name)}: {escape(' '.join(one['sentences']))}</li>\n"
        for name, one in _with(variants, "confusion")
        if one["sentences"]
    ]
    return f"<h2>Largest confusions</h2>\n<ul>\n{''.join(lines)}</ul>\n" if lines else ""


def _reconcile(variants: Variants, table: Table) -> str:
    cells: dict[str, dict[str, str]] = {}
    for name, steps in _with(variants, "reconcile"):
        for number, step in enumerate(steps):
            change = "" if number == 0 or step["change"] is None else f" ({_fine_points(step['change'])})"
            cells.setdefault(step["step"], {})[name] = number_text(step["ap"], 4) + change
    title, note = "Why another tool says another AP", "AP after each step, and in brackets the points it changed."
    return _by_variant(title, "From yolo val to COCO", variants, cells, table, note)


def _fine_points(change: float) -> str:
    text = f"{change * 100:+.2f}".replace("-", "−")
    return text if text[1:] != "0.00" else "0"
