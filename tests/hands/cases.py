"""The small video of the hands tests with two moving objects, and what its files say about them.

A car moves two pixels a frame; both variants find it too low, so no shift of frames explains the difference. A person
stands still. On frame ``EXTRA_FRAME`` both variants see a third object that the ground truth lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iouviewer.jobs.requests import OpenRequest
from tests.ui.window import FRAMES, write_video

Rect = tuple[float, float, float, float]

PERSON: Rect = (240.0, 40.0, 280.0, 100.0)
EXTRA: Rect = (20.0, 20.0, 60.0, 50.0)
EXTRA_FRAME = 5
LOST_FRAMES = (10, 11)
"""Frames on which the second variant does not find the person."""
BASE_IOU = 72 / 88
"""IoU of the car with the baseline, which is 8 px too low."""
OTHER_IOU = 50 / 110
"""IoU of the car with the other variant, which is 30 px too low."""


def car(frame: int, down: float = 0.0) -> Rect:
    """The car on a frame, moved down."""
    x = 60.0 + 2 * frame
    return x, 80.0 + down, x + 80.0, 160.0 + down


@dataclass(frozen=True, slots=True)
class Case:
    """The files of the case."""

    video: Path
    gt: Path
    base: Path
    other: Path

    def request(self, *, variants: int = 2) -> OpenRequest:
        """What the command line would open."""
        named = (("base", self.base), ("other", self.other))
        return OpenRequest(video=self.video, gt=self.gt, preds=named[:variants])


def write_case(folder: Path) -> Case:
    """Write video, ground truth and two prediction files."""
    folder.mkdir(exist_ok=True)
    truth = ["frameID,x1,y1,x2,y2,class,id"]
    base, other = (["frameID,x1,y1,x2,y2,class,score"] for _ in range(2))
    for frame in range(FRAMES):
        truth += [_row(frame, car(frame), "car", 1), _row(frame, PERSON, "person", 2)]
        base += [_row(frame, car(frame, 8), "car", 0.9), _row(frame, PERSON, "person", 0.6)]
        other.append(_row(frame, car(frame, 30), "car", 0.8))
        if frame not in LOST_FRAMES:
            other.append(_row(frame, PERSON, "person", 0.7))
        if frame == EXTRA_FRAME:
            base.append(_row(frame, EXTRA, "car", 0.7))
            other.append(_row(frame, EXTRA, "car", 0.7))
    video = write_video(folder / "clip.avi")
    files = []
    for name, lines in (("gt.csv", truth), ("base.csv", base), ("other.csv", other)):
        path = folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files.append(path)
    return Case(video, *files)


def _row(frame: int, rect: Rect, class_name: str, last: float) -> str:
    return ",".join([str(frame), *(f"{value:g}" for value in rect), class_name, f"{last:g}"])
