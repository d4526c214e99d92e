"""The one rule by which classes of predictions become classes of the ground truth (docs/metrics.md).

First what the user says, then names, then numbers as the ground truth's own table gives them; never the position of a
name or how many classes occur. What can be read in two ways is a problem, and joins nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from iouviewer.document.class_lists import COCO_CATEGORIES
from iouviewer.document.class_proposals import propose_class
from iouviewer.document.classes import ClassTable, NumberKind, fold_name, other_class_id
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int

UNKNOWN = -2
"""Target of a predicted class that the ground truth lacks."""
LEFT_OUT = ""
"""In a class map: the class is none of the ground truth."""
_COCO_NAMES = [fold_name(name) for name in COCO_CATEGORIES.values()]
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class ClassJoin:
    """How the classes of one prediction set become those of the ground truth.

    Attributes:
        targets: by class of the predictions, the class id in the ground truth or ``UNKNOWN``.
        note: one sentence that tells how numbers were read; empty where names or equal numbers joined.
        problem: one sentence about numbers that can be read in two ways; then they are ``UNKNOWN``.
        remedy: what the command line can be given then.
        unscored: classes of the predictions that the ground truth has but its benchmark does not score; they are
            ``UNKNOWN`` too.
        proposals: by class of the predictions that is ``UNKNOWN``, the name of the class that it may mean.
        other_ids: by class of the predictions, the id that it has while unknown classes are kept.
    """

    targets: tuple[int, ...] = ()
    note: str = ""
    problem: str = ""
    remedy: str = ""
    proposals: Mapping[int, str] = field(default_factory=dict)
    other_ids: tuple[int, ...] = ()
    unscored: frozenset[int] = frozenset()

    @property
    def unknown(self) -> tuple[int, ...]:
        """Classes of the predictions that the ground truth lacks."""
        return tuple(number for number, target in enumerate(self.targets) if target == UNKNOWN)

    def without_classes(self, unscored: Collection[int]) -> ClassJoin:
        """The join with predictions of these ground-truth classes left out: nothing can match them."""
        if not unscored or not any(target in unscored for target in self.targets):
            return self
        left_out = frozenset(number for number, target in enumerate(self.targets) if target in unscored)
        targets = tuple(UNKNOWN if target in unscored else target for target in self.targets)
        return replace(self, targets=targets, unscored=left_out)

    def apply(self, table: BoxTable, *, keep_unknown: bool) -> BoxTable:
        """The predictions in the classes of the ground truth.

        Args:
            table: predictions in their own classes.
            keep_unknown: keep boxes of unknown classes, under their ``other_ids``; otherwise they are left out.
        """
        ids = np.array([*self.targets, UNSPECIFIED_CLASS], np.int64)  # index -1: no class
        if keep_unknown:
            ids[:-1] = np.where(ids[:-1] == UNKNOWN, np.array(self.other_ids, np.int64), ids[:-1])
        if (ids[:-1] == np.arange(len(self.targets))).all():
            return table
        class_ids: Int = ids[table.class_ids]
        mapped = BoxTable(table.offsets, table.boxes, class_ids, table.scores, table.ignored, table.ids)
        known = class_ids != UNKNOWN
        return mapped if known.all() else mapped.select(known)


def keeps_unknown_classes(
    truth_names: Collection[str], truth: BoxTable, labelled: Bool, *, class_agnostic: bool
) -> bool:
    """Whether predictions of classes that the ground truth lacks stay: they may belong to a box without a class.

    They also stay where classes are ignored, and where the ground truth has no classes at all.

    Args:
        labelled: (F,) bool; boxes on other frames do not count.
    """
    if class_agnostic or not truth_names:
        return True
    without = np.flatnonzero((truth.class_ids == UNSPECIFIED_CLASS) & ~truth.ignored)
    return bool(labelled[np.searchsorted(truth.offsets, without, side="right") - 1].any())


def join_classes(
    predicted: ClassTable,
    truth: ClassTable,
    class_map: Mapping[str, str] | None = None,
    *,
    used: Iterable[int] | None = None,
) -> ClassJoin:
    """Join the classes of predictions with those of the ground truth.

    Args:
        class_map: class of the predictions -> class of the ground truth, names or numbers; unknown entries have no
            effect (``check_class_map`` reports them).
        used: classes that have boxes, which decides between readings of numbers; None: all.
    """
    targets = [UNKNOWN] * len(predicted)
    settled: set[int] = set()
    for one, other in (class_map or {}).items():
        number, target = predicted.find(one), truth.find(other)
        if number is not None and other == LEFT_OUT:
            settled.add(number)
        elif number is not None and target is not None:
            targets[number] = target
            settled.add(number)
    open_classes = [number for number in range(len(targets)) if number not in settled]
    seen = set(range(len(predicted)) if used is None else used)
    found = _Found()
    if not len(truth) or not len(predicted):
        pass
    elif predicted.named and truth.named:
        found.targets = _by_name(predicted, truth)
    elif not predicted.named:
        found = _by_number(predicted, truth, [number for number in open_classes if number in seen])
    else:
        found = _by_number_of_predictions(predicted, truth, targets)
    for number in open_classes:
        targets[number] = found.targets.get(number, UNKNOWN)
    proposals = {
        number: truth.names[proposal]
        for number in open_classes
        if targets[number] == UNKNOWN and (proposal := propose_class(predicted.names[number], truth.names)) is not None
    }
    others = tuple(other_class_id(name) for name in predicted.names)
    return ClassJoin(tuple(targets), found.note, found.problem, found.remedy, proposals, others)


def check_class_map(class_map: Mapping[str, str], predicted: Iterable[ClassTable], truth: ClassTable) -> None:
    """UserError if an entry of ``--class-map`` names a class that all predictions or the ground truth lack."""
    tables = list(predicted)
    for a, b in class_map.items():
        if all(table.find(a) is None for table in tables):
            names = sorted({name for table in tables for name in table.names})
            raise UserError(
                tr("--class-map {a}={b}: no prediction has class {a!r}", a=a, b=b), remedy=class_list(names)
            )
        if truth.find(b) is None:
            raise UserError(
                tr("--class-map {a}={b}: the ground truth has no class {b!r}", a=a, b=b),
                remedy=class_list(sorted(truth.names)),
            )


def class_list(names: Collection[str]) -> str:
    """The names as a remedy."""
    return tr("Classes: {names}", names=", ".join(names)) if names else tr("There are no classes")


# By name


def _by_name(predicted: ClassTable, truth: ClassTable) -> dict[int, int]:
    exact = {name: number for number, name in reversed(list(enumerate(truth.names)))}
    folded = {fold_name(name): number for name, number in reversed(truth.aliases) if number < len(truth)}
    folded |= {fold_name(name): number for number, name in reversed(list(enumerate(truth.names)))}
    found = {}
    for number, name in enumerate(predicted.names):
        target = exact.get(name, folded.get(fold_name(name)))
        if target is not None:
            found[number] = target
    return found


# By number


@dataclass(slots=True)
class _Found:
    targets: dict[int, int] = field(default_factory=dict)
    note: str = ""
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way to read class numbers.

    Attributes:
        text: how it reads them, for people.
        targets: number -> class of the table.
        readable: numbers that it can read, those of classes that the table lacks included.
        rank: a reading of a higher rank counts only where none of a lower rank reads all numbers.
        certain: the formats define it; it is used where it reads all numbers.
    """

    text: str
    targets: Mapping[int, int]
    readable: frozenset[int]
    rank: int = 0
    certain: bool = False

    def outcome(self, numbers: Iterable[int]) -> tuple[int, ...]:
        return tuple(self.targets.get(number, UNKNOWN) for number in numbers)


