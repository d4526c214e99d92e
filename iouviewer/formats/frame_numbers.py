"""Frames of images and label files, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iouviewer.formats.image_names import NameIndex, find_numbers, stem
from iouviewer.formats.interface import Choice, ReadContext, UncertainReadingError, command_option
from iouviewer.i18n import tr

__all__ = ["FrameAssignment", "assign_frames", "natural_key", "stem"]


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


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key that puts 9 before 10."""
    parts = re.split(r"(\d+)", name.lower())
    # Only decimals are numbers: "²" is a digit in Unicode, but int() refuses it.
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def assign_frames(names: Sequence[str], context: ReadContext, *, stride: int = 1) -> FrameAssignment:
    """Frames of names, which may have folders.

    - If an image folder is open: by the names of its images.
    - If the ground truth lists its images: by these names.
    - Else by the number in each name (``image_names.find_numbers``). Numbers start at 0 if a 0 occurs, else at 1 if a
      1 occurs or no number has leading zeros, as ultralytics writes them; ``context.frame_base`` overrides this. With
      a stride k, number n (from 1) of ultralytics' ``vid_stride`` is frame n * k - 1.
    - Without a video, images whose names have no numbers of their own are frames in alphabetical order.

    Raises:
        UncertainReadingError: the names can be read in two ways.
    """
    if context.image_names is not None and names:
        found = _by_image_name(names, NameIndex(context.image_names, context.video_stem or ""))
        return found if found.frames else _by_number_of_image(names, context.image_names)
    listed = context.listed_images
    if listed is not None and any(listed.names) and names:
        index = NameIndex(listed.names)
        matched = _by_image_name(names, index)
        frames = {name: listed.frames[position] for name, position in matched.frames.items()}
        if not matched.unknown:
            return FrameAssignment(frames, (), tr("Frames by the image names of the ground truth"))
        if frames:
            return _by_known_numbers(names, frames, context, matched.unknown)
    return _by_number(names, context, stride)


def _by_image_name(names: Sequence[str], index: NameIndex) -> FrameAssignment:
    """Positions in ``index`` as frames; UncertainReadingError where two names share an image or one has two."""
    frames: dict[str, int] = {}
    name_of: dict[int, str] = {}
    unknown = []
    for name in names:
        positions = index.find(name)
        if not positions:
            unknown.append(name)
            continue
        if len(positions) > 1:
            first, second = (index.names[position] for position in positions[:2])
            raise UncertainReadingError(
                tr("{name!r} may be the image {first!r} or {second!r}", name=name, first=first, second=second),
                remedy=tr("Give the names with their folders, or open one of the folders."),
            )
        other = name_of.setdefault(positions[0], name)
        if other != name:
            raise UncertainReadingError(
                tr(
                    "{first!r} and {second!r} both fit the image {name!r}",
                    first=other,
                    second=name,
                    name=index.names[positions[0]],
                ),
                remedy=tr("Open the folder that holds all images, or read the files of one folder."),
            )
        frames[name] = positions[0]
    return FrameAssignment(frames, tuple(unknown), tr("Frames by image name"))


def _by_number_of_image(names: Sequence[str], image_names: Sequence[str]) -> FrameAssignment:
    """Frames by the numbers in the names of the images, which differ from ``names`` in everything else.

    Raises:
        UncertainReadingError: numbers do not settle it.
    """
    images, wanted = find_numbers(image_names).values, find_numbers(names).values
    if images is not None and wanted is not None:
        by_number = {number: frame for frame, number in enumerate(images)}
        if len(by_number) == len(images) and len(set(wanted)) == len(wanted) and set(wanted) <= set(by_number):
            frames = {name: by_number[number] for name, number in zip(names, wanted, strict=True)}
            return FrameAssignment(frames, (), tr("Frames by the numbers in the names of the images"))
    raise UncertainReadingError(
        tr("{name!r} is not in the image folder, whose first image is {image!r}", name=names[0], image=image_names[0]),
        remedy=tr("Open the folder of the images that the files belong to, or read their ground truth first."),
    )


