"""Makes the bundled sample: 20 seconds of a rendered street, ground truth with planted errors, predictions.

``python tools/make_sample.py FOLDER`` keeps intermediate files in FOLDER and writes ``resources/sample``. The clip is
rendered first (minutes). The predictions need the weights that ``tools/train_sample.py`` trains. The errors are planted
last, because the first one gives its box a fixed IoU with the baseline's prediction.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
from sample_scene.scene import CLASS_NAMES, Scene, frames

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "resources" / "sample"
SEED, FPS, COUNT = 21, 25, 500
RUNS = {
    "baseline": ("baseline", None),
    "baseline-384": ("baseline", 384),
    "nearly": ("nearly", None),
    "small": ("small", None),
}
"""Run -> its weights and image size (None: that of the weights)."""
FLOOR, MAX_DETECTIONS = 0.01, 100
UNOBSTRUCTED_X = 210.0
"""Errors are planted right of this x in pixels, where no tree hides objects."""
EDGE_IOU = 0.71
"""IoU of the planted box on the opening frame with the baseline's prediction."""
Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Row:
    """A row of the ground truth."""

    frame: int
    box: Rect
    name: str
    track: int


def make_clip(folder: Path) -> None:
    """Write ``clip.mp4``, and the true boxes into ``folder``."""
    import av

    scene = Scene(SEED, seconds=COUNT / FPS)
    width, height = scene.size
    rows: list[Row] = []
    SAMPLE.mkdir(parents=True, exist_ok=True)
    with av.open(str(SAMPLE / "clip.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "24.5", "preset": "slow", "g": "50", "bf": "2"}
        for index, (image, objects) in enumerate(frames(scene, COUNT, FPS)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                container.mux(packet)
            for labelled in objects:
                x1, y1, x2, y2 = (round(v, 2) for v in labelled.box)
                rows.append(Row(index, (x1, y1, x2, y2), CLASS_NAMES[labelled.class_id], labelled.track))
            if index % 50 == 0:
                sys.stderr.write(f"frame {index} of {COUNT}\n")
        for packet in stream.encode():
            container.mux(packet)
    write_rows(folder / "truth.csv", rows)


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write rows as box CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frameID", "x1", "y1", "x2", "y2", "class", "id"])
        for row in rows:
            writer.writerow([row.frame, *(f"{v:g}" for v in row.box), row.name, row.track])


def read_rows(path: Path) -> list[Row]:
    """Read rows that ``write_rows`` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(
                int(r["frameID"]),
                (float(r["x1"]), float(r["y1"]), float(r["x2"]), float(r["y2"])),
                r["class"],
                int(r["id"]),
            )
            for r in csv.DictReader(file)
        ]


def iou(a: Rect, b: Rect) -> float:
    """IoU of two boxes (continuous convention)."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def predict() -> None:
    """Run the models and store their predictions as compressed COCO JSON with rounded numbers."""
    sys.path.insert(0, str(ROOT))
    from iouviewer.formats.coco import PROGRAM
    from iouviewer.jobs.predict import run_model
    from iouviewer.jobs.requests import RunOptions

    folder = SAMPLE / "predictions"
    folder.mkdir(exist_ok=True)
    for name, (model, size) in RUNS.items():
        weights = SAMPLE / "weights" / f"{model}.pt"
        run = run_model(SAMPLE / "clip.mp4", name, weights, RunOptions(floor=FLOOR, max_det=MAX_DETECTIONS, imgsz=size))
        boxes = run.boxes
        x1, y1, x2, y2 = boxes.boxes.round(1)
        columns = (boxes.frames, boxes.class_ids, x1, y1, (x2 - x1).round(1), (y2 - y1).round(1), boxes.scores.round(3))
        # Rates of the machine that made the sample would mislead next to rates of the user's machine.
        dropped = ("fps", "throughput", "hardware", "threads", "device")
        protocol = {k: v for k, v in boxes.protocol.items() if k not in dropped}
        document = {
            "info": {"description": "predictions", "program": PROGRAM, "frame_count": COUNT, "protocol": protocol},
            "categories": [{"id": k, "name": n} for k, n in enumerate(boxes.class_names, 1)],
            "images": [{"id": f + 1, "frame_id": f} for f in range(COUNT)],
            "annotations": [
                {"image_id": f + 1, "category_id": c + 1, "bbox": [x, y, w, h], "score": s}
                for f, c, x, y, w, h, s in zip(*(c.tolist() for c in columns), strict=True)
                if w > 0 and h > 0
            ],
        }
        text = json.dumps(document, separators=(",", ":")) + "\n"
        # No timestamp in the archive: the same predictions give the same bytes.
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def load_predictions() -> dict[str, dict[int, list[tuple[Rect, float, str]]]]:
    """Run -> frame -> boxes with score and class, best first."""
    result: dict[str, dict[int, list[tuple[Rect, float, str]]]] = {}
    for name in RUNS:
        data = json.loads(gzip.decompress((SAMPLE / "predictions" / f"{name}.json.gz").read_bytes()))
        classes = {c["id"]: c["name"] for c in data["categories"]}
        frame_of = {i["id"]: i["frame_id"] for i in data["images"]}
        boxes: dict[int, list[tuple[Rect, float, str]]] = {}
        for a in data["annotations"]:
            x, y, w, h = a["bbox"]
            boxes.setdefault(frame_of[a["image_id"]], []).append(
                ((x, y, x + w, y + h), a["score"], classes[a["category_id"]])
            )
        result[name] = boxes
    return result


def common_iou(row: Row, predictions: dict[str, dict[int, list[tuple[Rect, float, str]]]], minimum: float) -> float:
    """The lowest IoU over all runs between the box and their confident predictions; 0 if it is below ``minimum``."""
    values = []
    for boxes in predictions.values():
        same = [iou(row.box, box) for box, score, name in boxes.get(row.frame, []) if score >= 0.5 and name == row.name]
        values.append(max(same, default=0.0))
    return min(values) if min(values) >= minimum else 0.0


def _edge_error(rows: list[Row], predictions: dict[str, Any]) -> tuple[int, Row, str, dict[str, Any]]:
    """Row number, planted row, moved edge and IoU values of the error on the opening frame (``EDGE_IOU``)."""
    best: tuple[float, int, Row, str, dict[str, Any]] | None = None
    for index, row in enumerate(rows):
        x1, y1, x2, y2 = row.box
        if not (60 <= row.frame <= 200 and x1 > UNOBSTRUCTED_X and x2 - x1 > 60 and common_iou(row, predictions, 0.8)):
            continue
        box, true_iou = max(
            ((b, iou(row.box, b)) for b, s, n in predictions["baseline"][row.frame] if n == row.name),
            key=lambda p: p[1],
        )
        low, high = 0.0, 0.6 * (x2 - x1)
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if iou((x1, y1, x2 + middle, y2), box) > EDGE_IOU else (low, middle)
        if x2 + low > 636:
            continue
        planted = replace(row, box=(x1, y1, round(x2 + low, 2), y2))
        note = {"iou_planted": round(iou(planted.box, box), 4), "iou_true": round(true_iou, 4)}
        overlaps = sum(iou(planted.box, other.box) > 0.02 for other in rows if other.frame == row.frame) - 1
        cost = abs(true_iou - 0.85) + 0.2 * overlaps
        if best is None or cost < best[0]:
            best = (cost, index, planted, "right", note)
    if best is None:
        raise SystemExit("no box is suitable for the planted edge")
    return best[1:]


def plant(folder: Path) -> None:
    """Write ``ground_truth.csv`` with errors and ``planted.json`` with the true values."""
    rows = read_rows(folder / "truth.csv")
    predictions = load_predictions()
    index, planted, edge, note = _edge_error(rows, predictions)
    first = {"kind": "edge", "frame": planted.frame, "id": planted.track, "class": planted.name, "edge": edge,
             "planted": planted.box, "true": rows[index].box, **note}  # fmt: skip
    errors: list[dict[str, Any]] = [first]
    changed: dict[int, Row | None] = {index: planted}
    used = {planted.track}
    for kind, start in (("missing", 205), ("shifted", 320), ("class", 440)):
        candidates = [
            k
            for k, r in enumerate(rows)
            if start <= r.frame < start + 60 and r.track not in used and r.box[2] - r.box[0] > 18
            if r.box[0] > UNOBSTRUCTED_X and r.box[2] < 610 and (kind != "class" or r.name == "car")
        ]
        choice = max(candidates, key=lambda k: common_iou(rows[k], predictions, 0.75))
        row = rows[choice]
        used.add(row.track)
        entry: dict[str, Any] = {"kind": kind, "frame": row.frame, "id": row.track, "class": row.name, "true": row.box}
        if kind == "missing":
            changed[choice] = None
        elif kind == "class":
            changed[choice] = replace(row, name="truck")
            entry["planted_class"] = "truck"
        else:
            x1, y1, x2, y2 = row.box
            dx, dy = round(0.42 * (x2 - x1), 2), round(-0.18 * (y2 - y1), 2)
            box = (round(x1 + dx, 2), round(y1 + dy, 2), round(x2 + dx, 2), round(y2 + dy, 2))
            changed[choice] = replace(row, box=box)
            entry["planted"] = box
        errors.append(entry)
    final = [changed.get(k, row) for k, row in enumerate(rows)]
    write_rows(SAMPLE / "ground_truth.csv", [row for row in final if row is not None])
    text = {"first_frame": planted.frame, "edge": first, "errors": errors}
    (SAMPLE / "planted.json").write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Run the selected stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stage", choices=("clip", "predict", "plant", "all"), default="all")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    if arguments.stage in ("clip", "all"):
        make_clip(arguments.folder)
    if arguments.stage in ("predict", "all"):
        predict()
    if arguments.stage in ("plant", "all"):
        plant(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
