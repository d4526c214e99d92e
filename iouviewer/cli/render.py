"""``iouviewer render``: write an overlay video with boxes, IoU and variant names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import (
    FRAMES_SYNTAX,
    ProgressLine,
    add_filter_option,
    add_force_option,
    add_prediction_option,
    add_scoring_options,
    add_size_options,
    add_split_option,
    existing_video,
    frame_lists,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path

SUFFIX = ".mp4"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``render``."""
    parser.add_argument(
        "source", type=Path, metavar="VIDEO|PROJECT", help=tr("video with --gt and --pred, or a project")
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.mp4", help=tr("the overlay video"))
    parser.add_argument("--gt", type=Path, metavar="FILE", help=tr("ground truth (not with a project)"))
    add_prediction_option(parser)
    parser.add_argument("--frames", metavar=f"{FRAMES_SYNTAX}|verified", help=tr("frames to draw (default: all)"))
    parser.add_argument(
        "--panes",
        choices=("one", "each"),
        default="one",
        help=tr("all variants on one picture (the default), or a pane for each"),
    )
    add_split_option(parser)
    add_size_options(parser)
    add_scoring_options(parser)
    add_filter_option(parser)
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Draw the frames and write the video."""
    from dataclasses import replace

    import numpy as np

    from iouviewer.cli.gate_inputs import PROJECT_SUFFIX
    from iouviewer.cli.requests import eval_request
    from iouviewer.jobs.evaluate import EvalRequest, read_inputs
    from iouviewer.jobs.frame_selection import parse_frames
    from iouviewer.jobs.gate import gate_project
    from iouviewer.jobs.overlay_video import overlay_request, render_overlay
    from iouviewer.jobs.written_files import check_outputs, remember
    from iouviewer.metrics.table import Convention

    if args.out.suffix.lower() != SUFFIX:
        raise UserError(tr("an overlay video is written as .mp4"), path=args.out, remedy=tr("Choose this extension."))
    files = (args.source, args.gt, *(path for _, path in [*args.pred, *args.model]), *frame_lists(args.frames))
    check_outputs({"--out": args.out}, files, force=args.force)
    verified = None
    with ProgressLine("render") as progress:
        if args.source.suffix == PROJECT_SUFFIX:
            if args.gt is not None or args.pred or args.model:
                raise UserError(
                    tr("a project has its own ground truth and variants"),
                    remedy=tr("Leave out --gt, --pred and --model."),
                )
            project = existing_path(args.source, tr("the project does not exist"))
            request = EvalRequest(
                video=None, gt=None, baseline=args.baseline, confidence=args.conf, iou_threshold=args.iou,
                convention=Convention(args.convention), class_agnostic=args.class_agnostic, frames=args.frames,
            )  # fmt: skip
            video = gate_project(project, request)
            request, inputs = video.request, video.inputs
            if args.frames == "verified":
                verified = np.isin(np.arange(inputs.source.frame_count), inputs.frames)
        else:
            request = eval_request(args, existing_video(args.source), args.gt)
            # All frames are read: those that a variant was calibrated on are drawn too.
            inputs = read_inputs(replace(request, frames=None) if not request.models else request, progress)
        count = inputs.source.frame_count
        frames = np.arange(count) if args.frames is None else parse_frames(args.frames, count, verified)
        drawn = overlay_request(inputs, request.settings, frames, apart=args.panes == "each")
        render_overlay(replace(drawn, split=args.split or "val"), args.out, progress)
    remember(args.out)
    sys.stdout.write(tr("{path}: {count:,} frames", path=args.out, count=len(frames)) + "\n")
    return 0
