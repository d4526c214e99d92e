"""AP from the same arrays, compared with other implementations; and the time of single edits.

    python -m benchmarks scores [--frames 10000] [--rounds 3] [--json FILE]
    python -m benchmarks scores --incremental [--frames 100000] [--predictions 12] [--edits 1000]

Every contender runs in a new process, by turns, ``--rounds`` times; the table shows medians. A process loads the
arrays, warms up on a hundred frames, and is then timed from the arrays to AP, AP50, AP75 and AR100 (area = all, 100
detections). Peak memory is that of the process minus the memory before the run (arrays and libraries).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Stats = tuple[float, float, float, float]
WIDTH, HEIGHT = 1920, 1080


def scene(frames: int, truths: int, predictions: int, seed: int = 0) -> Arrays:
    """Boxes of one class: the first predictions of a frame are its ground truth with noise, the others are random."""
    random = np.random.default_rng(seed)

    def random_boxes(count: int) -> NDArray[np.float64]:
        corner = random.uniform(0, 1, (2, frames, count)) * np.array([WIDTH - 120, HEIGHT - 160])[:, None, None]
        return np.concatenate((corner, corner + random.uniform(20, 120, (2, frames, count))))

    gt = random_boxes(truths)
    matched = min(truths, predictions)
    size = np.concatenate((gt[2:] - gt[:2], gt[2:] - gt[:2]))[:, :, :matched]
    pred = random_boxes(predictions)
    pred[:, :, :matched] = gt[:, :, :matched] + random.normal(0, 0.06, size.shape) * size
    scores = random.beta(2, 4, (frames, predictions))
    scores[:, :matched] = random.beta(5, 2, (frames, matched))
    return {
        "frames": np.array(frames),
        "gt_frames": np.repeat(np.arange(frames), truths),
        "gt": gt.reshape(4, -1),
        "pred_frames": np.repeat(np.arange(frames), predictions),
        "pred": pred.reshape(4, -1),
        "scores": scores.ravel(),
    }


def _xywh(boxes: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(boxes, np.float64)
    return np.stack((values[0], values[1], values[2] - values[0], values[3] - values[1]), axis=1)


def _rows(arrays: Arrays) -> NDArray[np.float64]:
    """(N, 7) image, x, y, w, h, score, category, as the ``loadRes`` of all peers accepts."""
    frame = np.asarray(arrays["pred_frames"], np.float64) + 1
    return np.column_stack((frame, _xywh(arrays["pred"]), arrays["scores"], np.ones(len(frame))))


def _evaluate(evaluation: Any) -> tuple[Stats, float]:
    """Run an implementation of COCOeval; returns its metrics and the seconds of evaluate and accumulate."""
    params = evaluation.params
    params.areaRng, params.areaRngLbl, params.maxDets = [[0, 1e10]], ["all"], [100]
    evaluation.params = params
    started = time.perf_counter()
    evaluation.evaluate()
    evaluation.accumulate()
    seconds = time.perf_counter() - started
    results = evaluation.eval
    precision = np.asarray(results["precision"]).reshape(10, 101)
    recall = np.asarray(results["recall"]).reshape(10)
    ap = precision.mean(axis=1)
    return (float(ap.mean()), float(ap[0]), float(ap[5]), float(recall.mean())), seconds


def _run_dicts(coco_class: Any, eval_class: Any, arrays: Arrays) -> tuple[Stats, float]:
    """The interface of pycocotools: ground truth as dicts, predictions as an array."""
    boxes = _xywh(arrays["gt"])
    area = (boxes[:, 2] * boxes[:, 3]).tolist()
    rows = zip(boxes.tolist(), np.asarray(arrays["gt_frames"]).tolist(), area, strict=True)
    truth = coco_class()
    truth.dataset = {
        "info": {},
        "images": [{"id": frame + 1} for frame in range(int(arrays["frames"]))],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": [
            {"id": i, "image_id": frame + 1, "category_id": 1, "bbox": box, "area": size, "iscrowd": 0}
            for i, (box, frame, size) in enumerate(rows, 1)
        ],
    }
    truth.createIndex()
    return _evaluate(eval_class(truth, truth.loadRes(_rows(arrays)), "bbox"))


def run_iouviewer(arrays: Arrays) -> tuple[Stats, float]:
    """iouviewer."""
    from iouviewer.metrics.coco import evaluate_coco
    from iouviewer.metrics.table import BoxTable

    frames = int(arrays["frames"])
    gt = BoxTable.from_rows(arrays["gt_frames"], arrays["gt"], frame_count=frames)
    pred = BoxTable.from_rows(
        arrays["pred_frames"],
        arrays["pred"],
        frame_count=frames,
        scores=arrays["scores"],
    )
    started = time.perf_counter()
    result = evaluate_coco(gt, pred, sizes=False)
    seconds = time.perf_counter() - started
    return (result.ap or 0.0, result.ap50 or 0.0, result.ap75 or 0.0, result.ar100 or 0.0), seconds


def run_pycocotools(arrays: Arrays) -> tuple[Stats, float]:
    """pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return _run_dicts(COCO, COCOeval, arrays)


def run_faster_coco_eval(arrays: Arrays) -> tuple[Stats, float]:
    """faster-coco-eval."""
    from faster_coco_eval import COCO, COCOeval_faster

    return _run_dicts(COCO, COCOeval_faster, arrays)


