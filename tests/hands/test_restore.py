"""Restoring an earlier state by hand: the preview is what happens, one Undo takes it back, no file of it changes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import PERSON, Case, write_case
from tests.hands.hands import Hands
from tests.hands.test_safe_opening import LINUX, fill, mounted, project_of, stored_boxes
from tests.ui.window import FRAMES, opened_window

MIDDLE = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def message(hands: Hands) -> str:
    return str(hands.named("statusMessage").text())  # type: ignore[attr-defined]


def steps(hands: Hands) -> list[str]:
    rows = [row[0] for row in hands.rows("historyList")] if hands.sees("historyList") else []
    return [row.split(" ", 1)[1] if row[:1].isdigit() else row for row in rows]


def save_snapshot(hands: Hands, name: str) -> None:
    with hands.in_dialog(lambda _dialog: (hands.type(name), hands.key("Return"))):
        hands.key("Ctrl+S")
    hands.wait(lambda: name in message(hands) and message(hands).startswith("Saved snapshot"), "the snapshot")


def edit(hands: Hands) -> None:
    """Nudge the person on frame 0, delete the person on frame 1, and return to frame 0."""
    hands.click_picture(MIDDLE)
    hands.key("Shift+Right")
    hands.key("D")
    hands.click_picture(MIDDLE)
    hands.key("Del")


def summary(dialog: QDialog) -> str:
    label = dialog.findChild(QLabel, "restoreSummary")
    assert label is not None
    return str(label.text())


def test_a_snapshot_is_previewed_restored_and_undone(person: Hands, case: Case) -> None:
    hands = person
    hands.open_tab("History")
    save_snapshot(hands, "before lunch")
    path = case.video.with_name("clip.avi.iouv.snapshots") / "before lunch.iouv"
    before = path.read_bytes()
    edit(hands)
    hands.wait(lambda: len(steps(hands)) >= 3, "the steps")
    seen: list[object] = []

    def restore(dialog: QDialog) -> None:
        hands.wait(lambda: summary(dialog).startswith("Restoring changes"), "the preview")
        seen.append(hands.rows("restorePoints"))
        seen.append(hands.rows("restorePreview"))
        seen.append(summary(dialog))
        hands.click(hands.button("Restore", dialog))

    with hands.in_dialog(restore):
        hands.menu("File", "Project", "Restore…")
    points, preview, text = seen
    assert isinstance(points, list) and points[0][0] == "before lunch" and points[0][2] == "48"
    assert preview == [["0", "", "", "1", ""], ["1", "1", "", "", ""]]
    assert text == ("Restoring changes: 1 box added, 1 box changed. Variants stay as they are. You can undo it.")
    hands.wait(lambda: steps(hands)[0] == "Restore before lunch, frame 1", "the step")

    def nothing_to_restore(dialog: QDialog) -> None:
        hands.wait(lambda: "present state" in summary(dialog), "the comparison")
        button = hands.button("Restore", dialog)
        assert isinstance(button, QPushButton) and not button.isEnabled()
        hands.key("Esc")

    with hands.in_dialog(nothing_to_restore):
        hands.menu("File", "Project", "Restore…")
    hands.key("Ctrl+Z")

    def all_is_back(dialog: QDialog) -> None:
        hands.wait(lambda: summary(dialog) == text, "the preview")
        hands.key("Esc")

    with hands.in_dialog(all_is_back):
        hands.menu("File", "Project", "Restore…")
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["before lunch.iouv"]


def test_the_state_before_the_last_session_is_restored_from_its_backup(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        edit(Hands(qtbot, window))
    backups = case.video.with_name("clip.avi.iouv.backups")
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("History")
        hands.wait(lambda: len(list(backups.glob("*.iouv"))) == 1, "the backup")
        hands.key("D")
        hands.click_picture(MIDDLE)
        hands.key("Del")
        hands.wait(lambda: steps(hands)[0] == f"Delete person 2, frame {hands.frame}", "the step")

        def restore(dialog: QDialog) -> None:
            hands.wait(lambda: summary(dialog).startswith("Restoring changes"), "the preview")
            assert hands.rows("restorePoints")[0][0] == "Automatic backup"
            assert "1 box added" in summary(dialog)
            hands.key("Return")

        with hands.in_dialog(restore):
            hands.menu("File", "Project", "Restore…")
        hands.wait(lambda: steps(hands)[0].startswith("Restore backup of"), "the step")


@LINUX
def test_a_restore_on_a_full_disk_is_told_and_saved_when_there_is_room(qtbot: QtBot, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, size="16m"):
        case = write_case(disk / "case")
        with opened_window(qtbot, case.request(variants=0)) as window:
            hands = Hands(qtbot, window)
            hands.open_tab("History")
            save_snapshot(hands, "before lunch")
            edit(hands)
            hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the edits to be saved")
            fill(disk)

            def restore(dialog: QDialog) -> None:
                hands.wait(lambda: summary(dialog).startswith("Restoring changes"), "the preview")
                hands.click(hands.button("Restore", dialog))

            with hands.in_dialog(restore):
                hands.menu("File", "Project", "Restore…")
            hands.wait(lambda: steps(hands)[0].startswith("Restore before lunch"), "the step")
            hands.wait(lambda: hands.sees("notice.saving"), "that it is not saved")
            (disk / "filler").unlink()
            hands.wait(lambda: hands.reads("Saved, clip.avi.iouv") and not hands.sees("notice.saving"), "the save")
        assert stored_boxes(project_of(case.video)) == 2 * FRAMES
        with opened_window(qtbot, OpenRequest(video=case.video)) as window:
            hands = Hands(qtbot, window)
            hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the project")
            assert not hands.sees("noticeBar")
