"""May a variant ship? The verdicts of all variants against the baseline, closed to everything that cannot be judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.jobs.report import evaluate_document
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.gate_reports import CANNOT_JUDGE, Judgement

PASSED, CANNOT, FAILED, UNDECIDED = 0, 2, 3, 4
"""Exit status of the gate."""


@dataclass(frozen=True)
class GateResult:
    """All judgements and what they come to.

    Attributes:
        status: PASSED, FAILED, UNDECIDED or CANNOT: the worst judgement decides, and CANNOT is worse than all.
    """

    judgements: tuple[Judgement, ...]
    status: int


def judge(result: EvalResult, margins: Mapping[str, float]) -> GateResult:
    """Judge every variant but the baseline; a metric that is undefined, or no common frame, cannot be judged."""
    judgements = []
    for score in result.scores[1:]:
        judgements.append(_judgement(score.name, result.scores[0].name, score.metrics.get("bootstrap"), margins))
    outcomes = {judgement.outcome for judgement in judgements}
    if not judgements:
        raise UserError("there is nothing to judge but the baseline", remedy="Give a second --pred NAME=FILE")
    if CANNOT_JUDGE in outcomes:
        return GateResult(tuple(judgements), CANNOT)
    if str(Outcome.FAIL) in outcomes:
        return GateResult(tuple(judgements), FAILED)
    # Fails closed: only a PASS of all passes.
    return GateResult(tuple(judgements), PASSED if outcomes == {str(Outcome.PASS)} else UNDECIDED)


def _judgement(name: str, baseline: str, verdict: Mapping[str, Any] | None, margins: Mapping[str, float]) -> Judgement:
    if verdict is None or verdict["outcome"] is None:
        return Judgement(name, CANNOT_JUDGE, f"{name}: cannot be judged: no labelled frame that {baseline} covers too")
    undefined = [metric for metric in margins if verdict["metrics"][metric]["points"] is None]
    if undefined:
        text = f"{name}: cannot be judged against {baseline}: {', '.join(undefined)} undefined"
        return Judgement(name, CANNOT_JUDGE, text)
    return Judgement(name, str(verdict["outcome"]), str(verdict["sentence"]))


def evaluate_project(path: Path, request: EvalRequest, progress: ProgressCallback = no_progress) -> EvalResult:
    """Score the variants that a project file holds; the file itself is only read, from a backup copy.

    Raises:
        UserError: a file that is no project, no ground truth or no variants in it.
    """
    from iouviewer.project.store import ProjectFile

    with tempfile.TemporaryDirectory(prefix="iouviewer-gate-") as folder:
        project = ProjectFile.copy_of(path, Path(folder) / "copy.iouv")
        try:
            contents = project.load()
        finally:
            project.close()
    if not contents.variants:
        raise UserError("the project holds no variants", path=path)
    source = min(contents.document.sources)
    return evaluate_document(
        contents.document,
        contents.variants,
        baseline=contents.baseline,
        request=request,
        source=source,
        progress=progress,
    )
