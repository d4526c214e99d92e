"""``iouviewer bench``: measure the speed of models side by side."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from iouviewer.cli.options import (
    ProgressLine,
    add_force_option,
    add_model_option,
    add_run_options,
    existing_video,
    positive_integer,
    print_message,
    variant_paths,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``bench``."""
    parser.description = tr(
        "Measure the speed of models side by side: in each round every model processes the same frames, and odd rounds "
        "go through the models backwards. The ratio to the baseline has a 95 %% interval from the rounds."
    )
    parser.add_argument("video", type=Path, metavar="VIDEO", help=tr("video file or folder of images"))
    add_model_option(parser, required=True)
    parser.add_argument("--baseline", metavar="NAME", help=tr("model to compare with (default: the first)"))
    parser.add_argument("--rounds", type=positive_integer, default=10, help=tr("alternating rounds (default 10)"))
    parser.add_argument(
        "--round-frames", type=positive_integer, default=20, metavar="N", help=tr("frames of a round (default 20)")
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help=tr("write all figures as JSON"))
    add_run_options(parser)
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print the table."""
    from iouviewer.cli.requests import run_options
    from iouviewer.jobs.bench import MIN_ROUNDS, BenchRequest, bench, bench_rows, bench_values
    from iouviewer.jobs.written_files import check_outputs, write_result
    from iouviewer.reports.text_table import text_table

    video = existing_video(args.video)
    models = variant_paths(args.model)
    if args.rounds < MIN_ROUNDS:
        raise UserError(tr("an interval needs at least {count} rounds", count=MIN_ROUNDS))
    check_outputs({"--json": args.json}, (video, *(path for _, path in models)), force=args.force)
    request = BenchRequest(
        video, models, run_options(args), args.baseline or models[0][0], args.rounds, args.round_frames
    )
    with ProgressLine("bench") as progress:
        result = bench(request, progress)
    if args.json is not None:
        write_result(args.json, json.dumps(bench_values(result), indent=1).encode())
    sys.stdout.write(text_table(*bench_rows(result)) + "\n")
    sys.stdout.write(
        tr(
            "{hardware}, batch 1, {rounds} rounds of {frames} frames",
            hardware=result.hardware,
            rounds=args.rounds,
            frames=args.round_frames,
        )
        + "\n"
    )
    for speed in result.speeds:
        if speed.reason:
            sys.stdout.write(tr("{name}: {reason}", name=speed.name, reason=speed.reason) + "\n")
    for warning in result.warnings:
        print_message(warning)
    return 0
