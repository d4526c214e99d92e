"""How well boxes are carried over frames, beside copying, linear motion and straight interpolation.

    python -m benchmarks carry FOLDER... [--every 20] [--target 0.8] [--moving]

Each folder has a video, ``gt.txt`` and ``det_frcnn.txt`` in MOT layout (``../shared/data``). Printed are

- one way: mean IoU and share at IoU 0.5 or more, 10, 25 and 50 frames after a box (both directions, a start every 40
  frames of each track; a pass that has stopped counts 0), for a copy, linear motion, the picture alone, and guided;
- fill: mean IoU and shares at 0.8 and 0.5 between key boxes ``--every`` frames apart, straight and by following;
- key boxes that a person places for 100 frames, always on the worst frame, until 95 % of the frames reach ``--target``;
- milliseconds of one core for a frame and box.

``--moving`` shows each sequence through a camera that pans, zooms and shakes (made, with the same boxes moved along).

Detections are used as they are at score 0.5 or more; their usual difference from ground truth comes from all frames.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.iou import iou_aligned, iou_matrix
from iouviewer.propagation.carry import NO_BOXES, Pass
from iouviewer.propagation.fill import fill, interpolate, smooth_pass
from iouviewer.propagation.guide import Bias

Float = NDArray[np.float64]
MIN_SCORE = 0.5
DISTANCES = (10, 25, 50)


@dataclass(frozen=True)
class Sequence:
    """Decoded frames, boxes of each track by frame, and corrected detections by frame."""

    name: str
    images: list[NDArray[np.uint8]]
    tracks: dict[int, dict[int, Float]]
    detections: list[Float]


def load(folder: Path) -> Sequence:
    """Read a sequence; ground truth with flag 0 is left out."""
    video = next(path for path in sorted(folder.iterdir()) if path.suffix in {".avi", ".mp4"})
    capture, images = cv2.VideoCapture(str(video)), []
    while True:
        has_frame, image = capture.read()
        if not has_frame:
            break
        images.append(np.asarray(image, np.uint8))
    tracks: dict[int, dict[int, Float]] = defaultdict(dict)
    for row in np.loadtxt(folder / "gt.txt", delimiter=","):
        if row[6]:
            tracks[int(row[1])][int(row[0]) - 1] = np.array([row[2], row[3], row[2] + row[4], row[3] + row[5]])
    found: dict[int, list[Float]] = defaultdict(list)
    for row in np.loadtxt(folder / "det_frcnn.txt", delimiter=","):
        if row[6] >= MIN_SCORE:
            found[int(row[0]) - 1].append(np.array([row[2], row[3], row[2] + row[4], row[3] + row[5]]))
    raw = [np.array(found[frame]) if found[frame] else NO_BOXES for frame in range(len(images))]
    bias = _bias(tracks, raw)
    return Sequence(folder.name, images, dict(tracks), [bias.correct(boxes) if len(boxes) else boxes for boxes in raw])


def _bias(tracks: dict[int, dict[int, Float]], raw: list[Float]) -> Bias:
    pairs: list[tuple[Float, Float]] = []
    for frame, detections in enumerate(raw):
        boxes = [track[frame] for track in tracks.values() if frame in track]
        if not boxes or not len(detections):
            continue
        overlaps = iou_matrix(np.array(boxes).T, detections.T)
        best = overlaps.argmax(1)
        pairs += [(detections[c], boxes[r]) for r, c in enumerate(best) if overlaps[r, c] >= 0.5]
    return Bias.from_pairs(np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]))


PAN, PAN_FRAMES = 0.12, 90
ZOOM, ZOOM_FRAMES = 0.12, 140
SHAKE = 1.5
"""The camera pans by a share of the width and zooms by a share, as sines over so many frames; it shakes in pixels."""
MIN_INSIDE = 0.5


def through_moving_camera(sequence: Sequence) -> Sequence:
    """The sequence as a camera sees it that moves; boxes that are mostly outside its picture are left out."""
    height, width = sequence.images[0].shape[:2]
    rng = np.random.default_rng(1)
    images, detections = [], []
    tracks: dict[int, dict[int, Float]] = {track: {} for track in sequence.tracks}
    for frame, image in enumerate(sequence.images):
        scale = 1.0 + ZOOM * (1 + np.sin(2 * np.pi * frame / ZOOM_FRAMES))
        shift = np.array([PAN * width * np.sin(2 * np.pi * frame / PAN_FRAMES), 0.0]) + rng.normal(0, SHAKE, 2)
        offset = (1 - scale) * np.array([width, height]) / 2 + shift
        matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
        images.append(np.asarray(cv2.warpAffine(image, matrix, (width, height)), np.uint8))
        detections.append(sequence.detections[frame] * scale + np.tile(offset, 2))
        for track, boxes in sequence.tracks.items():
            if frame in boxes:
                box = boxes[frame] * scale + np.tile(offset, 2)
                shared = np.minimum(box[2:], (width, height)) - np.maximum(box[:2], 0)
                if np.prod(np.maximum(shared, 0)) >= MIN_INSIDE * np.prod(box[2:] - box[:2]):
                    tracks[track][frame] = box
    kept = {track: boxes for track, boxes in tracks.items() if boxes}
    return Sequence(f"{sequence.name}*", images, kept, detections)


# One way


def _copy(_sequence: Sequence, boxes: dict[int, Float], start: int, _step: int, count: int) -> list[Float]:
    return [boxes[start]] * count


def _linear(_sequence: Sequence, boxes: dict[int, Float], start: int, step: int, count: int) -> list[Float]:
    """The movement of the frame before, or of none at the end of the track."""
    before = boxes.get(start - step)
    velocity = boxes[start] - before if before is not None else np.zeros(4)
    return [boxes[start] + velocity * number for number in range(1, count + 1)]


def _passes(guided: bool) -> Callable[..., list[Float]]:
    def run(sequence: Sequence, boxes: dict[int, Float], start: int, step: int, count: int) -> list[Float]:
        detections = sequence.detections if guided else None
        follower = Pass(sequence.images[start], boxes[start], None if detections is None else detections[start])
        found: list[Float] = []
        for number in range(1, count + 1):
            frame = start + step * number
            carried = follower.step(sequence.images[frame], None if detections is None else detections[frame])
            if carried is None:
                break
            found.append(carried.box)
        if detections is None:
            return found
        frames = range(start + step, start + step * (len(found) + 1), step)
        return list(smooth_pass(boxes[start], np.array(found).reshape(-1, 4), frames, detections.__getitem__))

    return run


ONE_WAY = {"copy": _copy, "linear motion": _linear, "picture alone": _passes(False), "guided": _passes(True)}


def one_way(sequence: Sequence) -> None:
    """Print the table of passes in one direction."""
    for name, method in ONE_WAY.items():
        ious: dict[int, list[float]] = {distance: [] for distance in DISTANCES}
        seconds, steps = 0.0, 0
        for boxes in sequence.tracks.values():
            for start in sorted(boxes)[::40]:
                for step in (1, -1):
                    count = 0
                    while count < DISTANCES[-1] and start + step * (count + 1) in boxes:
                        count += 1
                    if count < DISTANCES[1]:
                        continue
                    began = time.thread_time()
                    found = method(sequence, boxes, start, step, count)
                    seconds, steps = seconds + time.thread_time() - began, steps + count
                    for distance in DISTANCES:
                        if distance <= count:
                            has = len(found) >= distance
                            truth = boxes[start + step * distance]
                            ious[distance].append(_iou(found[distance - 1], truth) if has else 0.0)
        cells = "  ".join(f"{np.mean(v):.3f} / {100 * np.mean(np.array(v) >= 0.5):3.0f} %" for v in ious.values())
        print(f"{sequence.name:12} one way  {name:14} {cells}  {1000 * seconds / steps:5.2f} ms")


def _iou(a: Float, b: Float) -> float:
    return float(iou_aligned(a[:, None], b[:, None])[0])


# Between key boxes


def _fill(sequence: Sequence, boxes: dict[int, Float], first: int, last: int, how: str) -> Float:
    if how == "straight":
        return interpolate(boxes[first], boxes[last], last - first - 1)
    detections = sequence.detections.__getitem__ if how == "guided" else None
    filled = fill(sequence.images.__getitem__, range(first, last + 1), boxes[first], boxes[last], detections)
    assert filled is not None
    return filled.boxes


FILLS = ("straight", "picture alone", "guided")


def between(sequence: Sequence, every: int) -> None:
    """Print the table of spans between key boxes."""
    for how in FILLS:
        ious: list[Float] = []
        seconds = 0.0
        for boxes in sequence.tracks.values():
            keys = sorted(boxes)[::every]
            for first, last in pairwise(keys):
                if last - first != every:
                    continue
                began = time.thread_time()
                found = _fill(sequence, boxes, first, last, how)
                seconds += time.thread_time() - began
                ious.append(iou_aligned(found.T, np.array([boxes[f] for f in range(first + 1, last)]).T))
        values = np.concatenate(ious)
        print(
            f"{sequence.name:12} key each {every:3}  {how:14} {values.mean():.3f} / "
            f"{100 * (values >= 0.8).mean():3.0f} % / {100 * (values >= 0.5).mean():5.1f} %  "
            f"{1000 * seconds / len(values):5.2f} ms"
        )


def key_boxes(sequence: Sequence, target: float) -> None:
    """Print how many key boxes a person places for 100 frames, always correcting the worst frame of the track."""
    for how in FILLS:
        placed = frames = 0
        for boxes in sequence.tracks.values():
            ordered = sorted(boxes)
            if ordered[-1] - ordered[0] + 1 != len(ordered) or len(ordered) < 10:
                continue
            keys = [ordered[0], ordered[-1]]
            found = dict.fromkeys(keys, 1.0)
            spans = [(ordered[0], ordered[-1])]
            while True:
                for first, last in spans:
                    if last - first > 1:
                        values = _fill(sequence, boxes, first, last, how)
                        for frame, box in zip(range(first + 1, last), values, strict=True):
                            found[frame] = _iou(box, boxes[frame])
                if np.mean(np.array(list(found.values())) >= target) >= 0.95:
                    break
                worst = min(found, key=lambda frame: found[frame])
                before, after = max(k for k in keys if k < worst), min(k for k in keys if k > worst)
                keys.append(worst)
                found[worst] = 1.0
                spans = [(before, worst), (worst, after)]
            placed, frames = placed + len(keys), frames + len(ordered)
        print(f"{sequence.name:12} key boxes a 100 frames  {how:14} {100 * placed / frames:5.1f}")


def main(argv: list[str]) -> int:
    """Print the tables of each folder."""
    parser = argparse.ArgumentParser(prog="benchmarks carry", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--target", type=float, default=0.8)
    parser.add_argument("--moving", action="store_true")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    for folder in options.folders:
        sequence = through_moving_camera(load(folder)) if options.moving else load(folder)
        one_way(sequence)
        between(sequence, options.every)
        key_boxes(sequence, options.target)
    return 0
