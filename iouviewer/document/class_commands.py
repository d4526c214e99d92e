"""Builds edits of the class table: add, rename, recolour, arrange, merge, delete, import names.

Each is one step. Class ids are positions, so a class that goes leaves its id to the last one; the boxes of that one
change their number, but not their class, and their frames stay verified. Steps are executed with the origin
``CLASSES``, which says that they hold the marks of the frames that they do change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.class_join import UNKNOWN, join_classes
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.document.commands import Command, combine_edits
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit, FrameMark, SetClasses, SetClassNames, SetFrames
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Int

CLASSES = "classes"
"""Origin of these steps: they mark the frames that are no longer verified themselves."""


@dataclass(frozen=True, slots=True)
class ClassUse:
    """Boxes of one class: how many, on how many tracks and frames, and how many of these frames are verified."""

    boxes: int = 0
    tracks: int = 0
    frames: int = 0
    verified: int = 0


def count_uses(truth: GroundTruth) -> dict[int, ClassUse]:
    """The use of each class that has boxes, ``UNSPECIFIED_CLASS`` included."""
    frames, _rects, class_ids, tracks, flags, _ids = truth.columns()
    verified = truth.verified()
    found = {}
    counted = ~_regions(class_ids, tracks, flags)
    for class_id in np.unique(class_ids[counted]).tolist():
        rows = (class_ids == class_id) & counted
        of = np.unique(frames[rows])
        known = np.unique(tracks[rows])
        found[class_id] = ClassUse(
            int(rows.sum()), int(np.count_nonzero(known != NO_TRACK)), len(of), int(verified[of].sum())
        )
    return found


def count_all_uses(document: Document) -> dict[int, ClassUse]:
    """The use of each class in all sources of a document; tracks of different sources are different objects."""
    found: dict[int, ClassUse] = {}
    for source in document.sources:
        for class_id, use in count_uses(document.ground_truth(source)).items():
            known = found.get(class_id, ClassUse())
            found[class_id] = ClassUse(
                *(known.boxes + use.boxes, known.tracks + use.tracks),
                *(known.frames + use.frames, known.verified + use.verified),
            )
    return found


def _regions(class_ids: Int, tracks: Int, flags: Int) -> Bool:
    """(N,) bool: regions to ignore, which need no class: they show no object, and so have no track."""
    ignored = (flags & int(BoxFlag.IGNORED)) != 0
    found: Bool = (class_ids == UNSPECIFIED_CLASS) & (tracks == NO_TRACK) & ignored
    return found


def rename(document: Document, class_id: int, name: str, *, source: int = 0) -> Command:
    """Give a class another name; predictions of the old name still join it. UserError: empty, or taken."""
    classes, name = document.classes, name.strip()
    _check_name(classes, name, besides=class_id)
    old = classes.names[class_id]
    names = tuple(name if number == class_id else each for number, each in enumerate(classes.names))
    aliases = _with_alias(classes, old, class_id) if fold_name(old) != fold_name(name) else classes.aliases
    aliases = tuple(alias for alias in aliases if fold_name(alias[0]) != fold_name(name))
    edit = SetClassNames(names, source, aliases=aliases)
    return Command(edit, tr("Rename class {old} to {new}", old=old, new=name))


def add(document: Document, name: str, *, source: int = 0) -> Command:
    """Append a class. UserError: the name is empty, or taken."""
    classes, name = document.classes, name.strip()
    _check_name(classes, name)
    aliases = tuple(alias for alias in classes.aliases if fold_name(alias[0]) != fold_name(name))
    edit = SetClassNames((*classes.names, name), source, aliases=aliases)
    return Command(edit, tr("Add class {name}", name=name))


def _check_name(classes: ClassTable, name: str, *, besides: int | None = None) -> None:
    if not name:
        raise UserError(tr("a class needs a name"))
    others = {fold_name(each) for number, each in enumerate(classes.names) if number != besides}
    if fold_name(name) in others:
        raise UserError(tr("class {name} already exists", name=name), remedy=tr("Merge the two classes instead."))


def _with_alias(classes: ClassTable, name: str, class_id: int) -> tuple[tuple[str, int], ...]:
    others = tuple(alias for alias in classes.aliases if fold_name(alias[0]) != fold_name(name))
    return (*others, (name, class_id))


def recolour(document: Document, class_id: int, colour: str, *, source: int = 0) -> Command:
    """Give a class a colour ``#rrggbb``; empty for the usual one."""
    classes = document.classes
    colours = [classes.colour(number) for number in range(len(classes))]
    colours[class_id] = colour
    edit = SetClassNames(classes.names, source, colours=tuple(colours))
    return Command(edit, tr("Change colour of class {name}", name=classes.names[class_id]))


