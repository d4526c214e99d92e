"""``iouviewer project check`` says what a project file lost, and never changes the file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from iouviewer.project import schema
from iouviewer.project.store import ProjectFile
from tests.document.builders import make_document

GOLDEN = Path(__file__).parents[1] / "project" / "golden"


def check(path: Path) -> tuple[int, list[str], str]:
    """Exit status, lines of the output, and errors of the command in a process of its own."""
    command = [sys.executable, "-m", "iouviewer", "project", "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4.iouv"
    ProjectFile.create(path, make_document()).close()
    return path


def test_an_intact_project_is_reported_with_its_contents(path: Path):
    before = path.read_bytes()
    status, lines, _errors = check(path)
    assert (status, lines) == (0, ["clip.mp4.iouv: intact; 4 boxes, 0 variants"])
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_changed_box_is_reported_with_its_frame(path: Path):
    with closing(schema.connect(path)) as connection:
        connection.execute("UPDATE boxes SET x1 = x1 + 1 WHERE id = 4")
    before = path.read_bytes()
    status, lines, _errors = check(path)
    assert status == 3
    assert lines[0] == "clip.mp4.iouv: 1 box was changed"
    assert "clip.mp4.iouv: 1 box lost on frame 3" in lines
    assert lines[-1].startswith("clip.mp4.iouv: damaged; 3 boxes")
    assert path.read_bytes() == before


def test_a_truncated_project_is_reported_as_damaged(path: Path):
    path.write_bytes(path.read_bytes()[:5000])
    status, lines, _errors = check(path)
    assert status == 3 and lines[-1] == "clip.mp4.iouv: damaged; nothing can be recovered"


def test_a_file_without_checksums_is_checked_as_far_as_possible(tmp_path: Path):
    path = Path(shutil.copy(GOLDEN / "version-3.sqlite", tmp_path / "old.iouv"))
    assert check(path)[:2] == (0, ["old.iouv: intact; version 3, which has no checksums"])


def test_a_missing_file_is_refused(tmp_path: Path):
    status, lines, errors = check(tmp_path / "none.iouv")
    assert (status, lines) == (2, []) and "there is no such project file" in errors
