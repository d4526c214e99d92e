"""What the command line says about columns, absent values and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer.cli import main

SIZE = ("--size", "640x480", "--count", "3")


def evaluate(folder: Path, *arguments: str) -> int:
    gt, pred = folder / "gt.csv", folder / "p.csv"
    return main(["eval", "--gt", str(gt), "--pred", f"p={pred}", *SIZE, "--json", str(folder / "r.json"), *arguments])


def write(folder: Path, truth: list[str], predicted: list[str]) -> None:
    (folder / "gt.csv").write_text("\n".join(("frameID,x1,y1,x2,y2", *truth)) + "\n")
    (folder / "p.csv").write_text("\n".join(("frameID,x1,y1,x2,y2,score", *predicted)) + "\n")


def values(folder: Path) -> dict:
    return json.loads((folder / "r.json").read_text())


def test_predictions_without_area_count_and_are_told(tmp_path, capsys):
    write(tmp_path, ["0,10,10,60,90"], ["0,10,10,60,90,0.9", "1,5,5,5,50,0.8", "2,5,5,50,5,0.3"])
    assert evaluate(tmp_path) == 0
    assert "p: 2 predictions have no area" in capsys.readouterr().out
    assert (values(tmp_path)["variants"]["p"]["fp"], values(tmp_path)["variants"]["p"]["ap"]) == (2, 1.0)


def test_ground_truth_without_area_is_refused_with_its_line(tmp_path, capsys):
    write(tmp_path, ["0,10,10,60,90", "1,5,5,5,50"], ["0,10,10,60,90,0.9"])
    assert evaluate(tmp_path) == 2
    assert "gt.csv:3: x2 (5) must be greater than x1 (5)" in capsys.readouterr().err


def test_the_limit_of_detections_is_an_option_and_more_ground_truth_is_told(tmp_path, capsys):
    truth = [f"0,{x},10,{x + 8},40" for x in range(0, 600, 12)]
    write(tmp_path, truth, [f"{row},0.9" for row in truth])
    assert evaluate(tmp_path, "--max-dets", "10") == 0
    assert "1 frame has more than 10 boxes of one class" in capsys.readouterr().out
    assert values(tmp_path)["variants"]["p"]["ar100"] == pytest.approx(0.2)
    assert values(tmp_path)["protocol"]["max_detections"] == 10
    assert evaluate(tmp_path) == 0
    assert "boxes of one class" not in capsys.readouterr().out
    assert values(tmp_path)["variants"]["p"]["ar100"] == 1.0


def test_ranges_of_areas_are_an_option(tmp_path):
    write(tmp_path, ["0,10,10,30,30", "1,10,10,110,110"], ["0,10,10,30,30,0.9"])
    assert evaluate(tmp_path, "--area-ranges", "near=5000:,far=:500") == 0
    size = values(tmp_path)["variants"]["p"]["size"]
    assert {name: one["ap"] for name, one in size.items()} == {"near": 0.0, "far": 1.0}


@pytest.mark.parametrize("text", ["far", "far=1", "far=5:1", "far=0:1,far=1:2", "=0:1", "a=b:c"])
def test_ranges_of_areas_that_are_none_are_refused(tmp_path, text, capsys):
    write(tmp_path, ["0,10,10,30,30"], ["0,10,10,30,30,0.9"])
    assert evaluate(tmp_path, "--area-ranges", text) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_columns_are_questioned_unless_the_user_insists(tmp_path, capsys):
    write(tmp_path, ["0,0.1,0.2,0.5,0.6"], ["0,0.1,0.2,0.5,0.6,0.9"])
    assert evaluate(tmp_path) == 2
    error = capsys.readouterr().err
    assert "normalised" in error and "--trust-columns" in error and len(error.splitlines()) == 1
    assert evaluate(tmp_path, "--trust-columns") == 0
