"""The variants table as text for a terminal; the HTML report uses the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iouviewer.document.metric_columns import MetricColumn, Output, columns_for, format_number, number_text
from iouviewer.document.scores_types import FULL_CURVE_FLOOR
from iouviewer.i18n import tr


def ap_text(value: float | None, floor: float | None, *, with_floor: bool = True) -> str:
    """AP, marked as a lower bound where predictions were cut: ``>= 0.348 (cut at 0.25)``, or without the floor."""
    if value is None or floor is None or floor <= FULL_CURVE_FLOOR:
        return number_text(value)
    if not with_floor:
        return f">= {value:.3f}"
    return tr(">= {value:.3f} (cut at {floor:.4g})", value=value, floor=floor)


def _cell(column: MetricColumn, metrics: Mapping[str, Any]) -> str:
    """The text of one number; only the column AP names the score at which the predictions were cut."""
    value = column.number(metrics)
    if column.is_bounded:
        return ap_text(value, metrics["ap_floor"], with_floor=column.key == "ap")
    text = format_number(value, column.number_format)
    if column.is_coverage and not metrics["complete"]:
        return tr("{frames} (incomplete)", frames=text)
    return text


def table_header(output: Output = Output.TEXT) -> list[str]:
    """The headings of ``table_rows``."""
    return [tr("Variant"), *(column.title for column in columns_for(output))]


def table_rows(
    variants: Mapping[str, Mapping[str, Any]], baseline: str, output: Output = Output.TEXT
) -> list[list[str]]:
    """One list of cells per variant; the baseline is marked with an asterisk where there are several variants."""
    columns = columns_for(output)
    return [
        [
            name + (" *" if name == baseline and len(variants) > 1 else ""),
            *(_cell(column, metrics) for column in columns),
        ]
        for name, metrics in variants.items()
    ]


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned with spaces: the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    lines = [
        "  ".join((str.rjust if i else str.ljust)(cell, widths[i]) for i, cell in enumerate(line))
        for line in (header, *rows)
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines) + "\n"
