"""The report as one self-contained HTML file: no scripts, no external style sheets or images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from iouviewer.document.metric_columns import (
    UNDEFINED,
    Output,
    columns_for,
    format_number,
    metric_title,
    number_text,
    points_text,
)
from iouviewer.document.variants import default_look
from iouviewer.i18n import legible, tr
from iouviewer.metrics.table import Int
from iouviewer.reports.data_files import text_bytes
from iouviewer.reports.html_template import forest_svg, forest_text, page, svg_block, table_cell
from iouviewer.reports.notes import note_header, note_rows
from iouviewer.reports.pictures import ReportPicture, pictures_html
from iouviewer.reports.plot import LEGEND_LOWER_LEFT, LINE_STYLES, plot_bytes, render_figure
from iouviewer.reports.series import FrameSeries
from iouviewer.reports.text_table import table_header, table_rows
from iouviewer.reports.val_table import step_cells, val_header, val_rows, val_titles
from iouviewer.reports.variant_table import variant_table_header, variant_table_rows

Variants = Mapping[str, Mapping[str, Any]]
"""Metrics by variant name, as in the report's JSON."""

_ERROR_NAMES = {
    "Cls": tr("Class"),
    "Loc": tr("Location"),
    "Both": tr("Class and location"),
    "Dupe": tr("Duplicate"),
    "Bkg": tr("Background"),
    "Miss": tr("Missed"),
}
_MAX_CURVES = 12
_NEGATIVE = re.compile(r"-\d")


def html_bytes(
    values: Mapping[str, Any],
    frames: Int,
    series: Sequence[FrameSeries],
    *,
    title: str,
    head: str = "",
    target: float = 0.75,
    pictures: Sequence[ReportPicture] = (),
    without_pictures: str = "",
) -> bytes:
    """The report of an evaluation.

    Args:
        values: what ``eval --json`` writes (``variants``, ``protocol``, and ``notes`` if there are any).
        frames: (n,) frame numbers of the series.
        series: the baseline first.
        title: what was evaluated.
        head: frames and thresholds of the evaluation, in one line.
        target: IoU of the target line in the plot.
        pictures: worst frames and lost objects.
        without_pictures: why there are none; empty where nobody asked for any.
    """
    protocol, variants = values["protocol"], values["variants"]
    heading = escape(tr("Scores: {title}", title=title))
    warnings = "".join(f"<li>{escape(text)}</li>\n" for text in protocol["warnings"])
    note = tr(
        "Δ in points (1 point = 0.01): variant minus baseline (*), negative is worse. "
        "Adding predictions never lowers Avg IoU; read it together with PQ. "
        "AP is computed as in pycocotools, from all stored predictions; "
        ">= marks a lower bound where predictions below a score were not stored."
    )
    settings = [[key, _value_text(protocol[key])] for key in sorted(protocol)]
    parts = [
        f"<h1>{heading}</h1>\n",
        f"<p>{escape(head)}</p>\n" if head else "",
        _ships(variants, protocol["baseline"]),
        _table(table_header(Output.HTML), table_rows(variants, protocol["baseline"], Output.HTML)),
        _note(note),
        f"<ul>\n{warnings}</ul>\n" if warnings else "",
        _verdicts(variants, protocol),
        _pictures(pictures, without_pictures),
        _plot(frames, series, tr("IoU by frame: {title}", title=title), target),
        _per_class(variants),
        *(section(variants) for section in (_errors, _sizes, _tracks, _curves, _confusion, _val, _reconcile)),
        _notes(values.get("notes", ())),
        _runs(variants),
        _heading(tr("Protocol")),
        _table((tr("Setting"), tr("Value")), settings),
    ]
    return text_bytes(page(heading, "".join(parts)))


# Building blocks


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, wraps: bool = False) -> str:
    """A table; text columns are aligned to the left, number columns to the right. ``wraps``: long cells have lines."""
    has_words = [any(row[place][:1].isalpha() for row in rows) for place in range(len(header))]

    def cells(tag: str, row: Sequence[str]) -> str:
        parts = []
        for cell, is_text in zip(row, has_words, strict=True):
            shown = f"−{cell[1:]}" if _NEGATIVE.match(cell) else cell
            parts.append(table_cell(tag, escape(shown), is_text=is_text, wraps=wraps))
        return "".join(parts)

    head, body = cells("th", header), "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _heading(text: str) -> str:
    return f"<h2>{escape(text, quote=False)}</h2>\n"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text, quote=False)}</p>\n'


def _notes(notes: Sequence[Mapping[str, Any]]) -> str:
    """What people wrote on the source, its frames and objects."""
    return _heading(tr("Notes")) + _table(note_header(), note_rows(notes)) if notes else ""


def _value_text(value: Any) -> str:
    if value is None:
        return UNDEFINED
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value_text(inner)}" for key, inner in value.items()) or UNDEFINED
    if isinstance(value, list | tuple):
        return ", ".join(map(_value_text, value)) or UNDEFINED
    return str(value)


