"""Trains the sample's three detectors from scratch on other streets than the one in the clip.

``python tools/train_sample.py FOLDER`` draws the pictures into FOLDER, trains there and puts the weights into
``resources/sample/weights``. Needs the extra ``yolo``; takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
from sample_scene.film import NAMES, Scene

FIRST_SEED = 1000
"""Training scenes count from here; the clip has a smaller seed."""
SECONDS = 20.0
WEIGHTS = Path(__file__).resolve().parents[1] / "resources" / "sample" / "weights"
IMAGE_SIZE = 416
WIDTHS = {"baseline": 0.125, "small": 0.094}


def draw_pictures(folder: Path, scenes: range, pictures: int) -> None:
    """Write ``pictures`` pictures a scene with YOLO labels; what is there already stays."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in scenes:
        last = folder / "images" / f"{number}_{pictures - 1}.jpg"
        if last.exists():
            continue
        scene = Scene(FIRST_SEED + number, seconds=SECONDS)
        width, height = scene.size
        times = np.sort(scene.rng.uniform(0, SECONDS, pictures))
        for k, time in enumerate(times):
            picture, seen = scene.expose(float(time), samples=2)
            lines = []
            for thing in seen:
                x1, y1, x2, y2 = thing.box
                values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
                lines.append(f"{thing.kind} " + " ".join(f"{v:.6f}" for v in values))
            (folder / "labels" / f"{number}_{k}.txt").write_text("\n".join(lines) + "\n")
            cv2.imwrite(str(folder / "images" / f"{number}_{k}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


def write_data(folder: Path) -> Path:
    """The data set's description for ultralytics."""
    path = folder / "data.yaml"
    names = "\n".join(f"  {k}: {name}" for k, name in enumerate(NAMES))
    path.write_text(f"path: {folder}\ntrain: train/images\nval: val/images\nnames:\n{names}\n")
    return path


def write_network(folder: Path, name: str) -> Path:
    """YOLO11 with the width of ``name``."""
    import ultralytics
    import yaml

    text = (Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml").read_text()
    network = yaml.safe_load(text)
    network["nc"] = len(NAMES)
    network["scales"] = {"n": [0.5, WIDTHS[name], 1024]}
    path = folder / f"yolo11n-{name}.yaml"
    path.write_text(yaml.safe_dump(network, sort_keys=False))
    return path


def train(folder: Path, data: Path, name: str, epochs: int, threads: int) -> Path:
    """Train one network; returns the stripped half-precision weights."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(threads)
    model = YOLO(str(write_network(folder, name)), task="detect")
    model.train(
        data=str(data), epochs=epochs, imgsz=IMAGE_SIZE, batch=8, workers=0, device="cpu", project=str(folder / "runs"),
        name=name, exist_ok=True, seed=0, deterministic=True, rect=True, cache="ram", plots=False, val=False, amp=False,
        optimizer="AdamW", lr0=0.002, lrf=0.02, cos_lr=True, warmup_epochs=1, close_mosaic=0, mosaic=0.0, fliplr=0.5,
        scale=0.25, translate=0.08, hsv_h=0.01, hsv_s=0.4, hsv_v=0.3, nbs=8, weight_decay=0.0005, verbose=False,
    )  # fmt: skip
    return folder / "runs" / name / "weights" / "last.pt"


def store(source: Path, target: Path, bits: int | None = None) -> None:
    """Write what is needed to predict and nothing of this machine.

    With ``bits`` each channel's convolution weights take only that many bits, as in a quantised export.
    """
    import torch

    found = torch.load(source, map_location="cpu", weights_only=False)
    model = found["model"]
    levels = 2 ** (bits - 1) - 1 if bits else 0
    for module in model.modules():
        if bits and isinstance(module, torch.nn.Conv2d):
            weight = module.weight.data.float()
            step = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12) / levels
            module.weight.data = (torch.round(weight / step) * step).to(module.weight.dtype)
    model.args = {"imgsz": IMAGE_SIZE, "task": "detect", "single_cls": False}
    model.yaml = {**model.yaml, "yaml_file": f"{target.stem}.yaml"}
    model.pt_path = target.name
    kept = {"model": model, "train_args": dict(model.args), "version": found["version"], "license": "AGPL-3.0"}
    torch.save({"epoch": -1, "best_fitness": None, "optimizer": None, "ema": None, **kept}, target)


def main() -> int:
    """Draw, train, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=75)
    parser.add_argument("--epochs", type=int, default=22)
    parser.add_argument("--small-epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw-only", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    cv2.setNumThreads(1)
    draw_pictures(folder / "train", range(arguments.scenes), 9)
    draw_pictures(folder / "val", range(500, 508), 5)
    if arguments.draw_only:
        return 0
    # Set before ultralytics is imported: training must not look anything up or touch the user's own settings.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=str(folder / "settings"))
    (folder / "settings").mkdir(exist_ok=True)
    data = write_data(folder)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for name, epochs in (("baseline", arguments.epochs), ("small", arguments.small_epochs)):
        store(train(folder, data, name, epochs, arguments.threads), WEIGHTS / f"{name}.pt")
    store(WEIGHTS / "baseline.pt", WEIGHTS / "nearly.pt", bits=9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
