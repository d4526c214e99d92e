"""Projects of folders of pictures: every folder has its own, those of earlier versions included."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from iouviewer import folders
from iouviewer.app.projects.locations import beside
from iouviewer.app.video.video_info import VideoInfo, info_of
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes
from iouviewer.video import open_video
from iouviewer.video.fingerprint import fingerprint, former_fingerprint
from tests.app.projects.test_controller import Window
from tests.video.awkward import picture

pytestmark = pytest.mark.usefixtures("qapp")


def make_pictures(folder: Path, first: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number + 1:06d}.bmp"), picture(first + number, 160, 96))
    return folder


def make_sequence(folder: Path, first: int) -> Path:
    make_pictures(folder / "img1", first)
    (folder / "seqinfo.ini").write_text("[Sequence]\nseqLength=3\n")
    return folder


def info_on(folder: Path) -> VideoInfo:
    reader = open_video(folder)
    info = info_of(reader)
    reader.close()
    return info


def as_before(info: VideoInfo) -> VideoInfo:
    """What an earlier version of the program knew of a folder."""
    assert info.former is not None
    return replace(info, fingerprint=info.former.value, former=None)


@pytest.fixture
def show() -> Iterator[Callable[..., Window]]:
    """A window that shows a video, after the one before was closed."""
    made: list[Window] = []

    def show_it(info: VideoInfo, place: Path | None = None) -> Window:
        if made:
            made[-1].controller.close()
        made.append(Window())
        if place is not None:
            made[-1].controller.use_place(place)
        made[-1].controller.open_video_source(info)
        return made[-1]

    yield show_it
    made[-1].controller.close()


def label(window: Window) -> None:
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")


def test_sequences_of_equal_length_are_told_apart_and_known_by_their_pictures(tmp_path):
    one, two = make_sequence(tmp_path / "02", 0), make_sequence(tmp_path / "04", 50)
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(one / "img1") == info_on(one).fingerprint


def test_only_pictures_count(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 0)
    before = fingerprint(folder)
    (folder / "Thumbs.db").write_bytes(b"thumbs")
    (folder / "._000001.bmp").write_bytes(b"macOS")
    assert fingerprint(folder) == before
    cv2.imwrite(str(folder / "000003.bmp"), picture(9, 160, 96))
    changed = fingerprint(folder)
    (folder / "000002.bmp").unlink()
    assert len({before, changed, fingerprint(folder)}) == 3


def test_what_earlier_versions_named_a_folder_by_stays_known(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 0)
    files = "".join(f"{path.name}\0{path.stat().st_size}\0" for path in sorted(folder.iterdir()))
    former = former_fingerprint(folder)
    assert (former.value, former.certain) == (hashlib.sha256(files.encode()).hexdigest()[:32], True)
    one, two = make_sequence(tmp_path / "02", 0), make_sequence(tmp_path / "04", 50)
    assert former_fingerprint(one) == former_fingerprint(two)
    assert not former_fingerprint(one).certain


def test_a_sequence_never_gets_the_project_of_another(tmp_path, show):
    label(show(info_on(make_sequence(tmp_path / "02", 0))))
    other = show(info_on(make_sequence(tmp_path / "04", 50)))
    assert len(other.session.ground_truth) == 0 and other.controller.project is None


@pytest.mark.parametrize("make", [make_pictures, make_sequence])
def test_a_project_of_an_earlier_version_opens_with_its_labels_and_without_a_word(tmp_path, show, make):
    info = info_on(make(tmp_path / "02", 0))
    label(show(as_before(info)))
    for _ in range(2):
        again = show(info)
        assert len(again.session.ground_truth) == 1 and again.session.source.fingerprint == info.fingerprint
        assert again.controller.path == beside(info.path)
        assert (again.notices, again.problems) == ([], [])


@pytest.mark.parametrize("make", [make_pictures, make_sequence])
def test_a_project_kept_elsewhere_by_an_earlier_version_is_found_for_its_own_folder_only(tmp_path, show, make):
    mine, other = info_on(make(tmp_path / "02", 0)), info_on(make(tmp_path / "04", 50))
    assert mine.former == other.former
    place = folders.data_folder() / "elsewhere.iouv"
    label(show(as_before(mine), place))
    assert len(show(other).session.ground_truth) == 0
    again = show(mine)
    assert len(again.session.ground_truth) == 1 and again.controller.path == place
    assert again.notices == []
    # From now on by its own name, wherever it goes.
    moved = mine.path.rename(tmp_path / "moved")
    assert len(show(info_on(moved)).session.ground_truth) == 1


def test_a_folder_that_was_moved_since_is_found_where_its_pictures_counted(tmp_path, show):
    mine = info_on(make_pictures(tmp_path / "02", 0))
    label(show(as_before(mine), folders.data_folder() / "elsewhere.iouv"))
    moved = info_on(mine.path.rename(tmp_path / "moved"))
    again = show(moved)
    assert len(again.session.ground_truth) == 1 and again.notices == []


def test_another_sequence_than_an_earlier_version_labelled_is_told(tmp_path, show):
    mine, other = info_on(make_sequence(tmp_path / "02", 0)), info_on(make_sequence(tmp_path / "04", 50))
    label(show(as_before(mine)))
    again = show(other, beside(mine.path))
    assert len(again.session.ground_truth) == 1
    assert any("another file" in notice for notice in again.notices)
