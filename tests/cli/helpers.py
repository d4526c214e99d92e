"""Files for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_random_boxes(path: Path, shift: float, *, scores: bool = True, drop: float = 0.0, frames: int = 300) -> Path:
    """One object at random positions; boxes are shifted by ``shift`` pixels, and a share ``drop`` is left out."""
    random = np.random.default_rng(7)
    lines = ["frameID,x1,y1,x2,y2" + (",score" if scores else "")]
    for frame in range(frames):
        x, y = random.uniform(10, 200, 2)
        score = random.uniform(0.3, 1.0)
        if random.uniform() >= drop:
            row = f"{frame},{x + shift},{y},{x + shift + 60},{y + 60}"
            lines.append(row + (f",{score}" if scores else ""))
    path.write_text("\n".join(lines) + "\n")
    return path
