"""``iouviewer check`` on clips of which everything is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.jobs.check import check_text
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


def said_of(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["check", str(path)]) == 0
    return capsys.readouterr().out


def test_the_text_of_a_whole_file_says_that_reads_were_verified_and_nothing_is_to_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said_of(make_video(tmp_path / "plain.mp4", MAKERS["plain.mp4"]), capsys).splitlines()
    facts = {line[2:17].strip(): line[17:] for line in lines if line.startswith("  ")}
    assert facts["Frame numbers"] == "exact: 40 of 40 pictures read by seeking equal a decode of the whole file"
    assert facts["Rate"] == "25.000 frames a second" and facts["Key frames"] == "4, every 20 pictures"
    assert (facts["Rotation"], facts["Pixels"], facts["Damage"]) == ("none", "square", "none found")
    assert lines[-1] == "Nothing needs to be done." and max(map(len, lines[1:])) <= 100


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("interlaced.mp4", ("square, interlaced", "deinterlace")),
        ("wide_pixels.mp4", ("1.3333 as wide as high", "not square")),
        ("turned_90.mp4", ("90 degrees clockwise",)),
        ("variable_rate.mkv", ("variable, ", "1 gap", "after frame 49")),
        ("equal_stamps.mkv", ("53 time stamps repeated", "and 16 more (--json lists all)")),
        ("cut.mkv", ("(the header announces 3.200 s)", "may have been cut")),
        ("cut.mp4", ("(the header announces 80)",)),
        ("edit_list_groups.mp4", ("35, 160 x 96 pixels (45 more are hidden by an edit list)", "none found")),
        ("hevc.mp4", ("none found (decoders of hevc pass over some damage in silence)",)),
    ],
)
def test_the_text_tells_what_is_peculiar(
    name: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maker = MAKERS.get(name) or BROKEN[name]
    said = said_of(make_video(tmp_path / name, maker), capsys)
    assert all(word in said for word in words), said


def test_reads_in_doubt_are_told_with_their_frames() -> None:
    findings = {
        "path": "clip.mp4", "kind": "video", "size": [4, 2], "frames": 9, "codec": "h264", "pixel_format": "yuv420p",
        "container": "mov", "fps": 0.0, "vfr": False, "duration": None, "key_frames": 1, "gop": {}, "rotation": 0,
        "sample_aspect_ratio": 1.0, "exact": False, "sampled": 9, "wrong": [3, 5],
        "gaps": [], "damage": [], "remedy": [],
    }  # fmt: skip
    assert "NOT exact: 2 of 9 pictures read by seeking are in doubt (frames 3, 5)" in check_text(findings)
    assert "not verified" in check_text(findings | {"exact": None})


def test_an_unreadable_picture_of_a_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for frame in range(3):
        cv2.imwrite(str(tmp_path / f"{frame}.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "1.png").write_bytes(b"broken")
    said = said_of(tmp_path, capsys)
    assert "frame 1: this picture cannot be decoded" in said and "1 picture cannot be read; copy it again." in said


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video_is_one_line_and_status_2(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and said.count("\n") == 1