def _by_known_numbers(
    names: Sequence[str], frames: Mapping[str, int], context: ReadContext, unknown: tuple[str, ...]
) -> FrameAssignment:
    """Frames of all names by number, if the names that the ground truth lists agree about the first number."""
    found = find_numbers(names, context.video_stem or "", context.name_number)
    if found.values is not None:
        numbers = dict(zip(names, found.values, strict=True))
        bases = {numbers[name] - frame for name, frame in frames.items()}
        if len(bases) == 1 and len(set(found.values)) == len(names):
            base = next(iter(bases))
            by_number = {name: number - base for name, number in numbers.items()}
            note = tr("Frames by the number in the file name, starting at {base} as in the ground truth", base=base)
            return FrameAssignment(by_number, (), note)
    return FrameAssignment(frames, unknown, tr("Frames by the image names of the ground truth"))


def _by_number(names: Sequence[str], context: ReadContext, stride: int) -> FrameAssignment:
    found = find_numbers(names, context.video_stem or "", context.name_number)
    if found.readings is not None and (context.video_stem is not None or len(names) == 1):
        name, first, second = found.readings
        raise UncertainReadingError(
            tr("{name!r} may be of frame {first} or of frame {second}", name=name, first=first, second=second),
            choices=(
                Choice(tr("frame {number}", number=first), "--name-number 1", {"name_number": 1}),
                Choice(tr("frame {number}", number=second), "--name-number -1", {"name_number": -1}),
            ),
        )
    if found.values is None or len(set(found.values)) < len(found.values):
        return _in_order(names, found.values, context)
    numbered = dict(zip(names, found.values, strict=True))
    base = context.frame_base if context.frame_base is not None else _find_base(numbered, context, found.unpadded)
    if stride > 1:
        frames = {name: (number - base + 1) * stride - 1 for name, number in numbered.items()}
        note = tr("Frames by the number n in the file name: n × {stride} − 1", stride=stride)
        return FrameAssignment(frames, (), note)
    frames = {name: number - base for name, number in numbered.items()}
    return FrameAssignment(frames, (), tr("Frames by the number in the file name, starting at {base}", base=base))


def _find_base(numbered: Mapping[str, int], context: ReadContext, unpadded: bool) -> int:
    """The number of the first frame; UncertainReadingError if it may be 0 or 1."""
    lowest, highest = min(numbered.values(), default=1), max(numbered.values(), default=1)
    if lowest == 0:
        return 0
    count = context.frame_count
    if lowest == 1 or unpadded or count is None or highest >= count:
        return 1
    name = min(numbered, key=lambda name: numbered[name])
    raise UncertainReadingError(
        tr(
            "{name!r} may be frame {lowest} counted from 0 or frame {lowest} counted from 1: no file has number 0 or 1",
            name=name,
            lowest=lowest,
        ),
        choices=tuple(
            Choice(tr("frames start at {base}", base=base), command_option("--frame-base", base), {"frame_base": base})
            for base in (0, 1)
        ),
    )


def _in_order(names: Sequence[str], values: Sequence[int] | None, context: ReadContext) -> FrameAssignment:
    """Frames in alphabetical order; UncertainReadingError if that contradicts a video or the number of frames."""
    count = context.frame_count
    if len(names) > 1 and (context.video_stem is not None or (count is not None and count != len(names))):
        first, second = sorted(names)[:2]
        if values is not None:
            by_number: dict[int, list[str]] = defaultdict(list)
            for name, number in zip(names, values, strict=True):
                by_number[number].append(name)
            number, shared = next((number, shared) for number, shared in by_number.items() if len(shared) > 1)
            message = tr(
                "{first!r} and {second!r} both have the number {number}",
                first=shared[0],
                second=shared[1],
                number=number,
            )
        else:
            message = tr("{first!r} and {second!r} do not both name a frame", first=first, second=second)
        raise UncertainReadingError(
            message, remedy=tr("Open the folder of the images that the files belong to, or name the files by frame.")
        )
    in_order = {name: i for i, name in enumerate(sorted(names, key=natural_key))}
    return FrameAssignment(in_order, (), tr("Frames in the order of the file names, which have no unique numbers"))
