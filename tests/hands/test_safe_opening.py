"""Whose project a video has, and what a person sees and can do where the project cannot simply be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QDialog
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


def test_ground_truth_of_the_command_line_replaces_edited_boxes_only_after_a_question(
    qtbot: QtBot, case: Case
) -> None:
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
