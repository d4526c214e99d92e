"""Values of command-line options: what a text must look like, and what is said when it does not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, Self

from iouviewer.errors import UserError


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports bad usage as one line and exit status 2, without the whole usage text."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message, remedy=f"See {self.prog} --help")


class InOrder(argparse.Action):
    """Remembers (option, value) in ``given``, in the order of the command line, for options that belong to a video."""

    def __call__(self, _parser: object, namespace: argparse.Namespace, values: object, _option: object = None) -> None:
        """Take one option."""
        namespace.given = [*namespace.given, (self.dest, values)]


def named_path(text: str) -> tuple[str, Path]:
    """``NAME=PATH`` as (name, path); a bare path is named by its stem."""
    name, equals, path = text.partition("=")
    if not equals:
        name, path = Path(text).stem, text
    if not name.strip() or not path:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=PATH")
    return name.strip(), Path(path)


def picture_size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT`` in pixels."""
    width, x, height = text.lower().partition("x")
    if x and width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0:
        return int(width), int(height)
    raise argparse.ArgumentTypeError(f"{text!r} must be WIDTHxHEIGHT in pixels, for example 1920x1080")


def class_pair(text: str) -> tuple[str, str]:
    """``A=B``: class A of the predictions is class B of the ground truth."""
    a, equals, b = text.partition("=")
    if not equals or not a.strip() or not b.strip():
        raise argparse.ArgumentTypeError(f"{text!r} must be A=B")
    return a.strip(), b.strip()


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to 1")
    return value


def margins(text: str) -> dict[str, float]:
    """``ap=1.0,pq=1.0``: points that a variant may lose, by metric."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            points = float(value)
        except ValueError:
            points = -1.0
        if name not in {"ap", "pq", "avg_iou"} or name in found or not 0.0 <= points <= 100.0:
            raise argparse.ArgumentTypeError(f"{text!r} must be like ap=1.0,pq=1.0 (ap, pq, avg_iou; points from 0)")
        found[name] = points
    return found


def natural(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return int(text)


def existing(path: Path, what: str) -> Path:
    """The absolute path; UserError if nothing is there."""
    if not path.exists():
        raise UserError(f"{what} does not exist", path=path, remedy="Check the path")
    return path.absolute()


def unique_names(pairs: Iterable[tuple[str, Path]]) -> tuple[tuple[str, Path], ...]:
    """Variants with existing absolute paths; UserError where two carry one name."""
    found: dict[str, Path] = {}
    for name, path in pairs:
        if name in found:
            raise UserError(f"two variants are named {name!r}", remedy="Give each --pred and --model its own NAME")
        found[name] = existing(path, f"the file of variant {name!r}")
    return tuple(found.items())


class Progress:
    """One line on stderr that counts, only on a terminal; gone when the block ends."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = ""
        self._visible = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._show("")

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Report ``done`` of ``total`` frames."""
        share = f" {done / total:.0%}" if total else ""
        self._show(f"{what or self._what}: {done} of {total} frames{share}")

    def _show(self, text: str) -> None:
        if self._visible and text != self._shown:
            sys.stderr.write("\r" + text.ljust(len(self._shown)) + ("" if text else "\r"))
            sys.stderr.flush()
            self._shown = text
