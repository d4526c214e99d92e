"""The report as one HTML file that needs nothing beside it: no script, no style sheet, no picture from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from iouviewer.metrics.table import Int
from iouviewer.reports.html_analysis import analysis_html, verdicts_html
from iouviewer.reports.plot import plot_bytes
from iouviewer.reports.series import FrameSeries
from iouviewer.reports.text_table import HEADER, number_text, table_rows

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
.plot { background: #fff; } .plot svg { width: 100%; height: auto; }
.curves { max-width: 45rem; }
.note { opacity: .75; }
"""


_NEGATIVE = re.compile(r"-\d")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns of words stand to the left and whose columns of numbers stand to the right."""
    words = [any(row[place][:1].isalpha() for row in rows) for place in range(len(header))]

    def cells(tag: str, row: Sequence[str]) -> str:
        parts = []
        for cell, is_text in zip(row, words, strict=True):
            shown = f"−{cell[1:]}" if _NEGATIVE.match(cell) else cell
            parts.append(f"<{tag}{' class=text' if is_text else ''}>{escape(shown)}</{tag}>")
        return "".join(parts)

    head, body = cells("th", header), "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _value_text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value_text(inner)}" for key, inner in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value_text, value)) or "–"
    return str(value)


def _per_class(variants: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [name, class_name, *(number_text(values.get(key)) for key in ("ap", "ap50", "ap75", "ar100"))]
        for name, metrics in variants.items()
        for class_name, values in metrics["per_class"].items()
    ]
    if not rows:
        return ""
    return "<h2>By class</h2>\n" + _table(("Variant", "Class", "AP", "AP50", "AP75", "AR100"), rows)


def _plot(frames: Int, series: Sequence[FrameSeries], title: str, target: float) -> str:
    svg = plot_bytes("plot.svg", frames, series, title=title, target=target).decode()
    return '<h2>IoU by frame</h2>\n<div class="plot">' + svg[svg.index("<svg") :] + "</div>\n"


def html_bytes(
    values: Mapping[str, Any],
    frames: Int,
    series: Sequence[FrameSeries],
    *,
    title: str,
    head: str = "",
    target: float = 0.75,
) -> bytes:
    """The report of an evaluation.

    Args:
        values: what ``eval --json`` writes (``variants`` and ``protocol``).
        frames: (n,) frame numbers of the series.
        series: the baseline first.
        title: what was evaluated.
        head: on which frames and at which thresholds, in one line.
    """
    protocol, variants = values["protocol"], values["variants"]
    warnings = "".join(f"<li>{escape(text)}</li>\n" for text in protocol["warnings"])
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Scores: {escape(title)}</title>\n',
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Scores: {escape(title)}</h1>\n",
        f"<p>{escape(head)}</p>\n" if head else "",
        _table(HEADER, table_rows(variants, protocol["baseline"])),
        '<p class="note">Δ in points (1 point = 0.01), variant minus baseline (*), minus is worse. Avg IoU never falls '
        "when a prediction is added; PQ stands beside it for that reason. AP as pycocotools computes it, from all "
        "stored predictions; &gt;= marks a lower bound of predictions that were cut.</p>\n",
        f"<ul>\n{warnings}</ul>\n" if warnings else "",
        verdicts_html(variants, _table),
        _plot(frames, series, f"IoU by frame: {title}", target),
        _per_class(variants),
        analysis_html(variants, _table),
        "<h2>Protocol</h2>\n",
        _table(("Setting", "Value"), [[key, _value_text(protocol[key])] for key in sorted(protocol)]),
        "</body>\n</html>\n",
    ]
    return "".join(parts).encode()
