"""The classes of a file or of a model: their names and the numbers that the file itself gives them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from iouviewer.metrics.table import UNSPECIFIED_CLASS

OTHER_CLASSES = 1 << 20
"""Class ids from here on stand for classes that the ground truth lacks; equal names have equal ids."""
_OTHER_IDS: dict[str, int] = {}
_OTHER_NAMES: list[str] = []
_OTHER_LOCK = threading.Lock()
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
    """

    names: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = None
    kind: NumberKind = NumberKind.NONE
    named: bool = True

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
        return ClassTable(known, numbers, self.kind, named)

    def find(self, text: str) -> int | None:
        """The class with this name (exactly, else without regard to case) or, where no name fits, with this number."""
        if text in self.names:
            return self.names.index(text)
        folded = [fold_name(name) for name in self.names]
        if fold_name(text) in folded:
            return folded.index(fold_name(text))
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
