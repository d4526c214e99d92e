"""The report on a dataset as one self-contained HTML file: verdicts on all sources, and each source's own numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from iouviewer.document.dataset import Dataset, DatasetSource, VariantNumbers
from iouviewer.i18n import tr
from iouviewer.metrics.verdict import Difference
from iouviewer.reports.data_files import text_bytes
from iouviewer.reports.gate_reports import Judgement
from iouviewer.reports.html_template import forest_svg, forest_text, page, svg_block, table_cell

_NONE = "–"


def dataset_html(
    dataset: Dataset,
    judgements: Sequence[Judgement],
    pooled: Mapping[str, Difference],
    scores: Mapping[str, tuple[float | None, float | None, float | None]],
    *,
    title: str,
    notes: Sequence[str] = (),
    settings: Sequence[str] = (),
) -> bytes:
    """The report.

    Args:
        pooled: difference of AP of each variant on all included sources together.
        scores: AP, PQ and Avg IoU of each variant on them.
        notes: limits of the numbers. settings: thresholds and frames, one text each.
    """
    sentences = "".join(
        f"<li>{escape(' '.join((one.sentence + ' ' + one.run_note).split()))}</li>\n" for one in judgements
    )
    body = [f"<h1>{escape(title)}</h1>\n", _heading(tr("Verdicts on all sources")), f"<ul>\n{sentences}</ul>\n"]
    for one in judgements:
        body.append(_heading(tr("{variant} against {baseline}", variant=one.name, baseline=dataset.baseline)))
        body.append(_forest(dataset, one.name, pooled.get(one.name)))
        body.append(_table(_source_header(), _source_rows(dataset, one.name, pooled.get(one.name))))
    if scores:
        rows = [[name, *map(_score, values)] for name, values in scores.items()]
        body += [_heading(tr("Scores on all sources")), _table((tr("Variant"), "AP", "PQ", tr("Avg IoU")), rows)]
    if notes:
        body.append(
            _heading(tr("Notes")) + "<ul>\n" + "".join(f"<li>{escape(note)}</li>\n" for note in notes) + "</ul>\n"
        )
    body.append("".join(f'<p class="note">{escape(text)}</p>\n' for text in settings))
    return text_bytes(page(escape(title), "".join(body)))


def _heading(text: str) -> str:
    return f"<h2>{escape(text, quote=False)}</h2>\n"


def _source_header() -> tuple[str, ...]:
    return (
        tr("Source"), tr("Frames"), tr("Labelled"), tr("Verified"), tr("Problems"), tr("Boxes"), "AP",
        tr("Δ AP points"), tr("Low"), tr("High"), tr("Verdict"),
    )  # fmt: skip


def _source_rows(dataset: Dataset, variant: str, pooled: Difference | None) -> list[list[str]]:
    names = dataset.names()
    rows = [_source_row(one, names[one.id], variant) for one in dataset.included]
    if pooled is not None:
        known = [one.progress for one in dataset.included if one.progress is not None]
        frames, boxes = sum(one.frames for one in known), sum(one.boxes for one in known)
        rows.append(
            [
                tr("All together"), f"{frames:,}", "", "", "", f"{boxes:,}", "",
                *(_points(value) for value in (pooled.points, pooled.low, pooled.high)), str(pooled.outcome),
            ]
        )  # fmt: skip
    return rows


def _source_row(one: DatasetSource, name: str, variant: str) -> list[str]:
    progress = one.progress
    numbers = VariantNumbers() if one.numbers is None else one.numbers.variants.get(variant, VariantNumbers())
    problems = None if one.numbers is None else one.numbers.problems
    facts = [_NONE] * 3 if progress is None else [
        f"{progress.frames:,}", _share(progress.labelled, progress.frames), _share(progress.verified, progress.frames)
    ]  # fmt: skip
    return [
        name,
        *facts,
        _NONE if problems is None else f"{problems:,}",
        _NONE if progress is None else f"{progress.boxes:,}",
        _score(numbers.ap),
        *(_points(value) for value in (numbers.points, numbers.low, numbers.high)),
        numbers.outcome or _NONE,
    ]


def _forest(dataset: Dataset, variant: str, pooled: Difference | None) -> str:
    """The intervals of all sources above that of all together, against the allowed drop; empty without any."""
    names = dataset.names()
    lines = []
    for one in dataset.included:
        numbers = None if one.numbers is None else one.numbers.variants.get(variant)
        if numbers is not None and numbers.points is not None:
            lines.append((names[one.id], numbers.points, numbers.low, numbers.high, numbers.outcome))
    if pooled is None or not lines:
        return ""
    margin = 0.0 if math.isnan(pooled.margin) else pooled.margin
    low, high = (None if math.isnan(value) else value for value in (pooled.low, pooled.high))
    lines.append((tr("All together"), pooled.points, low, high, str(pooled.outcome)))
    spoken = "; ".join(
        forest_text(name, _points(points), _points(below), _points(above)) for name, points, below, above, _ in lines
    )
    return svg_block(forest_svg(lines, margin, escape(spoken)))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    last = len(header) - 1
    head = "".join(table_cell("th", escape(cell), is_text=place in (0, last)) for place, cell in enumerate(header))
    body = "".join(
        "<tr>" + "".join(table_cell("td", escape(cell), is_text=place in (0, last)) for place, cell in enumerate(row))
        + "</tr>\n"
        for row in rows
    )  # fmt: skip
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _share(count: int, total: int) -> str:
    return f"{math.floor(100 * count / total):d} %" if total else _NONE


def _score(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _points(value: float | None) -> str:
    return _NONE if value is None or math.isnan(value) else f"{value:+.1f}".replace("-", "−")
