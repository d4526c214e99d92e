"""Opening and importing: the menu, the Open dialog, dropped files, recent files, and the order of imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QComboBox, QDialog, QSpinBox, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window, write_video


def names(paths: Sequence[Path]) -> str:
    return " ".join(f'"{path}"' for path in paths)


def opened_rows(dialog: QDialog) -> list[list[str]]:
    """File and role of each row of the Open dialog."""
    [table] = dialog.findChildren(QTableWidget)
    rows = []
    for row in range(table.rowCount()):
        role = table.cellWidget(row, 1)
        assert isinstance(role, QComboBox)
        rows.append([table.cellWidget(row, 0).text(), role.currentText()])
    return rows


def top_bar(hands: Hands) -> QWidget:
    return hands.named("topBar")


def shows(hands: Hands, frame: int, last: int) -> bool:
    """Whether the frame field shows this number, of so many."""
    field = hands.named("frameSpinBox")
    assert isinstance(field, QSpinBox)
    return (field.value(), field.maximum()) == (frame, last)


def scores(hands: Hands) -> list[str]:
    """The scores of all variants on the screen."""
    return sorted(" ".join(row) for row in hands.rows("variantsTable"))


def wait_until_loaded(hands: Hands, variants: int) -> None:
    """Go to Compare, which has the table of variants, and wait for their scores there."""
    hands.wait(lambda: not hands.sees("firstRun.sample"), "the video")
    hands.key("F3")
    hands.wait(lambda: len(hands.rows("variantsTable")) == variants, "the variants")
    hands.wait(lambda: "–" not in hands.column("variantsTable", "Avg IoU"), "the scores")


@pytest.mark.parametrize("order", ["ground truth first", "predictions first"])
def test_the_order_of_imports_does_not_change_the_scores(empty: Hands, case: Case, order: str) -> None:
    hands = empty
    with hands.in_dialog(hands.open_path(case.video)):
        hands.menu("File", "Open video or images…")
    hands.wait(lambda: shows(hands, 0, 23), "the video")
    steps = [("Import ground truth…", case.gt), ("Add predictions…", case.base)]
    for entry, path in steps if order == "ground truth first" else reversed(steps):
        with hands.in_dialog(hands.open_path(path)):
            hands.menu("File", entry)
        if path is case.gt:
            hands.wait(lambda: "1" in hands.column("boxesTable", "Track"), "the ground truth")
        else:
            hands.wait(lambda: hands.reads("base"), "the layer of the variant")
    hands.wait(lambda: hands.reads("Avg IoU 0.909"), "Avg IoU")
    assert hands.reads("PQ 0.900")
    assert set(hands.column("boxesTable", "Class")) == {"car", "person"}
    wait_until_loaded(hands, 1)
    assert hands.cell("variantsTable", 0, "Avg IoU") == "0.909"
    assert hands.cell("variantsTable", 0, "PQ") == "0.900"


def test_a_video_with_its_files_opens_through_one_dialog(empty: Hands, case: Case) -> None:
    hands = empty

    def confirm(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        assert opened_rows(dialog) == [
            ["clip.avi", "Video"],
            ["gt.csv", "Ground truth"],
            ["base.csv", "Predictions"],
            ["other.csv", "Predictions"],
        ]
        hands.key("Return")

    def choose(dialog: QDialog) -> None:
        hands.type(names([case.video, case.gt, case.base, case.other]))
        hands.key("Return")

    with hands.in_dialog(choose, confirm):
        hands.menu("File", "Open with ground truth and predictions…")
    wait_until_loaded(hands, 2)
    assert hands.reads("Avg IoU 0.909")


def test_files_are_dropped_on_the_window_and_a_role_is_changed(empty: Hands, case: Case) -> None:
    hands = empty

    def skip_one(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        [table] = dialog.findChildren(QTableWidget)
        role = table.cellWidget(3, 1)
        assert isinstance(role, QComboBox)
        hands.choose(role, "Skip")
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the other files to be read again")
        hands.click(hands.button("Open", dialog))

    with hands.in_dialog(skip_one):
        hands.drop(top_bar(hands), case.video, case.gt, case.base, case.other)
    wait_until_loaded(hands, 1)
    assert hands.reads("Avg IoU 0.909")


def test_a_dropped_folder_is_replaced_by_its_files(empty: Hands, case: Case) -> None:
    hands = empty

    def confirm(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        assert sorted(opened_rows(dialog)) == [
            ["base.csv", "Predictions"],
            ["clip.avi", "Video"],
            ["gt.csv", "Ground truth"],
            ["other.csv", "Predictions"],
        ]
        hands.click(hands.button("Open", dialog))

    with hands.in_dialog(confirm):
        hands.drop(top_bar(hands), case.video.parent)
    wait_until_loaded(hands, 2)


def test_a_folder_of_images_opens_from_the_menu(empty: Hands, tmp_path: Path) -> None:
    hands = empty
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number:03d}.png"), np.full((60, 80, 3), 60 * number, np.uint8))
    with hands.in_dialog(hands.open_path(folder)):
        hands.menu("File", "Open folder…")
    hands.wait(lambda: shows(hands, 0, 2), "the first image")
    hands.key("End")
    hands.wait(lambda: hands.colour_at((40, 30)).red() == 120, "the last image")


def test_a_project_is_found_among_the_recent_files_with_its_edits(empty: Hands, case: Case) -> None:
    hands = empty
    hands.drop(top_bar(hands), case.video)
    hands.wait(lambda: shows(hands, 0, 23), "the video")
    hands.wait(lambda: hands.colour_at((100, 120)).lightness() > 150, "the frame on the canvas")
    hands.key("W")
    hands.drag_picture((20, 20), (50, 45))
    hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box")
    hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the edit to be saved")
    other = write_video(case.video.with_name("second.avi"), frames=10)
    hands.drop(top_bar(hands), other)
    hands.wait(lambda: shows(hands, 0, 9) and hands.reads("No boxes on this frame"), "the second video")
    hands.menu("File", "Open recent", str(case.video))
    hands.wait(lambda: shows(hands, 0, 23) and len(hands.rows("boxesTable")) == 1, "the box again")


def test_boxes_without_a_video_are_refused_in_words(empty: Hands, case: Case) -> None:
    hands = empty
    said = []

    def read(dialog: QDialog) -> None:
        said.extend(hands.texts(dialog))
        hands.key("Return")

    def confirm(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the file to be read")
        hands.click(hands.button("Open", dialog))

    with hands.in_dialog(confirm, read):
        hands.drop(top_bar(hands), case.gt)
    assert any("there is no video for these files" in text for text in said)


def test_edited_ground_truth_is_replaced_only_after_a_question(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request(variants=1)) as window:
        hands = Hands(qtbot, window)
        hands.key("W")
        hands.drag_picture((20, 20), (50, 45))
        hands.wait(lambda: len(hands.rows("boxesTable")) == 3, "the box that was drawn")
        lines = case.gt.read_text().splitlines()
        case.gt.with_name("less.csv").write_text("\n".join([lines[0], *lines[1::2]]) + "\n")

        answers = []

        def answer(text: str) -> None:
            def press(dialog: QDialog) -> None:
                answers.append(" ".join(hands.texts(dialog)))
                hands.click(hands.button(text, dialog))

            with hands.in_dialog(hands.open_path(case.gt.with_name("less.csv")), press):
                hands.menu("File", "Import ground truth…")

        answer("Cancel")
        assert "with the 24 boxes of less.csv?" in answers[0]
        assert len(hands.rows("boxesTable")) == 3
        answer("Replace ground truth")
        hands.wait(lambda: _truth_classes(hands) == ["car"], "the new boxes")
        hands.key("Ctrl+Z")
        hands.wait(lambda: len(hands.rows("boxesTable")) == 3, "the boxes before the import")


def _truth_classes(hands: Hands) -> list[str]:
    """Classes of the ground-truth boxes in the list; the rows of predictions alone name their variant."""
    tracks, classes = hands.column("boxesTable", "Track"), hands.column("boxesTable", "Class")
    return [name for track, name in zip(tracks, classes, strict=True) if track.isdecimal() or track == "–"]
