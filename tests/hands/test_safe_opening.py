"""Whose project a video has, and what a person sees and can do where the project cannot simply be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case, write_case
from tests.hands.hands import Hands
from tests.ui.window import FRAMES, HEIGHT, WIDTH, opened_window, write_video

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks, mounts and links of POSIX")


@contextmanager
def at_window(qtbot: QtBot, request: OpenRequest) -> Iterator[Hands]:
    with opened_window(qtbot, request) as window:
        yield Hands(qtbot, window)


def project_of(video: Path) -> Path:
    return video.with_name(f"{video.name}.iouv")


def stored_boxes(project: Path) -> int:
    with closing(sqlite3.connect(f"file:{project}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM boxes").fetchone()[0])


def make_project(qtbot: QtBot, case: Case) -> Path:
    """The project of the case, made by a window that was closed; returns its path."""
    with at_window(qtbot, case.request(variants=0)) as hands:
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the import to be saved")
    path = project_of(case.video)
    assert stored_boxes(path) == 2 * FRAMES
    return path


def draw_box(hands: Hands) -> None:
    hands.window.activateWindow()
    hands.wait(hands.window.isActiveWindow, "the active window")
    hands.wait(lambda: hands.colour_at((100, 120)).lightness() > 150, "the frame on the canvas")
    hands.key("W")
    hands.drag_picture((20, 20), (50, 45))
    hands.key("Esc")


def box_count(hands: Hands) -> int:
    """Rows of the list of boxes: those of the current frame; a text replaces an empty list."""
    return len(hands.rows("boxesTable")) if hands.sees("boxesTable") else 0


def pressing(hands: Hands, button: str, read: list[str] | None = None) -> Callable[[QDialog], None]:
    """A step in a dialog: read it, and press a button."""

    def steps(dialog: QDialog) -> None:
        if read is not None:
            read.append(" ".join(hands.texts(dialog)))
        hands.click(hands.button(button, dialog))

    return steps


def answer(hands: Hands, notice: str, button: str) -> None:
    """Click an answer of a notice above the canvas."""
    hands.wait(lambda: hands.sees(f"notice.{notice}"), f"the notice {notice}")
    hands.click(hands.button(button, hands.named(f"notice.{notice}")))


def notice_text(hands: Hands, notice: str) -> str:
    hands.wait(lambda: hands.sees(f"notice.{notice}"), f"the notice {notice}")
    return " ".join(hands.texts(hands.named(f"notice.{notice}")))


def mark(hands: Hands) -> str:
    """What the status bar says of the project's safety."""
    return " ".join(hands.texts(hands.named("statusSafety").parentWidget())) if hands.sees("statusSafety") else ""


# Whose project


