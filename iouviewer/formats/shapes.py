"""Shapes that are no boxes: polygons, masks, rotated boxes, points. They are counted, and read as their envelopes on
request.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import Rect
from iouviewer.document.imported import StatedFact
from iouviewer.formats.interface import Choice, ReadContext, UncertainReadingError, command_option
from iouviewer.formats.json_safe import as_number
from iouviewer.i18n import tr, tr_n

POLYGON, MASK, ROTATED, POINTS, OTHER = "polygon", "mask", "rotated", "keypoints", "other"
_COUNTS = {
    POLYGON: lambda n: tr_n("{count} polygon", "{count:,} polygons", n),
    MASK: lambda n: tr_n("{count} mask", "{count:,} masks", n),
    ROTATED: lambda n: tr_n("{count} rotated box", "{count:,} rotated boxes", n),
    POINTS: lambda n: tr_n("{count} set of points", "{count:,} sets of points", n),
    OTHER: lambda n: tr_n("{count} other shape", "{count:,} other shapes", n),
}


class ShapeCounts:
    """The shapes of a file by kind; ``takes`` says whether one is read as its envelope."""

    def __init__(self, context: ReadContext) -> None:
        self._choice = context.shapes
        self.counts: Counter[str] = Counter()
        self.unusable = 0

    @property
    def are_refused(self) -> bool:
        """Whether nobody said what to do with shapes: formats of boxes then refuse them one by one."""
        return self._choice is None

    @property
    def total(self) -> int:
        """Number of shapes."""
        return self.counts.total()

    def takes(self, kind: str, rect: Rect | None) -> bool:
        """Count a shape; whether its envelope ``rect`` is to be read (None: it has none)."""
        self.counts[kind] += 1
        self.unusable += rect is None
        return self._choice == "envelope" and rect is not None

    def note(self, path: Path) -> str:
        """What became of the shapes, empty without any.

        Raises:
            UncertainReadingError: there are shapes, and nobody said what to do with them.
        """
        if not self.counts:
            return ""
        listed = ", ".join(_COUNTS[kind](count) for kind, count in self.counts.items())
        if self._choice == "envelope":
            said = tr("{shapes} read as the boxes around them", shapes=listed)
            lost = tr_n("{count} has none and is left out", "{count:,} have none and are left out", self.unusable)
            return StatedFact(f"{said}; {lost}" if self.unusable else said)
        if self._choice == "skip":
            return StatedFact(tr("{shapes} left out", shapes=listed))
        raise UncertainReadingError(
            tr("the file has {shapes} beside boxes", shapes=listed),
            choices=(
                Choice(
                    tr("read the boxes around them"), command_option("--shapes", "envelope"), {"shapes": "envelope"}
                ),
                Choice(tr("leave them out"), command_option("--shapes", "skip"), {"shapes": "skip"}),
            ),
            path=path,
        )


def envelope(points: Iterable[Any]) -> Rect | None:
    """The box around points: pairs, objects with x and y, or None where one is no point or there is none."""
    pairs = []
    for point in points:
        if isinstance(point, Mapping):
            values = [point.get("x"), point.get("y")]
        else:
            values = list(point)[:2] if isinstance(point, Sequence) and not isinstance(point, str) else []
        numbers = [as_number(value) for value in values]
        if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
            return None
        pairs.append((numbers[0], numbers[1]))
    if not pairs:
        return None
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    return min(xs), min(ys), max(xs), max(ys)


def flat_envelope(values: Any, step: int = 2) -> Rect | None:
    """The box around points whose numbers stand in one list: x, y, x, y … (``step`` 3: with a visibility)."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) < 2 * step or len(values) % step:
        return None
    rows = [values[at : at + step] for at in range(0, len(values), step)]
    if step == 3:  # a keypoint without visibility is none
        rows = [row for row in rows if as_number(row[2])]
    return envelope(rows)


def rotated_envelope(x: float, y: float, width: float, height: float, degrees: float, *, about_corner: bool) -> Rect:
    """The box around a rotated one, whose position is its left top corner.

    Args:
        about_corner: it turns about that corner (Label Studio), else about its centre.
    """
    turn = math.radians(degrees)
    cos, sin = math.cos(turn), math.sin(turn)
    px, py = (x, y) if about_corner else (x + width / 2, y + height / 2)
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    turned = [(px + (cx - px) * cos - (cy - py) * sin, py + (cx - px) * sin + (cy - py) * cos) for cx, cy in corners]
    xs, ys = [cx for cx, _ in turned], [cy for _, cy in turned]
    return min(xs), min(ys), max(xs), max(ys)


def mask_envelope(counts: Any, size: Any) -> Rect | None:
    """The box around a run-length mask of COCO: runs of 0 and 1 down the columns, as numbers or as its compact text."""
    height, width = (as_number(one) or 0 for one in size) if isinstance(size, Sequence) and len(size) == 2 else (0, 0)
    runs = _decode_runs(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or height <= 0 or width <= 0 or not all(isinstance(n, int) and n >= 0 for n in runs):
        return None
    rows, at = int(height), 0
    left = top = math.inf
    right = bottom = -math.inf
    for index, run in enumerate(runs):
        if index % 2 and run:
            first, last = at, at + run - 1
            left, right = min(left, first // rows), max(right, last // rows + 1)
            spans = last // rows > first // rows
            top = 0 if spans else min(top, first % rows)
            bottom = rows if spans else max(bottom, last % rows + 1)
        at += run
    return None if right < 0 else (float(left), float(top), float(right), float(bottom))


def _decode_runs(text: str) -> list[int] | None:
    """The runs of COCO's compact text: six bits a character from ``0`` on, each run the difference to the one before
    the last.
    """
    runs: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        while True:
            if at >= len(text) or shift > 60:
                return None
            bits = ord(text[at]) - 48
            if not 0 <= bits < 64:
                return None
            at += 1
            value |= (bits & 31) << shift
            shift += 5
            if not bits & 32:
                if bits & 16:
                    value -= 1 << shift
                break
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
