"""The command ``gate``: 0 pass, 3 fail, 4 undecided, 2 cannot judge."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from iouviewer.cli.eval import eval_request, write_file
from iouviewer.cli.options import Progress, existing
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import CANNOT, PASSED, UNDECIDED, GateVideo, gate_files, gate_project, judge
from iouviewer.metrics.table import Convention
from iouviewer.reports.gate_reports import gate_junit, gate_markdown, gate_text

PROJECT_SUFFIX = ".iouv"
_OF_FILES = ("class_map", "class_name", "frame_base", "missing", "skip_bad_rows", "size", "count")
"""Options that a project leaves nothing to do for."""


def _from_projects(args: argparse.Namespace, paths: list[Path]) -> list[GateVideo]:
    given = _groups(args)
    if len(given) > 1 or given[0].keys() & {"gt", "video"} or given[0]["pred"] or args.model:
        raise UserError("a project brings its own ground truth and variants", remedy="Leave out --gt and --pred")
    for option in _OF_FILES:
        if vars(args).get(option) or given[0].get(option):
            raise UserError(
                f"--{option.replace('_', '-')} says how files are read, and a project has its boxes already"
            )
    request = EvalRequest(
        video=None,
        gt=None,
        baseline=args.baseline,
        confidence=args.conf,
        iou_threshold=args.iou,
        convention=Convention(args.convention),
        class_agnostic=args.class_agnostic,
        frames=given[0]["frames"],
    )
    names = _unique([path.name for path in paths], [str(path) for path in paths])
    files = [existing(path, "the project") for path in paths]
    _refuse_twice(files)
    return [replace(gate_project(file, request), name=name) for name, file in zip(names, files, strict=True)]


def _groups(args: argparse.Namespace) -> list[dict[str, Any]]:
    """What was given for each video: each --gt begins a new one; what stands before the first --gt holds for all.

    With a single --gt the order says nothing.
    """
    every: dict[str, Any] = {"pred": [], "frames": None, "size": None, "count": None}
    found = [every]
    several = sum(name == "gt" for name, _ in args.given) > 1
    for name, value in args.given:
        if several and name == "gt":
            found.append({**every, "pred": [], "gt": value})
        elif name == "pred":
            found[-1]["pred"].append(value)
        else:
            found[-1][name] = value
    if several and (every["pred"] or "video" in every):
        raise UserError("with several --gt, give --pred and --video after the --gt that they belong to")
    return found[1:] if several else found


def _from_files(args: argparse.Namespace, videos: list[Path], progress: Progress) -> list[GateVideo]:
    groups = _groups(args)
    if "gt" not in groups[0]:
        raise UserError("there is no ground truth", remedy="Give a project, or --gt FILE")
    if len(videos) > 1 or (videos and (len(groups) > 1 or "video" in groups[0])):
        raise UserError(
            "which video belongs to which ground truth?", remedy="Give each video as --video after its --gt"
        )
    found = []
    for group in groups:
        video = videos[0] if videos else group.get("video")
        # Whether every video has the baseline is asked when all have been read, and said with the video's name.
        options = {**vars(args), **group, "baseline": args.baseline if len(groups) == 1 else None}
        request = eval_request(argparse.Namespace(**options), video, group["gt"])
        found.append((request, video or group["gt"]))
    _refuse_twice([(request.video or request.gt or Path()) for request, _ in found])
    names = _unique([path.name for _, path in found], [str(path) for _, path in found])
    read = []
    for name, (request, _) in zip(names, found, strict=True):
        read.append(gate_files(name, replace(request, baseline=args.baseline), progress))
    return read


def _unique(names: list[str], paths: list[str]) -> list[str]:
    """The names, or the whole paths where two names are the same."""
    return names if len(set(names)) == len(names) else paths


def _refuse_twice(paths: list[Path]) -> None:
    """The same video twice would pass for twice the evidence."""
    for number, path in enumerate(paths):
        if any(path.resolve() == other.resolve() for other in paths[:number]):
            raise UserError("it was given twice", path=path, remedy="Give each video once")


def _videos(args: argparse.Namespace, progress: Progress) -> list[GateVideo]:
    projects = [path for path in args.sources if path.suffix == PROJECT_SUFFIX]
    if not projects:
        return _from_files(args, args.sources, progress)
    if len(projects) < len(args.sources):
        raise UserError("projects and videos cannot be mixed", remedy="Give projects only, or --video after each --gt")
    return _from_projects(args, projects)


def run_gate(args: argparse.Namespace) -> int:
    """Judge all variants against the baseline."""
    margins = args.margin or dict(DEFAULT_MARGINS)
    for path in (args.md, args.junit):
        if path is not None and not path.absolute().parent.is_dir():  # before models run for minutes
            raise UserError("the folder of this file does not exist", path=path, remedy="Make it first")
    with Progress("gate") as progress:
        videos = _videos(args, progress)
        gate = judge(videos, margins, progress)
    undecided_fails = args.undecided == "fail"
    if args.md is not None:
        title = videos[0].name if len(videos) == 1 else f"{len(videos)} videos"
        write_file(args.md, gate_markdown(gate.judgements, title=f"iouviewer gate: {title}", notes=gate.notes))
    if args.junit is not None:
        write_file(args.junit, gate_junit(gate.judgements, undecided_fails=undecided_fails))
    sys.stdout.write(gate_text(gate.judgements, gate.notes))
    if gate.status == CANNOT:
        raise UserError("a variant cannot be judged", remedy="The sentences above say why")
    return PASSED if gate.status == UNDECIDED and not undecided_fails else gate.status
