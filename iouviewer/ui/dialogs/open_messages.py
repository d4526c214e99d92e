"""The messages of the Open dialog about its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from iouviewer.document.class_join import ClassJoin
from iouviewer.document.imported import ImportedBoxes
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.message_list import Message
from iouviewer.ui.dialogs.open_rows import OpenRow, class_counts, refused_message


@dataclass(frozen=True, slots=True)
class Answers:
    """What the messages ask the dialog, and what their buttons do.

    Attributes:
        known_frames: frames of the video, None without one.
        join: how the classes of predictions become those of the ground truth.
        is_class_choice_open: whether a person should look at the classes of a file.
    """

    known_frames: int | None
    join: Callable[[OpenRow], ClassJoin | None]
    is_class_choice_open: Callable[[OpenRow], bool]
    edit_columns: Callable[[OpenRow], None]
    edit_classes: Callable[[OpenRow], None]
    map_classes: Callable[[OpenRow, Mapping[str, str]], None]
    use_alignment: Callable[[OpenRow], None]
    read_shapes: Callable[[OpenRow], None]


def messages_of(row: OpenRow, answers: Answers) -> Iterator[Message]:
    """What a person should know about one file, and the buttons that change it."""
    boxes, name = row.boxes, row.candidate.path.name
    if row.error is not None and row.error.choices:
        text = tr("{name}: {message}. Choose how to read it.", name=name, message=row.error.message)
        yield Message(text, is_warning=True, **_columns_fix(row, answers))
    elif row.has_failed and row.result is not None:
        text = tr("{name}: {message}", name=name, message=str(row.result.error))
        yield Message(text, is_warning=True, **_columns_fix(row, answers))
    if boxes is None:
        return
    if boxes.columns:
        yield Message(_columns_text(boxes, name), **_columns_fix(row, answers))
    if row.alignment is not None:
        text = tr("{name} fits better with another reading: {text}.", name=name, text=row.alignment.text)
        use = partial(answers.use_alignment, row)
        yield Message(text, is_warning=True, fix=tr("Use {reading}", reading=row.alignment.choice.text), apply=use)
    if boxes.refused_shapes:
        text = tr_n(
            "{count} row of {name} is a polygon or another shape, which can be read as the box around it.",
            "{count:,} rows of {name} are polygons or other shapes, which can be read as the boxes around them.",
            boxes.refused_shapes,
            name=name,
        )
        fix = tr("Read boxes around them")
        yield Message(text, is_warning=True, fix=fix, apply=partial(answers.read_shapes, row))
    if boxes.refused:
        yield refused_message(boxes, name)
    outside = row.count_outside(answers.known_frames)
    if outside:
        text = tr_n(
            "{count} box of {name} lies on a frame that the video does not have and will be skipped.",
            "{count:,} boxes of {name} lie on frames that the video does not have and will be skipped.",
            outside,
            name=name,
        )
        yield Message(text, is_warning=True)
    if answers.is_class_choice_open(row):
        yield _class_message(row, answers)
    for note in _notes_besides_columns(boxes):
        yield Message(tr("{name}: {message}", name=name, message=note))


def _class_message(row: OpenRow, answers: Answers) -> Message:
    """Classes of predictions that the ground truth lacks, with the button that takes what is proposed."""
    join, boxes, name = answers.join(row), row.boxes, row.candidate.path.name
    choose = partial(answers.edit_classes, row)
    if join is None or boxes is None or join.problem:
        problem = "" if join is None else join.problem
        text = tr("{name}: {problem}.", name=name, problem=problem)
        return Message(text, is_warning=True, fix=tr("Choose classes…"), apply=choose)
    counts = class_counts(boxes)
    proposed = {boxes.class_names[one]: join.proposals[one] for one in counts if one in join.proposals}
    if not proposed:
        text = tr("No class of {name} is in the ground truth: all of its boxes would be left out.", name=name)
        return Message(text, is_warning=True, fix=tr("Choose classes…"), apply=choose)
    pairs = ", ".join(tr("{name} → {proposal}", name=one, proposal=other) for one, other in proposed.items())
    text = tr_n(
        "A class of {name} is not in the ground truth, but may be one of its classes: {pairs}.",
        "{count} classes of {name} are not in the ground truth, but may be some of its classes: {pairs}.",
        len(proposed),
        name=name,
        pairs=pairs,
    )
    return Message(
        text, is_warning=True, fix=tr("Use {pairs}", pairs=pairs), apply=partial(answers.map_classes, row, proposed)
    )


def _columns_fix(row: OpenRow, answers: Answers) -> dict[str, Any]:
    """The button of a message about a table."""
    return {"fix": tr("Columns…"), "apply": partial(answers.edit_columns, row)} if row.is_table else {}


def _columns_text(boxes: ImportedBoxes, name: str) -> str:
    """What the columns of a table are read as."""
    note = next((note for note in boxes.notes if _is_about_columns(note)), "")
    return tr("{name}: {message}", name=name, message=note)


def _notes_besides_columns(boxes: ImportedBoxes) -> Iterator[str]:
    """The notes of a file without the one about its columns."""
    return (note for note in boxes.notes if not (boxes.columns and _is_about_columns(note)))


def _is_about_columns(note: str) -> bool:
    return note.startswith(
        (tr("Columns: {columns}", columns=""), tr("Columns as chosen before for this header: {columns}", columns=""))
    )
