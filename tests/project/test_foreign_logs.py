"""Logs of other files are never replayed, and a file that was replaced while open is never written."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from iouviewer.document.document import Document
from iouviewer.document.edits import SetRects
from iouviewer.errors import UserError
from iouviewer.project import schema
from iouviewer.project.checked import count_transaction
from iouviewer.project.store import ProjectFile
from iouviewer.project.writer import ProjectReplacedError
from tests.document.builders import apply_step, make_document, state_of
from tests.project.checks import wait_checked

LOGS = ("-wal", "-journal")


def edit(project: ProjectFile, document: Document, by: float) -> None:
    """Move a box, and wait until that is in the file or its log."""
    step, rows = apply_step(document, f"Move by {by}", SetRects(((1, (by, 1.0, 50.0 + by, 61.0)),)))
    project.append(step, rows)
    assert project.flush()


def copy_as_after_a_kill(path: Path, target: Path) -> Path:
    """Copy a file that is open, with its logs, as a kill would leave it."""
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, target)
    for suffix in LOGS:
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{target}{suffix}")
    return target


def read(path: Path) -> tuple[object, list[str]]:
    """What a project holds after it was opened and completely checked, and what was said."""
    project = ProjectFile.open(path)
    contents = project.load()
    damage = wait_checked(project)
    project.close()
    if damage is not None:
        raise damage
    return state_of(contents.document), project.notices


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4.iouv"


def test_the_log_of_a_killed_window_is_applied_without_a_word(path: Path, tmp_path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    for by in range(1, 6):
        edit(project, document, by)
    killed = copy_as_after_a_kill(path, tmp_path / "killed" / path.name)
    assert Path(f"{killed}-wal").stat().st_size
    project.close()
    assert read(killed) == (state_of(document), [])


def test_a_log_is_not_applied_to_a_snapshot_that_was_copied_over_the_project(path: Path, tmp_path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    edit(project, document, 1)
    snapshot, before = project.snapshot("monday"), state_of(document)
    edit(project, document, 2)
    killed = copy_as_after_a_kill(path, tmp_path / "killed" / path.name)
    project.close()
    shutil.copyfile(snapshot, killed)
    log = Path(f"{killed}-wal").read_bytes()
    state, [notice] = read(killed)
    assert state == before
    assert "clip.mp4.iouv-wal does not belong to clip.mp4.iouv" in notice
    assert killed.with_name("clip.mp4.iouv.stray-wal").read_bytes() == log
    assert not Path(f"{killed}-wal").exists()
    assert read(killed) == (before, [])


def test_the_log_of_another_project_is_not_applied(path: Path, tmp_path: Path):
    other_document, document = make_document(), make_document()
    ProjectFile.create(path, document).close()
    other = ProjectFile.create(tmp_path / "other.iouv", other_document)
    edit(other, other_document, 3)
    shutil.copyfile(tmp_path / "other.iouv-wal", f"{path}-wal")
    other.close()
    state, notices = read(path)
    assert state == state_of(document) and len(notices) == 1


def test_a_log_that_does_not_continue_an_older_copy_is_not_applied(path: Path, tmp_path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    edit(project, document, 1)
    project.close()
    saved = state_of(document)
    project = ProjectFile.open(path)
    project.load()
    edit(project, document, 2)
    older = copy_as_after_a_kill(path, tmp_path / "older" / path.name)
    with closing(schema.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    for by in range(3, 6):
        edit(project, document, by)
    newer = copy_as_after_a_kill(path, tmp_path / "newer" / path.name)
    project.close()
    # A tool copied the file before the log was merged into it, and the log after that.
    shutil.copyfile(f"{newer}-wal", f"{older}-wal")
    assert read(newer) == (state_of(document), [])
    state, notices = read(older)
    assert state == saved and len(notices) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_log_gives_a_state_that_was_saved_and_is_reported(path: Path, tmp_path: Path, seed: int):
    document = make_document()
    project = ProjectFile.create(path, document)
    states = [state_of(document)]
    for by in range(1, 9):
        edit(project, document, by)
        states.append(state_of(document))
    killed = copy_as_after_a_kill(path, tmp_path / "killed" / path.name)
    project.close()
    log = Path(f"{killed}-wal")
    data = bytearray(log.read_bytes())
    place = random.Random(seed).randrange(len(data))
    data[place] ^= 0x10
    log.write_bytes(data)
    state, notices = read(killed)
    assert state in states
    assert state == states[-1] or notices


def test_a_foreign_log_beside_a_file_without_checksums_is_set_aside(tmp_path: Path):
    golden = Path(__file__).parent / "golden" / "version-3.sqlite"
    path = Path(shutil.copy(golden, tmp_path / "clip.mp4.iouv"))
    other = tmp_path / "other.iouv"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE other (value)")
        connection.executemany("INSERT INTO other VALUES (?)", [("x" * 500,) for _ in range(60)])
        connection.commit()
        shutil.copyfile(f"{other}-wal", f"{path}-wal")
    expected = Path(shutil.copy(golden, tmp_path / "expected.iouv"))
    state, notices = read(path)
    assert state == read(expected)[0] and len(notices) == 1


@pytest.mark.parametrize("is_foreign", [False, True])
def test_a_journal_is_rolled_back_only_into_its_own_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_foreign: bool
):
    monkeypatch.setattr(schema, "is_remote_or_synced", lambda _path: True)
    document = make_document()
    project = ProjectFile.create(path, document)
    edit(project, document, 1)
    project.close()
    saved = state_of(document)
    snapshot = tmp_path / "older.iouv"
    shutil.copyfile(path, snapshot)
    project = ProjectFile.open(path)
    project.load()
    for by in (2, 3, 4):
        edit(project, document, by)
    project.close()
    latest = state_of(document)
    # A transaction that has begun to write pages, as a power failure leaves it.
    killed = tmp_path / "killed" / path.name
    with closing(schema.connect(path)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA cache_spill = ON")
        connection.execute("BEGIN IMMEDIATE")
        count_transaction(connection)
        connection.execute("UPDATE boxes SET x1 = x1 + 1000")
        connection.executemany("INSERT INTO settings VALUES (?, ?, 0)", [(f"k{n}", "1" * 900) for n in range(200)])
        copy_as_after_a_kill(path, killed)
        connection.execute("ROLLBACK")
    assert Path(f"{killed}-journal").stat().st_size
    if is_foreign:
        shutil.copyfile(snapshot, killed)
    state, notices = read(killed)
    assert state == (saved if is_foreign else latest)
    assert len(notices) == is_foreign


def written_over(path: Path, other: bytes) -> None:
    with path.open("r+b") as file:
        file.write(other)
        file.truncate()


def replaced(path: Path, other: bytes) -> None:
    new = path.with_name("new")
    new.write_bytes(other)
    new.replace(path)


def renamed(path: Path, other: bytes) -> None:
    del other
    path.rename(path.with_name("moved.iouv"))


@pytest.mark.parametrize("is_connected", [False, True])
@pytest.mark.parametrize("change", [written_over, replaced, renamed])
def test_a_file_that_is_not_ours_any_more_is_not_written(path: Path, tmp_path: Path, change, is_connected: bool):
    document = make_document()
    ProjectFile.create(path, document).close()
    other_path = tmp_path / "other.iouv"
    ProjectFile.create(other_path, make_document()).close()
    other = other_path.read_bytes()
    project = ProjectFile.open(path)
    project.load()
    assert wait_checked(project) is None
    problems: list[UserError | None] = []
    project.on_problem = problems.append
    if is_connected:
        edit(project, document, 1)
    saved = state_of(document)
    change(path, other)
    project.append(*apply_step(document, "Move", SetRects(((1, (7.0, 1.0, 57.0, 61.0)),))))
    assert not project.flush(1.0)
    assert len(problems) == 1 and isinstance(problems[0], ProjectReplacedError)
    with pytest.raises(UserError):
        project.close(0.0)
    if change is renamed:
        assert not path.exists()
        assert read(path.with_name("moved.iouv"))[0] == saved
    else:
        assert path.read_bytes() == other
        assert read(path)[0] == state_of(make_document())


def test_a_file_that_was_touched_or_copied_back_is_written_on(path: Path, tmp_path: Path):
    document = make_document()
    ProjectFile.create(path, document).close()
    project = ProjectFile.open(path)
    project.load()
    edit(project, document, 1)
    path.touch()
    edit(project, document, 2)
    project.close()
    assert read(path) == (state_of(document), [])
