"""Sequences with known ground truth, and label errors planted in them with seeds."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.folders import cache_folder
from iouviewer.metrics.iou import iou_aligned, iou_matrix
from iouviewer.metrics.review_evidence import ReviewInputs
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "sample"
MODELS = ("yolo11n", "yolo12n", "student", "pruned")
FIRST_PETS_FRAME = 480
MISSING, SPURIOUS, SHIFTED, DOUBLED, MISCLASSED = "missing", "spurious", "shifted", "doubled", "class"
RATES = {MISSING: 0.05, SPURIOUS: 0.02, SHIFTED: 0.05, DOUBLED: 0.01, MISCLASSED: 0.03}
SWAPS, CUTS = 2, 1
NO_TRACK = -1


@dataclass(frozen=True, eq=False)
class Boxes:
    """Ground truth in columns, in order of frames: (N,) each, rects (4, N)."""

    frames: Int
    rects: Float
    classes: Int
    tracks: Int
    ignored: Bool

    def select(self, keep: NDArray[np.generic]) -> Boxes:
        """The rows ``keep``."""
        return Boxes(self.frames[keep], self.rects[:, keep], self.classes[keep], self.tracks[keep], self.ignored[keep])


@dataclass(frozen=True, eq=False)
class World:
    """A sequence with predictions."""

    name: str
    boxes: Boxes
    frame_count: int
    labelled: Bool
    predictions: dict[str, tuple[BoxTable, Bool]]
    picture: tuple[int, int]
    class_names: tuple[str, ...] = ()

    def inputs(self, boxes: Boxes, variants: tuple[str, ...] | None = None) -> ReviewInputs:
        """The inputs of a review of these boxes; ids are row numbers."""
        table = BoxTable.from_rows(
            boxes.frames, boxes.rects, frame_count=self.frame_count, class_ids=boxes.classes, ignored=boxes.ignored
        )
        chosen = variants if variants is not None else tuple(self.predictions)
        return ReviewInputs(
            table, boxes.tracks, self.labelled, tuple(self.predictions[name] for name in chosen), picture=self.picture
        )


@dataclass(frozen=True)
class Planted:
    """One wrong box.

    Attributes:
        row: in the damaged boxes, -1 for a missing one.
        true: the right rectangle, None for a spurious or doubled box.
        true_class, other: class of the object; for a double the row of the box it doubles.
        lasting: several frames of one object are wrong in the same way; ``run`` is the same for all of them.
    """

    kind: str
    frame: int
    row: int
    true: tuple[float, ...] | None
    true_class: int
    track: int
    lasting: bool
    other: int = -1
    run: int = -1


@dataclass(frozen=True, eq=False)
class Damaged:
    """Boxes with errors; ``swap_ends`` are (frame, track, other track)."""

    boxes: Boxes
    errors: list[Planted]
    swap_ends: list[tuple[int, int, int]]


def pets(data: Path, models: tuple[str, ...] = MODELS[:3]) -> World:
    """pets09 on the frames that its models never saw."""
    folder = data / "pets09"
    rows = np.loadtxt(folder / "gt.txt", delimiter=",")
    rows = rows[rows[:, 0] > FIRST_PETS_FRAME]
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    frames = rows[:, 0].astype(np.int64) - 1 - FIRST_PETS_FRAME
    rects = np.stack((rows[:, 2], rows[:, 3], rows[:, 2] + rows[:, 4], rows[:, 3] + rows[:, 5]))
    count = 795 - FIRST_PETS_FRAME
    boxes = Boxes(frames, rects, np.zeros(len(rows), np.int64), rows[:, 1].astype(np.int64), rows[:, 6] == 0)
    boxes = Boxes(*(boxes.frames, boxes.rects, boxes.classes, np.where(boxes.ignored, -1, boxes.tracks), boxes.ignored))
    every = np.ones(count, np.bool_)
    predictions = {}
    for name in models:
        found = np.loadtxt(_prediction_file(data, name), delimiter=",")
        found = found[found[:, 0] > FIRST_PETS_FRAME]
        sides = np.stack((found[:, 2], found[:, 3], found[:, 2] + found[:, 4], found[:, 3] + found[:, 5]))
        at = found[:, 0].astype(np.int64) - 1 - FIRST_PETS_FRAME
        predictions[name] = (BoxTable.from_rows(at, sides, frame_count=count, scores=found[:, 6]), every)
    return World("pets09", boxes, count, every, predictions, (768, 576), ("person",))


def _prediction_file(data: Path, name: str) -> Path:
    """The predictions of a model of the data folder, made once and kept in the program's cache."""
    model = data / "models" / f"{name}-pets.pt"
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    folder = cache_folder() / "benchmarks"
    path = folder / f"pets09-{name}-{digest}.txt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"running {name} on pets09\n")
        video = data / "pets09" / "vtest.avi"
        command = [sys.executable, "-m", "iouviewer", "predict", str(video), "--model", f"{name}={model}"]
        with tempfile.TemporaryDirectory(dir=folder) as found:
            subprocess.run([*command, "--frames", "480:795", "--out", found], check=True)
            (Path(found) / f"{name}.txt").replace(path)
    return path