def run_hotcoco(arrays: Arrays) -> tuple[Stats, float]:
    """hotcoco, with its column constructor, its fastest interface."""
    from hotcoco import COCO, COCOeval

    truth = COCO.from_arrays(
        [{"id": frame + 1, "width": WIDTH, "height": HEIGHT} for frame in range(int(arrays["frames"]))],
        [{"id": 1, "name": "object"}],
        np.asarray(arrays["gt_frames"]) + 1,
        np.ones(arrays["gt"].shape[1], np.int64),
        _xywh(arrays["gt"]),
    )
    return _evaluate(COCOeval(truth, truth.load_res(_rows(arrays)), "bbox"))


RUNS: dict[str, tuple[str, str, Callable[[Arrays], tuple[Stats, float]]]] = {
    "iouviewer": ("iouviewer", "iouviewer", run_iouviewer),
    "hotcoco": ("hotcoco", "hotcoco", run_hotcoco),
    "faster-coco-eval": ("faster_coco_eval", "faster-coco-eval", run_faster_coco_eval),
    "pycocotools": ("pycocotools", "pycocotools", run_pycocotools),
}


def _peak_memory() -> float:
    """Peak resident memory of this process in MB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def contend(name: str, path: Path) -> None:
    """Make one timed run and print the result as a line of JSON."""
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    run = RUNS[name][2]
    with contextlib.redirect_stdout(io.StringIO()):
        run(scene(100, 10, 12))
        before = _peak_memory()
        started = time.perf_counter()
        stats, evaluation = run(arrays)
        seconds = time.perf_counter() - started
    line = {"seconds": seconds, "evaluation": evaluation, "memory": _peak_memory() - before, "stats": stats}
    sys.stdout.write(json.dumps(line) + "\n")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def machine() -> str:
    """One line about the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"


def compare(frames: int, rounds: int) -> list[dict[str, Any]]:
    """Time all installed contenders by turns and compute their differences."""
    names = [name for name, (module, _, _) in RUNS.items() if importlib.util.find_spec(module)]
    for name in RUNS.keys() - set(names):
        sys.stderr.write(f"{name} is not installed and is skipped\n")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.npz"
        np.savez(path, **scene(frames, 10, 12))
        for _ in range(rounds):
            for name in names:
                command = [sys.executable, "-m", "benchmarks", "scores", "--contend", name, str(path)]
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                runs[name].append(json.loads(result.stdout.splitlines()[-1]))
    table = []
    for name in names:
        row: dict[str, Any] = {"name": name, "version": _version(RUNS[name][1]), "frames": frames}
        for key in ("seconds", "evaluation", "memory"):
            row[key] = statistics.median(float(run[key]) for run in runs[name])
        row["stats"] = runs[name][0]["stats"]
        table.append(row)
    reference = next((row["stats"] for row in table if row["name"] == "pycocotools"), table[0]["stats"])
    for row in table:
        row["difference"] = float(np.abs(np.array(row["stats"]) - np.array(reference)).max())
    return table


def show(table: list[dict[str, Any]]) -> None:
    """Print a Markdown table with ratios to iouviewer."""
    reference = next(row for row in table if row["name"] == "iouviewer")
    ap = np.array(reference["stats"])[0]
    sys.stdout.write(f"\n{table[0]['frames']} frames of 10 ground-truth and 12 predicted boxes, AP {ap:.9f}\n\n")
    sys.stdout.write("| contender | arrays to AP | ratio | evaluation alone | ratio | peak memory | difference |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    for row in table:
        values = {key: float(row[key]) for key in ("seconds", "evaluation", "memory", "difference")}
        ratio = values["seconds"] / float(reference["seconds"])
        alone = values["evaluation"] / float(reference["seconds"])
        sys.stdout.write(
            f"| {row['name']} {row['version']} | {values['seconds']:.2f} s | {ratio:.1f} "
            f"| {values['evaluation']:.2f} s | {alone:.1f} | {values['memory']:.0f} MB | {values['difference']:.0e} |\n"
        )


def main(argv: list[str]) -> int:
    """Run from the command line; exit status 1 if a contender differs by more than 1e-9."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks scores", description="AP compared with other implementations."
    )
    parser.add_argument("--frames", type=int, action="append", help="frames of the scene (default 10000 and 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument("--incremental", action="store_true", help="time single edits instead")
    parser.add_argument(
        "--predictions", type=int, action="append", help="predictions per frame, for edits (default 12, 35, 150)"
    )
    parser.add_argument("--edits", type=int, default=1000, help="timed edits (default 1000)")
    parser.add_argument("--contend", nargs=2, metavar=("NAME", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.contend:
        contend(options.contend[0], Path(options.contend[1]))
        return 0
    sys.stdout.write(machine() + "\n")
    if options.incremental:
        from benchmarks.edits import show_edits

        show_edits((options.frames or [100_000])[0], options.predictions or [12, 35, 150], options.edits)
        return 0
    equal = True
    for frames in options.frames or [10_000, 100_000]:
        table = compare(frames, options.rounds)
        show(table)
        equal &= all(float(row["difference"]) <= 1e-9 for row in table)
    return 0 if equal else 1
