"""``eval data.yaml --model`` beside ``yolo val`` of ultralytics itself, on frames of pets09."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from tests.inference.helpers import needs_yolo

FRAMES = np.linspace(0, 790, 20).astype(int)
SCRIPT = """
import json, sys
from ultralytics import YOLO
found = YOLO(sys.argv[1]).val(
    data=sys.argv[2], device="cpu", workers=0, plots=False, verbose=False, project=sys.argv[3], exist_ok=True
)
print(json.dumps([*map(float, found.box.mean_results()), int(found.nt_per_class.sum())]))
"""


def write_data_set(folder: Path, pets: Path, *, mixed: bool) -> Path:
    """Frames of pets09 with YOLO labels.

    Args:
        mixed: in three sizes and shapes, with labels that yolo val treats in its own way.
    """
    rows = np.loadtxt(pets / "gt.txt", delimiter=",")
    video = cv2.VideoCapture(str(pets / "vtest.avi"))
    images, labels = folder / "images" / "val", folder / "labels" / "val"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    frame = -1
    while True:
        ok, image = video.read()
        frame += 1
        if not ok:
            break
        if frame not in FRAMES:
            continue
        number = FRAMES.tolist().index(frame)
        height, width = image.shape[:2]
        left, right = ((0, width), (150, 550), (90, 90 + height))[number % 3 if mixed else 0]
        cv2.imwrite(str(images / f"f{number}.png"), image[:, left:right])
        width = right - left
        boxes = rows[(rows[:, 0] == frame + 1) & (rows[:, 6] != 0), 2:6]
        centres = (boxes[:, :2] + boxes[:, 2:] / 2 - [left, 0]) / [width, height]
        inside = ((centres > 0) & (centres < 1)).all(axis=1)
        lines = [
            f"0 {x:.9f} {y:.9f} {w / width:.9f} {h / height:.9f}\n"
            for (x, y), (w, h) in zip(centres[inside], boxes[inside, 2:], strict=True)
        ]
        if mixed and number in {2, 7}:
            lines.append(lines[0])
        if mixed and number in {4, 9}:
            lines.append("0 -0.03 0.5 0.1 0.1\n")
        if not (mixed and number == 11):
            (labels / f"f{number}.txt").write_text("".join(lines))
    video.release()
    path = folder / "data.yaml"
    path.write_text(f"path: {folder}\ntrain: images/val\nval: images/val\nnames:\n  0: person\n")
    return path


def yolo_val(weights: Path, data: Path, folder: Path) -> list[float]:
    """What yolo val prints: P, R, mAP50, mAP50-95, and the number of boxes."""
    settings = folder / "settings"
    settings.mkdir()
    environment = {
        **os.environ,
        "ULTRALYTICS_SAFE_LOAD": "1",
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(settings),
    }
    command = [sys.executable, "-c", SCRIPT, str(weights), str(data), str(folder / "runs")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    printed: list[float] = json.loads(done.stdout.splitlines()[-1])
    return printed


@needs_yolo
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mixed", [False, True])
def test_eval_prints_what_yolo_val_prints(
    shared_data: Path, tmp_path: Path, mixed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data_set(tmp_path / "set", shared_data / "pets09", mixed=mixed)
    weights = shared_data / "models" / ("student-pets.pt" if mixed else "yolo11n-pets.pt")
    out = tmp_path / "out.json"
    assert main(["eval", str(data), "--split", "val", "--model", f"m={weights}", "--json", str(out)]) == 0
    metrics: dict[str, Any] = json.loads(out.read_text())["variants"]["m"]
    own = metrics["ultralytics"]
    *printed, boxes = yolo_val(weights, data, tmp_path)
    ours = [own[name] for name in ("precision", "recall", "map50", "map50_95")]
    assert ours == pytest.approx(printed, abs=0.001)
    assert own["boxes"] == boxes
    assert own["images"] == (18 if mixed else 20)
    # The steps lead from there to COCO's AP of the same boxes as predict finds them.
    changes = [step["change"] for step in own["steps"]]
    assert own["map50_95"] + sum(changes) == pytest.approx(metrics["ap"])
    cut, padded = changes[2], changes[3]
    assert cut != 0 and padded != 0
    text = capsys.readouterr().out
    assert f"{printed[3]:.3f}" in text and f"{metrics['ap']:.3f}" in text
