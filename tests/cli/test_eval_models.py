"""``eval --model``: keeps predictions, reads them again, and prints the table of which variant ships."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.inference import loaded_model, runner
from tests.hands.cases import write_case
from tests.inference.helpers import python_worker

FRAMES = 24

# Finds a person on each frame; the model "small" finds it too low, and is twice as fast. Logs what it was asked for.
WORKER = """
import hashlib, os, pathlib, sys
import numpy as np
from iouviewer.inference import protocol as p

out, inp = sys.stdout.buffer, sys.stdin.buffer
p.write_message(out, p.Hello())
load = p.read_message(inp)
weights = pathlib.Path(load.weights)
small = weights.read_bytes().startswith(b"small")
p.write_message(out, p.ModelLoaded(
    names=["car", "person"], imgsz=(64, 64), floor=load.floor, nms="run", nms_iou=load.nms_iou, max_det=load.max_det,
    rectangular=True, device="cpu", task="detect", runtime="fake", precision="fp32",
    sha256=hashlib.sha256(weights.read_bytes()).hexdigest(), trusted=False, versions={}, hardware="none", threads=1,
))
while (command := p.read_message(inp)) is not None:
    with open(os.environ["RUN_LOG"], "a") as log:
        print(weights.stem, len(command.frames), file=log)
    found = []
    for frame in command.frames:
        low = (15.0 + frame % 3) if small else 4.0 + frame % 2
        found.append(p.Detections(
            frame, np.array([[240, 40 + low, 280, 100 + low]], np.float32), np.array([0.9 - 0.01 * frame], np.float32),
            np.array([1], np.int32), np.array([1, 8 if small else 18, 1], np.float32), True, "", 2.0,
        ))
    p.write_message(out, p.pack(found))
    p.write_message(out, p.Finished(done=len(found), seconds=0.1))
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log.txt"
    monkeypatch.setenv("RUN_LOG", str(path))
    for module in (runner, loaded_model):
        monkeypatch.setattr(module, "worker_command", lambda: python_worker(WORKER))
    return path


@pytest.fixture
def arguments(tmp_path: Path, log: Path) -> list[str]:
    case = write_case(tmp_path / "case")
    found = ["eval", str(case.video), "--gt", str(case.gt), "--only-classes", "person"]
    for name in ("base", "small"):
        (tmp_path / f"{name}.pt").write_bytes(name.encode())
        found += ["--model", f"{name}={tmp_path / name}.pt"]
    return [*found, "--out", str(tmp_path / "runs")]


def asked(log: Path) -> list[str]:
    return log.read_text().splitlines()


def test_predictions_are_kept_and_not_run_again(
    arguments: list[str], log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert asked(log) == [f"base {FRAMES}", f"small {FRAMES}"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "base.json",
        "base.txt",
        "small.json",
        "small.txt",
    ]
    assert main([*arguments, "--frames", "2:20"]) == 0  # the kept runs cover these frames
    assert main(arguments) == 0
    assert asked(log) == [f"base {FRAMES}", f"small {FRAMES}"]
    assert capsys.readouterr().out.endswith(first)


def test_other_weights_or_settings_are_run_again(arguments: list[str], log: Path, tmp_path: Path) -> None:
    assert main(arguments) == 0
    (tmp_path / "small.pt").write_bytes(b"small, trained longer")
    assert main(arguments) == 0
    assert asked(log)[2:] == [f"small {FRAMES}"]
    assert main([*arguments, "--nms-iou", "0.5"]) == 0
    assert asked(log)[3:] == [f"base {FRAMES}", f"small {FRAMES}"]


def test_a_file_of_another_origin_is_not_replaced(
    arguments: list[str], log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "small.json").write_text("[]")
    assert main(arguments) == 2
    assert "iouviewer did not write it" in capsys.readouterr().err
    assert (tmp_path / "runs" / "small.json").read_text() == "[]"
    assert main([*arguments, "--force"]) == 0


def test_the_table_has_scores_with_intervals_speed_drops_and_verdicts(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {ending: tmp_path / f"table.{ending}" for ending in ("csv", "md", "tex", "html", "txt")}
    report = tmp_path / "report.json"
    assert main([*arguments, "--table", str(files["csv"]), "--json", str(report)]) == 0
    capsys.readouterr()
    with files["csv"].open(encoding="utf-8-sig", newline="") as file:
        base, small = csv.DictReader(file)
    values = json.loads(report.read_text())["variants"]
    assert base["Model"] == "base *" and base["Verdict"] == "–" and base["Accuracy drop (AP)"] == "–"
    assert small["Verdict"] == values["small"]["verdict"] == "FAIL"
    lost = values["base"]["ap"] - values["small"]["ap"]
    assert float(small["Accuracy drop (AP)"].split(" ")[0]) == pytest.approx(100.0 * lost, abs=0.051)
    assert small["FPS"] == f"{values['small']['fps']:.1f}" == "100.0" and base["FPS"] == "50.0"
    low, high = values["small"]["intervals"]["avg_iou"]
    assert low < values["small"]["avg_iou"] < high
    assert small["Avg IoU"] == f"{values['small']['avg_iou']:.3f} [{low:.3f}, {high:.3f}]"
    for ending in ("md", "tex", "html", "txt"):
        assert main([*arguments, "--table", str(files[ending])]) == 0
        capsys.readouterr()
    markdown = files["md"].read_text().splitlines()
    assert markdown[0].startswith("| Model | Avg IoU | AP | PQ | FPS |") and markdown[2].startswith("| base \\* |")
    latex = files["tex"].read_text()
    assert latex.startswith("\\begin{tabular}{lrrrrrrr}") and "−" not in latex
    assert files["html"].read_text().count("<tr>") == 3
    assert main([*arguments, "--table", str(tmp_path / "table.doc")]) == 2


def test_bench_puts_the_measured_ratio_into_the_table(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert main([*arguments, "--bench", "--json", str(report)]) == 0
    assert "100.0 [100.0, 100.0] (2.00× [2.00, 2.00])" in capsys.readouterr().out
    speed = json.loads(report.read_text())["variants"]["small"]["speed"]
    assert speed["ratio"]["value"] == pytest.approx(2.0) and speed["p50_ms"] == pytest.approx(10.0)


def test_options_for_models_need_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path / "case")
    for option in (["--bench"], ["--out", str(tmp_path)]):
        assert main(["eval", str(case.video), "--gt", str(case.gt), "--pred", f"a={case.base}", *option]) == 2
        assert "need --model" in capsys.readouterr().err
