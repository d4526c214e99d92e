"""Where each ground-truth box came from: a file, a person's hand, or a variant's predictions.

The origin is kept in the upper bits of ``Box.flags``, so it is saved, undone, merged and salvaged with the box. A
variant is named by a number that follows from its key (``variant_number``); a project has few variants, so two of them
practically never share one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from iouviewer.document.boxes import Box, BoxFlag, Rect
from iouviewer.metrics.table import Bool, Int

_FLAG_BITS = 16
_KIND_SHIFT, _KIND_MASK = 16, 7
_CORRECTED = 1 << 19
_NUMBER_SHIFT, _NUMBER_MASK = 20, (1 << 32) - 1

FLAG_MASK = (1 << _FLAG_BITS) - 1
"""The bits of ``BoxFlag``."""
ORIGIN_MASK = ((1 << 52) - 1) & ~FLAG_MASK
"""The bits of the origin."""

CORRECTION_PIXELS = 1.0
CORRECTION_SHARE = 0.01
"""A box counts as corrected once a person moves an edge by at least a pixel and this share of its width or height."""

NO_VARIANT = 0

LEAN_WARNING = 0.05
"""Share of boxes from which the ground truth counts as leaning to a variant."""


class Origin(IntEnum):
    """How a box came into the ground truth; the values are stored."""

    FILE = 0
    """Read from a file, or made before origins were kept."""
    DRAWN = 1
    """Drawn, pasted or copied by hand."""
    ACCEPTED = 2
    """A prediction, or a fix made from predictions, that a person accepted."""
    PROPAGATED = 3
    """Carried from another frame; with a variant where its predictions guided it."""
    STARTED = 4
    """From the predictions that the whole ground truth was started from."""


class BoxOrigin(NamedTuple):
    """The origin of one box: ``variant`` is a ``variant_number``, ``NO_VARIANT`` for none."""

    kind: Origin
    variant: int
    corrected: bool


def variant_number(key: str) -> int:
    """The number that stands for a variant in origins; ``NO_VARIANT`` for an empty key."""
    return (zlib.crc32(key.encode()) or 1) if key else NO_VARIANT


def origin_bits(kind: Origin, variant_key: str = "") -> int:
    """The bits of an origin, for a box that nobody corrected."""
    return int(kind) << _KIND_SHIFT | variant_number(variant_key) << _NUMBER_SHIFT


def with_origin(flags: int, kind: Origin, variant_key: str = "") -> int:
    """These flags with another origin."""
    return flags & ~ORIGIN_MASK | origin_bits(kind, variant_key)


def origin_of(flags: int) -> BoxOrigin:
    """The origin that the flags of a box name."""
    kind = flags >> _KIND_SHIFT & _KIND_MASK
    known = Origin(kind) if kind in Origin._value2member_map_ else Origin.FILE
    return BoxOrigin(known, flags >> _NUMBER_SHIFT & _NUMBER_MASK, bool(flags & _CORRECTED))


def moved_flags(box: Box, rect: Rect) -> int:
    """The flags of a box that a person moves to ``rect``: corrected, if it came from a variant and moves enough."""
    if not box.flags >> _NUMBER_SHIFT & _NUMBER_MASK or box.flags & _CORRECTED:
        return box.flags
    sides = (box.rect[2] - box.rect[0], box.rect[3] - box.rect[1])
    for place, (old, new) in enumerate(zip(box.rect, rect, strict=True)):
        if abs(new - old) >= max(CORRECTION_PIXELS, CORRECTION_SHARE * sides[place % 2]):
            return box.flags | _CORRECTED
    return box.flags


def leaning_numbers(flags: Int) -> Int:
    """The variant number of each box that leans to a variant, ``NO_VARIANT`` for the others, (N,) int64.

    A box leans to the variant that it was accepted from, started from, or guided by, until a person corrects it.
    """
    numbers: Int = flags >> _NUMBER_SHIFT & _NUMBER_MASK
    return np.where(flags & _CORRECTED, NO_VARIANT, numbers)


def started_numbers(flags: Int) -> frozenset[int]:
    """Numbers of the variants that these boxes, (N,) flags, were started from, corrected or not."""
    started = (flags >> _KIND_SHIFT & _KIND_MASK) == int(Origin.STARTED)
    if not started.any():
        return frozenset()
    return frozenset(np.unique(flags[started] >> _NUMBER_SHIFT & _NUMBER_MASK).tolist()) - {NO_VARIANT}


def started_numbers_of(boxes: Iterable[Box]) -> set[int]:
    """``started_numbers`` of boxes as objects."""
    mask, started = _KIND_MASK << _KIND_SHIFT, int(Origin.STARTED) << _KIND_SHIFT
    return {box.flags >> _NUMBER_SHIFT & _NUMBER_MASK for box in boxes if box.flags & mask == started}


def frames_of_started(frames: Int, flags: Int) -> dict[int, frozenset[int]]:
    """The frames with boxes that were started from each variant, by its number; (N,) int64 of one ground truth."""
    numbers = started_numbers(flags)
    started = (flags >> _KIND_SHIFT & _KIND_MASK) == int(Origin.STARTED)
    of_variant = flags >> _NUMBER_SHIFT & _NUMBER_MASK
    return {number: frozenset(frames[started & (of_variant == number)].tolist()) for number in numbers}


def without_leaning(flags: Int, left_out: frozenset[int]) -> Int:
    """The flags (N,) as scores use them when boxes that lean to these variants are left out.

    Such a box is ignored: it is not missed, and a prediction on it is neither right nor wrong.
    """
    if not left_out:
        return flags
    leaning = np.isin(leaning_numbers(flags), np.fromiter(left_out, np.int64))
    return np.where(leaning, flags | int(BoxFlag.IGNORED | BoxFlag.DISTRACTOR), flags)


def lean(flags: Int, keys: Iterable[str], counted: Bool | None = None) -> dict[str, float]:
    """The share of boxes that lean to each variant, by its key: 0 to 1.

    Args:
        flags: (N,) int64, of all boxes of a ground truth.
        keys: keys of the variants.
        counted: (N,) bool, the boxes that count; None: all.
    """
    numbers = leaning_numbers(flags if counted is None else flags[counted])
    return {key: float((numbers == variant_number(key)).mean()) if len(numbers) else 0.0 for key in keys}


def lean_counts(flags: Int) -> dict[int, int]:
    """How many boxes lean to each variant, by its number; variants that are gone too."""
    found, counts = np.unique(leaning_numbers(flags), return_counts=True)
    return {int(n): int(count) for n, count in zip(found, counts, strict=True) if n != NO_VARIANT}
