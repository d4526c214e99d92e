"""The look of boxes on the canvas: that of exported pictures (``reports.box_look``), and the colours of classes."""

from __future__ import annotations

from PySide6.QtGui import QColor

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.classes import ClassTable
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.reports.box_look import NOT_COUNTED, BoxLook, prediction_look, truth_look
from iouviewer.ui.tokens import CLASS_COLOURS

__all__ = [
    "NOT_COUNTED",
    "BoxLook",
    "class_colour",
    "prediction_look",
    "track_colour",
    "truth_look",
    "with_alpha",
]


def class_colour(class_id: int, classes: ClassTable) -> str:
    """The colour of a class: the chosen one, else the usual one of its id; empty for no class."""
    if class_id == UNSPECIFIED_CLASS:
        return ""
    return classes.colour(class_id) or CLASS_COLOURS[class_id % len(CLASS_COLOURS)]


def track_colour(track: int) -> str:
    """The colour of a track; empty for no track."""
    return "" if track == NO_TRACK else CLASS_COLOURS[track % len(CLASS_COLOURS)]


def with_alpha(colour: str, alpha: float) -> QColor:
    """A colour ``#rrggbb`` with an opacity, 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result
