"""Files of earlier releases open with all their contents; files of later ones are refused and unchanged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import Batch, FrameState, SetNotes, SetRects
from iouviewer.document.notes import Note
from iouviewer.errors import UserError
from iouviewer.project import schema
from iouviewer.project.migrations import migrate, read_version
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, state_of
from tests.project.checks import wait_checked

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN / "version-1.sqlite", tmp_path / "clip.mp4.iouv"))


def test_a_file_of_version_1_opens_with_all_its_contents(version_1: Path):
    project = ProjectFile.open(version_1)
    contents = project.load()
    document = contents.document
    truth = document.ground_truth()
    assert document.class_names == ("person", "car", "bus")
    assert (truth.frame_count, len(truth), truth.next_id) == (8, 5, 6)
    assert truth.find(1) == Box(1, 0, (0.2, 1.0, 6.0, 8.0), 0, 1, 0)
    assert truth.find(2) == Box(2, 0, (10.0, 11.0, 50.0, 51.0), 0, 2, int(BoxFlag.IGNORED))
    assert truth.find(5) == Box(5, 2, (90.0, 90.0, 140.0, 150.0), 2, 3, 0)
    assert [truth.state(frame) for frame in (0, 6)] == [FrameState.LABELLED, FrameState.LABELLED]
    assert contents.settings == {"margin": {"ap": 1.0}}
    assert document.sources[0].fingerprint == "f1" and contents.relative_paths == {0: ""}
    (variant,) = contents.variants
    assert (variant.name, variant.colour, variant.fps, contents.baseline) == ("base", "#e69f00", 31.5, "a")
    assert (len(variant.predictions.table), variant.predictions.score_floor) == (30, 0.01)
    # Version 1 stored predictions in the document's classes, which became the variant's own table.
    assert variant.predictions.classes is not None and variant.predictions.classes.names == ("person", "car", "bus")
    assert variant.predictions.table is variant.predictions.stored_table
    assert version_1.with_name("clip.mp4.iouv.v1").exists()
    assert variant.predictions.table.scores.max() == pytest.approx(0.9883367122080101, abs=0)
    assert (project.cursor, project.step_count) == (6, 7)
    undo, redo = project.undo_step(), project.redo_step()
    assert undo is not None and undo.label == "Class of box 5"
    assert redo is not None and redo.label == "Delete box 3"
    first = project.all_steps()[0]
    assert first.inverse == SetRects(((1, (0.1, 1 / 3, 5.5, 7.25)),))
    project.close()


def test_a_file_of_version_1_has_no_notes_and_takes_them(version_1: Path):
    project = ProjectFile.open(version_1)
    document = project.load().document
    assert document.notes() == ()
    assert {step.author for step in project.all_steps()} == {""}
    note = Note(1, "Why?", 2, 5, author="ana", when=12.5)
    step, rows = apply_step(document, "Add note", SetNotes((note,)))
    project.append(replace(step, author="ana"), rows)
    project.close()
    project = ProjectFile.open(version_1)
    assert project.load().document.notes() == (note,)
    assert [step.author for step in project.all_steps()] == [*[""] * 6, "ana"]
    project.close()


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_file_with_notes_opens_with_them_and_its_authors(tmp_path: Path, version: int):
    path = Path(shutil.copy(GOLDEN / f"version-{version}.sqlite", tmp_path / "clip.mp4.iouv"))
    project = ProjectFile.open(path)
    document = project.load().document
    assert [path.with_name(f"clip.mp4.iouv.v{n}").exists() for n in (3, 4)] == [version == n for n in (3, 4)]
    assert document.notes() == (
        Note(1, "Why?", 4, 8, author="ana", when=12.5),
        Note(2, "Dark", 6, when=13.0, done=True),
        Note(3, "Held out"),
    )
    assert (project.cursor, project.step_count) == (19, 20)
    assert [step.author for step in project.all_steps()] == ["ana"] * 10 + ["mb"] * 10
    redo = project.redo_step()
    assert redo is not None and redo.label == "Delete box 8"
    assert isinstance(redo.inverse, Batch) and redo.inverse.edits[1] == SetNotes((document.notes()[0],))
    project.close()


def test_the_tables_are_those_of_the_golden_file():
    with closing(schema.connect(GOLDEN / f"version-{schema.SCHEMA_VERSION}.sqlite", mode="ro")) as connection:
        found = [
            row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid")
        ]
    assert found == list(schema.TABLES), "the schema changed: raise its version, add a migration and a golden file"


def add_note(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE sources ADD COLUMN note TEXT NOT NULL DEFAULT ''")


def drop_decisions(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE decisions")


def fail(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE boxes")
    connection.execute("SELECT nothing FROM nowhere")


def test_a_migration_keeps_a_copy_of_the_old_file(version_1: Path):
    assert migrate(version_1, migrations={1: add_note, 2: drop_decisions}, target=3) == 1
    with closing(schema.connect(version_1)) as connection:
        assert read_version(connection) == 3
        assert connection.execute("SELECT note FROM sources").fetchall() == [("",)]
    with closing(schema.connect(version_1.with_name("clip.mp4.iouv.v1"))) as connection:
        assert read_version(connection) == 1
        assert connection.execute("SELECT count(*) FROM boxes").fetchall() == [(5,)]
        assert connection.execute("SELECT count(*) FROM decisions").fetchall() == [(0,)]


def test_a_failed_migration_changes_nothing(version_1: Path):
    before = version_1.read_bytes()
    with pytest.raises(sqlite3.Error):
        migrate(version_1, migrations={1: add_note, 2: fail}, target=3)
    assert version_1.read_bytes() == before


OPEN = """
import sys
from pathlib import Path
from iouviewer.project.store import ProjectFile
ProjectFile.open(Path(sys.argv[1])).close()
"""

KILLS = {
    "pwrite64": (1, 2, 4, 7, 11, 16),
    "rename": (1,),
    "fdatasync": (1, 2, 3),
    "ftruncate": (1,),
    "unlink": (1, 2, 3),
}
"""Numbers of the calls at which the program is killed."""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("version", [1, 3])
def test_a_kill_at_any_call_of_a_migration_loses_nothing(version: int, tmp_path: Path):
    golden = GOLDEN / f"version-{version}.sqlite"
    whole = Path(shutil.copy(golden, tmp_path / "whole.iouv"))
    expected = contents_of(whole)
    killed = 0
    for call, numbers in KILLS.items():
        for number in numbers:
            folder = tmp_path / f"{call} {number}"
            folder.mkdir()
            path = Path(shutil.copy(golden, folder / "clip.mp4.iouv"))
            inject = ("-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
            command = ["strace", "-f", "-qq", "-o", os.devnull, *inject, sys.executable, "-c", OPEN, str(path)]
            killed += subprocess.run(command, check=False, capture_output=True, timeout=60).returncode != 0
            assert contents_of(path) == expected, f"killed at {call} {number}"
            # The copy of the old file is complete, or is not there and was not needed any more.
            for old in folder.glob("*.v*"):
                shutil.copy(old, folder / "old.iouv")
                assert contents_of(folder / "old.iouv") == expected
    assert killed >= 6


def contents_of(path: Path) -> tuple[object, ...]:
    project = ProjectFile.open(path)
    contents = project.load()
    damage = wait_checked(project)
    assert damage is None
    found = state_of(contents.document), [step.label for step in project.all_steps()], dict(contents.settings)
    project.close()
    return found


def test_a_file_of_a_newer_program_is_refused_and_unchanged(version_1: Path):
    with closing(schema.connect(version_1)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    before = version_1.read_bytes()
    with pytest.raises(UserError, match="newer iouviewer"):
        ProjectFile.open(version_1)
    assert version_1.read_bytes() == before
