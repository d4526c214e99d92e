"""Tables with a header: their columns are shown, said by mouse, and remembered."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QDialog, QLabel, QTableWidget
from pytestqt.qtbot import QtBot

from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import read_boxes
from tests.hands.hands import Hands
from tests.ui.window import FRAMES, opened_window, square, write_video


def write_tables(folder: Path) -> tuple[Path, Path, Path]:
    """A video, ground truth with plain corners, and predictions as x, y, w, h, where x and y are the centre."""
    truth = ["frame,x1,y1,x2,y2,label"]
    found = ["frame,x,y,w,h,name of class,sure"]
    for frame in range(FRAMES):
        x1, y1, x2, y2 = square(frame)
        truth.append(f"{frame},{x1},{y1},{x2},{y2},car")
        found.append(f"{frame},{(x1 + x2) / 2},{(y1 + y2) / 2},{x2 - x1},{y2 - y1},car,0.9")
    gt, pred = folder / "truth.csv", folder / "found.csv"
    gt.write_text("\n".join(truth))
    pred.write_text("\n".join(found))
    return write_video(folder / "clip.avi"), gt, pred


def open_video(hands: Hands, video: Path) -> None:
    with hands.in_dialog(hands.open_path(video)):
        hands.menu("File", "Open video or images…")
    hands.wait(lambda: hands.reads(f"/ {FRAMES - 1}"), "the video")


def role_box(dialog: QDialog, column: str) -> QComboBox:
    [table] = dialog.findChildren(QTableWidget, "columnsTable")
    for row in range(table.rowCount()):
        label = table.cellWidget(row, 0)
        if isinstance(label, QLabel) and label.text() == column:
            box = table.cellWidget(row, 2)
            assert isinstance(box, QComboBox)
            return box
    raise AssertionError(column)


def state(dialog: QDialog) -> str:
    label = dialog.findChild(QLabel, "columnsState")
    assert label is not None
    return label.text()


def test_columns_are_shown_said_by_mouse_and_remembered(qtbot: QtBot, tmp_path: Path) -> None:
    video, gt, pred = write_tables(tmp_path)

    def wait_for(dialog: QDialog, said: str) -> None:
        hands.wait(lambda: any(said in text for text in hands.texts(dialog)), said)

    def confirm_guess(dialog: QDialog) -> None:
        hands.wait(
            lambda: any("Columns: box ← x1, y1, x2, y2 (corners, pixels)" in text for text in hands.texts(dialog))
        )
        hands.click(hands.button("Open", dialog))

    def choose_columns(dialog: QDialog) -> None:
        hands.wait(
            lambda: any("x, y, w, h can be read in several ways" in text for text in hands.texts(dialog)),
            "the question",
        )
        assert not hands.button("Open", dialog).isEnabled()

        hands.click(hands.button("Columns…", dialog))
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the table to be read")
        hands.click(hands.button("Open", dialog))

    def say(columns: QDialog) -> None:
        assert role_box(columns, "x").currentText() == "Left, with a width (x)"
        hands.choose(role_box(columns, "x"), "Centre (x)")
        assert state(columns).startswith("Still open: no columns for the four numbers of a box")
        assert not hands.button("Use columns", columns).isEnabled()
        hands.choose(role_box(columns, "y"), "Centre (y)")
        hands.choose(role_box(columns, "name of class"), "Class name")
        hands.choose(role_box(columns, "sure"), "Confidence")
        assert state(columns).startswith("box ← x, y, w, h (centre, width, height")
        hands.click(hands.button("Use columns", columns))

    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        with hands.in_dialog(hands.open_path(gt), confirm_guess):
            hands.menu("File", "Import ground truth…")
        hands.wait(lambda: "car" in hands.column("boxesTable", "Class"), "the ground truth")
        with hands.in_dialog(hands.open_path(pred), choose_columns, say):
            hands.menu("File", "Add predictions…")
        hands.wait(lambda: hands.reads("Avg IoU 1.000"), "the scores")
        # A second table with the same header needs no answer.
        again = pred.with_name("again.csv")
        again.write_text(pred.read_text().replace(",0.9", ",0.8"))
        with hands.in_dialog(hands.open_path(again)):
            hands.menu("File", "Add predictions…")
        hands.key("F3")
        hands.wait(lambda: len(hands.rows("variantsTable")) == 2, "the second variant")
        hands.wait(lambda: hands.column("variantsTable", "Avg IoU") == ["1.000", "1.000"], "its scores")
    read = read_boxes(pred, ReadContext(columns="frame=frame,cx=x,cy=y,w=w,h=h,class=name of class,score=sure"))
    assert len(read) == FRAMES


def test_polygons_are_read_as_boxes_on_request(qtbot: QtBot, tmp_path: Path) -> None:
    video, *_ = write_tables(tmp_path)
    labels = tmp_path / "labels"
    labels.mkdir()
    for frame in range(1, FRAMES + 1):
        polygon = " 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n" if frame == 1 else " 0.5 0.5 0.2 0.2\n"
        (labels / f"clip_{frame}.txt").write_text(f"0{polygon}")

    def read_shapes(dialog: QDialog) -> None:
        said = "1 row of labels is a polygon or another shape, which can be read as the box around it."
        hands.wait(lambda: said in hands.texts(dialog), said)
        hands.click(hands.button("Read boxes around them", dialog))
        told = "labels: 1 polygon read as the boxes around them"
        hands.wait(lambda: told in hands.texts(dialog), told)
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the labels to be read")
        hands.click(hands.button("Open", dialog))

    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        with hands.in_dialog(read_shapes):
            hands.drop(hands.window, labels)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box around the polygon")