def test_a_copy_of_the_video_in_another_folder_has_its_own_project(qtbot: QtBot, tmp_path: Path) -> None:
    first = write_case(tmp_path / "a")
    project = make_project(qtbot, first)
    before = project.read_bytes()
    (tmp_path / "b").mkdir()
    copy = Path(shutil.copy2(first.video, tmp_path / "b" / "clip.avi"))
    gt = tmp_path / "b" / "gt.csv"
    gt.write_text("\n".join(first.gt.read_text().splitlines()[:6]) + "\n")
    with at_window(qtbot, OpenRequest(video=copy, gt=gt)) as hands:
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the import to be saved")
        assert not hands.sees("noticeBar")
    assert stored_boxes(project_of(copy)) == 5
    assert project.read_bytes() == before
    with at_window(qtbot, OpenRequest(video=first.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes of the first video")


def test_a_copy_of_a_picture_folder_has_its_own_project(qtbot: QtBot, tmp_path: Path) -> None:
    first = tmp_path / "a" / "images"
    first.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(first / f"{number:03d}.png"), np.full((240, 320, 3), 200 - number, np.uint8))
    with at_window(qtbot, OpenRequest(video=first)) as hands:
        draw_box(hands)
        hands.wait(lambda: hands.reads("Saved, images.iouv"), "the box to be saved")
    second = Path(shutil.copytree(first, tmp_path / "b" / "images"))
    with at_window(qtbot, OpenRequest(video=second)) as hands:
        hands.wait(lambda: hands.reads("No changes"), "the folder without a project")
        draw_box(hands)
        draw_box(hands)
        hands.wait(lambda: hands.reads("Saved, images.iouv"), "the boxes to be saved")
    assert (stored_boxes(project_of(first)), stored_boxes(project_of(second))) == (1, 2)


@pytest.mark.parametrize("is_continued", [True, False])
def test_a_video_that_was_moved_gets_its_project_back_after_a_question(
    qtbot: QtBot, case: Case, tmp_path: Path, is_continued: bool
) -> None:
    project = make_project(qtbot, case)
    moved = tmp_path / "elsewhere.avi"
    case.video.rename(moved)
    with opened_window(qtbot) as window:
        hands, read = Hands(qtbot, window), []
        button = "Continue with project" if is_continued else "Start new project"
        with hands.in_dialog(hands.open_path(moved), pressing(hands, button, read)):
            hands.menu("File", "Open video or images…")
        assert str(case.video) in read[0] and str(project) in read[0]
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv") if is_continued else hands.reads("No changes"), "video")
        assert box_count(hands) == (2 if is_continued else 0)
    if is_continued:
        with at_window(qtbot, OpenRequest(video=moved)) as hands:
            hands.wait(lambda: box_count(hands) == 2, "the boxes, without another question")


def test_ground_truth_of_the_command_line_replaces_edited_boxes_only_after_a_question(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    with at_window(qtbot, case.request(variants=0)) as hands:
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3, "the box")
    with at_window(qtbot, case.request(variants=0)) as hands:
        hands.wait(lambda: box_count(hands) == 3, "the edit, which the same file does not replace")
    lines = case.gt.read_text().splitlines()
    case.gt.write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    with opened_window(qtbot) as window:
        hands, read = Hands(qtbot, window), []
        with hands.in_dialog(pressing(hands, "Cancel", read)):
            window.parts.files.open_request(case.request(variants=0))
        assert "(49 boxes) with the 24 boxes of gt.csv?" in read[0]
        assert "25 boxes of the project are not in the file like this." in read[0]
        hands.wait(lambda: hands.reads("gt.csv was not imported. The project keeps its boxes"), "the message")
    assert stored_boxes(project) == 2 * FRAMES + 1
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        with hands.in_dialog(pressing(hands, "Replace ground truth")):
            window.parts.files.open_request(case.request(variants=0))
        hands.wait(lambda: box_count(hands) == 1, "the boxes of the file")
        hands.key("Ctrl+Z")
        hands.wait(lambda: box_count(hands) == 3, "the boxes of the project after one undo")


def write_rescaled(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (2 * WIDTH, 2 * HEIGHT))
    for frame in range(FRAMES):
        image = np.full((2 * HEIGHT, 2 * WIDTH, 3), 90, np.uint8)
        image[160:320, 120 + 4 * frame : 280 + 4 * frame] = 200
        writer.write(image)
    writer.release()


def stored_rects(project: Path) -> list[tuple[float, ...]]:
    with closing(sqlite3.connect(f"file:{project}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT x1, y1, x2, y2 FROM boxes ORDER BY frame, id").fetchall()


def test_a_rescaled_video_is_told_until_the_boxes_are_scaled(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    before = stored_rects(project)
    write_rescaled(case.video)
    for _ in range(2):
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            assert "640 × 480 pixels instead of 320 × 240" in notice_text(hands, "video")
            assert "Other video" in mark(hands)
    assert stored_rects(project) == before
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        answer(hands, "video", "Scale boxes")
        hands.wait(lambda: not hands.sees("noticeBar") and not mark(hands), "the notice to go")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the boxes to be saved")
    assert stored_rects(project) == [tuple(2 * value for value in rect) for rect in before]
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes")
        assert not hands.sees("noticeBar")
        hands.key("Ctrl+Z")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the undo to be saved")
    assert stored_rects(project) == before


def test_another_video_is_told_until_the_right_file_is_found(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    make_project(qtbot, case)
    right = tmp_path / "right.avi"
    case.video.rename(right)
    write_video(case.video, frames=10)
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        text = notice_text(hands, "video")
        assert "10 frames instead of 24" in text
        answer(hands, "video", "Hide")
        assert not hands.sees("noticeBar") and "Other video" in mark(hands)
        hands.click(hands.named("statusSafety"))
        with hands.in_dialog(hands.open_path(right)):
            answer(hands, "video", "Find the right file…")
        hands.wait(lambda: not hands.sees("noticeBar") and not mark(hands), "the notice to go")
        hands.key("End")
        hands.wait(lambda: hands.frame == FRAMES - 1, "the last frame of the right file")
        assert box_count(hands) == 2


def test_boxes_are_kept_for_a_reencoded_video_once_a_person_says_so(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    before = stored_rects(project)
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    writer = cv2.VideoWriter(str(case.video), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (WIDTH, HEIGHT))
    for _ in range(FRAMES):
        writer.write(image)
    writer.release()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        assert "20 frames per second instead of 10" in notice_text(hands, "video")
        answer(hands, "video", "Keep boxes")
        hands.wait(lambda: not hands.sees("noticeBar"), "the notice to go")
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes")
        assert not hands.sees("noticeBar")
    assert stored_rects(project) == before


def test_each_video_comes_back_at_its_own_frame(qtbot: QtBot, case: Case) -> None:
    short = write_video(case.video.with_name("short.avi"), frames=10)
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.colour_at((100, 120)).lightness() > 150, "the frame on the canvas")
        hands.key("End", "A", "A")
        hands.wait(lambda: hands.frame == 21, "frame 21")
        with hands.in_dialog(hands.open_path(short)):
            hands.menu("File", "Open video or images…")
        hands.wait(lambda: "short.avi" in window.windowTitle() and hands.reads("/ 9"), "the short video")
        assert hands.frame == 0
        hands.key("D", "D")
        hands.wait(lambda: hands.frame == 2, "frame 2")
        hands.menu("File", "Open recent", str(case.video))
        hands.wait(lambda: "clip.avi" in window.windowTitle() and hands.frame == 21, "frame 21 of the long video")
        hands.menu("File", "Open recent", str(short))
        hands.wait(lambda: "short.avi" in window.windowTitle() and hands.frame == 2, "frame 2 of the short video")


# Projects that cannot be written

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mounts, host names and attributes of Linux")
HOLD = """
import sys, time
from pathlib import Path
from iouviewer.project.store import ProjectFile
project = ProjectFile.open(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
project.close()
"""


def allowed(*command: str) -> None:
    """Run a command of the administrator; the test is skipped where it is not allowed."""
    found = shutil.which(command[0])
    done = subprocess.run(command, capture_output=True, text=True) if found else None
    if done is None or done.returncode:
        pytest.skip(f"{' '.join(command[:2])} is not possible here: {done.stderr.strip() if done else 'not installed'}")


@contextmanager
def held_by_another_program(project: Path, *prefix: str) -> Iterator[subprocess.Popen[str]]:
    command = [*prefix, sys.executable, "-c", HOLD, str(project)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.stdin.close()


def expect_read_only(hands: Hands, reason: str) -> None:
    """The boxes are there, the reason is on the screen, and drawing changes nothing."""
    hands.wait(lambda: box_count(hands) == 2, "the boxes of the project")
    assert reason in notice_text(hands, "opening")
    assert "Read-only" in mark(hands)
    draw_box(hands)
    hands.wait(lambda: hands.reads("is read-only"), "why nothing is drawn")
    assert box_count(hands) == 2


def test_a_project_open_elsewhere_is_worked_on_in_a_copy_and_merged(
    qtbot: QtBot, case: Case, private_home: Path
) -> None:
    project = make_project(qtbot, case)
    with held_by_another_program(project):
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "open in another window")
            answer(hands, "opening", "Take over")
            hands.wait(lambda: hands.reads("Still not possible: clip.avi.iouv is read-only"), "that it failed")
            expect_read_only(hands, "open in another window")
            answer(hands, "opening", "Hide")
            assert not hands.sees("noticeBar") and "Read-only" in mark(hands)
        assert not list((private_home / "data" / "copies").iterdir()), "a copy that nobody wanted"
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            hands.wait(lambda: box_count(hands) == 2, "the boxes of the project")
            answer(hands, "opening", "Work on a copy")
            assert "Copy" in mark(hands) and str(project.name) in notice_text(hands, "workingCopy")
            draw_box(hands)
            hands.wait(lambda: box_count(hands) == 3, "the box in the copy")
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            answer(hands, "copy", "Open copy")
            hands.wait(lambda: box_count(hands) == 3, "the copy, found again")
    assert stored_boxes(project) == 2 * FRAMES
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes of the project")
        assert "neither merged nor dismissed" in notice_text(hands, "copy")
        read: list[str] = []
        with hands.in_dialog(pressing(hands, "Merge 1 box", read)):
            answer(hands, "copy", "Merge copy…")
        hands.wait(lambda: box_count(hands) == 3, "the box in the project")
        assert "1 box of the copy differs." in read[0]
        hands.wait(lambda: not hands.sees("noticeBar"), "the notice to go")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the merge to be saved")
    assert stored_boxes(project) == 2 * FRAMES + 1
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 3, "the boxes of the project")
        assert not hands.sees("noticeBar"), "a merged copy is offered no longer"
        hands.key("Ctrl+Z")
        hands.wait(lambda: box_count(hands) == 2, "the merge undone in one step")


def test_a_dismissed_copy_is_offered_no_longer_and_stays_in_the_menu(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    with (
        held_by_another_program(project),
        at_window(qtbot, OpenRequest(video=case.video)) as hands,
    ):
        answer(hands, "opening", "Work on a copy")
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3, "the box in the copy")
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        answer(hands, "copy", "Dismiss copy")
        hands.wait(lambda: not hands.sees("noticeBar"), "the notice to go")
        assert any("dismissed" in text for text in project_menu(hands))
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: any("dismissed" in text for text in project_menu(hands)), "the copy in the menu")
        assert not hands.sees("noticeBar")


def test_a_box_that_project_and_copy_changed_is_listed_and_taken_only_on_request(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    with held_by_another_program(project), at_window(qtbot, OpenRequest(video=case.video)) as hands:
        answer(hands, "opening", "Work on a copy")
        change_first_class(hands, "person")
        hands.wait(lambda: hands.reads("Saved, clip.avi-"), "the copy to be saved")
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: hands.sees("notice.copy"), "the offer")
        select_first(hands)
        hands.key("Right")
        read: list[str] = []

        def look(dialog: QDialog) -> None:
            read.append(" ".join(hands.texts(dialog)))
            rows = [row[1:] for row in hands_rows(dialog)]
            # The class was changed on the whole track, the place on one frame.
            assert rows[0] == ["0", "car 1", "other place, class person", "changed, too"]
            assert rows[1:] == [[str(frame), "car 1", "class person", "as it was"] for frame in range(1, FRAMES)]
            assert hands.button("Merge 23 boxes", dialog)
            table = dialog.findChild(QTableView, "mergeTable")
            place = table.visualRect(table.model().index(0, 0))
            hands.click(table.viewport().mapToGlobal(place.topLeft() + QPoint(12, place.height() // 2)))
            hands.click(hands.button("Merge 24 boxes", dialog))

        with hands.in_dialog(look):
            answer(hands, "copy", "Merge copy…")
        assert "1 of them was changed in the project, too" in read[0]
        hands.wait(lambda: hands.column("boxesTable", "Class") == ["person", "person"], "the class of the copy")


def hands_rows(dialog: QDialog) -> list[list[str]]:
    model = dialog.findChild(QTableView, "mergeTable").model()
    return [[str(model.index(r, c).data() or "") for c in range(model.columnCount())] for r in range(model.rowCount())]


def select_first(hands: Hands) -> None:
    hands.wait(lambda: hands.colour_at((100, 120)).lightness() > 150, "the frame on the canvas")
    hands.click_picture((100, 120))
    hands.wait(lambda: not hands.reads("Frame 0") or hands.reads("car 1"), "the selected box")


def change_first_class(hands: Hands, name: str) -> None:
    hands.window.activateWindow()
    hands.wait(hands.window.isActiveWindow, "the active window")
    select_first(hands)
    hands.key("2")
    hands.wait(lambda: hands.column("boxesTable", "Class") == [name, "person"], f"the class {name}")


def project_menu(hands: Hands) -> list[str]:
    """The entries of File > Project, as a person reads them."""
    hands.menu("File", "Project")
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text() for action in menu.actions() if action.text()]
    hands.key("Esc", "Esc", "Esc")
    return texts


@LINUX
def test_a_lock_left_under_another_host_name_is_taken_over(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    allowed("unshare", "--uts", "true")
    rename = ("unshare", "--uts", "sh", "-c", 'hostname container-1 && exec "$@"', "sh")
    with held_by_another_program(project, *rename) as process:
        process.kill()
    assert project.with_name(f"{project.name}.lock").exists()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        expect_read_only(hands, "container-1")
        answer(hands, "opening", "Take over")
        hands.wait(lambda: not mark(hands) and not hands.sees("noticeBar"), "the project, writable")
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3, "the box")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the box to be saved")
    assert stored_boxes(project) == 2 * FRAMES + 1


@contextmanager
def mounted(folder: Path, size: str = "64m") -> Iterator[Callable[[str], None]]:
    """A disk of its own at the folder; the function it gives remounts it ``ro`` or ``rw``."""
    folder.mkdir()
    allowed("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder))

    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@LINUX
def test_a_project_on_a_read_only_disk_is_saved_elsewhere_and_found_there(qtbot: QtBot, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as remount:
        case = write_case(tmp_path / "disk" / "case")
        project = make_project(qtbot, case)
        remount("ro")
        elsewhere = tmp_path / "mine.iouv"
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "cannot be written")
            with hands.in_dialog(hands.save_as(elsewhere)):
                answer(hands, "opening", "Save elsewhere…")
            hands.wait(lambda: not mark(hands) and not hands.sees("noticeBar"), "the new project")
            draw_box(hands)
            hands.wait(lambda: hands.reads("Saved, mine.iouv"), "the box to be saved")
        assert (stored_boxes(project), stored_boxes(elsewhere)) == (2 * FRAMES, 2 * FRAMES + 1)
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            hands.wait(lambda: hands.reads("Saved, mine.iouv") and box_count(hands) == 3, "the project elsewhere")
            entries = " ".join(project_menu(hands))
            assert str(elsewhere) in entries and str(project) in entries


@LINUX
def test_without_a_project_a_read_only_folder_says_where_edits_go_until_that_is_read(
    qtbot: QtBot, tmp_path: Path, private_home: Path
) -> None:
    with mounted(tmp_path / "disk") as remount:
        case = write_case(tmp_path / "disk" / "case")
        remount("ro")
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            draw_box(hands)
            assert str(private_home / "data") in notice_text(hands, "place")
            hands.key("D", "A")
            answer(hands, "place", "OK")
            assert not hands.sees("noticeBar")
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            hands.wait(lambda: box_count(hands) == 1, "the box, found again")
            assert not hands.sees("noticeBar")


@LINUX
def test_an_immutable_project_is_shown_and_written_when_that_ends(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    allowed("chattr", "+i", str(project))
    try:
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "the file cannot be written")
            subprocess.run(["chattr", "-i", str(project)], check=True)
            answer(hands, "opening", "Try again")
            hands.wait(lambda: not mark(hands), "the project, writable")
            draw_box(hands)
            hands.wait(lambda: box_count(hands) == 3, "the box")
    finally:
        subprocess.run(["chattr", "-i", str(project)], check=False)
    assert stored_boxes(project) == 2 * FRAMES + 1


def test_a_project_of_a_newer_version_is_shown_and_left_alone(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    project = make_project(qtbot, case)
    with closing(sqlite3.connect(project)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = project.read_bytes()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        expect_read_only(hands, "made by a newer iouviewer")
        with hands.in_dialog(hands.save_as(tmp_path / "older.iouv")):
            answer(hands, "opening", "Save elsewhere…")
        hands.wait(lambda: hands.reads("Saved, older.iouv") and not mark(hands), "the new project")
    assert project.read_bytes() == before
    assert stored_boxes(tmp_path / "older.iouv") == 2 * FRAMES


def test_a_project_that_nothing_can_be_read_of_is_kept_and_set_aside_on_request(qtbot: QtBot, case: Case) -> None:
    project = project_of(case.video)
    rubbish = bytes(np.random.default_rng(1).integers(0, 256, 20_000, np.uint8))
    project.write_bytes(rubbish)
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        assert "cannot be opened" in notice_text(hands, "opening") and "Project not opened" in mark(hands)
        draw_box(hands)
        hands.wait(lambda: hands.reads("is read-only"), "why nothing is drawn")
        assert project.read_bytes() == rubbish
        answer(hands, "opening", "Set aside and start new")
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 1 and hands.reads("Saved, clip.avi.iouv"), "the box in a new project")
    assert stored_boxes(project) == 1
    [kept] = project.parent.glob("clip.avi.iouv.damaged-*")
    assert kept.read_bytes() == rubbish


def test_a_snapshot_is_shown_and_never_written(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    snapshot = project.with_name(f"{project.name}.snapshots") / "before.iouv"
    snapshot.parent.mkdir()
    shutil.copyfile(project, snapshot)
    before = snapshot.read_bytes()
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        with hands.in_dialog(hands.open_path(snapshot)):
            hands.menu("File", "Open video or images…")
        expect_read_only(hands, "this is a snapshot")
    assert snapshot.read_bytes() == before and [path.name for path in snapshot.parent.iterdir()] == ["before.iouv"]


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "filler").open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


@LINUX
def test_edits_that_cannot_be_saved_stay_told_until_they_are(qtbot: QtBot, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, size="16m"):
        case = write_case(disk / "case")
        project = make_project(qtbot, case)
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            hands.wait(lambda: box_count(hands) == 2, "the boxes")
            fill(disk)
            draw_box(hands)
            hands.wait(lambda: "Not saved" in mark(hands), "the mark")
            assert "edits cannot be saved" in notice_text(hands, "saving")
            answer(hands, "saving", "Try again")
            hands.key("D", "A")
            assert "Not saved" in mark(hands) and hands.reads("Not saved, clip.avi.iouv")
            (disk / "filler").unlink()
            if hands.sees("notice.saving"):
                answer(hands, "saving", "Try again")
            hands.wait(lambda: not mark(hands) and hands.reads("Saved, clip.avi.iouv"), "the edit to be saved")
        assert stored_boxes(project) == 2 * FRAMES + 1
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            hands.wait(lambda: box_count(hands) == 3, "the boxes")
            fill(disk)
            draw_box(hands)
            hands.wait(lambda: hands.sees("notice.saving"), "the notice")
            with hands.in_dialog(hands.save_as(tmp_path / "rescued.iouv")):
                answer(hands, "saving", "Save elsewhere…")
            hands.wait(lambda: not mark(hands) and hands.reads("Saved, rescued.iouv"), "the rescued project")
        assert stored_boxes(tmp_path / "rescued.iouv") == 2 * FRAMES + 2


def test_other_errors_are_no_failed_saves(qtbot: QtBot, case: Case) -> None:
    make_project(qtbot, case)
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the project")
        (case.video.parent / "clip.avi.iouv.snapshots").write_text("not a folder")

        def name(dialog: QDialog) -> None:
            hands.type("before lunch")
            hands.key("Return")

        with hands.in_dialog(name, lambda dialog: hands.key("Return")):
            hands.menu("File", "Save snapshot…")
        assert hands.reads("Saved, clip.avi.iouv") and not mark(hands)


# The program's own folders


@LINUX
def test_without_a_home_folder_everything_works_and_that_is_said(
    qtbot: QtBot, case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("IOUVIEWER_HOME")
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nobody")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with at_window(qtbot, case.request(variants=0)) as hands:
        text = notice_text(hands, "folders")
        assert "/proc/nobody" in text and str(tmp_path) in text
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3 and hands.reads("Saved, clip.avi.iouv"), "the box to be saved")
        answer(hands, "folders", "Hide")
        assert "Temporary folder" in mark(hands)
    assert stored_boxes(project_of(case.video)) == 2 * FRAMES + 1


@LINUX
def test_a_read_only_cache_is_done_without(qtbot: QtBot, case: Case, private_home: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "cache") as remount:
        (private_home / "cache").symlink_to(tmp_path / "cache")
        remount("ro")
        for _ in range(2):
            with at_window(qtbot, case.request(variants=0)) as hands:
                hands.wait(lambda: box_count(hands) == 2, "the boxes")
                hands.key("End")
                hands.wait(lambda: hands.frame == FRAMES - 1, "the last frame")
                assert not hands.sees("noticeBar")
