"""A project that turns out to be damaged, or is replaced while it is open, loses nothing that is shown."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from iouviewer.app.projects.safety import Choice
from iouviewer.app.projects.snapshots import find_snapshots
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.project import schema
from iouviewer.project.backups import KEPT, back_up_if_changed, count_boxes, find_backups
from iouviewer.project.store import ProjectFile
from tests.app.builders import ProjectWindow, imported_boxes, video_info
from tests.document.builders import state_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def window():
    window = ProjectWindow()
    yield window
    window.controller.close()


@pytest.fixture
def video(tmp_path: Path) -> VideoInfo:
    """A video with a closed project of three boxes and one step."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"film")
    info = video_info(path)
    first = ProjectWindow()
    first.controller.open_video_source(info)
    first.controller.import_ground_truth(imported_boxes(Path("gt.txt")))
    first.move()
    first.controller.close()
    return info


def project_of(video: VideoInfo) -> Path:
    return Path(f"{video.path}.iouv")


def read(path: Path) -> dict:
    project = ProjectFile.open(path)
    state = state_of(project.load().document)
    damage = project.check.wait() if project.check is not None else None
    project.close()
    assert damage is None
    return state


def test_damage_that_is_found_behind_the_first_screen_is_told_and_nothing_is_lost(
    qtbot, video: VideoInfo, window: ProjectWindow
):
    path = project_of(video)
    with closing(schema.connect(path)) as connection:
        connection.execute("UPDATE history SET label = 'Something else' WHERE position = 1")
    damaged = path.read_bytes()
    window.controller.open_video_source(video)
    window.move()
    qtbot.waitUntil(lambda: window.notices.find("salvaged") is not None)
    [notice] = [one for one in window.notices.all if one.key == "salvaged"]
    assert "a row of the table history was changed" in notice.text and "can no longer be undone" in notice.text
    [kept] = path.parent.glob("*.iouv.damaged-*")
    assert kept.read_bytes() == damaged
    window.move()
    state = state_of(window.session.document)
    window.controller.close()
    assert read(path) == state and window.errors == []


def test_the_state_at_opening_is_backed_up_once_and_ten_are_kept(qtbot, video: VideoInfo):
    path = project_of(video)
    for number in range(KEPT + 3):
        window = ProjectWindow()
        window.controller.open_video_source(video)
        before = state_of(window.session.document)
        window.move()
        assert window.controller.project is not None and window.controller.project.flush()
        backups = find_backups(path)
        assert len(backups) == min(number + 1, KEPT)
        assert read(Path(shutil.copy(backups[0].path, path.with_name("copy.iouv")))) == before
        window.controller.close()
    bytes_before = {one.path: one.path.read_bytes() for one in find_backups(path)}
    with closing(schema.connect(path, mode="ro")) as connection:
        assert back_up_if_changed(path, connection) is not None
        assert back_up_if_changed(path, connection) is None
    assert count_boxes(find_backups(path)[0].path) == 3
    kept = {one.path: one.path.read_bytes() for one in find_backups(path)[1:]}
    assert kept.items() <= bytes_before.items()


def test_a_backup_is_made_while_working(qtbot, video: VideoInfo, window: ProjectWindow):
    window.controller.open_video_source(video)
    window.move()
    assert window.controller.project is not None and window.controller.project.flush()
    count = len(find_backups(project_of(video)))
    window.controller.care.back_up()
    qtbot.waitUntil(lambda: len(find_backups(project_of(video))) == count + 1)
    window.controller.close()
    newest = find_backups(project_of(video))[0].path
    assert read(Path(shutil.copy(newest, newest.parent.parent / "copy.iouv"))) == read(project_of(video))


def replace(video: VideoInfo, window: ProjectWindow, qtbot) -> bytes:
    """Edit, copy a snapshot over the open project, edit again; the bytes of the snapshot."""
    window.controller.open_video_source(video)
    with qtbot.waitSignal(window.controller.snapshotCreated):
        window.controller.snapshot("monday")
    window.move(5.0)
    assert window.controller.project is not None and window.controller.project.flush()
    [snapshot] = find_snapshots(project_of(video))
    shutil.copyfile(snapshot.path, project_of(video))
    window.move(7.0)
    qtbot.waitUntil(lambda: window.notices.find("saving") is not None)
    notice = window.notices.find("saving")
    assert notice is not None and notice.choices[:3] == (Choice.KEEP_MINE, Choice.RELOAD, Choice.SAVE_ELSEWHERE)
    return snapshot.path.read_bytes()


def test_a_file_copied_over_the_open_project_is_kept_and_mine_is_saved(qtbot, video: VideoInfo, window: ProjectWindow):
    other = replace(video, window, qtbot)
    assert project_of(video).read_bytes() == other
    window.controller.care.keep_mine()
    assert window.notices.find("saving") is None
    window.move(1.0)
    state = state_of(window.session.document)
    window.session.undo()
    window.session.redo()
    window.controller.close()
    assert read(project_of(video)) == state and window.errors[1:] == []
    [kept] = project_of(video).parent.glob("*.replaced-????????")
    assert kept.read_bytes() == other


def test_a_file_copied_over_the_open_project_is_loaded_and_mine_is_a_snapshot(
    qtbot, video: VideoInfo, window: ProjectWindow
):
    other = replace(video, window, qtbot)
    mine = state_of(window.session.document)
    with qtbot.waitSignal(window.controller.ready):
        window.controller.care.reload()
    shown = state_of(window.session.document)
    window.controller.close()
    assert read(project_of(video)) == shown != mine
    [snapshot] = [one for one in find_snapshots(project_of(video)) if "before reload" in one.name]
    assert read(Path(shutil.copy(snapshot.path, project_of(video).with_name("mine.iouv")))) == mine
    assert other
