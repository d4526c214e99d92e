"""``iouviewer predict``: run models on a video and store their predictions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import (
    ProgressLine,
    add_force_option,
    add_frames_option,
    add_model_option,
    add_run_options,
    add_split_option,
    existing_video,
    frame_lists,
    print_message,
    variant_paths,
)
from iouviewer.i18n import tr

FAILED = 2
"""Exit status if a model failed; the predictions of the others are complete."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``predict``."""
    parser.add_argument(
        "video", type=Path, metavar="VIDEO", help=tr("video file, folder of images, or data.yaml of a YOLO data set")
    )
    add_model_option(parser, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=tr("folder for NAME.json and NAME.txt"))
    add_run_options(parser)
    add_frames_option(parser)
    add_split_option(parser)
    parser.add_argument(
        "--resume", action="store_true", help=tr("continue runs in DIR that were interrupted: run only missing frames")
    )
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Run the models one after the other; print one line for each. Returns FAILED if one failed."""
    from iouviewer.cli.requests import check_split, run_options
    from iouviewer.jobs.predict import RUN_ENDINGS, PredictRequest, predict
    from iouviewer.jobs.written_files import check_outputs

    video = existing_video(args.video)
    check_split(args, video)
    request = PredictRequest(
        video=video,
        models=variant_paths(args.model),
        out=args.out,
        options=run_options(args),
        frames=args.frames,
        split=args.split or "val",
        resume=args.resume,
    )
    if args.out.is_dir():
        outputs = {f"{name}{end}": args.out / f"{name}{end}" for name, _ in request.models for end in RUN_ENDINGS}
        check_outputs(
            outputs,
            (video, *(path for _, path in request.models), *frame_lists(args.frames)),
            force=args.force,
        )
    with ProgressLine("predict") as progress:
        result = predict(request, progress)
    for run in result.runs:
        sys.stdout.write(f"{run.summary}\n")
        for note in run.notes:
            sys.stdout.write(tr("Note: {note}", note=tr("{variant}: {note}", variant=run.name, note=note)) + "\n")
    for failure in result.failures:
        print_message(str(failure))
    return FAILED if result.failures else 0
