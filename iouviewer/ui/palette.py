"""Colours of data for light and dark schemes: ground truth, baseline, IoU bands. Greys and the accent are in ``theme``.

The bands are a perceptual ramp: lightness rises with the IoU, so the order is visible in greyscale and to colour-blind
users. Wherever a band is used, the number is shown too. Tests check the contrast: text 4.5 : 1, lines 3 : 1 (WCAG 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette

from iouviewer.ui import theme
from iouviewer.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Colours:
    """Data colours of one scheme as ``#rrggbb``.

    Attributes:
        ground_truth, baseline: blue and green, as in the source article.
        curve, mean: curve and mean line of the timeline.
        bands: of the IoU (docs/metrics.md), worst first; readable as text on tables and panels of the theme.
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
"""Line styles of variants by the names stored in projects."""

# Captions have a dark background on the image, the same in both schemes.
CAPTION_BACKGROUND = "#141414"
CAPTION_TEXT = "#f0f0f0"
CAPTION_MUTED = "#b8b8b8"
IMAGE_COLOURS = DARK
IGNORED = "#a8a8a8"


def is_dark() -> bool:
    """Whether the application's palette is dark; it may differ from the system's scheme."""
    palette = QGuiApplication.palette()
    window, text = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.WindowText)
    return window.lightness() < text.lightness()


def scheme_theme() -> Theme:
    """The theme of the current scheme."""
    return theme.DARK if is_dark() else theme.LIGHT


def colours() -> Colours:
    """The data colours of the current scheme."""
    return DARK if is_dark() else LIGHT


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
