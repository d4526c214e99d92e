"""``iouviewer gate``: decide by verdict. Exit status 0 pass, 3 fail, 4 undecided, 2 cannot judge."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from iouviewer.cli.options import (
    FRAMES_SYNTAX,
    OrderedOption,
    ProgressLine,
    add_filter_option,
    add_force_option,
    add_scoring_options,
    frame_total,
    image_size,
    named_path,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr

if TYPE_CHECKING:
    from iouviewer.jobs.gate import GateResult


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``gate``; those of one video are collected in order (``OrderedOption``)."""
    parser.add_argument(
        "sources",
        nargs="*",
        type=Path,
        metavar="VIDEO|PROJECT|DATASET",
        help=tr("one video, one or more projects, or one dataset"),
    )
    parser.set_defaults(ordered=[])
    for option, metavar, kind, text in (
        ("--gt", "FILE", Path, tr("ground truth (not with a project); if repeated, each starts another video")),
        ("--pred", "NAME=FILE", named_path, tr("predictions of one variant on the video of the preceding --gt")),
        ("--video", "FILE", Path, tr("video of the preceding --gt")),
        (
            "--frames",
            f"{FRAMES_SYNTAX}|verified",
            str,
            tr("frames to use, or the verified frames of a project; for every video if given before several --gt"),
        ),
        ("--size", "WxH", image_size, tr("frame size, if there is no video; applies like --frames")),
        ("--count", "N", frame_total, tr("number of frames, if there is no video; applies like --frames")),
    ):
        parser.add_argument(
            option, action=OrderedOption, metavar=metavar, type=kind, default=argparse.SUPPRESS, help=text
        )
    add_scoring_options(parser)
    add_filter_option(parser)
    parser.add_argument(
        "--undecided",
        choices=("fail", "warn"),
        default="fail",
        help=tr("exit status of UNDECIDED: 4 (fail) or 0 (warn)"),
    )
    parser.add_argument("--md", type=Path, metavar="FILE", help=tr("write the verdicts as Markdown"))
    parser.add_argument("--junit", type=Path, metavar="FILE", help=tr("write the verdicts as JUnit XML"))
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Judge all variants against the baseline."""
    from iouviewer.jobs.written_files import check_outputs

    values = [value for _, value in args.ordered] + list(args.model)
    named = [value[1] if isinstance(value, tuple) else value for value in values]
    inputs = [*args.sources, *(value for value in named if isinstance(value, Path))]
    check_outputs({"--md": args.md, "--junit": args.junit}, inputs, force=args.force)
    from iouviewer.cli.gate_inputs import read_videos
    from iouviewer.jobs.compare import DEFAULT_MARGINS
    from iouviewer.jobs.gate import judge

    with ProgressLine("gate") as progress:
        videos = read_videos(args, progress)
        result = judge(videos, args.margin or dict(DEFAULT_MARGINS), progress)
    return finish(args, result)


def finish(args: argparse.Namespace, result: GateResult) -> int:
    """Write and print the judgements; the exit status of the gate.

    Args:
        args: with ``undecided``, ``md`` and ``junit``.

    Raises:
        UserError: a variant cannot be judged, a report cannot be written.
    """
    from iouviewer.jobs.gate import GateStatus
    from iouviewer.jobs.written_files import write_result
    from iouviewer.reports.gate_reports import gate_junit, gate_markdown, gate_text

    undecided_fails = args.undecided == "fail"
    if args.md is not None:
        write_result(args.md, gate_markdown(result.judgements, title=result.title, notes=result.notes))
    if args.junit is not None:
        write_result(args.junit, gate_junit(result.judgements, undecided_fails=undecided_fails))
    sys.stdout.write(gate_text(result.judgements, result.notes))
    if result.status is GateStatus.CANNOT_JUDGE:
        refused = result.refused[0]
        raise UserError(
            tr("{variant} cannot be judged: {reason}", variant=refused.name, reason=refused.reason),
            remedy=refused.remedy or tr("The output above says why"),
        )
    return 0 if result.status is GateStatus.UNDECIDED and not undecided_fails else int(result.status)
