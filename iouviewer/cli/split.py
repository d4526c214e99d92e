"""``iouviewer split``: split the frames of a project among several people."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from iouviewer.cli.options import FRAMES_SYNTAX, positive_integer
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path

_NAME = re.compile(r"[^\x00-\x1f<>:\"/\\|?*.-][^\x00-\x1f<>:\"/\\|?*]{0,79}")

_RESERVED = frozenset({"none", "project", "owner"})
"""Names that mean something else in the list of conflicts or as a file."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``split``."""
    parser.description = tr(
        "Write one project file for each person: a part of the frames, the classes and the guidelines. Send them "
        "together with the video; `iouviewer collect` merges them again. The folder owner/ stays with you: it names "
        "the gold frames. The project itself is not changed."
    )
    parser.add_argument("project", type=Path, metavar="PROJECT", help=tr("project file (.iouv)"))
    parser.add_argument("--people", type=people, metavar="N|NAMES", help=tr("their number, or names: ann,ben,cleo"))
    parser.add_argument(
        "--overlap",
        type=frame_number,
        default=30,
        metavar="N",
        help=tr("frames that two neighbours share, to measure their agreement (default 30)"),
    )
    parser.add_argument(
        "--gold",
        type=share,
        default=0.0,
        metavar="P%",
        help=tr("share of hidden gold frames, which you have verified already (default 0)"),
    )
    parser.add_argument("--guidelines", type=Path, metavar="FILE", help=tr("text for everybody, shown as a note"))
    parser.add_argument(
        "--frames", metavar=FRAMES_SYNTAX, help=tr("only these frames (default: all that are not verified)")
    )
    parser.add_argument(
        "--returned",
        action="store_true",
        help=tr("only frames that you returned with a note, each to the person who had it"),
    )
    parser.add_argument("--predictions", action="store_true", help=tr("include the predictions of the variants"))
    parser.add_argument("--seed", type=frame_number, default=0, help=tr("of the choice of gold frames (default 0)"))
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=tr("new folder (default: PROJECT.packages)"))


def people(text: str) -> tuple[str, ...]:
    """Names of people, or as many as a number says."""
    from iouviewer.jobs.work_packages import default_names

    if text.strip().isdecimal():
        return default_names(positive_integer(text))
    names = tuple(name.strip() for name in text.split(","))
    wrong = [name for name in names if not _NAME.fullmatch(name) or name.casefold() in _RESERVED]
    if wrong or len({name.casefold() for name in names}) != len(names):
        if wrong:
            raise argparse.ArgumentTypeError(tr("{name!r} cannot be a person's name", name=wrong[0]))
        raise argparse.ArgumentTypeError(tr("two people have the same name"))
    return names


def frame_number(text: str) -> int:
    """An integer of at least 0."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(tr("{text!r} must be an integer of at least 0", text=text))
    return int(text)


def share(text: str) -> float:
    """A share as ``2%`` or ``0.02``."""
    number = text.strip()
    try:
        value = float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(tr("{text!r} must be a share of at most 50 %, such as 2%", text=text))
    return value


def run(args: argparse.Namespace) -> int:
    """Write the packages; one line for each."""
    from iouviewer.jobs.work_packages import SplitRequest, split

    project = existing_path(args.project, tr("there is no such project file"))
    if (args.people is None) is not args.returned:
        raise UserError(
            tr("--people and --returned exclude each other: give one of them"),
            remedy=tr("--returned gives each frame to the person who had it."),
        )
    out = args.out or project.with_name(f"{project.stem}.packages")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(tr("the folder for the packages is not empty"), path=out, remedy=tr("Choose another --out."))
    result = split(
        SplitRequest(
            project,
            out,
            args.people or (),
            args.overlap,
            args.gold,
            args.seed,
            args.frames,
            args.guidelines,
            args.returned,
            args.predictions,
        )
    )
    for line in result.lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(tr("Packages are in {folder}. Keep its folder owner/ to yourself.", folder=out) + "\n")
    return 0
