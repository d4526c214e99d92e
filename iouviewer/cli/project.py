"""``iouviewer project``: verify a project file (``check``), or save it to its source (``save``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli import save_source
from iouviewer.i18n import tr

DAMAGED = 3
"""Exit status if a project is damaged."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``project``."""
    parts = parser.add_subparsers(dest="part", metavar="COMMAND", required=True)
    text = tr("verify every row of a project file: exit status 0 intact, 3 damaged, 2 cannot be checked")
    check = parts.add_parser(
        "check",
        help=text,
        description=tr(
            "Verify the structure and every row of a project file, without changing it. One line for each finding; "
            "where boxes are lost, it names the frames. Exit status 0: intact, 3: damaged, 2: cannot be checked."
        ),
        allow_abbrev=False,
    )
    check.add_argument("file", type=Path, metavar="FILE", help=tr("project file (.iouv)"))
    save_source.add_options(parts)


def run(args: argparse.Namespace) -> int:
    """Print one line for each finding, and what the file holds."""
    if args.part == "save":
        return save_source.run(args)
    from iouviewer.project.checking import check_file

    report = check_file(args.file)
    for finding in report.findings:
        sys.stdout.write(tr("{file}: {finding}", file=args.file.name, finding=finding) + "\n")
    state = tr("damaged") if report.findings else tr("intact")
    sys.stdout.write(tr("{file}: {state}; {summary}", file=args.file.name, state=state, summary=report.summary) + "\n")
    return DAMAGED if report.findings else 0
