"""``iouviewer convert`` with a project: its ground truth, all of it or some frames, as the window exports it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.jobs.box_files import write_boxes
from iouviewer.jobs.document_results import ground_truth_to_write
from iouviewer.project.store import ProjectFile
from tests.document.builders import make_document


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4.iouv"
    ProjectFile.create(path, make_document(tmp_path / "clip.mp4")).close()
    return path


@pytest.mark.parametrize(("frames", "chosen"), [(None, None), ("1:4", (1, 2, 3))])
def test_the_ground_truth_of_a_project_is_written_as_the_window_does(
    project: Path, tmp_path: Path, frames: str | None, chosen: tuple[int, ...] | None
) -> None:
    expected = ground_truth_to_write(make_document(tmp_path / "clip.mp4"))
    if chosen is not None:
        expected = expected.of_frames(np.array(chosen))
    write_boxes(tmp_path / "expected.csv", expected, format="boxcsv")
    command = ["convert", "--to", "boxcsv", str(project), str(tmp_path / "out.csv")]
    assert main(command + ([] if frames is None else ["--frames", frames])) == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_what_does_not_go_together_is_refused_before_anything_is_written(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    assert main(["convert", "--to", "boxcsv", "clip.mp4", str(project), str(out)]) == 2
    assert "a project has its own video" in capsys.readouterr().err
    (tmp_path / "gt.csv").write_text("frameID,x1,y1,x2,y2\n0,1,1,9,9\n")
    assert main(["convert", "--to", "mot", "--frames", "0:1", str(tmp_path / "gt.csv"), str(out)]) == 2
    assert "--frames chooses frames of a project" in capsys.readouterr().err
    assert main(["convert", "--to", "boxcsv", "--frames", "5:500", str(project), str(out)]) == 2
    assert not out.exists()
