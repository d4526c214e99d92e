"""Speed measured in alternating rounds, with workers that report times of their own choice."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.inference import loaded_model
from iouviewer.jobs import bench as bench_job
from iouviewer.jobs.bench import BenchRequest, bench, bench_rows, bench_values
from iouviewer.jobs.requests import RunOptions
from iouviewer.jobs.speeds import Ratio, ratio_of
from tests.inference.helpers import python_worker
from tests.ui.window import write_video

# Takes its milliseconds a frame from the name of the weights, and grows slower with every round, as a hot machine does.
WORKER = """
import os, sys
import numpy as np
from iouviewer.inference import protocol as p

out, inp = sys.stdout.buffer, sys.stdin.buffer
p.write_message(out, p.Hello())
load = p.read_message(inp)
kind, milliseconds = os.path.basename(load.weights).removesuffix(".pt").split("-")
if kind == "broken":
    p.write_message(out, p.Failed(kind=p.FailureKind.DAMAGED, message="the file is cut off"))
    sys.exit(0)
p.write_message(out, p.ModelLoaded(
    names=["car"], imgsz=(64, 64), floor=0.001, nms="run", nms_iou=0.7, max_det=300, rectangular=True,
    device="cuda:0" if kind == "gpu" else "cpu", task="detect", runtime="fake", precision="fp32", sha256="0" * 64,
    trusted=False, versions={}, hardware="none", threads=1, parameters=2_500_000, gflops=3.1,
))
rounds = 0
while (command := p.read_message(inp)) is not None:
    print(load.weights, list(command.frames), file=open(os.environ["BENCH_LOG"], "a"))
    found = []
    for frame in command.frames:
        time = float(milliseconds) * (1 + 0.1 * rounds) + (2.0 if kind == "jumpy" and rounds % 2 else 0.0)
        found.append(p.Detections(
            frame, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32),
            np.array([0.25 * time, 0.5 * time, 0.25 * time], np.float32), True, "", 3.0,
        ))
    p.write_message(out, p.pack(found))
    p.write_message(out, p.Finished(done=len(found), seconds=0.1))
    rounds += 1
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log.txt"
    monkeypatch.setenv("BENCH_LOG", str(path))
    monkeypatch.setattr(loaded_model, "worker_command", lambda: python_worker(WORKER))
    monkeypatch.setattr(bench_job, "_calibrate", lambda: 2.0)
    return path


def request(folder: Path, *names: str, rounds: int = 4) -> BenchRequest:
    """A request for models named after their files."""
    video = folder / "clip.mp4"
    if not video.exists():
        write_video(video)
    models = []
    for name in names:
        (folder / f"{name}.pt").write_bytes(b"weights")
        models.append((name, folder / f"{name}.pt"))
    return BenchRequest(video, tuple(models), RunOptions(), names[0], rounds, 5, 3)


def test_rounds_alternate_and_the_ratio_is_free_of_what_slows_all_down(tmp_path: Path, log: Path) -> None:
    result = bench(request(tmp_path, "cpu-40", "cpu-20"))
    asked = [line.split(" ", 1) for line in log.read_text().splitlines()]
    order = [Path(path).stem.split("-")[1] for path, _frames in asked]
    assert order == ["40", "20", "40", "20", "20", "40", "40", "20", "20", "40"]  # warm-up, then there and back
    frames = [json.loads(frames) for _path, frames in asked]
    assert frames[0] == frames[1] == [0, 1, 2]
    assert frames[2] == frames[3] == [0, 1, 2, 3, 4] and frames[8] == frames[9] == [19, 20, 21, 22, 23]
    base, fast = result.speeds
    assert base.ratio is None
    assert fast.ratio is not None and fast.ratio.value == pytest.approx(2.0)
    assert fast.ratio.is_distinguishable
    # Rounds 1 to 4 after the warm-up: 44, 48, 52, 56 ms.
    assert base.fps == pytest.approx(1000.0 / 50.0)
    assert base.fps_with_decoding == pytest.approx(1000.0 / 53.0)
    assert base.percentiles()[0] == pytest.approx(50.0)
    assert np.median(base.times, axis=(0, 1)).tolist() == pytest.approx([3.0, 12.5, 25.0, 12.5])


def test_the_same_weights_twice_are_not_distinguishable(tmp_path: Path, log: Path) -> None:
    result = bench(request(tmp_path, "cpu-40", "jumpy-40", rounds=6))
    header, rows = bench_rows(result)
    assert rows[0][0] == "cpu-40 *" and rows[0][header.index("Speed")] == "–"
    assert rows[1][header.index("Speed")].endswith("not distinguishable")
    assert rows[1][header.index("Parameters M")] == "2.50" and rows[1][header.index("GFLOPs")] == "3.1"


def test_speeds_of_two_devices_are_not_compared(tmp_path: Path, log: Path) -> None:
    result = bench(request(tmp_path, "cpu-40", "gpu-4"))
    assert result.speeds[1].ratio is None
    assert result.speeds[1].reason == "measured on cuda:0, the baseline on cpu"
    assert bench_rows(result)[1][1][6] == "–"
    assert bench_values(result)["models"][1]["not_comparable"] == "measured on cuda:0, the baseline on cpu"


def test_a_loaded_machine_is_told(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    took = iter([2.0, 2.1, 3.0, 2.0])
    monkeypatch.setattr(bench_job, "_calibrate", lambda: next(took))
    result = bench(request(tmp_path, "cpu-40", "cpu-20"))
    assert "2.0 to 3.0 ms" in result.warnings[0]


def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path, log: Path) -> None:
    with pytest.raises(UserError, match="the file is cut off"):
        bench(request(tmp_path, "cpu-40", "broken-1"))
    with pytest.raises(UserError, match="no model 'x'"):
        bench(BenchRequest(tmp_path / "clip.mp4", (), RunOptions(), "x"))


def test_the_interval_is_the_t_interval_of_the_logarithm() -> None:
    random = np.random.default_rng(0)
    baseline = random.uniform(40.0, 80.0, 8)
    times = baseline / 1.3 * np.exp(random.normal(0.0, 0.05, 8))
    logs = np.log(baseline / times)
    low, high = stats.t.interval(0.95, 7, logs.mean(), stats.sem(logs))
    found = ratio_of(times, baseline)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert not Ratio(1.1, 0.99, 1.2).is_distinguishable and Ratio(1.1, 1.01, 1.2).is_distinguishable


def test_the_command_prints_the_table_and_writes_json(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(tmp_path, "cpu-40", "cpu-20")
    out = tmp_path / "speed.json"
    models = [part for name, path in asked.models for part in ("--model", f"{name}={path}")]
    arguments = ["bench", str(asked.video), *models, "--rounds", "4", "--round-frames", "5", "--json", str(out)]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "cpu-40 *" in text and "2.00× [2.00, 2.00]" in text
    values = json.loads(out.read_text())
    assert values["schema"] == "iouviewer.speed/1" and values["rounds"] == 4
    assert values["models"][1]["ratio"]["value"] == pytest.approx(2.0)
    assert values["models"][0]["parts_ms"]["decode"] == pytest.approx(3.0)
    assert main([*arguments, "--rounds", "2"]) == 2
    assert "at least 4 rounds" in capsys.readouterr().err
