"""Reads the videos of ``iouviewer gate`` from projects, or from files grouped by ``--gt``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from iouviewer.cli.options import ProgressLine
from iouviewer.cli.requests import eval_request
from iouviewer.document.filter_line import parse_filter
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.dataset import dataset_videos, is_dataset
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import UnreadVideo, gate_files, gate_project
from iouviewer.metrics.table import Convention
from iouviewer.path_texts import existing_path

PROJECT_SUFFIX = ".iouv"
FILE_OPTIONS = (
    *("class_map", "class_name", "frame_base", "missing", "skip_bad_rows", "size", "count", "shift", "stride"),
    *("file_fps", "file_size", "name_number", "task", "scale_boxes", "use_times", "images_by", "accept_differences"),
    *("columns", "shapes"),
)
"""Options about reading files, which a project does not need."""


def read_videos(args: argparse.Namespace, progress: ProgressLine) -> list[UnreadVideo]:
    """All videos that the options name; several are read when their turn comes.

    Raises:
        UserError: contradictory options, the same video twice, or a file that cannot be read.
    """
    datasets = [path for path in args.sources if is_dataset(path)]
    if datasets and len(args.sources) > 1:
        raise UserError(
            tr("a dataset is judged alone"),
            remedy=tr("Give one dataset, or add the other sources to it in the window."),
        )
    projects = [path for path in args.sources if path.suffix == PROJECT_SUFFIX]
    if datasets:
        return dataset_videos(existing_path(datasets[0], tr("the dataset does not exist")), _project_request(args))
    if not projects:
        return _from_files(args, args.sources, progress)
    if len(projects) < len(args.sources):
        raise UserError(
            tr("projects and videos cannot be mixed"),
            remedy=tr("Give only projects, or give each video as --video after its --gt."),
        )
    return _from_projects(args, projects)


def _from_projects(args: argparse.Namespace, paths: list[Path]) -> list[UnreadVideo]:
    request = _project_request(args)
    names = _unique_names(paths)
    files = [existing_path(path, tr("the project does not exist")) for path in paths]
    _refuse_duplicates(files)
    return [
        UnreadVideo(name, request, partial(gate_project, file, request))
        for name, file in zip(names, files, strict=True)
    ]


def _project_request(args: argparse.Namespace) -> EvalRequest:
    """How to compare projects; UserError for options that apply only to files."""
    groups = _groups(args)
    if len(groups) > 1 or groups[0].keys() & {"gt", "video"} or groups[0]["pred"] or args.model:
        raise UserError(
            tr("a project has its own ground truth and variants"),
            remedy=tr("Leave out --gt, --video, --pred and --model."),
        )
    for name in FILE_OPTIONS:
        if vars(args).get(name) or groups[0].get(name):
            option = f"--{name.replace('_', '-')}"
            raise UserError(
                tr("{option} applies only to files, not to a project", option=option),
                remedy=tr("Leave out {option}.", option=option),
            )
    return EvalRequest(
        video=None,
        gt=None,
        baseline=args.baseline,
        confidence=args.conf,
        iou_threshold=args.iou,
        convention=Convention(args.convention),
        class_agnostic=args.class_agnostic,
        frames=groups[0]["frames"],
        filter=parse_filter(args.filter).text,
        read=ReadOptions(only_classes=tuple(args.only_classes), strict=args.strict),
    )


def _groups(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The options of each video: each --gt starts a video; options before the first --gt apply to every video.

    With a single --gt the order does not matter.
    """
    shared: dict[str, Any] = {"pred": [], "frames": None, "size": None, "count": None}
    groups = [shared]
    several = sum(name == "gt" for name, _ in args.ordered) > 1
    for name, value in args.ordered:
        if several and name == "gt":
            groups.append({**shared, "pred": [], "gt": value})
        elif name == "pred":
            groups[-1]["pred"].append(value)
        else:
            groups[-1][name] = value
    if several and (shared["pred"] or "video" in shared):
        raise UserError(tr("with several --gt, give each --pred and --video after the --gt of its video"))
    return groups[1:] if several else groups


def _from_files(args: argparse.Namespace, videos: list[Path], progress: ProgressLine) -> list[UnreadVideo]:
    groups = _groups(args)
    if "gt" not in groups[0]:
        raise UserError(tr("there is no ground truth"), remedy=tr("Give a project, or --gt FILE."))
    if len(videos) > 1 or (videos and (len(groups) > 1 or "video" in groups[0])):
        raise UserError(
            tr("it is not clear which video belongs to which ground truth"),
            remedy=tr("Give each video as --video after its --gt."),
        )
    requests, paths = [], []
    for group in groups:
        video = videos[0] if videos else group.get("video")
        # With several videos, ``judge`` checks the baseline: it names the video that lacks it.
        options = {**vars(args), **group, "baseline": args.baseline if len(groups) == 1 else None}
        requests.append(eval_request(argparse.Namespace(**options), video, group["gt"]))
        paths.append(video or group["gt"])
    _refuse_duplicates([(request.video or request.gt or Path()) for request in requests])
    requests = [replace(request, baseline=args.baseline) for request in requests]
    return [
        UnreadVideo(name, request, partial(gate_files, name, request, progress))
        for name, request in zip(_unique_names(paths), requests, strict=True)
    ]


def _unique_names(paths: list[Path]) -> list[str]:
    """File names, or whole paths where two files have the same name."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _refuse_duplicates(paths: list[Path]) -> None:
    """Raise UserError if two paths are the same file, as the same video twice would count as twice the evidence."""
    for number, path in enumerate(paths):
        if any(path.resolve() == other.resolve() for other in paths[:number]):
            raise UserError(tr("given twice"), path=path, remedy=tr("Give each video once."))
