"""Entry point: parses the command line and runs one command.

Commands import what they need when they run, so ``--help`` stays instant.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import sys
from collections.abc import Sequence
from typing import Protocol

from iouviewer import __version__
from iouviewer.cli import (
    batch,
    bench,
    check,
    collect,
    convert,
    demo,
    device,
    gate,
    make_variants,
    predict,
    project,
    render,
    split,
    worker,
)
from iouviewer.cli import eval as eval_command
from iouviewer.cli import open as open_command
from iouviewer.cli.options import OneLineParser, print_message
from iouviewer.errors import UserError
from iouviewer.i18n import tr

UNEXPECTED, BAD_INPUT, INTERRUPTED = 1, 2, 130
"""Exit statuses of failures: a program error, bad usage or input, Ctrl+C. Commands return all others."""


class Command(Protocol):
    """A module with one command."""

    def add_options(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""
        ...

    def run(self, args: argparse.Namespace, /) -> int:
        """Run the command; returns the exit status."""
        ...


COMMANDS: dict[str, tuple[str, Command]] = {
    "open": (tr("open the window (default)"), open_command),
    "demo": (tr("open the bundled sample, or score it without a window"), demo),
    "eval": (tr("score predictions against ground truth"), eval_command),
    "gate": (tr("judge variants against the baseline: exit status 0 pass, 3 fail, 4 undecided, 2 cannot judge"), gate),
    "predict": (tr("run models on a video"), predict),
    "make-variants": (tr("write a checkpoint in other formats, run and score them"), make_variants),
    "batch": (tr("run many models on many videos, on one machine or many, and judge them"), batch),
    "bench": (tr("measure the speed of models side by side"), bench),
    "render": (tr("write an overlay video with boxes, IoU and variant names"), render),
    "device": (tr("write the file that measures a model on another device"), device),
    "convert": (tr("write boxes in another format"), convert),
    "check": (tr("inspect a video: frames, rate, damage, frame accuracy"), check),
    "project": (tr("verify a project file"), project),
    "split": (tr("split a project among several people"), split),
    "collect": (tr("merge the packages of several people"), collect),
    "worker": (tr("run the inference worker (protocol on stdin and stdout)"), worker),
}
"""Command -> (help text, module)."""

DEFAULT_COMMAND = "open"


def make_parser() -> OneLineParser:
    """The parser of all commands."""
    parser = OneLineParser(
        prog="iouviewer",
        description=tr("Correct ground truth on video with live scores, and compare YOLO variants."),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (text, command) in COMMANDS.items():
        description = f"{text[0].upper()}{text[1:]}."
        command.add_options(commands.add_parser(name, help=text, description=description, allow_abbrev=False))
    return parser


def _log_unexpected(error: Exception) -> None:
    import logging

    from iouviewer.folders import log_folder

    path = log_folder() / "iouviewer.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("iouviewer.cli")
    logger.addHandler(handler)
    logger.propagate = False  # the console gets one line, not the traceback
    try:
        logger.error("unexpected error", exc_info=error)
    finally:
        logger.removeHandler(handler)
        handler.close()
    print_message(
        tr(
            "unexpected error: {kind}: {error}. Details are in {path}",
            kind=type(error).__name__,
            error=error,
            path=path,
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: arguments without the program's name; None: those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that cannot show Δ prints a question mark
    if argv is None and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor
            faulthandler.enable(sys.stderr)  # the window writes crashes to its log instead
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help", "--version"):
        arguments.insert(0, DEFAULT_COMMAND)
    try:
        args = make_parser().parse_args(arguments)
        _, command = COMMANDS[args.command]
        return command.run(args)
    except UserError as error:
        print_message(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        print_message(tr("interrupted"))
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the output is gone: nothing more can be reported
        return BAD_INPUT
    except OSError as error:
        print_message(f"{error.filename or tr('input or output')}: {error.strerror or error}")
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - last resort: one line for the user, the traceback in the log
        _log_unexpected(error)
        return UNEXPECTED
