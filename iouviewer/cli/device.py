"""``iouviewer device``: the file that measures a model on the device that it ships on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import add_force_option
from iouviewer.i18n import tr


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``device``."""
    parser.add_argument("out", type=Path, metavar="DIR", help=tr("folder for iouviewer_device.py"))
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file; it says itself how it is used."""
    from iouviewer.jobs.device_inputs import DEVICE_FILE
    from iouviewer.jobs.written_files import check_outputs, write_result
    from iouviewer.resource_files import resource_path

    source = resource_path(DEVICE_FILE)
    target = args.out / source.name
    check_outputs({"DIR": target}, [], force=args.force)
    write_result(target, source.read_bytes())
    sys.stdout.write(tr("{path}: copy it to the device; it says how to use it.", path=target) + "\n")
    return 0
