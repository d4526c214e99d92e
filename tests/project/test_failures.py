"""Killed programs, full disks and removed files: reported saves are in the file, other edits are not lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from iouviewer.errors import UserError
from iouviewer.project import schema, store, writer
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, make_document, rows_for, state_of, twenty_edits

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")

EDITOR = """
import sys
from pathlib import Path
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, make_document, rows_for, twenty_edits

document = make_document()
project = ProjectFile.create(Path(sys.argv[1]), document)
undos = int(sys.argv[2])
expected = 1 + 20 + undos

def on_saved(saved, requested):
    if saved == expected:
        print("saved", flush=True)

project.on_saved = on_saved
for label, edit in twenty_edits():
    project.append(*apply_step(document, label, edit))
for _ in range(undos):
    applied = document.apply(project.undo_step().inverse)
    project.move(-1, rows_for(document, applied.change.box_ids, applied.change.frames))
sys.stdin.read()
"""


def expected_state(undos: int):
    document = make_document()
    inverses = []
    for label, edit in twenty_edits():
        step, _rows = apply_step(document, label, edit)
        inverses.append(step.inverse)
    for _ in range(undos):
        document.apply(inverses.pop())
    return state_of(document)


@posix
@pytest.mark.parametrize("undos", [0, 7])
def test_after_sigkill_rows_cursor_and_redo_match_the_reported_save(tmp_path: Path, repository: Path, undos: int):
    path = tmp_path / "clip.mp4.iouv"
    command = [sys.executable, "-c", EDITOR, str(path), str(undos)]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
    # The lock file of the dead process still exists and does not block others.
    assert path.with_name(f"{path.name}.lock").exists()
    project = ProjectFile.open(path)
    loaded = project.load().document
    assert state_of(loaded) == expected_state(undos)
    assert (project.cursor, project.step_count) == (20 - undos, 20)
    for _ in range(undos):
        step = project.redo_step()
        assert step is not None
        applied = loaded.apply(step.edit)
        assert applied is not None
        project.move(1, rows_for(loaded, applied.change.box_ids, applied.change.frames))
    assert state_of(loaded) == expected_state(0)
    while (step := project.undo_step()) is not None:
        applied = loaded.apply(step.inverse)
        assert applied is not None
        project.move(-1, rows_for(loaded, applied.change.box_ids, applied.change.frames))
    assert state_of(loaded) == state_of(make_document())
    project.close()


FULL_DISK = """
import resource, sys, threading
from pathlib import Path
from typing import Any
from iouviewer.document.edits import SetRects
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, make_document

path = Path(sys.argv[1])
document = make_document()
project = ProjectFile.create(path, document)
assert project.flush()
problems, again = [], threading.Event()
failing = threading.Event()

def on_problem(problem):
    if problem is None:
        again.set()
    else:
        problems.append(str(problem))
        failing.set()

project.on_problem = on_problem
limit = path.with_name(path.name + "-wal").stat().st_size + 9000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
for by in range(1, 31):
    edit = SetRects(((3, (by / 7, 1.0, 5000.0, 61.0)),))
    project.append(*apply_step(document, f"Step {by}", edit))
