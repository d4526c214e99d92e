"""The result of an evaluation, and its output as files and text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iouviewer.document.frame_states import excluded_text
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.eval_inputs import Truth
from iouviewer.jobs.fail_if import condition_holds
from iouviewer.jobs.filtered_inputs import filter_text
from iouviewer.jobs.operating_points import point_text
from iouviewer.jobs.report_pictures import report_pictures
from iouviewer.jobs.run_differences import RunDifference, describe_run_differences
from iouviewer.jobs.scoring import VariantScore
from iouviewer.jobs.speeds import speed_notes, with_ratios
from iouviewer.metrics.table import Int
from iouviewer.reports.data_files import PairRow, json_bytes, pairs_csv, score_csv
from iouviewer.reports.eval_reports import eval_junit, eval_markdown, metrics_json
from iouviewer.reports.html import html_bytes
from iouviewer.reports.notes import ReportNote
from iouviewer.reports.plot import plot_bytes
from iouviewer.reports.series import FrameSeries
from iouviewer.reports.text_table import table_header, table_rows, text_table
from iouviewer.reports.val_table import val_text
from iouviewer.reports.variant_table import table_bytes, variant_table_header, variant_table_rows

REPORT_VERSION = 2
"""Of the JSON report (resources/report.schema.json): grows when a field is removed or changes its meaning."""


@dataclass(frozen=True)
class EvalResult:
    """Metrics of all variants.

    Attributes:
        title: title of plot and report.
        frames: (n,) int64, selected frames.
        scores: one per variant, the baseline first.
        deltas: difference of each of ``scores`` to the baseline, None for the baseline itself.
        order: variant names in the order in which they were given.
        target: target IoU drawn in plots.
        protocol: how the metrics were computed, as values for JSON.
        sentences: the verdicts; without an analysis only of variants that cannot be judged.
        unfit: variant name -> why nothing follows from its numbers.
        run_differences: variant name -> what its run did differently from the baseline's.
        notes: what people wrote on the source, its frames and objects.
        speeds: variant name -> its speed, measured side by side (``jobs.bench``) or there (``jobs.speeds``), as values
            for JSON.
        source: where the pictures of the report come from; None: it has none.
        split: of a ``data.yaml`` as source.
    """

    title: str
    truth: Truth
    frames: Int
    scores: tuple[VariantScore, ...]
    deltas: tuple[Mapping[str, Any] | None, ...]
    order: tuple[str, ...]
    target: float
    protocol: Mapping[str, Any]
    sentences: tuple[str, ...] = ()
    unfit: Mapping[str, str] = field(default_factory=dict)
    run_differences: Mapping[str, Sequence[RunDifference]] = field(default_factory=dict)
    notes: tuple[ReportNote, ...] = ()
    speeds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    source: Source | None = None
    split: str = "val"

    def with_speeds(self, measured: Mapping[str, Mapping[str, Any]]) -> EvalResult:
        """The result with these speeds by variant name beside those that it has."""
        return replace(self, speeds=with_ratios({**self.speeds, **measured}, self.protocol["baseline"]))

    @property
    def values(self) -> dict[str, Any]:
        """Contents of the JSON report, as resources/report.schema.json describes them."""
        by_name = {
            score.name: {
                **score.metrics,
                "delta": delta,
                "run_differences": [one.values for one in self.run_differences.get(score.name, ())],
                **{key: score.input.predictions.protocol.get(key) for key in ("fps", "fps_half_iqr")},
                **({"speed": self.speeds[score.name]} if score.name in self.speeds else {}),
            }
            for score, delta in zip(self.scores, self.deltas, strict=True)
        }
        variants = {name: by_name[name] for name in self.order}
        values: dict[str, Any] = {
            "report_version": REPORT_VERSION,
            "variants": variants,
            "protocol": dict(self.protocol),
        }
        if self.truth.frame_work:
            values["frame_states"] = dict(self.truth.frame_work)
        return values | {"notes": [note.values for note in self.notes]} if self.notes else values

    def series(self) -> list[FrameSeries]:
        """Metrics by frame, the baseline first."""
        return [score.series(self.frames) for score in self.scores]

    def _pair_rows(self) -> Iterator[PairRow]:
        for score in self.scores:
            yield from score.pair_rows(self.truth, None if score is self.scores[0] else self.scores[0])

    def score_csv(self) -> bytes:
        """IoU by frame as CSV."""
        states, counts = self.truth.states(self.frames), self.truth.counted_boxes()[self.frames]
        return score_csv(self.frames, states, counts, self.series(), filter_line=self.protocol["filter"])

    def pairs_csv(self) -> bytes:
        """All pairs as CSV."""
        return pairs_csv(self._pair_rows(), filter_line=self.protocol["filter"])

    def json(self) -> bytes:
        """All metrics as JSON."""
        return json_bytes(self.values)

    def plot(self, path: Path | str) -> bytes:
        """The IoU plot in the format of the path's extension."""
        said = filter_text(self.truth.rules.filter)
        title = f"{self.title}; {said}" if said else self.title
        title = tr("IoU by frame: {title}", title=title)
        return plot_bytes(path, self.frames, self.series(), title=title, target=self.target)

    def table(self, suffix: str) -> bytes:
        """The table of which variant ships, in a format of ``reports.variant_table.FORMATS``."""
        said = filter_text(self.truth.rules.filter)
        return table_bytes(suffix, self.values["variants"], self.protocol["baseline"], said)

    def markdown(self) -> bytes:
        """Table, verdicts and notes for a pull request."""
        return eval_markdown(self.values, title=self.title, head=self._head(), sentences=self.sentences)

    def junit(self, condition: str | None = None) -> bytes:
        """The verdicts, and a condition (``jobs.fail_if``), as JUnit XML."""
        return eval_junit(self.values, None if condition is None else (condition, self.condition_holds(condition)))

    def metrics(self) -> bytes:
        """The numbers of all variants as JSON for experiment trackers."""
        return metrics_json(self.values["variants"])

    def html(self) -> bytes:
        """The report as one HTML file."""
        pictures, without = (
            ([], "") if self.source is None else report_pictures(self.source, self.split, self.truth, self.scores)
        )
        return html_bytes(
            self.values,
            self.frames,
            self.series(),
            title=self.title,
            head=self._head(),
            target=self.target,
            pictures=pictures,
            without_pictures=without,
        )

    def report(self, path: Path) -> bytes:
        """The report in the format of the path's extension.

        Raises:
            UserError: no report has this extension.
        """
        writers: dict[str, Callable[[], bytes]] = {
            ".json": self.json,
            ".html": self.html,
            ".csv": self.score_csv,
            ".png": lambda: self.plot(path),
            ".svg": lambda: self.plot(path),
        }
        writer = writers.get(path.suffix.lower())
        if writer is None:
            raise UserError(tr("a report has one of the endings {endings}", endings=", ".join(writers)), path=path)
        return writer()

    def condition_holds(self, text: str) -> bool:
        """Whether a condition holds (``jobs.fail_if``)."""
        return condition_holds(text, self.values["variants"], self.unfit)

    def _head(self) -> str:
        """Frames and thresholds of the metrics, as one line."""
        protocol = self.protocol
        excluded = excluded_text(protocol["excluded_frames"])
        frames = protocol["frames"]
        head = tr(
            "{labelled:,} of {selected:,} frames labelled ({frames}), confidence {confidence:g}, "
            "IoU {iou:g}, {convention}; AP: COCO, all stored predictions",
            labelled=protocol["labelled_frames"],
            selected=protocol["chosen_frames"],
            frames=tr("{frames}; {excluded}", frames=frames, excluded=excluded) if excluded else frames,
            confidence=protocol["confidence"],
            iou=protocol["iou_threshold"],
            convention=protocol["convention"],
        )
        if protocol["operating_point"] is not None:
            head = tr("{head}; own thresholds: {points}", head=head, points=point_text(protocol["operating_point"]))
        said = filter_text(self.truth.rules.filter)
        return f"{head}; {said}" if said else head

    def text(self) -> str:
        """The variants table, verdicts and notes; with one variant also the source article's sentence."""
        protocol, variants = self.protocol, self.values["variants"]
        parts = [
            f"{self.title}: {self._head()}\n",
            text_table(table_header(), table_rows(variants, protocol["baseline"])),
        ]
        if any(metrics.get("verdict") for metrics in variants.values()):
            parts.append(text_table(variant_table_header(), variant_table_rows(variants, protocol["baseline"])))
        parts.append(val_text(variants))
        parts += [f"{sentence}\n" for sentence in self.sentences]
        parts += [f"{note}\n" for note in speed_notes(self.speeds)]
        baseline = protocol["baseline"]
        notes = [describe_run_differences(name, baseline, self.run_differences.get(name, ())) for name in self.order]
        parts += [f"{note}\n" for note in notes if note]
        parts += [tr("Note: {note}", note=note) + "\n" for note in protocol["warnings"]]
        if len(variants) == 1:
            [only] = variants.values()
            average = tr("undefined") if only["avg_iou"] is None else f"{only['avg_iou']:.2f}"
            parts.append(tr("Average IoU across video: {average}", average=average) + "\n")
        return "".join(parts)
