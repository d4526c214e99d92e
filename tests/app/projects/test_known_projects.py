"""Every file with boxes of a video is listed, and which project a video has is decided by its place."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from iouviewer import folders
from iouviewer.app.projects.known_projects import KnownKind, find_known
from iouviewer.app.projects.locations import FoundProject, ProjectRegistry, find_project, find_video, sidecar_path
from iouviewer.app.projects.recovery import COPY, CopyState, base_of_copy, copies_folder, delete_unused_views, read_copy
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes
from iouviewer.document.sources import Source
from iouviewer.project.store import ProjectFile
from tests.app.builders import ProjectWindow, video_info

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def video(tmp_path: Path) -> VideoInfo:
    path = tmp_path / "videos" / "clip.mp4"
    path.parent.mkdir()
    path.write_bytes(b"video")
    return video_info(path)


def make_project(info: VideoInfo, path: Path | None = None) -> Path:
    window = ProjectWindow()
    if path is not None:
        window.controller.set_project_path(path)
    window.controller.open_video_source(info)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box")
    made = window.controller.path
    window.controller.close()
    assert made is not None and made.is_file()
    return made


def make_copy(project: Path, name: str, state: CopyState) -> Path:
    path = copies_folder() / f"{name}.iouv"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project, path)
    shutil.copyfile(project, base_of_copy(path))
    opened = ProjectFile.open(path)
    opened.save_settings({COPY: {"of": str(project), "state": state.value}})
    opened.close()
    return path


def kinds(info: VideoInfo, project: Path) -> list[tuple[KnownKind, str]]:
    return [(file.kind, file.path.name) for file in find_known(info.path, info.fingerprint, project)]


def test_projects_copies_snapshots_and_strays_are_listed(video: VideoInfo, tmp_path: Path) -> None:
    beside = make_project(video)
    make_project(video, tmp_path / "other.iouv")
    make_copy(beside, "copy", CopyState.DISMISSED)
    make_copy(beside, "view", CopyState.VIEW)
    snapshot = beside.with_name(f"{beside.name}.snapshots") / "noon.iouv"
    snapshot.parent.mkdir()
    shutil.copyfile(beside, snapshot)
    beside.with_name(f"{beside.name}.damaged-1").write_bytes(b"?")
    shutil.copyfile(beside, beside.with_name("clip backup by hand.iouv"))
    (beside.parent / "unrelated.iouv").write_bytes(b"?")
    found = kinds(video, beside)
    assert sorted(found) == sorted(
        [
            (KnownKind.PROJECT, "clip.mp4.iouv"),
            (KnownKind.PROJECT, "other.iouv"),
            (KnownKind.COPY, "copy.iouv"),
            (KnownKind.SNAPSHOT, "noon.iouv"),
            (KnownKind.STRAY, "clip.mp4.iouv.damaged-1"),
            (KnownKind.STRAY, "clip backup by hand.iouv"),
        ]
    )


def test_a_copy_of_a_project_that_was_moved_is_found_again(video: VideoInfo, tmp_path: Path) -> None:
    project = make_project(video)
    make_copy(project, "copy", CopyState.OPEN)
    moved = video.path.parent.rename(tmp_path / "archive")
    info = replace(video, path=moved / "clip.mp4")
    [copy] = [file for file in find_known(info.path, info.fingerprint, sidecar_path(info.path)) if file.state]
    assert copy.original == sidecar_path(info.path)


def test_views_that_a_crash_left_are_deleted_and_copies_are_not(video: VideoInfo) -> None:
    project = make_project(video)
    view, copy = make_copy(project, "view", CopyState.VIEW), make_copy(project, "copy", CopyState.OPEN)
    in_use = make_copy(project, "in use", CopyState.VIEW)
    holder = ProjectFile.open(in_use)
    delete_unused_views()
    holder.close()
    assert not view.exists() and not base_of_copy(view).exists()
    assert in_use.exists() and copy.exists() and base_of_copy(copy).exists()
    assert read_copy(copy)["state"] == "open"


def test_a_project_belongs_to_a_place_before_a_content(video: VideoInfo, tmp_path: Path) -> None:
    registry, project = ProjectRegistry(), make_project(video, tmp_path / "elsewhere.iouv")
    assert find_project(video, registry) == FoundProject(project)
    copy = tmp_path / "copy.mp4"
    shutil.copyfile(video.path, copy)
    other = replace(video, path=copy)
    assert find_project(other, registry) is None
    video.path.unlink()
    assert find_project(other, registry) == FoundProject(project, str(video.path))
    # A project that was moved with its video belongs to that one, although it names the old place.
    moved = tmp_path / "archive" / "clip.mp4"
    moved.parent.mkdir()
    moved.write_bytes(b"video")
    beside = Path(shutil.move(project, sidecar_path(moved)))
    registry.remember(video.path, video.fingerprint, beside)
    assert find_project(other, registry) is None
    assert find_project(replace(video, path=moved), registry) == FoundProject(beside)


def test_a_project_saved_elsewhere_is_preferred_until_another_is_chosen(video: VideoInfo, tmp_path: Path) -> None:
    registry, beside = ProjectRegistry(), make_project(video)
    elsewhere = Path(shutil.copyfile(beside, tmp_path / "elsewhere.iouv"))
    registry.remember(video.path, video.fingerprint, elsewhere)
    assert find_project(video, registry) == FoundProject(beside)
    registry.remember(video.path, video.fingerprint, elsewhere, chosen=True)
    assert find_project(video, registry) == FoundProject(elsewhere)
    registry.remember(video.path, video.fingerprint, beside, chosen=True)
    assert find_project(video, registry) == FoundProject(beside)
    elsewhere.unlink()
    beside.unlink()
    assert find_project(video, registry) is None


def test_projects_known_to_an_earlier_version_are_found(video: VideoInfo, tmp_path: Path) -> None:
    project = make_project(video, tmp_path / "elsewhere.iouv")
    data = folders.data_folder()
    (data / "known_projects.json").unlink()
    (data / "projects.json").write_text(f'{{"{video.fingerprint}": "{project}"}}')
    assert find_project(video, ProjectRegistry()) == FoundProject(project)
    ProjectRegistry().remember(video.path, video.fingerprint, project)
    (data / "projects.json").unlink()
    assert find_project(video, ProjectRegistry()) == FoundProject(project)


def test_a_video_that_was_renamed_with_its_project_is_found(tmp_path: Path) -> None:
    source = Source(0, "clip.mp4", str(tmp_path / "old" / "clip.mp4"), 320, 240, 10)
    project = tmp_path / "monday.mp4.iouv"
    assert find_video(source, "clip.mp4", project, ()) is None
    renamed = tmp_path / "monday.mp4"
    renamed.write_bytes(b"video")
    assert find_video(source, "clip.mp4", project, ()) == renamed.resolve()
    named = tmp_path / "clip.mp4"
    named.write_bytes(b"video")
    assert find_video(source, "clip.mp4", project, ()) == named.resolve(), "its own name comes first"
