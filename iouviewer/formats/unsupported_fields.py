"""What a format cannot hold, said before the export and not found out after it."""

from __future__ import annotations

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.formats.interface import BoxesToWrite

_NO_TRACKS = {"yolo", "voc"}
_NO_SCORES = {"cvat", "voc", "labelme"}
_NO_OCCLUDED = {"yolo"}
_NO_TRUNCATED = {"mot", "yolo"}


def losses(data: BoxesToWrite, format_key: str) -> tuple[str, ...]:
    """One sentence for each thing that ``write_boxes`` would not keep of these boxes."""
    flags = np.asarray(data.flags, np.int64)
    found = []

    def count(flag: BoxFlag) -> int:
        return int(np.count_nonzero(flags & int(flag)))

    tracked = int(np.count_nonzero(np.asarray(data.track_ids) >= 0))
    if format_key == "yolo" and count(BoxFlag.IGNORED):
        found.append(
            f"{count(BoxFlag.IGNORED)} ignored boxes are left out: the format cannot say that they are ignored"
        )
    if format_key in _NO_TRACKS and tracked and not (format_key == "yolo" and data.scores is not None):
        found.append(f"the track ids of {tracked} boxes are not kept")
    if format_key == "cvat" and tracked < len(flags):
        found.append(f"{len(flags) - tracked} boxes without a track become tracks of one box")
    if format_key in _NO_SCORES and data.scores is not None:
        found.append("scores are not kept")
    if format_key == "mot" and data.scores is not None and len(data.class_names) > 1:
        found.append("classes are not kept: MOT detections have none")
    if count(BoxFlag.OCCLUDED) and (format_key in _NO_OCCLUDED or (format_key == "mot" and data.scores is not None)):
        found.append(f"{count(BoxFlag.OCCLUDED)} boxes lose their mark as occluded")
    if count(BoxFlag.TRUNCATED) and format_key in _NO_TRUNCATED:
        found.append(f"{count(BoxFlag.TRUNCATED)} boxes lose their mark as truncated")
    if format_key not in {"boxcsv", "coco", "cvat"} and count(BoxFlag.KEY_FRAME | BoxFlag.INTERPOLATED):
        found.append("marks of key frames and interpolated boxes are not kept")
    if format_key in {"mot", "boxcsv"} and data.labelled is not None and len(data.labelled) < data.frame_count:
        found.append("which frames are labelled is not kept: a reader takes every frame for labelled")
    return tuple(found)
