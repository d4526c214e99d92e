"""Frame numbers from file names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iouviewer.formats.interface import ReadContext

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def stem(name: str) -> str:
    """File name without folders (of either system) and ending."""
    base = re.split(r"[\\/]", name)[-1]
    return base.rsplit(".", 1)[0] if "." in base[1:] else base


def last_number(name: str) -> int | None:
    """The last run of digits in the stem: 12 of ``clip_12.txt``; None if there is none."""
    found = _LAST_NUMBER.search(stem(name))
    return int(found[1]) if found and len(found[1]) <= 12 else None


@dataclass(frozen=True, slots=True)
class FrameNames:
    """How names became frames.

    Attributes:
        frames: 0-based frame by name; names that belong to no frame are absent.
        unknown: names that belong to no frame.
        note: what was assumed.
    """

    frames: Mapping[str, int]
    unknown: tuple[str, ...]
    note: str


def frames_of(names: Sequence[str], context: ReadContext, *, stride: int = 1) -> FrameNames:
    """Frames of file names: by the image folder's names where they are known, else by the last number in each.

    Numbers count from 0 if a 0 occurs, else from 1; ``context.frame_base`` decides otherwise. With a stride k the
    number n (from 1) of ultralytics' ``vid_stride`` is the picture n * k - 1. Without numbers the names' order counts.
    """
    if context.image_names is not None:
        known = {stem(name): i for i, name in enumerate(context.image_names)}
        frames = {name: known[stem(name)] for name in names if stem(name) in known}
        if frames or not names:
            return FrameNames(frames, tuple(n for n in names if n not in frames), "frames by the names of the images")
    numbers = {name: last_number(name) for name in names}
    counted = {name: number for name, number in numbers.items() if number is not None}
    if len(counted) < len(names) or len(set(counted.values())) < len(counted):
        order = {name: i for i, name in enumerate(sorted(names))}
        return FrameNames(order, (), "file names have no number each of their own; frames are taken in their order")
    base = context.frame_base
    if base is None:
        base = 0 if 0 in counted.values() else 1
    if stride > 1:
        frames = {name: (number - base + 1) * stride - 1 for name, number in counted.items()}
        return FrameNames(frames, (), f"frames by the number n in the file names, every {stride}: n x {stride} - 1")
    frames = {name: number - base for name, number in counted.items()}
    return FrameNames(frames, (), f"frames by the number in the file names, counted from {base}")
