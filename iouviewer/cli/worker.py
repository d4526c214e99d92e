"""``iouviewer worker``: the inference worker."""

from __future__ import annotations

import argparse


def add_options(_parser: argparse.ArgumentParser) -> None:
    """The worker has no options."""


def run(_args: argparse.Namespace) -> int:
    """Serve the parent process over stdin and stdout until stdin ends."""
    from iouviewer.jobs.worker_entry import main

    return main()
