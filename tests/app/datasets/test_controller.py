"""The open dataset: switching saves first, nothing is lost, and hundreds of sources open at once without a video."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from iouviewer.app.datasets import numbers as numbers_module
from iouviewer.app.datasets.controller import DatasetController, new_dataset_path
from iouviewer.app.datasets.numbers import DatasetNumbers, Pooled, SourceFound
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.dataset import Dataset, DatasetSource, SourceProgress
from iouviewer.errors import UserError
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.project.dataset_file import DatasetFile
from tests.app.builders import video_info
from tests.app.projects.editing_process import twenty_steps
from tests.app.projects.test_kill_after_save import content_of, session_in_memory
from tests.cli.test_gate_videos import save

pytestmark = pytest.mark.usefixtures("qapp")


@dataclass
class Window:
    """A dataset, a session and a project controller, whose videos are opened at once."""

    session: Session = field(default_factory=Session)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.projects = ProjectController(self.session, self.settings)
        self.controller = DatasetController(self.session, self.projects)
        self.controller.sourceRequested.connect(self.show)
        self.failures: list[UserError] = []
        self.controller.saveFailed.connect(self.failures.append)

    def show(self, source: DatasetSource) -> None:
        self.projects.open_video_source(video_info(Path(source.path), fingerprint=source.path))


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.projects.close()


@pytest.fixture
def videos(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "clips" / name for name in ("a.mp4", "b.mp4", "c.mp4")]
    found[0].parent.mkdir()
    for path in found:
        path.write_bytes(path.name.encode())
    return found


def sources(videos: list[Path]) -> list[DatasetSource]:
    return [DatasetSource(-1, str(path)) for path in videos]


def test_a_switch_saves_the_edits_and_remembers_the_frame(window: Window, videos: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "d.ioudataset"
    window.controller.create(path, sources(videos))
    assert window.session.source.name == "a.mp4"
    twenty_steps(window.session)
    expected = content_of(window.session)
    window.session.go_to(5)
    assert window.controller.step(1)
    assert window.session.source.name == "b.mp4"
    assert window.controller.dataset.sources[0].last_frame == 5
    assert window.controller.step(-1)
    assert content_of(window.session) == expected
    assert window.controller.step(-1), "beyond the first comes the last"
    assert window.session.source.name == "c.mp4"
    window.controller.close()
    kept = DatasetFile(path).read()
    assert kept.current == 2
    assert kept.sources[0].project == str(videos[0].with_name("a.mp4.iouv"))


def test_a_switch_waits_until_the_edits_can_be_saved(
    window: Window, videos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.controller.create(tmp_path / "d.ioudataset", sources(videos))
    twenty_steps(window.session)
    project = window.projects.project
    assert project is not None
    monkeypatch.setattr(project, "flush", lambda: False)
    with pytest.raises(UserError, match="not saved yet"):
        window.controller.step(1)
    assert window.session.source.name == "a.mp4"
    monkeypatch.undo()
    assert window.controller.step(1)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_after_a_kill_right_after_a_switch_every_edit_is_there(videos: list[Path], repository: Path) -> None:
    expected = session_in_memory(videos[0])
    twenty_steps(expected)
    dataset = videos[0].with_name("d.ioudataset")
    command = [sys.executable, "-m", "tests.app.datasets.switching_process", *map(str, (*videos[:2], dataset))]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "switched b.mp4\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert [one.file_name for one in DatasetFile(dataset).read().sources] == ["a.mp4", "b.mp4"]
    session = Session()
    projects = ProjectController(session, Settings())
    try:
        projects.open_video_source(video_info(videos[0]))
        assert content_of(session) == content_of(expected)
        assert session.history.cursor == 20
    finally:
        projects.close()


def test_another_video_leaves_the_dataset_and_its_file_stays(
    window: Window, videos: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "d.ioudataset"
    window.controller.create(path, sources(videos[:2]))
    window.projects.open_video_source(video_info(videos[2], fingerprint="other"))
    assert window.controller.path is None
    assert not window.controller.has_several
    assert len(DatasetFile(path).read()) == 2


def test_a_dataset_that_moved_with_its_videos_goes_on_there(window: Window, videos: list[Path]) -> None:
    folder = videos[0].parent
    path = folder / "d.ioudataset"
    window.controller.create(path, sources(videos))
    twenty_steps(window.session)
    expected = content_of(window.session)
    window.controller.finish()
    window.projects.close()
    new = folder.rename(folder.with_name("elsewhere"))
    other = Window()
    try:
        # The project still names the old place of its video when it is read.
        other.controller.open(new / path.name)
        assert other.controller.path == new / path.name
        assert other.session.source.path == str(new / "a.mp4")
        assert content_of(other.session) == expected
        assert other.controller.step(1)
        assert other.controller.current is not None
        assert other.controller.current.file_name == "b.mp4"
    finally:
        other.projects.close()


def test_an_absent_source_is_named_and_stepped_over(window: Window, videos: list[Path], tmp_path: Path) -> None:
    window.controller.create(tmp_path / "d.ioudataset", sources(videos))
    videos[1].unlink()
    with pytest.raises(UserError, match=r"b\.mp4 is not there"):
        window.controller.show(1)
    assert window.controller.step(1)
    assert window.session.source.name == "c.mp4"


def test_changes_that_cannot_be_written_are_reported_and_kept(
    window: Window, videos: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "d.ioudataset"
    window.controller.create(path, sources(videos))
    path.write_text("{}")  # another program
    window.controller.set_tags([0], ["rain"])
    assert "another program" in str(window.failures[-1])
    assert window.controller.dataset.tags == ("rain",)


def test_five_hundred_sources_are_listed_without_opening_a_video_or_a_project(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.ioudataset"
    progress = SourceProgress("s", 18_000, 18_000, 10, 180_000, 1920, 1080, 25.0, variants=("base", "int8"))
    many = [
        DatasetSource(-1, str(tmp_path / f"clip{number}.mp4"), progress=progress, tags=("night",) * (number % 2))
        for number in range(500)
    ]
    DatasetFile(path).write(Dataset().with_added(many))
    opened: list[object] = []
    monkeypatch.setattr(ProjectController, "open_video_source", lambda *args: opened.append(args))
    before = time.perf_counter()
    with pytest.raises(UserError, match="not there"):
        window.controller.open(path)
    print(f"500 sources listed in {time.perf_counter() - before:.3f} s")
    assert len(window.controller.dataset) == 500
    assert sum(one.progress.boxes for one in window.controller.dataset.sources if one.progress) == 90_000_000
    assert opened == []


def test_a_new_dataset_lies_in_the_folder_that_its_sources_share(tmp_path: Path) -> None:
    below = [tmp_path / "city" / name / "clip.mp4" for name in ("day", "night")]
    assert new_dataset_path(sources(below)) == tmp_path / "city" / "city.ioudataset"
    (tmp_path / "city").mkdir(exist_ok=True)
    (tmp_path / "city" / "city.ioudataset").write_text("")
    assert new_dataset_path(sources(below)) == tmp_path / "city" / "city 2.ioudataset"


def test_numbers_arrive_for_each_source_and_are_computed_once(qtbot: object, tmp_path: Path) -> None:
    projects = [save(tmp_path / name, ("base", "other"), shift=6.0) for name in ("a.iouv", "bb.iouv")]
    dataset = Dataset().with_added(DatasetSource(-1, str(one.with_suffix("")), project=str(one)) for one in projects)
    numbers, found, pooled = DatasetNumbers(), [], []
    numbers.found.connect(found.extend)
    numbers.pooled.connect(pooled.append)
    request = EvalRequest(video=None, gt=None, baseline="base")

    def wait() -> Pooled:
        pooled.clear()
        numbers.refresh(dataset, request)
        qtbot.waitUntil(lambda: len(pooled) == 1, timeout=60_000)
        return pooled[0]

    first = wait()
    assert first.result is not None
    measured = [one.measured for one in found if one.measured is not None]
    assert len(measured) == 2
    calls: list[SourceFound] = []
    original = numbers_module.measure_source
    numbers_module.measure_source = lambda *args: calls.append(args) or original(*args)
    try:
        assert wait().result is not None
        assert calls == []
        request = replace(request, confidence=0.5)
        wait()
        assert len(calls) == 2
    finally:
        numbers_module.measure_source = original
        numbers.close()


def test_boxes_beyond_the_limit_are_read_again_for_the_same_verdict(
    qtbot: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = [save(tmp_path / name, ("base", "other"), shift=6.0) for name in ("a.iouv", "bb.iouv")]
    dataset = Dataset().with_added(DatasetSource(-1, str(one.with_suffix("")), project=str(one)) for one in projects)
    sentences = []
    for limit in (2_000_000, 1, 0):
        monkeypatch.setattr(numbers_module, "MAX_KEPT_BOXES", limit)
        numbers, pooled = DatasetNumbers(), []
        numbers.pooled.connect(pooled.append)
        numbers.refresh(dataset, EvalRequest(video=None, gt=None, baseline="base"))
        qtbot.waitUntil(lambda pooled=pooled: len(pooled) == 1, timeout=60_000)
        numbers.close()
        assert pooled[0].result is not None
        sentences.append([one.sentence for one in pooled[0].result.judgements])
    assert sentences[0] == sentences[1] == sentences[2]
