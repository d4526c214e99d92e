"""Box files for the doors: what ``cli`` and ``ui`` may use of ``formats``, which they do not import themselves."""

from __future__ import annotations

from iouviewer.formats.alignment import Alignment, find_alignment
from iouviewer.formats.dataset_roots import Part as DatasetPart
from iouviewer.formats.file_format import COMMON
from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.formats.registry import (
    detect,
    find_dataset_parts,
    find_format,
    formats,
    read_boxes,
    refuse_frames_outside,
    supported_fields,
    text_kind,
    unsupported_fields,
    write_boxes,
)

__all__ = [
    "COMMON",
    "SPLITS",
    "Alignment",
    "BoxesToWrite",
    "DatasetPart",
    "detect",
    "find_alignment",
    "find_dataset_parts",
    "find_format",
    "formats",
    "read_boxes",
    "refuse_frames_outside",
    "supported_fields",
    "text_kind",
    "unsupported_fields",
    "write_boxes",
]