def _table_reading(table: ClassTable, shift: int = 0, *, certain: bool = False) -> _Reading:
    """The table's own numbers, ``shift`` subtracted from each: number n is the table's class n + shift."""
    numbers = table.numbers or ()
    targets = {number - shift: place for place, number in enumerate(numbers) if number >= 0}
    text = tr("by the numbers of the class table")
    if shift:
        text = tr("number {number} is class {name}", number=min(targets, default=0), name=_name_of_lowest(table))
    return _Reading(text, targets, frozenset(targets), certain=certain)


def _order_reading(table: ClassTable, first: int, *, certain: bool = False) -> _Reading:
    """Classes in the order of the table's numbers, the lowest of which is number ``first``."""
    numbers = table.numbers or ()
    order = sorted((place for place, number in enumerate(numbers) if number >= 0), key=numbers.__getitem__)
    targets = {first + rank: place for rank, place in enumerate(order)}
    text = tr("number {number} is class {name}", number=first, name=_name_of_lowest(table))
    return _Reading(text, targets, frozenset(targets), certain=certain)


def _name_of_lowest(table: ClassTable) -> str:
    numbers = table.numbers or ()
    lowest = min((number for number in numbers if number >= 0), default=None)
    return "" if lowest is None else table.names[numbers.index(lowest)]