def sample() -> World:
    """The bundled sample with its own planted errors repaired."""
    with (SAMPLE / "ground_truth.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    names = tuple(sorted({row["class"] for row in table}))
    frames = np.array([int(row["frameID"]) for row in table])
    rects = np.array([[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in table]).T
    classes = np.array([names.index(row["class"]) for row in table])
    tracks = np.array([int(row["id"]) for row in table])
    for error in json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))["errors"]:
        here = np.flatnonzero((frames == error["frame"]) & (tracks == error["id"]))
        if error["kind"] == "missing":
            frames, tracks = np.append(frames, error["frame"]), np.append(tracks, error["id"])
            rects = np.append(rects, np.array([error["true"]]).T, axis=1)
            classes = np.append(classes, names.index(error["class"]))
        elif error["kind"] == "class":
            classes[here] = names.index(error["class"])
        else:
            rects[:, here] = np.array([error["true"]]).T
    order = np.lexsort((tracks, frames))
    boxes = Boxes(frames, rects, classes, tracks, np.zeros(len(frames), np.bool_)).select(order)
    count = int(frames.max()) + 1
    every = np.ones(count, np.bool_)
    predictions = {}
    for path in sorted((SAMPLE / "predictions").glob("*.json.gz")):
        stored = json.loads(gzip.decompress(path.read_bytes()))
        predictions[path.name.removesuffix(".json.gz")] = (_coco_table(stored, names, count), every)
    return World("sample", boxes, count, every, predictions, (640, 360), names)


def _coco_table(stored: dict[str, list[dict[str, Any]]], names: tuple[str, ...], count: int) -> BoxTable:
    rows = stored["annotations"]
    known = {one["id"]: names.index(one["name"]) for one in stored["categories"]}
    frame_of = {one["id"]: one["frame_id"] for one in stored["images"]}
    sides = np.array([row["bbox"] for row in rows]).T
    sides = np.stack((sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]))
    frames = np.array([frame_of[row["image_id"]] for row in rows])
    classes = np.array([known[row["category_id"]] for row in rows])
    scores = np.array([row["score"] for row in rows])
    return BoxTable.from_rows(frames, sides, frame_count=count, class_ids=classes, scores=scores)


