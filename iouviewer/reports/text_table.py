"""The variants table as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS: tuple[tuple[str, str], ...] = (
    ("Avg IoU", "avg_iou"),
    ("PQ", "pq"),
    ("Precision", "precision"),
    ("Recall", "recall"),
    ("F1", "f1"),
    ("AP", "ap"),
    ("AP50", "ap50"),
)
CUT_FLOOR = 0.01
"""Score floor above which AP is a lower bound (metrics.md)."""

UNDEFINED = "–"


def number_text(value: float | None, digits: int = 3) -> str:
    """A number with fixed digits, a dash where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def ap_text(value: float | None, floor: float | None) -> str:
    """AP, marked as a lower bound where the predictions were cut: ``>= 0.348 (cut at 0.25)``."""
    if value is None or floor is None or floor <= CUT_FLOOR:
        return number_text(value)
    return f">= {value:.3f} (cut at {floor:.4g})"


def points_text(difference: float | None) -> str:
    """A difference in points (1 point = 0.01) with its sign."""
    if difference is None:
        return UNDEFINED
    text = f"{difference * 100:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text


def metric_texts(metrics: Mapping[str, Any]) -> list[str]:
    """The cells of one variant for COLUMNS; where the set was cut stands beside AP only."""
    floor = metrics["ap_floor"]
    texts = {key: number_text(metrics[key]) for _, key in COLUMNS} | {"ap": ap_text(metrics["ap"], floor)}
    texts["ap50"] = ap_text(metrics["ap50"], floor).partition(" (")[0]
    return [texts[key] for _, key in COLUMNS]


def difference_texts(delta: Mapping[str, Any] | None) -> list[str]:
    """Δ of AP, PQ and Avg IoU to the baseline in points; dashes for the baseline itself."""
    return [points_text(None if delta is None else delta[key]) for key in ("ap", "pq", "avg_iou")]


def frames_text(metrics: Mapping[str, Any]) -> str:
    """Number of frames counted, marked where the variant did not cover all of them."""
    return f"{metrics['frames']}" + ("" if metrics["complete"] else " (incomplete)")


HEADER = ("Variant", *(title for title, _ in COLUMNS), "Δ AP", "Δ PQ", "Δ Avg IoU", "TP", "FP", "FN", "Frames")


def table_rows(variants: Mapping[str, Mapping[str, Any]], baseline: str) -> list[list[str]]:
    """Cells for HEADER, one list a variant."""
    return [
        [
            name + (" *" if name == baseline and len(variants) > 1 else ""),
            *metric_texts(metrics),
            *difference_texts(metrics["delta"]),
            *(str(metrics[key]) for key in ("tp", "fp", "fn")),
            frames_text(metrics),
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
