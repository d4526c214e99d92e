"""Steps of the class table: names, colours, order, merge, delete; each is undone to the first bit."""

from __future__ import annotations

import pytest

from iouviewer.app.editing.session_values import with_outdated_frames
from iouviewer.document import class_commands, frame_states
from iouviewer.document.boxes import Box
from iouviewer.document.class_commands import CLASSES, ClassUse, consequence_text, count_all_uses, count_uses
from iouviewer.document.class_join import join_classes
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit, FrameState, decode_edit, encode_edit
from iouviewer.document.history import collect_row_changes
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from tests.document.builders import state_of

RECT = (10.0, 20.0, 50.0, 80.0)
PALETTE = ("#111111", "#222222", "#333333")


def document_of(*class_ids: int) -> Document:
    """One box a frame of these classes, all frames verified; classes person, cyclist, car."""
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, len(class_ids)))
    document.classes = ClassTable(("person", "cyclist", "car"), (0, 1, 2), NumberKind.INDEX)
    for frame, class_id in enumerate(class_ids):
        truth.put(Box(frame + 1, frame, RECT, class_id, track=frame + 1))
        document.apply(frame_states.verify(document, frame).edit)
    assert truth.state(0) is FrameState.LABELLED
    return document


def run(document: Document, command: Command) -> Edit:
    """Execute a step as the session does, after it went through the project file; the inverse."""
    edit = decode_edit(encode_edit(command.edit))
    applied = document.apply(edit)
    assert applied is not None, "the command changed nothing"
    _edit, applied, _key = with_outdated_frames(document, edit, applied, "", CLASSES)
    return applied.inverse


def names_of(document: Document) -> list[str]:
    """The class of each box by its name."""
    truth = document.ground_truth()
    return [document.class_name(truth.boxes(frame)[0].class_id) for frame in range(truth.frame_count)]


def whole(document: Document) -> tuple[object, ...]:
    return state_of(document), document.classes


def test_a_class_is_merged_in_every_source_of_the_document() -> None:
    document = document_of(0, 1, 2)
    other = document.add_source(Source(1, "second", "", 640, 480, 3))
    for frame, class_id in enumerate((1, 2, 0)):
        other.put(Box(frame + 1, frame, RECT, class_id, track=frame + 1))
        document.apply(frame_states.verify(document, frame, source=1).edit)
    before = whole(document)
    assert count_all_uses(document)[1] == ClassUse(2, 2, 2, 2)
    command = class_commands.merge(document, 1, 0, PALETTE)
    applied = document.apply(command.edit)
    assert applied is not None
    assert [document.class_name(other.boxes(frame)[0].class_id) for frame in range(3)] == ["person", "car", "person"]
    assert names_of(document) == ["person", "person", "car"]
    assert not other.is_verified(0) and other.is_verified(1), "a frame that only changed its number stays verified"
    [elsewhere] = applied.change.others
    assert (applied.change.source, elsewhere.source) == (0, 1)
    assert elsewhere.box_ids == {1, 2} and applied.change.box_ids == {2, 3}
    rows = collect_row_changes(document, applied.change)
    assert {one.source: {box.id for box in one.put} for one in rows.by_source} == {0: {2, 3}, 1: {1, 2}}
    document.apply(applied.inverse)
    assert whole(document) == before


def test_a_merged_class_leaves_its_boxes_and_its_name_to_the_other_one() -> None:
    document = document_of(0, 1, 2, 1)
    before = whole(document)
    inverse = run(document, class_commands.merge(document, 1, 0, PALETTE))
    assert names_of(document) == ["person", "person", "car", "person"]
    assert document.class_names == ("person", "car") and document.classes.numbers == (0, 2)
    truth = document.ground_truth()
    assert truth.verified().tolist() == [True, False, True, False], "the car has another number, not another class"
    found = join_classes(ClassTable.of(("cyclist", "car")), document.classes)
    assert found.targets == (0, 1), "predictions of the old name join the class that took it over"
    document.apply(inverse)
    assert whole(document) == before


