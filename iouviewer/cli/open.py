"""``iouviewer open``: the window."""

from __future__ import annotations

import argparse
from pathlib import Path

from iouviewer.cli import display
from iouviewer.cli.options import (
    add_model_option,
    add_prediction_option,
    existing_ground_truth,
    variant_paths,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``open``."""
    parser.add_argument(
        "video",
        nargs="?",
        type=Path,
        metavar="VIDEO|PROJECT|DATASET",
        help=tr("video, folder of images, project file or dataset"),
    )
    parser.add_argument("--gt", type=Path, metavar="FILE", help=tr("ground truth"))
    add_prediction_option(parser)
    add_model_option(parser)
    parser.add_argument("--project", type=Path, metavar="FILE", help=tr("project file to open or create"))


def _alone(args: argparse.Namespace, dataset: Path) -> Path:
    """The dataset; UserError for options that belong to a single video."""
    if args.gt is not None or args.pred or args.model or args.project is not None:
        raise UserError(
            tr("a dataset has the ground truth and variants of its sources"),
            remedy=tr("Leave out --gt, --pred, --model and --project."),
        )
    return dataset


def run(args: argparse.Namespace) -> int:
    """Show the window."""
    from iouviewer.jobs.requests import OpenRequest

    video: Path | None = args.video
    project: Path | None = args.project.absolute() if args.project is not None else None
    if video is not None:
        video = existing_path(video, tr("the file to open does not exist"))
        if video.suffix == ".ioudataset":
            return display.show_window(OpenRequest(dataset=_alone(args, video)))
        if video.suffix == ".iouv":
            if project is not None:
                raise UserError(
                    tr("two projects were given"), remedy=tr("Leave out --project, or give the video instead.")
                )
            video, project = None, video
    gt = existing_ground_truth(args.gt) if args.gt is not None else None
    named = variant_paths([*args.pred, *args.model])
    preds, models = named[: len(args.pred)], named[len(args.pred) :]
    return display.show_window(OpenRequest(video=video, gt=gt, preds=preds, models=models, project=project))
