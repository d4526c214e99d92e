"""A data set's folder is dropped: its splits are listed with their counts, and one is opened with its labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PySide6.QtWidgets import QDialog, QLineEdit, QTreeWidget, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from tests.hands.hands import Hands
from tests.ui.window import opened_window

HASH = "0123456789abcdef0123456789abcdef"
COUNTS = {"train": 4, "valid": 3}


def write_roboflow(folder: Path) -> Path:
    """A root as Roboflow exports it, without its data.yaml: each split has another place for its box."""
    root = folder / "cats.v1"
    for place, (split, count) in enumerate(COUNTS.items()):
        for part in ("images", "labels"):
            (root / split / part).mkdir(parents=True)
        for number in range(count):
            name = f"{split}{number}_jpg.rf.{HASH}"
            cv2.imwrite(str(root / split / "images" / f"{name}.jpg"), np.full((100, 200, 3), 90, np.uint8))
            row = f"0 {0.25 + 0.5 * place} 0.5 0.2 0.4\n"
            (root / split / "labels" / f"{name}.txt").write_text(row)
    return root


def tree_rows(dialog: QDialog) -> list[list[str]]:
    [tree] = dialog.findChildren(QTreeWidget)
    root = tree.topLevelItem(0)
    items = [root, *(root.child(place) for place in range(root.childCount()))]
    return [[item.text(column) for column in range(4)] for item in items]


def item_of(dialog: QDialog, name: str) -> tuple[QTreeWidget, QTreeWidgetItem]:
    [tree] = dialog.findChildren(QTreeWidget)
    root = tree.topLevelItem(0)
    return tree, next(root.child(place) for place in range(root.childCount()) if root.child(place).text(0) == name)


def test_a_split_of_a_dropped_root_is_chosen_in_its_tree(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_roboflow(tmp_path)

    def choose(dialog: QDialog) -> None:
        assert tree_rows(dialog) == [
            ["cats.v1", "", "7", "7"],
            ["train", "YOLO labels folder", "4", "4"],
            ["valid", "YOLO labels folder", "3", "3"],
        ]
        assert any("4 images of train are opened" in text for text in hands.texts(dialog))
        tree, item = item_of(dialog, "valid")
        hands.click(tree.viewport().mapToGlobal(tree.visualItemRect(item).center()))
        hands.wait(lambda: any("3 images of valid are opened" in text for text in hands.texts(dialog)), "the note")
        hands.click(hands.button("Open part", dialog))

    def confirm(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        hands.click(hands.button("Open", dialog))

    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        with hands.in_dialog(choose, confirm):
            hands.drop(hands.window, root)
        hands.wait(lambda: hands.reads("/ 2"), "the three images of the split")
        hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "its box")
        hands.key("Tab")
        hands.wait(lambda: hands.sees("inspector.x"), "the selected box")
        # The boxes of valid lie at three quarters of the width, those of train at one.
        field = hands.named("inspector.x")
        assert isinstance(field, QLineEdit)
        hands.wait(lambda: field.text() == "130.0", "the left edge")


def test_cancelling_the_tree_opens_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_roboflow(tmp_path)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        with hands.in_dialog(lambda _dialog: hands.key("Escape")):
            hands.drop(hands.window, root)
        assert hands.sees("firstRun.sample")


def test_a_split_is_chosen_by_keys(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_roboflow(tmp_path)

    def choose(dialog: QDialog) -> None:
        hands.key("Down")
        hands.wait(lambda: any("3 images of valid are opened" in text for text in hands.texts(dialog)), "the note")
        hands.key("Return")

    def confirm(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        hands.key("Return")

    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        with hands.in_dialog(choose, confirm):
            hands.drop(hands.window, root)
        hands.wait(lambda: hands.reads("/ 2"), "the three images of the split")