def _coco_reading(
    table: ClassTable, numbers: Iterable[int], *, rank: int = 1, certain: bool = False
) -> _Reading | None:
    """COCO's own classes, joined by name; None where the table has classes that COCO lacks."""
    by_name = {fold_name(name): place for place, name in enumerate(table.names)}
    if not table.named or not set(by_name) <= set(_COCO_NAMES):
        return None
    pairs = list(zip(numbers, _COCO_NAMES, strict=True))
    targets = {number: by_name[name] for number, name in pairs if name in by_name}
    text = tr("as in COCO (0–79)") if pairs[0][0] == 0 else tr("as in COCO (1–90)")
    return _Reading(text, targets, frozenset(number for number, _ in pairs), rank, certain)


def _has_coco_numbers(table: ClassTable) -> bool:
    """Whether every class has the number and the name that COCO gives it."""
    if table.kind is not NumberKind.CATEGORY or table.numbers is None:
        return False
    return all(
        fold_name(COCO_CATEGORIES.get(number, "")) == fold_name(name)
        for number, name in zip(table.numbers, table.names, strict=True)
        if number >= 0
    )


def _readings(kind: NumberKind, table: ClassTable) -> list[_Reading]:
    """The ways to read numbers of this kind with a table, the most usual first."""
    numbers = table.numbers
    index, category, mot = NumberKind.INDEX, NumberKind.CATEGORY, NumberKind.MOT
    coco80 = _coco_reading(table, range(len(_COCO_NAMES)))
    is_whole_coco = {fold_name(name) for name in table.names} == set(_COCO_NAMES)
    found: list[_Reading | None] = []
    if numbers is None:
        return []
    match kind, table.kind:
        case (NumberKind.INDEX, NumberKind.CATEGORY):
            own = {number for number in numbers if number >= 0}
            lowest = min(own, default=0)
            gapless = lowest in {0, 1} and own == set(range(lowest, lowest + len(own)))
            found = [_order_reading(table, 0, certain=gapless or is_whole_coco)]
            found += [] if gapless else [_table_reading(table)]
            found.append(coco80)
        case (NumberKind.INDEX, NumberKind.MOT):
            found = [_table_reading(table, 1, certain=True), coco80]
        case (NumberKind.CATEGORY, NumberKind.INDEX):
            coco91 = _coco_reading(table, COCO_CATEGORIES, rank=0 if is_whole_coco else 1, certain=is_whole_coco)
            found = [coco91, _table_reading(table), _table_reading(table, -1)]
        case (NumberKind.CATEGORY, NumberKind.MOT):
            found = [_table_reading(table), _table_reading(table, 1)]
        case (NumberKind.MOT, NumberKind.INDEX):
            found = [_table_reading(table, -1, certain=table.named), _table_reading(table)]
        case (NumberKind.MOT, NumberKind.CATEGORY):
            found = [_table_reading(table), _order_reading(table, 1)]
        case (one, other) if one != other or one not in {index, category, mot}:
            found = [_table_reading(table), _table_reading(table, 1), _table_reading(table, -1)]
    return [reading for reading in found if reading is not None]


def _by_number(predicted: ClassTable, truth: ClassTable, used: list[int]) -> _Found:
    """Join predictions that have only numbers."""
    if predicted.numbers is None:
        return _Found(targets=_by_name(predicted, truth))
    numbers = predicted.numbers
    seen = sorted(numbers[number] for number in used)
    same_kind = predicted.kind == truth.kind and truth.numbers is not None
    reading = _read_same_kind(truth, seen) if same_kind else _choose(_readings(predicted.kind, truth), seen, truth)
    if truth.numbers is None and seen:
        reading = _read_without_numbers(predicted, truth, seen)
    if reading is None:
        return _Found()
    if isinstance(reading, _Found):
        return reading
    targets = {place: reading.targets.get(number, UNKNOWN) for place, number in enumerate(numbers)}
    if same_kind and reading.rank == 0:
        return _Found(targets)
    return _Found(targets, note=tr("Class numbers of the predictions: {reading}", reading=reading.text))


def _read_same_kind(truth: ClassTable, seen: list[int]) -> _Reading | _Found:
    """The ground truth's own numbers, unless a number 0 shows that category ids were counted from 0."""
    own = _table_reading(truth)
    if truth.kind is not NumberKind.CATEGORY or 0 not in seen or 0 in own.readable:
        return own
    if _has_coco_numbers(truth):
        coco80 = _coco_reading(truth, range(len(_COCO_NAMES)))
        return own if coco80 is None else coco80
    from_zero = _order_reading(truth, 0)
    return _ambiguous([own, from_zero], seen, truth) if from_zero.readable >= set(seen) else own


