"""Predictions that were made on another device with ``iouviewer_device.py``: was the model given the same images there?

Scores compare models only where both sides fed them the same tensors. The file has a hash of each; this makes the
images again from the video as it is decoded here, with the letterbox of the same file, and compares.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from iouviewer.document.imported import ImportedBoxes, StatedFact
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.resource_files import resource_path

COMPARED = 20
"""Frames that are compared, spread over the video."""
DEVICE_FILE = "device/iouviewer_device.py"


@cache
def device_module() -> ModuleType:
    """The file that runs on devices, as a module: its letterbox and hash are those of both sides."""
    path = resource_path(DEVICE_FILE)
    spec = importlib.util.spec_from_file_location("iouviewer_device", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_device_note(boxes: ImportedBoxes, video: str) -> ImportedBoxes:
    """The predictions, with a note on their input where they come from a device; a fact where all is equal.

    Args:
        video: path of the video that they are read for; empty without one.
    """
    made = boxes.protocol.get("device_run")
    if not isinstance(made, Mapping):
        return boxes
    return replace(boxes, notes=(*boxes.notes, _input_note(made, str(boxes.protocol.get("device", "")), video)))


def _input_note(made: Mapping[str, Any], device: str, video: str) -> str:
    where = device or tr("another device")
    tensors, size = _strings(made.get("tensors")), _size(made.get("letterbox"))
    is_known = made.get("format") == device_module().FORMAT and made.get("padding") == device_module().PADDING
    if not is_known or not tensors or size is None:
        return tr("measured on {device}; what the model was given there cannot be compared", device=where)
    if not video or not Path(video).exists():
        return tr("measured on {device}; without the video what the model was given is not compared", device=where)
    try:
        differing, count = _compare(Path(video), tensors, size)
    except UserError as error:
        return tr(
            "measured on {device}; what the model was given is not compared: {reason}", device=where, reason=error
        )
    if not differing:
        return StatedFact(
            tr_n(
                "measured on {device}; the model was given the same images as here on {count} compared frame",
                "measured on {device}; the model was given the same images as here on all {count} compared frames",
                count,
                device=where,
            )
        )
    return tr(
        "measured on {device}; the model was given other images than here on {differing} of {count} compared frames "
        "(first: frame {frame}), so a difference in scores may be that of decoders or letterboxes",
        device=where,
        differing=len(differing),
        count=count,
        frame=differing[0],
    )


def _strings(value: Any) -> list[str]:
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []


def _size(value: Any) -> tuple[int, int] | None:
    """(height, width) of a list of two positive numbers."""
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(one, int) and one > 0 for one in value):
        return None
    return value[0], value[1]


def _compare(video: Path, tensors: list[str], size: tuple[int, int]) -> tuple[list[int], int]:
    """The compared frames whose images differ, and how many were compared."""
    from iouviewer.jobs.data_set import open_reader

    module, differing = device_module(), []
    reader = open_reader(video, ())
    try:
        last = min(len(tensors), reader.frame_count) - 1
        chosen = sorted({int(one) for one in np.linspace(0, last, min(COMPARED, last + 1)).round()})
        for frame in chosen:
            image, _scale, _padding = module.letterbox(np.asarray(reader.read(frame)), size)
            if module.tensor_digest(image) != tensors[frame]:
                differing.append(frame)
    finally:
        reader.close()
    return differing, len(chosen)
