"""Design tokens of the window: colours, sizes, type, motion and icon names, read from ``resources/theme.json``.

No other module holds a colour, a size or a font value, but ``reports.image_tokens``, which exported pictures share.
Only the standard library is imported: the tokens are read before the first window is painted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from iouviewer.reports.image_tokens import CANVAS, LINES, OPACITY, SERIES, VARIANT_SLOTS, CanvasColours, LineRole, dash
from iouviewer.resource_files import resource_path

__all__ = [
    "CANVAS",
    "CLASS_COLOURS",
    "FONT_FAMILIES",
    "FONT_FEATURES",
    "ICONS",
    "ICON_SIZE",
    "IOU_RAMP",
    "LINES",
    "MONO_FAMILIES",
    "MOTION",
    "OPACITY",
    "RADIUS",
    "RAIL_ICON_SIZE",
    "SIZE",
    "SPACE",
    "TYPE",
    "VARIANT_SLOTS",
    "CanvasColours",
    "Colours",
    "LineRole",
    "TypeRole",
    "colours",
    "dash",
    "slot_of",
]

_TOKENS: dict[str, Any] = json.loads(resource_path("theme.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of one scheme as ``#rrggbb``; ``scrim`` has an alpha at its end, ``#rrggbbaa``.

    Attributes:
        surround, base, window, raised, hover, popup, selected: backgrounds: around the image, fields, panels, buttons,
            under the mouse, floating surfaces, selected rows.
        line, outline: separators; borders of fields, at least 3 : 1.
        text, text2, text3, disabled: text from strong to weak.
        accent, accent_fill, on_accent_fill, focus: highlighted words, filled controls and their text, focus ring.
        good, bad, warn, good_bg, bad_bg, warn_bg: words of verdicts and states, and their backgrounds.
        scrim: over the window under a dialog.
        series_gt, series: ground truth, and variants v1 to v6, as curves and words on this scheme.
    """

    surround: str
    base: str
    window: str
    raised: str
    hover: str
    popup: str
    selected: str
    line: str
    outline: str
    text: str
    text2: str
    text3: str
    disabled: str
    accent: str
    accent_fill: str
    on_accent_fill: str
    focus: str
    good: str
    bad: str
    warn: str
    good_bg: str
    bad_bg: str
    warn_bg: str
    scrim: str
    series_gt: str
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeRole:
    """One text style: size and line height in logical pixels, weight 100 to 900."""

    px: float
    weight: int
    line: int


@cache
def colours(dark: bool) -> Colours:
    """The colours of the dark or the light scheme."""
    scheme = "dark" if dark else "light"
    series = _TOKENS["colour"]["series"][scheme]
    values = dict(_TOKENS["colour"][scheme])
    values["series_gt"] = series["gt"]
    values["series"] = tuple(series[slot] for slot in SERIES)
    return Colours(**{field.name: values[field.name] for field in fields(Colours)})


CLASS_COLOURS: tuple[str, ...] = tuple(_TOKENS["colour"]["classes"])
"""Colours of classes, and of tracks, by their position; repeated beyond the last."""
IOU_RAMP: tuple[str, ...] = tuple(_TOKENS["colour"]["iou_ramp"])
"""IoU from 0 to 1 in equal steps; lightness rises with the IoU."""
SIZE: dict[str, int] = _TOKENS["size"]
"""Logical pixels by name."""
SPACE: dict[str, int] = _TOKENS["space"]
RADIUS: dict[str, int] = _TOKENS["radius"]
MOTION: dict[str, int] = {name: value for name, value in _TOKENS["motion"].items() if isinstance(value, int)}
"""Durations in milliseconds by name; use ``theme.duration``, which follows reduced motion."""
ICONS: dict[str, str] = _TOKENS["icons"]["map"]
"""Phosphor names by meaning, for example ``draw`` -> ``selection-plus``."""
ICON_SIZE: int = _TOKENS["icons"]["px"]
RAIL_ICON_SIZE: int = _TOKENS["icons"]["rail_px"]
FONT_FAMILIES: tuple[str, ...] = tuple(_TOKENS["type"]["family"])
MONO_FAMILIES: tuple[str, ...] = tuple(_TOKENS["type"]["mono"])
FONT_FEATURES: tuple[str, ...] = tuple(_TOKENS["type"]["features"])
TYPE: dict[str, TypeRole] = {
    name: TypeRole(**value) for name, value in _TOKENS["type"].items() if isinstance(value, dict)
}
"""Text styles by role: caption, body, strong, title, headline, figure, canvas_label, key, rail, code."""


def slot_of(position: int) -> str:
    """The colour slot (``v1`` to ``v6``) of the variant at a position in the list, from 0; six slots repeat."""
    return VARIANT_SLOTS[position % len(VARIANT_SLOTS)]
