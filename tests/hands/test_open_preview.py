"""The preview of the Open sheet: a frame with the boxes of the files, moved live by the number of the first frame."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QDialog, QLabel, QSlider, QSpinBox, QTableWidget, QWidget

from tests.hands.cases import Case
from tests.hands.hands import Hands, Point
from tests.ui.window import FRAMES, HEIGHT, WIDTH, square

BLUE = (77, 181, 255)


def colour_in(dialog: QDialog, point: Point) -> tuple[int, int, int]:
    """The colour of the preview at a point of the picture."""
    picture = dialog.findChild(QWidget, "openPreviewPicture")
    factor = min(picture.width() / WIDTH, picture.height() / HEIGHT)
    left, top = (picture.width() - WIDTH * factor) / 2, (picture.height() - HEIGHT * factor) / 2
    place = QPointF(left + point[0] * factor, top + point[1] * factor).toPoint()
    colour = picture.grab().toImage().pixelColor(place)
    return colour.red(), colour.green(), colour.blue()


def is_blue(dialog: QDialog, point: Point) -> bool:
    """Whether ground truth is drawn at a point, up to a pixel."""
    near = [colour_in(dialog, (point[0] + dx, point[1])) for dx in (-1.5, 0.0, 1.5)]
    return any(all(abs(a - b) < 40 for a, b in zip(colour, BLUE, strict=True)) for colour in near)


def label(dialog: QDialog, name: str) -> str:
    return dialog.findChild(QLabel, name).text()


def test_the_sheet_shows_the_boxes_on_the_frames_and_moves_them_by_the_number_of_the_first_frame(
    empty: Hands, case: Case, tmp_path: Path
) -> None:
    hands = empty
    mot = tmp_path / "gt.txt"
    lines = []
    for frame in range(FRAMES - 1):
        x1, y1, x2, y2 = square(frame)
        lines.append(f"{frame + 1},1,{x1:g},{y1:g},{x2 - x1:g},{y2 - y1:g},1,1,1")
    mot.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def look(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        middle = (square(0)[1] + square(0)[3]) / 2

        def edge_at(x: float) -> bool:
            return is_blue(dialog, (x, middle))

        hands.wait(lambda: edge_at(60.0) and edge_at(140.0), "the box of frame 0")
        hands.wait(lambda: colour_in(dialog, (100.0, middle))[0] > 150, "the bright square under it")
        assert label(dialog, "openPreviewFrame") == f"Frame 0 of {FRAMES - 1}"
        assert label(dialog, "openPreviewText") == "1 box of gt.txt"
        slider = dialog.findChild(QSlider, "openPreviewSlider")
        hands.click(slider.mapToGlobal(QPoint(slider.width() // 2, slider.height() // 2)))
        slider.setFocus()
        for _ in range(FRAMES):
            hands.key("Left")
        hands.key("Right", "Right", "Right", "Right")
        hands.wait(lambda: label(dialog, "openPreviewFrame").startswith("Frame 4 "), "frame 4")
        hands.wait(lambda: edge_at(68.0) and not edge_at(60.0), "its box")
        hands.wait(
            lambda: colour_in(dialog, (70.0, middle))[0] > 150 > colour_in(dialog, (64.0, middle))[0], "its picture"
        )
        start = dialog.findChild(QSpinBox, "openPreviewStart")
        assert start.value() == 1, "MOTChallenge counts from 1"
        start.setFocus()
        hands.key("Up", "Up", "Up", "Up", "Up")
        assert start.value() == 6
        hands.wait(lambda: edge_at(78.0) and not edge_at(68.0), "the box of five frames later")
        table = dialog.findChild(QTableWidget, "openSheetTable")
        assert [table.cellWidget(row, 4).value() for row in range(2)] == [0, -5], "the offset of the file follows"
        hands.wait(lambda: any("5 boxes of gt.txt lie on frames" in text for text in hands.texts(dialog)), "why")
        hands.key("Return")

    with hands.in_dialog(look):
        hands.drop(hands.window, case.video, mot)
    hands.wait(lambda: hands.sees("boxesTable") and len(hands.rows("boxesTable")) == 1, "the box on frame 0")
    hands.wait(lambda: hands.colour_at((100.0, 120.0)).lightness() > 150, "the frame on the canvas")
    hands.key("Tab")
    hands.wait(lambda: hands.sees("inspector.x"), "the selected box")
    hands.wait(lambda: hands.named("inspector.x").text() == "70.0", "the box as the preview showed it")  # type: ignore[attr-defined]


def test_without_a_video_there_is_no_preview(empty: Hands, case: Case) -> None:
    hands = empty
    seen: list[bool] = []

    def look(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the file to be read")
        seen.append(dialog.findChild(QWidget, "openPreview").isVisible())
        hands.key("Escape")

    with hands.in_dialog(look):
        hands.drop(hands.window, case.gt)
    assert seen == [False]
