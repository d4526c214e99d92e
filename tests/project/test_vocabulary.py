"""Classes with order, colours and old names, attributes of boxes, and excluded frames survive closing the project."""

from __future__ import annotations

from pathlib import Path

from iouviewer.document import class_commands, frame_states
from iouviewer.document.attributes import attributes_of, parse_attributes
from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.frame_states import FrameWork, work_of
from iouviewer.document.history import collect_row_changes
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.track_commands import Scope, set_attributes
from iouviewer.project.store import ProjectFile
from tests.document.builders import state_of

RECT = (10.0, 20.0, 50.0, 80.0)
PALETTE = ("#111111", "#222222", "#333333")


def document_of() -> Document:
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, 4))
    document.classes = ClassTable(("person", "cyclist", "car"), (0, 1, 2), NumberKind.INDEX)
    for frame in range(4):
        truth.put(Box(frame + 1, frame, RECT, frame % 3, track=frame + 1))
    return document


def commands(document: Document) -> list[Command]:
    """Steps of all kinds; each is built when it is executed."""
    return [
        lambda: frame_states.verify(document, 0),
        lambda: frame_states.exclude(document, [0, 2]),
        lambda: class_commands.rename(document, 0, "pedestrian"),
        lambda: class_commands.recolour(document, 2, "#ff7a45"),
        lambda: class_commands.move(document, 2, 0),
        lambda: set_attributes(document, [1, 2], parse_attributes("pose = sitting; age = 30"), Scope.FRAME),
        lambda: set_attributes(document, [3], parse_attributes("pose = lying"), Scope.FRAME),
        lambda: class_commands.merge(document, 1, 0, PALETTE),
    ]  # type: ignore[return-value]


def test_what_was_edited_is_read_back_and_undone_after_a_restart(tmp_path: Path) -> None:
    path, document = tmp_path / "clip.iouv", document_of()
    project = ProjectFile.create(path, document)
    states = [(state_of(document), document.classes)]
    for build in commands(document):
        command = build()  # type: ignore[operator]
        applied = document.apply(command.edit)
        assert applied is not None
        project.append(
            Step(command.label, command.edit, applied.inverse, 0, 0, author="mb"),
            collect_row_changes(document, applied.change),
        )
        states.append((state_of(document), document.classes))
    project.close()

    project = ProjectFile.open(path)
    read = project.load().document
    assert (state_of(read), read.classes) == states[-1]
    truth = read.ground_truth()
    assert [work_of(truth, frame) for frame in range(4)] == [
        FrameWork.EXCLUDED,
        FrameWork.NOT_VERIFIED,
        FrameWork.EXCLUDED,
        FrameWork.NOT_VERIFIED,
    ]
    assert [read.classes.names[number] for number in read.classes.shown] == ["car", "pedestrian"]
    assert read.classes.colour(1) == "#ff7a45"
    assert dict(attributes_of(truth.boxes(0)[0].flags, read.classes.attribute_sets)) == {"pose": "sitting", "age": "30"}
    for expected in reversed(states[:-1]):
        step = project.undo_step()
        assert step is not None
        applied = read.apply(step.inverse)
        assert applied is not None
        project.move(-1, collect_row_changes(read, applied.change))
        assert (state_of(read), read.classes) == expected
    project.close()
    project = ProjectFile.open(path)
    again = project.load().document
    assert (state_of(again), again.classes) == states[0]
    project.close()
