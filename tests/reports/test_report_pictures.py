"""The report shows what the numbers mean: the table, intervals against the margin, worst frames, lost objects."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.report_pictures import lost_rows, worst_frames
from tests.ui.window import FRAMES, HEIGHT, WIDTH, square, write_boxes, write_video

LOST = (9, 10, 11)
"""Frames on which the variant does not find the square."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    boxes = {frame: [square(frame)] for frame in range(FRAMES)}
    found = {frame: [(*square(frame, 4), 0.9)] for frame in range(FRAMES)}
    worse = {frame: ([] if frame in LOST else [(*square(frame, 12), 0.8)]) for frame in range(FRAMES)}
    return {
        "video": write_video(folder / "clip.avi"),
        "gt": write_boxes(folder / "gt.csv", boxes),
        "base": write_boxes(folder / "base.csv", found, scores=True),
        "int8": write_boxes(folder / "int8.csv", worse, scores=True),
    }


def report(files: dict[str, Path], out: Path, *names: str, video: Path | None = None) -> str:
    preds = [part for name in names for part in ("--pred", f"{name}={files[name]}")]
    source = [str(video or files["video"])]
    assert main(["eval", *source, "--gt", str(files["gt"]), *preds, "--html", str(out)]) == 0
    return out.read_text(encoding="utf-8")


def pictures(html: str) -> dict[str, np.ndarray]:
    found = re.findall(r'<img alt="([^"]*)" src="data:image/jpeg;base64,([^"]*)">', html)
    return {
        caption: cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        for caption, data in found
    }


def test_worst_frames_and_lost_objects_are_shown_as_the_two_variants_see_them(
    files: dict[str, Path], tmp_path: Path
) -> None:
    html = report(files, tmp_path / "r.html", "base", "int8")
    assert "<h3>int8: Worst frames</h3>" in html and "<h3>int8: Lost objects: baseline and variant</h3>" in html
    shown = pictures(html)
    worst = [caption for caption in shown if caption.startswith("Frame")]
    assert worst[0] == "Frame 9: IoU 0.00, baseline 0.90" and len(worst) == 2
    picture = shown[worst[0]]
    assert picture.shape[1] == 2 * WIDTH and picture.shape[0] > HEIGHT
    lost = [picture for caption, picture in shown.items() if caption.startswith("object, frame")]
    assert len(lost) == len(LOST)
    # The baseline's half has its prediction around the square, the variant's half only the ground truth.
    left, right = np.split(lost[0].astype(int), 2, axis=1)
    assert np.abs(left - right).max() > 60


def test_the_report_has_the_table_the_intervals_and_how_the_variants_were_run(
    files: dict[str, Path], tmp_path: Path
) -> None:
    html = report(files, tmp_path / "r.html", "base", "int8")
    assert "Accuracy drop (AP)" in html
    assert html.count('role="img"') == 2 and "the allowed drop is 1" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert "<script" not in html


def test_one_variant_shows_its_lowest_frames_and_no_lost_objects(files: dict[str, Path], tmp_path: Path) -> None:
    shown = pictures(report(files, tmp_path / "r.html", "int8"))
    assert next(iter(shown)) == "Frame 9: IoU 0.00" and not any("object" in caption for caption in shown)


def test_without_the_video_the_report_says_why_there_are_no_pictures(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--size", f"{WIDTH}x{HEIGHT}", "--count", str(FRAMES), "--html", str(tmp_path / "r.html")]
    assert main(["eval", "--gt", str(files["gt"]), "--pred", f"base={files['base']}", *options]) == 0
    html = (tmp_path / "r.html").read_text()
    assert "The video is not there, so there are no pictures." in html and "<img" not in html


def test_worst_frames_are_apart_and_lost_boxes_are_those_only_the_baseline_finds(files: dict[str, Path]) -> None:
    request = EvalRequest(files["video"], files["gt"], preds=(("base", files["base"]), ("int8", files["int8"])))
    result = evaluate(request)
    base, int8 = result.scores
    frames = worst_frames(int8, base)
    assert frames[0] == LOST[0] and abs(int(frames[1]) - LOST[0]) >= 10
    assert worst_frames(base, base).tolist() == []
    rows = lost_rows(int8, base, result.truth.tracks)
    assert sorted(result.truth.table.frame_of_row()[rows].tolist()) == list(LOST)
    assert lost_rows(base, base, result.truth.tracks) == []
