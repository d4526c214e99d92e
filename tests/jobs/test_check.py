"""``iouviewer check`` on clips of which everything is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from tests.video.awkward import BROKEN, MAKERS, encoder_exists, make_video


def findings(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["check", str(path), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.mp4", {"frames": 80, "fps": 25.0, "vfr": False, "exact": True, "rotation": 0, "key_frames": 4}),
        ("variable_rate.mkv", {"frames": 80, "vfr": True, "exact": True}),
        ("edit_list.mp4", {"frames": 68, "vfr": False}),
        ("turned_90.mp4", {"frames": 80, "rotation": 90, "size": [96, 160]}),
        ("one_frame.mp4", {"frames": 1, "vfr": False, "key_frames": 1}),
        ("stream.ts", {"frames": 80, "frames_announced": 0}),
    ],
)
def test_findings_of_whole_files(
    name: str, expected: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not encoder_exists(MAKERS[name].codec):
        pytest.skip(f"this build of PyAV has no encoder {MAKERS[name].codec}")
    found = findings(make_video(tmp_path / name, MAKERS[name]), capsys)
    assert {key: found[key] for key in expected} == expected
    assert found["damage"] == []


def test_a_cut_file_says_how_much_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_video(tmp_path / "cut.mp4", BROKEN["cut.mp4"])
    found = findings(path, capsys)
    assert 0 < found["frames"] < found["frames_announced"] == 80
    assert main(["check", str(path)]) == 0
    assert "announces 80 pictures" in capsys.readouterr().out


def test_damage_is_named_by_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_video(tmp_path / "damaged.mp4", BROKEN["damaged.mp4"])
    found = findings(path, capsys)
    assert found["damage"]
    assert all(set(one) == {"frame", "reason"} for one in found["damage"])
    assert main(["check", str(path)]) == 0
    assert "damage" in capsys.readouterr().out


def test_a_folder_of_pictures_is_a_source_without_a_time_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for frame in range(3):
        cv2.imwrite(str(tmp_path / f"{frame}.png"), np.zeros((48, 64, 3), np.uint8))
    found = findings(tmp_path, capsys)
    assert (found["frames"], found["fps"], found["exact"], found["size"]) == (3, 0.0, True, [64, 48])


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video_is_one_line_and_status_2(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and said.count("\n") == 1
