"""Trains the sample's three detectors from scratch, on other streets than that of the clip.

``python tools/train_sample.py FOLDER`` renders images into FOLDER, trains there and writes the weights to
``resources/sample/weights``. Needs the extra ``yolo``; takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
from sample_scene.scene import CLASS_NAMES, Scene

FIRST_SEED = 1000
"""First seed of the training scenes; the clip has a smaller one."""
SECONDS = 20.0
WEIGHTS = Path(__file__).resolve().parents[1] / "resources" / "sample" / "weights"
IMAGE_SIZE = 416
WIDTHS = {"baseline": 0.125, "small": 0.094}


def render_images(folder: Path, scenes: range, count: int) -> None:
    """Write ``count`` images per scene with YOLO labels; scenes that are complete are skipped."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in scenes:
        last = folder / "images" / f"{number}_{count - 1}.jpg"
        if last.exists():
            continue
        scene = Scene(FIRST_SEED + number, seconds=SECONDS)
        width, height = scene.size
        times = np.sort(scene.rng.uniform(0, SECONDS, count))
        for k, time in enumerate(times):
            image, objects = scene.expose(float(time), samples=2)
            lines = []
            for labelled in objects:
                x1, y1, x2, y2 = labelled.box
                values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
                lines.append(f"{labelled.class_id} " + " ".join(f"{v:.6f}" for v in values))
            (folder / "labels" / f"{number}_{k}.txt").write_text("\n".join(lines) + "\n")
            cv2.imwrite(str(folder / "images" / f"{number}_{k}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 88])


def write_dataset_config(folder: Path) -> Path:
    """Write the dataset description for ultralytics."""
    path = folder / "data.yaml"
    names = "\n".join(f"  {k}: {name}" for k, name in enumerate(CLASS_NAMES))
    path.write_text(f"path: {folder}\ntrain: train/images\nval: val/images\nnames:\n{names}\n")
    return path


def write_network(folder: Path, name: str) -> Path:
    """Write the YOLO11 configuration with the width of ``name``."""
    import ultralytics
    import yaml

    text = (Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml").read_text()
    network = yaml.safe_load(text)
    network["nc"] = len(CLASS_NAMES)
    network["scales"] = {"n": [0.5, WIDTHS[name], 1024]}
    path = folder / f"yolo11n-{name}.yaml"
    path.write_text(yaml.safe_dump(network, sort_keys=False))
    return path


def train(folder: Path, data: Path, name: str, epochs: int, threads: int) -> Path:
    """Train one network; returns the path of the half-precision weights."""
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
    """Write only what prediction needs, without details of this machine.

    ``bits`` quantises the convolution weights of each channel to that many bits, as a quantised export does.
    """
    import torch

    checkpoint = torch.load(source, map_location="cpu", weights_only=False)
    model = checkpoint["model"]
    levels = 2 ** (bits - 1) - 1 if bits else 0
    for module in model.modules():
        if bits and isinstance(module, torch.nn.Conv2d):
            weight = module.weight.data.float()
            step = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12) / levels
            module.weight.data = (torch.round(weight / step) * step).to(module.weight.dtype)
    model.args = {"imgsz": IMAGE_SIZE, "task": "detect", "single_cls": False}
    model.yaml = {**model.yaml, "yaml_file": f"{target.stem}.yaml"}
    model.pt_path = target.name
    kept = {"model": model, "train_args": dict(model.args), "version": checkpoint["version"], "license": "AGPL-3.0"}
    torch.save({"epoch": -1, "best_fitness": None, "optimizer": None, "ema": None, **kept}, target)


def main() -> int:
    """Render images, train, store the weights."""
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
    render_images(folder / "train", range(arguments.scenes), 9)
    render_images(folder / "val", range(500, 508), 5)
    if arguments.draw_only:
        return 0
    # Set before ultralytics is imported: training must not use the network or the user's settings.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=str(folder / "settings"))
    (folder / "settings").mkdir(exist_ok=True)
    data = write_dataset_config(folder)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for name, epochs in (("baseline", arguments.epochs), ("small", arguments.small_epochs)):
        store(train(folder, data, name, epochs, arguments.threads), WEIGHTS / f"{name}.pt")
    store(WEIGHTS / "baseline.pt", WEIGHTS / "nearly.pt", bits=9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