def moving_camera(seed: int = 7, frame_count: int = 400) -> World:
    """A generated sequence under a camera that pans, zooms and shakes, with simulated detections of three variants.

    People and cars walk and drive in a plane; the camera follows a slow path. A detector misses objects
    in runs (small and covered ones more often), its boxes are off by a slowly changing amount and by noise, and it sees
    a few things that are none, some of them for a second.
    """
    rng = np.random.default_rng(seed)
    width, height, number = 960, 540, 60
    start = rng.uniform((-0.6 * width, -0.1 * height), (1.6 * width, height), (number, 2))
    speed = rng.normal(0, 1.6, (number, 2)) * (1.0, 0.3)
    classes = (rng.random(number) < 0.3).astype(np.int64)
    size = np.where(classes[:, None] == 0, (26.0, 66.0), (120.0, 60.0)) * rng.uniform(0.7, 1.4, (number, 1))
    steps = np.arange(frame_count)
    pan = np.stack((0.5 * width * (1 + 0.8 * np.sin(steps / 45)), 0.45 * height + 60 * np.sin(steps / 30))).T
    pan += np.cumsum(rng.normal(0, 0.5, pan.shape), axis=0) + rng.normal(0, 0.8, pan.shape)
    zoom = 1.0 + 0.25 * np.sin(steps / 40)
    sway = rng.uniform(0, 6, number)
    rows = []
    for frame in range(frame_count):
        walked = np.stack((12 * np.sin(frame / 20 + sway), 4 * np.cos(frame / 25 + sway))).T
        centre = (start + speed * (frame - frame_count / 2) + walked - pan[frame]) * zoom[frame]
        centre += (width / 2, height / 2)
        half = size * zoom[frame] / 2
        box = np.concatenate((centre - half, centre + half), axis=1)
        cut = np.clip(box, 0, (width, height, width, height))
        seen = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1]) / np.prod(2 * half, axis=1) > 0.3
        rows += [(frame, track, classes[track], *cut[track]) for track in np.flatnonzero(seen)]
    table = np.array(rows)
    boxes = Boxes(
        table[:, 0].astype(np.int64), table[:, 3:].T.copy(), table[:, 2].astype(np.int64),
        table[:, 1].astype(np.int64), np.zeros(len(rows), np.bool_),
    )  # fmt: skip
    every = np.ones(frame_count, np.bool_)
    predictions = {
        f"detector {number}": (_simulate(boxes, frame_count, (width, height), quality, rng), every)
        for number, quality in enumerate((1.0, 0.8, 0.65), 1)
    }
    return World("moving camera", boxes, frame_count, every, predictions, (width, height), ("person", "car"))


def _simulate(
    boxes: Boxes, frame_count: int, picture: tuple[int, int], quality: float, rng: np.random.Generator
) -> BoxTable:
    found = []
    size = boxes.rects[2:] - boxes.rects[:2]
    bias = rng.normal(0, 0.04, 4)
    for track in np.unique(boxes.tracks):
        rows = np.flatnonzero(boxes.tracks == track)
        level, drift = rng.normal(1.2 * quality, 0.5), np.zeros(4)
        mood = 0.0
        for row in rows.tolist():
            mood = 0.92 * mood + rng.normal(0, 0.35)
            drift = 0.9 * drift + rng.normal(0, 0.02 / quality, 4)
            small = min(1.0, float(size[:, row].min()) / 24.0)
            score = 1 / (1 + np.exp(-(2.2 * level + mood - 2.4 * (1 - small))))
            if score < 0.1 or rng.random() > 0.25 + 0.85 * score:
                continue
            off = (bias + drift + rng.normal(0, 0.03 / quality, 4)) * np.tile(size[:, row], 2)
            wrong = rng.random() < 0.02 / quality
            found.append((boxes.frames[row], *(boxes.rects[:, row] + off), boxes.classes[row] ^ int(wrong), score))
    for _ in range(int(40 / quality)):
        first, length = rng.integers(frame_count), rng.integers(1, 25)
        corner, extent = rng.uniform((0, 0), picture), rng.uniform((18, 30), (90, 110))
        score, step = rng.beta(1.6, 3.0), rng.normal(0, 3, 2)
        for frame in range(first, min(first + length, frame_count)):
            if rng.random() < 0.7:
                at = corner + step * (frame - first) + rng.normal(0, 1.5, 2)
                found.append((frame, *at, *(at + extent), int(extent[0] > extent[1]), np.clip(score, 0.02, 0.95)))
    table = np.array(found)
    return BoxTable.from_rows(
        table[:, 0].astype(np.int64), table[:, 1:5].T, frame_count=frame_count,
        class_ids=table[:, 5].astype(np.int64), scores=table[:, 6],
    )  # fmt: skip


# Planting


