"""Decisions about problems as a CSV and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from iouviewer.reports.data_files import csv_bytes, name_cell

_HEADER = ("frameID", "problem", "decision", "class", "track", "x1", "y1", "x2", "y2", "author", "time", "holds")


@dataclass(frozen=True, slots=True)
class ReportDecision:
    """One decision.

    Attributes:
        problem: the kind of problem in the words of the window, empty where unknown.
        decision: ``right``, ``unclear``, ``fixed`` or ``corrected``.
        track: None without one.
        rect: of the problem in pixels, None where unknown.
        when: seconds since the epoch, 0 where unknown.
        holds: none of its boxes has changed since.
    """

    frame: int
    problem: str
    decision: str
    class_name: str
    track: int | None
    rect: tuple[float, float, float, float] | None
    author: str
    when: float
    holds: bool

    @property
    def time(self) -> str:
        """ISO 8601 in UTC, to the second; empty where unknown."""
        return f"{datetime.fromtimestamp(self.when, UTC):%Y-%m-%dT%H:%M:%SZ}" if self.when else ""


def decisions_csv(decisions: Iterable[ReportDecision]) -> bytes:
    """The file with one row a decision; unknown is blank, ``holds`` is 0 or 1."""
    return csv_bytes(
        _HEADER,
        (
            (
                str(one.frame),
                name_cell(one.problem),
                one.decision,
                name_cell(one.class_name),
                "" if one.track is None else str(one.track),
                *(("",) * 4 if one.rect is None else (f"{value:g}" for value in one.rect)),
                name_cell(one.author),
                one.time,
                str(int(one.holds)),
            )
            for one in decisions
        ),
    )


def decisions_json(decisions: Sequence[ReportDecision], summary: dict[str, Any]) -> bytes:
    """The decisions with their counts."""
    rows = []
    for one in decisions:
        values = asdict(one)
        del values["when"]
        rows.append(values | {"class": values.pop("class_name"), "time": one.time or None})
    return json.dumps({"summary": summary, "decisions": rows}, ensure_ascii=False, indent=1).encode() + b"\n"
