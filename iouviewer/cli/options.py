"""Code shared by commands: option groups, value types, path checks, messages and progress. Imports nothing heavy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, Self, TypeVar

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path

T = TypeVar("T")
MAX_SIDE = 1_000_000
"""Largest width and height of frames in pixels; more is a slip of the keyboard."""
MAX_FRAMES = 50_000_000
"""A week at 80 frames per second; arrays of one number a frame still fit into memory."""
MARGIN_METRICS = ("ap", "pq", "avg_iou")
FRAMES_SYNTAX = "A:B[:K]|random:N@SEED|spread:N|@FILE"
"""The forms of ``jobs.frame_selection``, which help does not import."""


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports bad usage as one line, without the usage text; ``main`` maps it to exit status 2."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message, remedy=tr("See {command} --help.", command=self.prog))


class OrderedOption(argparse.Action):
    """Appends (option, value) to ``ordered`` in command-line order, for options that belong to one of several
    videos.
    """

    def __call__(self, _parser: object, namespace: argparse.Namespace, values: object, _option: object = None) -> None:
        """Append one option."""
        namespace.ordered = [*namespace.ordered, (self.dest, values)]


def named_path(text: str) -> tuple[str, Path]:
    """``NAME=PATH`` as (name, path); a bare path is named by its stem."""
    name, equals, path = text.partition("=")
    if not equals:
        name, path = Path(text).stem, text
    if not name.strip() or not path:
        raise argparse.ArgumentTypeError(tr("{text!r} is not NAME=PATH", text=text))
    return name.strip(), Path(path)


def image_size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT`` in pixels."""
    width, x, height = text.lower().partition("x")
    if x and width.isdecimal() and height.isdecimal() and 0 < int(width) <= MAX_SIDE and 0 < int(height) <= MAX_SIDE:
        return int(width), int(height)
    raise argparse.ArgumentTypeError(tr("{text!r} is not WIDTHxHEIGHT in pixels, for example 1920x1080", text=text))


def class_pair(text: str) -> tuple[str, str]:
    """``A=B``: class A of the predictions is class B of the ground truth."""
    a, equals, b = text.partition("=")
    if not equals or not a.strip() or not b.strip():
        raise argparse.ArgumentTypeError(tr("{text!r} is not A=B", text=text))
    return a.strip(), b.strip()


def named_frames(text: str) -> tuple[str, str]:
    """``NAME=FRAMES``: a variant and a selection of frames."""
    name, equals, frames = text.partition("=")
    if not equals or not name.strip() or not frames:
        raise argparse.ArgumentTypeError(tr("{text!r} is not NAME=FRAMES", text=text))
    return name.strip(), frames


def class_names(text: str) -> tuple[str, ...]:
    """``A,B``: names of classes."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(tr("{text!r} must be class names with commas between them", text=text))
    return names


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a number from 0 to 1", text=text))
    return value


def positive_fraction(text: str) -> float:
    """A number above 0, at most 1."""
    value = fraction(text)
    if value == 0.0:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a number above 0", text=text))
    return value


def margins(text: str) -> dict[str, float]:
    """``ap=1.0,pq=1.0``: the drop that is allowed for each metric, in points."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            points = float(value)
        except ValueError:
            points = -1.0
        if name not in MARGIN_METRICS or name in found or not 0.0 <= points <= 100.0:
            raise argparse.ArgumentTypeError(
                tr("{text!r} is not a list such as ap=1.0,pq=1.0 (ap, pq, avg_iou; 0 to 100 points)", text=text)
            )
        found[name] = points
    return found


