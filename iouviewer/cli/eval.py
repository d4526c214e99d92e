"""The command ``eval``: options to a request, results to files and to the terminal, the condition to an exit status."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path

from iouviewer.atomic import atomic_write
from iouviewer.cli.options import Progress, existing, unique_names
from iouviewer.errors import UserError
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.run_options import RunOptions
from iouviewer.metrics.table import Convention

CONDITION_HOLDS = 3
ANALYSIS_KEYS = frozenset({"bootstrap", "confusion", "errors", "pr", "reconcile", "size_quartiles", "temporal"})
"""Metrics that are there only after an analysis."""


def read_options(args: argparse.Namespace) -> ReadOptions:
    """How files are read, from the options that ``eval`` and ``convert`` share."""
    values = vars(args)
    return ReadOptions(
        size=args.size,
        frame_count=args.count,
        class_name=args.class_name,
        class_map=_class_map(values.get("class_map", [])),
        frame_base=args.frame_base,
        missing=values.get("missing"),
        skip_bad_rows=args.skip_bad_rows,
    )


def _class_map(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for a, b in pairs:
        if found.setdefault(a, b) != b:
            raise UserError(f"--class-map maps {a!r} to {found[a]!r} and to {b!r}")
    return found


def eval_request(args: argparse.Namespace, video: Path | None, gt: Path | None) -> EvalRequest:
    """The request that ``eval`` and ``gate`` share; without ``analysis``."""
    named = unique_names([*args.pred, *args.model])
    if not named:
        raise UserError("nothing to score", remedy="Give --pred NAME=FILE or --model NAME=WEIGHTS")
    if args.model and video is None:
        raise UserError("--model needs the video")
    names = [name for name, _ in named]
    if args.baseline is not None and args.baseline not in names:
        raise UserError(f"the baseline {args.baseline!r} is no variant", remedy=f"Variants are {', '.join(names)}")
    return EvalRequest(
        video=existing(video, "the video") if video is not None else None,
        gt=existing(gt, "the ground truth") if gt is not None else None,
        preds=named[: len(args.pred)],
        models=named[len(args.pred) :],
        baseline=args.baseline,
        confidence=args.conf,
        iou_threshold=args.iou,
        convention=Convention(args.convention),
        class_agnostic=args.class_agnostic,
        frames=args.frames,
        read=read_options(args),
        run=RunOptions.from_arguments(args),
    )


def _asks_for_analysis(condition: str | None) -> bool:
    """Whether a condition may refer to what only the analysis computes, which can cost a minute."""
    return condition is not None and not ANALYSIS_KEYS.isdisjoint(re.findall(r"\w+", condition))


def write_file(path: Path, data: bytes) -> None:
    """Write a file in one step."""
    with atomic_write(path) as file:
        file.write(data)


def _write_files(args: argparse.Namespace, result: EvalResult) -> None:
    if args.csv is not None:
        write_file(args.csv, result.score_csv())
    if args.pairs is not None:
        write_file(args.pairs, result.pairs_csv())
    if args.json is not None:
        write_file(args.json, result.json())
    if args.plot is not None:
        write_file(args.plot, result.plot(args.plot))
    if args.html is not None:
        write_file(args.html, result.html())


def run_eval(args: argparse.Namespace) -> int:
    """Score variants; exit status 3 if the condition of ``--fail-if`` holds."""
    for path in (args.csv, args.pairs, args.json, args.plot, args.html):
        if path is not None and not path.absolute().parent.is_dir():  # before models run for minutes
            raise UserError("the folder of this file does not exist", path=path, remedy="Make it first")
    if args.plot is not None and args.plot.suffix.lower() not in {".png", ".svg"}:
        raise UserError("a plot can be written as .png or .svg", path=args.plot)
    request = replace(
        eval_request(args, args.video, args.gt),
        target=args.target,
        analysis=args.json is not None or args.html is not None or _asks_for_analysis(args.fail_if),
    )
    with Progress("eval") as progress:
        result = evaluate(request, progress)
    # A condition that cannot be decided must not look like a finished run: it is decided before anything is printed.
    failed = args.fail_if is not None and result.condition_holds(args.fail_if)
    _write_files(args, result)
    sys.stdout.write(result.text())
    if failed:
        sys.stdout.write(f"The condition holds: {args.fail_if}\n")
        return CONDITION_HOLDS
    return 0
