"""Markdown, JUnit and numbers of ``eval`` for pull requests, CI servers and experiment trackers."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from iouviewer.cli import main
from tests.ui.window import FRAMES, HEIGHT, WIDTH, square, write_boxes

SIZE = ["--size", f"{WIDTH}x{HEIGHT}", "--count", str(FRAMES)]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    gt = write_boxes(tmp_path / "gt.csv", {frame: [square(frame)] for frame in range(FRAMES)})
    names = {"base": 2.0, "same": 2.0, "worse": 30.0}
    preds = [part for name, off in names.items() for part in ("--pred", f"{name}={variant(tmp_path, name, off)}")]
    return ["eval", "--gt", str(gt), *preds, *SIZE]


def variant(folder: Path, name: str, off: float) -> Path:
    boxes = {frame: [(*square(frame, off), 0.9)] for frame in range(FRAMES)}
    return write_boxes(folder / f"{name}.csv", boxes, scores=True)


def test_the_three_files_say_what_the_json_says(files: list[str], tmp_path: Path) -> None:
    md, junit, numbers, report = (tmp_path / name for name in ("r.md", "r.xml", "m.json", "r.json"))
    outputs = ["--md", str(md), "--junit", str(junit), "--metrics", str(numbers), "--json", str(report)]
    assert main([*files, *outputs, "--fail-if", "worse.avg_iou < 0.9"]) == 3
    values = json.loads(report.read_text())["variants"]
    found = json.loads(numbers.read_text())
    assert set(found) == {"base", "same", "worse"}
    for name, flat in found.items():
        assert flat["avg_iou"] == values[name]["avg_iou"] and flat["tp"] == values[name]["tp"]
        assert all(isinstance(value, int | float) for value in flat.values())
    assert "delta_pq" not in found["base"] and found["worse"]["delta_pq"] == values["worse"]["delta"]["pq"]
    text = md.read_text()
    assert text.startswith("## Scores: ") and text.count("\n| ") == 5
    assert values["same"]["bootstrap"]["sentence"].split(":")[0] in text
    suite = ElementTree.fromstring(junit.read_text())
    names = [case.get("name") for case in suite]
    assert names == ["same", "worse", "worse.avg_iou < 0.9"]
    outcomes = {"PASS": None, "FAIL": "failure", "UNDECIDED": "skipped", "CANNOT_JUDGE": "error"}
    for case, name in zip(suite, ("same", "worse"), strict=False):
        kinds = [part.tag for part in case if part.tag != "system-out"]
        assert kinds == [kind for kind in [outcomes[values[name]["verdict"]]] if kind]
    assert [part.tag for part in suite[2]] == ["failure"]
    assert suite.get("tests") == "3"
    counts = {
        kind: sum(part.tag == kind for case in suite for part in case) for kind in ("failure", "skipped", "error")
    }
    assert [suite.get(key) for key in ("failures", "skipped", "errors")] == [str(one) for one in counts.values()]


def test_a_condition_that_does_not_hold_is_a_case_that_passes(files: list[str], tmp_path: Path) -> None:
    junit = tmp_path / "r.xml"
    assert main([*files, "--junit", str(junit), "--fail-if", "worse.avg_iou > 0.99"]) == 0
    assert list(ElementTree.fromstring(junit.read_text())[2]) == []