assert failing.wait(20)
saved, requested = project.progress
assert saved < requested, (saved, requested)
project.retry_now()
assert not project.flush(0.5)
assert len(problems) == 1, problems
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
project.retry_now()
assert project.flush(20)
assert again.wait(20)
assert len(problems) == 1, problems
project.close()
print(problems[0])
"""


@posix
def test_a_full_disk_is_reported_once_and_loses_no_edit(tmp_path: Path, repository: Path):
    path = tmp_path / "clip.mp4.iouv"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], cwd=repository, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be saved" in done.stdout and str(path) in done.stdout
    project = ProjectFile.open(path)
    assert (project.cursor, project.step_count) == (30, 30)
    box = project.load().document.ground_truth().find(3)
    assert box is not None and box.rect == (30 / 7, 1.0, 5000.0, 61.0)
    project.close()


class Problems:
    """Collects the calls of ``on_problem`` and lets a test wait for them."""

    def __init__(self) -> None:
        self.seen: list[UserError | None] = []
        self._changed = threading.Condition()

    def __call__(self, problem: UserError | None) -> None:
        with self._changed:
            self.seen.append(problem)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= count, 20)


def test_writing_continues_in_order_after_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.001)
    path = tmp_path / "clip.mp4.iouv"
    document = make_document()
    project = ProjectFile.create(path, document)
    assert project.flush()
    project.on_problem = problems = Problems()
    aside = path.with_name("aside")
    # While it is open: POSIX would let the writer continue in a file that has no name any more.
    path.rename(aside)
    for label, edit in twenty_edits():
        project.append(*apply_step(document, label, edit))
    problems.wait_for(1)
    assert project.progress[0] == 1
    assert not path.exists()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    aside.rename(path)
    problems.wait_for(2)
    assert project.flush()
    project.close()
    assert problems.seen[0] is not None and problems.seen[1:] == [None]
    project = ProjectFile.open(path)
    assert (project.cursor, project.step_count) == (20, 20)
    assert state_of(project.load().document) == state_of(document)
    project.close()


def test_an_error_of_the_program_is_told_and_does_not_end_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.001)
    project = ProjectFile.create(tmp_path / "clip.mp4.iouv", make_document())
    assert project.flush()
    project.on_problem = problems = Problems()
    real, is_broken = store.write_settings, threading.Event()
    is_broken.set()

    def write_settings(*args: Any) -> None:
        if is_broken.is_set():
            raise AttributeError("no such thing")
        real(*args)

    monkeypatch.setattr(store, "write_settings", write_settings)
    project.save_settings({"a": 1})
    problems.wait_for(1)
    [problem] = problems.seen
    assert problem is not None and "an error of the program (AttributeError)" in problem.message
    assert "no such thing" in caplog.text
    is_broken.clear()
    problems.wait_for(2)
    assert project.flush()
    project.close()
    project = ProjectFile.open(tmp_path / "clip.mp4.iouv")
    assert project.load().settings["a"] == 1
    project.close()


def test_closing_reports_how_many_changes_could_not_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.001)
    path = tmp_path / "clip.mp4.iouv"
    document = make_document()
    project = ProjectFile.create(path, document)
    assert project.flush()
    project.on_problem = problems = Problems()
    path.unlink()
    for label, edit in twenty_edits()[:3]:
        project.append(*apply_step(document, label, edit))
    problems.wait_for(1)
    with pytest.raises(UserError, match="last 3 changes"):
        project.close(timeout=0.05)


def test_a_failed_first_write_leaves_no_file_and_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.001)
    path = tmp_path / "clip.mp4.iouv"
    in_the_way = path.with_name(f".{path.name}.part")
    in_the_way.mkdir()
    document = make_document()
    failing = threading.Event()
    describe = writer.describe_write_error

    def observe(error: sqlite3.Error | OSError, failed: Path) -> UserError:
        failing.set()
        return describe(error, failed)

    monkeypatch.setattr(writer, "describe_write_error", observe)
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    assert failing.wait(20)
    assert not path.exists()
    in_the_way.rmdir()
    assert project.flush()
    project.close()
    project = ProjectFile.open(path)
    assert project.step_count == 1
    assert state_of(project.load().document) == state_of(document)
    project.close()


def test_a_commit_waits_for_a_copy_of_another_window(tmp_path: Path):
    path = tmp_path / "clip.mp4.iouv"
    document = make_document()
    project = ProjectFile.create(path, document)
    assert project.flush()
    with closing(schema.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM history").fetchone()[0] == 0
        project.append(*apply_step(document, *twenty_edits()[0]))
        assert project.flush()
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM history").fetchone()[0] == 1
    project.close()
