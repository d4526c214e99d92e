"""Files without classes: the one question of the Open dialog, names of objects, and projects with some classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QAccessible, QFont
from PySide6.QtWidgets import QAbstractItemView, QApplication, QDialog, QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.hands import Hands
from tests.ui.window import FRAMES, opened_window, square, write_video


def write_mot(path: Path, *, off: float = 0.0, score: float | None = None) -> Path:
    """MOTChallenge rows of the square, track 17; with a score they are predictions."""
    lines = []
    for frame in range(FRAMES):
        x1, y1, x2, y2 = square(frame, off)
        track, last = (17, "1,-1,-1,-1") if score is None else (-1, f"{score},-1,-1,-1")
        lines.append(f"{frame + 1},{track},{x1:g},{y1:g},{x2 - x1:g},{y2 - y1:g},{last}")
    path.write_text("\n".join(lines) + "\n")
    return path


def drop(hands: Hands, answer: Callable[[QDialog], None], *paths: Path) -> None:
    """Drop files on the first-run page, answer in the Open dialog, and open them by mouse."""

    def steps(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        QApplication.processEvents()  # the question that has just appeared moves what is below
        answer(dialog)
        hands.click(hands.button("Open", dialog))

    hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")
    with hands.in_dialog(steps):
        hands.drop(hands.named("firstRun"), *paths)
    hands.wait(lambda: "17" in hands.column("boxesTable", "Track"), "the ground truth")
    hands.wait(lambda: hands.colour_at((100, 120)).lightness() > 150, "the frame on the canvas")


def question(dialog: QDialog) -> QLineEdit:
    field = dialog.findChild(QLineEdit, "openSheetClass")
    assert field is not None and field.isVisible()
    return field


def shows_classes(hands: Hands, table: str) -> bool:
    view = hands.named(table)
    assert isinstance(view, QTableView)
    titles = [view.model().headerData(c, Qt.Orientation.Horizontal) for c in range(view.model().columnCount())]
    return not view.isColumnHidden(titles.index("Class"))


def box_names(hands: Hands) -> list[str]:
    """The names of the boxes on the canvas, as assistive technology reads them."""
    canvas = QAccessible.queryAccessibleInterface(hands.canvas)
    assert canvas is not None
    return [canvas.child(place).text(QAccessible.Text.Name) for place in range(canvas.childCount())]


def all_texts(hands: Hands) -> str:
    """Every text on the screen: labels, buttons and the cells of lists."""
    cells = []
    for view in hands.window.findChildren(QAbstractItemView):
        model: QAbstractItemModel | None = view.model() if view.isVisible() else None
        if model is not None:
            rows, columns = range(model.rowCount()), range(model.columnCount())
            cells += [str(model.index(r, c).data() or "") for r in rows for c in columns]
    return "\n".join([*hands.texts(), *cells])


def test_the_question_is_asked_once_and_may_stay_unanswered(empty: Hands, tmp_path: Path) -> None:
    hands = empty
    video = write_video(tmp_path / "clip.avi")
    gt, pred = write_mot(tmp_path / "gt.txt"), write_mot(tmp_path / "found.txt", off=8, score=0.9)

    def look(dialog: QDialog) -> None:
        assert hands.texts(dialog).count("What are these boxes?") == 1
        assert "gt.txt, found.txt have no classes. Leave this empty if any class may match." in hands.texts(dialog)
        assert question(dialog).placeholderText() == "object"
        assert "Classes" not in hands.texts(dialog)

    drop(hands, look, video, gt, pred)
    hands.wait(lambda: hands.reads("Avg IoU 0.818"), "the scores")
    assert not hands.sees("classPrompt"), "the sheet has asked already"
    assert not shows_classes(hands, "boxesTable")
    hands.wait(lambda: any("object 17" in name for name in box_names(hands)), "the name of the object")
    for tab in ("Tracks", "Problems", "History", "Notes", "Boxes"):
        hands.open_tab(tab)
        assert "unspecified" not in all_texts(hands).lower()
        assert "box of track" not in all_texts(hands)
    hands.open_tab("Tracks")
    assert not shows_classes(hands, "tracksTable")


def test_the_answer_is_the_class_of_all_boxes_without_one(empty: Hands, tmp_path: Path) -> None:
    hands = empty
    video = write_video(tmp_path / "clip.avi")
    gt, pred = write_mot(tmp_path / "gt.txt"), write_mot(tmp_path / "found.txt", off=8, score=0.9)

    def answer(dialog: QDialog) -> None:
        hands.click(question(dialog))
        hands.type("bus")

    drop(hands, answer, video, gt, pred)
    hands.wait(lambda: hands.reads("Avg IoU 0.818"), "the scores")
    assert not shows_classes(hands, "boxesTable")  # one class says nothing
    assert set(hands.column("boxesTable", "Class")) == {"bus"}
    hands.wait(lambda: any("bus 17" in name for name in box_names(hands)), "the name of the object")


def test_boxes_without_a_class_among_others_say_so_in_italics(empty: Hands, tmp_path: Path) -> None:
    hands = empty
    video = write_video(tmp_path / "clip.avi")
    lines = ["frameID,x1,y1,x2,y2,class,id"]
    for frame in range(FRAMES):
        x1, y1, x2, y2 = square(frame)
        lines += [f"{frame},{x1},{y1},{x2},{y2},,17", f"{frame},240,40,280,100,person,2"]
    gt = tmp_path / "gt.csv"
    gt.write_text("\n".join(lines) + "\n")
    drop(hands, lambda _dialog: None, video, gt)
    assert set(hands.column("boxesTable", "Class")) == {"no class", "person"}
    view = hands.named("boxesTable")
    assert isinstance(view, QTableView)
    model = view.model()
    titles = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]
    for row in range(model.rowCount()):
        index = model.index(row, titles.index("Class"))
        font = index.data(Qt.ItemDataRole.FontRole)
        assert isinstance(font, QFont)
        assert font.italic() is (index.data() == "no class")
    hands.wait(lambda: any("object 17" in name for name in box_names(hands)), "the name of the object")
    assert "unspecified" not in all_texts(hands).lower()


def test_a_file_of_the_command_line_is_asked_about_once_over_the_list(qtbot: QtBot, tmp_path: Path) -> None:
    video, gt = write_video(tmp_path / "clip.avi"), write_mot(tmp_path / "gt.txt")
    request = OpenRequest(video=video, gt=gt)
    with opened_window(qtbot, request) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("classPrompt"), "the question")
        assert hands.reads("What are these boxes?") and not shows_classes(hands, "boxesTable")
        hands.click(hands.named("classPromptField"))
        hands.type("car")
        hands.click(hands.named("classPromptUse"))
        hands.wait(lambda: not hands.sees("classPrompt"), "the answer")
        hands.wait(lambda: any("car 17" in name for name in box_names(hands)), "the class of the boxes")
        hands.click(hands.canvas.viewport().mapToGlobal(hands.canvas.viewport().rect().topLeft()))
        hands.key("Ctrl+Z")
        hands.wait(lambda: any("object 17" in name for name in box_names(hands)), "one step back")
        assert not hands.sees("classPrompt"), "it was asked once"
        hands.key("Ctrl+Y")
        hands.wait(lambda: hands.reads("Saved, "), "the saved project")
    with opened_window(qtbot, OpenRequest(project=tmp_path / "clip.avi.iouv")) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("boxesTable") and "17" in hands.column("boxesTable", "Track"), "the boxes again")
        assert not hands.sees("classPrompt")


def test_the_question_may_be_closed_and_does_not_come_back(qtbot: QtBot, tmp_path: Path) -> None:
    video, gt = write_video(tmp_path / "clip.avi"), write_mot(tmp_path / "gt.txt")
    with opened_window(qtbot, OpenRequest(video=video, gt=gt)) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("classPrompt"), "the question")
        hands.click(hands.named("classPromptClose"))
        assert not hands.sees("classPrompt")
        hands.wait(lambda: hands.reads("Saved, "), "the saved project")
    with opened_window(qtbot, OpenRequest(project=tmp_path / "clip.avi.iouv")) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("boxesTable") and "17" in hands.column("boxesTable", "Track"), "the boxes again")
        assert not hands.sees("classPrompt")
