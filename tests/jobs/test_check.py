"""``iouviewer check`` on clips with known properties."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.jobs.check import check_text
from tests.video.clip_builder import DAMAGED_CLIPS, EDGE_CASES, has_encoder, make_video


def check_json(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["check", str(path), "--json"]) == 0
    findings: dict[str, Any] = json.loads(capsys.readouterr().out)
    return findings


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.mp4", {"frames": 80, "fps": 25.0, "vfr": False, "exact": True, "rotation": 0, "key_frames": 4}),
        ("variable_rate.mkv", {"frames": 80, "vfr": True, "exact": True}),
        ("edit_list.mp4", {"frames": 68, "vfr": False}),
        ("rotated_90.mp4", {"frames": 80, "rotation": 90, "size": [96, 160]}),
        ("one_frame.mp4", {"frames": 1, "vfr": False, "key_frames": 1}),
        ("stream.ts", {"frames": 80, "frames_announced": 0}),
    ],
)
def test_findings_of_intact_files(
    name: str, expected: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not has_encoder(EDGE_CASES[name].codec):
        pytest.skip(f"this build of PyAV has no encoder {EDGE_CASES[name].codec}")
    found = check_json(make_video(tmp_path / name, EDGE_CASES[name]), capsys)
    assert {key: found[key] for key in expected} == expected
    assert found["damage"] == []


def test_a_truncated_file_reports_its_remaining_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_video(tmp_path / "cut.mp4", DAMAGED_CLIPS["cut.mp4"])
    found = check_json(path, capsys)
    assert 0 < found["frames"] < found["frames_announced"] == 80
    assert main(["check", str(path)]) == 0
    assert "announces 80" in capsys.readouterr().out


def test_damage_is_reported_by_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_video(tmp_path / "damaged.mp4", DAMAGED_CLIPS["damaged.mp4"])
    found = check_json(path, capsys)
    assert found["damage"]
    assert all(set(one) == {"frame", "reason"} for one in found["damage"])
    assert main(["check", str(path)]) == 0
    assert "damage" in capsys.readouterr().out


def test_an_image_folder_has_no_time_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for frame in range(3):
        cv2.imwrite(str(tmp_path / f"{frame}.png"), np.zeros((48, 64, 3), np.uint8))
    found = check_json(tmp_path, capsys)
    assert (found["frames"], found["fps"], found["exact"], found["size"]) == (3, 0.0, True, [64, 48])


def check_output(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["check", str(path)]) == 0
    return capsys.readouterr().out


def test_the_text_of_an_intact_file_reports_exact_reads_and_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = check_output(make_video(tmp_path / "plain.mp4", EDGE_CASES["plain.mp4"]), capsys).splitlines()
    properties = {line[2:17].strip(): line[17:] for line in lines if line.startswith("  ")}
    assert properties["Frame numbers"] == "exact: 40 of 40 frames read by seeking match a decode of the whole file"
    assert properties["Rate"] == "25.000 FPS" and properties["Keyframes"] == "4, every 20 frames"
    assert (properties["Rotation"], properties["Pixels"], properties["Damage"]) == ("none", "square", "none found")
    assert lines[-1] == "Nothing to do." and max(map(len, lines[1:])) <= 100


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("interlaced.mp4", ("square, interlaced", "deinterlace")),
        ("wide_pixels.mp4", ("aspect ratio 1.3333", "not square")),
        ("rotated_90.mp4", ("90° clockwise",)),
        ("variable_rate.mkv", ("variable, ", "1 gap", "after frame 49")),
        ("equal_stamps.mkv", ("53 repeated timestamps", "and 16 more (--json lists all)")),
        ("cut.mkv", ("(the header announces 3.200 s)", "may have been cut")),
        ("cut.mp4", ("(the header announces 80)",)),
        ("edit_list_groups.mp4", ("35, 160 × 96 pixels (an edit list hides 45 more)", "none found")),
        ("hevc.mp4", ("none found (hevc decoders do not report all damage)",)),
    ],
)
def test_the_text_reports_peculiarities(
    name: str, parts: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maker = EDGE_CASES.get(name) or DAMAGED_CLIPS[name]
    output = check_output(make_video(tmp_path / name, maker), capsys)
    assert all(part in output for part in parts), output


def test_uncertain_reads_are_reported_with_their_frames() -> None:
    findings = {
        "path": "clip.mp4", "kind": "video", "size": [4, 2], "frames": 9, "codec": "h264", "pixel_format": "yuv420p",
        "container": "mov", "fps": 0.0, "vfr": False, "duration": None, "key_frames": 1, "gop": {}, "rotation": 0,
        "sample_aspect_ratio": 1.0, "exact": False, "sampled": 9, "wrong": [3, 5],
        "gaps": [], "damage": [], "remedy": [],
    }  # fmt: skip
    assert "NOT exact: 2 of 9 frames read by seeking are uncertain (frames 3, 5)" in check_text(findings)
    assert "not checked" in check_text(findings | {"exact": None})


def test_an_unreadable_image_of_a_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for frame in range(3):
        cv2.imwrite(str(tmp_path / f"{frame}.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "1.png").write_bytes(b"broken")
    output = check_output(tmp_path, capsys)
    assert "frame 1: this frame cannot be decoded" in output and "1 image cannot be read; copy it again." in output


@pytest.mark.parametrize("content", [b"", b"not a video"])
def test_a_file_that_is_not_a_video_is_one_line_and_status_2(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error and error.count("\n") == 1