def move(document: Document, class_id: int, place: int, *, source: int = 0) -> Command:
    """Show a class at another place, from 0; the keys follow."""
    classes = document.classes
    order = [number for number in classes.shown if number != class_id]
    order.insert(max(0, min(place, len(order))), class_id)
    edit = SetClassNames(classes.names, source, order=tuple(order))
    return Command(edit, tr("Move class {name}", name=classes.names[class_id]))


def merge(
    document: Document, class_id: int, target: int, default_colours: tuple[str, ...], *, source: int = 0
) -> Command:
    """Give all boxes of a class another class and remove it; predictions of its name join the other one.

    Args:
        default_colours: the usual colours by class id, repeated; the class that takes the id over keeps its colour.
    """
    names = document.class_names
    label = tr("Merge class {name} into {target}", name=names[class_id], target=names[target])
    return Command(_without(document, class_id, target, default_colours, source, keeps_name=True), label)


def delete(
    document: Document, class_id: int, target: int | None, default_colours: tuple[str, ...], *, source: int = 0
) -> Command:
    """Remove a class; its boxes get the class ``target``, ``UNSPECIFIED_CLASS`` for no class.

    Raises:
        UserError: it has boxes and no target was given.
    """
    edit = _without(document, class_id, target, default_colours, source, keeps_name=False)
    return Command(edit, tr("Delete class {name}", name=document.class_names[class_id]))


def _without(
    document: Document,
    class_id: int,
    target: int | None,
    default_colours: tuple[str, ...],
    source: int,
    *,
    keeps_name: bool,
) -> Edit:
    """The edit that removes a class from all sources of the document; the last class takes its id over."""
    classes = document.classes
    last = len(classes) - 1
    moved = np.arange(-1, len(classes))  # index: id + 1
    moved[last + 1] = class_id
    target_id = UNSPECIFIED_CLASS if target is None else int(moved[target + 1])
    edits: list[Edit] = []
    marks: list[Edit] = []
    for number in document.sources:
        truth = document.ground_truth(number)
        frames, _rects, class_ids, _tracks, _flags, ids = truth.columns()
        leaving = class_ids == class_id
        if leaving.any() and target is None:
            raise UserError(
                tr("class {name} still has boxes", name=classes.names[class_id]), remedy=tr("Choose a class for them.")
            )
        final: Int = moved[class_ids + 1]
        final[leaving] = target_id
        changed = final != class_ids
        pairs = tuple(zip(ids[changed].tolist(), final[changed].tolist(), strict=True))
        # Boxes of the last class only change their number, and boxes that keep theirs change their class.
        edits += [SetClasses(pairs, number)] if pairs else []
        outdated = outdated_marks(truth, frames[leaving])
        marks += [SetFrames(outdated, number)] if outdated else []
    edits.append(SetClassNames.of(_table_without(classes, class_id, target_id, default_colours, keeps_name), source))
    return combine_edits([*edits, *marks], source)


def outdated_marks(truth: GroundTruth, frames: Int) -> tuple[FrameMark, ...]:
    """Marks of the verified ones of these frames: their boxes changed."""
    chosen = [frame for frame in np.unique(frames).tolist() if truth.is_verified(frame)]
    return tuple(truth.mark(frame)._replace(verified=False, changed=True) for frame in chosen)


def _table_without(
    classes: ClassTable, class_id: int, target: int, default_colours: tuple[str, ...], keeps_name: bool
) -> ClassTable:
    """The table without a class; the last one takes its id over, with its number, colour and place.

    Args:
        target: the id, in the new table, that the class was merged into.
    """
    last = len(classes) - 1

    def moved(number: int) -> int:
        return class_id if number == last else number

    def without(values: tuple[object, ...]) -> list[object]:
        kept = list(values)
        kept[class_id] = kept[last]
        return kept[:last]

    colours = tuple(classes.colour(n) or default_colours[n % len(default_colours)] for n in range(len(classes)))
    aliases = [(name, moved(number)) for name, number in classes.aliases if number != class_id]
    if keeps_name:
        old = [classes.names[class_id], *(name for name, number in classes.aliases if number == class_id)]
        aliases += [(name, target) for name in old]
    own = [colour if classes.colour(n) or n == last else "" for n, colour in enumerate(colours)]
    order = tuple(moved(number) for number in classes.shown if number != class_id)
    return replace(
        classes,
        names=tuple(map(str, without(classes.names))),
        numbers=None if classes.numbers is None else _numbers(without(classes.numbers)),
        order=order,
        colours=tuple(map(str, without(tuple(own)))),
        aliases=tuple(aliases),
    )


