"""The decisions of a document as rows of a report."""

from __future__ import annotations

from typing import Any

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.classes import class_name_of
from iouviewer.document.decisions import HeldDecisions, decode_decision
from iouviewer.document.document import Document
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import ProblemKind
from iouviewer.document.renumbering import problem_key_frames
from iouviewer.document.review_ledger import LedgerCounts, wilson_interval
from iouviewer.reports.decisions import ReportDecision, decisions_csv, decisions_json


def report_decisions(document: Document, source: int = 0) -> tuple[ReportDecision, ...]:
    """All decisions of a source by frame, also those that do not hold any more."""
    texts = document.decisions(source)
    held = HeldDecisions(document.ground_truth(source).find).update(texts)
    found = []
    for key, text in texts.items():
        decision, frame = decode_decision(text), next(iter(problem_key_frames([key])), None)
        if decision is None or frame is None:
            continue
        kind = key.split(":")[0] if not decision.topic else decision.topic
        topic = TOPIC_NAMES[ProblemKind[kind]] if kind in ProblemKind.__members__ else ""
        found.append(
            ReportDecision(
                frame,
                topic,
                decision.verdict.value,
                class_name_of(decision.class_id, document.class_names),
                None if decision.track == NO_TRACK else decision.track,
                decision.rect,
                decision.author,
                decision.at,
                key in held,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.frame, one.when)))


def ledger_of(document: Document, source: int = 0) -> LedgerCounts:
    """Counts of the decisions that hold."""
    return LedgerCounts.of(
        HeldDecisions(document.ground_truth(source).find).update(document.decisions(source)).values()
    )


def decision_file(document: Document, source: int, *, as_json: bool) -> bytes:
    """The file of all decisions of a source."""
    rows = report_decisions(document, source)
    if not as_json:
        return decisions_csv(rows)
    counts = ledger_of(document, source)
    low, high = wilson_interval(counts.errors, counts.total)
    summary: dict[str, Any] = {
        "decided": counts.total,
        "label_errors": counts.errors,
        "fixed": counts.fixed,
        "corrected": counts.corrected,
        "kept": counts.kept,
        "unclear": counts.unclear,
        "error_share": counts.errors / counts.total if counts.total else None,
        "error_share_95": [low, high] if counts.total else None,
    }
    return decisions_json(rows, summary)
