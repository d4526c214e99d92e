"""The classes of a file or of a model: their names and the numbers that the file itself gives them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from iouviewer.metrics.table import UNSPECIFIED_CLASS

OTHER_CLASSES = 1 << 20
"""Class ids from here on stand for classes that the ground truth lacks; equal names have equal ids."""
_OTHER_IDS: dict[str, int] = {}
_OTHER_NAMES: list[str] = []
_OTHER_LOCK = threading.Lock()
_MAX_DIGIT = 9
_GENERIC = re.compile(r"(?:class|label|id)?[\s_-]*\d+", re.IGNORECASE)
"""Names that only repeat a number: ``3``, and ``class3`` of runtimes that know no names."""


class NumberKind(StrEnum):
    """What the numbers of a class table are; equal kinds can be compared."""

    NONE = ""
    INDEX = "index"  # from 0: YOLO labels, data.yaml, obj.names, a model's names, CVAT's labels
    CATEGORY = "category"  # COCO category ids: any numbers
    MOT = "mot"  # from 1: MOTChallenge


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Classes in the order of their ids.

    Attributes:
        names: a class without a name has its number as its name.
        numbers: the file's own number of each class, below 0 for a class that the file lacks; None where the file
            numbers none.
        kind: what the numbers are.
        named: False where the names are only numbers.
        order: the ids in the order in which a person arranged them; classes that it lacks follow. Empty: by id.
        colours: ``#rrggbb`` by id, empty for the usual colour; may be shorter than ``names``.
        aliases: (name, id): other names under which predictions join a class, such as the one it had before.
        attribute_sets: the different sets of free attributes that boxes have, by number from 1
            (``document.attributes``); they belong to the vocabulary as the classes do.
    """

    names: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = None
    kind: NumberKind = NumberKind.NONE
    named: bool = True
    order: tuple[int, ...] = ()
    colours: tuple[str, ...] = ()
    aliases: tuple[tuple[str, int], ...] = ()
    attribute_sets: tuple[tuple[tuple[str, str], ...], ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        numbers: Sequence[int] | None = None,
        kind: NumberKind | str = NumberKind.NONE,
        *,
        named: bool = True,
    ) -> ClassTable:
        """A table whose names count as names only if one of them is more than a number."""
        known = tuple(names)
        if known and all(_GENERIC.fullmatch(name.strip()) for name in known):
            named = False
            if numbers is None:
                found = tuple(int(re.sub(r"\D", "", name)) for name in known)
                numbers = found if len(set(found)) == len(found) else None
        if numbers is not None and len(numbers) != len(known):
            raise ValueError(f"{len(numbers)} numbers for {len(known)} classes")
        return cls(known, None if numbers is None else tuple(numbers), NumberKind(kind), named)

    def renamed(self, names: Sequence[str]) -> ClassTable:
        """The table with other names; classes that are added have no number of their own, hence one below 0."""
        known = tuple(names)
        numbers = self.numbers
        if numbers is not None:
            numbers = (*numbers[: len(known)], *range(-1 - len(numbers), -1 - len(known), -1))
        named = self.named or any(not _GENERIC.fullmatch(name.strip()) for name in known)
        return replace(self, names=known, numbers=numbers, named=named)

    @property
    def shown(self) -> tuple[int, ...]:
        """All class ids in the order of lists and keys."""
        ids = range(len(self.names))
        arranged = tuple(number for number in dict.fromkeys(self.order) if number in ids)
        return (*arranged, *(number for number in ids if number not in arranged)) if arranged else tuple(ids)

    def colour(self, class_id: int) -> str:
        """The colour that a person chose for a class, empty for none."""
        return self.colours[class_id] if 0 <= class_id < len(self.colours) else ""

    def digit(self, class_id: int) -> int:
        """The key of a class, 1 to 9; 0 for none."""
        place = self.shown.index(class_id) + 1 if 0 <= class_id < len(self.names) else 0
        return place if place <= _MAX_DIGIT else 0

    def with_digit(self, digit: int) -> int | None:
        """The class of a key, 1 to 9; None for none."""
        shown = self.shown
        return shown[digit - 1] if 1 <= digit <= min(_MAX_DIGIT, len(shown)) else None

    def find(self, text: str) -> int | None:
        """The class with this name (exactly, else without regard to case), alias or, where no name fits, number."""
        if text in self.names:
            return self.names.index(text)
        folded = [fold_name(name) for name in self.names]
        if fold_name(text) in folded:
            return folded.index(fold_name(text))
        for name, number in self.aliases:
            if fold_name(name) == fold_name(text) and number < len(self.names):
                return number
        if self.numbers is not None and text.strip().isdecimal() and int(text) in self.numbers:
            return self.numbers.index(int(text))
        return None


def fold_name(name: str) -> str:
    """The form in which class names are compared: without regard to case and surrounding blanks."""
    return " ".join(name.split()).casefold()


def other_class_id(name: str) -> int:
    """The id of a class that the ground truth lacks, ``OTHER_CLASSES`` or above; the same for equal names."""
    with _OTHER_LOCK:
        found = _OTHER_IDS.get(fold_name(name))
        if found is None:
            found = _OTHER_IDS[fold_name(name)] = OTHER_CLASSES + len(_OTHER_NAMES)
            _OTHER_NAMES.append(name)
        return found


def class_name_of(class_id: int, names: Sequence[str]) -> str:
    """Name of a class of ``names`` or of a class that the ground truth lacks; empty for no class."""
    if class_id >= OTHER_CLASSES:
        return _OTHER_NAMES[class_id - OTHER_CLASSES]
    return names[class_id] if UNSPECIFIED_CLASS < class_id < len(names) else ""
