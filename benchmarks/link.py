"""How well boxes are linked into tracks, and what a person has left to repair.

    python -m benchmarks link FOLDER... [--predictions FOLDER FILE...] [--frames 480:795]

Each folder has a video, ``gt.txt`` and ``det_frcnn.txt`` in MOT layout (``../shared/data``). Printed are IDF1 and the
operations to repair (``iouviewer.metrics.identity``) for the detections at score 0.5 or more, and for ground truth
without its ids. ``--predictions`` adds variants of the first folder's video in MOT layout, on ``--frames`` that they
never saw: each one alone at score 0.25 or more without its own doubles, and their consensus (at least half of them,
boxes averaged by score). Detections are linked, gaps filled, and boxes smoothed, as *Start from predictions...* does;
ground truth only gets ids.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.identity import LinkedBoxes, count_repairs, identity_score
from iouviewer.metrics.iou import iou_matrix
from iouviewer.propagation.appearance import LENGTH, describe
from iouviewer.propagation.linking import NO_LINK, LinkInput, LinkSettings, link, suppress_doubles
from iouviewer.propagation.smoothing import fill_track

Float = NDArray[np.float64]
Int = NDArray[np.int64]
MIN_SCORE = 0.5
MIN_VARIANT_SCORE = 0.25
FLOOR = 0.1
"""Lowest score with which a variant supports a consensus."""
MIN_IOU = 0.5


@dataclass(frozen=True)
class Boxes:
    """Boxes of a file by frame: frames (N,), boxes (N, 4), scores or flags (N,), tracks (N,)."""

    frames: Int
    boxes: Float
    scores: Float
    tracks: Int

    def select(self, rows: NDArray[np.bool_]) -> Boxes:
        """Some of the boxes."""
        return Boxes(self.frames[rows], self.boxes[rows], self.scores[rows], self.tracks[rows])

    def linked(self) -> LinkedBoxes:
        """The boxes that have a track."""
        rows = self.tracks >= 0
        return LinkedBoxes(self.frames[rows], self.boxes[rows].T, self.tracks[rows])


def read(path: Path, frames: range | None = None) -> Boxes:
    """Read a file in MOT layout."""
    table = np.loadtxt(path, delimiter=",", ndmin=2)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    numbers = table[:, 0].astype(np.int64) - 1
    corners = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    found = Boxes(numbers, corners, table[:, 6], table[:, 1].astype(np.int64))
    return found if frames is None else found.select((numbers >= frames.start) & (numbers < frames.stop))


def looks_of(video: Path, boxes: Boxes) -> NDArray[np.float32]:
    """What each box shows."""
    looks = np.zeros((len(boxes.frames), LENGTH), np.float32)
    capture = cv2.VideoCapture(str(video))
    for frame in range(int(boxes.frames.max(initial=-1)) + 1):
        has_frame, image = capture.read()
        if not has_frame:
            break
        rows = np.flatnonzero(boxes.frames == frame)
        if len(rows):
            looks[rows] = describe(np.asarray(image, np.uint8), boxes.boxes[rows])
    return looks


def consensus(variants: list[Boxes]) -> Boxes:
    """Boxes that at least half of the variants find; mean place by score, sum of scores over all variants."""
    rows: list[tuple[float, ...]] = []
    frames = sorted({int(frame) for one in variants for frame in one.frames.tolist()})
    for frame in frames:
        here = [one.select((one.frames == frame) & (one.scores >= FLOOR)) for one in variants]
        boxes, scores = np.concatenate([one.boxes for one in here]), np.concatenate([one.scores for one in here])
        owner = np.repeat(np.arange(len(here)), [len(one.frames) for one in here])
        overlaps = iou_matrix(boxes.T, boxes.T)
        free = np.ones(len(boxes), np.bool_)
        for best in np.argsort(-scores, kind="stable").tolist():
            if not free[best]:
                continue
            near = free & (overlaps[best] >= MIN_IOU)
            members = []
            for variant in range(len(here)):
                rows_of_variant = np.flatnonzero(near & (owner == variant)).tolist()
                members += sorted(rows_of_variant, key=(-overlaps[best]).__getitem__)[:1]
            free[near] = False
            support = scores[members].sum() / len(here)
            if 2 * len(members) >= len(here) and support >= MIN_VARIANT_SCORE:
                mean = (boxes[members] * scores[members, None]).sum(0) / scores[members].sum()
                rows.append((frame, *mean.tolist(), support))
    table = np.array(rows).reshape(-1, 6)
    return Boxes(table[:, 0].astype(np.int64), table[:, 1:5], table[:, 5], np.full(len(table), NO_LINK))


def report(name: str, truth: Boxes, boxes: Boxes, video: Path, *, fills: bool) -> None:
    """Link and print the figures."""
    count = len(np.unique(boxes.frames))
    settings = LinkSettings.for_predictions(count) if fills else LinkSettings.for_ground_truth()
    looks = looks_of(video, boxes)
    groups = np.zeros(len(boxes.frames), np.int64)
    began = time.thread_time()
    tracks = link(LinkInput(boxes.frames, boxes.boxes, boxes.scores, groups, looks), settings)
    seconds = time.thread_time() - began
    assert tracks is not None
    found = Boxes(boxes.frames, boxes.boxes, boxes.scores, tracks)
    if fills:
        found = filled(found, settings)
    linked, true = found.linked(), truth.linked()
    score, repairs = identity_score(true, linked), count_repairs(true, linked)
    found_count = len(np.unique(linked.tracks))
    print(
        f"{name:28} IDF1 {score.f1:.3f}  operations {repairs.total:3}  (splits {repairs.splits}, merges "
        f"{repairs.merges}, swaps {repairs.swaps}, deletions {repairs.deletions}, drawings {repairs.drawings})  "
        f"tracks {found_count} of {len(np.unique(true.tracks))}  {1000 * seconds / count:.2f} ms a frame"
    )


def filled(found: Boxes, settings: LinkSettings) -> Boxes:
    """The tracks with gaps filled and boxes smoothed."""
    parts = []
    for track in np.unique(found.tracks[found.tracks >= 0]).tolist():
        rows = np.flatnonzero(found.tracks == track)
        frames, boxes = fill_track(found.frames[rows], found.boxes[rows], max_gap=settings.max_gap)
        parts.append((frames, boxes, np.full(len(frames), track)))
    frames, tracks = (np.concatenate([part[place] for part in parts]) for place in (0, 2))
    order = np.lexsort((tracks, frames))
    boxes = np.concatenate([part[1] for part in parts])[order]
    return Boxes(frames[order], boxes, np.ones(len(frames)), tracks[order])


def main(argv: list[str]) -> int:
    """Print the figures of each folder."""
    parser = argparse.ArgumentParser(prog="benchmarks link", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--predictions", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--frames", default="480:795", metavar="A:B")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    for folder in options.folders:
        video = next(path for path in sorted(folder.iterdir()) if path.suffix in {".avi", ".mp4"})
        truth = read(folder / "gt.txt")
        truth = truth.select(truth.scores != 0)
        detections = read(folder / "det_frcnn.txt")
        detections = detections.select(detections.scores >= MIN_SCORE)
        report(f"{folder.name}, detections", truth, detections, video, fills=True)
        without = Boxes(truth.frames, truth.boxes, np.ones(len(truth.frames)), truth.tracks)
        report(f"{folder.name}, truth without ids", truth, without, video, fills=False)
    if options.predictions:
        folder = options.folders[0]
        first, last = map(int, options.frames.split(":"))
        frames = range(first, last)
        video = next(path for path in sorted(folder.iterdir()) if path.suffix in {".avi", ".mp4"})
        truth = read(folder / "gt.txt", frames)
        truth = truth.select(truth.scores != 0)
        variants = [read(path, frames) for path in options.predictions]
        for path, variant in zip(options.predictions, variants, strict=True):
            used = variant.select(variant.scores >= MIN_VARIANT_SCORE)
            groups = np.zeros(len(used.frames), np.int64)
            used = used.select(suppress_doubles(used.frames, used.boxes, used.scores, groups, MIN_IOU))
            report(f"held out, {path.stem}", truth, used, video, fills=True)
        report("held out, consensus", truth, consensus(variants), video, fills=True)
    return 0
