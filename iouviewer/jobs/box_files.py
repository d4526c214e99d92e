"""Box files for the doors: what ``cli`` and ``ui`` may use of ``formats``, which they do not import themselves."""

from __future__ import annotations

from iouviewer.formats.alignment import Alignment, find_alignment
from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.registry import detect, read_boxes, refuse_frames_outside, write_boxes

__all__ = ["SPLITS", "Alignment", "detect", "find_alignment", "read_boxes", "refuse_frames_outside", "write_boxes"]
