"""``iouviewer project save``: write the edits of a project into the file that its ground truth was read from."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import print_message
from iouviewer.i18n import tr


def add_options(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command and its options."""
    save = parts.add_parser(
        "save",
        help=tr("say what saving to the source would change; --write writes it"),
        description=tr(
            "Say what saving the ground truth to the file that it was read from would change, what stays as it is, and "
            "what the file cannot hold. With --write, write it: only edited lines and elements change, and the files "
            "as they were go into a zip archive first."
        ),
        allow_abbrev=False,
    )
    save.add_argument("file", type=Path, metavar="FILE", help=tr("project file (.iouv)"))
    save.add_argument("--write", action="store_true", help=tr("write the files"))
    save.add_argument(
        "--overwrite",
        action="store_true",
        help=tr("with --write: also files that changed on disk since they were read"),
    )


def run(args: argparse.Namespace) -> int:
    """Print the plan, and what was written."""
    from iouviewer.jobs.save_source import plan_for_project, save_project

    backup = None
    if args.write:
        plan, backup = save_project(args.file, overwrite=args.overwrite)
    else:
        plan = plan_for_project(args.file)
    for sentence in plan.sentences:
        sys.stdout.write(tr("{path}: {sentence}", path=plan.path, sentence=sentence) + "\n")
    if not args.write:
        for path in plan.overwritten:
            print_message(tr("{path} has changed on disk since it was read", path=path))
        for path in plan.missing:
            print_message(tr("{path} is gone and would be written again", path=path))
    if backup is not None:
        print_message(tr("the files as they were: {path}", path=backup))
    return 0
