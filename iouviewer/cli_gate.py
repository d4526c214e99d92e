"""The command ``gate``: 0 pass, 3 fail, 4 undecided, 2 cannot judge."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from iouviewer.cli_eval import eval_request, read_options, write_file
from iouviewer.cli_options import Progress, existing
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.gate import CANNOT, PASSED, UNDECIDED, evaluate_project, judge
from iouviewer.metrics.table import Convention
from iouviewer.reports.gate_reports import gate_junit, gate_markdown

PROJECT_SUFFIX = ".iouv"


def _result(args: argparse.Namespace, margins: dict[str, float], progress: Progress) -> EvalResult:
    source = args.source
    if source is not None and source.suffix == PROJECT_SUFFIX:
        if args.gt is not None or args.pred or args.model:
            raise UserError("a project brings its own ground truth and variants", remedy="Leave out --gt and --pred")
        request = EvalRequest(
            video=None,
            gt=None,
            baseline=args.baseline,
            confidence=args.conf,
            iou_threshold=args.iou,
            convention=Convention(args.convention),
            class_agnostic=args.class_agnostic,
            frames=args.frames,
            analysis=True,
            margins=margins,
            read=read_options(args),
        )
        return evaluate_project(existing(source, "the project"), request, progress)
    if args.gt is None:
        raise UserError("there is no ground truth", remedy="Give a project, or --gt FILE")
    return evaluate(replace(eval_request(args, source, args.gt), analysis=True, margins=margins), progress)


def run_gate(args: argparse.Namespace) -> int:
    """Judge all variants against the baseline."""
    margins = args.margin or dict(DEFAULT_MARGINS)
    with Progress("gate") as progress:
        result = _result(args, margins, progress)
    gate = judge(result, margins)
    undecided_fails = args.undecided == "fail"
    if args.md is not None:
        write_file(args.md, gate_markdown(gate.judgements, title=f"iouviewer gate: {result.title}"))
    if args.junit is not None:
        write_file(args.junit, gate_junit(gate.judgements, undecided_fails=undecided_fails))
    for judgement in gate.judgements:
        sys.stdout.write(f"{judgement.sentence}\n")
    if gate.status == CANNOT:
        raise UserError("a variant cannot be judged", remedy="The sentences above say why")
    return PASSED if gate.status == UNDECIDED and not undecided_fails else gate.status