def positive_number(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(tr("{text!r} must be a positive number", text=text))
    return value


def for_file(value_type: Callable[[str], T]) -> Callable[[str], tuple[str, T]]:
    """A type for ``[NAME=]VALUE``: the name, empty for all files, and the value."""

    def parse(text: str) -> tuple[str, T]:
        name, equals, value = text.rpartition("=")
        if equals and not name.strip():
            raise argparse.ArgumentTypeError(tr("{text!r} must be VALUE or NAME=VALUE", text=text))
        try:
            return name.strip(), value_type(value)
        except ValueError:
            raise argparse.ArgumentTypeError(tr("{text!r} must be VALUE or NAME=VALUE", text=text)) from None

    return parse


def file_columns(text: str) -> tuple[str, str]:
    """``[NAME=]ROLE=COLUMN,...``: the name, empty for all files, and the rest."""
    first = text.partition(",")[0]
    name, equals, rest = text.partition("=")
    if first.count("=") > 1:
        return name.strip(), rest
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(tr("{text!r} is not ROLE=COLUMN,…", text=text))
    return "", text


def area_ranges(text: str) -> tuple[tuple[str, float, float], ...]:
    """``small=0:1024,large=1024:``: names with the least and greatest area in square pixels."""
    found: dict[str, tuple[float, float]] = {}
    for part in text.split(","):
        name, _, limits = (piece.strip() for piece in part.partition("="))
        low, colon, high = limits.partition(":")
        try:
            area = float(low or 0), float(high or 1e10)
        except ValueError:
            area = 0.0, -1.0
        if not name or name in found or not colon or not 0 <= area[0] < area[1] <= 1e10:
            raise argparse.ArgumentTypeError(
                tr("{text!r} must be like small=0:1024,large=1024: (areas in square pixels)", text=text)
            )
        found[name] = area
    return tuple((name, *area) for name, area in found.items())


def frame_total(text: str) -> int:
    """A number of frames, from 1 to ``MAX_FRAMES``."""
    count = positive_integer(text)
    if count > MAX_FRAMES:
        raise argparse.ArgumentTypeError(
            tr("{text!r} is more than {limit:,} frames, a week of video", text=text, limit=MAX_FRAMES)
        )
    return count


def positive_integer(text: str) -> int:
    """An integer from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a positive integer", text=text))
    return int(text)


def print_message(message: str) -> None:
    """Write one line to stderr, with the name of the program."""
    sys.stderr.write("iouviewer: " + " ".join(message.split()) + "\n")


def existing_video(path: Path) -> Path:
    """The absolute path of a video or image folder; UserError if it does not exist."""
    return existing_path(path, tr("the video does not exist"))


def existing_ground_truth(path: Path) -> Path:
    """The absolute path of a ground-truth file; UserError if it does not exist."""
    return existing_path(path, tr("the ground truth does not exist"))


def variant_paths(pairs: Iterable[tuple[str, Path]]) -> tuple[tuple[str, Path], ...]:
    """Variants with absolute paths; UserError if a file does not exist or two variants have the same name."""
    found: dict[str, Path] = {}
    for name, path in pairs:
        if name in found:
            raise UserError(
                tr("two variants are named {name!r}", name=name),
                remedy=tr("Give each --pred and --model its own NAME."),
            )
        found[name] = existing_path(path, tr("the file for variant {name!r} does not exist", name=name))
    return tuple(found.items())


def frame_lists(frames: str | None) -> tuple[Path, ...]:
    """The file of ``--frames @FILE``."""
    return (Path(frames[1:]),) if frames is not None and frames.startswith("@") else ()


def add_force_option(parser: argparse.ArgumentParser) -> None:
    """``--force``."""
    parser.add_argument(
        "--force",
        action="store_true",
        help=tr(
            "replace existing files; without it only files that iouviewer wrote and nobody changed since are "
            "replaced. Inputs are never replaced"
        ),
    )


def add_prediction_option(parser: argparse.ArgumentParser) -> None:
    """``--pred``."""
    parser.add_argument(
        "--pred",
        metavar="NAME=FILE",
        type=named_path,
        action="append",
        default=[],
        help=tr("predictions of one variant; can be repeated"),
    )


def add_model_option(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """``--model``."""
    parser.add_argument(
        "--model",
        metavar="NAME=WEIGHTS",
        type=named_path,
        action="append",
        default=None if required else [],
        required=required,
        help=tr("weights of one variant to run; can be repeated"),
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Settings of model runs."""
    group = parser.add_argument_group(tr("running models"))
    group.add_argument("--floor", type=fraction, default=0.001, help=tr("lowest score to store (default 0.001)"))
    group.add_argument(
        "--nms-iou", type=fraction, default=0.7, help=tr("IoU threshold of non-maximum suppression (default 0.7)")
    )
    group.add_argument(
        "--max-det",
        type=positive_integer,
        default=300,
        metavar="N",
        help=tr("maximum detections per frame (default 300)"),
    )
    group.add_argument(
        "--imgsz", type=positive_integer, metavar="N", help=tr("input size in pixels (default: the weights' own)")
    )
    group.add_argument("--device", default="cpu", help=tr("cpu, or the number of a GPU (default cpu)"))


def add_split_option(parser: argparse.ArgumentParser) -> None:
    """``--split`` of a data set."""
    parser.add_argument(
        "--split",
        choices=("train", "val", "test"),
        help=tr("images of a data.yaml to use (default val)"),
    )


def add_frames_option(parser: argparse.ArgumentParser) -> None:
    """``--frames``."""
    parser.add_argument(
        "--frames",
        metavar=FRAMES_SYNTAX,
        help=tr(
            "frames to use: 0-based, B excluded, every Kth; N drawn at random, or spread over the video; or a file "
            "that lists them. random:N@SEED/A:B and spread:N/A:B choose from a range"
        ),
    )


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Options for reading box files."""
    group = parser.add_argument_group(tr("reading box files"))
    group.add_argument(
        "--class", dest="class_name", metavar="NAME", help=tr("class of the boxes in files that store no classes")
    )
    add_frame_options(parser)
    add_difference_options(parser)
    parser.add_argument(
        "--columns",
        type=file_columns,
        action="append",
        default=[],
        metavar="[NAME=]ROLE=COLUMN,...",
        help=tr(
            "what the columns of a table are: frame or image, x1,y1,x2,y2 or x,y,w,h or cx,cy,w,h, class, class_id, "
            "score, track, units (pixels, relative, percent); default: by the header"
        ),
    )
    parser.add_argument(
        "--shapes",
        choices=("envelope", "skip"),
        help=tr("read polygons, masks, rotated boxes and points as the boxes around them, or leave them out"),
    )
    parser.add_argument("--skip-bad-rows", action="store_true", help=tr("skip rows that cannot be read"))
    parser.add_argument("--strict", action="store_true", help=tr("refuse files that there is a note about"))
    parser.add_argument(
        "--trust-columns",
        action="store_true",
        help=tr("read columns as the format defines them, even where the numbers do not look like it"),
    )
    parser.add_argument(
        "--voc-one-based",
        action="store_true",
        help=tr("pixels of Pascal VOC files start at 1 and include the last one (default: corners as they are)"),
    )


def add_frame_options(parser: argparse.ArgumentParser) -> None:
    """Which frames the files mean. Each may be given for one file, ``gt`` or the name of a variant."""
    for flag, value_type, text in (
        ("--frame-base", int, tr("number of the first frame in the files (default: by format)")),
        ("--shift", int, tr("add N to every frame of the predictions")),
        ("--stride", positive_integer, tr("frame step of the run that made the predictions")),
        ("--file-fps", positive_number, tr("rate at which the file counts frames, if it is not that of the video")),
    ):
        parser.add_argument(flag, type=for_file(value_type), action="append", default=[], metavar="[NAME=]N", help=text)
    parser.add_argument(
        "--name-number",
        type=int,
        metavar="N",
        help=tr("which number in file names is the frame: 1 is the first, -1 the last"),
    )


def add_difference_options(parser: argparse.ArgumentParser) -> None:
    """What to do where files and video state different facts."""
    parser.add_argument("--task", metavar="NAME", help=tr("video or task to read from files with several"))
    parser.add_argument(
        "--scale-boxes", action="store_true", help=tr("scale boxes from the frame size of the file to the video's")
    )
    parser.add_argument(
        "--file-size",
        type=for_file(image_size),
        action="append",
        default=[],
        metavar="[NAME=]WxH",
        help=tr("frame size that the boxes of the predictions refer to, if it is not that of the video"),
    )
    parser.add_argument("--use-times", action="store_true", help=tr("place boxes by the times in the file"))
    parser.add_argument(
        "--images-by",
        choices=("id", "name"),
        help=tr("how to find the images of COCO results whose IDs and file names mean different images"),
    )
    parser.add_argument(
        "--accept-differences",
        action="store_true",
        help=tr("read files as they are, although they state another size, rate, length or video"),
    )


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """Frame size and count, for commands without a video."""
    parser.add_argument("--size", type=image_size, metavar="WxH", help=tr("frame size, if there is no video"))
    parser.add_argument("--count", type=frame_total, metavar="N", help=tr("number of frames, if there is no video"))


def add_filter_option(parser: argparse.ArgumentParser) -> None:
    """``--filter``."""
    parser.add_argument(
        "--filter",
        default="",
        metavar="LINE",
        help=tr('count and list only this, for example "class:person size:<16 frames:480-794"'),
    )


def _add_variant_options(parser: argparse.ArgumentParser) -> None:
    """Options about the variants of ``eval`` and ``gate``."""
    add_model_option(parser)
    parser.add_argument(
        "--trained-on",
        metavar="NAME=FRAMES",
        type=named_frames,
        action="append",
        default=[],
        help=tr("frames that the model of a variant was trained on, which a note marks"),
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help=tr("variant to compare the others with (default: the first)")
    )


def _add_operating_point(parser: argparse.ArgumentParser) -> None:
    """``--operating-point``."""
    parser.add_argument(
        "--operating-point",
        default="common",
        metavar="POINT",
        help=tr(
            "where variants stand: common (at --conf, the default), or each at its own best-f1, recall=0.8, "
            "precision=0.9 or fp-per-frame=0.5, chosen on one half of the frames and used on the other"
        ),
    )


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Options of both ``eval`` and ``gate``, except those that belong to one of several videos."""
    _add_variant_options(parser)
    parser.add_argument(
        "--conf", type=fraction, default=0.25, help=tr("confidence threshold of all metrics except AP (default 0.25)")
    )
    _add_operating_point(parser)
    parser.add_argument(
        "--iou", type=positive_fraction, default=0.5, help=tr("IoU threshold of a true positive (default 0.5)")
    )
    parser.add_argument(
        "--max-dets",
        type=positive_integer,
        default=100,
        metavar="N",
        help=tr("predictions of a frame and class that take part in AP (default 100)"),
    )
    parser.add_argument(
        "--area-ranges",
        type=area_ranges,
        metavar="NAME=A:B,...",
        help=tr("areas in square pixels for AP by size (default: small=0:1024,medium=1024:9216,large=9216:)"),
    )
    parser.add_argument(
        "--convention",
        choices=("continuous", "inclusive"),
        default="continuous",
        help=tr("pixel edges: width is x2 - x1 (continuous, the default) or x2 - x1 + 1 (inclusive)"),
    )
    parser.add_argument(
        "--margin", type=margins, metavar="ap=1.0,pq=1.0", help=tr("allowed drop in points (default 1 each)")
    )
    add_import_options(parser)
    parser.add_argument(
        "--class-map",
        type=class_pair,
        action="append",
        default=[],
        metavar="A=B",
        help=tr("count predicted class A as ground-truth class B; names, or numbers of the files"),
    )
    parser.add_argument(
        "--only-classes",
        type=class_names,
        default=(),
        metavar="A,B",
        help=tr("score only these classes of the ground truth"),
    )
    parser.add_argument("--class-agnostic", action="store_true", help=tr("ignore classes, in AP too"))
    parser.add_argument(
        "--missing",
        choices=("empty", "unlabelled"),
        help=tr("how to treat frames that the ground-truth file does not mention (default: by format)"),
    )
    add_run_options(parser)


class ProgressLine:
    """One line of progress on stderr, on a terminal only; erased when the block ends."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown = ""
        self._visible = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._show("")

    def __call__(self, done: int, total: int, label: str = "") -> None:
        """Show ``done`` of ``total`` steps."""
        text = f"{label or self._label}: {done:,} / {total:,}"
        self._show(f"{text} ({done / total:.0%})" if total else text)

    def _show(self, text: str) -> None:
        if self._visible and text != self._shown:
            sys.stderr.write("\r" + text.ljust(len(self._shown)) + ("" if text else "\r"))
            sys.stderr.flush()
            self._shown = text
