"""Verdicts on many sources from their partials: time and memory, and pooled AP beside other implementations.

    python -m benchmarks pooled [--quick] [--fleet-seconds 120]

1. Growth: one size doubles and doubles again (frames, boxes, videos), the others stay. Partials are computed in one
   process and judged in another, so its peak memory is that of reading, merging and the verdict. Times are those of the
   processor, so that other programs do not show as growth.
2. The largest simulated fleet that is judged within ``--fleet-seconds`` here; its sources are twenty different ones,
   again and again.
3. Pooled AP of several videos against pycocotools and hotcoco on all boxes at once, with the difference.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scores import RUNS, Arrays, machine, scene
from iouviewer.jobs.partials import Partial, compare_partials, compute_partial, load_partial, pool, save_partial
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable

MARGINS = {"ap": 1.0, "pq": 1.0}
FLEET_FRAMES, FLEET_BOXES, DISTINCT = 18_000, 10, 20


def source(frames: int, boxes: int, seed: int) -> tuple[BoxTable, list[BoxTable]]:
    """Ground truth of one video, and the predictions of two variants; the second is a little worse."""
    arrays = scene(frames, boxes, boxes, seed)
    truth = BoxTable.from_rows(arrays["gt_frames"], arrays["gt"], frame_count=frames)
    random = np.random.default_rng(seed + 1_000_000)
    sides = []
    for noise in (0.0, 1.0):
        moved = arrays["pred"] + random.normal(0, noise, arrays["pred"].shape)
        sides.append(BoxTable.from_rows(arrays["pred_frames"], moved, frame_count=frames, scores=arrays["scores"]))
    return truth, sides


def build(folder: Path, videos: int, frames: int, boxes: int) -> dict[str, float]:
    """Write the partials of both variants on all videos; seconds for one side, without making the boxes."""
    seconds, size = 0.0, 0
    for number in range(videos):
        truth, sides = source(frames, boxes, number)
        started = time.process_time()
        for side, predictions in enumerate(sides):
            partial = compute_partial(
                truth, predictions, ReviewSettings(), np.ones(frames, np.bool_), class_names=["object"]
            )
            path = folder / f"{number}-{side}.npz"
            save_partial(path, partial)
            size += path.stat().st_size
        seconds += time.process_time() - started
    return {"partials": seconds / 2, "bytes": size / (2 * videos * frames * boxes)}


def _partials(folder: Path, videos: int, side: int) -> Iterator[Partial]:
    distinct = len(list(folder.glob("*-0.npz")))
    for number in range(videos):
        yield load_partial(folder / f"{number % distinct}-{side}.npz")


def judge(folder: Path, videos: int) -> dict[str, float]:
    """Read the partials, then read, merge and judge them; seconds and megabytes of this process."""
    started = time.process_time()
    for side in range(2):
        for partial in _partials(folder, videos, side):
            float(partial.iou_sums[0, 0])
    read = time.process_time() - started
    started = time.process_time()
    verdict = compare_partials(_partials(folder, videos, 0), _partials(folder, videos, 1), MARGINS)
    seconds = time.process_time() - started
    return {"read": read, "judge": seconds, "memory": _peak_memory(), "points": verdict.differences[0].points}


def _peak_memory() -> float:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def _apart(*arguments: object) -> dict[str, float]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "pooled", *map(str, arguments)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return found


def show_growth(rows: Iterable[tuple[str, int, int, int]]) -> None:
    """Print a table of sizes, times and memory; growth is the time for each million boxes."""
    sys.stdout.write("| grows | videos | frames | boxes a frame | million boxes a side | partials a side, s |")
    sys.stdout.write(
        " reading, s | to the verdict, s | a million boxes, s | of reading | peak memory, MB | bytes a box |\n"
    )
    sys.stdout.write("| --- " + "| ---: " * 11 + "|\n")
    for what, videos, frames, boxes in rows:
        with tempfile.TemporaryDirectory() as name:
            built = _apart("--build", name, videos, frames, boxes)
            found = _apart("--judge", name, videos)
        million = videos * frames * boxes / 1e6
        sys.stdout.write(
            f"| {what} | {videos} | {frames:,} | {boxes} | {million:.1f} | {built['partials']:.1f} "
            f"| {found['read']:.2f} | {found['judge']:.1f} | {found['judge'] / (2 * million):.2f} "
            f"| {found['judge'] / found['read']:.0f} | {found['memory']:.0f} | {built['bytes']:.1f} |\n"
        )
        sys.stdout.flush()


def _joined(parts: list[Arrays], frames: int) -> Arrays:
    """All videos as one."""
    joined: dict[str, Any] = {"frames": np.array(frames * len(parts))}
    for name in ("gt_frames", "pred_frames"):
        joined[name] = np.concatenate([part[name] + frames * number for number, part in enumerate(parts)])
    for name in ("gt", "pred"):
        joined[name] = np.concatenate([part[name] for part in parts], axis=1)
    joined["scores"] = np.concatenate([part["scores"] for part in parts])
    return joined


def show_contenders(videos: int, frames: int) -> bool:
    """Print pooled AP, time and difference of each implementation; False if one differs by more than 1e-9."""
    parts = [scene(frames, 10, 12, seed) for seed in range(videos)]
    tables = [
        (
            BoxTable.from_rows(part["gt_frames"], part["gt"], frame_count=frames),
            BoxTable.from_rows(part["pred_frames"], part["pred"], frame_count=frames, scores=part["scores"]),
        )
        for part in parts
    ]
    started = time.perf_counter()
    every = np.ones(frames, np.bool_)
    partials = [compute_partial(*both, ReviewSettings(), every, class_names=["object"]) for both in tables]
    computed = time.perf_counter() - started
    started = time.perf_counter()
    ap = pool(partials).scores().ap or 0.0
    merged = time.perf_counter() - started
    total = computed + merged
    sys.stdout.write(f"\n{videos} videos of {frames:,} frames, 10 ground-truth and 12 predicted boxes, AP {ap:.9f}\n\n")
    sys.stdout.write("| contender | boxes to pooled AP, s | ratio | difference |\n| --- | ---: | ---: | ---: |\n")
    sys.stdout.write(f"| iouviewer, partials (with PQ and Avg IoU) and merging | {total:.2f} | 1.0 | |\n")
    sys.stdout.write(f"| of these merging, when partials are kept | {merged:.3f} | {merged / total:.2f} | |\n")
    whole, equal = _joined(parts, frames), True
    for name in ("iouviewer", "hotcoco", "pycocotools"):
        module, _package, run = RUNS[name]
        if not importlib.util.find_spec(module):
            sys.stdout.write(f"| {name} is not installed | | | |\n")
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            started = time.perf_counter()
            stats, _ = run(whole)
            seconds = time.perf_counter() - started
        label = "iouviewer, all boxes at once" if name == "iouviewer" else name
        sys.stdout.write(f"| {label} | {seconds:.2f} | {seconds / total:.1f} | {abs(stats[0] - ap):.0e} |\n")
        equal &= abs(stats[0] - ap) <= (0.0 if name == "iouviewer" else 1e-9)
    return equal


def show_fleet(limit: float) -> None:
    """Double a fleet until its verdict takes longer than ``limit`` seconds."""
    sys.stdout.write(f"\nFleets of videos of {FLEET_FRAMES:,} frames and {FLEET_BOXES} boxes, 2 variants\n\n")
    sys.stdout.write("| videos | million frames | million boxes a side | reading, s | to the verdict, s | MB |\n")
    sys.stdout.write("| ---: " * 6 + "|\n")
    with tempfile.TemporaryDirectory() as name:
        _apart("--build", name, DISTINCT, FLEET_FRAMES, FLEET_BOXES)
        videos = 50
        while True:
            found = _apart("--judge", name, videos)
            frames = videos * FLEET_FRAMES / 1e6
            sys.stdout.write(
                f"| {videos} | {frames:.1f} | {frames * FLEET_BOXES:.0f} | {found['read']:.1f} "
                f"| {found['judge']:.1f} | {found['memory']:.0f} |\n"
            )
            sys.stdout.flush()
            if 2 * found["judge"] > limit:
                return
            videos *= 2


def main(argv: list[str]) -> int:
    """Run from the command line; exit status 1 if pooled AP differs from that of all boxes at once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pooled", description="Verdicts on many sources.")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--fleet-seconds", type=float, default=120.0, help="longest verdict of a fleet (default 120)")
    parser.add_argument("--build", nargs=4, metavar=("FOLDER", "VIDEOS", "FRAMES", "BOXES"), help=argparse.SUPPRESS)
    parser.add_argument("--judge", nargs=2, metavar=("FOLDER", "VIDEOS"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.build:
        sys.stdout.write(json.dumps(build(Path(options.build[0]), *map(int, options.build[1:]))) + "\n")
        return 0
    if options.judge:
        sys.stdout.write(json.dumps(judge(Path(options.judge[0]), int(options.judge[1]))) + "\n")
        return 0
    sys.stdout.write(machine() + "\n\n")
    unit = 200 if options.quick else FLEET_FRAMES // 2
    show_growth(
        [
            *(("frames", 8, unit * factor, 10) for factor in (1, 2, 4)),
            *(("boxes", 8, unit, 10 * factor) for factor in (1, 2, 4)),
            *(("videos", 50 * factor // (10 if options.quick else 1), unit * 2, 10) for factor in (1, 2, 4)),
        ]
    )
    if not options.quick:  # before the contenders: a new process counts the memory of the one that started it
        show_fleet(options.fleet_seconds)
    return 0 if show_contenders(4, unit) else 1
