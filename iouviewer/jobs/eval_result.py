"""What an evaluation hands back, and the files that are made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.jobs.eval_inputs import Truth
from iouviewer.jobs.fail_if import condition_holds
from iouviewer.jobs.scoring import VariantScore
from iouviewer.metrics.table import Int
from iouviewer.reports.html import html_bytes
from iouviewer.reports.json_report import json_bytes
from iouviewer.reports.pairs_csv import PairRow, pairs_csv
from iouviewer.reports.plot import plot_bytes
from iouviewer.reports.score_csv import score_csv
from iouviewer.reports.series import FrameSeries
from iouviewer.reports.text_table import HEADER, table_rows, text_table


@dataclass(frozen=True)
class EvalResult:
    """Numbers of all variants.

    Attributes:
        title: of plot and report.
        chosen: (n,) int64, frames that were chosen.
        scores: one a variant, the baseline first.
        deltas: difference to the baseline of each of ``scores``, None for the baseline itself.
        order: names in the order in which they were given.
        target: IoU drawn as the target.
        protocol: how the numbers were made.
    """

    title: str
    truth: Truth
    chosen: Int
    scores: tuple[VariantScore, ...]
    deltas: tuple[Mapping[str, Any] | None, ...]
    order: tuple[str, ...]
    target: float
    protocol: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """What ``eval --json`` writes."""
        by_name = {
            score.name: {**score.metrics, "delta": delta} for score, delta in zip(self.scores, self.deltas, strict=True)
        }
        return {"variants": {name: by_name[name] for name in self.order}, "protocol": dict(self.protocol)}

    def series(self) -> list[FrameSeries]:
        """Numbers by chosen frame, the baseline first."""
        return [score.series(self.chosen) for score in self.scores]

    def _pair_rows(self) -> Iterator[PairRow]:
        for score in self.scores:
            yield from score.pair_rows(self.truth)

    def score_csv(self) -> bytes:
        """The score CSV."""
        return score_csv(
            self.chosen, self.truth.states(self.chosen), self.truth.counted_boxes()[self.chosen], self.series()
        )

    def pairs_csv(self) -> bytes:
        """All pairs."""
        return pairs_csv(self._pair_rows())

    def json(self) -> bytes:
        """All numbers."""
        return json_bytes(self.values)

    def plot(self, path: Path | str) -> bytes:
        """The plot, in the format that the extension names."""
        return plot_bytes(path, self.chosen, self.series(), title=self._plot_title(), target=self.target)

    def html(self) -> bytes:
        """The report."""
        return html_bytes(
            self.values, self.chosen, self.series(), title=self.title, head=self._head(), target=self.target
        )

    def sentences(self) -> list[str]:
        """The verdicts in words, where there was an analysis."""
        verdicts = [score.metrics.get("bootstrap") for score in self.scores]
        return [str(verdict["sentence"]) for verdict in verdicts if verdict is not None]

    def _common_ground(self) -> Iterator[str]:
        """On what a difference was computed, where that is not what the variant's own numbers stand on."""
        for score, delta in zip(self.scores, self.deltas, strict=True):
            if delta is None:
                continue
            limits = []
            if delta["floor"] is not None:
                limits.append(f"score floor {delta['floor']:.4g}")
            if delta["cap"] is not None:
                limits.append(f"cap of {delta['cap']} boxes a frame")
            if delta["frames"] != score.metrics["frames"]:
                limits.append(f"{delta['frames']} frames")
            if delta["classes_disregarded"]:
                yield f"{score.name}: Δ without regard to class, since predictions of one of the two carry none"
            if limits:
                yield f"{score.name}: Δ at the common {', '.join(limits)}"

    def _plot_title(self) -> str:
        return f"IoU by frame: {self.title}"

    def condition_holds(self, text: str) -> bool:
        """Whether a condition holds (``jobs.fail_if``)."""
        return condition_holds(text, self.values["variants"])

    def _head(self) -> str:
        """On which frames and at which thresholds the numbers stand."""
        protocol = self.protocol
        return (
            f"{protocol['labelled_frames']} labelled of {protocol['chosen_frames']} frames ({protocol['frames']}), "
            f"confidence {protocol['confidence']:g}, IoU {protocol['iou_threshold']:g}, {protocol['convention']}; "
            "AP: COCO, every stored prediction"
        )

    def text(self) -> str:
        """The variants table, what has to be known of it, and with one variant the source article's sentence."""
        protocol, variants = self.protocol, self.values["variants"]
        parts = [f"{self.title}: {self._head()}\n", text_table(HEADER, table_rows(variants, protocol["baseline"]))]
        parts += [f"{sentence}\n" for sentence in self.sentences()]
        parts += [f"Note: {warning}\n" for warning in (*protocol["warnings"], *self._common_ground())]
        if len(variants) == 1:
            [only] = variants.values()
            average = "undefined" if only["avg_iou"] is None else f"{only['avg_iou']:.2f}"
            parts.append(f"Average IoU across video: {average}\n")
        return "".join(parts)
