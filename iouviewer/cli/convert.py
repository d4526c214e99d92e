"""``iouviewer convert``: write boxes in another format."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from iouviewer.cli.options import (
    FRAMES_SYNTAX,
    add_force_option,
    add_import_options,
    add_size_options,
    existing_video,
    frame_lists,
    print_message,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path


class _WritableFormats:
    """Keys of the formats that can be written, from the registry, which is loaded when a key or ``--help`` asks."""

    def __iter__(self) -> Iterator[str]:
        from iouviewer.jobs.box_files import formats

        return (one.key for one in formats() if one.can_write)

    def __contains__(self, key: object) -> bool:
        return key in list(self)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``convert``."""
    parser.usage = "%(prog)s [-h] --to FORMAT [OPTION ...] [VIDEO] IN OUT"
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="[VIDEO] IN OUT",
        help=tr("video (optional), file or project to read, file or folder to write"),
    )
    parser.add_argument(
        "--to", choices=_WritableFormats(), metavar="FORMAT", required=True, help=tr("format to write: %(choices)s")
    )
    parser.add_argument(
        "--frames", metavar=f"{FRAMES_SYNTAX}|verified", help=tr("frames to write; only of a project (default: all)")
    )
    add_import_options(parser)
    add_size_options(parser)
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Convert one file; notes about skipped content go to stderr."""
    from iouviewer.cli.gate_inputs import PROJECT_SUFFIX
    from iouviewer.cli.requests import read_options
    from iouviewer.jobs.convert import ConvertRequest, convert
    from iouviewer.jobs.written_files import check_outputs, remember

    if len(args.paths) not in {2, 3}:
        raise UserError(
            tr("expected two or three paths: [VIDEO] IN OUT"),
            remedy=tr("See {command} --help.", command="iouviewer convert"),
        )
    *videos, source, target = args.paths
    if source.suffix == PROJECT_SUFFIX:
        return _convert_project(args, source, target)
    if args.frames is not None:
        raise UserError(tr("--frames chooses frames of a project"), remedy=tr("Leave it out, or convert a project."))
    video = existing_video(videos[0]) if videos else None
    source = existing_path(source, tr("the file to convert does not exist"))
    check_outputs({"OUT": target}, (video, source), force=args.force)
    result = convert(ConvertRequest(video, source, target, args.to, read_options(args)))
    remember(target)
    for note in result.notes:
        print_message(note)
    sys.stdout.write(f"{result.summary}\n")
    return 0


def _convert_project(args: argparse.Namespace, project: Path, target: Path) -> int:
    """Write the ground truth of a project."""
    from iouviewer.jobs.convert_project import convert_project
    from iouviewer.jobs.written_files import check_outputs, remember

    if len(args.paths) > 2:
        raise UserError(tr("a project has its own video"), remedy=tr("Leave out the video."))
    project = existing_path(project, tr("the project does not exist"))
    check_outputs({"OUT": target}, (project, *frame_lists(args.frames)), force=args.force)
    result = convert_project(project, target, args.to, args.frames)
    remember(target)
    for note in result.notes:
        print_message(note)
    sys.stdout.write(f"{result.summary}\n")
    return 0