@pytest.mark.parametrize("target", [UNSPECIFIED_CLASS, 0, 2])
def test_a_deleted_class_gives_its_boxes_to_the_class_that_was_chosen(target: int) -> None:
    document = document_of(0, 1, 2)
    before, name = whole(document), document.class_name(target)
    inverse = run(document, class_commands.delete(document, 1, target, PALETTE))
    assert names_of(document) == ["person", name, "car"]
    assert join_classes(ClassTable.of(("cyclist",)), document.classes).targets == (-2,)
    document.apply(inverse)
    assert whole(document) == before


def test_a_class_with_boxes_is_never_deleted_without_a_class_for_them() -> None:
    document = document_of(0, 1)
    with pytest.raises(UserError, match="class cyclist still has boxes"):
        class_commands.delete(document, 1, None, PALETTE)
    run(document, class_commands.delete(document, 2, None, PALETTE))
    assert document.class_names == ("person", "cyclist") and document.ground_truth().verified().all()


def test_the_last_class_keeps_its_colour_and_its_key_when_it_takes_an_id_over() -> None:
    document = document_of(0, 2)
    run(document, class_commands.move(document, 2, 0))
    assert [document.classes.names[n] for n in document.classes.shown] == ["car", "person", "cyclist"]
    assert [document.classes.digit(n) for n in (0, 1, 2)] == [2, 3, 1]
    run(document, class_commands.delete(document, 1, None, PALETTE))
    assert [document.classes.names[n] for n in document.classes.shown] == ["car", "person"]
    assert document.classes.colour(1) == PALETTE[2], "the colour that it had as class 2"
    assert document.ground_truth().verified().all()


def test_predictions_still_join_a_class_that_was_renamed() -> None:
    document = document_of(0)
    inverse = run(document, class_commands.rename(document, 0, "pedestrian"))
    assert document.class_names[0] == "pedestrian"
    assert join_classes(ClassTable.of(("person", "car")), document.classes).targets == (0, 2)
    with pytest.raises(UserError, match="already exists"):
        class_commands.rename(document, 0, "Car")
    run(document, class_commands.add(document, "person"))
    assert join_classes(ClassTable.of(("person",)), document.classes).targets == (3,), "a real name comes first"
    document.class_names = document.class_names[:3]
    document.apply(inverse)
    assert document.class_names[0] == "person"


def test_boxes_without_a_class_get_one_in_one_step() -> None:
    document = document_of(0, -1, -1)
    before = whole(document)
    inverse = run(document, class_commands.assign(document, 2))
    assert names_of(document) == ["person", "car", "car"]
    assert document.ground_truth().verified().tolist() == [True, False, False]
    document.apply(inverse)
    assert whole(document) == before
    with pytest.raises(UserError, match="every box has a class"):
        class_commands.assign(document_of(0), 0)


def test_names_of_a_file_are_added_or_replace_numbers() -> None:
    document = document_of(0)
    table = ClassTable.of(("person", "van"), (0, 1), NumberKind.INDEX)
    run(document, class_commands.import_names(document, table, "data.yaml"))
    assert document.class_names == ("person", "cyclist", "car", "van")
    with pytest.raises(UserError, match="no new class"):
        class_commands.import_names(document, table, "data.yaml")
    document.classes = ClassTable.of(("0", "2", "7"), (0, 2, 7), NumberKind.INDEX)
    named = ClassTable.of(("person", "bicycle", "car"), (0, 1, 2), NumberKind.INDEX)
    run(document, class_commands.import_names(document, named, "data.yaml"))
    assert document.class_names == ("person", "car", "7", "bicycle")


def test_the_sentence_counts_what_a_merge_will_do() -> None:
    document = document_of(0, 1, 1)
    use = count_uses(document.ground_truth())[1]
    assert use == ClassUse(2, 2, 2, 2)
    text = consequence_text(use, 2)
    assert text == "moves 2 boxes on 2 tracks; frees key 2; 2 verified frames have to be verified again"
    assert consequence_text(ClassUse(1), 0) == "moves 1 box"