class _Planter:
    """Damages a copy of the boxes; each box is damaged once at most."""

    def __init__(self, world: World, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._world, boxes = world, world.boxes
        self._frames, self._rects = boxes.frames.copy(), boxes.rects.copy()
        self._classes, self._tracks = boxes.classes.copy(), boxes.tracks.copy()
        self._free = ~boxes.ignored
        self._kept = np.ones(len(boxes.frames), np.bool_)
        self._count = int(self._free.sum())
        self._new: list[tuple[int, tuple[float, ...], int, int]] = []
        self._errors: list[tuple[str, int, bool, int, int]] = []
        self._runs = 0
        self._swaps: list[tuple[int, int, int]] = []
        self._next_track = int(boxes.tracks.max()) + 1000

    def damage(self) -> Damaged:
        """Plant everything."""
        self._cut()
        kinds = [kind for kind in RATES if kind != MISCLASSED or len(self._world.class_names) > 1]
        for kind in kinds:
            wanted = round(RATES[kind] * self._count)
            single = wanted // 2
            while wanted > 0:
                length = 1 if single > 0 else min(wanted, int(self._rng.integers(5, 16)))
                run = self._run(length)
                single -= length == 1
                wanted -= len(run)
                getattr(self, f"_{kind}")(run)
        self._swap()
        return self._result()

    def _run(self, length: int) -> Int:
        """Rows of one track on consecutive frames, all undamaged."""
        boxes = self._world.boxes
        for _ in range(10_000):
            row = int(self._rng.integers(len(boxes.frames)))
            if not self._free[row] or boxes.tracks[row] < 0:
                continue
            wanted = boxes.frames[row] + np.arange(length)
            same = np.flatnonzero((boxes.tracks == boxes.tracks[row]) & np.isin(boxes.frames, wanted))
            # Two errors do not meet, so that each is an error of its own.
            around = (boxes.tracks == boxes.tracks[row]) & (boxes.frames >= wanted[0] - 1)
            around &= boxes.frames <= wanted[-1] + 1
            if len(same) == length and self._free[around].all():
                self._free[same] = False
                return same
        raise SystemExit("no place is left for an error")

    def _note(self, kind: str, rows: Int, others: Int | None = None) -> None:
        lasting = len(rows) > 1
        paired = rows if others is None else others
        self._errors += [(kind, int(r), lasting, int(o), self._runs) for r, o in zip(rows, paired, strict=True)]
        self._runs += 1

    def _missing(self, run: Int) -> None:
        self._kept[run] = False
        self._note(MISSING, run)

    def _cut(self) -> None:
        boxes = self._world.boxes
        for _ in range(CUTS):
            tracks, counts = np.unique(boxes.tracks[self._free], return_counts=True)
            track = self._rng.choice(tracks[(counts >= 40) & (tracks >= 0)])
            rows = np.flatnonzero(boxes.tracks == track)[-int(self._rng.integers(12, 25)) :]
            self._free[rows] = False
            self._missing(rows)

    def _shifted(self, run: Int) -> None:
        """Move or scale the box to an IoU of 0.4 to 0.75, a run by the same share of its size."""
        while True:
            off = self._rng.normal(0, 0.22, 4) * (self._rng.random(4) < 0.7)
            if self._rng.random() < 0.5:
                off[2:] = off[:2]
            size = self._rects[2:, run] - self._rects[:2, run]
            moved = self._rects[:, run] + off[:, None] * np.tile(size, (2, 1))
            iou = iou_aligned(moved, self._rects[:, run])
            inside = (moved[2:] - moved[:2] > 0.3 * size).all()
            if inside and iou.min() >= 0.4 and iou.max() <= 0.75:
                break
        self._rects[:, run] = moved
        self._note(SHIFTED, run)

    def _class(self, run: Int) -> None:
        others = [one for one in range(len(self._world.class_names)) if one != self._classes[run[0]]]
        self._classes[run] = self._rng.choice(others)
        self._note(MISCLASSED, run)

    def _add(self, kind: str, frames: Int, rects: Float, classes: Int, others: Int) -> None:
        track, first = self._next_track, len(self._kept) + len(self._new)
        self._next_track += 1
        self._new += [
            (int(f), tuple(r), int(c), track) for f, r, c in zip(frames, rects.T.tolist(), classes, strict=True)
        ]
        self._note(kind, np.arange(first, first + len(frames)), others)

    def _doubled(self, run: Int) -> None:
        size = self._rects[2:, run] - self._rects[:2, run]
        off = self._rng.normal(0, 0.02, 4)
        self._add(DOUBLED, self._frames[run], self._rects[:, run] + off[:, None] * np.tile(size, (2, 1)),
                  self._classes[run], run)  # fmt: skip

    def _spurious(self, run: Int) -> None:
        """A box of the run's sizes on background, moving a little."""
        self._free[run] = True
        boxes, (width, height) = self._world.boxes, self._world.picture
        size = self._rects[2:, run] - self._rects[:2, run]
        while True:
            corner = self._rng.uniform((0, 0), np.maximum((width, height) - size.max(axis=1), 1))
            step = self._rng.normal(0, 1.0, 2)
            at = corner[:, None] + step[:, None] * np.arange(len(run))
            rects = np.concatenate((at, at + size))
            overlap = 0.0
            for place, row in enumerate(run.tolist()):
                here = boxes.rects[:, boxes.frames == boxes.frames[row]]
                overlap = max(overlap, float(iou_matrix(rects[:, place : place + 1], here).max(initial=0.0)))
            if overlap < 0.1 and rects.min() >= 0 and (rects[2] <= width).all() and (rects[3] <= height).all():
                break
        self._add(SPURIOUS, boxes.frames[run], rects, self._classes[run], np.full(len(run), -1))

    def _swap(self) -> None:
        """Exchange the ids of two tracks from a frame to another."""
        boxes, taken = self._world.boxes, set()
        while len(self._swaps) < 2 * SWAPS:
            one, other = self._rng.choice(np.unique(boxes.tracks[boxes.tracks >= 0]), 2, replace=False).tolist()
            frames = [set(boxes.frames[self._kept & (boxes.tracks == track)].tolist()) for track in (one, other)]
            both = sorted(frames[0] & frames[1])
            if len(both) < 40 or {one, other} & taken:
                continue
            first = int(self._rng.integers(5, len(both) - 30))
            span = both[first : first + int(self._rng.integers(10, 25))]
            if span[-1] - span[0] != len(span) - 1 or span[0] - 1 not in both or span[-1] + 1 not in both:
                continue
            taken |= {one, other}
            inside = (boxes.frames >= span[0]) & (boxes.frames <= span[-1])
            a, b = inside & (boxes.tracks == one), inside & (boxes.tracks == other)
            self._tracks[a], self._tracks[b] = other, one
            self._swaps += [(span[0], one, other), (span[-1] + 1, one, other)]

    def _result(self) -> Damaged:
        new, original = self._new, self._world.boxes
        frames = np.append(self._frames, [row[0] for row in new]).astype(np.int64)
        rects = np.append(self._rects, np.array([row[1] for row in new]).reshape(-1, 4).T, axis=1)
        classes = np.append(self._classes, [row[2] for row in new]).astype(np.int64)
        tracks = np.append(self._tracks, [row[3] for row in new]).astype(np.int64)
        ignored = np.append(original.ignored, np.zeros(len(new), np.bool_))
        kept = np.append(self._kept, np.ones(len(new), np.bool_))
        order = np.flatnonzero(kept)
        order = order[np.lexsort((order, frames[order]))]
        place = np.full(len(frames), -1, np.int64)
        place[order] = np.arange(len(order))
        errors = []
        for kind, row, lasting, other, run in self._errors:
            added = kind in (SPURIOUS, DOUBLED)
            true = None if added else tuple(original.rects[:, row].tolist())
            true_class = int(classes[row] if added else original.classes[row])
            track = int(tracks[row] if added else original.tracks[row])
            partner = int(place[other]) if kind == DOUBLED else -1
            errors.append(
                Planted(kind, int(frames[row]), int(place[row]), true, true_class, track, lasting, partner, run)
            )
        return Damaged(Boxes(frames, rects, classes, tracks, ignored).select(order), errors, self._swaps)


def plant(world: World, seed: int) -> Damaged:
    """Missing, spurious, shifted, doubled, mis-classed, swapped and cut labels, half of them on one frame only."""
    return _Planter(world, seed).damage()
