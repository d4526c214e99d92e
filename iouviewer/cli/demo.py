"""``iouviewer demo``: the bundled sample in the window, or its results as files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli import display
from iouviewer.cli.options import ProgressLine, add_force_option
from iouviewer.errors import UserError
from iouviewer.i18n import tr


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``demo``."""
    parser.add_argument("--headless", action="store_true", help=tr("write the results without a window, then exit"))
    parser.add_argument("--out", type=Path, metavar="DIR", help=tr("folder for the results (default demo-results)"))
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Open the sample, or score it and write the results."""
    if not args.headless:
        if args.out is not None:
            raise UserError(tr("--out needs --headless"), remedy=tr("In the window, use Export…"))
        from iouviewer.jobs.requests import OpenRequest

        return display.show_window(OpenRequest(demo=True))
    from iouviewer.jobs import demo
    from iouviewer.jobs.written_files import check_outputs

    if demo.can_run_models():
        sys.stdout.write(
            tr("Running each sample model on 500 frames. Without a GPU this takes one or two minutes.") + "\n"
        )
        sys.stdout.flush()
    out = args.out or Path("demo-results")
    if out.is_dir():
        check_outputs({name: out / name for name in demo.FILES}, (), force=args.force)
    with ProgressLine("demo") as progress:
        report = demo.run_demo(out, progress)
    sys.stdout.write(report.text)
    sys.stdout.write(tr("Results in {folder}: {files}", folder=out.absolute(), files=", ".join(report.files)) + "\n")
    return 0
