"""An evaluation for a pull request (Markdown), a CI server (JUnit XML) and experiment trackers (JSON of numbers)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iouviewer.i18n import tr
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.data_files import json_bytes, text_bytes
from iouviewer.reports.gate_reports import Condition, Judgement, judgements_junit, markdown_text
from iouviewer.reports.variant_table import table_bytes

_NUMBERS = ("ap", "ap50", "ap75", "ar100", "pq", "avg_iou", "tp_iou", "precision", "recall", "f1", "tp", "fp", "fn")
_DELTAS = ("ap", "ap50", "pq", "avg_iou")

Variants = Mapping[str, Mapping[str, Any]]
"""Metrics by variant name, as in the report's JSON."""


def judgements_of(variants: Variants) -> list[Judgement]:
    """The verdicts of an evaluation; the baseline has none."""
    found = []
    for name, metrics in variants.items():
        verdict = metrics.get("bootstrap")
        if verdict:
            found.append(
                Judgement(
                    name,
                    Outcome(verdict["outcome"]),
                    str(verdict["sentence"]),
                    reason=str(verdict.get("reason") or ""),
                    remedy=str(verdict.get("remedy") or ""),
                    run_note=str(verdict.get("run_note") or ""),
                )
            )
    return found


def eval_markdown(values: Mapping[str, Any], *, title: str, head: str, sentences: Sequence[str]) -> bytes:
    """The table of which variant ships, the verdicts and the notes.

    Args:
        values: what ``eval --json`` writes.
        head: frames and thresholds, in one line.
        sentences: the verdicts.
    """
    protocol, variants = values["protocol"], values["variants"]
    lines = [f"## {markdown_text(tr('Scores: {title}', title=title))}", "", markdown_text(head), ""]
    lines += [table_bytes(".md", variants, protocol["baseline"]).decode().rstrip("\n"), ""]
    lines += [f"- {markdown_text(sentence)}" for sentence in sentences]
    notes = protocol["warnings"]
    if notes:
        lines += ["", f"<details><summary>{tr('Notes')}</summary>", "", *(f"- {markdown_text(one)}" for one in notes)]
        lines += ["", "</details>"]
    return text_bytes("\n".join(lines).rstrip("\n") + "\n")


def eval_junit(values: Mapping[str, Any], condition: Condition | None) -> bytes:
    """One test case for each verdict, UNDECIDED as skipped, and one for the condition of ``--fail-if``."""
    judgements = judgements_of(values["variants"])
    return judgements_junit(judgements, command="eval", undecided_fails=False, condition=condition)


def metrics_json(variants: Variants) -> bytes:
    """Numbers by variant, without texts and lists: what DVC, MLflow and Weights & Biases read from a file.

    Undefined numbers are left out. ``delta_`` are differences to the baseline; ``passes`` is 1 for PASS, 0 for FAIL.
    """
    return json_bytes({name: dict(_numbers(metrics)) for name, metrics in variants.items()})


def _numbers(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key in _NUMBERS:
        if metrics.get(key) is not None:
            yield key, metrics[key]
    for key in _DELTAS:
        value = (metrics.get("delta") or {}).get(key)
        if value is not None:
            yield f"delta_{key}", value
    speed = metrics.get("speed") or {}
    fps = speed.get("fps", metrics.get("fps"))
    if isinstance(fps, int | float):
        yield "fps", fps
    if metrics.get("verdict") in {"PASS", "FAIL"}:
        yield "passes", int(metrics["verdict"] == "PASS")
