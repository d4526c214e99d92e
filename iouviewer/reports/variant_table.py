"""The table of which variant ships: scores with intervals, speed, accuracy drop and verdict, in five formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from iouviewer.document.metric_columns import UNDEFINED, number_text
from iouviewer.i18n import tr
from iouviewer.reports.data_files import csv_bytes
from iouviewer.reports.text_table import ap_text, text_table

FORMATS = (".md", ".csv", ".tex", ".html", ".txt")
"""Endings of files that ``table_bytes`` writes."""


def variant_table_header() -> list[str]:
    """The headings of ``variant_table_rows``."""
    return [
        tr("Model"),
        tr("Avg IoU"),
        tr("AP"),
        tr("PQ"),
        tr("FPS"),
        tr("Accuracy drop (AP)"),
        tr("Avg IoU drop"),
        tr("Verdict"),
    ]


def variant_table_rows(variants: Mapping[str, Mapping[str, Any]], baseline: str) -> list[list[str]]:
    """One list of cells for each variant; drops are in points (1 point = 0.01), positive where the variant is worse.

    Args:
        variants: metrics by name, as in the report's JSON with verdicts.
    """
    return [
        [
            name + (" *" if name == baseline and len(variants) > 1 else ""),
            *(_score(metrics, key) for key in ("avg_iou", "ap", "pq")),
            _speed(metrics),
            _drop(metrics, "ap"),
            _drop(metrics, "avg_iou"),
            metrics.get("verdict") or UNDEFINED,
        ]
        for name, metrics in variants.items()
    ]


def _score(metrics: Mapping[str, Any], key: str) -> str:
    value = metrics[key]
    text = ap_text(value, metrics["ap_floor"], with_floor=False) if key == "ap" else number_text(value)
    interval = (metrics.get("intervals") or {}).get(key)
    if value is None or interval is None:
        return text
    return f"{text} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _speed(metrics: Mapping[str, Any]) -> str:
    """Frames per second, with the ratio to the baseline where it was measured side by side."""
    speed = metrics.get("speed")
    if speed is None:
        value, half = metrics.get("fps"), metrics.get("fps_half_iqr")
        if value is None:
            return UNDEFINED
        return f"{value:.1f}" if half is None else f"{value:.1f} ± {half:.1f}"
    text, ratio, ends = f"{speed['fps']:.1f}", speed["ratio"], speed.get("fps_interval")
    if ends:
        text = f"{text} [{ends[0]:.1f}, {ends[1]:.1f}]"
    if speed.get("measured_there"):
        text = tr("{fps} there", fps=text)
    if ratio is None:
        return text
    high = "∞" if ratio["high"] is None else f"{ratio['high']:.2f}"
    return f"{text} ({ratio['value']:.2f}× [{ratio['low']:.2f}, {high}])"


def _drop(metrics: Mapping[str, Any], key: str) -> str:
    """Baseline minus variant, with its interval."""
    verdict = metrics.get("bootstrap")
    found = None if verdict is None else verdict["metrics"].get(key)
    if found is None or found["points"] is None:
        return UNDEFINED
    text = _points(-found["points"])
    if found["low"] is None:
        return text
    return f"{text} [{_points(-found['high'])}, {_points(-found['low'])}]"


def _points(value: float) -> str:
    text = f"{value:.1f}".replace("-", "−")
    return "0.0" if text == "−0.0" else text


def table_bytes(suffix: str, variants: Mapping[str, Mapping[str, Any]], baseline: str, said: str = "") -> bytes:
    """The table as a file with one of ``FORMATS``.

    Args:
        said: what the numbers are seen through, as one line: above the table, in CSV the heading of a last column.
    """
    header, rows = variant_table_header(), variant_table_rows(variants, baseline)
    if suffix == ".csv":
        return csv_bytes([*header, said], ([*row, ""] for row in rows)) if said else csv_bytes(header, rows)
    if suffix == ".md":
        return (f"{_markdown_text(said)}\n\n" * bool(said) + _markdown(header, rows)).encode()
    if suffix == ".tex":
        return (f"{_latex_text(said)}\n\n" * bool(said) + _latex(header, rows)).encode()
    if suffix == ".html":
        return (f"<p>{escape(said)}</p>\n" * bool(said) + _html(header, rows)).encode()
    return (f"{said}\n" * bool(said) + text_table(header, rows)).encode()


def _markdown_text(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(_markdown_text, cells)) + " |"

    rule = "| --- |" + " ---: |" * (len(header) - 1)
    return "\n".join([line(header), rule, *map(line, rows)]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "<": "$<$", ">": "$>$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "–": "--",
}  # fmt: skip


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _latex(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_latex_text, cells)) + r" \\"

    columns = "l" + "r" * (len(header) - 1)
    body = "\n".join(map(line, rows))
    return f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{line(header)}\n\\hline\n{body}\n\\hline\n\\end{{tabular}}\n"


def _html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>\n"
