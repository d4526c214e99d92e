"""What dropped paths hold: videos, image sets, lists, projects, and which box file belongs to which of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from iouviewer.ui.dataset.found_sources import find_sources
from tests.ui.window import write_boxes, write_video

BOX = {0: [(1.0, 1.0, 20.0, 20.0)]}
SCORED = {0: [(1.0, 1.0, 20.0, 20.0, 0.9)]}


def files_of(folder: Path, video: str, truth: str, *predictions: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_video(folder / video, frames=2)
    if truth:
        write_boxes(folder / truth, BOX)
    for name in predictions:
        write_boxes(folder / name, SCORED, scores=True)


def described(*paths: Path) -> list[tuple[str, str, list[str]]]:
    """Name of each source, of its ground truth, and of its variants."""
    return [
        (one.file_name, Path(one.truth_file).name, [name for name, _path in one.prediction_files])
        for one in find_sources(paths).sources
    ]


def test_files_belong_to_the_video_whose_name_they_begin_with(tmp_path: Path) -> None:
    files_of(tmp_path, "cam.avi", "cam_gt.csv", "cam_base.csv", "cam-int8.csv")
    files_of(tmp_path, "cam2.avi", "cam2_gt.csv", "cam2_base.csv", "cam2.int8.csv")
    assert described(tmp_path) == [
        ("cam.avi", "cam_gt.csv", ["int8", "base"]),
        ("cam2.avi", "cam2_gt.csv", ["int8", "base"]),
    ]


def test_files_beside_a_single_video_belong_to_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        files_of(tmp_path / name, "clip.avi", "gt.csv", "base.csv")
    assert described(tmp_path / "one", tmp_path / "two") == [("clip.avi", "gt.csv", ["base"])] * 2


def test_an_unclear_file_is_left_out_and_named(tmp_path: Path) -> None:
    files_of(tmp_path, "a.avi", "", "both.csv")
    files_of(tmp_path, "b.avi", "a_gt.csv")
    found = find_sources([tmp_path])
    assert [Path(one.truth_file).name for one in found.sources] == ["a_gt.csv", ""]
    [(path, reason)] = found.left_out
    assert path.name == "both.csv"
    assert "matches no video" in reason


def test_a_list_names_videos_relative_to_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        files_of(tmp_path / name, "clip.avi", "")
    listed = tmp_path / "nightly.txt"
    listed.write_text("# nightly\na/clip.avi\n\nb/clip.avi\n")
    assert [one.path for one in find_sources([listed]).sources] == [
        str(tmp_path / name / "clip.avi") for name in ("a", "b")
    ]
    listed.write_text("a/clip.avi\ngone.avi\n")
    assert find_sources([listed]).sources == ()


def test_a_folder_of_images_is_one_source_and_datasets_are_told_apart(tmp_path: Path) -> None:
    images = tmp_path / "yard"
    images.mkdir()
    for number in range(3):
        cv2.imwrite(str(images / f"{number}.png"), np.zeros((8, 8, 3), np.uint8))
    files_of(tmp_path, "a.avi", "")
    dataset = tmp_path / "old.ioudataset"
    dataset.write_text("{}")
    found = find_sources([tmp_path])
    assert sorted(one.file_name for one in found.sources) == ["a.avi", "yard"]
    assert found.datasets == (dataset,)


@pytest.mark.parametrize("name", ["notes.xyz", "weights.pt"])
def test_other_chosen_files_are_left_out_with_a_reason(tmp_path: Path, name: str) -> None:
    files_of(tmp_path, "a.avi", "")
    (tmp_path / name).write_bytes(b"\0" * 10)
    found = find_sources([tmp_path / "a.avi", tmp_path / name])
    assert [one.file_name for one in found.sources] == ["a.avi"]
    assert [(path.name, bool(reason)) for path, reason in found.left_out] == [(name, True)]


def test_the_project_beside_a_video_is_not_a_second_source(tmp_path: Path) -> None:
    files_of(tmp_path, "a.avi", "")
    (tmp_path / "a.avi.iouv").write_bytes(b"")
    assert len(find_sources([tmp_path]).sources) == 1
    [(_path, reason)] = find_sources([tmp_path / "a.avi.iouv"]).left_out
    assert "names no video" in reason


def test_a_link_in_a_circle_ends_and_lists_nothing_twice(tmp_path: Path) -> None:
    files_of(tmp_path / "clips", "a.avi", "")
    try:
        (tmp_path / "clips" / "again").symlink_to(tmp_path / "clips", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert [one.path for one in find_sources([tmp_path]).sources] == [str(tmp_path / "clips" / "a.avi")]