def _points(value: float | None) -> str:
    return points_text(None if value is None else value / 100)


def _having(variants: Variants, key: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of the variants that have a value for this part of the analysis."""
    return ((name, metrics[key]) for name, metrics in variants.items() if metrics.get(key))


def _by_variant(title: str, what: str, variants: Variants, cells: Mapping[str, Mapping[str, str]], note: str) -> str:
    """A section with one row per entry of ``cells`` and one column per variant."""
    if not cells:
        return ""
    rows = [[row, *(texts.get(name, UNDEFINED) for name in variants)] for row, texts in cells.items()]
    return _heading(title) + _table((what, *variants), rows) + _note(note)


# Sections; each is empty if the variants have no values for it.


def _ships(variants: Variants, baseline: str) -> str:
    """The table of which variant ships, where there are verdicts."""
    if not any(metrics.get("verdict") for metrics in variants.values()):
        return ""
    return _table(variant_table_header(), variant_table_rows(variants, baseline))


def _forests(verdicts: Sequence[tuple[str, Mapping[str, Any]]], margins: Mapping[str, float]) -> str:
    """The interval of each difference, drawn against the allowed drop of its metric."""
    parts = []
    for metric, margin in margins.items():
        lines = []
        for name, verdict in verdicts:
            found = verdict["metrics"].get(metric)
            if found is not None and found["points"] is not None:
                lines.append((name, found["points"], found["low"], found["high"], found["outcome"] or ""))
        if lines:
            words = ", ".join(forest_text(name, *map(_points, values[:3])) for name, *values in lines)
            title = tr(
                "Δ {metric} in points; the allowed drop is {margin:g}", metric=metric_title(metric), margin=margin
            )
            parts.append(_note(title) + svg_block(forest_svg(lines, margin, escape(words), is_pooled=False)))
    return "".join(parts)


def _pictures(pictures: Sequence[ReportPicture], without: str) -> str:
    if not pictures:
        return _heading(tr("Pictures")) + _note(without) if without else ""
    return _heading(tr("Pictures")) + pictures_html(pictures)


_RUN_FACTS = {
    "model": tr("Model"),
    "sha256": tr("SHA-256"),
    "runtime": tr("Runtime"),
    "precision": tr("Precision"),
    "imgsz": tr("Input size"),
    "device": tr("Device"),
    "hardware": tr("Hardware"),
    "threads": tr("Threads"),
    "versions": tr("Versions"),
    "nms": tr("NMS"),
    "nms_iou": tr("NMS IoU"),
    "floor": tr("Score floor"),
    "max_det": tr("Max detections"),
    "weights_bytes": tr("Bytes of the weights"),
    "made": tr("How it was made"),
    "trained_on": tr("Trained on frames"),
    "fingerprint": tr("Fingerprint of the video"),
}
"""Facts of a run that the report lists, with what a person calls them."""


def _runs(variants: Variants) -> str:
    """How the predictions were made: weights by hash, runtime, settings, versions, calibration."""
    rows = []
    for key, title in _RUN_FACTS.items():
        values = [metrics.get("run", {}).get(key) for metrics in variants.values()]
        if any(value not in (None, "", [], {}) for value in values):
            rows.append([title, *map(_value_text, values)])
    return _heading(tr("How the variants were run")) + _table((tr("Fact"), *variants), rows, wraps=True) if rows else ""


def _verdicts(variants: Variants, protocol: Mapping[str, Any]) -> str:
    """The verdicts as sentences and as intervals."""
    verdicts = list(_having(variants, "bootstrap"))
    if not verdicts:
        return ""
    texts = (f"{verdict['sentence']} {verdict['run_note']}".rstrip() for _, verdict in verdicts)
    sentences = "".join(f"<li>{escape(text)}</li>\n" for text in texts)
    rows = [
        [
            name,
            metric_title(metric),
            *(_points(result[key]) for key in ("points", "low", "high")),
            result["outcome"] or UNDEFINED,
        ]
        for name, verdict in verdicts
        for metric, result in verdict["metrics"].items()
    ]
    header = (tr("Variant"), tr("Metric"), tr("Δ points"), tr("Low"), tr("High"), tr("Verdict"))
    note = tr("95 % interval of the paired difference, wider the more neighbouring frames are alike; a point is 0.01.")
    forests = _forests(verdicts, protocol.get("margins", {}))
    return f"{_heading(tr('Verdicts'))}<ul>\n{sentences}</ul>\n{forests}{_table(header, rows)}{_note(note)}"


def _plot(frames: Int, series: Sequence[FrameSeries], title: str, target: float) -> str:
    svg = plot_bytes("plot.svg", frames, series, title=title, target=target).decode()
    return _heading(tr("IoU by frame")) + svg_block(svg)


def _per_class(variants: Variants) -> str:
    columns = columns_for(Output.BY_CLASS)
    rows = [
        [name, class_name, *(format_number(column.number(values), column.number_format) for column in columns)]
        for name, metrics in variants.items()
        for class_name, values in metrics["per_class"].items()
    ]
    if not rows:
        return ""
    header = (tr("Variant"), tr("Class"), *(column.title for column in columns))
    return _heading(tr("By class")) + _table(header, rows)


def _errors(variants: Variants) -> str:
    rows = []
    for name, errors in _having(variants, "errors"):
        cells = [f"{errors['counts'][k]} ({points_text(errors['ap50_gain'][k])})" for k in _ERROR_NAMES]
        rows.append([name, *cells])
    if not rows:
        return ""
    thresholds = {errors["confidence"] for _, errors in _having(variants, "errors")}
    note = tr(
        "Number of errors of predictions at confidence ≥ {confidence}; in brackets, the points of AP50 that fixing the "
        "errors of all predictions would gain (TIDE).",
        confidence=", ".join(f"{threshold:g}" for threshold in sorted(thresholds)),
    )
    return _heading(tr("Errors")) + _table((tr("Variant"), *_ERROR_NAMES.values()), rows) + _note(note)


def _sizes(variants: Variants) -> str:
    """AP of each size by variant: COCO's sizes with AR in brackets, then the quartiles of the video's own boxes."""
    cells: dict[str, dict[str, str]] = {}
    for name, sizes in _having(variants, "size"):
        for size, result in sizes.items():
            recall = "" if result["ar"] is None else f" ({number_text(result['ar'])})"
            cells.setdefault(size, {})[name] = number_text(result["ap"]) + recall
    for name, quartiles in _having(variants, "size_quartiles"):
        for result in quartiles:
            span = tr(
                "{low:,.0f}–{high:,.0f} px², {boxes:,} boxes",
                low=result["from"],
                high=result["to"],
                boxes=result["boxes"],
            )
            cells.setdefault(span, {})[name] = number_text(result["ap"])
    note = tr("AP; in brackets, AR100. Sizes are those of COCO, then quartiles of the boxes counted here.")
    return _by_variant(tr("By size"), tr("Size"), variants, cells, note)


def _tracks(variants: Variants) -> str:
    rows = [
        [
            name,
            str(result["tracks"]),
            str(result["flickers"]),
            f"{result['flickers_per_1000_frames']:.1f}",
            str(result["runs"]),
            str(result["longest_run"]),
        ]
        for name, result in _having(variants, "temporal")
    ]
    header = (
        tr("Variant"),
        tr("Tracks"),
        tr("Flickers"),
        tr("Per 1,000 frames"),
        tr("Runs of missed boxes"),
        tr("Longest run"),
    )
    return _heading(tr("Over time")) + _table(header, rows) if rows else ""


def _curves(variants: Variants) -> str:
    curves = [(name, cls, result) for name, by_class in _having(variants, "pr") for cls, result in by_class.items()]
    if not curves:
        return ""
    keys = ("confidence", "precision", "recall", "f1")
    rows = []
    for name, cls, result in curves:
        best = result["best"] or dict.fromkeys(keys)
        rows.append([name, cls, *(number_text(best[key]) for key in keys)])
    header = (
        tr("Variant"),
        tr("Class"),
        tr("Best confidence"),
        *(metric_title(key) for key in ("precision", "recall", "f1")),
    )
    plot = svg_block(_curve_plot(curves), is_narrow=True) if len(curves) <= _MAX_CURVES else ""
    return _heading(tr("Precision and recall at IoU 0.5")) + plot + _table(header, rows)


def _curve_plot(curves: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for position, (name, cls, result) in enumerate(curves):
        colour, dash = default_look(position)
        label = legible(name if cls == "unspecified" else f"{name}: {cls}")
        axes.plot(
            result["recall"], result["precision"], color=colour, linestyle=LINE_STYLES[dash], linewidth=1.4, label=label
        )
    axes.set(xlabel=metric_title("recall"), ylabel=metric_title("precision"), xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(visible=True, color="#d8d8d8", linewidth=0.6)
    axes.legend(loc=LEGEND_LOWER_LEFT)
    return render_figure(figure, "svg").decode()


def _confusion(variants: Variants) -> str:
    lines = [
        f"<li>{escape(name)}: {escape(' '.join(result['sentences']))}</li>\n"
        for name, result in _having(variants, "confusion")
        if result["sentences"]
    ]
    return f"{_heading(tr('Largest confusions'))}<ul>\n{''.join(lines)}</ul>\n" if lines else ""


def _val(variants: Variants) -> str:
    rows = val_rows(variants)
    if not rows:
        return ""
    notes = "".join(_note(line) for line in val_titles(variants))
    return _heading(tr("As printed by yolo val")) + _table(val_header(), rows) + notes


def _reconcile(variants: Variants) -> str:
    cells = step_cells(dict(_having(variants, "reconcile")))
    note = tr("AP after each step; in brackets, the change in points.")
    return _by_variant(tr("Why other tools report a different AP"), tr("From yolo val to COCO"), variants, cells, note)
