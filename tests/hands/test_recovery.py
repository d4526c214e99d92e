"""After a crash: the next start says what happened and what was found again, until the person answers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox, QPlainTextEdit
from pytestqt.qtbot import QtBot

from iouviewer.app.run_record import find_ended_runs
from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window


def edit_and_crash(case: Case, how: int, edits: int = 16) -> int:
    """Edit in a window of its own, let it end by this signal, and return the number of changes that it showed."""
    command = [sys.executable, "-m", "tests.torture.window_process", str(case.video), "--gt", str(case.gt)]
    command += ["--edits", str(edits)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "done":
                break
        os.kill(process.pid, how)
    assert process.returncode == -how
    assert any(event["event"] == "saved" for event in events), events
    return sum(event["event"] == "changed" for event in events)


def message(hands: Hands) -> QMessageBox:
    """The message that is on screen; it stays there."""
    hands.wait(lambda: QApplication.activeModalWidget() is not None, "the message")
    found = QApplication.activeModalWidget()
    assert isinstance(found, QMessageBox) and found.objectName() == "recoveryMessage"
    return found


def test_a_crash_is_told_with_the_edits_that_were_found_again(qtbot: QtBot, case: Case) -> None:
    changes = edit_and_crash(case, signal.SIGSEGV)
    assert changes > 1
    log = next(run for run in find_ended_runs())
    assert log.crash == "Segmentation fault" and log.record.work is not None
    edits = log.record.work.steps
    assert edits > 0
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        box = message(hands)
        assert "crashed (Segmentation fault)" in box.text()
        assert f"open again with all {edits} edits" in box.informativeText() or edits == 1
        assert log.record.work.last in box.informativeText()
        hands.click(hands.button("Close", box))
        hands.wait(lambda: QApplication.activeModalWidget() is None, "the end of the message")
    with opened_window(qtbot, OpenRequest(video=case.video)):
        assert QApplication.activeModalWidget() is None, "it was answered"


def test_without_a_file_the_project_is_offered_and_then_counted(qtbot: QtBot, case: Case) -> None:
    edit_and_crash(case, signal.SIGKILL)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        box = message(hands)
        assert "was not closed" in box.text()
        assert "clip.avi.iouv was open" in box.informativeText()
        hands.click(hands.button("Open clip.avi.iouv", box))
        hands.wait(lambda: window.session.source.path == str(case.video), "the video of the project")
        box = message(hands)
        assert "open again with" in box.informativeText()
        hands.click(hands.button("Close", box))
    assert find_ended_runs() == []


def test_it_is_told_again_until_it_is_answered(qtbot: QtBot, case: Case) -> None:
    edit_and_crash(case, signal.SIGKILL, edits=8)
    for _ in range(2):
        with opened_window(qtbot) as window:
            box = message(Hands(qtbot, window))
            assert "clip.avi.iouv" in box.informativeText()
            # The window closes without an answer.
    assert len(find_ended_runs()) == 1


def test_edits_that_are_missing_are_counted(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    project = Path(f"{case.video}.iouv")
    edit_and_crash(case, signal.SIGKILL)
    [run] = find_ended_runs()
    assert run.record.work is not None
    shutil.rmtree(records := run.file.parent)
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.canvas.setFocus()
        undone = 2
        for _ in range(undone):
            hands.key("Ctrl+Z")
        hands.wait(lambda: hands.reads("Saved, "), "the state of saving")
    assert project.exists()
    # The record of a run that had shown two more edits as saved.
    records.mkdir(exist_ok=True)
    work = {"project": str(project), "steps_before": 0, "steps": run.record.work.steps, "last": "Move car 1"}
    (records / "1-lost.json").write_text(json.dumps({"pid": 1, "started": 1.0, "work": work}))
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        box = message(hands)
        assert f"{undone} edits are missing that were shown as saved" in box.informativeText()
        hands.click(hands.button("Close", box))


def test_a_problem_is_reported_from_the_message(qtbot: QtBot, case: Case) -> None:
    edit_and_crash(case, signal.SIGSEGV, edits=4)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        box = message(hands)
        hands.click(hands.button("Report a problem…", box))

        def read(dialog: QDialog) -> None:
            text = dialog.findChild(QPlainTextEdit, "reportText")
            assert text is not None and "Fatal Python error: Segmentation fault" in text.toPlainText()
            hands.click(hands.button("Cancel", dialog))

        with hands.in_dialog(read):
            pass


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends the window by a POSIX signal")
