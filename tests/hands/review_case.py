"""A small video whose ground truth has label errors that last several frames, and two variants that see them.

A car moves and a person stands, both labelled and found. Two objects have no box (``LONG`` and ``SHORT``), one box has
no object (``SPURIOUS``), and the person's box is shifted on some frames (``SHIFTED_FRAMES``).
"""

from __future__ import annotations

from pathlib import Path

from tests.hands.cases import PERSON, Case, Rect, car
from tests.ui.window import FRAMES, write_video

LONG, LONG_FRAMES = (20.0, 20.0, 50.0, 70.0), range(4, 10)
SHORT, SHORT_FRAMES = (180.0, 10.0, 210.0, 60.0), range(14, 17)
SPURIOUS, SPURIOUS_FRAMES = (250.0, 150.0, 290.0, 210.0), range(10, 14)
SHIFT, SHIFTED_FRAMES = 16.0, range(18, 21)


def write_review_case(folder: Path) -> Case:
    """Write video, ground truth and two prediction files."""
    folder.mkdir(exist_ok=True)
    truth = ["frameID,x1,y1,x2,y2,class,id"]
    base, other = (["frameID,x1,y1,x2,y2,class,score"] for _ in range(2))
    for frame in range(FRAMES):
        shift = SHIFT if frame in SHIFTED_FRAMES else 0.0
        moved = (PERSON[0] + shift, PERSON[1], PERSON[2] + shift, PERSON[3])
        truth += [_row(frame, car(frame), "car", 1), _row(frame, moved, "person", 2)]
        if frame in SPURIOUS_FRAMES:
            truth.append(_row(frame, SPURIOUS, "person", 3))
        for lines, score, down in ((base, 0.9, 1.0), (other, 0.85, -1.0)):
            lines += [_row(frame, car(frame, down), "car", score), _row(frame, PERSON, "person", score)]
            for rect, frames in ((LONG, LONG_FRAMES), (SHORT, SHORT_FRAMES)):
                if frame in frames:
                    lines.append(_row(frame, rect, "person", score))
    video = write_video(folder / "clip.avi")
    files = []
    for name, lines in (("gt.csv", truth), ("base.csv", base), ("other.csv", other)):
        path = folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files.append(path)
    return Case(video, *files)


def _row(frame: int, rect: Rect, class_name: str, last: float) -> str:
    return ",".join([str(frame), *(f"{value:g}" for value in rect), class_name, f"{last:g}"])
