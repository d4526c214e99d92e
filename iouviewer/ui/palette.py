"""Colours of data: ground truth, baseline, IoU bands; for light and dark schemes. Greys and the accent are theme.py's.

Bands are a perceptual ramp (lightness rises with the IoU), so they order in grey and for colour-blind eyes too; every
place that uses them also shows the number. Contrast is held by tests: text 4.5 : 1, lines 3 : 1 (WCAG 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from math import isnan

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette

from iouviewer.ui import theme
from iouviewer.ui.theme import Theme


class Band(IntEnum):
    """IoU bands of metrics.md, worst first."""

    POOR = 0
    ACCEPTABLE = 1
    EXCELLENT = 2
    PRECISE = 3


BAND_FLOORS = (0.0, 0.5, 0.7, 0.9)
BAND_NAMES = ("likely false positive", "acceptable", "excellent", "high precision")


def band_of(iou: float) -> Band | None:
    """The band of an IoU; None for nan."""
    if isnan(iou):
        return None
    return Band(sum(iou >= floor for floor in BAND_FLOORS[1:]))


@dataclass(frozen=True, slots=True)
class Colours:
    """What data looks like in one scheme, ``#rrggbb`` each; greys and the accent are the theme's.

    Attributes:
        ground_truth, baseline: the source article's blue and green.
        curve, mean: the timeline's single curve and its mean line.
        bands: by Band, worst first; legible as text on the theme's tables and panels.
    """

    ground_truth: str
    baseline: str
    curve: str
    mean: str
    bands: tuple[str, str, str, str]


DARK = Colours(
    ground_truth="#5aa9ff",
    baseline="#3fbf74",
    curve="#f59b38",
    mean="#7db8ff",
    bands=("#e8639c", "#f58f66", "#f8c255", "#f3f3a8"),
)
LIGHT = Colours(
    ground_truth="#1766c2",
    baseline="#1b7a43",
    curve="#b85c00",
    mean="#1766c2",
    bands=("#8e1053", "#a63a1c", "#865700", "#6a660e"),
)

DASH_STYLES = {
    "solid": Qt.PenStyle.SolidLine,
    "dash": Qt.PenStyle.DashLine,
    "dot": Qt.PenStyle.DotLine,
    "dashdot": Qt.PenStyle.DashDotLine,
    "dashdotdot": Qt.PenStyle.DashDotDotLine,
}
"""Lines of variants, by the names that projects keep."""

# Labels lie on the picture, on a dark plate of their own: the same in both schemes.
PLATE = "#141414"
PLATE_TEXT = "#f0f0f0"
PLATE_MUTED = "#b8b8b8"
ON_PICTURE = DARK
IGNORED = "#a8a8a8"


def is_dark() -> bool:
    """Whether the application's palette is a dark one (the palette, not the system, says what is on screen)."""
    palette = QGuiApplication.palette()
    window, text = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.WindowText)
    return window.lightness() < text.lightness()


def scheme_theme() -> Theme:
    """The greys of the scheme on screen."""
    return theme.DARK if is_dark() else theme.LIGHT


def colours() -> Colours:
    """The data colours of the scheme on screen."""
    return DARK if is_dark() else LIGHT


def band_colour(iou: float, *, on: Colours | None = None) -> str:
    """Text colour of an IoU on this scheme's base; muted for nan."""
    band = band_of(iou)
    return scheme_theme().muted if band is None else (on or colours()).bands[band]


@cache
def on_picture(colour: str) -> str:
    """The colour, made lighter until it stands out on the dark plate and on the dark line around boxes (6 : 1)."""
    parsed = QColor(colour)
    while contrast(parsed.name(), PLATE) < 6 and parsed.lightness() < 250:
        parsed = QColor.fromHslF(parsed.hslHueF(), parsed.hslSaturationF(), min(1.0, parsed.lightnessF() + 0.02))
    return parsed.name()


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0..1 (WCAG 2.2)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    parsed = QColor(colour)
    red, green, blue = map(linear, (parsed.redF(), parsed.greenF(), parsed.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
