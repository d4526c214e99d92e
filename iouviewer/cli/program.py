"""The command line. Everything but argparse is imported by the command that needs it: ``--help`` stays instant."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from iouviewer import __version__
from iouviewer.cli.options import (
    InOrder,
    OneLineParser,
    class_pair,
    fraction,
    margins,
    named_path,
    natural,
    picture_size,
)
from iouviewer.errors import UserError

OK, UNEXPECTED, BAD_INPUT, CONDITION_HOLDS = 0, 1, 2, 3
"""Exit status: done; a defect of the program; bad usage or input; ``--fail-if`` holds."""

FORMATS = ("mot", "yolo", "coco", "cvat", "voc", "labelme", "boxcsv")


def _add_predictions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pred", metavar="NAME=FILE", type=named_path, action="append", default=[], help="predictions of one variant"
    )


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="NAME=WEIGHTS", type=named_path, action="append", default=[], help="weights to run"
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--floor", type=fraction, default=0.001, help="lowest score a run keeps (0.001)")
    parser.add_argument("--nms-iou", type=fraction, default=0.7, help="IoU of non-maximum suppression (0.7)")
    parser.add_argument("--max-det", type=natural, default=300, metavar="N", help="most boxes a frame (300)")
    parser.add_argument("--imgsz", type=natural, metavar="N", help="input size in pixels (the weights' own)")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU (cpu)")


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", metavar="A:B[:K]|@FILE", help="frames to use: 0-based, B excluded, every K-th")


def _add_import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--class", dest="class_name", metavar="NAME", help="class of files that carry none")
    parser.add_argument("--frame-base", type=int, metavar="N", help="number that the files give the first frame")
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave out rows that cannot be read")


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=picture_size, metavar="WxH", help="picture size where there is no video")
    parser.add_argument("--count", type=natural, metavar="N", help="number of frames where there is no video")


def _open_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO|PROJECT")
    parser.add_argument("--gt", type=Path, metavar="FILE", help="ground truth")
    _add_predictions(parser)
    _add_models(parser)
    parser.add_argument("--project", type=Path, metavar="FILE", help="project file to use")


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="no window: write the results and end")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results (demo-results)")


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    """What ``eval`` and ``gate`` share, but for what belongs to one of several videos."""
    _add_models(parser)
    parser.add_argument("--baseline", metavar="NAME", help="variant that the others are compared with (the first)")
    parser.add_argument("--conf", type=fraction, default=0.25, help="confidence threshold of the review numbers (0.25)")
    parser.add_argument("--iou", type=fraction, default=0.5, help="IoU threshold of a true positive (0.5)")
    parser.add_argument(
        "--convention", choices=("continuous", "inclusive"), default="continuous", help="width = x2 - x1, or + 1"
    )
    _add_import_options(parser)
    parser.add_argument(
        "--class-map", type=class_pair, action="append", default=[], metavar="A=B", help="predicted class A is B"
    )
    parser.add_argument("--class-agnostic", action="store_true", help="pair boxes of different classes too")
    parser.add_argument(
        "--missing", choices=("empty", "unlabelled"), help="what frames are of which the ground truth says nothing"
    )
    _add_run_options(parser)


def _eval_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO")
    parser.add_argument("--gt", type=Path, required=True, metavar="FILE", help="ground truth")
    _add_predictions(parser)
    _add_frames(parser)
    _add_size(parser)
    _add_scoring(parser)
    parser.add_argument("--target", type=fraction, default=0.75, help="line of the target in the plot (0.75)")
    for option, what in (
        ("--csv", "IoU by frame"),
        ("--pairs", "all pairs"),
        ("--json", "all numbers"),
        ("--plot", "plot of the IoU by frame, .png or .svg"),
        ("--html", "report in one file"),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=what)
    parser.add_argument("--fail-if", metavar="EXPR", help='exit 3 if it holds, e.g. "int8.ap50 < base.ap50 - 0.01"')


def _gate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="*", type=Path, metavar="VIDEO|PROJECT", help="one video, or one project or more"
    )
    parser.set_defaults(given=[])
    for option, metavar, kind, text in (
        ("--gt", "FILE", Path, "ground truth (not with a project); where repeated, each begins another video"),
        ("--pred", "NAME=FILE", named_path, "predictions of one variant, on the video of the --gt before it"),
        ("--video", "FILE", Path, "the video of the --gt before it"),
        ("--frames", "A:B[:K]|@FILE", str, "frames to use; of every video where it stands before several --gt"),
        ("--size", "WxH", picture_size, "picture size where there is no video; as --frames"),
        ("--count", "N", natural, "number of frames where there is no video; as --frames"),
    ):
        parser.add_argument(option, action=InOrder, metavar=metavar, type=kind, default=argparse.SUPPRESS, help=text)
    _add_scoring(parser)
    parser.add_argument("--margin", type=margins, metavar="ap=1.0,pq=1.0", help="points that may be lost (1 each)")
    parser.add_argument(
        "--undecided", choices=("fail", "warn"), default="fail", help="status of UNDECIDED: 4 (fail) or 0 (warn)"
    )
    parser.add_argument("--md", type=Path, metavar="FILE", help="the verdicts as Markdown")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the verdicts as JUnit XML")


def _predict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument(
        "--model", metavar="NAME=WEIGHTS", type=named_path, action="append", required=True, help="weights to run"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for NAME.json and NAME.txt")
    _add_run_options(parser)
    _add_frames(parser)


def _convert_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="[VIDEO] IN OUT")
    parser.add_argument("--to", choices=FORMATS, required=True, help="format to write")
    _add_import_options(parser)
    _add_size(parser)


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _no_options(_parser: argparse.ArgumentParser) -> None:
    pass


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "open": ("open the window (the default)", _open_options),
    "demo": ("the main job on the bundled sample", _demo_options),
    "eval": ("score predictions against ground truth", _eval_options),
    "gate": ("decide by verdict: 0 pass, 3 fail, 4 undecided, 2 cannot judge", _gate_options),
    "predict": ("run models on a video", _predict_options),
    "convert": ("write boxes in another format", _convert_options),
    "check": ("say what a video really holds", _check_options),
    "worker": ("the inference worker (protocol on stdin and stdout)", _no_options),
}


def make_parser() -> OneLineParser:
    """The whole command line."""
    parser = OneLineParser(
        prog="iouviewer",
        description="Correct ground truth on video, see every score move, compare YOLO variants.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"iouviewer {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (help_text, add_options) in COMMANDS.items():
        add_options(commands.add_parser(name, help=help_text, description=help_text, allow_abbrev=False))
    return parser


def _dispatch(args: argparse.Namespace) -> int:
    if args.command == "eval":
        from iouviewer.cli.eval import run_eval

        return run_eval(args)
    if args.command == "gate":
        from iouviewer.cli import gate

        return gate.run_gate(args)
    from iouviewer.cli import commands

    return commands.RUN[args.command](args)


def _say(message: str) -> None:
    sys.stderr.write("iouviewer: " + " ".join(message.split()) + "\n")


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
    _say(f"unexpected error: {type(error).__name__}: {error}. Details are in {path}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; ``argv`` without the program's name (default: the process's)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that cannot show Δ gets a question mark, not an error
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        words.insert(0, "open")
    try:
        return _dispatch(make_parser().parse_args(words))
    except UserError as error:
        _say(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone: nobody is left to tell
        return BAD_INPUT
    except OSError as error:
        _say(f"{error.filename or 'input or output'}: {error.strerror or error}")
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the last place that can tell the user; logged with its traceback
        _log_unexpected(error)
        return UNEXPECTED