def _read_without_numbers(predicted: ClassTable, truth: ClassTable, seen: list[int]) -> _Reading | _Found:
    """Numbers against a table of names only: COCO's category ids above 80 show themselves, others do not."""
    coco91 = _coco_reading(truth, COCO_CATEGORIES)
    by_coco = predicted.kind is NumberKind.CATEGORY and seen[-1] > len(_COCO_NAMES)
    if by_coco and coco91 is not None and coco91.readable >= set(seen):
        return coco91
    listed = ", ".join(map(str, seen[:_MAX_LISTED]))
    names = ", ".join(truth.names[:_MAX_LISTED])
    return _Found(
        problem=tr(
            "the classes of the predictions are numbers ({numbers}), and the ground truth has names without numbers "
            "({names})",
            numbers=listed,
            names=names,
        ),
        remedy=tr(
            "Give the classes with --class-map {number}={name}, or --class-agnostic",
            number=seen[0],
            name=truth.names[0],
        ),
    )


def _choose(readings: list[_Reading], seen: list[int], table: ClassTable) -> _Reading | _Found | None:
    """The reading that reads all numbers; a problem where several do, with different results."""
    if not readings or not seen:
        return readings[0] if readings else None
    first = readings[0]
    needed = set(seen)
    if first.certain and first.readable >= needed:
        return first
    for rank in sorted({reading.rank for reading in readings}):
        able = [reading for reading in readings if reading.rank == rank and reading.readable >= needed]
        outcomes = {reading.outcome(seen) for reading in able}
        if len(outcomes) == 1:
            return able[0]
        if able:
            return _ambiguous(able, seen, table)
    # Numbers beyond the table belong to classes that it lacks; the others must read in one way.
    best = max(sum(target != UNKNOWN for target in reading.outcome(seen)) for reading in readings)
    able = [reading for reading in readings if sum(t != UNKNOWN for t in reading.outcome(seen)) == best]
    if first.certain and first in able:
        return first
    if len({reading.outcome(seen) for reading in able}) == 1:
        return able[0]
    return _ambiguous(able, seen, table)


def _ambiguous(readings: list[_Reading], seen: list[int], table: ClassTable) -> _Found:
    """The problem that these readings give different classes, with the first number for which they do."""
    one = readings[0]
    number, other = next((n, r) for n in seen for r in readings[1:] if r.targets.get(n) != one.targets.get(n))
    names = [
        tr("no class of the other table") if place is None else table.names[place]
        for place in (one.targets.get(number), other.targets.get(number))
    ]
    return _Found(
        problem=tr(
            "class number {number} can be read in two ways: as {one} ({how}), or as {other} ({other_how})",
            number=number,
            one=names[0],
            how=one.text,
            other=names[1],
            other_how=other.text,
        ),
        remedy=tr("Say which one is right with --class-map NUMBER=NAME for each number"),
    )


def _by_number_of_predictions(predicted: ClassTable, truth: ClassTable, mapped: list[int]) -> _Found:
    """Join a ground truth that has only numbers with predictions that have names, by the numbers of the latter."""
    if truth.numbers is None:
        return _Found(targets=_by_name(predicted, truth))
    wanted = [(place, number) for place, number in enumerate(truth.numbers) if place not in mapped]
    seen = sorted(number for _, number in wanted)
    if not seen:
        return _Found()
    listed = ", ".join(map(str, seen[:_MAX_LISTED]))
    if predicted.numbers is None:
        return _Found(
            problem=tr(
                "the classes of the ground truth are numbers ({numbers}), and the predictions have names without "
                "numbers ({names})",
                numbers=listed,
                names=", ".join(predicted.names[:_MAX_LISTED]),
            ),
            remedy=tr(
                "Give the classes with --class-map {name}={number}, or --class-agnostic",
                number=seen[0],
                name=predicted.names[0],
            ),
        )
    reading: _Reading | _Found | None = _table_reading(predicted)
    if truth.kind != predicted.kind:
        reading = _choose(_readings(truth.kind, predicted), seen, predicted)
    if reading is None:
        return _Found()
    if isinstance(reading, _Found):
        problem = tr("in the ground truth: {problem}", problem=reading.problem)
        return _Found(problem=problem, remedy=tr("Say which one is right with --class-map NAME=NUMBER"))
    pairs = [(reading.targets[number], place, number) for place, number in wanted if number in reading.targets]
    names = ", ".join(f"{number} = {predicted.names[one]}" for one, _, number in pairs[:_MAX_LISTED])
    note = tr("Class numbers of the ground truth, by the numbers of the predictions: {names}", names=names)
    return _Found({one: place for one, place, _ in pairs}, note=note if pairs else "")
