"""``iouviewer eval``: score predictions against ground truth."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from iouviewer.cli.options import (
    ProgressLine,
    add_filter_option,
    add_force_option,
    add_frames_option,
    add_prediction_option,
    add_scoring_options,
    add_size_options,
    add_split_option,
    fraction,
    frame_lists,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr

CONDITION_HOLDS = 3
"""Exit status where ``--fail-if`` holds."""

ANALYSIS_KEYS = frozenset({"confusion", "errors", "pr", "reconcile", "size_quartiles", "temporal"})
"""Metrics that only the analysis computes."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``eval``."""
    parser.add_argument(
        "video",
        nargs="?",
        type=Path,
        metavar="VIDEO",
        help=tr("video file, folder of images, or data.yaml of a YOLO data set"),
    )
    parser.add_argument(
        "--gt", type=Path, metavar="FILE", help=tr("ground truth (default for a data.yaml: the boxes of its images)")
    )
    add_split_option(parser)
    add_prediction_option(parser)
    add_frames_option(parser)
    add_force_option(parser)
    add_size_options(parser)
    add_scoring_options(parser)
    add_filter_option(parser)
    parser.add_argument("--target", type=fraction, default=0.75, help=tr("target IoU line of the plot (default 0.75)"))
    for option, text in (
        ("--csv", tr("write IoU by frame as CSV")),
        ("--pairs", tr("write all pairs as CSV")),
        ("--json", tr("write all metrics as JSON")),
        ("--plot", tr("write the IoU plot, .png or .svg")),
        ("--html", tr("write the HTML report")),
        ("--md", tr("write table, verdicts and notes as Markdown, for a pull request")),
        ("--junit", tr("write the verdicts and the condition of --fail-if as JUnit XML")),
        ("--metrics", tr("write the numbers of all variants as flat JSON, for DVC, MLflow and others")),
        ("--table", tr("write the table of scores, speed and accuracy drop: .md, .csv, .tex, .html or .txt")),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=text)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=tr("keep predictions of --model here; kept ones are not run again")
    )
    parser.add_argument(
        "--bench", action="store_true", help=tr("also measure the speed of the models in alternating rounds")
    )
    parser.add_argument(
        "--speed",
        type=Path,
        metavar="FILE",
        help=tr("speeds measured elsewhere: speed.json of iouviewer bench, for variants of the same names"),
    )
    parser.add_argument(
        "--fail-if",
        metavar="EXPR",
        help=tr(
            'exit with status 3 if EXPR holds, for example "int8.ap50 < base.ap50 - 0.01" or "int8.verdict == \'FAIL\'"'
        ),
    )


def run(args: argparse.Namespace) -> int:
    """Score the variants, write the files and print the table; returns CONDITION_HOLDS if ``--fail-if`` holds."""
    from dataclasses import replace

    from iouviewer.cli.requests import eval_request
    from iouviewer.jobs.bench import measure_speeds
    from iouviewer.jobs.evaluate import evaluate
    from iouviewer.jobs.kept_runs import KeptRuns
    from iouviewer.jobs.written_files import check_outputs, write_result

    check_outputs(
        {
            "--csv": args.csv,
            "--pairs": args.pairs,
            "--json": args.json,
            "--plot": args.plot,
            "--html": args.html,
            "--table": args.table,
            "--md": args.md,
            "--junit": args.junit,
            "--metrics": args.metrics,
        },
        (args.video, args.gt, *(path for _, path in [*args.pred, *args.model]), args.speed, *frame_lists(args.frames)),
        force=args.force,
    )
    _check(args)
    request = replace(
        eval_request(args, args.video, args.gt),
        target=args.target,
        verdicts=True,
        kept=None if args.out is None else KeptRuns(args.out, force=args.force),
        speed_file=args.speed,
        analysis=args.json is not None or args.html is not None or _needs_analysis(args.fail_if),
    )
    with ProgressLine("eval") as progress:
        result = evaluate(request, progress)
        if args.bench:
            result = result.with_speeds(measure_speeds(request, progress))
    # Evaluate the condition before anything is printed: one with an error must not look like a finished run.
    condition_holds = args.fail_if is not None and result.condition_holds(args.fail_if)
    for path, contents in (
        (args.csv, result.score_csv),
        (args.pairs, result.pairs_csv),
        (args.json, result.json),
        (args.plot, lambda: result.plot(args.plot)),
        (args.html, result.html),
        (args.md, result.markdown),
        (args.junit, lambda: result.junit(args.fail_if)),
        (args.metrics, result.metrics),
        (args.table, lambda: result.table(args.table.suffix.lower())),
    ):
        if path is not None:
            write_result(path, contents())
    sys.stdout.write(result.text())
    if condition_holds:
        sys.stdout.write(tr("The condition holds: {condition}", condition=args.fail_if) + "\n")
        return CONDITION_HOLDS
    return 0


def _check(args: argparse.Namespace) -> None:
    """UserError for options that cannot be used together, before anything is read."""
    from iouviewer.jobs.data_set import is_data_yaml
    from iouviewer.reports.variant_table import FORMATS

    if args.plot is not None and args.plot.suffix.lower() not in {".png", ".svg"}:
        raise UserError(
            tr("a plot can be written as .png or .svg"), path=args.plot, remedy=tr("Choose one of these extensions.")
        )
    if args.table is not None and args.table.suffix.lower() not in FORMATS:
        raise UserError(
            tr("the table can be written as {endings}", endings=", ".join(FORMATS)),
            path=args.table,
            remedy=tr("Choose one of these extensions."),
        )
    if (args.out is not None or args.bench) and not args.model:
        raise UserError(tr("--out and --bench need --model"), remedy=tr("Give --model NAME=WEIGHTS."))
    if args.speed is not None:
        _check_speed_file(args)
    if args.gt is None and not is_data_yaml(args.video):
        raise UserError(
            tr("there is no ground truth"),
            remedy=tr("Give --gt FILE, or the data.yaml of a YOLO data set in place of the video."),
        )


def _check_speed_file(args: argparse.Namespace) -> None:
    """UserError for a file of speeds that cannot be used, before the long part of the work."""
    from iouviewer.cli.options import variant_paths
    from iouviewer.jobs.speeds import assign_speeds, read_speeds

    models = [name for name, _ in variant_paths(args.model)]
    names = [name for name, _ in variant_paths([*args.pred, *args.model])]
    assigned, _ = assign_speeds(read_speeds(args.speed), {name: name for name in names}, args.speed)
    twice = [name for name in models if args.bench and name in assigned]
    if twice:
        raise UserError(
            tr("--bench measures {names}, and the file has speeds of the same names", names=", ".join(twice)),
            path=args.speed,
            remedy=tr("Leave out --bench or --speed, or name the model differently."),
        )


def _needs_analysis(condition: str | None) -> bool:
    """Whether a condition may refer to results of the analysis, which can take a minute."""
    return condition is not None and not ANALYSIS_KEYS.isdisjoint(re.findall(r"\w+", condition))
