"""``iouviewer check``: inspect a video."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import ProgressLine, existing_video
from iouviewer.i18n import tr


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``check``."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help=tr("video file or folder of images"))
    parser.add_argument("--json", action="store_true", help=tr("print the findings as JSON"))


def run(args: argparse.Namespace) -> int:
    """Print properties of the video, its defects and remedies."""
    from iouviewer.jobs.check import check, check_text
    from iouviewer.reports.data_files import json_bytes

    with ProgressLine("check") as progress:
        findings = check(existing_video(args.video), progress)
    sys.stdout.write(json_bytes(findings).decode() if args.json else check_text(findings))
    return 0
