"""The demo without a window."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.jobs import demo


def check_results(out: Path) -> None:
    """All three files are there and agree with each other."""
    report = json.loads((out / "report.json").read_text())
    variants = report["variants"]
    assert next(iter(variants)) == report["protocol"]["baseline"] == demo.BASELINE
    assert len(variants) == 3
    with (out / "iou_video_scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frameID"] for row in rows] == [str(f) for f in range(report["protocol"]["frame_count"])]
    defined = [float(row["iou"]) for row in rows if row["iou"]]
    assert sum(defined) / len(defined) == pytest.approx(variants[demo.BASELINE]["avg_iou"], abs=1e-6)
    assert all(0.2 < one["ap"] < 1.0 for one in variants.values())
    assert (out / "iou_plot.png").read_bytes().startswith(b"\x89PNG")


def test_stored_predictions_stand_in_where_no_model_can_run_and_it_says_so(tmp_path: Path) -> None:
    report = demo.run_demo(tmp_path / "results", run_models=False)
    assert "Stored predictions were used" in report.text and "iouviewer[yolo]" in report.text
    check_results(tmp_path / "results")


@pytest.mark.slow
@pytest.mark.skipif(not demo.can_run_models(), reason="the extra yolo is not installed")
def test_the_command_runs_the_models_and_says_where_the_results_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--headless", "--out", str(tmp_path / "results")]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "The models ran here" in said.out
    assert str(tmp_path / "results") in said.out.splitlines()[-1]
    check_results(tmp_path / "results")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    words = ["demo", "--headless", "--out", str(tmp_path / "file" / "results")]
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1
