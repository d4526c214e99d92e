"""The formats the program reads and writes, and the two doors to them: ``read_boxes`` and ``write_boxes``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from iouviewer.document.imported import ImportedBoxes, RefusedRow
from iouviewer.errors import UserError
from iouviewer.formats import box_csv
from iouviewer.formats.detection import detect
from iouviewer.formats.gc_pause import collector_paused
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite, Detected, FormatInfo, Place, ReadContext
from iouviewer.formats.unsupported_fields import losses

__all__ = [
    "UNSPECIFIED_NAME",
    "BoxesToWrite",
    "Detected",
    "FormatInfo",
    "Place",
    "ReadContext",
    "detect",
    "formats",
    "losses",
    "read_boxes",
    "refuse_outside",
    "write_boxes",
]

Reader = Callable[[Path, ReadContext], ImportedBoxes]
Writer = Callable[[Path, BoxesToWrite], None]

_FORMATS = (
    FormatInfo("mot", "MOTChallenge text", (".txt",), can_write=True, is_folder=False),
    FormatInfo("coco", "COCO JSON", (".json",), can_write=True, is_folder=False),
    FormatInfo("cvat", "CVAT XML 1.1", (".xml", ".zip"), can_write=True, is_folder=False),
    FormatInfo("yolo", "YOLO labels folder", (), can_write=True, is_folder=True),
    FormatInfo("voc", "Pascal VOC XML folder", (), can_write=True, is_folder=True),
    FormatInfo("labelme", "labelme JSON folder", (), can_write=True, is_folder=True),
    FormatInfo("labelstudio", "Label Studio video JSON", (".json",), can_write=False, is_folder=False),
    FormatInfo("boxcsv", "box CSV", (".csv",), can_write=True, is_folder=False),
    FormatInfo("score_csv", "score CSV", (".csv",), can_write=False, is_folder=False, can_read=False),
)
# Each module is loaded when its format is first used.
_READERS = {
    "mot": "mot",
    "coco": "coco",
    "cvat": "cvat",
    "yolo": "yolo",
    "voc": "voc",
    "labelme": "labelme",
    "labelstudio": "label_studio",
    "boxcsv": "box_csv",
}
_WRITERS = {
    "mot": "mot",
    "coco": "coco_write",
    "cvat": "cvat_write",
    "yolo": "yolo_write",
    "voc": "voc",
    "labelme": "labelme",
    "boxcsv": "box_csv",
}


def formats() -> tuple[FormatInfo, ...]:
    """All formats, in the order in which menus show them; ``score_csv`` can be neither read nor written."""
    return _FORMATS


def _function(module: str, name: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", getattr(importlib.import_module(f"iouviewer.formats.{module}"), name))


def read_boxes(path: Path, context: ReadContext | None = None, *, format: str | None = None) -> ImportedBoxes:
    """Boxes of a file or folder; rows that may not enter are in ``refused``, never dropped silently.

    Args:
        format: key of the format; None: recognised by content.

    Raises:
        UserError: missing, unreadable, damaged or unknown file; a score CSV.
    """
    path = Path(path)
    context = context or ReadContext()
    if format is None:
        found = detect(path)
        if found is None:
            raise UserError(
                "is in no format that iouviewer reads",
                path=path,
                remedy=f"It reads {', '.join(info.name for info in _FORMATS if info.can_read)}.",
            )
        format = found.format
    elif not path.exists():
        raise UserError("does not exist", path=path)
    if format == "score_csv":
        raise UserError(
            box_csv.NO_BOXES, path=path, remedy="Open the ground truth or predictions it was computed from."
        )
    if format not in _READERS:
        raise UserError(f"there is no format {format!r} to read", remedy=f"Known are {', '.join(_READERS)}.")
    with collector_paused():
        result = cast("Reader", _function(_READERS[format], "read"))(path, context)
    if context.missing is not None:
        result = _with_missing(result, context)
    return result


def _with_missing(result: ImportedBoxes, context: ReadContext) -> ImportedBoxes:
    """Apply what the user says of frames that the file does not mention."""
    if context.missing == "empty":
        return replace(result, labelled=None)
    if result.labelled is None:
        return replace(result, labelled=np.unique(result.frames))
    return result


def refuse_outside(boxes: ImportedBoxes, frame_count: int) -> ImportedBoxes:
    """The same boxes with those before frame 0 or after the last picture moved to ``refused``.

    Readers do not do this themselves, because the frame offset may still be changed after reading.
    """
    outside = (boxes.frames < 0) | (boxes.frames >= frame_count)
    if not outside.any():
        return boxes
    keep = ~outside
    reason = "frame {} lies outside the video, whose frames are 0 to {}"
    refused = [RefusedRow(boxes.path, None, reason.format(f, frame_count - 1)) for f in boxes.frames[outside].tolist()]
    return replace(
        boxes,
        frames=boxes.frames[keep],
        boxes=np.ascontiguousarray(boxes.boxes[:, keep]),
        class_ids=boxes.class_ids[keep],
        scores=None if boxes.scores is None else boxes.scores[keep],
        track_ids=boxes.track_ids[keep],
        flags=boxes.flags[keep],
        refused=(*boxes.refused, *refused),
    )


def write_boxes(path: Path, data: BoxesToWrite, *, format: str) -> None:
    """Write boxes as ``format``: a new file in one step, what stood there before stays until then.

    Raises:
        UserError: disk full, no permission, a folder that is not empty, or a format that cannot be written.
    """
    if format not in _WRITERS:
        raise UserError(f"there is no format {format!r} to write", remedy=f"Known are {', '.join(_WRITERS)}.")
    with collector_paused():
        cast("Writer", _function(_WRITERS[format], "write"))(Path(path), data)
