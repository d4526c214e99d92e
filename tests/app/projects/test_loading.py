"""Large projects are loaded in another thread while the window stays usable; the latest request wins."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QThread

from iouviewer.app.projects import loading
from iouviewer.app.projects.loading import LoadedProject, ProjectLoader, load_project
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.errors import UserError
from iouviewer.project import rows
from iouviewer.project.store import ProjectFile
from tests.app.builders import ProjectWindow, imported_boxes, video_info
from tests.document.builders import make_document, make_predictions, make_variant, state_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "MAX_SYNCHRONOUS_BYTES", -1)
    monkeypatch.setattr(rows, "ROWS_PER_READ", 2)


@pytest.fixture
def window():
    window = ProjectWindow()
    yield window
    window.controller.close()


@pytest.fixture
def video(tmp_path: Path) -> VideoInfo:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"film")
    return video_info(path)


def make_project(window: ProjectWindow, video: VideoInfo) -> dict:
    window.controller.open_video_source(video)
    window.controller.import_ground_truth(imported_boxes(Path("gt.txt")))
    window.session.variants.add("base", make_predictions(seed=1))
    window.session.execute(AddBoxes((Box(90, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    state = state_of(window.session.document)
    window.controller.close()
    return state


def test_nothing_can_be_edited_until_the_project_is_there(qtbot, video: VideoInfo, window: ProjectWindow, monkeypatch):
    state = make_project(window, video)
    again = ProjectWindow()
    threads, released = set(), threading.Event()

    def wait_for_release(*args, **options):
        threads.add(threading.current_thread())
        released.wait(10)
        return load_project(*args)

    monkeypatch.setattr(loading, "load_project", wait_for_release)
    shares: list[tuple[str, float]] = []
    ready: list[bool] = []
    again.controller.loadProgress.connect(lambda step: shares.append((step.name, step.share)))
    again.controller.ready.connect(lambda: ready.append(QThread.currentThread() is again.session.thread()))
    again.controller.open_video_source(video)
    assert again.session.frame_count == 0 and not ready
    again.controller.update_video(video)
    released.set()
    qtbot.waitUntil(lambda: bool(ready), timeout=10_000)
    assert ready == [True] and threading.main_thread() not in threads
    assert state_of(again.session.document) == state
    assert again.session.frame_iou("base", 0) == window.session.frame_iou("base", 0)
    assert again.session.variants.baseline is not None
    assert shares[0] == ("clip.mp4.iouv", 0.0) and shares[-1][1] == 1.0
    assert [share for _, share in shares] == sorted(share for _, share in shares)
    step = again.session.history.undo_step()
    assert step is not None
    again.session.go_to(step.frame)
    again.session.undo()
    assert again.session.ground_truth.find(90) is None
    again.controller.close()
    assert again.errors == []


def test_a_project_that_cannot_be_opened_is_reported_and_the_video_is_shown(
    qtbot, video: VideoInfo, window: ProjectWindow
):
    Path(f"{video.path}.iouv").write_bytes(b"")
    with qtbot.waitSignal(window.controller.ready, timeout=10_000):
        window.controller.open_video_source(video)
    [notice] = window.notices.all
    assert "clip.mp4.iouv cannot be opened" in notice.text and "damaged" in notice.text and notice.choices
    assert window.session.frame_count == video.frame_count and window.session.read_only


def test_a_project_opens_with_the_video_that_it_names(qtbot, video: VideoInfo, window: ProjectWindow):
    state = make_project(window, video)
    again = ProjectWindow()
    with qtbot.waitSignal(again.controller.videoRequested, timeout=10_000) as wanted:
        again.controller.open_project(Path(f"{video.path}.iouv"))
    assert wanted.args == [str(video.path)]
    with qtbot.waitSignal(again.controller.ready, timeout=10_000):
        again.controller.open_video_source(video)
    assert state_of(again.session.document) == state
    again.controller.close()


def project_at(path: Path) -> Path:
    ProjectFile.create(path, make_document(), variants=[make_variant("a", "a", make_predictions())]).close()
    return path


class LoaderRecorder:
    def __init__(self, loader: ProjectLoader) -> None:
        self.loaded: list[LoadedProject] = []
        self.failed: list[UserError] = []
        loader.loaded.connect(self.loaded.append)
        loader.failed.connect(self.failed.append)


def test_only_the_second_of_two_requests_is_answered_and_the_first_file_is_closed(qtbot, tmp_path: Path):
    first, second = project_at(tmp_path / "a.iouv"), project_at(tmp_path / "b.iouv")
    loader = ProjectLoader()
    recorder = LoaderRecorder(loader)
    loader.load(first, ScoreSettings())
    loader.load(second, ScoreSettings())
    qtbot.waitUntil(lambda: bool(recorder.loaded), timeout=10_000)
    assert [loaded.opened.project.path for loaded in recorder.loaded] == [second]
    assert not loader.busy
    recorder.loaded[0].opened.project.close()
    loader.close()
    # Nobody holds the first file's lock.
    ProjectFile.open(first).close()


def test_loading_the_same_file_twice_creates_no_copy(qtbot, tmp_path: Path):
    path = project_at(tmp_path / "a.iouv")
    loader = ProjectLoader()
    recorder = LoaderRecorder(loader)
    for _ in range(5):
        loader.load(path, ScoreSettings())
    qtbot.waitUntil(lambda: bool(recorder.loaded), timeout=10_000)
    (loaded,) = recorder.loaded
    assert loaded.opened.view_of is None and loaded.opened.messages == []
    loaded.opened.project.close()
    loader.close()


@pytest.mark.parametrize("finished", [False, True])
def test_closing_while_a_project_is_loaded_leaves_it_unlocked(tmp_path: Path, finished: bool):
    path = project_at(tmp_path / "a.iouv")
    loader = ProjectLoader()
    recorder = LoaderRecorder(loader)
    loader.load(path, ScoreSettings())
    if finished:
        loader.wait()  # the project is loaded, but the event loop has not delivered it
    loader.close()
    assert recorder.loaded == [] and not loader.busy
    ProjectFile.open(path).close()


def test_an_exception_from_progress_closes_the_file(tmp_path: Path):
    path = project_at(tmp_path / "a.iouv")

    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise StopError

    with pytest.raises(StopError):
        load_project(path, ScoreSettings(), stop)
    ProjectFile.open(path).close()
