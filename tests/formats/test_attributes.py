"""Free attributes and the truncated mark: read, kept, written back, and named where a format loses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing.import_boxes import prepare_ground_truth
from iouviewer.document.attributes import (
    MAX_SETS,
    attribute_set,
    attributes_of,
    numbers_in,
    parse_attributes,
    with_set,
)
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.sources import Source
from iouviewer.document.track_commands import Scope, set_attributes
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes, unsupported_fields, write_boxes
from iouviewer.jobs.document_results import ground_truth_to_write

CVAT = """<annotations><version>1.1</version>
<meta><task><size>6</size><start_frame>0</start_frame><stop_frame>5</stop_frame>
<labels><label><name>person</name></label></labels></task></meta>
<track id="3" label="person">
{boxes}
</track></annotations>"""
LINE = (
    '<box frame="{frame}" outside="0" occluded="0" keyframe="1" xtl="{x}" ytl="20" xbr="{right}" ybr="80">'
    '<attribute name="pose">{pose}</attribute><attribute name="truncated">{cut}</attribute></box>'
)
CONTEXT = ReadContext(size=(320, 240), frame_count=6)
POSES = ["sitting", "sitting", "standing", "lying & still"]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """The boxes of a CVAT file, imported."""
    boxes = [
        LINE.format(frame=f, x=10 + f * f, right=50 + f * f, pose=pose.replace("&", "&amp;"), cut=str(f == 2).lower())
        for f, pose in enumerate(POSES)
    ]
    path = tmp_path / "cvat.xml"
    path.write_text(CVAT.format(boxes="\n".join(boxes)))
    return imported(path, "cvat")


def imported(path: Path, format: str) -> Document:
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 320, 240, 6))
    prepared = prepare_ground_truth(read_boxes(path, CONTEXT, format=format), document, {}, 0)
    found, document.classes = prepared.imported, prepared.classes
    truth.load_columns(
        found.frames, found.boxes, class_ids=prepared.class_ids, tracks=found.track_ids, flags=found.flags
    )
    truth.load_states(prepared.states, np.zeros(6, np.int8))
    return document


def poses(document: Document) -> list[str]:
    truth, sets = document.ground_truth(), document.classes.attribute_sets
    boxes = [box for frame in range(truth.frame_count) for box in truth.boxes(frame)]
    return [dict(attributes_of(box.flags, sets)).get("pose", "") for box in boxes]


def cut(document: Document) -> list[bool]:
    return [bool(flags & BoxFlag.TRUNCATED) for flags in document.ground_truth().columns()[4].tolist()]


@pytest.mark.parametrize(("format", "name"), [("cvat", "out.xml"), ("labelme", "out"), ("coco", "out.json")])
def test_attributes_of_cvat_survive_export_and_import(
    document: Document, tmp_path: Path, format: str, name: str
) -> None:
    assert poses(document) == POSES and cut(document) == [False, False, True, False]
    assert len(document.classes.attribute_sets) == 3, "equal sets are kept once"
    data = ground_truth_to_write(document)
    assert not any("attributes" in text for text in unsupported_fields(data, format))
    write_boxes(tmp_path / name, data, format=format)
    again = imported(tmp_path / name, format)
    assert poses(again) == POSES and cut(again) == cut(document)


def test_attributes_that_change_between_key_frames_become_key_frames_of_cvat(tmp_path: Path) -> None:
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 320, 240, 6))
    sets = tuple(attribute_set({"pose": pose}) for pose in ("sitting", "standing"))
    document.classes = ClassTable(("person",), attribute_sets=sets)
    numbers = (1, 1, 2, 2, 1)
    for frame, number in enumerate(numbers):
        kind = BoxFlag.KEY_FRAME if frame in (0, 4) else BoxFlag.INTERPOLATED
        rect = (10.0 + frame, 20.0, 50.0 + frame, 80.0)
        truth.put(Box(frame + 1, frame, rect, 0, 3, with_set(int(kind), number)))
    write_boxes(tmp_path / "out.xml", ground_truth_to_write(document), format="cvat")
    again = imported(tmp_path / "out.xml", "cvat")
    assert poses(again) == ["sitting", "sitting", "standing", "standing", "sitting"]
    # CVAT keeps only key frames and repeats their attributes up to the next one.
    text = (tmp_path / "out.xml").read_text()
    boxes = [line for line in text.splitlines() if "<box" in line and 'outside="0"' in line]
    assert ['keyframe="1"' in line for line in boxes] == [True, False, True, False, True]


def test_labelme_keeps_flags_values_and_the_description(tmp_path: Path, document: Document) -> None:
    values = attribute_set({"wears hat": "true", "helmet": "false", "age": "7", "description": "left of the door"})
    command = set_attributes(document, [1], values, Scope.FRAME)
    document.apply(command.edit)
    write_boxes(tmp_path / "out", ground_truth_to_write(document), format="labelme")
    again = imported(tmp_path / "out", "labelme")
    assert values in again.classes.attribute_sets


@pytest.mark.parametrize("format", ["mot", "yolo", "voc", "boxcsv"])
def test_a_format_that_loses_attributes_says_so(document: Document, format: str) -> None:
    assert "4 boxes lose their attributes" in unsupported_fields(ground_truth_to_write(document), format)


def test_attributes_of_a_track_are_one_step_that_is_undone(document: Document) -> None:
    before = document.ground_truth().columns()[4].copy(), document.classes
    command = set_attributes(document, [1], parse_attributes("pose = running"), Scope.TRACK)
    applied = document.apply(command.edit)
    assert applied is not None and poses(document) == ["running"] * 4
    document.apply(applied.inverse)
    assert (document.ground_truth().columns()[4] == before[0]).all() and document.classes == before[1]
    with pytest.raises(UserError, match="is not an attribute"):
        parse_attributes("pose")


def test_a_project_holds_so_many_sets_and_says_when_more_are_lost() -> None:
    own = tuple(attribute_set({"n": str(number)}) for number in range(MAX_SETS))
    numbers, grown = numbers_in(own, (attribute_set({"pose": "sitting"}),))
    assert len(grown) == MAX_SETS and numbers[1] == 2 and numbers[MAX_SETS] == 0
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 320, 240, 1))
    document.classes = ClassTable(("person",), attribute_sets=own)
    truth.put(Box(1, 0, (1.0, 1.0, 9.0, 9.0), 0, flags=with_set(0, 1)))
    with pytest.raises(UserError, match="at most 2,047"):
        set_attributes(document, [1], attribute_set({"n": "other"}), Scope.FRAME)
