"""``iouviewer predict``: run models on a video and store their predictions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import (
    ProgressLine,
    add_frames_option,
    add_model_option,
    add_run_options,
    add_split_option,
    existing_video,
    variant_paths,
)
from iouviewer.i18n import tr


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


def run(args: argparse.Namespace) -> int:
    """Run the models one after the other; print one line for each."""
    from iouviewer.cli.requests import check_split, run_options
    from iouviewer.jobs.predict import PredictRequest, predict

    video = existing_video(args.video)
    check_split(args, video)
    request = PredictRequest(
        video=video,
        models=variant_paths(args.model),
        out=args.out,
        options=run_options(args),
        frames=args.frames,
        split=args.split or "val",
    )
    with ProgressLine("predict") as progress:
        runs = predict(request, progress)
    for run in runs:
        sys.stdout.write(f"{run.summary}\n")
        for note in run.notes:
            sys.stdout.write(tr("Note: {note}", note=tr("{variant}: {note}", variant=run.name, note=note)) + "\n")
    return 0
