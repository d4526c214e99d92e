"""May a variant ship? The verdicts of all variants against the baseline, closed to everything that cannot be judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.edits import FrameState
from iouviewer.errors import UserError
from iouviewer.jobs.eval_inputs import SourceFacts, Truth, VariantInput
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, score_variants
from iouviewer.jobs.frame_choice import parse_frames
from iouviewer.jobs.progress import ProgressCallback, no_progress
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
    return GateResult(tuple(judgements), UNDECIDED if str(Outcome.UNDECIDED) in outcomes else PASSED)


def _judgement(name: str, baseline: str, verdict: Mapping[str, Any] | None, margins: Mapping[str, float]) -> Judgement:
    if verdict is None:
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
    number, source = min(contents.document.sources.items())
    ground_truth = contents.document.ground_truth(number)
    labelled = np.asarray(ground_truth.states() == int(FrameState.LABELLED))
    tracks = ground_truth.columns()[3]
    truth = Truth(ground_truth.table(), labelled, contents.document.class_names, np.asarray(tracks, np.int64))
    facts = SourceFacts(source.name, source.frame_count, (source.width, source.height), source.fps)
    variants = [VariantInput(variant.name, variant.predictions, {}) for variant in contents.variants]
    names = {variant.key: variant.name for variant in contents.variants}
    wanted = request.baseline or names.get(contents.baseline)
    if wanted is not None and wanted not in names.values():
        raise UserError(f"the baseline {wanted!r} is no variant", remedy=f"Variants are {', '.join(names.values())}")
    chosen = (
        np.arange(source.frame_count) if request.frames is None else parse_frames(request.frames, source.frame_count)
    )
    return score_variants(replace(request, baseline=wanted), facts, truth, chosen, variants, progress)
