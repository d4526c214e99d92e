"""``iouviewer project save`` says what saving to the source would change, and writes it when told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.project.store import ProjectFile
from tests.formats.layouts import mot17
from tests.jobs.test_save_source import imported, move


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one box of MOT17 moved."""
    document = imported(mot17(tmp_path))
    move(document, 3, 5)
    path = tmp_path / "clip.mp4.iouv"
    ProjectFile.create(path, document).close()
    return path


def gt(project: Path) -> Path:
    return project.parent / "MOT17-02-FRCNN" / "gt" / "gt.txt"


def test_the_plan_is_said_and_nothing_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = gt(project).read_bytes()
    assert main(["project", "save", str(project)]) == 0
    assert capsys.readouterr().out == f"{project.parent / 'MOT17-02-FRCNN'}: 1 track, 1 box changes\n"
    assert gt(project).read_bytes() == before


def test_write_changes_one_line_and_the_project_knows_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = gt(project).read_bytes().splitlines()
    assert main(["project", "save", str(project), "--write"]) == 0
    said = capsys.readouterr()
    assert "the files as they were: " in said.err
    assert sum(a != b for a, b in zip(before, gt(project).read_bytes().splitlines(), strict=True)) == 1
    assert main(["project", "save", str(project), "--write"]) == 0
    assert "Nothing was edited" in capsys.readouterr().out


def test_a_file_that_changed_on_disk_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = gt(project).read_bytes() + b"12,9,1,1,5,5,1,1,1\n"
    gt(project).write_bytes(theirs)
    assert main(["project", "save", str(project), "--write"]) == 2
    assert "has changed on disk since it was read" in capsys.readouterr().err
    assert gt(project).read_bytes() == theirs
    assert main(["project", "save", str(project), "--write", "--overwrite"]) == 0
    assert gt(project).read_bytes() != theirs


def test_convert_of_the_project_keeps_classes_flags_and_order(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    assert main(["convert", str(project), str(target), "--to", "mot"]) == 0
    before, after = gt(project).read_bytes().splitlines(), target.read_bytes().splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert target.with_name("out.labels.txt").read_text().splitlines()[6] == "static person"
