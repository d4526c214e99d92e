"""Derives frame numbers from file names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def stem(name: str) -> str:
    """File name without folders (with / or \\) and without its ending."""
    base = re.split(r"[\\/]", name)[-1]
    return base.rsplit(".", 1)[0] if "." in base[1:] else base


def last_number(name: str) -> int | None:
    """The last run of digits in the stem: 12 for ``clip_12.txt``; None if there is none."""
    found = _LAST_NUMBER.search(stem(name))
    return int(found[1]) if found and len(found[1]) <= 12 else None


@dataclass(frozen=True, slots=True)
class FrameAssignment:
    """The frames of file names.

    Attributes:
        frames: 0-based frame by name; names without a frame are absent.
        unknown: names without a frame.
        note: the rule that was used, as text for the user.
    """

    frames: Mapping[str, int]
    unknown: tuple[str, ...]
    note: str


def assign_frames(names: Sequence[str], context: ReadContext, *, stride: int = 1) -> FrameAssignment:
    """Assign frames to file names: by the images of the open folder, else by the last number in each name.

    Numbers start at 0 if a 0 occurs, else at 1; ``context.frame_base`` overrides this. With a stride k, number n
    (from 1) of ultralytics' ``vid_stride`` is frame n * k - 1. If not every name has a number of its own, files are
    assigned to frames in alphabetical order.
    """
    if context.image_names is not None:
        known = {stem(name): i for i, name in enumerate(context.image_names)}
        frames = {name: known[stem(name)] for name in names if stem(name) in known}
        if frames or not names:
            return FrameAssignment(frames, tuple(n for n in names if n not in frames), tr("Frames by image name"))
    numbers = {name: last_number(name) for name in names}
    numbered = {name: number for name, number in numbers.items() if number is not None}
    if len(numbered) < len(names) or len(set(numbered.values())) < len(numbered):
        in_order = {name: i for i, name in enumerate(sorted(names))}
        return FrameAssignment(in_order, (), tr("Frames in the order of the file names, which have no unique numbers"))
    base = context.frame_base
    if base is None:
        base = 0 if 0 in numbered.values() else 1
    if stride > 1:
        frames = {name: (number - base + 1) * stride - 1 for name, number in numbered.items()}
        note = tr("Frames by the number n in the file name: n × {stride} − 1", stride=stride)
        return FrameAssignment(frames, (), note)
    frames = {name: number - base for name, number in numbered.items()}
    return FrameAssignment(frames, (), tr("Frames by the number in the file name, starting at {base}", base=base))
