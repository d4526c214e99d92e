"""Projects of image folders: every folder has its own, including projects of earlier versions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from iouviewer import folders
from iouviewer.app.projects.locations import FoundProject, sidecar_path
from iouviewer.app.video.video_info import VideoInfo, info_of
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes
from iouviewer.video import open_video
from iouviewer.video.fingerprint import compute_legacy_fingerprint, fingerprint
from tests.app.builders import ProjectWindow
from tests.video.clip_builder import render_frame

pytestmark = pytest.mark.usefixtures("qapp")


def make_images(folder: Path, first: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number + 1:06d}.bmp"), render_frame(first + number, 160, 96))
    return folder


def make_sequence(folder: Path, first: int) -> Path:
    make_images(folder / "img1", first)
    (folder / "seqinfo.ini").write_text("[Sequence]\nseqLength=3\n")
    return folder


def info_on(folder: Path) -> VideoInfo:
    reader = open_video(folder)
    info = info_of(reader)
    reader.close()
    return info


def as_earlier_version(info: VideoInfo) -> VideoInfo:
    """The properties of a folder as an earlier version stored them."""
    assert info.legacy_fingerprint is not None
    return replace(info, fingerprint=info.legacy_fingerprint.value, legacy_fingerprint=None)


@pytest.fixture
def show() -> Iterator[Callable[..., ProjectWindow]]:
    """Opens a video in a new window and closes the window before."""
    made: list[ProjectWindow] = []

    def show_it(info: VideoInfo, path: Path | None = None) -> ProjectWindow:
        if made:
            made[-1].controller.close()
        made.append(ProjectWindow())
        if path is not None:
            made[-1].controller.set_project_path(path)
        made[-1].controller.open_video_source(info)
        return made[-1]

    yield show_it
    made[-1].controller.close()


def label(window: ProjectWindow) -> None:
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")


def test_sequences_of_equal_length_have_fingerprints_of_their_images(tmp_path):
    one, two = make_sequence(tmp_path / "02", 0), make_sequence(tmp_path / "04", 50)
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(one / "img1") == info_on(one).fingerprint


def test_only_images_count(tmp_path):
    folder = make_images(tmp_path / "pictures", 0)
    before = fingerprint(folder)
    (folder / "Thumbs.db").write_bytes(b"thumbs")
    (folder / "._000001.bmp").write_bytes(b"macOS")
    assert fingerprint(folder) == before
    cv2.imwrite(str(folder / "000003.bmp"), render_frame(9, 160, 96))
    changed = fingerprint(folder)
    (folder / "000002.bmp").unlink()
    assert len({before, changed, fingerprint(folder)}) == 3


def test_fingerprints_of_earlier_versions_are_still_computed(tmp_path):
    folder = make_images(tmp_path / "pictures", 0)
    files = "".join(f"{path.name}\0{path.stat().st_size}\0" for path in sorted(folder.iterdir()))
    former = compute_legacy_fingerprint(folder)
    assert (former.value, former.certain) == (hashlib.sha256(files.encode()).hexdigest()[:32], True)
    one, two = make_sequence(tmp_path / "02", 0), make_sequence(tmp_path / "04", 50)
    assert compute_legacy_fingerprint(one) == compute_legacy_fingerprint(two)
    assert not compute_legacy_fingerprint(one).certain


def test_a_sequence_never_opens_the_project_of_another(tmp_path, show):
    label(show(info_on(make_sequence(tmp_path / "02", 0))))
    other = show(info_on(make_sequence(tmp_path / "04", 50)))
    assert len(other.session.ground_truth) == 0 and other.controller.project is None


@pytest.mark.parametrize("make", [make_images, make_sequence])
def test_a_project_of_an_earlier_version_opens_with_its_labels_and_without_messages(tmp_path, show, make):
    info = info_on(make(tmp_path / "02", 0))
    label(show(as_earlier_version(info)))
    for _ in range(2):
        again = show(info)
        assert len(again.session.ground_truth) == 1 and again.session.source.fingerprint == info.fingerprint
        assert again.controller.path == sidecar_path(info.path)
        assert (again.messages, again.errors) == ([], [])


@pytest.mark.parametrize("make", [make_images, make_sequence])
def test_a_project_saved_elsewhere_by_an_earlier_version_is_found_for_its_own_folder_only(tmp_path, show, make):
    own, other = info_on(make(tmp_path / "02", 0)), info_on(make(tmp_path / "04", 50))
    assert own.legacy_fingerprint == other.legacy_fingerprint
    path = folders.data_folder() / "elsewhere.iouv"
    label(show(as_earlier_version(own), path))
    assert len(show(other).session.ground_truth) == 0
    again = show(own)
    assert len(again.session.ground_truth) == 1 and again.controller.path == path
    assert again.messages == []
    # From now on it is found by its own fingerprint, wherever it is moved.
    moved = own.path.rename(tmp_path / "moved")
    found = show(info_on(moved))
    assert found.found_projects == [FoundProject(path, str(own.path))]
    found.controller.use_found_project(True)
    assert len(found.session.ground_truth) == 1


def test_a_moved_folder_is_found_if_its_fingerprint_covers_the_images(tmp_path, show):
    own = info_on(make_images(tmp_path / "02", 0))
    label(show(as_earlier_version(own), folders.data_folder() / "elsewhere.iouv"))
    moved = info_on(own.path.rename(tmp_path / "moved"))
    again = show(moved)
    assert [found.lost_video for found in again.found_projects] == [str(own.path)]
    again.controller.use_found_project(True)
    assert len(again.session.ground_truth) == 1 and again.messages == []


def test_another_sequence_than_the_labelled_one_is_reported(tmp_path, show):
    own, other = info_on(make_sequence(tmp_path / "02", 0)), info_on(make_sequence(tmp_path / "04", 50))
    label(show(as_earlier_version(own)))
    again = show(other, sidecar_path(own.path))
    assert len(again.session.ground_truth) == 1
    assert any("not the file that was labelled" in message for message in again.messages)
