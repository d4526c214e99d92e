"""``iouviewer collect``: merge the packages of several people."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import add_force_option, fraction, print_message
from iouviewer.i18n import tr, tr_n
from iouviewer.path_texts import existing_path

CONFLICTS = 4
"""Exit status if conflicts are left to decide."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``collect``."""
    parser.description = tr(
        "Merge packages by box into a copy of the project that was split, one undoable step for each person. What two "
        "people see differently is listed: fill in the column decision with a name, or none for no box, and collect "
        "again with --decisions. Exit status 0: merged, 4: merged, but conflicts are left, 2: nothing was merged."
    )
    parser.add_argument("packages", type=Path, nargs="+", metavar="PACKAGE", help=tr("package (.iouv)"))
    parser.add_argument(
        "--owner",
        type=Path,
        metavar="FOLDER",
        help=tr("owner's folder of the split (default: owner/ by a package)"),
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=tr("project to write (default: collected.iouv in the owner's folder)")
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help=tr("how each person worked (default: people.csv there)"),
    )
    parser.add_argument(
        "--conflicts",
        type=Path,
        metavar="FILE",
        help=tr("list of conflicts (default there: conflicts.csv, with --decisions conflicts-decided.csv)"),
    )
    parser.add_argument("--decisions", type=Path, metavar="FILE", help=tr("list of conflicts with decisions"))
    parser.add_argument(
        "--agree",
        type=fraction,
        default=0.7,
        metavar="IOU",
        help=tr("least IoU of boxes that count as the same (default 0.7)"),
    )
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Merge, and write the project, the list of conflicts and the list of people."""
    from iouviewer.jobs.collect_report import conflicts_csv, people_csv
    from iouviewer.jobs.collecting import CollectRequest, collect
    from iouviewer.jobs.work_packages import OWNER_FOLDER, PLAN_FILE, STATE_FILE, read_plan
    from iouviewer.jobs.written_files import check_outputs, remember, write_result

    packages = tuple(existing_path(path, tr("there is no such package")) for path in args.packages)
    owner = args.owner or packages[0].absolute().parent / OWNER_FOLDER
    owner = existing_path(owner, tr("the owner's folder of the split is missing"))
    out = args.out or owner / "collected.iouv"
    people = args.csv or owner / "people.csv"
    listed = args.conflicts or owner / ("conflicts.csv" if args.decisions is None else "conflicts-decided.csv")
    inputs = (*packages, owner / PLAN_FILE, owner / STATE_FILE, args.decisions, Path(read_plan(owner).project))
    check_outputs({"--out": out, "--csv": people, "--conflicts": listed}, inputs, force=args.force)
    result = collect(CollectRequest(packages, out, owner, args.decisions, args.agree))
    remember(out)
    write_result(people, people_csv(result))
    write_result(listed, conflicts_csv(result))
    for note in result.notes:
        print_message(note)
    if result.missing:
        print_message(tr("not collected yet: {names}", names=", ".join(result.missing)))
    for person in result.people:
        line = tr(
            "{name}: {verified:,} of {frames:,} frames verified, {added:,} boxes added, {changed:,} changed, "
            "{deleted:,} deleted",
            name=person.name,
            verified=person.verified,
            frames=person.frames,
            added=person.added,
            changed=person.changed,
            deleted=person.deleted,
        )
        sys.stdout.write(f"{line}\n")
    conflicts = tr_n("{count} conflict", "{count:,} conflicts", len(result.conflicts))
    left = tr("{count:,} to decide", count=result.undecided)
    sys.stdout.write(tr("{file}: {conflicts}, {left}", file=out, conflicts=conflicts, left=left) + "\n")
    return CONFLICTS if result.undecided else 0
