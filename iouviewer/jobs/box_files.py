"""Box files for the doors: what ``cli`` and ``ui`` may use of ``formats``, which they do not import themselves."""

from __future__ import annotations

from pathlib import Path

from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats import registry
from iouviewer.formats.alignment import Alignment, find_alignment
from iouviewer.formats.dataset_roots import Part as DatasetPart
from iouviewer.formats.file_format import COMMON
from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.interface import BoxesToWrite, ReadContext
from iouviewer.formats.registry import (
    detect,
    find_dataset_parts,
    find_format,
    formats,
    refuse_frames_outside,
    supported_fields,
    text_kind,
    unsupported_fields,
    write_boxes,
)
from iouviewer.jobs.device_inputs import with_device_note

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


def read_boxes(path: Path, context: ReadContext | None = None) -> ImportedBoxes:
    """As ``registry.read_boxes``; predictions of a device say first whether their model was given the same images."""
    boxes = registry.read_boxes(path, context)
    return with_device_note(boxes, context.video_path if context is not None else "")
