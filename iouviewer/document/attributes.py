"""Free attributes of boxes, such as ``pose = sitting``: named sets that the upper bits of ``Box.flags`` refer to.

Few different sets occur in a file, while boxes are many. A set is kept once; the number of a box's set is part of its
flags, so it is saved, undone, copied and restored with the box. The list of sets only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from iouviewer.document.origins import ORIGIN_MASK
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Int

AttributeSet = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""

_SHIFT = 52
MAX_SETS = (1 << 11) - 1
"""Number of different sets of a project; numbers start at 1, 0 stands for no attributes."""
ATTRIBUTE_MASK = MAX_SETS << _SHIFT
"""The bits of the number; above those of the origin."""
DERIVED_MASK = ORIGIN_MASK | ATTRIBUTE_MASK
"""Bits that boxes made from another box take over from it."""


def attribute_set(values: Mapping[str, str]) -> AttributeSet:
    """The set of these attributes; those without a name or value are left out."""
    found = {name.strip(): value.strip() for name, value in values.items()}
    return tuple(sorted((name, value) for name, value in found.items() if name and value))


def set_number(flags: int) -> int:
    """The number of the set that the flags of a box refer to, 0 for none."""
    return (flags & ATTRIBUTE_MASK) >> _SHIFT


def set_numbers(flags: Int) -> Int:
    """(N,) int64, the numbers of sets."""
    numbers: Int = (np.asarray(flags, np.int64) & ATTRIBUTE_MASK) >> _SHIFT
    return numbers


def with_set(flags: int, number: int) -> int:
    """These flags with another set."""
    return flags & ~ATTRIBUTE_MASK | number << _SHIFT


def attributes_of(flags: int, sets: tuple[AttributeSet, ...]) -> AttributeSet:
    """The attributes of a box; empty also where its set is lost."""
    number = set_number(flags)
    return sets[number - 1] if 0 < number <= len(sets) else ()


def add_set(sets: tuple[AttributeSet, ...], new: AttributeSet) -> tuple[tuple[AttributeSet, ...], int]:
    """The sets with another one, and its number; 0 for the empty set.

    Raises:
        UserError: there are ``MAX_SETS`` other ones.
    """
    if not new:
        return sets, 0
    if new in sets:
        return sets, sets.index(new) + 1
    if len(sets) >= MAX_SETS:
        raise UserError(tr("a project holds at most {count:,} different sets of attributes", count=MAX_SETS))
    return (*sets, new), len(sets) + 1


def renumbered(
    flags: Int, own: tuple[AttributeSet, ...], sets: tuple[AttributeSet, ...]
) -> tuple[Int, tuple[AttributeSet, ...], int]:
    """Flags whose sets are numbered by ``own`` in the numbers of ``sets``, which grow.

    Returns:
        Flags, the sets, and how many boxes lose their attributes because there are too many sets.
    """
    numbers = set_numbers(flags)
    table = np.zeros(MAX_SETS + 1, np.int64)
    lost = 0
    known = {one: place + 1 for place, one in enumerate(sets)}
    grown = list(sets)
    for number in np.unique(numbers[numbers > 0]).tolist():
        one = own[number - 1] if number <= len(own) else ()
        if one and one not in known and len(grown) < MAX_SETS:
            grown.append(one)
            known[one] = len(grown)
        table[number] = known.get(one, 0)
        lost += int((numbers == number).sum()) if one and one not in known else 0
    result: Int = (np.asarray(flags, np.int64) & ~ATTRIBUTE_MASK) | (table[numbers] << _SHIFT)
    return result, tuple(grown), lost


def numbers_in(
    own: tuple[AttributeSet, ...], sets: tuple[AttributeSet, ...]
) -> tuple[tuple[int, ...], tuple[AttributeSet, ...]]:
    """The number in ``sets``, which grow, of each number of ``own``, 0 included."""
    everything = np.arange(len(own) + 1, dtype=np.int64) << _SHIFT
    flags, grown, _lost = renumbered(everything, own, sets)
    return tuple(set_numbers(flags).tolist()), grown


def attributes_text(attributes: Iterable[tuple[str, str]]) -> str:
    """``age = adult; pose = sitting``."""
    return "; ".join(f"{name} = {value}" for name, value in attributes)


def parse_attributes(text: str) -> AttributeSet:
    """The set that a person typed as ``name = value; name = value``. UserError: a part has no name or no value."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise UserError(tr("“{part}” is not an attribute", part=part.strip()), remedy=tr("Type name = value."))
        found[name.strip()] = value.strip()
    return attribute_set(found)
