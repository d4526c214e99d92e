"""Fonts of the window by role. Inter and JetBrains Mono are bundled (``resources/fonts``, SIL Open Font License).

The fonts are registered by the first call, which costs about 10 ms: never before the first window is painted.
"""

from __future__ import annotations

import math
from functools import cache

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QFont, QFontDatabase, QFontMetrics

from iouviewer.resource_files import resource_path
from iouviewer.ui.tokens import FONT_FAMILIES, FONT_FEATURES, MONO_FAMILIES, TYPE

LETTER_SPACING = 98.9
"""Per cent: Inter is drawn for 16 px and is wide at 12."""
TABULAR = QFont.Tag("tnum")


@cache
def _register() -> None:
    """Add the bundled fonts to the application. A font that Qt refuses leaves the families after it in the list."""
    for name in ("Inter.ttf", "JetBrainsMono-Regular.ttf"):
        QFontDatabase.addApplicationFontFromData(QByteArray(resource_path(f"fonts/{name}").read_bytes()))


def font(role: str) -> QFont:
    """A font by role.

    Args:
        role: caption, body, strong, title, headline, figure, canvas_label, key, rail or mono.
    """
    return QFont(_font(role))


@cache
def _font(role: str) -> QFont:
    _register()
    is_mono = role == "mono"
    style = TYPE["code" if is_mono else role]
    result = QFont()
    result.setFamilies(list(MONO_FAMILIES if is_mono else FONT_FAMILIES))
    # Qt's pixel sizes are integers; 10.5 px becomes 11.
    result.setPixelSize(math.floor(style.px + 0.5))
    result.setWeight(QFont.Weight(style.weight))
    if not is_mono:
        result.setLetterSpacing(QFont.SpacingType.PercentageSpacing, LETTER_SPACING)
        for tag in FONT_FEATURES:
            result.setFeature(QFont.Tag(tag), 1)
    return result


def tabular_font(font: QFont) -> QFont:
    """The font with tabular figures, which align numbers in columns."""
    result = QFont(font)
    result.setFeature(TABULAR, 1)
    return result


def text_width(role: str, text: str) -> int:
    """Width of a text in a role, in logical pixels."""
    return QFontMetrics(_font(role)).horizontalAdvance(text)
