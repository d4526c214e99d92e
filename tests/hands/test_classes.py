"""The manager of classes by hand: rename, colour, arrange, merge, delete, no class, import, map; all undone."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QDialog, QLabel, QLineEdit, QTableView, QToolButton

from tests.hands.boxes_by_hand import centre
from tests.hands.cases import car
from tests.hands.hands import Hands
from tests.ui.window import FRAMES


def ready(hands: Hands) -> None:
    hands.wait(lambda: "AP" in numbers(hands), "the scores")
    hands.wait(lambda: len(hands.rows("boxesTable")) >= 2, "the boxes")


def numbers(hands: Hands) -> str:
    return hands.named("numbers").text()  # type: ignore[attr-defined]


def in_classes(hands: Hands, *steps: object) -> None:
    """Open Box > Classes…, do the steps in it, close it by its button."""

    def with_done(dialog: QDialog) -> None:
        for step in steps:
            step(dialog)  # type: ignore[operator]
        hands.click(hands.button("Done", dialog))

    with hands.in_dialog(with_done):
        hands.menu("Box", "Classes…")


def table(dialog: QDialog) -> QTableView:
    found = dialog.findChild(QTableView, "classesTable")
    assert found is not None
    return found


def rows(dialog: QDialog) -> list[tuple[str, str, str]]:
    """Key, name and boxes of each row."""
    model = table(dialog).model()
    return [
        tuple(str(model.index(row, column).data() or "") for column in (1, 3, 4))  # type: ignore[misc]
        for row in range(model.rowCount())
    ]


def cell(dialog: QDialog, row: int, column: int) -> QPoint:
    view = table(dialog)
    return view.viewport().mapToGlobal(view.visualRect(view.model().index(row, column)).center())


def text_of(dialog: QDialog, name: str) -> str:
    found = dialog.findChild(QLabel, name)
    return found.text() if found is not None and found.isVisible() else ""


def editor(dialog: QDialog) -> QLineEdit | None:
    return next((w for w in table(dialog).viewport().findChildren(QLineEdit) if w.isVisible()), None)


def class_column(hands: Hands) -> list[str]:
    return sorted(hands.column("boxesTable", "Class"))


def test_a_class_is_renamed_in_its_place_and_everything_follows(person: Hands) -> None:
    hands = person
    ready(hands)
    before = numbers(hands)

    def rename(dialog: QDialog) -> None:
        assert rows(dialog) == [("1", "car", str(FRAMES)), ("2", "person", str(FRAMES))]
        assert text_of(dialog, "classesCounts") == f"2 classes · {2 * FRAMES} boxes"
        hands.key("F2")
        hands.wait(lambda: editor(dialog), "the field")
        hands.key("Ctrl+A")
        hands.type("vehicle")
        hands.key("Return")
        hands.wait(lambda: rows(dialog)[0][1] == "vehicle", "the new name")
        assert class_column(hands) == ["person", "vehicle"], "the list behind follows at once"
        hands.key("Down", "Return")
        hands.wait(lambda: editor(dialog), "the field of the second row")
        hands.key("Ctrl+A")
        hands.type("Vehicle")
        hands.key("Return")
        hands.wait(lambda: "already exists" in text_of(dialog, "classesMessage"), "the reason")

    in_classes(hands, rename)
    assert numbers(hands) == before, "predictions of cars still count as those of this class"
    hands.click_picture(centre(car(0)))
    hands.wait(lambda: hands.reads("vehicle 1"), "the name in the inspector")
    hands.key("Ctrl+Z")
    hands.wait(lambda: class_column(hands) == ["car", "person"], "the old name")


def test_keys_follow_the_order(person: Hands) -> None:
    hands = person
    ready(hands)

    def arrange(dialog: QDialog) -> None:
        hands.key("Alt+Down")
        hands.wait(lambda: [row[:2] for row in rows(dialog)] == [("1", "person"), ("2", "car")], "the new order")
        hands.key("Alt+Up")
        hands.wait(lambda: rows(dialog)[0][1] == "car", "the old order")
        hands.press(cell(dialog, 0, 0))
        hands.move(cell(dialog, 1, 0))
        hands.release()
        hands.wait(lambda: rows(dialog)[0][1] == "person", "the order after the drag")

    in_classes(hands, arrange)
    hands.click_picture(centre(car(0)))
    hands.key("1")
    hands.wait(lambda: hands.cell("boxesTable", 0, "Class") == "person", "the class of the first key")
    hands.key("2")
    hands.wait(lambda: hands.cell("boxesTable", 0, "Class") == "car", "the class of the second key")


def test_a_colour_is_seen_on_the_canvas_and_an_illegible_one_is_refused(person: Hands) -> None:
    hands = person
    ready(hands)
    hands.menu("View", "Colour by", "Colour by class")
    hands.key("B")  # ground truth alone
    left = (car(0)[0], 130.0)
    hands.wait(lambda: hands.colour_at(left).blue() > 200, "the blue of the first class")

    def recolour(dialog: QDialog) -> None:
        hands.click(cell(dialog, 0, 2))
        hands.click(hands.button("Done", dialog))

    def choose(popup: QDialog) -> None:
        hands.click(popup.findChild(QLineEdit, "classColourLine"))
        hands.key("Ctrl+A")
        hands.type("#200000")
        hands.key("Return")
        assert text_of(popup, "classColourMessage").startswith("Too dark on a picture")
        hands.click(popup.findChild(QToolButton, "classColour.#ff7a45"))

    with hands.in_dialog(recolour, choose):
        hands.menu("Box", "Classes…")
    hands.wait(lambda: hands.colour_at(left).red() > 200 and hands.colour_at(left).blue() < 120, "the orange")
    hands.click_picture((10, 150))
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.colour_at(left).blue() > 200, "the blue again")


def test_a_merge_says_what_it_does_and_is_undone_in_the_dialog(person: Hands) -> None:
    hands = person
    ready(hands)
    hands.click_picture((10, 150))
    hands.key("S")

    def merge(dialog: QDialog) -> None:
        hands.key("Down", "M")
        hands.wait(lambda: text_of(dialog, "classQuestionText"), "the question")
        expected = f"moves {FRAMES} boxes on 1 track; frees key 2; 1 verified frame has to be verified again"
        assert text_of(dialog, "classQuestionText") == expected
        hands.key("Return")
        hands.wait(lambda: rows(dialog) == [("1", "car", str(2 * FRAMES))], "one class")
        hands.key("Ctrl+Z")
        hands.wait(lambda: len(rows(dialog)) == 2, "both classes again")
        hands.key("Ctrl+Shift+Z")
        hands.wait(lambda: len(rows(dialog)) == 1, "one class again")

    in_classes(hands, merge)
    hands.wait(lambda: "Class" not in shown_titles(hands), "the list without the column")
    hands.key("Ctrl+Z", "Ctrl+Z")
    hands.wait(lambda: "Class" in shown_titles(hands) and class_column(hands) == ["car", "person"], "both classes")


def shown_titles(hands: Hands) -> list[str]:
    view = hands.named("boxesTable")
    assert isinstance(view, QTableView)
    model = view.model()
    return [
        str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        for column in range(model.columnCount())
        if not view.isColumnHidden(column)
    ]


def test_a_used_class_is_deleted_with_a_target_and_boxes_without_a_class_get_one(person: Hands) -> None:
    hands = person
    ready(hands)

    def delete(dialog: QDialog) -> None:
        hands.key("Del")
        target = dialog.findChild(QComboBox, "classQuestionTarget")
        hands.wait(target.isVisible, "the question for a class")
        assert [target.itemText(place) for place in range(target.count())] == ["person", "no class"]
        hands.key("Down")
        assert target.currentText() == "no class"
        hands.click(hands.button("Delete class", dialog))
        hands.wait(lambda: rows(dialog)[-1] == ("", "no class", str(FRAMES)), "the boxes without a class")
        assert rows(dialog)[0] == ("1", "person", str(FRAMES))
        last = table(dialog).model().index(1, 3)
        assert last.data(Qt.ItemDataRole.FontRole).italic()

    in_classes(hands, delete)
    assert class_column(hands) == ["no class", "person"]

    def assign(dialog: QDialog) -> None:
        hands.click(cell(dialog, 1, 8))
        hands.wait(lambda: text_of(dialog, "classQuestionText"), "the question")
        assert text_of(dialog, "classQuestionText") == f"gives {FRAMES} boxes on {FRAMES} frames a class"
        hands.click(hands.button("Assign", dialog))
        hands.wait(lambda: rows(dialog) == [("1", "person", str(2 * FRAMES))], "all boxes with a class")

    in_classes(hands, assign)
    hands.click_picture((10, 150))
    for _ in range(4):
        hands.key("Ctrl+Z")
    hands.wait(lambda: class_column(hands) == ["car", "person"], "everything as it was")


def test_eighty_names_are_imported_and_found_by_typing(person: Hands, tmp_path: Path) -> None:
    hands = person
    ready(hands)
    names = [f"thing {number}" for number in range(78)]
    file = tmp_path / "data.yaml"
    file.write_text("names: [" + ", ".join(["car", "person", *names]) + "]\n")

    def take(dialog: QDialog) -> None:
        hands.click(hands.button("Import names…", dialog))
        hands.wait(lambda: len(rows(dialog)) == 80, "eighty classes")
        hands.click(dialog.findChild(QLineEdit, "classesFilter"))
        hands.type("ing 77")
        hands.wait(lambda: [row[1] for row in rows(dialog)] == ["thing 77"], "the match")
        hands.key("Return", "Del")
        hands.wait(lambda: not rows(dialog), "no match")
        hands.click(dialog.findChild(QLineEdit, "classesFilter"))
        hands.key("Ctrl+A", "Backspace")
        hands.wait(lambda: len(rows(dialog)) == 79, "the other classes")
        hands.click(hands.button("Done", dialog))

    with hands.in_dialog(take, hands.open_path(file)):
        hands.menu("Box", "Classes…")
    hands.click_picture((10, 150))
    hands.key("Ctrl+Z", "Ctrl+Z")

    def look(dialog: QDialog) -> None:
        assert [row[1] for row in rows(dialog)] == ["car", "person"]

    in_classes(hands, look)


def test_the_map_of_a_variant_is_opened_from_the_classes_and_undone(person: Hands) -> None:
    hands = person
    ready(hands)
    before = numbers(hands)

    def open_map(dialog: QDialog) -> None:
        button = hands.button("base: 2 of 2 classes mapped…", dialog)
        hands.click(button)
        hands.wait(lambda: any(text.startswith("base: 1 of 2") for text in hands.texts(dialog)), "one class left")
        hands.click(hands.button("Done", dialog))

    def leave_out(dialog: QDialog) -> None:
        combo = next(box for box in dialog.findChildren(QComboBox) if box.accessibleName() == "Class for person")
        hands.choose(combo, "None (left out)")
        hands.click(hands.button("Use classes", dialog))

    with hands.in_dialog(open_map, leave_out):
        hands.menu("Box", "Classes…")
    hands.wait(lambda: numbers(hands) != before, "other scores")
    hands.click_picture((10, 150))
    hands.key("Ctrl+Z")
    hands.wait(lambda: numbers(hands) == before, "the scores before")


def test_the_manager_is_in_the_palette(person: Hands) -> None:
    hands = person
    ready(hands)

    def search(dialog: QDialog) -> None:
        hands.type("Classes")
        hands.key("Return")

    def close(dialog: QDialog) -> None:
        assert dialog.objectName() == "classesDialog"
        hands.key("Esc")

    with hands.in_dialog(search, close):
        hands.key("Ctrl+K")