def _numbers(values: list[object]) -> tuple[int, ...]:
    return tuple(value for value in values if isinstance(value, int))


def assign(document: Document, class_id: int, *, source: int = 0) -> Command:
    """Give all boxes without a class this one. UserError: every box has a class."""
    return _assign(document, class_id, document.class_names[class_id], source)


def assign_new(document: Document, name: str, *, source: int = 0) -> Command:
    """Append a class and give it to all boxes without one, as one step. UserError: as ``add`` and ``assign``."""
    added = add(document, name, source=source)
    given = _assign(document, len(document.class_names), name.strip(), source)
    return Command(combine_edits((added.edit, given.edit), source), given.label)


def _assign(document: Document, class_id: int, name: str, source: int) -> Command:
    frames, _rects, class_ids, tracks, flags, ids = document.ground_truth(source).columns()
    rows = (class_ids == UNSPECIFIED_CLASS) & ~_regions(class_ids, tracks, flags)
    if not rows.any():
        raise UserError(tr("every box has a class"))
    edits: list[Edit] = [SetClasses(tuple((box_id, class_id) for box_id in ids[rows].tolist()), source)]
    marks = outdated_marks(document.ground_truth(source), frames[rows])
    if marks:
        edits.append(SetFrames(marks, source))
    count = int(rows.sum())
    label = tr_n("Give {count} box the class {name}", "Give {count:,} boxes the class {name}", count, name=name)
    return Command(combine_edits(edits, source), label)


def import_names(document: Document, table: ClassTable, file: str, *, source: int = 0) -> Command:
    """Take over the names of a file: classes that are only numbers get names, and missing classes are added.

    Args:
        file: name of the file, for the label.

    Raises:
        UserError: the numbers can be read in two ways, or there is nothing new.
    """
    classes = document.classes
    join = join_classes(table, classes)
    if join.problem:
        raise UserError(join.problem, remedy=tr("Rename the classes by hand."))
    names = list(classes.names)
    if not classes.named:
        for number, target in enumerate(join.targets):
            if target != UNKNOWN:
                names[target] = table.names[number]
    known = set(map(fold_name, names))
    new = _not_in(known, (table.names[number] for number in join.unknown))
    if not classes.named and len(set(map(fold_name, names))) != len(names):
        raise UserError(tr("{file} gives two classes the same name", file=file))
    if tuple(names) == classes.names and not new:
        raise UserError(tr("{file} has no new class", file=file))
    aliases = tuple(alias for alias in classes.aliases if fold_name(alias[0]) not in set(map(fold_name, new)))
    edit = SetClassNames((*names, *new), source, aliases=aliases)
    return Command(edit, tr("Import class names from {file}", file=file))


def _not_in(known: set[str], names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        if fold_name(name) not in known:
            known.add(fold_name(name))
            found.append(name)
    return found


# What a step will do, said before it is done


def consequence_text(use: ClassUse, digit: int) -> str:
    """``moves 174 boxes on 2 tracks; frees key 2``; with verified frames also that these are to be verified again."""
    boxes = tr_n("moves {count} box", "moves {count:,} boxes", use.boxes)
    if use.tracks:
        tracks = tr_n("{count} track", "{count:,} tracks", use.tracks)
        boxes = tr("{boxes} on {tracks}", boxes=boxes, tracks=tracks)
    parts = [boxes]
    if digit:
        parts.append(tr("frees key {digit}", digit=digit))
    return "; ".join([*parts, *_verified_part(use)])


def assign_text(use: ClassUse) -> str:
    """``gives 37 boxes on 20 frames a class``."""
    boxes = tr_n("{count} box", "{count:,} boxes", use.boxes)
    frames = tr_n("{count} frame", "{count:,} frames", use.frames)
    return "; ".join([tr("gives {boxes} on {frames} a class", boxes=boxes, frames=frames), *_verified_part(use)])


def _verified_part(use: ClassUse) -> list[str]:
    if not use.verified:
        return []
    return [
        tr_n(
            "{count} verified frame has to be verified again",
            "{count:,} verified frames have to be verified again",
            use.verified,
        )
    ]
