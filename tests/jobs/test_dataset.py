"""Numbers of a dataset: progress without opening, measured sources, and the verdict of ``gate`` on the projects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iouviewer.app.editing.session import Session
from iouviewer.cli import main
from iouviewer.document.dataset import Dataset, DatasetSource
from iouviewer.document.edits import FrameMark, FrameState, SetFrames
from iouviewer.errors import UserError
from iouviewer.jobs.dataset import dataset_videos, find_deciding, measure_source, state_of
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import judge
from iouviewer.project.dataset_file import DatasetFile
from iouviewer.project.progress import read_progress
from iouviewer.project.store import ProjectFile
from tests.cli.test_gate_videos import FRAMES, save

REQUEST = EvalRequest(video=None, gt=None)


def source(project: Path) -> DatasetSource:
    return DatasetSource(-1, str(project.with_suffix(".mpeg")), project=str(project), progress=read_progress(project))


def dataset_of(*projects: Path) -> Dataset:
    dataset = Dataset().with_added(map(source, projects))
    for one in dataset.sources:
        numbers = measure_source(one, one.file_name, REQUEST).numbers
        dataset = dataset.changed(one.id, lambda old, numbers=numbers: replace(old, numbers=numbers))
    return dataset


def test_progress_is_read_while_another_window_has_the_project(tmp_path: Path) -> None:
    path = save(tmp_path / "a.iouv", ("base", "other"))
    before = read_progress(path)
    assert (before.frames, before.labelled, before.verified, before.boxes) == (FRAMES, FRAMES, 0, FRAMES)
    assert (before.width, before.height, before.fps, before.variants) == (400, 400, 25.0, ("base", "other"))
    assert before.edited == 0.0
    project, session = ProjectFile.open(path), Session()
    session.open_document(project.load().document, history=project, project_path=str(path))
    assert read_progress(path) == before
    session.execute(SetFrames((FrameMark(3, FrameState.LABELLED, True),)), "Verify")
    assert project.flush()
    after = read_progress(path)
    assert (after.verified, after.boxes) == (1, FRAMES)
    assert after.state != before.state
    assert after.edited > 0
    project.close()
    assert read_progress(path) == after


@pytest.mark.parametrize(("content", "said"), [(None, "no such project"), (b"x" * 5000, "cannot be read")])
def test_a_damaged_or_absent_project_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "a.iouv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        read_progress(path)
    assert raised.value.path == path


def test_measured_numbers_are_those_of_gate_on_the_one_project(tmp_path: Path) -> None:
    path = save(tmp_path / "a.iouv", ("base", "other"), shift=6.0)
    measured = measure_source(source(path), "a", REQUEST)
    assert measured.video is not None
    [judged] = judge([measured.video], REQUEST.margins).judged
    assert judged.compared is not None
    ap = judged.compared.verdict.differences[0]
    other = measured.numbers.variants["other"]
    assert (other.points, other.low, other.high, other.outcome) == (ap.points, ap.low, ap.high, str(judged.outcome))
    assert measured.numbers.baseline == "base"
    assert measured.numbers.variants["base"].outcome == ""
    assert measured.classes["car"].boxes == FRAMES
    assert measured.classes["car"].ap["base"] == measured.numbers.variants["base"].ap


def test_the_state_changes_with_contents_and_settings_only(tmp_path: Path) -> None:
    one = source(save(tmp_path / "a.iouv", ("base", "other")))
    state = state_of(one, REQUEST)
    assert state_of(replace(one, tags=("x",), last_frame=3), REQUEST) == state
    assert state_of(one, replace(REQUEST, confidence=0.3)) != state
    assert state_of(one, replace(REQUEST, margins={"ap": 2.0})) != state
    assert state_of(one, replace(REQUEST, frames="verified")) != state
    assert state_of(replace(one, progress=None), REQUEST) == ""


def test_a_source_without_variants_still_has_its_progress(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no project yet"):
        measure_source(DatasetSource(0, "/a.mpeg"), "a.mpeg", REQUEST)


def test_a_dataset_is_judged_as_its_projects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    projects = [
        save(tmp_path / "a.iouv", ("base", "other"), shift=2.0),
        save(tmp_path / "bb.iouv", ("base", "other")),
        save(tmp_path / "ccc.iouv", ("base", "other"), shift=9.0),
    ]
    dataset = dataset_of(*projects)
    path = tmp_path / "d.ioudataset"
    DatasetFile(path).write(dataset)
    status = main(["gate", str(path)])
    said = capsys.readouterr().out
    assert main(["gate", *map(str, projects)]) == status
    assert said.replace(".mpeg", ".iouv") == capsys.readouterr().out
    [pooled] = judge(dataset_videos(path, REQUEST), REQUEST.margins).judged
    deciding = find_deciding(dataset, pooled)
    assert deciding is not None
    assert deciding.source == 2
    assert deciding.title == "ccc.mpeg decides against other"
    # One that is not included counts in neither.
    DatasetFile(path).read()
    without = dataset.changed(2, lambda one: replace(one, included=False))
    file = DatasetFile(path)
    file.read()
    file.write(without)
    main(["gate", str(path)])
    said = capsys.readouterr().out
    main(["gate", *map(str, projects[:2])])
    assert said.replace(".mpeg", ".iouv") == capsys.readouterr().out
    [alone] = judge(dataset_videos(path, REQUEST)[:1], REQUEST.margins).judged
    assert find_deciding(without, alone) is None


def test_gate_says_what_it_does_with_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.ioudataset"
    DatasetFile(path).write(Dataset())
    assert main(["gate", str(path)]) == 2
    assert "includes no source" in capsys.readouterr().err
    assert main(["gate", str(path), str(path)]) == 2
    assert "a dataset is judged alone" in capsys.readouterr().err
    assert main(["gate", str(tmp_path / "x.ioudataset")]) == 2
    assert "the dataset does not exist" in capsys.readouterr().err
