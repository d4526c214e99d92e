"""One report on all included sources of a dataset: HTML, or what ``iouviewer gate`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iouviewer.atomic import write_file
from iouviewer.document.dataset import Dataset
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.dataset import ap_difference
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import GateResult
from iouviewer.jobs.partials import PooledScores
from iouviewer.reports.dataset_html import dataset_html
from iouviewer.reports.gate_reports import gate_junit, gate_markdown, gate_text


def report_bytes(
    suffix: str,
    dataset: Dataset,
    name: str,
    result: GateResult,
    scores: Mapping[str, PooledScores],
    request: EvalRequest,
) -> bytes:
    """The report as HTML (``.html``), Markdown (``.md``), JUnit XML (``.xml``) or text (``.txt``).

    Raises:
        UserError: another suffix.
    """
    if suffix == ".md":
        return gate_markdown(result.judgements, title=result.title, notes=result.notes)
    if suffix == ".xml":
        return gate_junit(result.judgements, undecided_fails=True)
    if suffix == ".txt":
        return gate_text(result.judgements, result.notes).encode()
    if suffix not in (".html", ".htm"):
        raise UserError(
            tr("there is no report of the type {suffix!r}", suffix=suffix),
            remedy=tr("Name the file .html, .md, .xml or .txt."),
        )
    pooled = {one.name: found for one in result.judged if (found := ap_difference(one)) is not None}
    return dataset_html(
        dataset,
        result.judgements,
        pooled,
        {variant: (one.ap, one.pq, one.avg_iou) for variant, one in scores.items()},
        title=tr("Dataset {name}", name=name),
        notes=result.notes,
        settings=_settings(request),
    )


def _settings(request: EvalRequest) -> list[str]:
    margins = ", ".join(f"{metric} {points:g}" for metric, points in request.margins.items())
    return [
        tr(
            "Confidence ≥ {confidence:g}, IoU ≥ {iou:g}, allowed drop in points: {margins}. Frames: {frames}.",
            confidence=request.confidence,
            iou=request.iou_threshold,
            margins=margins,
            frames=request.frames or tr("all that are labelled"),
        ),
        tr("95 % intervals of the paired difference; on all sources together from the differences between sources."),
    ]


def write_dataset_report(
    path: Path,
    dataset: Dataset,
    name: str,
    result: GateResult,
    scores: Mapping[str, PooledScores],
    request: EvalRequest,
) -> None:
    """Write ``report_bytes`` to a file, whose suffix says what it is; UserError if it cannot be written."""
    write_file(path, report_bytes(path.suffix.lower(), dataset, name, result, scores, request))
