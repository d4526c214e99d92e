"""The demo without a window."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.jobs import demo


def check_results(out: Path) -> None:
    """All three files exist and agree with each other."""
    report = json.loads((out / "report.json").read_text())
    variants = report["variants"]
    assert report["protocol"]["baseline"] == demo.BASELINE
    assert {demo.BASELINE, "nearly", "small"} <= set(variants)
    with (out / "iou_video_scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frameID"] for row in rows] == [str(f) for f in range(report["protocol"]["frame_count"])]
    defined = [float(row["iou"]) for row in rows if row["iou"]]
    assert sum(defined) / len(defined) == pytest.approx(variants[demo.BASELINE]["avg_iou"], abs=1e-6)
    assert all(0.2 < one["ap"] < 1.0 for one in variants.values())
    assert (out / "iou_plot.png").read_bytes().startswith(b"\x89PNG")


def test_stored_predictions_are_used_and_reported_if_no_model_can_run(tmp_path: Path) -> None:
    report = demo.run_demo(tmp_path / "results", run_models=False)
    assert "Stored predictions were used" in report.text and "iouviewer[yolo]" in report.text
    check_results(tmp_path / "results")
    # They are unpacked once; the second call reuses the files.
    first = demo.sample_predictions()
    changed = {path: path.stat().st_mtime_ns for _, path in first}
    assert demo.sample_predictions() == first
    assert {path: path.stat().st_mtime_ns for _, path in first} == changed
    assert first[0][0] == demo.BASELINE


@pytest.mark.slow
@pytest.mark.skipif(not demo.can_run_models(), reason="the extra yolo is not installed")
def test_real_models_run_on_the_sample(tmp_path: Path) -> None:
    report = demo.run_demo(tmp_path, run_models=True, frames="0:500:50")
    assert "The models ran on this computer" in report.text
    variants = json.loads((tmp_path / "report.json").read_text())["variants"]
    assert set(variants) == {"baseline", "nearly", "small"}
    assert all(one["frames"] == 10 and one["complete"] and one["ap50"] > 0.5 for one in variants.values())
    demo.run_demo(tmp_path, run_models=False, frames="0:500:50")
    stored = json.loads((tmp_path / "report.json").read_text())["variants"]
    for name, one in variants.items():
        assert one["ap"] == pytest.approx(stored[name]["ap"], abs=0.02), name


def test_the_command_prints_the_folder_of_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "can_run_models", lambda: False)
    assert main(["demo", "--headless", "--out", str(tmp_path / "results")]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    last = output.out.splitlines()[-1]
    assert str(tmp_path / "results") in last and all(name in last for name in demo.FILES)
    check_results(tmp_path / "results")


def test_a_folder_that_cannot_be_created_is_a_one_line_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    arguments = ["demo", "--headless", "--out", str(tmp_path / "file" / "results")]
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
