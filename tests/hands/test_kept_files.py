"""Damaged files, files that a repair set aside and files of newer versions are opened from File > Project, and kept."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.project import schema
from tests.hands.cases import Case, write_case
from tests.hands.hands import Hands
from tests.hands.test_safe_opening import (
    LINUX,
    allowed,
    answer,
    at_window,
    box_count,
    draw_box,
    expect_read_only,
    make_project,
    mark,
    mounted,
    notice_text,
    project_menu,
    pytestmark,
    stored_boxes,
)
from tests.ui.window import FRAMES

__all__ = ["pytestmark"]


def damage(project: Path) -> bytes:
    """Change a box on frame 1; returns the bytes of the file."""
    with closing(schema.connect(project)) as connection:
        connection.execute("UPDATE boxes SET x1 = x1 + 1 WHERE frame = 1 AND track = 1")
    return project.read_bytes()


def open_from_menu(hands: Hands, ending: str) -> None:
    """Click the entry of File > Project whose text has this."""
    hands.wait(lambda: any(ending in text for text in project_menu(hands)), f"{ending} in the menu")
    [text] = [text for text in project_menu(hands) if ending in text]
    hands.menu("File", "Project", text)


def test_a_damaged_file_that_was_kept_is_opened_read_only_and_saved_elsewhere(
    qtbot: QtBot, case: Case, tmp_path: Path
) -> None:
    project = make_project(qtbot, case)
    damaged = damage(project)
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the boxes that were recovered")
        answer(hands, "salvaged", "OK")
        [kept] = project.parent.glob("*.damaged-*")
        open_from_menu(hands, kept.name)
        expect_read_only(hands, "it was set aside")
        assert "1 box lost on frame 1" in notice_text(hands, "salvaged")
        with hands.in_dialog(hands.save_as(tmp_path / "rescued.iouv")):
            answer(hands, "opening", "Save elsewhere…")
        hands.wait(lambda: hands.reads("Saved, rescued.iouv") and not mark(hands), "the new project")
        draw_box(hands)
        hands.wait(lambda: hands.reads("Saved, rescued.iouv") and box_count(hands) == 3, "the box, saved")
    assert kept.read_bytes() == damaged
    assert stored_boxes(tmp_path / "rescued.iouv") == 2 * FRAMES
    assert stored_boxes(project) == 2 * FRAMES - 1


def test_from_a_kept_file_one_goes_back_to_the_project(qtbot: QtBot, case: Case, private_home: Path) -> None:
    project = make_project(qtbot, case)
    shutil.copyfile(project, project.with_name(f"{project.name}.replaced-1234abcd"))
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3 and hands.reads("Saved, clip.avi.iouv"), "the box, saved")
        open_from_menu(hands, "replaced-1234abcd")
        expect_read_only(hands, "it was set aside")
        open_from_menu(hands, f"{project}   ")
        hands.wait(lambda: box_count(hands) == 3 and not mark(hands), "the project, writable")
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 3 and not mark(hands), "the project, not the file that was looked at")
    assert list((private_home / "data" / "copies").iterdir()) == []


def test_a_newer_file_beside_the_project_is_opened_from_the_menu(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    newer = project.with_name("clip.avi by a colleague.iouv")
    shutil.copyfile(project, newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = newer.read_bytes()
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: box_count(hands) == 2, "the project")
        open_from_menu(hands, newer.name)
        expect_read_only(hands, "made by a newer iouviewer")
    assert newer.read_bytes() == before


@LINUX
def test_a_damaged_project_on_a_read_only_disk_is_shown_with_its_losses(qtbot: QtBot, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as remount:
        case = write_case(tmp_path / "disk" / "case")
        project = make_project(qtbot, case)
        damaged = damage(project)
        remount("ro")
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "cannot be written")
            assert "1 box lost on frame 1" in notice_text(hands, "salvaged")
        assert project.read_bytes() == damaged


@LINUX
def test_a_repair_for_which_the_disk_has_no_room_shows_what_can_be_read(qtbot: QtBot, tmp_path: Path) -> None:
    from tests.hands.test_safe_opening import fill

    with mounted(tmp_path / "disk", size="8m"):
        case = write_case(tmp_path / "disk" / "case")
        project = make_project(qtbot, case)
        damaged = damage(project)
        fill(tmp_path / "disk")
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "No space left")
            assert "1 box lost on frame 1" in notice_text(hands, "salvaged")
            assert project.read_bytes() == damaged
            (tmp_path / "disk" / "filler").unlink()
            answer(hands, "opening", "Try again")
            hands.wait(lambda: not mark(hands), "the repaired project, writable")
        assert stored_boxes(project) == 2 * FRAMES - 1


@LINUX
def test_a_log_that_is_not_ours_is_not_replayed_into_a_view(qtbot: QtBot, case: Case) -> None:
    project = make_project(qtbot, case)
    earlier = project.read_bytes()
    # Another state of the project with a log, as a crash leaves it.
    with closing(schema.connect_to_write(project)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("DELETE FROM boxes")
        connection.commit()
        log = project.with_name(f"{project.name}-wal").read_bytes()
    project.write_bytes(earlier)
    for suffix in ("-wal", "-shm"):
        project.with_name(project.name + suffix).unlink(missing_ok=True)
    project.with_name(f"{project.name}-wal").write_bytes(log)
    allowed("chattr", "+i", str(project))
    try:
        with at_window(qtbot, OpenRequest(video=case.video)) as hands:
            expect_read_only(hands, "the file cannot be written")
    finally:
        subprocess.run(["chattr", "-i", str(project)], check=True)
    assert project.read_bytes() == earlier
