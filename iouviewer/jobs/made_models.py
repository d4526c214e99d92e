"""The record beside a model that the program made: from which checkpoint, how, and on which frames it was calibrated.

It is ``made.json`` in the folder of a model, and ``NAME.made.json`` beside a model of one file. A record holds for the
bytes that it was written for, which it states by their hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.atomic import write_file
from iouviewer.document.frame_ranges import ranges_to_frames
from iouviewer.i18n import tr

_KEYS = {"format": str, "source": str, "source_sha256": str, "sha256": str, "imgsz": list, "versions": Mapping}


def record_path(model: Path) -> Path:
    """Where the record of a model file or folder is."""
    return model / "made.json" if model.is_dir() else model.with_name(f"{model.name}.made.json")


def write_record(model: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a model; UserError if that fails."""
    write_file(record_path(model), (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())


def read_record(model: Path, sha256: str) -> tuple[dict[str, Any] | None, str]:
    """The record of a model with this hash, None without one, and a note where a record is there but does not hold."""
    path = record_path(model)
    if not path.is_file():
        return None, ""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        _check(record)
    except (OSError, ValueError) as error:
        return None, tr(
            "the record of how {name} was made cannot be read ({reason}), so its calibration frames are unknown",
            name=model.name,
            reason=error,
        )
    if record["sha256"] != sha256:
        return None, tr(
            "{record} belongs to another file than {name}, so its calibration frames are unknown",
            record=path.name,
            name=model.name,
        )
    return record, ""


def _check(record: Any) -> None:
    """ValueError for anything that is not a record."""
    if not isinstance(record, dict):
        raise ValueError("not an object")
    for key, kind in _KEYS.items():
        if not isinstance(record.get(key), kind):
            raise ValueError(f"no {key}")
    calibration = record.get("calibration")
    if calibration is None:
        return
    if not isinstance(calibration, dict) or not isinstance(calibration.get("fingerprint"), str):
        raise ValueError("no fingerprint of the calibration frames")
    ranges_to_frames(calibration.get("frames", ()))
