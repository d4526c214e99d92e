"""Rows of YOLO labels with more than seven columns: polygons, oriented boxes and poses, as the boxes around them.

``class x1 y1 x2 y2 ...`` is a polygon (a segment, or four corners of an oriented box), perhaps with a confidence behind
it; ``class xc yc w h`` with points behind it, each with or without its visibility, is a pose and has its own box.
"""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.formats.interface import Location
from iouviewer.formats.rows import Rows
from iouviewer.formats.shapes import POINTS, POLYGON, flat_envelope

POSE_START = 5
VISIBILITIES = (0.0, 1.0, 2.0)
AROUND = 0.02
"""Key points may lie this far outside the box of their pose, in shares of the frame."""


def long_row_values(fields: Sequence[str], location: Location, reason: str, rows: Rows) -> list[float] | None:
    """A long row as class, centre, size and perhaps confidence; None where it is refused or left out."""
    try:
        values = [float(field) for field in fields]
    except ValueError:
        rows.refuse(location, reason)
        return None
    if is_pose(values):
        x, y, width, height = values[1:POSE_START]
        rect = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return values[:POSE_START] if rows.shape(POINTS, location, rect, reason) else None
    has_score = len(values) % 2 == 0
    found = flat_envelope(values[1:-1] if has_score else values[1:])
    if not rows.shape(POLYGON, location, found, reason) or found is None:
        return None
    x1, y1, x2, y2 = found
    score = values[-1:] if has_score else []
    return [values[0], (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, *score]


def is_pose(values: Sequence[float]) -> bool:
    """Whether a row is a box with key points: by their visibilities, or because all of them lie in the box."""
    points = values[POSE_START:]
    if len(points) % 3 == 0 and all(one in VISIBILITIES for one in points[2::3]):
        return True
    if len(points) % 2 or len(points) < 4 or len(values) == 9:
        return False
    x, y, width, height = values[1:POSE_START]
    xs, ys = points[0::2], points[1::2]
    inside_x = all(abs(one - x) <= width / 2 + AROUND for one in xs)
    return inside_x and all(abs(one - y) <= height / 2 + AROUND for one in ys)
