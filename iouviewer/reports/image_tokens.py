"""Colours and lines on the image, read from ``resources/theme.json``: the canvas and exported pictures draw them.

Only the standard library is imported: the window reads its tokens before the first paint.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from iouviewer.resource_files import resource_path

_TOKENS: dict[str, Any] = json.loads(resource_path("theme.json").read_text(encoding="utf-8"))
SERIES = ("v1", "v2", "v3", "v4", "v5", "v6")
VARIANT_SLOTS = ("v1", "v2", "v4", "v3", "v5", "v6")
"""Colour slots in the order in which variants take them: neighbours in it differ most for colour-blind users."""


@dataclass(frozen=True, slots=True)
class CanvasColours:
    """Colours on the image, the same in both schemes; ``halo`` and ``label_bg`` end with an alpha, ``#rrggbbaa``.

    Attributes:
        v: variants v1 to v6.
    """

    halo: str
    label_bg: str
    label_text: str
    gt: str
    selected: str
    ignored: str
    fix: str
    v: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineRole:
    """How one kind of box is outlined on the image, the same in both schemes.

    Attributes:
        width: logical pixels.
        dash: dash, gap, ... in logical pixels; empty for a solid line.
        fill: share of the colour inside, 0 to 1.
    """

    width: float
    dash: tuple[float, ...] = ()
    fill: float = 0.0


def _canvas() -> CanvasColours:
    values = dict(_TOKENS["colour"]["canvas"])
    variants = tuple(values.pop(slot) for slot in SERIES)
    return CanvasColours(v=variants, **values)


def _pattern(text: str) -> tuple[float, ...]:
    return () if text.startswith("solid") else tuple(float(part) for part in text.split())


def dash(slot: str) -> tuple[float, ...]:
    """The dash pattern of a variant's slot, in logical pixels: dash, gap, ...; empty for a solid line (``gt``)."""
    return _pattern(_TOKENS["dash"][slot])


CANVAS = _canvas()
LINES: dict[str, LineRole] = {
    name: LineRole(value["width"], _pattern(value.get("dash", "solid")), value.get("fill", 0.0))
    for name, value in _TOKENS["lines"].items()
}
"""Outlines on the image by role."""
OPACITY: dict[str, float] = _TOKENS["opacity"]
"""Opacity of boxes on the image that are not in the foreground, by reason."""
