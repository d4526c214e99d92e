"""Attributes, the truncated mark and regions to ignore, by hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QLineEdit

from iouviewer.formats.registry import ReadContext, read_boxes
from tests.hands.boxes_by_hand import centre
from tests.hands.cases import EXTRA, EXTRA_FRAME, PERSON
from tests.hands.hands import Hands
from tests.hands.test_dialogs import save_to


def ready(hands: Hands) -> None:
    hands.wait(lambda: "AP" in numbers(hands), "the scores")


def numbers(hands: Hands) -> str:
    return hands.named("numbers").text()  # type: ignore[attr-defined]


def field(hands: Hands) -> QLineEdit:
    found = hands.named("inspector.attributes")
    assert isinstance(found, QLineEdit)
    return found


def test_attributes_are_typed_kept_and_exported(person: Hands, tmp_path: Path) -> None:
    hands = person
    ready(hands)
    hands.click_picture(centre(PERSON))
    assert not hands.sees("inspector.attributes"), "no box has any"
    hands.menu("Box", "Attributes…")
    hands.wait(lambda: field(hands).hasFocus(), "the field")
    hands.type("pose")
    hands.key("Return")
    hands.wait(lambda: hands.reads("is not an attribute"), "what is wrong")
    hands.type(" = sitting; age = 30")
    hands.key("Return")
    hands.wait(lambda: field(hands).text() == "age = 30; pose = sitting", "the attributes")
    hands.click(hands.named("inspector.truncated"))
    hands.click_picture((10, 150))
    hands.click_picture(centre(PERSON))
    hands.wait(lambda: field(hands).text() == "age = 30; pose = sitting", "the attributes again")
    path = tmp_path / "gt.xml"

    def export(dialog: QDialog) -> None:
        hands.type("CVAT")
        save_to(hands, dialog, path)
        hands.click(hands.button("Export 48 boxes", dialog))

    with hands.in_dialog(export):
        hands.key("Ctrl+E")
    hands.wait(path.exists, "the file")
    found = read_boxes(path, ReadContext(size=(320, 240)), format="cvat")
    assert (("age", "30"), ("pose", "sitting")) in found.attribute_sets
    hands.click_picture(centre(PERSON))
    hands.key("Ctrl+Z", "Ctrl+Z")
    hands.wait(lambda: not hands.sees("inspector.attributes") or field(hands).text() == "", "no attributes")


def test_a_region_to_ignore_takes_an_extra_prediction_out_of_the_scores(person: Hands, tmp_path: Path) -> None:
    hands = person
    ready(hands)
    hands.key(*["D"] * EXTRA_FRAME)
    hands.wait(lambda: hands.frame == EXTRA_FRAME, "the frame")
    hands.wait(lambda: "extra" in hands.column("boxesTable", "State"), "the extra prediction")
    before = numbers(hands)
    hands.key("Shift+I")
    x1, y1, x2, y2 = EXTRA
    hands.drag_picture((x1 - 8, y1 - 8), (x2 + 8, y2 + 8))
    hands.wait(lambda: "extra" not in hands.column("boxesTable", "State"), "no extra prediction")
    assert numbers(hands) != before
    hands.click_picture((10, 150))
    hands.menu("Edit", "Undo Draw region to ignore")
    hands.wait(lambda: "extra" in hands.column("boxesTable", "State"), "the extra prediction again")
    hands.wait(lambda: numbers(hands) == before, "the scores before")
